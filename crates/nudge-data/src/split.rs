//! Records for training and records for measuring.
//!
//! The two must not share a prompt: completions to one prompt resemble each other, and a model that has
//! seen some of them is not measured by the others.

use std::collections::HashSet;
use std::hash::Hash;

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::error::DataError;
use crate::jsonl::{line_error, lines, parse};
use crate::prompt::Prompt;
use crate::rankings::Comparison;
use crate::rng::Rng;
use crate::template::Message;

/// Sets some prompts aside with all their comparisons: `(train, held_out)`, each in the given order.
///
/// `held_out_fraction` counts prompts, not comparisons. A fraction above zero holds out at least
/// one prompt and leaves at least one, if there are two or more; a single prompt stays in training.
/// The same input and seed give the same split.
///
/// # Panics
///
/// If `held_out_fraction` is not in `[0, 1]`.
pub fn split_by_prompt(
    comparisons: Vec<Comparison>,
    held_out_fraction: f32,
    seed: u64,
) -> (Vec<Comparison>, Vec<Comparison>) {
    let prompts = comparisons.iter().map(|comparison| &comparison.prompt);
    let held_out = held_out_prompts(prompts, held_out_fraction, seed);
    comparisons.into_iter().partition(|comparison| !held_out.contains(&comparison.prompt))
}

/// The prompts that [`split_by_prompt`] sets aside: a `fraction` of all different ones, drawn by `seed`.
///
/// # Panics
///
/// If `fraction` is not in `[0, 1]`.
pub fn held_out_prompts<'a>(prompts: impl Iterator<Item = &'a Prompt>, fraction: f32, seed: u64) -> HashSet<Prompt> {
    held_out_keys(&prompts.collect::<Vec<_>>(), fraction, seed).into_iter().cloned().collect()
}

/// A JSONL text in two, and how many there are of what.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SplitLines {
    /// Lines to train on, in the given order, each as it was and ended by a line feed.
    pub train: String,
    /// Lines to measure on.
    pub held_out: String,
    /// Records in `train`.
    pub train_records: usize,
    /// Records in `held_out`.
    pub held_out_records: usize,
    /// Different prompts in `train`.
    pub train_prompts: usize,
    /// Different prompts in `held_out`.
    pub held_out_prompts: usize,
}

/// Splits the records of a JSONL text by prompt, as [`split_by_prompt`] splits comparisons: rankings, candidates,
/// pairs, demonstrations, prompts, unpaired records and conversations alike.
///
/// The prompt is the field `prompt`, else the conversation before its first assistant's turn (`messages`), else what
/// `chosen` and `rejected` begin with in common, else `text`. Prompts that differ in whitespace at their ends alone,
/// and a text and a conversation of that one turn, are the same prompt and stay together.
///
/// # Errors
///
/// [`DataError::Line`] for a line that is no record or has no prompt.
///
/// # Panics
///
/// If `held_out_fraction` is not in `[0, 1]`.
pub fn split_lines(source_name: &str, text: &str, held_out_fraction: f32, seed: u64) -> Result<SplitLines, DataError> {
    let records: Vec<(&str, Vec<Message>)> = lines(text)
        .map(|(line, content)| match prompt_of(content) {
            Ok(prompt) => Ok((content, prompt)),
            Err(reason) => Err(line_error(source_name, line, reason)),
        })
        .collect::<Result<_, _>>()?;
    let prompts: Vec<&Vec<Message>> = records.iter().map(|(_, prompt)| prompt).collect();
    let held_out = held_out_keys(&prompts, held_out_fraction, seed);
    let all: HashSet<&Vec<Message>> = prompts.into_iter().collect();
    let mut split = SplitLines {
        train_prompts: all.len() - held_out.len(),
        held_out_prompts: held_out.len(),
        ..SplitLines::default()
    };
    for (content, prompt) in &records {
        let (side, count) = match held_out.contains(prompt) {
            true => (&mut split.held_out, &mut split.held_out_records),
            false => (&mut split.train, &mut split.train_records),
        };
        side.push_str(content);
        side.push('\n');
        *count += 1;
    }
    Ok(split)
}

/// What is asked in a record of any kind, without whitespace around it.
fn prompt_of(content: &str) -> Result<Vec<Message>, String> {
    let fields: Map<String, Value> = parse(content)?;
    let wrong = |field: &str| format!("`{field}` is neither a text nor a list of messages {{\"role\",\"content\"}}");
    let turns = |field: &str| match fields.get(field) {
        None | Some(Value::Null) => Ok(None),
        Some(value) => Prompt::deserialize(value).map(|prompt| Some(prompt.messages())).map_err(|_| wrong(field)),
    };
    let mut prompt = if let Some(prompt) = turns("prompt")? {
        prompt
    } else if let Some(mut messages) = turns("messages")? {
        messages.truncate(messages.iter().position(|turn| turn.role == "assistant").unwrap_or(messages.len()));
        messages
    } else if let (Some(chosen), Some(rejected)) = (turns("chosen")?, turns("rejected")?) {
        let common = chosen.iter().zip(&rejected).take_while(|(one, other)| one == other).count();
        chosen[..common].to_vec()
    } else if let Some(text) = turns("text")? {
        text
    } else {
        return Err("it has no prompt: give `prompt`, `messages`, `chosen` and `rejected`, or `text`".to_owned());
    };
    prompt.iter_mut().for_each(|turn| turn.content = turn.content.trim().to_owned());
    match prompt.iter().all(|turn| turn.content.is_empty()) {
        true => Err("its prompt is empty; fill it or remove the line".to_owned()),
        false => Ok(prompt),
    }
}

