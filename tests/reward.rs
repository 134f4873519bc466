//! Reward models: they learn what the rankings say, whatever the order in which completions are written down.

use std::collections::BTreeMap;

use nudge_data::{PreferenceRecord, Prompt};
use nudge_session::{Labeler, Metrics, Session};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::support::{events_of, progress, refusal, session_with, sft};

const ANIMALS: [&str; 8] = ["dog", "cat", "horse", "duck", "bear", "fox", "rabbit", "cow"];
const THINGS: [&str; 8] = ["boat", "kite", "lamp", "box", "coat", "cup", "drum", "bike"];
const PLACES: [&str; 6] =
    ["by the lake", "on the hill", "near the house", "in the park", "at the door", "under a tree"];
const ENDS: [&str; 5] = [
    "",
    " It was late.",
    " The sun was warm. We went home.",
    " Then the rain came down all day.",
    " Nobody said a word.",
];

/// Rankings of four made-up completions of each of `count` prompts by a simulated labeler.
fn made_up_rankings(labeler: &str, count: usize) -> Vec<Value> {
    let labeler = Labeler::find(labeler).expect("a known labeler");
    (0..count)
        .map(|prompt| {
            let completion = |which: usize| {
                let pick = prompt * 7 + which * 3;
                let subject = if (prompt + which).is_multiple_of(2) { ANIMALS[pick % 8] } else { THINGS[pick % 8] };
                format!("The {subject} was {}.{}", PLACES[pick % 6], ENDS[(prompt + which * 2) % 5])
            };
            let texts: Vec<String> = (0..4).map(completion).collect();
            let ranking = labeler.rank("", &texts.iter().map(String::as_str).collect::<Vec<_>>());
            let completions: Vec<Value> = texts.iter().map(|text| json!({"text": text})).collect();
            json!({"id": format!("r{prompt}"), "prompt": format!("Tell me story {prompt}."), "completions": completions, "ranking": ranking})
        })
        .filter(|record| record["ranking"].as_array().is_some_and(|groups| groups.len() > 1))
        .collect()
}

fn train(session: &Session, records: &[Value], options: Value) -> Vec<Metrics> {
    let value = json!({"command": "reward", "model": "sft", "preferences": records, "options": options});
    progress(&events_of(session, value)).into_iter().cloned().collect()
}

/// The completions of a record in another order, its ranking renumbered.
fn shuffled(record: &Value) -> Value {
    let completions = record["completions"].as_array().expect("completions");
    let order: Vec<usize> = (0..completions.len()).map(|place| (place * 3 + 2) % completions.len()).collect();
    let place_of = |old: &Value| order.iter().position(|place| Some(*place as u64) == old.as_u64());
    let groups = record["ranking"].as_array().expect("groups");
    let ranking: Vec<Vec<Option<usize>>> =
        groups.iter().map(|group| group.as_array().expect("a group").iter().map(place_of).collect()).collect();
    let mut record = record.clone();
    record["completions"] = order.iter().map(|place| completions[*place].clone()).collect();
    record["ranking"] = json!(ranking);
    record
}

/// How often each completion beats each other.
fn pairs_of(records: &[Value]) -> BTreeMap<(Prompt, String, String), usize> {
    let mut pairs = BTreeMap::new();
    for record in records {
        let record = PreferenceRecord::deserialize(record).expect("a preference");
        let comparison = record.comparison().expect("a valid one").expect("no repeat");
        for (winner, loser) in comparison.pairs {
            let text = |index: usize| comparison.completions[index].clone();
            *pairs.entry((comparison.prompt.clone(), text(winner), text(loser))).or_default() += 1;
        }
    }
    pairs
}

#[test]
fn rules_are_learnt_well_enough_for_prompts_that_were_held_out() {
    let session = session_with(&[("sft", sft())]);
    for labeler in ["shorter", "mentions_an_animal"] {
        let options = json!({"epochs": 12.0, "learning_rate": 3e-3, "held_out": 0.25});
        let metrics = train(&session, &made_up_rankings(labeler, 60), options);
        let last = metrics.last().expect("steps");
        assert!(last["eval_pairs"] >= 50.0, "{labeler}: only {} held-out pairs", last["eval_pairs"]);
        assert!(last["eval_accuracy_low"] > 0.6, "{labeler}: not above chance: {last:?}");
        assert!(metrics[0]["loss"] > last["loss"], "{labeler}: the loss rose");
    }
}

#[test]
fn without_a_rule_there_is_nothing_to_learn_for_held_out_prompts() {
    // The same completions, ranked by a coin: what the test above measures is not an artefact.
    let session = session_with(&[("sft", sft())]);
    let mut records = made_up_rankings("shorter", 60);
    let mut coin = nudge_data::Rng::new(5);
    for record in &mut records {
        let mut order: Vec<usize> = (0..4).collect();
        coin.shuffle(&mut order);
        record["ranking"] = order.into_iter().map(|index| vec![index]).collect();
    }
    let metrics = train(&session, &records, json!({"epochs": 4.0, "learning_rate": 3e-3, "held_out": 0.25}));
    let accuracy = metrics.last().expect("steps")["eval_accuracy"];
    assert!((0.25..0.75).contains(&accuracy), "a coin was predicted with accuracy {accuracy}");
}

#[test]
fn the_order_of_the_completions_in_a_record_does_not_matter() {
    let records = made_up_rankings("shorter", 24);
    let reordered: Vec<Value> = records.iter().map(shuffled).collect();
    assert_ne!(records, reordered);
    assert_eq!(pairs_of(&records), pairs_of(&reordered));
    // The trained rewards agree too, up to the order of additions.
    let session = session_with(&[("sft", sft())]);
    let options = json!({"epochs": 1.0, "held_out": 0.0});
    let (a, b) = (train(&session, &records, options.clone()), train(&session, &reordered, options));
    for (a, b) in a.iter().zip(&b) {
        assert!((a["loss"] - b["loss"]).abs() < 1e-3, "{a:?}\n{b:?}");
    }
}

#[test]
fn ties_give_no_pairs() {
    let record = |ranking: Value| {
        let completions: Vec<Value> = ["one", "two", "three"].iter().map(|text| json!({"text": text})).collect();
        json!({"id": "r", "prompt": "Count.", "completions": completions, "ranking": ranking})
    };
    let count = |ranking: Value| pairs_of(&[record(ranking)]).values().sum::<usize>();
    assert_eq!(count(json!([[0], [1], [2]])), 3);
    assert_eq!(count(json!([[0], [1, 2]])), 2);
    assert_eq!(count(json!([[0, 1], [2]])), 2);
    let session = session_with(&[("sft", sft())]);
    let tied = [record(json!([[0], [1], [2]])), record(json!([[0, 1, 2]]))];
    let message = refusal(&session, json!({"command": "reward", "model": "sft", "preferences": tied}));
    assert!(message.contains("record 2") && message.contains("no preference"), "{message}");
}
