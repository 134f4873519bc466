use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::{Strategy, prop, prop_assert, prop_oneof, proptest};

use super::*;
use crate::task::Check;

const STORY: &str = "Once upon a time, there was a little boy named Tom. He had a red ball that he loved very much. \
    Tom went to the park with his mom. A big dog came and took the ball far away from him. Tom was sad and sat down \
    under a tree. His mom said that the dog only wanted to play. \"Give me the ball!\" said Tom. The dog came back \
    with the ball in its mouth. Lily was the girl of the dog. Tom and Lily threw the ball to each other. They smiled \
    and were good friends.";

fn story() -> Story {
    let mut stories = stories_of(STORY);
    assert_eq!(stories.len(), 1);
    stories.remove(0)
}

/// What a rule finds over many draws: the values of one field.
fn found(rule: &str, field: &str) -> BTreeSet<String> {
    let (rule, story) = (Rule::named(rule).expect("exists"), story());
    let draws = (0..60).filter_map(|seed| rule.find(&story, &mut Rng::new(seed)));
    let text = |fields: Fields| match &fields[field] {
        Field::Text(text) => text.clone(),
        Field::List(items) => items.join(" "),
    };
    draws.map(text).collect()
}

fn set(texts: &[&str]) -> BTreeSet<String> {
    texts.iter().map(|text| text.to_string()).collect()
}

#[test]
fn stories_are_asked_for_by_what_is_in_them() {
    let beginning = "Once upon a time, there was a little boy named Tom. He had a red ball that he loved very much. \
        Tom went to the park with his mom. A big dog came and took the ball far away from him.";
    assert_eq!(found("story_about", "story"), set(&[beginning]));
    assert_eq!(found("story_about", "a_thing"), set(&["a ball", "a dog"]));
    assert_eq!(found("request", "thing"), set(&["ball"]));
    assert_eq!(found("title", "name"), set(&["Tom"]));
    assert_eq!(found("title", "thing"), set(&["ball"]));
    assert_eq!(found("story_about_somebody", "who"), set(&["a little boy named Tom"]));
    assert!(found("story_with_words", "words").iter().any(|words| words.contains("loved")));
    // The first sentence names no thing; the first quote comes after sixty words.
    assert!(found("one_sentence_story", "thing").is_empty());
    assert!(found("story_with_dialogue", "story").is_empty());
}

#[test]
fn questions_have_the_storys_answers() {
    assert_eq!(found("who", "name"), set(&["Tom"]));
    assert_eq!(found("which_animal", "an_animal"), set(&["a dog"]));
    assert_eq!(found("what_was_said", "quote"), set(&["Give me the ball!"]));
    assert_eq!(found("what_was_said", "name"), set(&["Tom"]));
    assert_eq!(found("where_to", "place"), set(&["park"]));
    assert_eq!(found("where_to", "who"), set(&["Tom"]));
    assert_eq!(found("how_felt", "feeling"), set(&["sad"]));
    assert_eq!(found("is_there", "answer"), set(&["no", "yes"]));
    let rule = Rule::named("is_there").expect("exists");
    for seed in 0..60 {
        let fields = rule.find(&story(), &mut Rng::new(seed)).expect("a dog is there");
        let yes = fields["answer"] == Field::from("yes");
        assert_eq!(fields["animal"] == Field::from("dog"), yes, "{fields:?}");
    }
}

#[test]
fn lists_and_gaps_are_the_passages() {
    assert!(found("names", "names").is_subset(&set(&["Tom Lily", "Lily Tom"])));
    assert!(!found("names", "names").is_empty());
    for three in found("three_things", "three") {
        assert!(["a ball", "a dog", "a tree"].iter().all(|thing| three.contains(thing)), "{three}");
    }
    let rule = Rule::named("missing_word").expect("exists");
    for fields in (0..60).filter_map(|seed| rule.find(&story(), &mut Rng::new(seed))) {
        let text = |name: &str| crate::task::slots::fill(&format!("{{{name}}}"), &fields);
        assert!(text("passage").contains(&text("gapped").replace("___", &text("word"))), "{fields:?}");
        assert!(text("options").contains(&format!("\n- {}", text("word"))), "{fields:?}");
        assert_eq!(text("options").lines().count(), 3);
    }
}

#[test]
fn parts_follow_each_other_as_in_the_story() {
    let ending = "Tom and Lily threw the ball to each other. They smiled and were good friends.";
    assert_eq!(found("happy_ending", "answer"), set(&[ending]));
    assert!(found("sad_ending", "answer").is_empty());
    assert_eq!(found("beginning", "shown"), set(&[ending]));
    for rule in ["continue_story", "what_next"] {
        let rule = Rule::named(rule).expect("exists");
        for fields in (0..40).filter_map(|seed| rule.find(&story(), &mut Rng::new(seed))) {
            let both = crate::task::slots::fill("{shown} {answer}", &fields);
            assert!(STORY.contains(&both), "{both}");
        }
    }
}

