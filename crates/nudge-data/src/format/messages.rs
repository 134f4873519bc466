//! Messages as other tools spell them: `role` or `from`, `content` or `value`, text or a list of parts.
//!
//! It lacks images, audio and tool calls: a record that needs them is refused by name, because leaving the part out
//! would change what was said.

use serde_json::{Map, Value};

use super::fields::{clip, kind, names};
use crate::template::Message;

/// The messages of a list; `key` names its field.
pub(super) fn read(key: &str, items: Vec<Value>) -> Result<Vec<Message>, String> {
    let messages: Result<Vec<Message>, String> = items
        .into_iter()
        .enumerate()
        .map(|(index, item)| message(item).map_err(|reason| format!("`{key}`, message {index}: {reason}")))
        .collect();
    let messages = messages?;
    if messages.is_empty() {
        Err(format!("`{key}` is an empty list; fill it or remove the line"))
    } else {
        Ok(messages)
    }
}

/// The text of the only message, which must be the assistant's.
pub(super) fn only_completion(key: &str, mut messages: Vec<Message>) -> Result<String, String> {
    match messages.pop() {
        Some(Message { role, content }) if messages.is_empty() && role == "assistant" => Ok(content),
        Some(Message { role, .. }) if messages.is_empty() => {
            Err(format!("`{key}` is a message of the {role}, expected the assistant's completion"))
        }
        _ => Err(format!("`{key}` has {} messages, expected the assistant's one completion", messages.len() + 1)),
    }
}

fn message(item: Value) -> Result<Message, String> {
    let Value::Object(mut fields) = item else {
        return Err(format!("it is {}, expected an object with `role` and `content`", kind(&item)));
    };
    let speaker = take(&mut fields, &["role", "from", "speaker"], "role")?;
    let Value::String(speaker) = speaker else {
        return Err(format!("its role is {}, expected a text", kind(&speaker)));
    };
    if fields.get("tool_calls").and_then(Value::as_array).is_some_and(|calls| !calls.is_empty()) {
        return Err("it calls tools, which training can not use; remove the line".to_owned());
    }
    let content = content(take(&mut fields, &["content", "value", "text"], "content")?)?;
    Ok(Message { role: role(&speaker)?.to_owned(), content })
}

/// The first of these fields that is there.
fn take(fields: &mut Map<String, Value>, keys: &[&str], meaning: &str) -> Result<Value, String> {
    let found = keys.iter().find_map(|key| fields.get_mut(*key).map(Value::take).filter(|value| !value.is_null()));
    found.ok_or_else(|| format!("`{meaning}` is missing; it has {}", names(fields)))
}

/// Our name of a speaker: TRL's, ShareGPT's and OASST's names mean the same four.
pub(super) fn role(speaker: &str) -> Result<&'static str, String> {
    Ok(match speaker.trim().to_ascii_lowercase().as_str() {
        "user" | "human" | "prompter" | "instruction" => "user",
        "assistant" | "gpt" | "chatgpt" | "model" | "bot" | "bing" | "bard" | "claude" | "response" => "assistant",
        "system" | "developer" => "system",
        "tool" | "function" | "observation" | "ipython" => "tool",
        _ => return Err(format!("{:?} is no known role; use user, assistant, system or tool", clip(speaker, 40))),
    })
}

/// A text, or its parts joined.
fn content(value: Value) -> Result<String, String> {
    match value {
        Value::String(text) => Ok(text),
        Value::Array(parts) => parts.into_iter().map(part).collect(),
        other => Err(format!("its content is {}, expected a text or a list of parts", kind(&other))),
    }
}

fn part(part: Value) -> Result<String, String> {
    match part {
        Value::String(text) => Ok(text),
        Value::Object(mut fields) => {
            let text = fields.get_mut("text").map(Value::take);
            match (fields.get("type").and_then(Value::as_str), text) {
                (None | Some("text" | "input_text" | "output_text"), Some(Value::String(text))) => Ok(text),
                (Some(other), _) => {
                    Err(format!("a part of its content is of type {:?}; only text can be used", clip(other, 40)))
                }
                (None, _) => Err("a part of its content has no text".to_owned()),
            }
        }
        other => Err(format!("a part of its content is {}, expected {{\"type\":\"text\",\"text\"}}", kind(&other))),
    }
}

/// `messages` as JSON with these names of the two fields and this spelling of the roles.
pub(super) fn write(messages: &[Message], keys: (&str, &str), spelled: impl Fn(&str) -> String) -> Value {
    let one = |message: &Message| {
        Value::Object(Map::from_iter([
            (keys.0.to_owned(), Value::from(spelled(&message.role))),
            (keys.1.to_owned(), Value::from(message.content.as_str())),
        ]))
    };
    messages.iter().map(one).collect()
}
