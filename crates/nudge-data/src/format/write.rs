//! Entries as records of a format.
//!
//! It lacks the formats of other people's collections and programs (OpenAssistant, HH-RLHF, UltraFeedback, TL;DR, Open
//! WebUI, ChatGPT): their records say things that an entry does not know.

use serde_json::{Map, Value};

use super::convert::{self, Notes};
use super::name::Format;
use super::reason::Reason;
use super::{
    alpaca, conversation, dolly, implicit_preference, preference, prompt, prompt_completion, ranking, sharegpt, text,
    unpaired,
};
use crate::records::{CandidatesRecord, Entry};

/// Writes entries in one format, and remembers what that lost.
#[derive(Debug)]
pub struct Writer {
    format: Format,
    notes: Notes,
    taken: u64,
}

impl Writer {
    /// The formats that can be written.
    pub const FORMATS: [Format; 12] = [
        Format::Text,
        Format::Prompt,
        Format::PromptCompletion,
        Format::Conversation,
        Format::Preference,
        Format::ImplicitPreference,
        Format::Unpaired,
        Format::Alpaca,
        Format::Dolly,
        Format::ShareGpt,
        Format::Ranking,
        Format::Candidates,
    ];

    /// A writer of this format.
    ///
    /// # Errors
    ///
    /// A message that lists what can be written, if this can not.
    pub fn new(format: Format) -> Result<Self, String> {
        if Self::FORMATS.contains(&format) {
            return Ok(Self { format, notes: Notes::default(), taken: 0 });
        }
        let names: Vec<&str> = Self::FORMATS.iter().map(|format| format.name()).collect();
        Err(format!("{format} can be read but not written; the formats to write are {}", names.join(", ")))
    }

    /// The records of an entry: one, or the pairs of a ranking, best winners first. Fields that Nudge does not know are
    /// kept where the format has no field of that name.
    ///
    /// # Errors
    ///
    /// Why the entry has no form in this format, such as a prompt as a demonstration.
    pub fn write(&mut self, entry: &Entry) -> Result<Vec<Value>, Reason> {
        self.taken += 1;
        let records = match self.format {
            Format::Candidates => vec![candidates(entry)?],
            Format::Ranking => {
                let record = convert::ranking(entry, self.taken)?;
                vec![(ranking::write(&record), record.extra)]
            }
            Format::Preference | Format::ImplicitPreference | Format::Unpaired => {
                write_judged(self.format, entry, &mut self.notes)?
            }
            Format::Alpaca if matches!(entry, Entry::Pair(_) | Entry::Ranking(_)) => {
                write_judged(self.format, entry, &mut self.notes)?
            }
            single => vec![write_single(single, entry, &mut self.notes)?],
        };
        Ok(records.into_iter().map(|(fields, extra)| Value::Object(with_extra(fields, extra))).collect())
    }

    /// What writing lost so far, each loss once.
    pub fn notes(&self) -> &[String] {
        self.notes.all()
    }
}

type Fields = Map<String, Value>;

/// The formats of texts, prompts and completions to imitate.
fn write_single(format: Format, entry: &Entry, notes: &mut Notes) -> Result<(Fields, Fields), Reason> {
    Ok(match format {
        Format::Text => {
            let record = convert::texts(entry, notes)?;
            (text::write(&record), record.extra)
        }
        Format::Prompt => {
            let record = convert::prompts(entry, notes)?;
            (prompt::write(&record.prompt), record.extra)
        }
        Format::Conversation | Format::ShareGpt => {
            let record = convert::conversation(entry, notes)?;
            let write = if format == Format::ShareGpt { sharegpt::write } else { conversation::write };
            (write(&record), record.extra)
        }
        _ => {
            let record = convert::demonstration(entry, notes)?;
            let fields = match format {
                Format::Alpaca => alpaca::write(&record)?,
                Format::Dolly => dolly::write(&record)?,
                _ => prompt_completion::write(&record),
            };
            (fields, record.extra)
        }
    })
}

/// The formats of judgements, of which a ranking needs several records.
fn write_judged(format: Format, entry: &Entry, notes: &mut Notes) -> Result<Vec<(Fields, Fields)>, Reason> {
    if format == Format::Unpaired {
        let records = convert::unpaired(entry, notes)?;
        return Ok(records.into_iter().map(|record| (unpaired::write(&record), record.extra)).collect());
    }
    let pairs = convert::pairs(entry, notes)?;
    pairs
        .into_iter()
        .map(|pair| {
            let fields = match format {
                Format::ImplicitPreference => implicit_preference::write(&pair),
                Format::Alpaca => alpaca::write_pair(&pair)?,
                _ => preference::write(&pair),
            };
            Ok((fields, pair.extra))
        })
        .collect()
}

fn candidates(entry: &Entry) -> Result<(Fields, Fields), String> {
    match entry {
        Entry::Candidates(record) => {
            let bare = CandidatesRecord { extra: Map::new(), ..record.clone() };
            Ok((ranking::fields_of(&bare), record.extra.clone()))
        }
        other => Err(format!("a {} can not become candidates; they are sampled, not converted", convert::kind(other))),
    }
}

/// The record with the unknown fields for which there is room.
fn with_extra(mut fields: Fields, extra: Fields) -> Fields {
    for (key, value) in extra {
        fields.entry(key).or_insert(value);
    }
    fields
}
