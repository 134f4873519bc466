//! ShareGPT: `{"conversations":[{"from","value"}]}` with the speakers system, human, gpt and tool.
//!
//! The list is also found under `conversation` and `items`, and the name of the conversation under any spelling: it is
//! kept with the other fields.

use serde_json::{Map, Value};

use super::fields::Fields;
use super::{conversation, messages, prompt_completion};
use crate::records::{ConversationRecord, Entry};

/// Where the turns are found.
pub(super) const TURNS: [&str; 3] = ["conversations", "conversation", "items"];

pub(super) fn read(mut fields: Fields) -> Result<Entry, String> {
    let key = TURNS.into_iter().find(|key| fields.has(key)).unwrap_or(TURNS[0]);
    let messages = fields.messages(key)?;
    conversation::conversation(messages, fields)
}

pub(super) fn write(record: &ConversationRecord) -> Map<String, Value> {
    let turns = messages::write(&record.messages, ("from", "value"), |role| match role {
        "user" => "human".to_owned(),
        "assistant" => "gpt".to_owned(),
        other => other.to_owned(),
    });
    let mut fields = Map::from_iter([(TURNS[0].to_owned(), turns)]);
    prompt_completion::labels(&mut fields, record.task.as_deref(), record.split.as_deref());
    fields
}
