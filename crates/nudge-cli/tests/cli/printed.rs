//! Texts of strangers on a terminal: none moves the cursor or turns the direction of writing.

use crate::support::{Ended, Place};
use serde_json::{Value, json};
use std::fs::File;

/// Clears the screen, names the window, turns the direction, and an escape in one byte.
const ESCAPES: &str = "\u{1b}[2J\u{1b}]0;owned\u{7}\u{202e}\u{9b}31m";

fn ranking(labeler: &str, groups: Value) -> Value {
    let completions = json!([{ "text": format!("a{ESCAPES}") }, { "text": format!("b{ESCAPES}") }]);
    json!({ "id": ESCAPES, "prompt": ESCAPES, "completions": completions, "ranking": groups, "labeler": labeler })
}

fn check(ended: &Ended, words: &str) {
    for text in [&ended.out, &ended.err] {
        let found = text.chars().find(|character| {
            character.is_control() && !"\n\t".contains(*character) || ['\u{202e}', '\u{9b}'].contains(character)
        });
        assert_eq!(found, None, "nudge {words}: {text:?}");
    }
}

#[test]
fn records_of_strangers_steer_no_terminal() {
    let place = Place::new();
    let hostile = format!("mallory{ESCAPES}");
    let lines = [
        ranking(&hostile, json!([[0], [1]])),
        ranking(&hostile, json!([[1], [0]])),
        ranking("eve", json!([[1], [0]])),
        // A record that is dropped with its own words as the reason.
        json!({ "id": ESCAPES, "prompt": "p", "completions": [{ "text": "x" }], "ranking": [[0], [7]] }),
    ];
    place.write("hostile.jsonl", &lines.map(|line| format!("{line}\n")).concat());
    place.write("rankings.jsonl", &place.read("hostile.jsonl").lines().take(3).collect::<Vec<_>>().join("\n"));
    place.write("broken.jsonl", &format!("{{\"prompt\": 1, \"{ESCAPES}\": 2}}\n"));
    for words in [
        "data inspect hostile.jsonl",
        "data convert --to preference hostile.jsonl pairs.jsonl",
        "data inspect broken.jsonl",
        "agreement --rankings rankings.jsonl",
        "data merge --rankings rankings.jsonl --out merged.jsonl",
        "sft --model sft --data hostile.jsonl --out out",
    ] {
        check(&place.run(words), words);
    }
    let ended = place.run("data inspect hostile.jsonl --json");
    check(&ended, "data inspect --json");
    let report: Value = serde_json::from_str(&ended.out).unwrap();
    assert!(report["examples"].to_string().contains("[2J"), "{report}");
}

#[test]
fn a_hostile_vocabulary_steers_no_terminal() {
    let place = Place::new();
    let mut tokenizer: Value = serde_json::from_str(&place.read("sft/tokenizer.json")).unwrap();
    let vocabulary = tokenizer["model"]["vocab"].as_object_mut().unwrap();
    // The escape character, as byte-level BPE writes it, takes the place of what the model says often.
    let (escape, full_stop) = (vocabulary["ě"].clone(), vocabulary["."].clone());
    vocabulary.insert("ě".into(), full_stop);
    vocabulary.insert(".".into(), escape);
    place.write("sft/tokenizer.json", &tokenizer.to_string());
    place.write("lines.txt", "Tell me of a fox\n");
    let lines = File::open(place.path("lines.txt")).unwrap();
    let output = place.command("chat --model sft --max-new-tokens 60 --temperature 1").stdin(lines).output().unwrap();
    let ended = Ended::from(output);
    check(&ended, "chat");
    assert!(ended.out.contains('\u{fffd}'), "the model said no escape: {:?}", ended.out);
}
