//! A raw story as the mining rules see it: sentences, their words, and who is named.
//!
//! It lacks grammar: rules look for words and fixed patterns, and pass over what they are not sure of.

pub mod lexicon;
pub mod names;
pub mod sentences;

mod tidy;

use std::collections::BTreeSet;

use crate::rng::Rng;
use crate::text::split_records;
use names::{doubtful, written_words};
use sentences::sentences;

/// A passage shown in a prompt, or an answer, has at most this many words.
pub const MOST_WORDS: usize = 60;

/// One sentence of a story.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sentence {
    /// As it is written.
    pub text: String,
    /// Its words in lower case.
    pub words: Vec<String>,
    /// Whether it may name somebody who is not among the story's names.
    pub doubtful: bool,
}

/// One story.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Story {
    /// Its sentences, in order.
    pub sentences: Vec<Sentence>,
    /// The names of those in it.
    pub names: BTreeSet<String>,
}

/// The stories of a text whose records end with `<|endoftext|>`, in order; those with unpaired quotes or characters
/// of a broken encoding are left out, and so are those of a single sentence.
pub fn stories_of(text: &str) -> Vec<Story> {
    let records = split_records(text).into_iter();
    records
        .flat_map(|record| {
            let record = tidy::straighten(record);
            tidy::stories(&record).into_iter().filter_map(|lines| Story::new(&lines)).collect::<Vec<_>>()
        })
        .collect()
}

impl Story {
    fn new(lines: &[&str]) -> Option<Self> {
        let whole =
            |line: &&str| line.matches('"').count().is_multiple_of(2) && !line.contains(['â', '\u{fffd}', '\t']);
        let texts: Vec<&str> = lines.iter().filter(|line| whole(line)).flat_map(|line| sentences(line)).collect();
        (lines.iter().all(whole) && texts.len() > 1).then(|| {
            let names = names::names(&texts);
            let sentences = texts.into_iter().map(|text| Sentence::new(text, &names)).collect();
            Self { sentences, names }
        })
    }

    /// Whole sentences from `start` on, as many as `most` words allow.
    pub fn sentences_from(&self, start: usize, most: usize) -> &[Sentence] {
        let rest = self.sentences.get(start..).unwrap_or_default();
        let mut words = 0;
        let fits = |sentence: &&Sentence| {
            words += sentence.word_count();
            words <= most
        };
        &rest[..rest.iter().take_while(fits).count()]
    }

    /// Whole sentences around the one at `index`, two or more, of 12 to [`MOST_WORDS`] words; how many is drawn.
    pub fn around(&self, index: usize, rng: &mut Rng) -> Option<&[Sentence]> {
        let start = index - rng.below(index.min(2) + 1);
        let most = 30 + rng.below(MOST_WORDS - 29);
        let passage = self.sentences_from(start, most);
        (passage.len() >= 2 && start + passage.len() > index && word_count(passage) >= 12).then_some(passage)
    }

    /// Two or more sentences from anywhere, of 12 to [`MOST_WORDS`] words.
    pub fn passage(&self, rng: &mut Rng) -> Option<&[Sentence]> {
        self.around(rng.below(self.sentences.len().max(1)), rng)
    }

    /// The names in a passage, in the order of their first mention.
    pub fn names_in(&self, passage: &[Sentence]) -> Vec<String> {
        let mut found: Vec<String> = Vec::new();
        for sentence in passage {
            for word in written_words(&sentence.text) {
                if self.names.contains(word.text) && !found.iter().any(|name| name == word.text) {
                    found.push(word.text.to_owned());
                }
            }
        }
        found
    }

    /// Whether the first sentence tells of somebody or something that was not spoken of before.
    pub fn opens(&self) -> bool {
        let first = &self.sentences[0];
        let known = ["he", "she", "they", "it", "his", "her", "their", "him", "them"];
        let begins = first.words.iter().take(4).any(|word| known.contains(&word.as_str()));
        !begins && !first.text.contains('"')
    }
}

impl Sentence {
    fn new(text: &str, names: &BTreeSet<String>) -> Self {
        Self { text: text.to_owned(), words: lower_words(text), doubtful: doubtful(text, names) }
    }

    /// Words between spaces.
    pub fn word_count(&self) -> usize {
        self.text.split_whitespace().count()
    }

    /// Whether it ends as a sentence does.
    pub fn is_whole(&self) -> bool {
        self.text.trim_end_matches('"').ends_with(['.', '!', '?'])
    }
}

/// The words of a text in lower case, without punctuation and possessive endings.
pub fn lower_words(text: &str) -> Vec<String> {
    let lower = text.to_lowercase();
    written_words(&lower).iter().map(|word| word.text.trim_end_matches("'s").to_owned()).collect()
}

/// The sentences with a space between them.
pub fn text_of(passage: &[Sentence]) -> String {
    passage.iter().map(|sentence| sentence.text.as_str()).collect::<Vec<_>>().join(" ")
}

/// Words between spaces in a passage.
pub fn word_count(passage: &[Sentence]) -> usize {
    passage.iter().map(Sentence::word_count).sum()
}

/// All words of a passage, in order.
pub fn words_in(passage: &[Sentence]) -> impl Iterator<Item = &str> {
    passage.iter().flat_map(|sentence| sentence.words.iter().map(String::as_str))
}
