//! What was understood of a file: counts, lengths, repeats, drops and examples, gathered in constant memory.
//!
//! It lacks the file and the terminal: entries come in one by one, and [`Report`] is written as JSON by serde and as
//! text by `Display`.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;

use super::convert::kind;
use super::duplicates::{Repeats, Seen};
use super::fields::clip;
use super::histogram::Histogram;
use super::name::Format;
use super::read::Read;
use crate::prompt::Prompt;
use crate::rankings::winners_and_losers;
use crate::records::{Completion, Entry};
use crate::template::Message;

/// Different records and different prompts that are counted exactly; both tables together take 57 MB at most.
const RECORDS_REMEMBERED: usize = 3_600_000;
const PROMPTS_REMEMBERED: usize = 1_800_000;

const DROPS_KEPT: usize = 1000;
const REASONS_KEPT: usize = 100;
const OTHER_REASONS: &str = "other reasons";
const EXAMPLES: usize = 3;
const EXAMPLE_CHARACTERS: usize = 400;
const REASON_CHARACTERS: usize = 400;

/// Something that is not used, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Dropped {
    /// Where in the file.
    pub line: u64,
    /// Why, and how to mend it.
    pub reason: String,
}

/// How long texts are.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Lengths {
    /// In words: what stands between white space.
    pub words: Histogram,
    /// In characters.
    pub characters: Histogram,
}

/// What was understood of a file.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Report {
    /// The name of the format.
    pub format: String,
    /// How the file is laid out, such as `jsonl`.
    pub layout: String,
    /// Records of the file that were understood.
    pub records: u64,
    /// What they became, by kind.
    pub entries: BTreeMap<&'static str, u64>,
    /// Preference pairs, those of rankings counted out.
    pub comparisons: u64,
    /// Different prompts; about, if `repeated_prompts` is an estimate.
    pub prompts: u64,
    /// How many rankings have this many completions.
    pub answers_per_ranking: BTreeMap<usize, u64>,
    /// Of texts to continue.
    pub text_lengths: Lengths,
    /// Of prompts; in conversations, of the turns of all but the assistant.
    pub prompt_lengths: Lengths,
    /// Of completions; in conversations, of the assistant's turns.
    pub answer_lengths: Lengths,
    /// Entries that say the same as an earlier one.
    pub duplicates: Repeats,
    /// Entries whose prompt was there before, with other completions or the same.
    pub repeated_prompts: Repeats,
    /// How much was dropped; `dropped` holds the first thousand.
    pub dropped_count: u64,
    /// How often each reason was given, numbers and names in it left open.
    pub dropped_reasons: BTreeMap<String, u64>,
    /// What was dropped.
    pub dropped: Vec<Dropped>,
    /// The first entries, long texts cut.
    pub examples: Vec<Value>,
}

/// Gathers a [`Report`].
#[derive(Debug)]
pub struct Inspection {
    report: Report,
    records: Seen,
    prompts: Seen,
}

impl Inspection {
    /// Of a file in this format and layout.
    pub fn new(format: Format, layout: &str) -> Self {
        Self {
            report: Report {
                format: format.name().to_owned(),
                layout: layout.to_owned(),
                records: 0,
                entries: BTreeMap::new(),
                comparisons: 0,
                prompts: 0,
                answers_per_ranking: BTreeMap::new(),
                text_lengths: Lengths::default(),
                prompt_lengths: Lengths::default(),
                answer_lengths: Lengths::default(),
                duplicates: Repeats { count: 0, exact: true, error: 0 },
                repeated_prompts: Repeats { count: 0, exact: true, error: 0 },
                dropped_count: 0,
                dropped_reasons: BTreeMap::new(),
                dropped: Vec::new(),
                examples: Vec::new(),
            },
            records: Seen::new(RECORDS_REMEMBERED),
            prompts: Seen::new(PROMPTS_REMEMBERED),
        }
    }

    /// Counts an entry or a drop.
    pub fn add(&mut self, read: &Read) {
        match &read.result {
            Ok(entry) => {
                self.report.records += read.records;
                self.add_entry(entry);
            }
            Err(reason) => self.add_drop(read.line, reason),
        }
    }

    /// What was understood.
    pub fn finish(mut self) -> Report {
        self.report.prompts = self.prompts.different();
        self.report.duplicates = self.records.repeats();
        self.report.repeated_prompts = self.prompts.repeats();
        self.report
    }

    fn add_entry(&mut self, entry: &Entry) {
        let report = &mut self.report;
        *report.entries.entry(kind(entry)).or_default() += 1;
        if report.examples.len() < EXAMPLES
            && let Ok(mut example) = serde_json::to_value(entry)
        {
            shorten(&mut example);
            report.examples.push(example);
        }
        match entry {
            Entry::Text(record) => {
                report.text_lengths.add([record.text.as_str()]);
                self.records.add(&record.text);
            }
            Entry::Conversation(record) => self.add_conversation(&record.messages),
            Entry::Prompt(record) => self.add_completions(&record.prompt, &[], &0),
            Entry::Demonstration(record) => self.add_completions(&record.prompt, &[&record.completion], &0),
            Entry::Unpaired(record) => self.add_completions(&record.prompt, &[&record.completion], &record.label),
            Entry::Pair(record) => {
                report.comparisons += 1;
                self.add_completions(&record.prompt, &[&record.chosen, &record.rejected], &0);
            }
            Entry::Ranking(record) => {
                report.comparisons += winners_and_losers(&record.with_edit().ranking).len() as u64;
                *report.answers_per_ranking.entry(record.completions.len()).or_default() += 1;
                self.add_completions(&record.prompt, &texts(&record.completions), &record.ranking);
            }
            Entry::Candidates(record) => self.add_completions(&record.prompt, &texts(&record.completions), &0),
        }
    }

