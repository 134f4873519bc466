//! TRL language modelling: `{"text"}`, or a text by itself, as plain files give it.

use serde_json::{Map, Value};

use super::fields::Fields;
use crate::records::{Entry, TextRecord};

pub(super) fn read(value: Value) -> Result<Entry, String> {
    let mut fields = match value {
        Value::String(text) => Fields::new(Value::Object(Map::from_iter([("text".to_owned(), Value::from(text))])))?,
        other => Fields::new(other)?,
    };
    Ok(Entry::Text(TextRecord { text: fields.words("text")?, extra: fields.rest() }))
}

pub(super) fn write(record: &TextRecord) -> Map<String, Value> {
    Map::from_iter([("text".to_owned(), Value::from(record.text.as_str()))])
}
