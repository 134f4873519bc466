//! Every format read from records written here by hand, the ways back, and the real files where they are.

mod chatgpt;
mod inspecting;
mod oasst;
mod open_webui;
mod readers;
mod real_files;
mod stages;
mod tolerance;
mod writers;

use serde_json::{Value, json};

use super::{Format, Read, read};
use crate::records::Entry;
use crate::source::Found;

/// The records as a source gives them, on lines 1, 2, …
fn found(values: Vec<Value>) -> impl Iterator<Item = Found> {
    values.into_iter().enumerate().map(|(index, value)| Found { line: index as u64 + 1, value: Ok(value) })
}

/// What the records give; every record must be accounted for by exactly one of them.
fn read_all(format: Format, values: Vec<Value>) -> Vec<Read> {
    let records = values.len() as u64;
    let reads: Vec<Read> = read(format, found(values)).collect();
    assert_eq!(reads.iter().map(|read| read.records).sum::<u64>(), records, "{reads:?}");
    reads
}

/// The one entry of one record, as serde writes it.
fn entry(format: Format, value: Value) -> Value {
    let mut reads = read_all(format, vec![value]);
    assert_eq!(reads.len(), 1, "{reads:?}");
    serde_json::to_value(reads.remove(0).result.expect("reads")).expect("is JSON")
}

/// Why one record gives no entry.
fn reason(format: Format, value: Value) -> String {
    let mut reads = read_all(format, vec![value]);
    assert_eq!(reads.len(), 1, "{reads:?}");
    reads.remove(0).result.expect_err("is dropped")
}

fn entries(reads: Vec<Read>) -> Vec<Entry> {
    reads.into_iter().map(|read| read.result.expect("reads")).collect()
}

/// One record of every format.
fn fixtures() -> Vec<(Format, Value)> {
    let user = json!({ "role": "user", "content": "Why is it dark?" });
    let good = json!({ "role": "assistant", "content": "The sun has set." });
    let bad = json!({ "role": "assistant", "content": "No idea." });
    let rated = |text: &str, score: f64| json!({ "model": "m", "response": text, "overall_score": score });
    vec![
        (Format::Text, json!({ "text": "Once there was a hen." })),
        (Format::Prompt, json!({ "prompt": "Why is it dark?" })),
        (Format::PromptCompletion, json!({ "prompt": "Why is it dark?", "completion": "The sun has set." })),
        (Format::Conversation, json!({ "messages": [user, good] })),
        (
            Format::Preference,
            json!({ "prompt": "Why is it dark?", "chosen": "The sun has set.", "rejected": "No idea." }),
        ),
        (Format::ImplicitPreference, json!({ "chosen": [user, good], "rejected": [user, bad] })),
        (Format::Unpaired, json!({ "prompt": "Why is it dark?", "completion": "No idea.", "label": false })),
        (Format::Alpaca, json!({ "instruction": "Add them.", "input": "2 and 3", "output": "5" })),
        (
            Format::Dolly,
            json!({ "instruction": "Who ran?", "context": "A fox ran.", "response": "A fox.", "category": "closed_qa" }),
        ),
        (
            Format::ShareGpt,
            json!({ "id": "c1", "conversations": [
                { "from": "human", "value": "Hi" }, { "from": "gpt", "value": "Hello" },
            ] }),
        ),
        (
            Format::OasstTrees,
            json!({ "message_tree_id": "t", "prompt": { "message_id": "t", "text": "Hi", "role": "prompter", "replies": [
                { "message_id": "a", "parent_id": "t", "text": "Yes?", "role": "assistant", "rank": 1, "replies": [] },
                { "message_id": "b", "parent_id": "t", "text": "Hello!", "role": "assistant", "rank": 0, "replies": [] },
            ] } }),
        ),
        (Format::OasstMessages, json!({ "message_id": "t", "parent_id": null, "text": "Hi", "role": "prompter" })),
        (
            Format::HhRlhf,
            json!({ "chosen": "\n\nHuman: Hi\n\nAssistant: Hello", "rejected": "\n\nHuman: Hi\n\nAssistant: Go" }),
        ),
        (
            Format::UltraFeedback,
            json!({ "source": "s", "instruction": "Name a colour.", "completions": [
                rated("Red", 8.0), rated("Stone", 2.0), rated("Blue", 8.0), rated("Grey, I think", 6.5),
            ] }),
        ),
        (
            Format::Tldr,
            json!({ "info": { "id": "x", "post": "I lost a sock.", "title": "Sock", "subreddit": "help" }, "summaries": [
                { "text": " A dog.", "policy": "p" }, { "text": " Lost a sock.", "policy": "q" },
            ], "choice": 1, "worker": "w" }),
        ),
        (Format::QuestionAnswer, json!({ "q": "Who ran?", "a": "A fox.", "split": "train" })),
        (Format::OpenWebUi, open_webui::feedback("a", 1)),
        (Format::ChatGpt, chatgpt::chat()),
        (
            Format::Ranking,
            json!({ "id": "r", "prompt": "Hi", "completions": [{ "text": "a" }, { "text": "b" }], "ranking": [[1], [0]] }),
        ),
        (Format::Candidates, json!({ "id": "r", "prompt": "Hi", "completions": [{ "text": "a" }, { "text": "b" }] })),
    ]
}
