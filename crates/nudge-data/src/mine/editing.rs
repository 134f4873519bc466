//! Rules that ask for a sentence of a passage again, for a word that was taken out of it, or for lists of what it
//! names.

use super::{Rule, candidates, drawn, fields};
use crate::rng::Rng;
use crate::story::lexicon::{Kind, is_a, singular, with_article};
use crate::story::{Story, nouns_in, text_of, words_in};
use crate::task::slots::Fields;

use super::stories::whole;

pub(super) const RULES: &[Rule] = &[
    Rule { name: "first_sentence", fields: &["passage", "sentence"], find: first_sentence },
    Rule { name: "last_sentence", fields: &["passage", "sentence"], find: last_sentence },
    Rule { name: "missing_word", fields: &["passage", "gapped", "word", "options"], find: missing_word },
    Rule { name: "names", fields: &["passage", "names"], find: names },
    Rule { name: "three_things", fields: &["passage", "things", "three"], find: three_things },
];

fn first_sentence(story: &Story, rng: &mut Rng) -> Option<Fields> {
    let passage = whole(story.passage(rng)?)?;
    sentence_of(&passage[0].text, &text_of(passage))
}

fn last_sentence(story: &Story, rng: &mut Rng) -> Option<Fields> {
    let passage = whole(story.passage(rng)?)?;
    sentence_of(&passage.last()?.text, &text_of(passage))
}

fn sentence_of(sentence: &str, passage: &str) -> Option<Fields> {
    (3..=18).contains(&sentence.split_whitespace().count()).then_some(())?;
    fields([("passage", passage.into()), ("sentence", sentence.into())])
}

/// A sentence of the passage is told again with a gap for a word that occurs in the passage once; the other option
/// is a word of its own kind that does not occur at all.
fn missing_word(story: &Story, rng: &mut Rng) -> Option<Fields> {
    const KINDS: [Kind; 4] = [Kind::Thing, Kind::Animal, Kind::Adjective, Kind::Place];
    let index =
        *candidates(story, rng, |sentence| (4..=14).contains(&sentence.word_count()) && !sentence.text.contains('"'))
            .first()?;
    let passage = whole(story.around(index, rng)?)?;
    let sentence = &story.sentences[index];
    let count = |word: &str| words_in(passage).filter(|other| *other == word).count();
    let kind_of = |word: &str| KINDS.into_iter().find(|&kind| is_a(kind, word));
    let once: Vec<&String> = sentence
        .words
        .iter()
        .filter(|word| kind_of(word).is_some() && count(word) == 1 && sentence.text.matches(word.as_str()).count() == 1)
        .collect();
    let word = drawn(&once, rng)?;
    let gapped = sentence.text.replacen(word.as_str(), "___", 1);
    let kind = kind_of(word)?;
    let others: Vec<&str> = crate::story::lexicon::words_of(kind).filter(|other| count(other) == 0).collect();
    let mut options = [word.as_str(), drawn(&others, rng)?];
    rng.shuffle(&mut options);
    fields([
        ("passage", text_of(passage).into()),
        ("gapped", gapped.into()),
        ("word", word.as_str().into()),
        ("options", format!("OPTIONS:\n- {}\n- {}", options[0], options[1]).into()),
    ])
}

/// Two or three names, all of them known.
fn names(story: &Story, rng: &mut Rng) -> Option<Fields> {
    let named = candidates(story, rng, |sentence| story.names_in(std::slice::from_ref(sentence)).len() >= 2);
    let passage = story.around(*named.first()?, rng)?;
    let names = story.names_in(passage);
    ((2..=3).contains(&names.len()) && !passage.iter().any(|sentence| sentence.doubtful)).then_some(())?;
    fields([("passage", text_of(passage).into()), ("names", names.into())])
}

/// The first three things and animals, and all of them for the check.
fn three_things(story: &Story, rng: &mut Rng) -> Option<Fields> {
    let passage = story.passage(rng)?;
    let mut things: Vec<String> = Vec::new();
    for thing in nouns_in(passage, &[Kind::Thing, Kind::Animal]) {
        if !things.iter().any(|other| other == thing) {
            things.push(thing.to_owned());
        }
    }
    // A completion may also name the flower of a flower pot.
    let nouns =
        words_in(passage).filter_map(|word| [Kind::Thing, Kind::Animal].iter().find_map(|&kind| singular(kind, word)));
    let three: Vec<String> = things.get(..3)?.iter().map(|thing| with_article(thing)).collect();
    fields([
        ("passage", text_of(passage).into()),
        (
            "things",
            nouns.map(str::to_owned).collect::<std::collections::BTreeSet<_>>().into_iter().collect::<Vec<_>>().into(),
        ),
        ("three", three.into()),
    ])
}
