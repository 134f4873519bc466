//! Every record of a file becomes entries, or a drop that says why.
//!
//! Memory stays constant: one record, the pairs of one ranking, or (of flat OpenAssistant messages and Open WebUI's
//! ratings only) [`HELD_BYTES`] of what belongs together.

use std::collections::VecDeque;

use serde_json::Value;

use super::fields::Fields;
use super::held::{HELD_BYTES, Held};
use super::name::Format;
use super::oasst::{Node, Outcome};
use super::open_webui::Rated;
use super::regroup::{Regroup, regroup};
use super::{
    alpaca, candidates, chatgpt, conversation, dolly, hh_rlhf, implicit_preference, oasst_messages, oasst_trees,
    open_webui, preference, prompt, prompt_completion, question_answer, ranking, sharegpt, text, tldr, ultrafeedback,
    unpaired,
};
use crate::records::Entry;
use crate::source::Found;

/// An entry of a file, or why something in it is not used.
#[derive(Debug, Clone, PartialEq)]
pub struct Read {
    /// Where in the file, as its source counts.
    pub line: u64,
    /// How many of the file's records it accounts for. Every record is accounted for by exactly one `Read`: a tree that
    /// gives several rankings counts 1 with the first, and a ranking put together from six pairs counts 6.
    pub records: u64,
    /// The entry, or the reason why there is none.
    pub result: Result<Entry, String>,
}

/// The entries of a file in this format. Pairs with the same `ranking_id` that stand together become the ranking that
/// they were written from ([`regroup`]).
///
/// Preferences, implicit preferences and rankings may mix in one file. Any other record that does not fit is a drop
/// that says which format it looks like.
pub fn read<I: Iterator<Item = Found>>(format: Format, found: I) -> Regroup<Reading<I>> {
    let (messages, ratings) = (Held::new(HELD_BYTES), Held::new(HELD_BYTES));
    regroup(Reading { format, found, ready: VecDeque::new(), messages, ratings, done: false })
}

/// The records of a file, one by one.
pub struct Reading<I> {
    format: Format,
    found: I,
    ready: VecDeque<Read>,
    messages: Held<Node>,
    ratings: Held<Rated>,
    done: bool,
}

impl<I: Iterator<Item = Found>> Iterator for Reading<I> {
    type Item = Read;

    fn next(&mut self) -> Option<Read> {
        while self.ready.is_empty() && !self.done {
            match self.found.next() {
                Some(Found { line, value }) => match value {
                    Ok(value) => self.take(line, value),
                    Err(reason) => self.ready.push_back(Read { line, records: 1, result: Err(reason) }),
                },
                None => {
                    self.done = true;
                    self.ready.extend(oasst_messages::finish(&mut self.messages).into_iter().map(of_messages));
                    self.ready.extend(open_webui::finish(&mut self.ratings));
                }
            }
        }
        self.ready.pop_front()
    }
}

impl<I> Reading<I> {
    fn take(&mut self, line: u64, value: Value) {
        let looks = Format::detect(&value);
        let format = looks.filter(|looks| self.format.mixes_with(*looks)).unwrap_or(self.format);
        if let Err(reason) = self.take_as(format, line, value) {
            let reason = match looks {
                Some(looks) if looks != format => format!("{reason}; it looks like {looks}"),
                _ => reason,
            };
            self.ready.push_back(Read { line, records: 1, result: Err(reason) });
        }
    }

    fn take_as(&mut self, format: Format, line: u64, value: Value) -> Result<(), String> {
        match format {
            Format::OasstMessages => {
                let outcomes = oasst_messages::add(&mut self.messages, Fields::new(value)?, line)?;
                self.ready.extend(outcomes.into_iter().map(of_messages));
            }
            Format::OasstTrees => self.ready.extend(of_tree(oasst_trees::read(Fields::new(value)?, line)?)),
            Format::OpenWebUi => self.ready.extend(open_webui::add(&mut self.ratings, Fields::new(value)?, line)?),
            Format::ChatGpt => {
                let (entry, left_out) = chatgpt::read(Fields::new(value)?)?;
                self.ready.push_back(Read { line, records: 1, result: Ok(entry) });
                self.ready.extend(left_out.map(|why| Read { line, records: 0, result: Err(why) }));
            }
            Format::UltraFeedback => {
                let (entry, left_out) = ultrafeedback::read(Fields::new(value)?, line)?;
                self.ready.push_back(Read { line, records: 1, result: Ok(entry) });
                self.ready.extend(left_out.into_iter().map(|why| Read { line, records: 0, result: Err(why) }));
            }
            single => {
                let result = Ok(read_single(single, value)?);
                self.ready.push_back(Read { line, records: 1, result });
            }
        }
        Ok(())
    }
}

/// The entry of a format whose records give one each.
fn read_single(format: Format, value: Value) -> Result<Entry, String> {
    if format == Format::Text {
        return text::read(value);
    }
    let fields = Fields::new(value)?;
    match format {
        Format::Prompt => prompt::read(fields),
        Format::PromptCompletion => prompt_completion::read(fields),
        Format::Conversation => conversation::read(fields),
        Format::Preference => preference::read(fields),
        Format::ImplicitPreference => implicit_preference::read(fields),
        Format::Unpaired => unpaired::read(fields),
        Format::Alpaca => alpaca::read(fields),
        Format::Dolly => dolly::read(fields),
        Format::ShareGpt => sharegpt::read(fields),
        Format::HhRlhf => hh_rlhf::read(fields),
        Format::Tldr => tldr::read(fields),
        Format::QuestionAnswer => question_answer::read(fields),
        Format::Ranking => ranking::read(fields),
        Format::Candidates => candidates::read(fields),
        Format::Text
        | Format::OasstTrees
        | Format::OasstMessages
        | Format::UltraFeedback
        | Format::OpenWebUi
        | Format::ChatGpt => {
            unreachable!("read elsewhere: their records give any number of entries")
        }
    }
}

/// Messages are the records of their file.
fn of_messages(outcome: Outcome) -> Read {
    Read { line: outcome.line, records: outcome.messages, result: outcome.result }
}

/// The tree is the record: its first entry accounts for it, or else its first drop.
fn of_tree(outcomes: Vec<Outcome>) -> impl Iterator<Item = Read> {
    let counts = outcomes.iter().position(|outcome| outcome.result.is_ok()).unwrap_or(0);
    outcomes.into_iter().enumerate().map(move |(index, outcome)| Read {
        line: outcome.line,
        records: u64::from(index == counts),
        result: outcome.result,
    })
}