    /// `verdict` is what the record says beside its texts.
    fn add_completions(&mut self, prompt: &Prompt, completions: &[&str], verdict: &impl std::hash::Hash) {
        self.prompts.add(prompt);
        self.records.add(&(prompt, completions, verdict));
        match prompt {
            Prompt::Text(text) => self.report.prompt_lengths.add([text.as_str()]),
            Prompt::Messages(messages) => {
                self.report.prompt_lengths.add(messages.iter().map(|message| message.content.as_str()));
            }
        }
        completions.iter().for_each(|&completion| self.report.answer_lengths.add([completion]));
    }

    /// Its prompt is what stands before the first completion.
    fn add_conversation(&mut self, messages: &[Message]) {
        let asked = messages.iter().position(|message| message.role == "assistant").unwrap_or(messages.len());
        self.prompts.add(&messages[..asked]);
        self.records.add(messages);
        for Message { role, content } in messages {
            let by_assistant = role == "assistant";
            let lengths = if by_assistant { &mut self.report.answer_lengths } else { &mut self.report.prompt_lengths };
            lengths.add([content.as_str()]);
        }
    }

    fn add_drop(&mut self, line: u64, reason: &str) {
        let report = &mut self.report;
        report.dropped_count += 1;
        if report.dropped.len() < DROPS_KEPT {
            report.dropped.push(Dropped { line, reason: clip(reason, REASON_CHARACTERS) });
        }
        let mut class = without_particulars(&clip(reason, REASON_CHARACTERS));
        if report.dropped_reasons.len() >= REASONS_KEPT && !report.dropped_reasons.contains_key(&class) {
            class = OTHER_REASONS.to_owned();
        }
        *report.dropped_reasons.entry(class).or_default() += 1;
    }
}

impl Lengths {
    /// Counts one text, given in parts.
    fn add<'a>(&mut self, parts: impl IntoIterator<Item = &'a str>) {
        let (mut words, mut characters) = (0, 0);
        for part in parts {
            words += count_words(part);
            characters += part.chars().count() as u64;
        }
        self.words.add(words);
        self.characters.add(characters);
    }
}

fn texts(completions: &[Completion]) -> Vec<&str> {
    completions.iter().map(|completion| completion.text.as_str()).collect()
}

/// What stands between white space. ASCII, most of most files, is counted by its bytes, several times faster.
fn count_words(text: &str) -> u64 {
    if !text.is_ascii() {
        return text.split_whitespace().count() as u64;
    }
    let mut words = 0;
    let mut before = true;
    for byte in text.bytes() {
        let space = matches!(byte, b' ' | b'\t'..=b'\r');
        words += u64::from(before && !space);
        before = space;
    }
    words
}

/// Cuts the long texts of an example.
fn shorten(value: &mut Value) {
    match value {
        Value::String(text) => *text = clip(text, EXAMPLE_CHARACTERS),
        Value::Array(items) => items.iter_mut().for_each(shorten),
        Value::Object(fields) => fields.values_mut().for_each(shorten),
        _ => {}
    }
}

/// A reason with its numbers and quoted texts left open, so that equal reasons count as one.
fn without_particulars(reason: &str) -> String {
    let mut class = String::new();
    let mut in_number = false;
    let mut characters = reason.chars();
    while let Some(character) = characters.next() {
        let digit = character.is_ascii_digit();
        match character {
            '"' => {
                // Quoted texts are escaped as Rust's `{:?}` does it.
                let mut escaped = false;
                characters.by_ref().find(|&quoted| {
                    let ends = quoted == '"' && !escaped;
                    escaped = quoted == '\\' && !escaped;
                    ends
                });
                class.push_str("\"…\"");
            }
            _ if digit && in_number => {}
            _ if digit => class.push('N'),
            _ => class.push(character),
        }
        in_number = digit;
    }
    class
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_ascii_are_the_words_of_any_text() {
        for text in ["", " ", "a", " a\tb\n\u{b}c \r\n", "one two  three"] {
            assert_eq!(count_words(text), text.split_whitespace().count() as u64, "{text:?}");
        }
        assert_eq!(count_words("é\u{a0}b c"), 3);
    }

    #[test]
    fn reasons_of_one_kind_count_as_one() {
        let class = without_particulars(r#"message "\"a\"1\\" was left out: it has 12 completions, 3 too many"#);
        assert_eq!(class, "message \"…\" was left out: it has N completions, N too many");
        assert_eq!(without_particulars("completion 12 of \"x\""), without_particulars("completion 3 of \"y 4\""));
    }
}
