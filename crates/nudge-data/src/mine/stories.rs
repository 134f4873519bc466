//! Rules that ask for a story: about a thing, with some words, with dialogue, in one sentence, about somebody; and
//! the same turned around.
//!
//! The completion is the beginning of the story, cut at a sentence.

use super::{Rule, drawn, fields};
use crate::rng::Rng;
use crate::story::lexicon::{Kind, is_a, with_article};
use crate::story::names::written_words;
use crate::story::{MOST_WORDS, Sentence, Story, nouns_in, text_of, word_count, words_in};
use crate::task::slots::Fields;

/// Completions end at the first sentence that reaches this many words.
const ENOUGH_WORDS: usize = 30;

const THINGS: [Kind; 2] = [Kind::Thing, Kind::Animal];

pub(super) const RULES: &[Rule] = &[
    Rule { name: "story_about", fields: &["thing", "a_thing", "story"], find: story_about },
    Rule { name: "story_with_words", fields: &["words", "story"], find: story_with_words },
    Rule { name: "story_with_dialogue", fields: &["thing", "a_thing", "story"], find: story_with_dialogue },
    Rule { name: "one_sentence_story", fields: &["thing", "a_thing", "story"], find: one_sentence_story },
    Rule { name: "story_about_somebody", fields: &["who", "name", "kind", "story"], find: story_about_somebody },
    Rule { name: "request", fields: &["thing", "a_thing", "story"], find: request },
    Rule { name: "title", fields: &["name", "thing", "story"], find: title },
];

fn story_about(story: &Story, rng: &mut Rng) -> Option<Fields> {
    let beginning = beginning(story)?;
    let thing = main_thing(story, beginning, rng)?;
    fields([("a_thing", with_article(&thing).into()), ("thing", thing.into()), ("story", text_of(beginning).into())])
}

fn story_with_words(story: &Story, rng: &mut Rng) -> Option<Fields> {
    let beginning = beginning(story)?;
    let mut word_of = |kind: &[Kind]| {
        let fits = |word: &&str| kind.iter().any(|&kind| is_a(kind, word));
        drawn(&words_in(beginning).filter(fits).collect::<Vec<_>>(), rng).map(str::to_owned)
    };
    let words = [word_of(&[Kind::Thing, Kind::Animal])?, word_of(&[Kind::Verb])?, word_of(&[Kind::Adjective])?];
    let mut words = words.to_vec();
    rng.shuffle(&mut words);
    fields([("words", words.into()), ("story", text_of(beginning).into())])
}

fn story_with_dialogue(story: &Story, rng: &mut Rng) -> Option<Fields> {
    story.opens().then_some(())?;
    let spoken = story.sentences.iter().position(|sentence| sentence.text.matches('"').count() >= 2)?;
    let until = story.sentences_from(0, MOST_WORDS);
    let beginning = until.get(..=spoken.max(1))?;
    let beginning = whole(beginning).filter(|beginning| word_count(beginning) >= 20)?;
    let thing = main_thing(story, beginning, rng)?;
    fields([("a_thing", with_article(&thing).into()), ("thing", thing.into()), ("story", text_of(beginning).into())])
}

fn one_sentence_story(story: &Story, rng: &mut Rng) -> Option<Fields> {
    story.opens().then_some(())?;
    let first = whole(&story.sentences[..1])?;
    ((12..=40).contains(&word_count(first)) && !first[0].text.contains('"')).then_some(())?;
    let told: Vec<&str> = words_in(first).collect();
    let things: Vec<&str> = nouns_in(first, &THINGS).into_iter().filter(|thing| told.contains(thing)).collect();
    let thing = drawn(&things, rng)?;
    fields([("a_thing", with_article(thing).into()), ("thing", thing.into()), ("story", text_of(first).into())])
}

/// `a little girl named Lily`, as the first two sentences say it.
fn story_about_somebody(story: &Story, _: &mut Rng) -> Option<Fields> {
    let beginning = beginning(story)?;
    let (who, name, kind) = beginning.iter().take(2).find_map(|sentence| introduced(story, sentence))?;
    fields([("who", who.into()), ("name", name.into()), ("kind", kind.into()), ("story", text_of(beginning).into())])
}

