//! Databricks Dolly: `{"instruction","context","response","category"}`.
//!
//! Instruction and context become one prompt of two paragraphs, and the category is the task. `context` is kept, so
//! that writing tells the two apart again.

use serde_json::{Map, Value};

use super::fields::Fields;
use super::{alpaca, prompt_completion};
use crate::records::{DemonstrationRecord, Entry};

pub(super) fn read(mut fields: Fields) -> Result<Entry, String> {
    let instruction = fields.words("instruction")?;
    let prompt = prompt_completion::with_input(instruction, alpaca::input(&mut fields, "context")?);
    let completion = fields.words("response")?;
    if let Some(category) = fields.label("category") {
        fields.keep("task", category.into());
    }
    Ok(prompt_completion::demonstration(prompt, completion, fields))
}

pub(super) fn write(record: &DemonstrationRecord) -> Result<Map<String, Value>, String> {
    let (instruction, context) = alpaca::split_input(&record.prompt, record.extra.get("context"))?;
    let mut fields = Map::from_iter([
        ("instruction".to_owned(), instruction.into()),
        ("context".to_owned(), context.into()),
        ("response".to_owned(), record.completion.as_str().into()),
        ("category".to_owned(), record.task.as_deref().unwrap_or_default().into()),
    ]);
    prompt_completion::labels(&mut fields, None, record.split.as_deref());
    Ok(fields)
}
