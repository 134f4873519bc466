//! What completions read like, counted: how many are different, how many begin alike, whether they speak of what was
//! asked, how long they are. English in the words that count as common; everything else in any language.

use crate::labeler::text::{content_words, words};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// Words that make an opening: long enough that a greeting by name and a phrase behind it differ.
const OPENING: usize = 4;
/// Words from which on a sentence that comes twice is no refrain such as "Oh no!".
const SENTENCE: usize = 4;
/// What a model says that does not answer: English, as instruction-tuned models have it.
const REFUSALS: [&str; 11] = [
    "as an ai",
    "i'm an ai",
    "i am an ai",
    "as a language model",
    "i'm sorry but",
    "i'm sorry for any",
    "i'm sorry for the",
    "i am sorry but",
    "i cannot assist",
    "i can't assist",
    "i'm unable to",
];

/// What one model's completions of different prompts are like.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct Writing {
    /// Completions.
    pub completions: usize,
    /// Mean number of words.
    pub words: f64,
    /// Share of completions that nothing stands in.
    pub empty: f64,
    /// Different completions over all.
    pub distinct: f64,
    /// Share of the prompts whose completion begins with the most frequent opening.
    pub same_opening: f64,
    /// That opening.
    pub opening: String,
    /// Mean share of the prompt's content words that the completion has too.
    pub prompt_words: f64,
}

impl Writing {
    /// Counts over `(prompt, completion)`. Nothing where there is none.
    pub fn of<'a>(written: impl Iterator<Item = (&'a str, &'a str)>) -> Option<Self> {
        let written: Vec<(&str, &str)> = written.collect();
        let count = written.len() as f64;
        if written.is_empty() {
            return None;
        }
        let share = |part: usize| part as f64 / count;
        let different: BTreeSet<&str> = written.iter().map(|(_, text)| text.trim()).collect();
        let (opening, same_opening) = most_frequent_opening(&written);
        Some(Self {
            completions: written.len(),
            words: written.iter().map(|(_, text)| text.split_whitespace().count()).sum::<usize>() as f64 / count,
            empty: share(written.iter().filter(|(_, text)| text.trim().is_empty()).count()),
            distinct: share(different.len()),
            same_opening,
            opening,
            prompt_words: written.iter().map(|(prompt, text)| spoken_of(prompt, text)).sum::<f64>() / count,
        })
    }
}

/// Whether a completion refuses, apologises or speaks of being an AI.
pub(super) fn is_refusal(text: &str) -> bool {
    let text = text.to_lowercase().replace('\u{2019}', "'");
    let words = text.split(|character: char| !character.is_alphanumeric() && character != '\'');
    let text = format!(" {} ", words.filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" "));
    REFUSALS.iter().any(|refusal| text.contains(&format!(" {refusal} ")))
}

/// Whether a completion says a sentence twice.
pub(super) fn repeats_a_sentence(text: &str) -> bool {
    let sentences = text.split(['.', '!', '?', '\n', '\u{3002}']).map(words);
    let mut seen = BTreeSet::new();
    sentences.filter(|sentence| sentence.len() >= SENTENCE).any(|sentence| !seen.insert(sentence))
}

/// The opening that most prompts are answered with, and their share. A prompt counts once, however often it was
/// answered.
fn most_frequent_opening(written: &[(&str, &str)]) -> (String, f64) {
    let mut prompts_of: BTreeMap<String, BTreeSet<&str>> = BTreeMap::new();
    let prompts: BTreeSet<&str> = written.iter().map(|(prompt, _)| *prompt).collect();
    for (prompt, text) in written {
        let opening: Vec<String> = words(text).into_iter().take(OPENING).collect();
        if opening.len() == OPENING {
            prompts_of.entry(opening.join(" ")).or_default().insert(prompt);
        }
    }
    let most = prompts_of.into_iter().max_by_key(|(_, prompts)| prompts.len());
    most.map_or((String::new(), 0.0), |(opening, with)| (opening, with.len() as f64 / prompts.len() as f64))
}

/// Share of the content words of a prompt that a completion has too; 1 where the prompt has none.
fn spoken_of(prompt: &str, text: &str) -> f64 {
    let (asked, said) = (content_words(prompt), content_words(text));
    if asked.is_empty() { 1.0 } else { asked.intersection(&said).count() as f64 / asked.len() as f64 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_and_repeated_sentences() {
        for text in
            ["I\u{2019}m sorry for any confusion, ...", "Well. As an AI language model, I ...", "I'm sorry, but no."]
        {
            assert!(is_refusal(text), "{text}");
        }
        assert!(!is_refusal("I'm sorry your parcel is late. It leaves today.") && !is_refusal("As an aim, fine."));
        assert!(repeats_a_sentence("The dog ran home. It was late.\nThe dog ran home!"));
        assert!(!repeats_a_sentence("Oh no! The dog ran home. Oh no! The cat ran home."));
    }

    #[test]
    fn what_is_counted() {
        let written = [
            ("Write about the red dog.", "Hello there my friend, the dog is red."),
            ("Write about the blue cat.", "Hello there, my friend! Nothing."),
            ("Write about the ship.", ""),
            ("Write about the ship.", "A ship sailed."),
        ];
        let writing = Writing::of(written.into_iter()).unwrap();
        assert_eq!((writing.completions, writing.empty, writing.distinct), (4, 0.25, 1.0));
        assert_eq!((writing.opening.as_str(), writing.same_opening), ("hello there my friend", 2.0 / 3.0));
        assert!(writing.prompt_words > 0.2 && writing.prompt_words < 0.8, "{writing:?}");
        assert_eq!(Writing::of(std::iter::empty()), None);
    }
}