/// The keys that are held out: a share of the different ones, by seed and order of first sight.
fn held_out_keys<'a, K: Eq + Hash>(keys: &[&'a K], fraction: f32, seed: u64) -> HashSet<&'a K> {
    assert!((0.0..=1.0).contains(&fraction), "held_out_fraction is {fraction}, outside [0, 1]");
    let mut seen = HashSet::new();
    let mut keys: Vec<&K> = keys.iter().copied().filter(|key| seen.insert(*key)).collect();
    if fraction == 0.0 || keys.len() < 2 {
        return HashSet::new();
    }
    let wanted = (keys.len() as f32 * fraction).round() as usize;
    let count = wanted.clamp(1, keys.len() - 1);
    Rng::new(seed).shuffle(&mut keys);
    keys.into_iter().take(count).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn comparison(prompt: &str) -> Comparison {
        let completions = vec!["a".to_owned(), "b".to_owned()];
        let tiers = vec![vec![0], vec![1]];
        Comparison { prompt: prompt.into(), completions, pairs: vec![(0, 1)], tiers, margin: None, label: None }
    }

    #[test]
    fn a_split_never_empties_the_training_side() {
        let sizes = |prompts: &[&str], fraction| {
            let comparisons = prompts.iter().map(|prompt| comparison(prompt)).collect();
            let (train, held_out) = split_by_prompt(comparisons, fraction, 1);
            (train.len(), held_out.len())
        };
        assert_eq!(sizes(&["a"], 0.5), (1, 0));
        assert_eq!(sizes(&["a", "b"], 0.01), (1, 1));
        assert_eq!(sizes(&["a", "b"], 1.0), (1, 1));
        assert_eq!(sizes(&["a", "b", "c"], 0.0), (3, 0));
        assert_eq!(sizes(&[], 0.5), (0, 0));
    }

    #[test]
    fn records_of_every_kind_are_split_by_prompt() {
        let text = concat!(
            "\u{feff}{\"prompt\":\"a\",\"completions\":[],\"ranking\":[]}\r\n\n",
            r#"{"prompt":[{"role":"user","content":"a "}],"completion":"x"}"#,
            "\n",
            r#"{"messages":[{"role":"user","content":"a"},{"role":"assistant","content":"x"}]}"#,
            "\n",
            r#"{"chosen":[{"role":"user","content":"a"},{"role":"assistant","content":"x"}],"#,
            r#""rejected":[{"role":"user","content":"a"},{"role":"assistant","content":"y"}]}"#,
            "\n",
            r#"{"text":"b"}"#,
        );
        let split = split_lines("x.jsonl", text, 0.5, 1).expect("splits");
        let sizes = [split.train_records, split.held_out_records];
        assert!(sizes == [4, 1] || sizes == [1, 4], "the four of one prompt stay together: {sizes:?}");
        assert_eq!((split.train_prompts, split.held_out_prompts), (1, 1));
        let mut kept: Vec<&str> = split.train.lines().chain(split.held_out.lines()).collect();
        kept.sort_unstable();
        let mut given: Vec<&str> = lines(text).map(|(_, line)| line).collect();
        given.sort_unstable();
        assert_eq!(kept, given, "every line is kept as it was");
    }

    #[test]
    fn what_has_no_prompt_is_named_by_its_line() {
        let refused = [
            (r#"{"completion":"x"}"#, "it has no prompt"),
            (r#"{"chosen":"x","rejected":"y"}"#, "its prompt is empty"),
            (r#"{"prompt":" ","completion":"x"}"#, "its prompt is empty"),
            (r#"{"prompt":3}"#, "`prompt` is neither a text nor"),
            ("nonsense", "not valid JSON"),
        ];
        for (line, part) in refused {
            let text = format!("{{\"text\":\"b\"}}\n{line}");
            let message = split_lines("x.jsonl", &text, 0.5, 1).expect_err("is refused").to_string();
            assert!(message.starts_with("x.jsonl, line 2: ") && message.contains(part), "{message}");
        }
    }

    proptest! {
        #[test]
        fn no_prompt_is_on_both_sides(
            prompts in prop::collection::vec("[a-d]{1,2}", 0..40),
            fraction in 0.0f32..=1.0,
            seed: u64,
        ) {
            let comparisons: Vec<Comparison> = prompts.iter().map(|p| comparison(p)).collect();
            let (train, held_out) = split_by_prompt(comparisons.clone(), fraction, seed);
            prop_assert_eq!(train.len() + held_out.len(), comparisons.len());
            let train_prompts: HashSet<&Prompt> = train.iter().map(|c| &c.prompt).collect();
            prop_assert!(held_out.iter().all(|c| !train_prompts.contains(&c.prompt)));
            prop_assert_eq!(split_by_prompt(comparisons, fraction, seed), (train, held_out));
        }
    }
}
