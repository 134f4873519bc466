//! Rules that show a part of a story and ask for another: what follows, what came before, how it ends.

use super::{Rule, candidates, fields};
use crate::rng::Rng;
use crate::story::lexicon::{Kind, is_a, singular};
use crate::story::{Sentence, Story, text_of, word_count, words_in};
use crate::task::slots::Fields;

use super::stories::whole;

const SHOWN: &[&str] = &["shown", "known", "answer"];

pub(super) const RULES: &[Rule] = &[
    Rule { name: "continue_story", fields: SHOWN, find: continue_story },
    Rule { name: "what_next", fields: SHOWN, find: what_next },
    Rule { name: "happy_ending", fields: &["shown", "known", "answer", "words"], find: happy_ending },
    Rule { name: "sad_ending", fields: &["shown", "known", "answer", "words"], find: sad_ending },
    Rule { name: "beginning", fields: SHOWN, find: beginning },
];

/// Most words of a shown part.
const SHOWN_WORDS: usize = 45;

fn continue_story(story: &Story, rng: &mut Rng) -> Option<Fields> {
    story.opens().then_some(())?;
    let shown = &story.sentences[..1 + rng.below(2)];
    continuation(story, shown, shown.len(), 30)
}

/// The next sentence or two after some from the middle.
fn what_next(story: &Story, rng: &mut Rng) -> Option<Fields> {
    let middle = candidates(story, rng, |sentence| stands_alone(story, sentence));
    middle.into_iter().filter(|&start| start > 0).find_map(|start| {
        let shown = story.sentences.get(start..start + 2)?;
        continuation(story, shown, start + 2, 12)
    })
}

fn happy_ending(story: &Story, _: &mut Rng) -> Option<Fields> {
    ending(story, Kind::Happy, Kind::Sad)
}

fn sad_ending(story: &Story, _: &mut Rng) -> Option<Fields> {
    ending(story, Kind::Sad, Kind::Happy)
}

/// The last two sentences are shown and the first two are the answer.
fn beginning(story: &Story, _: &mut Rng) -> Option<Fields> {
    (story.opens() && story.sentences.len() >= 6).then_some(())?;
    let shown = story.sentences.last_chunk::<2>()?;
    answered(story, shown, story.sentences.first_chunk::<2>()?)
}

fn ending(story: &Story, wanted: Kind, unwanted: Kind) -> Option<Fields> {
    let rest = story.sentences.len().checked_sub(2).filter(|&rest| rest >= 3)?;
    let (before, last) = story.sentences.split_at(rest);
    let shown =
        (2..=3).find_map(|count| before.last_chunk_from(count).filter(|shown| stands_alone(story, &shown[0])))?;
    let of_kind = |kind: Kind| words_in(last).filter(move |word| is_a(kind, word)).map(str::to_owned);
    let words: Vec<String> = of_kind(wanted).collect();
    (!words.is_empty() && of_kind(unwanted).next().is_none()).then_some(())?;
    let mut found = answered(story, shown, last)?;
    let all = crate::story::lexicon::words_of(wanted).map(str::to_owned).collect::<Vec<_>>();
    found.insert("words".to_owned(), all.into());
    Some(found)
}

trait LastChunk {
    fn last_chunk_from(&self, count: usize) -> Option<&[Sentence]>;
}

impl LastChunk for [Sentence] {
    fn last_chunk_from(&self, count: usize) -> Option<&[Sentence]> {
        self.get(self.len().checked_sub(count)?..)
    }
}

/// Sentences from `start` on until there are `enough` words.
fn continuation(story: &Story, shown: &[Sentence], start: usize, enough: usize) -> Option<Fields> {
    let rest = story.sentences_from(start, crate::story::MOST_WORDS);
    let mut words = 0;
    let reached = rest.iter().position(|sentence| {
        words += sentence.word_count();
        words >= enough
    });
    answered(story, shown, &rest[..=reached?])
}

/// The fields, if the shown part is short and the answer speaks of somebody or something that it names.
fn answered(story: &Story, shown: &[Sentence], answer: &[Sentence]) -> Option<Fields> {
    let (shown, answer) = (whole(shown)?, whole(answer)?);
    let fits =
        (5..=SHOWN_WORDS).contains(&word_count(shown)) && (5..=crate::story::MOST_WORDS).contains(&word_count(answer));
    let known = known(story, shown);
    let told: Vec<&str> = words_in(answer).collect();
    let goes_on = known.iter().any(|word| told.contains(&word.to_lowercase().as_str()));
    (fits && goes_on).then_some(())?;
    fields([("shown", text_of(shown).into()), ("answer", text_of(answer).into()), ("known", known.into())])
}

/// Whom and what a passage names: what another part of the story will speak of.
fn known(story: &Story, passage: &[Sentence]) -> Vec<String> {
    let mut known = story.names_in(passage);
    for word in words_in(passage) {
        let noun = [Kind::Thing, Kind::Animal, Kind::Person].iter().find_map(|&kind| singular(kind, word));
        known.extend(noun.map(str::to_owned));
    }
    known.sort_unstable();
    known.dedup();
    known
}

/// Whether a sentence can be read without those before it: it begins with a name or a noun, not with `she`.
fn stands_alone(story: &Story, sentence: &Sentence) -> bool {
    const REFERRING: [&str; 14] =
        ["he", "she", "it", "they", "him", "her", "his", "their", "them", "its", "this", "that", "then", "but"];
    let early = sentence.words.iter().take(3).any(|word| REFERRING.contains(&word.as_str()));
    let speaking = sentence.words.first().is_none_or(|word| is_a(Kind::Speaking, word));
    let named = !story.names_in(std::slice::from_ref(sentence)).is_empty()
        || !sentence.nouns(&[Kind::Person, Kind::Animal]).is_empty();
    !early && !speaking && !sentence.text.starts_with('"') && named
}
