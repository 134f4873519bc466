//! OpenAssistant's trees, nested and flat.

use serde_json::{Map, Value, json};

use super::super::fields::Fields;
use super::super::held::Held;
use super::super::oasst_messages;
use super::*;
use crate::prompt::Prompt;
use crate::records::RankingRecord;

/// A flat message; roles alternate by the number of letters before the digit being odd.
fn message(id: &str, parent: Option<&str>, role: &str, rank: Option<u64>) -> Value {
    json!({
        "message_id": id, "parent_id": parent, "message_tree_id": "q", "text": format!("text of {id}"), "role": role,
        "rank": rank, "deleted": false, "lang": "en",
    })
}

/// A question, two ranked completions, a further question below the worse one, three ranked ones to it (two tied).
fn tree() -> Vec<Value> {
    vec![
        message("q", None, "prompter", None),
        message("a1", Some("q"), "assistant", Some(1)),
        message("a0", Some("q"), "assistant", Some(0)),
        message("qq", Some("a1"), "prompter", None),
        message("b", Some("qq"), "assistant", Some(1)),
        message("c", Some("qq"), "assistant", Some(0)),
        message("d", Some("qq"), "assistant", Some(1)),
        message("unranked", Some("qq"), "assistant", None),
    ]
}

/// The same messages nested.
fn nested(flat: &[Value]) -> Value {
    fn below(flat: &[Value], message: &Value) -> Value {
        let mut message = message.clone();
        let id = message["message_id"].clone();
        let replies = flat.iter().filter(|reply| reply["parent_id"] == id).map(|reply| below(flat, reply)).collect();
        message["replies"] = replies;
        message
    }
    json!({ "message_tree_id": "q", "tree_state": "ready_for_export", "prompt": below(flat, &flat[0]) })
}

fn ranking(read: &Read) -> &RankingRecord {
    match &read.result {
        Ok(Entry::Ranking(record)) => record,
        other => panic!("{other:?}"),
    }
}

fn texts(record: &RankingRecord) -> Vec<&str> {
    record.completions.iter().map(|completion| completion.text.as_str()).collect()
}

fn drops(reads: &[Read]) -> Vec<(u64, &str)> {
    reads.iter().filter_map(|read| Some((read.line, read.result.as_ref().err()?.as_str()))).collect()
}

#[test]
fn ranked_siblings_become_rankings_of_the_conversation_so_far() {
    for reads in [
        read_all(Format::OasstMessages, tree()),
        read_all(Format::OasstMessages, tree().into_iter().rev().collect()),
        read_all(Format::OasstTrees, vec![nested(&tree())]),
    ] {
        assert_eq!(reads.len(), 2);
        let (first, second) =
            if ranking(&reads[0]).id == "q" { (&reads[0], &reads[1]) } else { (&reads[1], &reads[0]) };
        let record = ranking(first);
        let best: Vec<&str> = record.ranking.iter().map(|group| texts(record)[group[0]]).collect();
        assert_eq!(best, ["text of a0", "text of a1"]);
        assert_eq!(
            record.extra,
            Map::from_iter([("message_tree_id".into(), "q".into()), ("lang".into(), "en".into())])
        );
        let record = ranking(second);
        assert_eq!(record.id, "qq");
        let roles: Vec<String> = record.prompt.messages().iter().map(|m| format!("{} {}", m.role, m.content)).collect();
        assert_eq!(roles, ["user text of q", "assistant text of a1", "user text of qq"]);
        assert!(matches!(record.prompt, Prompt::Messages(_)));
        let tiers: Vec<Vec<&str>> = record
            .ranking
            .iter()
            .map(|group| {
                let mut t: Vec<_> = group.iter().map(|&i| texts(record)[i]).collect();
                t.sort_unstable();
                t
            })
            .collect();
        assert_eq!(tiers, [vec!["text of c"], vec!["text of b", "text of d"]]);
    }
}

#[test]
fn a_tree_without_rankings_gives_its_best_conversation() {
    let flat = vec![
        message("q", None, "prompter", None),
        message("a", Some("q"), "assistant", Some(0)),
        message("late", Some("q"), "assistant", None),
        message("qq", Some("a"), "prompter", None),
    ];
    for reads in [read_all(Format::OasstMessages, flat.clone()), read_all(Format::OasstTrees, vec![nested(&flat)])] {
        assert_eq!(reads.len(), 1);
        let Ok(Entry::Conversation(record)) = &reads[0].result else { panic!("{reads:?}") };
        let said: Vec<&str> = record.messages.iter().map(|message| message.content.as_str()).collect();
        assert_eq!(said, ["text of q", "text of a"], "the unanswered question is left away");
    }
    let reads = read_all(Format::OasstMessages, vec![message("q", None, "prompter", None)]);
    assert!(drops(&reads)[0].1.contains("no assistant answers"));
}

