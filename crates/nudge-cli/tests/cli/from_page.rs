//! What the page hands over, `tests/browser/fixtures` (made by `make-workflow.mjs` there): its adapter answers here as it
//! does there, and `teach` goes on with its workflow.

use crate::support::Place;
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};

fn fixture(name: &str) -> PathBuf {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/browser/fixtures")).join(name)
}

/// The page's workflow in `taught`, with its model beside it.
fn place() -> Place {
    let place = Place::new();
    fs::copy(fixture("tiny.gguf"), place.path("tiny.gguf")).expect("the model");
    copy(&fixture("workflow"), &place.path("taught"));
    place
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir(to).expect("a new folder");
    for entry in fs::read_dir(from).expect("a folder") {
        let entry = entry.expect("an entry");
        let place = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &place);
        } else {
            fs::copy(entry.path(), place).expect("a copy");
        }
    }
}

#[test]
fn the_pages_adapter_answers_as_it_does_there() {
    let place = place();
    let text = fs::read_to_string(fixture("greedy.json")).expect("what the page answered");
    let said: Value = serde_json::from_str(&text).expect("JSON");
    let prompts = said["prompts"].as_array().expect("prompts");
    let lines: Vec<String> = prompts.iter().map(|prompt| format!("{{\"prompt\":{prompt}}}\n")).collect();
    place.write("asked.jsonl", &lines.concat());
    assert_ne!(said["before"], said["after"], "the adapter changes what is said");
    for (model, expected) in
        [("tiny.gguf", "before"), ("taught/runs/dpo", "after"), ("tiny.gguf+taught/runs/dpo", "after")]
    {
        let out = format!("{}.jsonl", model.replace('/', "-"));
        let options = "--k 1 --temperature 0 --max-new-tokens 16";
        place.done(&format!("sample --model {model} --prompts asked.jsonl {options} --out {out}"));
        let texts: Vec<Value> =
            place.records(&out).iter().map(|record| record["completions"][0]["text"].clone()).collect();
        assert_eq!(Value::from(texts), said[expected], "{model}");
    }
}

#[test]
fn teach_goes_on_with_a_workflow_of_the_page() {
    let place = place();
    let (rankings, adapter) =
        (place.read("taught/rankings.jsonl"), fixture("workflow/runs/dpo/adapter_model.safetensors"));
    let words = "teach --model tiny.gguf --prompts taught/prompts.jsonl --labeler no_repetition --max-new-tokens 8 --out taught";
    let summary = place.done(words);
    assert_eq!(summary["model"], "taught/runs/dpo");
    assert_eq!(place.read("taught/rankings.jsonl"), rankings, "what was ranked on the page stays");
    let kept = fs::read(place.path("taught/runs/dpo/adapter_model.safetensors")).expect("the adapter");
    assert!(kept == fs::read(adapter).expect("the fixture"), "what was tuned there is not tuned again");
    let about: Value = serde_json::from_str(&place.read("taught/workflow.json")).expect("JSON");
    assert_eq!(about["page"]["name"], "tiny", "the page finds its own words again");
    assert_eq!(place.done(words), summary);
    // Whoever goes on first decides; from then on it is what was begun.
    place.refused(&words.replace("no_repetition", "shorter"), &["taught was begun otherwise", "labeler was"]);
}
