//! The loop's own logic, without I/O: which prompts may teach, what is asked next, what examples and edits become, which
//! answers count as usable. Terminal and page call it.
//!
//! A person gives three kinds of feedback, in the order of what they teach in a minute: an *example* (a prompt with the
//! answer they would give), an *edit* (a completion made better: an example and a preference at once), and a *ranking*.

use crate::SessionError;
use crate::protocol::UsableShare;
use crate::words::Words;
use nudge_data::{CandidatesRecord, DemonstrationRecord, Edit, Prompt, RankingRecord, Rng};
use nudge_rlhf::WinRate;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// Fewer prompts leave nothing to hold out.
pub const FEWEST_PROMPTS: usize = 4;
/// Share of the prompts that nothing is learnt from, where nobody says otherwise.
pub const HELD_OUT: f32 = 0.25;
/// Examples that a person is asked for: more of them added little where it was measured (`tests/README.md`).
pub const EXAMPLES: usize = 8;
/// Below it a person is asked for more.
pub const FEW_EXAMPLES: usize = 5;
/// Screens in a row without a good answer after which examples teach more than further rankings.
pub const BAD_SCREENS: usize = 2;
/// The labeler of rankings that come from examples.
pub const EXAMPLE_LABELER: &str = "example";
/// Field and value by which a ranking says that its completions are tied because all of them are good.
const FLAGS: &str = "flags";
const ALL_GOOD: &str = "all_good";

/// How prompts are divided.
#[derive(Debug, Clone, Copy)]
pub struct Division {
    /// Share of the prompts that nothing is learnt from.
    pub held_out: f32,
    /// Most prompts that are compared on.
    pub compared: usize,
    /// Prompts that the person answers first; others are ranked before these.
    pub shown: usize,
    /// Prompts whose completions are ranked.
    pub ranked: usize,
    /// Seed of the order.
    pub seed: u64,
}

/// Divided prompts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct Prompts {
    /// To learn from. Those with an example stand last: their answers are known.
    #[cfg_attr(test, ts(type = "Prompt[]"))]
    pub learn: Vec<Prompt>,
    /// Of these, the ones whose completions are ranked.
    #[cfg_attr(test, ts(type = "Prompt[]"))]
    pub ranked: Vec<Prompt>,
    /// To compare on.
    #[cfg_attr(test, ts(type = "Prompt[]"))]
    pub held_out: Vec<Prompt>,
}

/// What a person should know of their examples before these are learnt.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct ExampleNotes {
    /// Places, counted from 0, of examples whose prompt is held out: a model would be judged on what it was shown.
    pub held_out: Vec<usize>,
    /// Prompts with several different examples.
    pub contradicted: usize,
    /// Whether there are some, but fewer than teach well.
    pub few: bool,
}

/// Divides `prompts`, each taken once, in an order drawn from the seed. Prompts with an example are learnt from: a model
/// would be judged on what it was shown.
///
/// # Errors
/// If too few prompts are left to compare on.
pub fn divide(
    prompts: impl IntoIterator<Item = Prompt>,
    examples: &[DemonstrationRecord],
    division: Division,
) -> Result<Prompts, SessionError> {
    let shown: BTreeSet<Prompt> = examples.iter().map(|example| example.prompt.trim_end()).collect();
    let mut seen = BTreeSet::new();
    let mut all: Vec<Prompt> = prompts.into_iter().filter(|prompt| seen.insert(prompt.trim_end())).collect();
    if all.len() < FEWEST_PROMPTS {
        return Err(SessionError::Nothing(format!(
            "there are {} different prompts; give {FEWEST_PROMPTS} or more, better 40",
            all.len()
        )));
    }
    Rng::with_stream(division.seed, 0).shuffle(&mut all);
    let share = (division.held_out * all.len() as f32).round() as usize;
    let share = share.clamp(1, all.len() - 2);
    let (known, mut learn): (Vec<_>, Vec<_>) = all.into_iter().partition(|prompt| shown.contains(&prompt.trim_end()));
    if learn.is_empty() {
        return Err(SessionError::Nothing(
            "every prompt has an example, so none is left to compare on; give prompts without one".into(),
        ));
    }
    let mut held_out = learn.split_off(learn.len() - share.min(learn.len()));
    held_out.truncate(division.compared.max(1));
    learn.extend(known);
    let mut ranked = learn.clone();
    ranked.rotate_left(division.shown.min(learn.len()));
    ranked.truncate(division.ranked);
    Ok(Prompts { learn, ranked, held_out })
}

