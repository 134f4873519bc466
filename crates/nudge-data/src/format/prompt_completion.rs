//! TRL prompt-completion: `{"prompt","completion"}`, texts or messages.

use serde_json::{Map, Value};

use super::fields::Fields;
use super::prompt;
use crate::prompt::Prompt;
use crate::records::{DemonstrationRecord, Entry};

pub(super) fn read(mut fields: Fields) -> Result<Entry, String> {
    let prompt = fields.prompt()?;
    let completion = fields.completion("completion")?;
    Ok(demonstration(prompt, completion, fields))
}

/// The demonstration of a prompt and its completion with whatever fields are left.
pub(super) fn demonstration(prompt: Prompt, completion: String, mut fields: Fields) -> Entry {
    let (task, split) = (fields.label("task"), fields.label("split"));
    Entry::Demonstration(DemonstrationRecord { prompt, completion, task, split, extra: fields.rest() })
}

/// A task and what it is about, as one prompt: two paragraphs.
pub(super) fn with_input(instruction: String, input: Option<&str>) -> Prompt {
    match input {
        Some(input) if !input.trim().is_empty() => Prompt::Text(format!("{instruction}\n\n{input}")),
        _ => Prompt::Text(instruction),
    }
}

pub(super) fn write(record: &DemonstrationRecord) -> Map<String, Value> {
    let mut fields = prompt::write(&record.prompt);
    fields.insert("completion".to_owned(), record.completion.as_str().into());
    labels(&mut fields, record.task.as_deref(), record.split.as_deref());
    fields
}

/// Adds the task and the split where they are known.
pub(super) fn labels(fields: &mut Map<String, Value>, task: Option<&str>, split: Option<&str>) {
    for (key, label) in [("task", task), ("split", split)] {
        if let Some(label) = label {
            fields.insert(key.to_owned(), label.into());
        }
    }
}
