//! TRL conversational language modelling: `{"messages":[{"role","content"}]}`.

use serde_json::{Map, Value};

use super::fields::Fields;
use super::{messages, prompt_completion};
use crate::records::{ConversationRecord, Entry};
use crate::template::Message;

pub(super) fn read(mut fields: Fields) -> Result<Entry, String> {
    let messages = fields.messages("messages")?;
    conversation(messages, fields)
}

/// A conversation that holds something to imitate, with whatever fields are left.
pub(super) fn conversation(messages: Vec<Message>, mut fields: Fields) -> Result<Entry, String> {
    let mut completions = messages.iter().enumerate().filter(|(_, message)| message.role == "assistant").peekable();
    if completions.peek().is_none() {
        return Err("the conversation has no assistant's turn, so there is nothing to imitate".to_owned());
    }
    if let Some((index, _)) = completions.find(|(_, message)| message.content.trim().is_empty()) {
        return Err(format!("the assistant's turn is empty (message {index}); fill it or remove the line"));
    }
    let (task, split) = (fields.label("task"), fields.label("split"));
    Ok(Entry::Conversation(ConversationRecord { messages, task, split, extra: fields.rest() }))
}

pub(super) fn write(record: &ConversationRecord) -> Map<String, Value> {
    let messages = messages::write(&record.messages, ("role", "content"), str::to_owned);
    let mut fields = Map::from_iter([("messages".to_owned(), messages)]);
    prompt_completion::labels(&mut fields, record.task.as_deref(), record.split.as_deref());
    fields
}
