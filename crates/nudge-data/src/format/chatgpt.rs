//! ChatGPT's export of one's own chats, `conversations.json`: `{"title","mapping","current_node"}`, where `mapping`
//! holds every message by its id, `{"parent","message":{"author":{"role"},"content":{"content_type","parts"}}}`.
//!
//! A record is the conversation that stood on the screen: from the first message to `current_node`. What was hidden
//! there and what is empty belongs to no turn. Messages of tools and to tools, reasoning, images and files are left out,
//! and the record says how many; the messages that make up one turn of the assistant are joined.
//!
//! It lacks the branches that were left (regenerated answers, edited requests): nothing says which is better.

use serde_json::{Map, Value};

use super::fields::{Fields, clip};
use super::{conversation, messages, thread};
use crate::records::Entry;
use crate::template::Message;

/// What stands between the messages of one turn.
const GAP: &str = "\n\n";

/// True for a record of the export.
pub(super) fn looks_like(record: &Map<String, Value>) -> bool {
    record.get("mapping").is_some_and(Value::is_object) && record.contains_key("current_node")
}

/// The conversation, and what was left out of it.
pub(super) fn read(mut fields: Fields) -> Result<(Entry, Option<String>), String> {
    let Value::Object(mut nodes) = fields.value("mapping")? else {
        return Err("`mapping` is no object of messages by their ids".to_owned());
    };
    let last = fields.text("current_node")?;
    let mut turns: Vec<Message> = Vec::new();
    let mut left_out: Vec<String> = Vec::new();
    for mut node in thread::up_to(&last, "parent", &mut nodes)? {
        let message = node.get_mut("message").map(Value::take).unwrap_or_default();
        match said(&message, &mut left_out)? {
            Some(more) if more.role == "assistant" && turns.last().is_some_and(|turn| turn.role == more.role) => {
                let turn = turns.last_mut().map(|turn| &mut turn.content);
                turn.into_iter().for_each(|turn| turn.extend([GAP, &more.content]));
            }
            turn => turns.extend(turn),
        }
    }
    let kept = ["title", "conversation_id"].into_iter();
    let kept: Map<String, Value> = kept.filter_map(|key| Some((key.to_owned(), fields.label(key)?.into()))).collect();
    let entry = conversation::conversation(turns, Fields::new(Value::Object(kept))?)?;
    Ok((entry, summary(&left_out)))
}

/// What the user saw of a message, if anything; what of it can not be used goes to `left_out`, by its kind.
fn said(message: &Value, left_out: &mut Vec<String>) -> Result<Option<Message>, String> {
    if message.is_null() || message["metadata"]["is_visually_hidden_from_conversation"] == true {
        return Ok(None);
    }
    let Some(role) = message["author"]["role"].as_str() else {
        return Err("a message has no `role` of its `author`".to_owned());
    };
    let role = messages::role(role)?;
    let content = &message["content"];
    let kind = content["content_type"].as_str().unwrap_or("unknown");
    if role == "tool" || message["recipient"].as_str().is_some_and(|recipient| recipient != "all") {
        left_out.push("of a tool".to_owned());
        return Ok(None);
    }
    if !matches!(kind, "text" | "multimodal_text") {
        left_out.push(format!("of type {:?}", clip(kind, 40)));
        return Ok(None);
    }
    let parts = content["parts"].as_array().map(Vec::as_slice).unwrap_or_default();
    let mut text = String::new();
    for part in parts {
        match part {
            Value::String(part) => text.push_str(part),
            Value::Null => {}
            other => {
                let kind = other["content_type"].as_str().unwrap_or("unknown");
                left_out.push(format!("of type {:?}", clip(kind, 40)));
            }
        }
    }
    Ok((!text.trim().is_empty()).then(|| Message { role: role.to_owned(), content: text }))
}

/// One line for all that was left out.
fn summary(left_out: &[String]) -> Option<String> {
    let mut kinds: Vec<(&str, usize)> = Vec::new();
    for kind in left_out {
        match kinds.iter_mut().find(|(known, _)| known == kind) {
            Some((_, count)) => *count += 1,
            None => kinds.push((kind, 1)),
        }
    }
    let kinds: Vec<String> = kinds.iter().map(|(kind, count)| format!("{count} {kind}")).collect();
    (!kinds.is_empty()).then(|| format!("messages and parts left out of the conversation: {}", kinds.join(", ")))
}