/// What is to be known of `examples`, of which none may ask for what is `held_out`.
pub fn look_over(examples: &[DemonstrationRecord], held_out: &[Prompt]) -> ExampleNotes {
    let held_out: BTreeSet<Prompt> = held_out.iter().map(Prompt::trim_end).collect();
    let mut notes = ExampleNotes { few: (1..FEW_EXAMPLES).contains(&examples.len()), ..Default::default() };
    let mut answers: BTreeMap<Prompt, BTreeSet<&str>> = BTreeMap::new();
    for (place, example) in examples.iter().enumerate() {
        let prompt = example.prompt.trim_end();
        if held_out.contains(&prompt) {
            notes.held_out.push(place);
        }
        answers.entry(prompt).or_default().insert(example.completion.trim());
    }
    notes.contradicted = answers.values().filter(|answers| answers.len() > 1).count();
    notes
}

/// [`look_over`] in words, for somebody at a terminal.
///
/// # Errors
/// For an example that says nothing, and one whose prompt is among those to compare on.
pub fn check_examples(examples: &[DemonstrationRecord], held_out: &[Prompt]) -> Result<Vec<String>, SessionError> {
    let wrong = |place: usize, reason| SessionError::Record { index: place + 1, reason };
    for (place, example) in examples.iter().enumerate() {
        example.check().map_err(|reason| wrong(place, reason))?;
    }
    let notes = look_over(examples, held_out);
    if let Some(place) = notes.held_out.first() {
        let reason = "its prompt is held out to compare on, and a model would be judged on what it was shown; give an \
                      example for another prompt";
        return Err(wrong(*place, reason.into()));
    }
    let contradicted = (notes.contradicted > 0).then(|| {
        format!("prompts with several different examples: {}; the model learns all of them", notes.contradicted)
    });
    let few = notes.few.then(|| format!("few examples: {}; {FEW_EXAMPLES} to 12 teach much more", examples.len()));
    Ok(contradicted.into_iter().chain(few).collect())
}

/// Each example as a ranking, above the model's own completions of its prompt (DITTO, Shaikh et al. 2024, equation 3).
/// Completions equal to it are left out, and so are examples whose prompt has no others.
pub fn examples_above(examples: &[DemonstrationRecord], candidates: &[CandidatesRecord]) -> Vec<RankingRecord> {
    let completions: BTreeMap<Prompt, &CandidatesRecord> =
        candidates.iter().map(|record| (record.prompt.trim_end(), record)).collect();
    let ranking = |(index, example): (usize, &DemonstrationRecord)| {
        let record = completions.get(&example.prompt.trim_end())?;
        let mut own = record.completions.clone();
        own.retain(|completion| completion.text.trim() != example.completion.trim());
        (!own.is_empty()).then(|| RankingRecord {
            id: format!("example-{}", index + 1),
            prompt: example.prompt.clone(),
            ranking: vec![(0..own.len()).collect()],
            completions: own,
            labeler: Some(EXAMPLE_LABELER.into()),
            seconds: None,
            edit: Some(Edit { of: None, text: example.completion.clone() }),
            extra: Default::default(),
        })
    };
    examples.iter().enumerate().filter_map(ranking).collect()
}

/// Whether the last screens were all without a good answer: ties of everything, unless all of it was good, or answers
/// written anew. Then examples teach more than further rankings.
pub fn wants_examples(rankings: &[RankingRecord]) -> bool {
    let all_good = |record: &RankingRecord| {
        record.extra.get(FLAGS).and_then(Value::as_array).is_some_and(|flags| flags.iter().any(|flag| flag == ALL_GOOD))
    };
    let bad = |record: &RankingRecord| match &record.edit {
        Some(edit) => edit.of.is_none(),
        None => record.ties_everything() && !all_good(record),
    };
    rankings.len() >= BAD_SCREENS && rankings[rankings.len() - BAD_SCREENS..].iter().all(bad)
}

/// A completion that was drawn, as far as choosing among several of a prompt needs it.
#[derive(Debug, Clone, Copy)]
pub struct Drawn<'a> {
    /// Its text.
    pub text: &'a str,
    /// Whether it ended by itself.
    pub ended: bool,
    /// Its length, in any unit.
    pub length: usize,
}

/// What a tokenizer writes for bytes that are no text.
const BROKEN: char = '\u{FFFD}';

