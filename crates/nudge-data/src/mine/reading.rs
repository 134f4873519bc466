//! Rules that show a passage and ask something about it that has one right answer.

use super::{Rule, candidates, drawn, fields};
use crate::rng::Rng;
use crate::story::lexicon::{Kind, is_a, same_animal, singular, with_article, words_of};
use crate::story::names::written_words;
use crate::story::{Sentence, Story, nouns_in, text_of, words_in};
use crate::task::slots::Fields;

pub(super) const RULES: &[Rule] = &[
    Rule { name: "who", fields: &["passage", "name"], find: who },
    Rule { name: "which_animal", fields: &["passage", "animal", "an_animal"], find: which_animal },
    Rule { name: "what_was_said", fields: &["passage", "name", "quote"], find: what_was_said },
    Rule { name: "where_to", fields: &["passage", "who", "place"], find: where_to },
    Rule { name: "how_felt", fields: &["passage", "name", "feeling", "options"], find: how_felt },
    Rule { name: "is_there", fields: &["passage", "animal", "an_animal", "answer"], find: is_there },
];

/// The only name in the beginning, told twice and in the first sentence.
fn who(story: &Story, _: &mut Rng) -> Option<Fields> {
    let passage = story.sentences_from(0, 45);
    (passage.len() >= 2 && sure(passage)).then_some(())?;
    let [name] = <[String; 1]>::try_from(story.names_in(passage)).ok()?;
    let mentions = passage.iter().filter(|sentence| mentions(sentence, &name)).count();
    (mentions >= 2 && mentions_first(passage, &name)).then_some(())?;
    fields([("passage", text_of(passage).into()), ("name", name.into())])
}

fn which_animal(story: &Story, rng: &mut Rng) -> Option<Fields> {
    let told = candidates(story, rng, |sentence| !animals(std::slice::from_ref(sentence)).is_empty());
    let passage = story.around(*told.first()?, rng)?;
    let mut animals = animals(passage);
    animals.sort_unstable();
    animals.dedup();
    let [animal] = animals[..] else { return None };
    no_toy(passage).then_some(())?;
    // The word itself must stand there, so that an answer can be the story's own.
    words_in(passage).any(|word| word == animal).then_some(())?;
    let an_animal = with_article(animal);
    fields([("passage", text_of(passage).into()), ("animal", animal.into()), ("an_animal", an_animal.into())])
}

/// `Tom said, "Let us go."`, the only quote of a passage.
fn what_was_said(story: &Story, rng: &mut Rng) -> Option<Fields> {
    let spoken = candidates(story, rng, |sentence| sentence.text.matches('"').count() == 2);
    spoken.into_iter().find_map(|index| {
        let sentence = &story.sentences[index];
        let (name, quote) = said(story, &sentence.text)?;
        let passage = story.around(index, rng)?;
        let only = text_of(passage).matches('"').count() == 2;
        let words = quote.split_whitespace().count();
        (only && (2..=15).contains(&words)).then_some(())?;
        fields([("passage", text_of(passage).into()), ("name", name.into()), ("quote", quote.into())])
    })
}

/// `Tom went to the park`, the only place of a passage to which anybody goes.
fn where_to(story: &Story, rng: &mut Rng) -> Option<Fields> {
    let goes = candidates(story, rng, |sentence| went(story, sentence).is_some());
    goes.into_iter().find_map(|index| {
        let (who, place) = went(story, &story.sentences[index])?;
        let passage = story.around(index, rng)?;
        let places = words_in(passage).filter(|word| singular(Kind::Place, word).is_some_and(|other| other != place));
        (places.count() == 0).then_some(())?;
        fields([("passage", text_of(passage).into()), ("who", who.into()), ("place", place.into())])
    })
}

/// `Tom was very happy`, the only feeling of a passage.
fn how_felt(story: &Story, rng: &mut Rng) -> Option<Fields> {
    let feels = candidates(story, rng, |sentence| felt(story, sentence).is_some());
    feels.into_iter().find_map(|index| {
        let (name, feeling) = felt(story, &story.sentences[index])?;
        let passage = story.around(index, rng)?;
        (words_in(passage).filter(|word| is_a(Kind::Feeling, word)).count() == 1).then_some(())?;
        let others: Vec<&str> = words_of(Kind::Feeling).filter(|other| *other != feeling).collect();
        let mut options = [feeling.clone(), drawn(&others, rng)?.to_owned()];
        rng.shuffle(&mut options);
        let options = format!("OPTIONS:\n- {}\n- {}", options[0], options[1]);
        fields([
            ("passage", text_of(passage).into()),
            ("name", name.into()),
            ("feeling", feeling.into()),
            ("options", options.into()),
        ])
    })
}

