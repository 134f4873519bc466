//! What a training stage wants, from a file of any format that holds it.
//!
//! The stages read our own records; every record here names the line of the user's file that it came from, so that
//! whatever is wrong with it can be told where it was written.

use std::collections::VecDeque;

use super::convert::{self, Notes};
use super::name::Format;
use super::read::Read;
use super::reason::Reason;
use crate::prompt::Prompt;
use crate::rankings::PreferenceRecord;
use crate::records::{DemonstrationRecord, Entry, PromptRecord, is_edited};

/// What a stage reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wanted {
    /// Prompts with completions to imitate.
    Demonstrations,
    /// Rankings and pairs.
    Comparisons,
    /// Prompts to answer.
    Prompts,
    /// Single completions, good or bad.
    Unpaired,
    /// Texts to continue.
    Text,
}

impl Wanted {
    const ALL: [Self; 5] = [Self::Demonstrations, Self::Comparisons, Self::Prompts, Self::Unpaired, Self::Text];

    /// What it is called in messages.
    pub fn name(self) -> &'static str {
        match self {
            Self::Demonstrations => "demonstrations",
            Self::Comparisons => "comparisons",
            Self::Prompts => "prompts",
            Self::Unpaired => "unpaired completions",
            Self::Text => "texts to continue",
        }
    }
}

impl Format {
    /// True if files of this format can hold what is wanted.
    pub fn gives(self, wanted: Wanted) -> bool {
        let compares = matches!(
            self,
            Self::Preference
                | Self::ImplicitPreference
                | Self::Ranking
                | Self::Alpaca
                | Self::OasstTrees
                | Self::OasstMessages
                | Self::HhRlhf
                | Self::UltraFeedback
                | Self::Tldr
                | Self::OpenWebUi
        );
        match wanted {
            Wanted::Prompts => self != Self::Text,
            Wanted::Demonstrations => !matches!(self, Self::Text | Self::Prompt | Self::Candidates),
            Wanted::Comparisons => compares,
            Wanted::Unpaired => compares || self == Self::Unpaired,
            Wanted::Text => matches!(
                self,
                Self::Text
                    | Self::PromptCompletion
                    | Self::Conversation
                    | Self::Alpaca
                    | Self::Dolly
                    | Self::ShareGpt
                    | Self::QuestionAnswer
                    | Self::ChatGpt
            ),
        }
    }

    /// Refuses a file that can not give what is wanted, and says what it could be used for.
    ///
    /// # Errors
    ///
    /// The message.
    pub fn require(self, source_name: &str, wanted: Wanted) -> Result<(), String> {
        if self.gives(wanted) {
            return Ok(());
        }
        let uses: Vec<&str> = Wanted::ALL.into_iter().filter(|use_| self.gives(*use_)).map(Wanted::name).collect();
        Err(format!(
            "{source_name} is {self}, {}: it holds no {}; it could be used for {}",
            self.description(),
            wanted.name(),
            if uses.is_empty() { "ranking".to_owned() } else { uses.join(", ") }
        ))
    }
}

/// The entries that a stage wants, each with the line that it came from, or why there is none.
///
/// Conversations stay conversations where demonstrations are wanted; rankings stay rankings where comparisons are.
/// Of rankings the edits are demonstrations; where there is none, the best completions are.
/// Where prompts are wanted, one that several completions in a row were given to is taken once.
pub fn entries_for<I: Iterator<Item = Read>>(wanted: Wanted, reads: I) -> EntriesFor<I> {
    EntriesFor {
        wanted,
        reads,
        ready: VecDeque::new(),
        asked: None,
        preferred: Preferred::default(),
        notes: Notes::default(),
    }
}

/// The entries that a stage wants.
pub struct EntriesFor<I> {
    wanted: Wanted,
    reads: I,
    ready: VecDeque<(u64, Entry)>,
    /// The prompt taken last.
    asked: Option<Prompt>,
    preferred: Preferred,
    notes: Notes,
}

