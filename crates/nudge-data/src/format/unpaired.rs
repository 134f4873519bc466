//! TRL unpaired preference: `{"prompt","completion","label"}`.

use serde_json::{Map, Value};

use super::fields::Fields;
use super::prompt;
use crate::records::{Entry, UnpairedRecord};

pub(super) fn read(mut fields: Fields) -> Result<Entry, String> {
    let prompt = fields.prompt()?;
    let completion = fields.completion("completion")?;
    let label = fields.truth("label")?;
    Ok(Entry::Unpaired(UnpairedRecord { prompt, completion, label, extra: fields.rest() }))
}

pub(super) fn write(record: &UnpairedRecord) -> Map<String, Value> {
    let mut fields = prompt::write(&record.prompt);
    fields.insert("completion".to_owned(), record.completion.as_str().into());
    fields.insert("label".to_owned(), record.label.into());
    fields
}
