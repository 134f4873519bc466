//! A raw story as the mining rules see it: sentences, their words, and who is named.
//!
//! It lacks grammar: rules look for words and fixed patterns, and pass over what they are not sure of.

pub mod lexicon;
pub mod names;
pub mod sentences;

mod tidy;

use std::collections::{BTreeSet, HashSet};

use crate::rng::Rng;
use crate::task::slots::capitalised;
use crate::text::split_records;
use lexicon::{Kind, is_a, singular};
use names::{doubtful, written_words};
use sentences::sentences;

/// A passage shown in a prompt, or a completion, has at most this many words.
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
/// of a broken encoding are left out, and so are those of a single sentence and repeats, whatever their capitals.
pub fn stories_of(text: &str) -> Vec<Story> {
    let mut seen = HashSet::new();
    let mut stories = Vec::new();
    for record in split_records(text) {
        let record = tidy::straighten(record);
        for story in tidy::stories(&record).into_iter().filter_map(|lines| Story::new(&lines)) {
            let words: Vec<String> = words_in(&story.sentences).map(str::to_owned).collect();
            if seen.insert(words) {
                stories.push(story);
            }
        }
    }
    stories
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
        let refers = |word: &String| {
            matches!(word.as_str(), "he" | "she" | "they" | "it" | "his" | "her" | "their" | "him" | "them" | "its")
        };
        let names = |word: &String| {
            let kinds = [Kind::Person, Kind::Animal, Kind::Thing, Kind::Place];
            kinds.iter().any(|&kind| singular(kind, word).is_some()) || is_a(Kind::Name, &capitalised(word))
        };
        let named = first.words.iter().position(names).unwrap_or(first.words.len());
        let unclear = first.words.iter().position(refers).is_some_and(|refers| refers < named);
        // `The girl nodded` and `Then a bear came` go on with something.
        let goes_on = matches!(
            first.words.first().map_or("", String::as_str),
            "the" | "so" | "but" | "and" | "then" | "after" | "suddenly" | "when" | "finally" | "soon" | "later" | "as"
        );
        !unclear && !goes_on && !first.text.contains('"')
    }
}

impl Sentence {
    fn new(text: &str, names: &BTreeSet<String>) -> Self {
        Self { text: text.to_owned(), words: lower_words(text), doubtful: doubtful(text, names) }
    }

    /// The nouns of these kinds that it tells of, in the singular, in order.
    ///
    /// A noun that is often a verb counts only after a word that goes before nouns; one before another noun (`flower
    /// pot`) does not count.
    pub fn nouns(&self, kinds: &[Kind]) -> Vec<&str> {
        const OFTEN_VERBS: &str = " fish duck bear slide rock ring dress drum button ship train log stick star book box \
            plate net bed bell bowl cup bottle map nest fence jet seed tower crow turkey whistle ";
        let noun_at = |index: usize| kinds.iter().find_map(|&kind| singular(kind, self.words.get(index)?));
        let fits = |index: usize| {
            let before = index.checked_sub(1).map_or("", |before| self.words[before].as_str());
            let expects = is_a(Kind::Determiner, before) || is_a(Kind::Adjective, before);
            let noun = noun_at(index)?;
            let compound = noun_at(index + 1).is_some();
            (!compound && (expects || !OFTEN_VERBS.contains(&format!(" {noun} ")))).then_some(noun)
        };
        (0..self.words.len()).filter_map(fits).collect()
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

/// The nouns of a passage; see [`Sentence::nouns`].
pub fn nouns_in<'a>(passage: &'a [Sentence], kinds: &[Kind]) -> Vec<&'a str> {
    passage.iter().flat_map(|sentence| sentence.nouns(kinds)).collect()
}

/// All words of a passage, in order.
pub fn words_in(passage: &[Sentence]) -> impl Iterator<Item = &str> {
    passage.iter().flat_map(|sentence| sentence.words.iter().map(String::as_str))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn story(text: &str) -> Story {
        stories_of(text).remove(0)
    }

    #[test]
    fn a_story_that_goes_on_with_something_does_not_open() {
        for opening in ["Once there was a girl who loved her cat.", "Tom and his mom ran.", "One sunny day, a dog sat."]
        {
            assert!(story(&format!("{opening} It was fun.")).opens(), "{opening}");
        }
        for going_on in [
            "One sunny day, they met a dog.",
            "He ran to a cat.",
            "The dog sat.",
            "Then a dog sat.",
            "\"A dog!\" said Tom.",
        ] {
            assert!(!story(&format!("{going_on} It was fun.")).opens(), "{going_on}");
        }
    }

    #[test]
    fn passages_are_whole_sentences_within_their_length() {
        let text: String = (0..20).map(|index| format!("Tom ran home number {index} today. ")).collect();
        let story = story(&text);
        assert_eq!(word_count(story.sentences_from(3, 20)), 18);
        assert_eq!(story.sentences_from(3, 18).len(), 3);
        assert_eq!(story.sentences_from(19, 60).len(), 1);
        assert!(story.sentences_from(20, 60).is_empty());
        let mut rng = Rng::new(1);
        for _ in 0..200 {
            let index = rng.below(20);
            let Some(passage) = story.around(index, &mut rng) else { continue };
            assert!((12..=MOST_WORDS).contains(&word_count(passage)) && passage.len() >= 2);
            assert!(passage.contains(&story.sentences[index]));
        }
    }

    #[test]
    fn nouns_are_told_from_verbs_and_parts_of_other_nouns() {
        let kinds = [Kind::Thing, Kind::Animal];
        let nouns = |text: &str| story(&format!("{text} It was fun.")).sentences[0].nouns(&kinds).join(" ");
        assert_eq!(nouns("Tom saw dogs and an owl."), "dog owl");
        assert_eq!(nouns("They slide, ring and fish in the big pond."), "pond");
        assert_eq!(nouns("The fish saw his red ring."), "fish ring");
        assert_eq!(nouns("A flower pot fell."), "pot");
    }

    #[test]
    fn broken_records_are_left_out() {
        assert!(stories_of("Tom said, \"Go. He ran.").is_empty());
        assert!(stories_of("Tom â ran. He fell.").is_empty());
        assert!(stories_of("Tom ran").is_empty());
    }
}