/// An animal that is in the passage, or as often one that is not.
fn is_there(story: &Story, rng: &mut Rng) -> Option<Fields> {
    let told = candidates(story, rng, |sentence| !animals(std::slice::from_ref(sentence)).is_empty());
    let passage = story.around(*told.first()?, rng)?;
    let there = animals(passage);
    no_toy(passage).then_some(())?;
    let yes = rng.below(2) == 0;
    // `birdie` and `fishing` make a bird and a fish doubtful, too.
    let hinted = |animal: &str| words_in(passage).any(|word| word.starts_with(animal));
    let absent = |animal: &&str| !hinted(animal) && !there.iter().any(|other| same_animal(animal, other));
    let asked = if yes { there.clone() } else { words_of(Kind::Animal).filter(absent).collect() };
    let animal = drawn(&asked, rng)?;
    fields([
        ("passage", text_of(passage).into()),
        ("an_animal", with_article(animal).into()),
        ("animal", animal.into()),
        ("answer", if yes { "yes" } else { "no" }.into()),
    ])
}

fn sure(passage: &[Sentence]) -> bool {
    !passage.iter().any(|sentence| sentence.doubtful)
}

fn mentions(sentence: &Sentence, name: &str) -> bool {
    written_words(&sentence.text).iter().any(|word| word.text == name)
}

fn mentions_first(passage: &[Sentence], name: &str) -> bool {
    passage.first().is_some_and(|first| mentions(first, name))
}

/// The animals that a passage tells of, in the singular.
fn animals(passage: &[Sentence]) -> Vec<&str> {
    nouns_in(passage, &[Kind::Animal])
}

/// A teddy bear, a picture of a cat or `like a bird` are no animals of the story.
fn no_toy(passage: &[Sentence]) -> bool {
    const UNREAL: [&str; 14] = [
        "teddy",
        "toy",
        "toys",
        "stuffed",
        "picture",
        "pictures",
        "like",
        "drew",
        "doll",
        "costume",
        "statue",
        "piggy",
        "pretend",
        "pretended",
    ];
    !words_in(passage).any(|word| UNREAL.contains(&word))
}

/// Who said what, in a sentence with one quote.
fn said(story: &Story, sentence: &str) -> Option<(String, String)> {
    let [before, quote, after] = sentence.split('"').collect::<Vec<_>>()[..] else { return None };
    let (before, after) = (words(before), words(after));
    let name = match (&before[..], &after[..]) {
        (&[name, "said" | "says" | "asked" | "asks" | "replied" | "shouted"], []) => name,
        (&[.., "and", "said" | "asked"], []) if story.names.contains(before[0]) && before.len() <= 6 => before[0],
        (
            [],
            &["said" | "says" | "asked" | "asks" | "replied" | "shouted", name]
            | &[name, "said" | "says" | "asked" | "asks" | "replied" | "shouted"],
        ) => name,
        _ => return None,
    };
    let comma = quote.strip_suffix(',').map(|quote| format!("{quote}."));
    let quote = comma.unwrap_or_else(|| quote.to_owned());
    let whole = quote.ends_with(['.', '!', '?']) && quote.starts_with(char::is_uppercase);
    (whole && story.names.contains(name)).then(|| (name.to_owned(), quote))
}

/// Who went to which place, in `Tom went to the park` or `Tom and his mom ran to the park`.
fn went(story: &Story, sentence: &Sentence) -> Option<(String, String)> {
    let words = words(&sentence.text);
    let start = usize::from(words.first() == Some(&"One") && words.get(1) == Some(&"day")) * 2;
    let verb = words.iter().position(|word| is_a(Kind::Going, word)).filter(|&verb| verb > start)?;
    let who = &words[start..verb];
    let alone = who.len() == 1 || (who.len() <= 4 && who[1] == "and" && sentence.text.contains(&who.join(" ")));
    let rest = words[verb + 1..].strip_prefix(&["back"]).unwrap_or(&words[verb + 1..]);
    let ["to", "the", place, ..] = rest else { return None };
    let fits = alone && story.names.contains(who[0]) && is_a(Kind::Place, place);
    // `to the garden shop` goes to a shop.
    let ends = sentence.text.split_once(&format!("to the {place}")).is_some_and(|(_, after)| {
        let next = [" to ", " with ", " and ", " in ", " one ", " for ", " every ", " because "];
        after.starts_with(['.', ',', '!']) || next.iter().any(|next| after.starts_with(next))
    });
    (fits && ends).then(|| (who.join(" "), (*place).to_owned()))
}

/// Who felt how, in `Tom was very happy`.
fn felt(story: &Story, sentence: &Sentence) -> Option<(String, String)> {
    let words = words(&sentence.text);
    let feeling = match words[..] {
        [_, "was" | "felt" | "is" | "feels", "very" | "so" | "really", feeling, ..] => feeling,
        [_, "was" | "felt" | "is" | "feels", feeling, ..] => feeling,
        _ => return None,
    };
    let fits = story.names.contains(words[0]) && is_a(Kind::Feeling, feeling);
    fits.then(|| (words[0].to_owned(), feeling.to_owned()))
}

fn words(text: &str) -> Vec<&str> {
    written_words(text).iter().map(|word| word.text).collect()
}