#[test]
fn what_is_not_sure_is_not_asked() {
    let find = |rule: &str, text: &str| {
        let story = stories_of(text).remove(0);
        (0..30).find_map(|seed| Rule::named(rule).expect("exists").find(&story, &mut Rng::new(seed)))
    };
    // Somebody unknown, a second place, a toy, a second quote, a second feeling, a verb.
    let strange = "Tom ran home with Kroll and sat down in the sun. Tom was tired of it all.";
    assert_eq!(find("who", strange), None);
    assert!(find("who", &strange.replace("Kroll", "mom")).is_some());
    let places = "Tom went to the park and sat down there for a while. Then he saw the lake behind it.";
    assert_eq!(find("where_to", places), None);
    assert!(find("where_to", &places.replace("the lake", "a boat")).is_some());
    let toy = "Tom had a toy cat that was as red as it was old. He took it to bed with him.";
    assert_eq!(find("which_animal", toy), None);
    assert!(find("which_animal", &toy.replace("toy", "fat")).is_some());
    let quotes = "Tom said, \"I want to go home.\" His mom said, \"Not now.\" They sat down and had some cake.";
    assert_eq!(find("what_was_said", quotes), None);
    assert!(find("what_was_said", &quotes.replace("\"Not now.\"", "not now.")).is_some());
    let feelings = "Tom was happy because his mom had come to see him. The dog was sad all day long.";
    assert_eq!(find("how_felt", feelings), None);
    assert!(find("how_felt", &feelings.replace("sad", "old")).is_some());
    let verb = "Tom went out to fish with his dad in the morning. They came home late in the evening.";
    assert_eq!(find("which_animal", verb), None);
    assert!(find("which_animal", &verb.replace("to fish", "for a fish")).is_some());
}

#[test]
fn every_demonstration_passes_its_own_check_and_fails_without_a_completion() {
    let text = (0..40).map(|index| STORY.replace("red", &format!("n{index} red"))).collect::<Vec<_>>();
    let mined = mine(&text.join("<|endoftext|>"), built_in_tasks(), "held_out", 3);
    let tasks: BTreeSet<&str> = mined.iter().filter_map(|record| record.task.as_deref()).collect();
    assert!(tasks.len() >= 18, "{tasks:?}");
    for record in &mined {
        let check: Check = check_of(record).expect("reads").expect("is there");
        assert_eq!(check.failures(&record.completion, true), [""; 0], "{record:?}");
        assert!(!check.passes("", true) && !check.passes(&record.completion, false), "{record:?}");
        assert_eq!(record.split.as_deref(), Some("held_out"));
        assert!(record.extra["cluster"].is_string() && record.extra["template"].is_u64());
        assert!(!record.prompt.to_string().contains('{') && !record.completion.contains('{'));
    }
}

#[test]
fn mining_is_fixed_by_its_seed_even_and_never_repeats() {
    let text = (0..40).map(|index| STORY.replace("red", &format!("n{index} red"))).collect::<Vec<_>>();
    let text = text.join("<|endoftext|>");
    let mined = mine_demonstrations(&text, usize::MAX, 1);
    assert_eq!(mined, mine_demonstrations(&text, usize::MAX, 1));
    assert_ne!(mined, mine_demonstrations(&text, usize::MAX, 2));
    assert_eq!(mine_demonstrations(&text, 7, 1), mined[..7]);
    let mut templates: BTreeMap<u64, usize> = BTreeMap::new();
    for record in mined.iter().filter(|record| record.task.as_deref() == Some("story_about")) {
        *templates.entry(record.extra["template"].as_u64().expect("is a number")).or_default() += 1;
    }
    // Forty stories, ten templates.
    assert_eq!(templates.into_values().collect::<Vec<_>>(), [4; 10]);
    // The same story twice, even in other capitals, is one story.
    let twice = format!("{STORY}<|endoftext|>{}", STORY.replace("Once", "once"));
    assert_eq!(stories_of(&twice).len(), 1);
    assert!(mine_demonstrations("", 10, 1).is_empty());
    assert!(mine_demonstrations("Too short.", 10, 1).is_empty());
}

/// Pieces that rules look for, between characters of one to four bytes and quotes that do not close.
fn odd_text() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        prop::sample::select(vec![
            "Once upon a time",
            "there was a",
            "little",
            "dog",
            "named",
            "Tom",
            "Lily",
            "went",
            "to the park",
            "was sad",
            "said,",
            "\"",
            "“",
            "’s",
            "'s",
            "â€œ",
            "é",
            "😀",
            "İ",
            "ß",
            ". ",
            "! ",
            "? ",
            ", ",
            "\n",
            "\n\n",
            "Mr.",
            "{",
            "}",
            "<|endoftext|>",
            "and",
            "They smiled",
            "a ball",
            "the tree",
            "One day",
            "___",
            "'",
            "\u{feff}",
            "ǅ",
        ])
        .prop_map(str::to_owned),
        ".{0,4}",
    ];
    prop::collection::vec(piece, 0..120).prop_map(|pieces| pieces.join(" "))
}

proptest! {
    #[test]
    fn no_text_makes_mining_fail(text in odd_text(), seed: u64) {
        for record in mine(&text, built_in_tasks(), "train", seed) {
            let check: Check = check_of(&record).expect("reads").expect("is there");
            prop_assert!(check.passes(&record.completion, true), "{:?}", record);
        }
    }
}

/// Real stories, where the shared folder exists.
#[test]
#[allow(clippy::disallowed_methods, clippy::disallowed_macros)] // It reads a file and says that it did not.
fn real_stories_give_every_task() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/data/stories/tinystories.heldout.txt");
    let Ok(text) = std::fs::read_to_string(path) else {
        println!("skipped: {path} is absent");
        return;
    };
    let mined = mine(&text, built_in_tasks(), "held_out", 1);
    for task in built_in_tasks() {
        let count = mined.iter().filter(|record| record.task.as_ref() == Some(&task.name)).count();
        assert!(count >= 5, "{}: {count}", task.name);
    }
}