/// The thing that the story speaks of most, if nothing else comes near.
fn request(story: &Story, _: &mut Rng) -> Option<Fields> {
    let beginning = beginning(story)?;
    let thing = foremost(story, beginning)?;
    fields([("a_thing", with_article(&thing).into()), ("thing", thing.into()), ("story", text_of(beginning).into())])
}

/// Name and foremost thing of a story that has one of each.
fn title(story: &Story, _: &mut Rng) -> Option<Fields> {
    let beginning = beginning(story).filter(|beginning| !beginning.iter().any(|sentence| sentence.doubtful))?;
    let [name] = <[String; 1]>::try_from(story.names_in(beginning)).ok()?;
    let thing = foremost(story, beginning)?;
    // Whoever is a bear is no title beside it.
    let same =
        story.sentences.iter().any(|sentence| introduced(story, sentence).is_some_and(|(_, _, kind)| kind == thing));
    (!same && !is_a(Kind::Animal, &thing)).then_some(())?;
    fields([("name", name.into()), ("thing", thing.into()), ("story", text_of(beginning).into())])
}

/// The first sentences of a story that opens as one, with enough words but not too many.
pub(super) fn beginning(story: &Story) -> Option<&[Sentence]> {
    story.opens().then_some(())?;
    let whole_story = story.sentences_from(0, MOST_WORDS);
    let mut words = 0;
    let enough = whole_story.iter().position(|sentence| {
        words += sentence.word_count();
        words >= ENOUGH_WORDS
    });
    whole(&whole_story[..=enough?])
}

pub(super) fn whole(passage: &[Sentence]) -> Option<&[Sentence]> {
    passage.iter().all(Sentence::is_whole).then_some(passage)
}

/// A thing of the completion that the story speaks of again, in the words of the completion.
fn main_thing(story: &Story, completion: &[Sentence], rng: &mut Rng) -> Option<String> {
    let all = nouns_in(&story.sentences, &THINGS);
    let told: Vec<&str> = words_in(completion).collect();
    let often = |thing: &&str| told.contains(thing) && all.iter().filter(|other| *other == thing).count() >= 3;
    let mut things: Vec<&str> = nouns_in(completion, &THINGS).into_iter().filter(often).collect();
    things.sort_unstable();
    things.dedup();
    drawn(&things, rng).map(str::to_owned)
}

/// The thing of the beginning that the story speaks of most, at least three times and more than of any other; no
/// other animal may stand in the first sentence, where the hero does.
fn foremost(story: &Story, beginning: &[Sentence]) -> Option<String> {
    let all = nouns_in(&story.sentences, &THINGS);
    let count = |thing: &str| all.iter().filter(|other| **other == thing).count();
    let most = all.iter().map(|thing| count(thing)).max().filter(|&most| most >= 3)?;
    let mut first: Vec<&str> = all.iter().copied().filter(|thing| count(thing) == most).collect();
    first.sort_unstable();
    first.dedup();
    let [thing] = first[..] else { return None };
    let rivals = beginning[0].nouns(&[Kind::Animal]).into_iter().filter(|animal| *animal != thing).count();
    (rivals == 0 && words_in(beginning).any(|word| word == thing)).then(|| thing.to_owned())
}

/// `(a little girl named Lily, Lily, girl)` of a sentence that introduces somebody so.
fn introduced(story: &Story, sentence: &Sentence) -> Option<(String, String, String)> {
    let words: Vec<&str> = written_words(&sentence.text).iter().map(|word| word.text).collect();
    let named = words.iter().position(|word| *word == "named")?;
    let name = words.get(named + 1).filter(|name| story.names.contains(**name))?;
    let kind = words[named.checked_sub(1)?];
    let person = is_a(Kind::Person, kind) || is_a(Kind::Animal, kind);
    let article = words[..named].iter().rposition(|word| matches!(*word, "a" | "an"))?;
    let who = words[article..=named + 1].join(" ");
    // The words must stand as they are in the text, without a comma or a pronoun in between.
    (person && named - article <= 4 && sentence.text.contains(&who)).then(|| (who, (*name).to_owned(), kind.to_owned()))
}
