//! One record's fields, taken one by one; what nobody takes is kept as `extra`.
//!
//! It is lenient about how a value is spelled, because CSV makes everything a text (`"true"`, `"0.5"`), and strict
//! about what it means: a field that is missing or is something else is named.

use serde_json::{Map, Value};

use super::messages;
use crate::prompt::Prompt;
use crate::template::Message;

/// The fields of a record that are still to be read. A field of `null` counts as missing: Parquet writes a null where
/// a record has nothing.
pub(super) struct Fields(Map<String, Value>);

impl Fields {
    /// The fields of an object.
    pub(super) fn new(value: Value) -> Result<Self, String> {
        match value {
            Value::Object(mut fields) => {
                fields.retain(|_, value| !value.is_null());
                Ok(Self(fields))
            }
            other => Err(format!("the record is {}, expected an object with named fields", kind(&other))),
        }
    }

    pub(super) fn has(&self, key: &str) -> bool {
        self.0.contains_key(key)
    }

    pub(super) fn peek(&self, key: &str) -> Option<&Value> {
        self.0.get(key)
    }

    pub(super) fn keep(&mut self, key: &str, value: Value) {
        self.0.insert(key.to_owned(), value);
    }

    /// The field, whatever it is.
    pub(super) fn value(&mut self, key: &str) -> Result<Value, String> {
        self.0.shift_remove(key).ok_or_else(|| missing(key, &self.0))
    }

    pub(super) fn text(&mut self, key: &str) -> Result<String, String> {
        match self.value(key)? {
            Value::String(text) => Ok(text),
            other => Err(format!("`{key}` is {}, expected a text", kind(&other))),
        }
    }

    /// A text that says something.
    pub(super) fn words(&mut self, key: &str) -> Result<String, String> {
        let text = self.text(key)?;
        crate::records::require_text(key, &text)?;
        Ok(text)
    }

    /// What names something: a text, or a number or truth value as text. Empty counts as missing.
    pub(super) fn label(&mut self, key: &str) -> Option<String> {
        let name = match self.0.shift_remove(key)? {
            Value::String(name) => name,
            other => other.to_string(),
        };
        (!name.is_empty()).then_some(name)
    }

    /// A finite number, or the text of one; an empty text counts as missing.
    pub(super) fn optional_number(&mut self, key: &str) -> Result<Option<f64>, String> {
        match self.0.shift_remove(key) {
            None => Ok(None),
            Some(Value::String(text)) if text.trim().is_empty() => Ok(None),
            Some(value) => {
                number(&value).map(Some).ok_or_else(|| format!("`{key}` is {}, expected a finite number", kind(&value)))
            }
        }
    }

    /// A truth value, or the text or number of one.
    pub(super) fn truth(&mut self, key: &str) -> Result<bool, String> {
        let value = self.value(key)?;
        truth(&value).ok_or_else(|| format!("`{key}` is {value}, expected true or false"))
    }

    pub(super) fn list(&mut self, key: &str) -> Result<Vec<Value>, String> {
        match self.value(key)? {
            Value::Array(items) => Ok(items),
            other => Err(format!("`{key}` is {}, expected a list", kind(&other))),
        }
    }

    /// The messages of a field.
    pub(super) fn messages(&mut self, key: &str) -> Result<Vec<Message>, String> {
        let items = self.list(key)?;
        messages::read(key, items)
    }

    /// What is asked, as a text or a list of messages, checked.
    pub(super) fn prompt(&mut self) -> Result<Prompt, String> {
        let prompt = match self.value("prompt")? {
            Value::String(text) => Prompt::Text(text),
            Value::Array(items) => Prompt::Messages(messages::read("prompt", items)?),
            other => return Err(format!("`prompt` is {}, expected a text or a list of messages", kind(&other))),
        };
        prompt.check()?;
        Ok(prompt)
    }

    /// A completion: a text, or a list of the assistant's one message, and not empty.
    pub(super) fn completion(&mut self, key: &str) -> Result<String, String> {
        let completion = match self.value(key)? {
            Value::String(text) => text,
            Value::Array(items) => messages::only_completion(key, messages::read(key, items)?)?,
            other => return Err(format!("`{key}` is {}, expected a text or a list of messages", kind(&other))),
        };
        crate::records::require_text(key, &completion)?;
        Ok(completion)
    }

    /// What nobody took.
    pub(super) fn rest(self) -> Map<String, Value> {
        self.0
    }
}

/// The number that a value is or spells.
pub(super) fn number(value: &Value) -> Option<f64> {
    let number = match value {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    };
    number.filter(|number| number.is_finite())
}

/// The truth value that a value is or spells.
pub(super) fn truth(value: &Value) -> Option<bool> {
    match value {
        Value::Bool(truth) => Some(*truth),
        Value::Number(number) if number.as_f64() == Some(1.0) => Some(true),
        Value::Number(number) if number.as_f64() == Some(0.0) => Some(false),
        Value::String(text) => match text.trim().to_ascii_lowercase().as_str() {
            "true" | "1" | "yes" => Some(true),
            "false" | "0" | "no" => Some(false),
            _ => None,
        },
        _ => None,
    }
}

/// A number as JSON; a whole one without its point.
pub(super) fn json_number(number: f64) -> Value {
    if number.fract() == 0.0 && number.abs() < 2f64.powi(53) { Value::from(number as i64) } else { Value::from(number) }
}

/// What a JSON value is, in words.
pub(super) fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a truth value",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

fn missing(key: &str, fields: &Map<String, Value>) -> String {
    match names(fields) {
        names if names.is_empty() => format!("`{key}` is missing; the record has no fields left"),
        names => format!("`{key}` is missing; the record has {names}"),
    }
}

/// The names of the first few fields, for a message.
pub(super) fn names(fields: &Map<String, Value>) -> String {
    const SHOWN: usize = 8;
    let mut names: Vec<String> = fields.keys().take(SHOWN).map(|key| format!("`{}`", clip(key, 40))).collect();
    if fields.len() > SHOWN {
        names.push(format!("{} more", fields.len() - SHOWN));
    }
    names.join(", ")
}

/// The first characters of a text, for a message.
pub(super) fn clip(text: &str, characters: usize) -> String {
    match text.char_indices().nth(characters) {
        None => text.to_owned(),
        Some((end, _)) => format!("{}…", &text[..end]),
    }
}