#[test]
fn deleted_messages_and_what_follows_them_are_left_out() {
    let mut flat = tree();
    flat[1]["deleted"] = "True".into();
    for reads in [read_all(Format::OasstMessages, flat.clone()), read_all(Format::OasstTrees, vec![nested(&flat)])] {
        let named: Vec<&str> = drops(&reads).iter().map(|(_, reason)| *reason).collect();
        assert_eq!(named.len(), 6, "{named:?}");
        assert_eq!(named.iter().filter(|reason| reason.contains("it was deleted")).count(), 1);
        assert_eq!(named.iter().filter(|reason| reason.contains("a message before it")).count(), 5);
        let Some(Ok(Entry::Conversation(record))) = reads.iter().map(|read| &read.result).find(|result| result.is_ok())
        else {
            panic!("{reads:?}")
        };
        assert_eq!(record.messages[1].content, "text of a0");
    }
}

#[test]
fn circles_orphans_and_repeated_ids_are_named_with_their_lines() {
    let mut flat = tree();
    flat.extend([
        message("x", Some("y"), "prompter", None),
        message("y", Some("x"), "assistant", None),
        message("z", Some("x"), "assistant", None),
        message("self", Some("self"), "prompter", None),
        message("orphan", Some("nobody"), "assistant", None),
        message("child", Some("orphan"), "prompter", None),
        message("a0", Some("q"), "assistant", Some(5)),
    ]);
    let reads = read_all(Format::OasstMessages, flat);
    assert_eq!(reads.iter().filter(|read| read.result.is_ok()).count(), 2, "the sound part is used");
    let expected = [
        (9, "circle"),
        (10, "circle"),
        (11, "circle"),
        (12, "circle"),
        (13, "its parent is not in the file"),
        (14, "a message before it"),
        (15, "used before, by a message of line 3"),
    ];
    for ((line, reason), (expected_line, part)) in drops(&reads).into_iter().zip(expected) {
        assert_eq!(line, expected_line);
        assert!(reason.contains(part), "{reason}");
    }
    assert_eq!(drops(&reads).len(), expected.len());
}

#[test]
fn nested_replies_must_name_the_message_above() {
    let mut tree = nested(&tree());
    tree["prompt"]["replies"][1]["parent_id"] = "qq".into();
    tree["prompt"]["replies"][0]["replies"][0]["replies"][2]["message_id"] = "b".into();
    let reads = read_all(Format::OasstTrees, vec![tree]);
    let named: Vec<&str> = drops(&reads).iter().map(|(_, reason)| *reason).collect();
    assert!(named.iter().any(|reason| reason.contains("hangs below \"q\"")), "{named:?}");
    assert!(named.iter().any(|reason| reason.contains("used before")), "{named:?}");
    assert_eq!(named.len(), 2);
}

#[test]
fn an_endless_conversation_is_cut_by_name() {
    let id = |index: usize| format!("m{index}");
    let flat: Vec<Value> = (0..3000)
        .map(|index| {
            let role = if index % 2 == 0 { "prompter" } else { "assistant" };
            message(&id(index), index.checked_sub(1).map(id).as_deref(), role, None)
        })
        .collect();
    let reads = read_all(Format::OasstMessages, flat);
    assert_eq!(drops(&reads).len(), 2000);
    assert!(drops(&reads)[0].1.contains("more than 1000 messages"));
}

#[test]
fn only_so_many_messages_are_held() {
    let mut held = Held::new(20_000);
    let mut outcomes = Vec::new();
    let mut most = 0;
    for tree in 0..100u64 {
        for (index, mut value) in self::tree().into_iter().enumerate() {
            value["message_tree_id"] = format!("t{tree}").into();
            let (fields, line) = (Fields::new(value).expect("is an object"), tree * 8 + index as u64);
            outcomes.extend(oasst_messages::add(&mut held, fields, line).expect("is held"));
            most = most.max(held.bytes());
        }
    }
    assert!(most <= 20_000 && !outcomes.is_empty());
    outcomes.extend(oasst_messages::finish(&mut held));
    assert_eq!(held.bytes(), 0);
    // The tree that was being added to when the room ran out is the last to go, so none is torn.
    assert_eq!(outcomes.iter().filter(|outcome| outcome.result.is_ok()).count(), 200);
    assert_eq!(outcomes.iter().map(|outcome| outcome.messages).sum::<u64>(), 800);
}
