//! What a training stage wants, from a file of any format that holds it.
//!
//! The stages read JSONL of our own records; every line here names the line of the user's file that it came from, so
//! that whatever is wrong with it can be told where it was written.

use std::collections::VecDeque;

use serde_json::Value;

use super::convert::{self, Notes};
use super::name::Format;
use super::read::Read;
use super::write::with_extra;
use super::{preference, prompt, prompt_completion, ranking, text, unpaired};
use crate::prompt::Prompt;
use crate::records::Entry;

/// What a stage reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wanted {
    /// Prompts with answers to imitate.
    Demonstrations,
    /// Rankings and pairs.
    Comparisons,
    /// Prompts to answer.
    Prompts,
    /// Single answers, good or bad.
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
            Self::Unpaired => "unpaired answers",
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
/// Conversations stay conversations where demonstrations are wanted; rankings stay rankings where comparisons are. Where
/// prompts are wanted, one that several answers in a row were given to is taken once.
pub fn entries_for<I: Iterator<Item = Read>>(wanted: Wanted, reads: I) -> EntriesFor<I> {
    EntriesFor { wanted, reads, ready: VecDeque::new(), asked: None, notes: Notes::default() }
}

/// The entries that a stage wants.
pub struct EntriesFor<I> {
    wanted: Wanted,
    reads: I,
    ready: VecDeque<(u64, Entry)>,
    /// The prompt taken last.
    asked: Option<Prompt>,
    notes: Notes,
}

impl<I> EntriesFor<I> {
    /// What of the file is not used, each loss once; complete when the entries are through.
    pub fn notes(&self) -> &[String] {
        self.notes.all()
    }

    /// True if a prompt is wanted that was taken just before, with another answer to it.
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
            self.notes.once("a prompt that several answers in a row were given to is taken once");
        } else {
            self.asked = Some(prompt.clone());
        }
        repeated
    }
}

impl<I: Iterator<Item = Read>> Iterator for EntriesFor<I> {
    type Item = (u64, Result<Entry, String>);

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some((line, entry)) = self.ready.pop_front() {
                return Some((line, Ok(entry)));
            }
            let Read { line, result, .. } = self.reads.next()?;
            if self.was_asked(&result) {
                continue;
            }
            match result.and_then(|entry| wanted_from(self.wanted, entry, &mut self.notes)) {
                Ok(entries) => self.ready.extend(entries.into_iter().map(|entry| (line, entry))),
                Err(reason) => return Some((line, Err(reason))),
            }
        }
    }
}

fn wanted_from(wanted: Wanted, entry: Entry, notes: &mut Notes) -> Result<Vec<Entry>, String> {
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

/// The records of a stage as lines of JSONL, without line ends, each with the line that it came from.
///
/// A conversation becomes one demonstration for each of the assistant's turns, which is the same loss.
/// `demonstrations_from`, `comparisons_from` and `prompts_from` read every line that this gives.
pub fn native_lines<I: Iterator<Item = Read>>(wanted: Wanted, reads: I) -> NativeLines<I> {
    NativeLines { entries: entries_for(wanted, reads), ready: VecDeque::new() }
}

/// The records of a stage as lines.
pub struct NativeLines<I> {
    entries: EntriesFor<I>,
    ready: VecDeque<(u64, String)>,
}

impl<I> NativeLines<I> {
    /// What of the file is not used, each loss once; complete when the lines are through.
    pub fn notes(&self) -> &[String] {
        self.entries.notes.all()
    }
}

impl<I: Iterator<Item = Read>> Iterator for NativeLines<I> {
    type Item = (u64, Result<String, String>);

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some((line, text)) = self.ready.pop_front() {
                return Some((line, Ok(text)));
            }
            let (line, entry) = self.entries.next()?;
            match entry.and_then(|entry| native(entry, &mut self.entries.notes)) {
                Ok(records) => self.ready.extend(records.iter().map(|record| (line, record.to_string()))),
                Err(reason) => return Some((line, Err(reason))),
            }
        }
    }
}

/// The records of an entry in the form that the stages read.
fn native(entry: Entry, notes: &mut Notes) -> Result<Vec<Value>, String> {
    let (fields, extra) = match entry {
        Entry::Conversation(record) => {
            let turns = convert::every_turn(&record, notes)?;
            let lines = turns.into_iter().map(|turn| with_extra(prompt_completion::write(&turn), turn.extra));
            return Ok(lines.map(Value::Object).collect());
        }
        Entry::Demonstration(record) => (prompt_completion::write(&record), record.extra),
        Entry::Text(record) => (text::write(&record), record.extra),
        Entry::Prompt(record) => (prompt::write(&record.prompt), record.extra),
        Entry::Unpaired(record) => (unpaired::write(&record), record.extra),
        Entry::Ranking(_) => {
            let record = convert::ranking(&entry, 0)?;
            (ranking::write(&record), record.extra)
        }
        Entry::Pair(mut record) => {
            // It would make the line a ranking.
            record.extra.shift_remove("ranking");
            (preference::write(&record), record.extra)
        }
        Entry::Candidates(_) => return Err("candidates wait to be ranked; no stage trains on them".to_owned()),
    };
    Ok(vec![Value::Object(with_extra(fields, extra))])
}
