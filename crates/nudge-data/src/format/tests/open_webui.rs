//! Open WebUI's ratings, by themselves and of siblings.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::super::{Wanted, native_records};
use super::*;

/// A rating of one of the completions `a`, `b` and `c` to the second request of a chat.
pub(super) fn feedback(message: &str, rating: i64) -> Value {
    let said = |id: &str, before: Option<&str>, role: &str, content: &str| json!({ "id": id, "parentId": before, "childrenIds": [], "role": role, "content": content });
    let messages = json!({
        "q": said("q", None, "user", "Hi"),
        "r": said("r", Some("q"), "assistant", "Hello."),
        "s": said("s", Some("r"), "user", "Who ran?"),
        "a": said("a", Some("s"), "assistant", "A fox."),
        "b": said("b", Some("s"), "assistant", "Nobody."),
        "c": said("c", Some("s"), "assistant", "I did."),
    });
    json!({
        "id": format!("f-{message}"), "user_id": "u", "version": 0, "type": "rating",
        "data": { "rating": rating, "model_id": "m", "sibling_model_ids": null, "reason": "", "comment": format!("on {message}") },
        "meta": { "arena": false, "chat_id": "chat", "message_id": message, "tags": [] },
        "snapshot": { "chat": { "id": "chat", "chat": { "history": { "messages": messages, "currentId": "a" } } } },
        "created_at": 1, "updated_at": 2,
    })
}

/// Gives a field deep inside of a record another value.
fn with(mut record: Value, pointer: &str, value: Value) -> Value {
    *record.pointer_mut(pointer).expect("is a field") = value;
    record
}

const SAID: &str = "/snapshot/chat/chat/history/messages";

#[test]
fn a_rating_is_an_unpaired_completion_to_the_chat_before_it() {
    let prompt = json!([
        { "role": "user", "content": "Hi" },
        { "role": "assistant", "content": "Hello." },
        { "role": "user", "content": "Who ran?" },
    ]);
    let expected = |label: bool| json!({ "prompt": prompt, "completion": "A fox.", "label": label, "comment": "on a" });
    assert_eq!(entry(Format::OpenWebUi, feedback("a", 1)), expected(true));
    assert_eq!(entry(Format::OpenWebUi, feedback("a", -1)), expected(false));
    let spelled = with(with(feedback("a", 0), "/data/rating", "-1".into()), "/data/comment", " ".into());
    let bare = entry(Format::OpenWebUi, spelled);
    assert_eq!((&bare["label"], &bare["comment"]), (&json!(false), &Value::Null));
    let first = entry(Format::OpenWebUi, feedback("r", 1));
    assert_eq!(first["prompt"], "Hi", "a first request is a text");
}

#[test]
fn a_good_and_a_bad_sibling_are_a_pair_wherever_they_lie() {
    let other_chat = with(feedback("a", -1), "/meta/chat_id", "other".into());
    let read = read_all(Format::OpenWebUi, vec![feedback("b", -1), other_chat, feedback("r", 1), feedback("a", 1)]);
    let lines: Vec<(u64, u64)> = read.iter().map(|read| (read.line, read.records)).collect();
    assert_eq!(lines, [(1, 2), (2, 1), (3, 1)], "each record counts once");
    let Ok(Entry::Pair(pair)) = &read[0].result else { panic!("{read:?}") };
    assert_eq!((pair.chosen.as_str(), pair.rejected.as_str()), ("A fox.", "Nobody."));
    assert_eq!(Value::Object(pair.extra.clone()), json!({ "comment": "on a", "rejected_comment": "on b" }));
    assert_eq!(pair.prompt.messages().len(), 3);
    assert!(read[1..].iter().all(|read| matches!(read.result, Ok(Entry::Unpaired(_)))), "{read:?}");
}

#[test]
fn three_siblings_are_a_ranking_and_equal_ratings_compare_nothing() {
    let read = read_all(Format::OpenWebUi, vec![feedback("a", 1), feedback("b", -1), feedback("c", 1)]);
    let [Read { records: 3, result: Ok(Entry::Ranking(record)), .. }] = read.as_slice() else { panic!("{read:?}") };
    let texts: Vec<&str> = record.completions.iter().map(|completion| completion.text.as_str()).collect();
    assert_eq!((texts, &record.ranking), (vec!["A fox.", "I did.", "Nobody."], &vec![vec![0, 1], vec![2]]));
    assert_eq!(record.completions[2].extra["comment"], "on b");
    let both_good = read_all(Format::OpenWebUi, vec![feedback("a", 1), feedback("b", 1)]);
    assert!(both_good.iter().all(|read| matches!(read.result, Ok(Entry::Unpaired(_)))), "{both_good:?}");
}

#[test]
fn siblings_of_another_prompt_are_not_compared_and_a_second_rating_is_named() {
    let rewritten = with(feedback("b", -1), &format!("{SAID}/s/content"), "Who sang?".into());
    let read = read_all(Format::OpenWebUi, vec![feedback("a", 1), rewritten, feedback("a", -1)]);
    assert_eq!(read.iter().filter(|read| matches!(read.result, Ok(Entry::Unpaired(_)))).count(), 2, "{read:?}");
    let reason = read[2].result.as_ref().expect_err("is a drop");
    assert!(reason.contains("rated before, by the record of line 1"), "{reason}");
}

