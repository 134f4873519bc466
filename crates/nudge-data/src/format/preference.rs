//! TRL preference with an explicit prompt: `{"prompt","chosen","rejected"}`, and optionally `margin`.
//!
//! Where `score_chosen` and `score_rejected` stand instead of a margin, as in the binarized UltraFeedback, the margin
//! is their difference.

use serde_json::{Map, Value};

use super::fields::{Fields, json_number, kind, number};
use super::{implicit_preference, prompt};
use crate::prompt::Prompt;
use crate::records::{Entry, PairRecord};

pub(super) fn read(mut fields: Fields) -> Result<Entry, String> {
    if implicit_preference::carries_prompt(&fields) {
        return implicit_preference::read(fields);
    }
    let prompt = fields.prompt()?;
    let chosen = fields.completion("chosen")?;
    let rejected = fields.completion("rejected")?;
    pair(prompt, chosen, rejected, fields)
}

/// The pair of two checked completions with whatever fields are left.
pub(super) fn pair(prompt: Prompt, chosen: String, rejected: String, mut fields: Fields) -> Result<Entry, String> {
    if chosen == rejected {
        return Err("`chosen` and `rejected` are the same text; remove the line".to_owned());
    }
    if let Some(margin) = margin(&mut fields)? {
        fields.keep("margin", margin);
    }
    Ok(Entry::Pair(PairRecord { prompt, chosen, rejected, extra: fields.rest() }))
}

/// How far apart the two completions are.
fn margin(fields: &mut Fields) -> Result<Option<Value>, String> {
    if let Ok(given) = fields.value("margin") {
        return match number(&given).filter(|margin| (*margin as f32).is_finite()) {
            Some(_) if given.is_number() => Ok(Some(given)),
            Some(margin) => Ok(Some(json_number(margin))),
            None if given.as_str().is_some_and(|text| text.trim().is_empty()) => Ok(None),
            None => Err(format!("`margin` is {}, expected a finite number", kind(&given))),
        };
    }
    let score = |key| fields.peek(key).and_then(number);
    // A chosen completion with the lower score was not chosen by that score; it says nothing about the margin.
    let difference = score("score_chosen").zip(score("score_rejected")).map(|(chosen, rejected)| chosen - rejected);
    Ok(difference.filter(|margin| *margin >= 0.0 && (*margin as f32).is_finite()).map(json_number))
}

pub(super) fn write(record: &PairRecord) -> Map<String, Value> {
    let mut fields = prompt::write(&record.prompt);
    fields.insert("chosen".to_owned(), record.chosen.as_str().into());
    fields.insert("rejected".to_owned(), record.rejected.as_str().into());
    fields
}