/// Demonstrations that are the best completion of a comparison, held back until it is known whether somebody wrote
/// better ones: the best of four may be the least bad.
#[derive(Default)]
struct Preferred {
    edits: usize,
    /// The edit taken last: as pairs, one edit is several.
    last: Option<(Prompt, String)>,
    best: VecDeque<(u64, Entry)>,
}

impl Preferred {
    /// Gives back what can be used at once.
    fn pass(&mut self, line: u64, compared: bool, entry: Entry) -> Option<(u64, Entry)> {
        match &entry {
            Entry::Demonstration(record) if compared && is_edited(&record.extra) => {
                let edit = Some((record.prompt.clone(), record.completion.clone()));
                if self.last == edit {
                    return None;
                }
                self.last = edit;
                self.edits += 1;
            }
            Entry::Demonstration(_) if compared => {
                self.best.push_back((line, entry));
                return None;
            }
            _ => {}
        }
        Some((line, entry))
    }

    /// What is left at the end of the file.
    fn end(&mut self, notes: &mut Notes) -> VecDeque<(u64, Entry)> {
        let best = std::mem::take(&mut self.best);
        match self.edits {
            0 => best,
            edits => {
                notes
                    .once(&format!("edited answers taken: {edits}; rankings without an edit left out: {}", best.len()));
                VecDeque::new()
            }
        }
    }
}

impl<I> EntriesFor<I> {
    /// What of the file is not used, each loss once; complete when the entries are through.
    pub fn notes(&self) -> &[String] {
        self.notes.all()
    }

    /// True if a prompt is wanted that was taken just before, with another completion to it.
    fn was_asked(&mut self, result: &Result<Entry, String>) -> bool {
        let prompt = match result {
            Ok(Entry::Demonstration(record)) => &record.prompt,
            Ok(Entry::Pair(record)) => &record.prompt,
            Ok(Entry::Unpaired(record)) => &record.prompt,
            Ok(Entry::Ranking(record)) => &record.prompt,
            Ok(Entry::Candidates(record)) => &record.prompt,
            _ => return false,
        };
        if self.wanted != Wanted::Prompts {
            return false;
        }
        let repeated = self.asked.as_ref() == Some(prompt);
        if repeated {
            self.notes.once("a prompt that several completions in a row were given to is taken once");
        } else {
            self.asked = Some(prompt.clone());
        }
        repeated
    }
}

impl<I: Iterator<Item = Read>> Iterator for EntriesFor<I> {
    type Item = (u64, Result<Entry, Reason>);

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some((line, entry)) = self.ready.pop_front() {
                return Some((line, Ok(entry)));
            }
            let Some(Read { line, result, .. }) = self.reads.next() else {
                self.ready = self.preferred.end(&mut self.notes);
                return self.ready.pop_front().map(|(line, entry)| (line, Ok(entry)));
            };
            if self.was_asked(&result) {
                continue;
            }
            let compared = matches!(result, Ok(Entry::Ranking(_) | Entry::Pair(_)));
            match result.map_err(Reason::from).and_then(|entry| wanted_from(self.wanted, entry, &mut self.notes)) {
                Ok(entries) => {
                    self.ready
                        .extend(entries.into_iter().filter_map(|entry| self.preferred.pass(line, compared, entry)));
                }
                Err(reason) => return Some((line, Err(reason))),
            }
        }
    }
}

fn wanted_from(wanted: Wanted, entry: Entry, notes: &mut Notes) -> Result<Vec<Entry>, Reason> {
    Ok(match (wanted, &entry) {
        (Wanted::Demonstrations, Entry::Conversation(_)) | (Wanted::Comparisons, Entry::Pair(_)) => vec![entry],
        (Wanted::Comparisons, Entry::Ranking(_)) => {
            // Its pairs are not used, but they say whether there are any.
            convert::pairs(&entry, &mut Notes::default())?;
            vec![entry]
        }
        (Wanted::Demonstrations, _) => vec![Entry::Demonstration(convert::demonstration(&entry, notes)?)],
        (Wanted::Comparisons, _) => convert::pairs(&entry, notes)?.into_iter().map(Entry::Pair).collect(),
        (Wanted::Prompts, _) => vec![Entry::Prompt(convert::prompts(&entry, notes)?)],
        (Wanted::Unpaired, _) => convert::unpaired(&entry, notes)?.into_iter().map(Entry::Unpaired).collect(),
        (Wanted::Text, _) => vec![Entry::Text(convert::texts(&entry, notes)?)],
    })
}

