//! What other tools spell differently, and what can not be used: dropped by name, never silently.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

#[test]
fn messages_stand_for_texts_everywhere() {
    let user = json!([{ "role": "user", "content": "Hi" }]);
    let said = |text: &str| json!([{ "role": "assistant", "content": [{ "type": "text", "text": text }, { "type": "text", "text": "!" }] }]);
    let pair = entry(Format::Preference, json!({ "prompt": user, "chosen": said("Yes"), "rejected": said("No") }));
    assert_eq!(pair, json!({ "prompt": user, "chosen": "Yes!", "rejected": "No!" }));
    let demonstration = entry(Format::PromptCompletion, json!({ "prompt": user, "completion": said("Yes") }));
    assert_eq!(demonstration, json!({ "prompt": user, "completion": "Yes!" }));
    let unpaired = entry(Format::Unpaired, json!({ "prompt": user, "completion": said("Yes"), "label": true }));
    assert_eq!(unpaired, json!({ "prompt": user, "completion": "Yes!", "label": true }));
}

#[test]
fn a_table_of_texts_is_understood() {
    for (text, label) in [("true", true), ("1", true), ("True", true), ("FALSE", false), ("0", false)] {
        let row = json!({ "prompt": "Hi", "completion": "Yes", "label": text });
        assert_eq!(entry(Format::Unpaired, row)["label"], label);
    }
    let vague = json!({ "prompt": "Hi", "completion": "Yes", "label": "maybe" });
    assert!(reason(Format::Unpaired, vague).contains("expected true or false"));
}

#[test]
fn what_is_missing_or_empty_or_something_else_is_named() {
    let cases = [
        (Format::PromptCompletion, json!({ "prompt": "Hi", "n": 1 }), "`completion` is missing; the record has `n`"),
        (Format::PromptCompletion, json!({ "prompt": " ", "completion": "x" }), "`prompt` is empty"),
        (Format::PromptCompletion, json!({ "prompt": "Hi", "completion": "\n" }), "`completion` is empty"),
        (Format::PromptCompletion, json!({ "prompt": "Hi", "completion": 3 }), "`completion` is a number"),
        (Format::PromptCompletion, json!({ "prompt": "Hi", "completion": null }), "`completion` is missing"),
        (Format::PromptCompletion, json!([1]), "the record is a list"),
        (Format::Preference, json!({ "prompt": "Hi", "chosen": "x", "rejected": "x" }), "the same text"),
        (Format::Preference, json!({ "prompt": "Hi", "chosen": "x", "rejected": "" }), "`rejected` is empty"),
        (Format::Preference, json!({ "text": "Hi" }), "`prompt` is missing; the record has `text`; it looks like text"),
        (Format::Conversation, json!({ "messages": [] }), "empty list"),
        (Format::Conversation, json!({ "messages": [{ "role": "user", "content": "Hi" }] }), "no assistant's turn"),
        (Format::Conversation, json!({ "messages": [{ "role": "assistant", "content": "" }] }), "(message 0)"),
        (
            Format::Conversation,
            json!({ "messages": [{ "role": "king", "content": "Hi" }] }),
            "\"king\" is no known role",
        ),
        (Format::Conversation, json!({ "messages": [{ "content": "Hi" }] }), "message 0: `role` is missing"),
        (
            Format::Conversation,
            json!({ "messages": [{ "role": "user", "content": [{ "type": "image", "url": "u" }] }] }),
            "of type \"image\"",
        ),
        (Format::Text, json!({ "text": "" }), "`text` is empty"),
        (
            Format::Ranking,
            json!({ "id": "r", "prompt": "p", "completions": ["a", "b"], "ranking": [[0]] }),
            "leaves out completion 1",
        ),
        (
            Format::Ranking,
            json!({ "id": "r", "prompt": "p", "completions": ["a", "a"], "ranking": [[0], [1]] }),
            "same text",
        ),
        (
            Format::Ranking,
            json!({ "id": "r", "prompt": "p", "completions": ["a", "b"], "ranking": "ab" }),
            "`ranking` is no list",
        ),
        (
            Format::UltraFeedback,
            json!({ "instruction": "i", "completions": [{ "response": "x", "overall_score": 1 }] }),
            "1 rated",
        ),
        (Format::Tldr, json!({ "info": { "post": "p", "title": "t" } }), "`info`: `subreddit` is missing"),
    ];
    for (format, value, part) in cases {
        let reason = reason(format, value);
        assert!(reason.contains(part), "{format}: {reason}");
    }
}

#[test]
fn comparisons_of_all_forms_mix_and_others_are_named() {
    let [ranking, pair, implicit, text] =
        [Format::Ranking, Format::Preference, Format::ImplicitPreference, Format::Text]
            .map(|wanted| fixtures().into_iter().find(|(format, _)| *format == wanted).expect("is there").1);
    for format in [Format::Ranking, Format::Preference, Format::ImplicitPreference] {
        let reads = read_all(format, vec![ranking.clone(), pair.clone(), implicit.clone(), text.clone()]);
        let kinds: Vec<bool> = reads.iter().map(|read| read.result.is_ok()).collect();
        assert_eq!(kinds, [true, true, true, false]);
        assert!(reads[3].result.as_ref().expect_err("is a drop").ends_with("; it looks like text"));
        assert_eq!(reads[3].line, 4);
    }
}

#[test]
fn what_the_source_could_not_read_stays_a_drop() {
    let found = Found { line: 7, value: Err("torn".to_owned()) };
    let reads: Vec<Read> = read(Format::Text, [found].into_iter()).collect();
    assert_eq!(reads, [Read { line: 7, records: 1, result: Err("torn".to_owned()) }]);
}

/// JSON with the names that the formats use, in any combination.
fn any_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        (-2i64..3).prop_map(Value::from),
        prop::sample::select(vec![
            "",
            "a",
            "b",
            "user",
            "assistant",
            "1",
            "\n\nHuman: a\n\nAssistant: b",
            "é b",
            "é c"
        ])
        .prop_map(Value::from),
    ];
    let key = prop::sample::select(vec![
        "text",
        "prompt",
        "completion",
        "chosen",
        "rejected",
        "label",
        "messages",
        "role",
        "content",
        "from",
        "value",
        "conversations",
        "instruction",
        "input",
        "output",
        "context",
        "response",
        "message_id",
        "parent_id",
        "rank",
        "replies",
        "completions",
        "ranking",
        "id",
        "info",
        "summaries",
        "choice",
        "margin",
        "ranking_id",
        "q",
        "a",
    ]);
    leaf.prop_recursive(4, 40, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec((key.clone(), inner), 0..6)
                .prop_map(|fields| fields.into_iter().map(|(key, value)| (key.to_owned(), value)).collect::<Value>()),
        ]
    })
}

proptest! {
    /// Whatever the records are, nothing panics and none is lost (`read_all` counts).
    #[test]
    fn no_record_is_lost(values in prop::collection::vec(any_value(), 0..6)) {
        for format in Format::ALL {
            read_all(format, values.clone());
        }
    }
}