#[test]
fn a_rating_that_can_not_be_used_is_named() {
    let messages = |pointer: &str, value: Value| with(feedback("a", 1), &format!("{SAID}{pointer}"), value);
    let cases = [
        (with(feedback("a", 1), "/data/rating", Value::Null), "`rating` is missing or null"),
        (feedback("a", 0), "`rating` is 0, expected 1 (good) or -1 (bad)"),
        (feedback("a", 7), "`rating` is 7"),
        (with(feedback("a", 1), "/data/rating", json!([1])), "`rating` is a list"),
        (with(feedback("a", 1), "/snapshot", Value::Null), "`snapshot` is missing"),
        (with(feedback("a", 1), "/snapshot", json!({ "chat": {} })), "`snapshot`: `chat` is missing"),
        (with(feedback("a", 1), "/snapshot/chat/chat/history", json!({})), "`snapshot`: `messages` is missing"),
        (messages("", json!([1])), "no object of messages"),
        (with(feedback("a", 1), "/meta/message_id", Value::Null), "`message_id` is missing"),
        (feedback("gone", 1), "message \"gone\" is missing"),
        (messages("/s/parentId", "gone".into()), "message \"gone\" is missing"),
        (messages("/s/parentId", "a".into()), "go round in a circle"),
        (messages("/a/parentId", "a".into()), "go round in a circle"),
        (messages("/s/parentId", json!(7)), "`parentId` of message \"s\" is a number"),
        (messages("/s", json!(null)), "message \"s\" is null"),
        (messages("/a/parentId", Value::Null), "`prompt` is empty"),
        (messages("/a/content", " ".into()), "`content` is empty"),
        (messages("/s/role", "king".into()), "\"king\" is no known role"),
        (feedback("s", 1), "is not the assistant's"),
        (messages("/q", json!({ "role": "user", "content": "Hi", "files": [{ "type": "image" }] })), "shows an image"),
    ];
    for (record, part) in cases {
        let reason = reason(Format::OpenWebUi, record);
        assert!(reason.contains(part), "{reason:?} lacks {part:?}");
    }
    let same = with(feedback("b", -1), &format!("{SAID}/b/content"), "A fox.".into());
    let read = read_all(Format::OpenWebUi, vec![feedback("a", 1), same]);
    assert!(read[0].result.as_ref().is_err_and(|reason| reason.contains("the same text")), "{read:?}");
}

#[test]
fn an_endless_chat_is_left_out_by_name() {
    let id = |index: usize| format!("m{index}");
    let messages: Value = (0..3000)
        .map(|index| {
            let role = if index % 2 == 0 { "user" } else { "assistant" };
            (id(index), json!({ "parentId": index.checked_sub(1).map(id), "role": role, "content": "x" }))
        })
        .collect();
    let record = with(feedback("m2999", 1), SAID, messages);
    assert!(reason(Format::OpenWebUi, record).contains("more than 1000 messages"));
}

#[test]
fn ratings_serve_the_stages_that_want_them() {
    let count = |wanted: Wanted| {
        let ratings = vec![feedback("a", 1), feedback("b", -1), feedback("r", 1)];
        native_records(wanted, read(Format::OpenWebUi, found(ratings))).filter(|(_, record)| record.is_ok()).count()
    };
    assert_eq!(count(Wanted::Unpaired), 3);
    assert_eq!(count(Wanted::Comparisons), 1);
    assert_eq!(count(Wanted::Prompts), 2);
    assert_eq!(count(Wanted::Demonstrations), 2);
    assert!(!Format::OpenWebUi.gives(Wanted::Text));
}

/// Messages that may name any other, or nothing that is one.
fn any_messages() -> impl Strategy<Value = Value> {
    let before = prop_oneof![
        Just(Value::Null),
        Just(json!(3)),
        prop::sample::select(vec!["a", "b", "c", "d", "gone"]).prop_map(Value::from),
    ];
    let role = prop::sample::select(vec!["user", "assistant", "system", "king", ""]);
    let content = prop_oneof![Just(Value::Null), prop::sample::select(vec!["", "x", "y"]).prop_map(Value::from)];
    let message = prop_oneof![
        1 => Just(json!([])),
        9 => (before, role, content)
            .prop_map(|(before, role, content)| json!({ "parentId": before, "role": role, "content": content })),
    ];
    prop::collection::vec((prop::sample::select(vec!["a", "b", "c", "d"]), message), 0..6)
        .prop_map(|messages| messages.into_iter().map(|(id, message)| (id.to_owned(), message)).collect())
}

proptest! {
    /// However the messages of a chat hang together, reading ends and loses no record (`read_all` counts).
    #[test]
    fn any_chat_comes_to_an_end(
        rated in prop::collection::vec((prop::sample::select(vec!["a", "b", "c"]), -2..3i64, any_messages()), 0..8)
    ) {
        let records = rated.into_iter().map(|(id, rating, messages)| with(feedback(id, rating), SAID, messages));
        read_all(Format::OpenWebUi, records.collect());
    }
}