/// The records of a stage, each with the line that it came from.
///
/// Demonstrations, rankings, pairs, unpaired completions, prompts or texts, as what is wanted says. A conversation
/// becomes one demonstration for each of the assistant's turns, which is the same loss.
pub fn native_records<I: Iterator<Item = Read>>(wanted: Wanted, reads: I) -> NativeRecords<I> {
    NativeRecords { entries: entries_for(wanted, reads), ready: VecDeque::new() }
}

/// The records of a stage.
pub struct NativeRecords<I> {
    entries: EntriesFor<I>,
    ready: VecDeque<(u64, Entry)>,
}

impl<I> NativeRecords<I> {
    /// What of the file is not used, each loss once; complete when the records are through.
    pub fn notes(&self) -> &[String] {
        self.entries.notes.all()
    }
}

impl<I: Iterator<Item = Read>> Iterator for NativeRecords<I> {
    type Item = (u64, Result<Entry, Reason>);

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some((line, record)) = self.ready.pop_front() {
                return Some((line, Ok(record)));
            }
            let (line, entry) = self.entries.next()?;
            match entry.and_then(|entry| native(entry, &mut self.entries.notes)) {
                Ok(records) => self.ready.extend(records.into_iter().map(|record| (line, record))),
                Err(reason) => return Some((line, Err(reason))),
            }
        }
    }
}

/// The records of an entry in the form that the stages read.
fn native(entry: Entry, notes: &mut Notes) -> Result<Vec<Entry>, Reason> {
    let mut records = match entry {
        Entry::Conversation(record) => {
            convert::every_turn(&record, notes)?.into_iter().map(Entry::Demonstration).collect()
        }
        Entry::Ranking(_) => vec![Entry::Ranking(convert::ranking(&entry, 0)?)],
        Entry::Candidates(_) => return convert::refuse(&entry, "a record of a stage: it waits to be ranked"),
        other => vec![other],
    };
    records.iter_mut().for_each(drop_fields_said_twice);
    Ok(records)
}

/// A user's field with the name of one of the record's own would make the record another one when it is written.
fn drop_fields_said_twice(record: &mut Entry) {
    let (extra, own): (_, &[&str]) = match record {
        Entry::Text(record) => (&mut record.extra, &["text"]),
        Entry::Prompt(record) => (&mut record.extra, &["prompt"]),
        Entry::Demonstration(record) => (&mut record.extra, &["prompt", "completion"]),
        Entry::Pair(record) => (&mut record.extra, &["prompt", "chosen", "rejected", "ranking"]),
        Entry::Unpaired(record) => (&mut record.extra, &["prompt", "completion", "label"]),
        Entry::Ranking(record) => (&mut record.extra, &["prompt", "completions", "ranking", "edit"]),
        Entry::Conversation(_) | Entry::Candidates(_) => return,
    };
    extra.retain(|name, _| !own.contains(&name.as_str()));
}

macro_rules! from_entry {
    ($($record:ty, $name:literal: $($kind:ident => $made:expr),*;)*) => {$(
        impl TryFrom<Entry> for $record {
            type Error = Reason;

            fn try_from(entry: Entry) -> Result<Self, Reason> {
                match entry {
                    $(Entry::$kind(record) => Ok($made(record)),)*
                    other => convert::refuse(&other, $name),
                }
            }
        }
    )*};
}

from_entry! {
    DemonstrationRecord, "a demonstration": Demonstration => std::convert::identity;
    PromptRecord, "a prompt": Prompt => std::convert::identity;
    PreferenceRecord, "a preference": Ranking => Self::Ranking, Pair => Self::Pair, Unpaired => Self::Unpaired;
}
