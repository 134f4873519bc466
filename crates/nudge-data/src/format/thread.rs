//! The messages that lead to one message, from a map of messages of which each names the one before it: how Open WebUI
//! and ChatGPT store a chat with all its branches.

use std::collections::HashSet;

use serde_json::{Map, Value};

use super::fields::{clip, kind};

/// Longer conversations are left out: what repeats their beginning for each turn would cost the square of the length.
pub(super) const LONGEST: usize = 1000;

/// The messages from the first one to `last`, taken out of `messages`. The field `before` of a message names the one
/// before it; the first message has none.
///
/// # Errors
///
/// If one is missing or no object, if they go round in a circle, or if they are more than [`LONGEST`].
pub(super) fn up_to(
    last: &str,
    before: &str,
    messages: &mut Map<String, Value>,
) -> Result<Vec<Map<String, Value>>, String> {
    let mut thread = Vec::new();
    let mut seen = HashSet::new();
    let mut next = Some(last.to_owned());
    while let Some(id) = next {
        let name = clip(&id, 60);
        let message = messages.get_mut(&id).map(Value::take);
        if !seen.insert(id) {
            return Err(format!("the messages before message {name:?} go round in a circle"));
        }
        let message = match message {
            Some(Value::Object(message)) => message,
            Some(other) => return Err(format!("message {name:?} is {}, expected an object", kind(&other))),
            None => return Err(format!("message {name:?} is missing")),
        };
        if thread.len() == LONGEST {
            return Err(format!("more than {LONGEST} messages stand before message {:?}", clip(last, 60)));
        }
        next = match message.get(before) {
            None | Some(Value::Null) => None,
            Some(Value::String(id)) => Some(id.clone()),
            Some(other) => return Err(format!("`{before}` of message {name:?} is {}, expected a text", kind(other))),
        };
        thread.push(message);
    }
    thread.reverse();
    Ok(thread)
}
