//! Stanford Alpaca: `{"instruction","input","output"}`; with `chosen` and `rejected` it is a pair.
//!
//! Instruction and input become one prompt of two paragraphs. The fixed sentences that Alpaca's own training put
//! around them are left to the chat template. `input` is kept, so that writing tells the two apart again.

use serde_json::{Map, Value};

use super::fields::{Fields, kind};
use super::{preference, prompt_completion};
use crate::prompt::Prompt;
use crate::records::{DemonstrationRecord, Entry, PairRecord};

pub(super) fn read(mut fields: Fields) -> Result<Entry, String> {
    let instruction = fields.words("instruction")?;
    let prompt = prompt_completion::with_input(instruction, input(&mut fields, "input")?);
    if fields.has("chosen") || fields.has("rejected") {
        let chosen = fields.words("chosen")?;
        let rejected = fields.words("rejected")?;
        return preference::pair(prompt, chosen, rejected, fields);
    }
    let completion = fields.words("output")?;
    Ok(prompt_completion::demonstration(prompt, completion, fields))
}

/// What the instruction is about. The field stays, unless it is empty.
pub(super) fn input<'a>(fields: &'a mut Fields, key: &str) -> Result<Option<&'a str>, String> {
    if fields.peek(key).and_then(Value::as_str).is_some_and(|input| input.trim().is_empty()) {
        fields.value(key)?;
    }
    match fields.peek(key) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(other) => Err(format!("`{key}` is {}, expected a text", kind(other))),
    }
}

/// The instruction and the input that [`with_input`](prompt_completion::with_input) joined.
///
/// # Errors
///
/// If the prompt is a conversation.
pub(super) fn split_input(prompt: &Prompt, input: Option<&Value>) -> Result<(String, String), String> {
    let text = match prompt {
        Prompt::Text(text) => text.as_str(),
        Prompt::Messages(messages) => match messages.as_slice() {
            [only] if only.role == "user" => only.content.as_str(),
            _ => {
                return Err("its prompt is a conversation of several messages, for which this format has no place; \
                     write `conversation`, `preference` or `prompt-completion`"
                    .to_owned());
            }
        },
    };
    let input = input.and_then(Value::as_str).filter(|input| !input.trim().is_empty());
    let instruction = input.and_then(|input| text.strip_suffix(input)?.strip_suffix("\n\n"));
    Ok(match (instruction, input) {
        (Some(instruction), Some(input)) => (instruction.to_owned(), input.to_owned()),
        _ => (text.to_owned(), String::new()),
    })
}

pub(super) fn write(record: &DemonstrationRecord) -> Result<Map<String, Value>, String> {
    let mut fields = asked(&record.prompt, &record.extra)?;
    fields.insert("output".to_owned(), record.completion.as_str().into());
    prompt_completion::labels(&mut fields, record.task.as_deref(), record.split.as_deref());
    Ok(fields)
}

pub(super) fn write_pair(record: &PairRecord) -> Result<Map<String, Value>, String> {
    let mut fields = asked(&record.prompt, &record.extra)?;
    let output = record.extra.get("output").and_then(Value::as_str).unwrap_or(&record.chosen);
    fields.insert("output".to_owned(), output.into());
    fields.insert("chosen".to_owned(), record.chosen.as_str().into());
    fields.insert("rejected".to_owned(), record.rejected.as_str().into());
    Ok(fields)
}

fn asked(prompt: &Prompt, extra: &Map<String, Value>) -> Result<Map<String, Value>, String> {
    let (instruction, input) = split_input(prompt, extra.get("input"))?;
    Ok(Map::from_iter([("instruction".to_owned(), instruction.into()), ("input".to_owned(), input.into())]))
}
