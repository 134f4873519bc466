//! Our candidates: `{"id","prompt","completions"}`, completions waiting to be ranked.

use super::fields::Fields;
use super::ranking;
use crate::records::{CandidatesRecord, Entry};

pub(super) fn read(mut fields: Fields) -> Result<Entry, String> {
    let prompt = fields.prompt()?;
    let completions = ranking::completions(&mut fields)?;
    if completions.is_empty() {
        return Err("`completions` is an empty list; fill it or remove the line".to_owned());
    }
    let id = fields.label("id").ok_or_else(|| "`id` is missing; name the record".to_owned())?;
    Ok(Entry::Candidates(CandidatesRecord { id, prompt, completions, extra: fields.rest() }))
}
