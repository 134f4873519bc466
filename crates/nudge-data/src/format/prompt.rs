//! TRL prompt-only: `{"prompt"}`, a text or messages.

use serde_json::{Map, Value};

use super::fields::Fields;
use super::messages;
use crate::prompt::Prompt;
use crate::records::{Entry, PromptRecord};

pub(super) fn read(mut fields: Fields) -> Result<Entry, String> {
    Ok(Entry::Prompt(PromptRecord { prompt: fields.prompt()?, extra: fields.rest() }))
}

pub(super) fn write(prompt: &Prompt) -> Map<String, Value> {
    let prompt = match prompt {
        Prompt::Text(text) => Value::from(text.as_str()),
        Prompt::Messages(messages) => messages::write(messages, ("role", "content"), str::to_owned),
    };
    Map::from_iter([("prompt".to_owned(), prompt)])
}