/// The places of `k` of the completions drawn of one prompt, in the order of their draws.
///
/// Those come first that a person can tell apart and that are whole: no two equal, ended, without broken characters, and
/// without words that neither the model's corpus (`known`) nor the prompt has. Of these a spread is taken, over
/// dialogue and its absence and over their lengths: a ranking of what is alike teaches little, and a model that hardly
/// ever ends cannot learn it from four answers that are all cut off.
pub fn worth_ranking(drawn: &[Drawn<'_>], k: usize, prompt: &str, known: Option<&Words>) -> Vec<usize> {
    let mut seen = BTreeSet::new();
    let (differ, twins): (Vec<usize>, Vec<usize>) =
        (0..drawn.len()).partition(|place| seen.insert(drawn[*place].text.trim()));
    let asked = known.map(|_| Words::of(prompt)).unwrap_or_default();
    let invents = |text: &str| known.is_some_and(|known| known.unknown(text).any(|word| !asked.has(&word)));
    let (mut whole, flawed): (Vec<usize>, Vec<usize>) = differ.into_iter().partition(|place| {
        let Drawn { text, ended, .. } = drawn[*place];
        ended && !text.contains(BROKEN) && !invents(text)
    });
    whole.sort_by_key(|place| (drawn[*place].text.contains(['"', '“']), drawn[*place].length));
    let wanted = k.min(whole.len());
    let spread = (0..wanted).map(|place| whole[place * (whole.len() - 1) / (wanted - 1).max(1)]);
    let rest = flawed.into_iter().chain(twins).take(k - wanted);
    let mut kept: Vec<usize> = spread.chain(rest).collect();
    kept.sort_unstable();
    kept
}

/// How many answers somebody would use, with the 95 % interval of their share.
pub fn usable_share(answers: impl IntoIterator<Item = bool>) -> UsableShare {
    let (mut yes, mut of) = (0, 0);
    for usable in answers {
        yes += usize::from(usable);
        of += 1;
    }
    let WinRate { low, high, .. } = WinRate::new(yes, 0, of - yes);
    UsableShare { yes, of, low, high }
}

#[cfg(test)]
mod tests {
    use super::*;
    use nudge_data::Completion;

    fn example(prompt: &str, completion: &str) -> DemonstrationRecord {
        let (prompt, completion) = (prompt.into(), completion.into());
        DemonstrationRecord { prompt, completion, task: None, split: None, extra: Default::default() }
    }

    fn prompts(count: usize) -> Vec<Prompt> {
        (0..count).map(|number| format!("prompt {number}").as_str().into()).collect()
    }

    const DIVISION: Division = Division { held_out: 0.25, compared: 30, shown: 0, ranked: 6, seed: 1 };

    #[test]
    fn prompts_with_an_example_are_learnt_from() {
        let examples: Vec<_> = (0..9).map(|number| example(&format!("prompt {number}\n"), "answer")).collect();
        let divided = divide(prompts(12), &examples, DIVISION).unwrap();
        assert_eq!((divided.learn.len(), divided.held_out.len(), divided.ranked.len()), (9, 3, 6));
        assert!(check_examples(&examples, &divided.held_out).unwrap().is_empty());
        let without = divide(prompts(12), &[], DIVISION).unwrap();
        assert_eq!((without.learn.len(), without.held_out.len()), (9, 3));
        // Those with an example are ranked only where no others are left.
        let few = divide(prompts(12), &examples[..2], DIVISION).unwrap();
        assert!(few.ranked.iter().all(|prompt| !examples[..2].iter().any(|one| one.prompt.trim_end() == *prompt)));
        let asked = divide(prompts(12), &[], Division { shown: 8, ..DIVISION }).unwrap();
        assert_eq!((&asked.ranked[..1], &asked.ranked[1..]), (&asked.learn[8..], &asked.learn[..5]));
        let all: Vec<_> = (0..12).map(|number| example(&format!("prompt {number}"), "answer")).collect();
        assert!(divide(prompts(12), &all, DIVISION).unwrap_err().to_string().contains("every prompt has an example"));
        assert!(divide(prompts(3), &[], DIVISION).unwrap_err().to_string().contains("3 different prompts"));
    }

    #[test]
    fn what_is_wrong_with_examples_is_said() {
        let held_out = prompts(1);
        let refused = check_examples(&[example("a", "b"), example("prompt 0", "c")], &held_out).unwrap_err();
        assert!(refused.to_string().contains("held out to compare on"), "{refused}");
        let notes = look_over(&[example("a", "b"), example("prompt 0 ", "c"), example("a", "d")], &held_out);
        assert_eq!(notes, ExampleNotes { held_out: vec![1], contradicted: 1, few: true });
        assert!(check_examples(&[example("a", " ")], &[]).is_err());
        let notes = check_examples(&[example("a", "b"), example("a", "c")], &[]).unwrap().join("; ");
        assert!(notes.contains("several different examples: 1") && notes.contains("few examples: 2"), "{notes}");
        assert!(check_examples(&vec![example("a", "b"); 10_000], &[]).unwrap().is_empty());
    }

    #[test]
    fn an_example_stands_above_the_models_own_completions() {
        let candidates = CandidatesRecord {
            id: "c".into(),
            prompt: "p".into(),
            completions: ["x", "good", "y"].map(Completion::from_text).to_vec(),
            extra: Default::default(),
        };
        let records = examples_above(&[example("p", "good"), example("q", "other")], &[candidates]);
        assert_eq!(records.len(), 1, "nothing was sampled for q");
        assert_eq!(records[0].with_edit().ranking, [vec![2], vec![0, 1]]);
        assert_eq!(records[0].validate(), Ok(()));
    }

    #[test]
    fn two_bad_screens_ask_for_examples() {
        let screen = |ranking: Vec<Vec<usize>>, edit: Option<Edit>| RankingRecord {
            id: "r".into(),
            prompt: "p".into(),
            completions: ["a", "b"].map(Completion::from_text).to_vec(),
            ranking,
            labeler: None,
            seconds: None,
            edit,
            extra: Default::default(),
        };
        let tied = || screen(vec![vec![0, 1]], None);
        let anew = screen(vec![vec![0, 1]], Some(Edit { of: None, text: "c".into() }));
        let edited = screen(vec![vec![0, 1]], Some(Edit { of: Some(0), text: "c".into() }));
        let ranked = screen(vec![vec![1], vec![0]], None);
        assert!(wants_examples(&[tied(), anew.clone()]) && wants_examples(&[ranked.clone(), anew, tied()]));
        assert!(!wants_examples(&[tied()]) && !wants_examples(&[tied(), ranked]) && !wants_examples(&[tied(), edited]));
        let mut good = tied();
        good.extra.insert(FLAGS.into(), serde_json::json!([ALL_GOOD]));
        assert!(!wants_examples(&[tied(), good]), "all of them are good");
    }

    #[test]
    fn whole_completions_that_differ_are_worth_ranking() {
        let kept = |drawn: &[(&str, bool)], k: usize, known: Option<&Words>| {
            let drawn: Vec<_> =
                drawn.iter().map(|(text, ended)| Drawn { text, ended: *ended, length: text.len() }).collect();
            worth_ranking(&drawn, k, "about Zorb", known)
        };
        let (end, cut) = (true, false);
        let lengths =
            [("ccc", cut), ("aaaaa", end), ("a", end), ("bbb", cut), ("aaaa", end), ("aa", end), ("aaaaaaa", end)];
        assert_eq!(kept(&lengths, 3, None), [2, 4, 6]);
        assert_eq!(kept(&lengths[..4], 3, None), [0, 1, 2], "in the order of their draws");
        assert_eq!(kept(&[("aaa", cut), ("aa", cut), ("a", cut)], 2, None), [0, 1]);
        assert_eq!(kept(&[("aaa", end), ("aa", cut), ("a", end)], 3, None), [0, 1, 2], "all of them, as they came");
        assert_eq!(
            kept(&[("a", end), ("a ", end), ("b", cut), ("c\u{FFFD}", end)], 3, None),
            [0, 2, 3],
            "twins come last"
        );
        let spoken = [("long enough to be last", end), ("a", end), ("\"b\"", end), ("cc", end)];
        assert_eq!(kept(&spoken, 2, None), [1, 2], "one with dialogue, one without");
        let known = Words::of("a cat saw");
        assert_eq!(
            kept(&[("A toolible cat.", end), ("Zorb saw a cat.", end), ("A cat saw.", end)], 2, Some(&known)),
            [1, 2]
        );
        assert_eq!(kept(&[("A toolible cat.", end)], 2, Some(&known)), [0], "better than none");
    }

    #[test]
    fn the_share_of_usable_answers_has_an_interval() {
        let share = usable_share([true, true, false, true]);
        assert_eq!((share.yes, share.of), (3, 4));
        assert!(share.low < 0.75 && 0.75 < share.high);
        assert_eq!(usable_share([]), UsableShare { yes: 0, of: 0, low: 0.0, high: 1.0 });
    }
}
