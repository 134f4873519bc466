//! ChatGPT's exported chats.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::super::{Wanted, native_records};
use super::*;

fn node(id: &str, before: Option<&str>, message: Value) -> (String, Value) {
    (id.to_owned(), json!({ "id": id, "parent": before, "children": [], "message": message }))
}

fn text(role: &str, parts: Value) -> Value {
    json!({
        "author": { "role": role, "name": null, "metadata": {} }, "recipient": "all", "metadata": {},
        "content": { "content_type": "text", "parts": parts },
    })
}

/// A chat with a hidden beginning and a reply that was regenerated.
pub(super) fn chat() -> Value {
    let hidden = json!({
        "author": { "role": "system" }, "metadata": { "is_visually_hidden_from_conversation": true },
        "content": { "content_type": "text", "parts": ["Be brief."] },
    });
    let mapping: Value = [
        node("root", None, Value::Null),
        node("hidden", Some("root"), hidden),
        node("empty", Some("hidden"), text("system", json!([""]))),
        node("q", Some("empty"), text("user", json!(["Who ran?"]))),
        node("old", Some("q"), text("assistant", json!(["Nobody."]))),
        node("new", Some("q"), text("assistant", json!(["A fox."]))),
    ]
    .into_iter()
    .collect();
    json!({ "title": "A run", "create_time": 1.5, "conversation_id": "c", "mapping": mapping, "current_node": "new" })
}

/// The chat with further messages, the last of which is current.
fn chat_and(more: Vec<(&str, Value)>) -> Value {
    let mut chat = chat();
    let mut before = "new".to_owned();
    for (id, message) in more {
        let (id, node) = node(id, Some(&before), message);
        chat["mapping"][&id] = node;
        before = id;
    }
    chat["current_node"] = before.into();
    chat
}

#[test]
fn the_conversation_ends_at_the_current_node() {
    let read = entry(Format::ChatGpt, chat());
    let turns = json!([{ "role": "user", "content": "Who ran?" }, { "role": "assistant", "content": "A fox." }]);
    assert_eq!(read, json!({ "messages": turns, "title": "A run", "conversation_id": "c" }));
    let mut other = chat();
    other["current_node"] = "old".into();
    assert_eq!(entry(Format::ChatGpt, other)["messages"][1]["content"], "Nobody.");
}

#[test]
fn tools_and_images_are_left_out_with_a_note() {
    let of_type = |role: &str, kind: &str, parts: Value| {
        let mut message = text(role, parts);
        message["content"]["content_type"] = kind.into();
        message
    };
    let mut call = text("assistant", json!(["search(fox)"]));
    call["recipient"] = "browser".into();
    let image = json!([{ "content_type": "image_asset_pointer", "asset_pointer": "file" }, "And this one?"]);
    let read = read_all(
        Format::ChatGpt,
        vec![chat_and(vec![
            ("ask", of_type("user", "multimodal_text", image)),
            ("think", of_type("assistant", "thoughts", json!([]))),
            ("call", call),
            ("found", text("tool", json!(["a page"]))),
            ("say", text("assistant", json!(["I looked.", " Twice."]))),
            ("say on", text("assistant", json!(["A hare."]))),
        ])],
    );
    let Ok(Entry::Conversation(record)) = &read[0].result else { panic!("{read:?}") };
    let turns: Vec<&str> = record.messages.iter().map(|message| message.content.as_str()).collect();
    assert_eq!(turns, ["Who ran?", "A fox.", "And this one?", "I looked. Twice.\n\nA hare."]);
    let note = read[1].result.as_ref().expect_err("is a note");
    assert_eq!(
        note,
        "messages and parts left out of the conversation: 1 of type \"image_asset_pointer\", 1 of type \"thoughts\", 2 \
         of a tool"
    );
    assert_eq!(read.iter().map(|read| read.records).collect::<Vec<_>>(), [1, 0]);
}

#[test]
fn a_chat_that_can_not_be_used_is_named() {
    let with = |pointer: &str, value: Value| {
        let mut chat = chat();
        *chat.pointer_mut(pointer).expect("is a field") = value;
        chat
    };
    let cases = [
        (with("/current_node", Value::Null), "`current_node` is missing"),
        (with("/current_node", "gone".into()), "message \"gone\" is missing"),
        (with("/current_node", "q".into()), "no assistant's turn"),
        (with("/mapping/q/parent", "gone".into()), "message \"gone\" is missing"),
        (with("/mapping/q/parent", "new".into()), "go round in a circle"),
        (with("/mapping/q/parent", json!(1)), "`parent` of message \"q\" is a number"),
        (with("/mapping/q", json!("x")), "message \"q\" is a text"),
        (with("/mapping/q/message/author/role", Value::Null), "no `role` of its `author`"),
        (with("/mapping/q/message/author/role", "king".into()), "\"king\" is no known role"),
        (with("/mapping", json!([])), "`mapping` is no object"),
    ];
    for (record, part) in cases {
        let reason = reason(Format::ChatGpt, record);
        assert!(reason.contains(part), "{reason:?} lacks {part:?}");
    }
}

#[test]
fn a_chat_teaches_every_turn() {
    let chat = chat_and(vec![("more", text("user", json!(["Why?"]))), ("so", text("assistant", json!(["For fun."])))]);
    let records = native_records(Wanted::Demonstrations, read(Format::ChatGpt, found(vec![chat])));
    assert_eq!(records.filter(|(_, record)| record.is_ok()).count(), 2);
    assert!(Format::ChatGpt.gives(Wanted::Text) && !Format::ChatGpt.gives(Wanted::Comparisons));
}

proptest! {
    /// However the messages of a chat hang together, reading ends and loses no record (`read_all` counts).
    #[test]
    fn any_chat_comes_to_an_end(parents in prop::collection::vec(0..8usize, 1..7), current in 0..7usize) {
        let id = |index: usize| format!("m{index}");
        let mapping: Value = parents
            .iter()
            .enumerate()
            .map(|(index, before)| {
                let role = ["user", "assistant", "tool"][index % 3];
                node(&id(index), (*before < 7).then(|| id(*before)).as_deref(), text(role, json!(["x", null, {}])))
            })
            .collect();
        read_all(Format::ChatGpt, vec![json!({ "mapping": mapping, "current_node": id(current) })]);
    }
}
