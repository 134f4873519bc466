//! Prompts out of a file of the reader: what stands in it, and the prompts by one of its columns.
//!
//! Deliberately absent: formats. A column of anybody's table is enough; plain text is cut at lines, blank lines or rules.

use crate::thrown::Thrown;
use js_sys::Uint8Array;
use nudge_data::source::{Layout, SourceOptions};
use nudge_data::{Prompt, Source};
use nudge_session::Room;
use serde::Serialize;
use serde_json::Value;
use std::collections::BTreeSet;

/// Rows shown to choose a column by.
const SHOWN: usize = 3;
/// More prompts than a person ever ranks, and than a browser should have to store.
const MOST: usize = 10_000;
/// Columns that hold what is asked, where a file has one of them.
const ASKING: [&str; 12] = [
    "prompt",
    "instruction",
    "question",
    "input",
    "query",
    "request",
    "message",
    "email",
    "body",
    "text",
    "content",
    "q",
];
/// How plain text is cut.
const CUTS: [&str; 3] = ["lines", "paragraphs", "rules"];

/// What a file gives.
#[derive(Serialize)]
pub struct Found {
    /// Whether it is plain text; then the choices are how it is cut.
    text: bool,
    /// Columns, or ways to cut.
    choices: Vec<String>,
    /// The one that the prompts are by.
    by: String,
    /// The first rows, a text for each column; of plain text nothing.
    rows: Vec<Vec<String>>,
    /// The prompts, each once.
    prompts: Vec<Prompt>,
    /// Number of rows that give none.
    dropped: usize,
    /// Why the first of them does not.
    reason: String,
}

/// The prompts in a file that the model has room for, beside `answer` tokens. `by` is the reader's choice, `task` is set
/// behind each prompt.
pub fn read(
    name: &str,
    bytes: &Uint8Array,
    by: Option<String>,
    task: &str,
    mut room: Room,
    answer: usize,
) -> Result<Found, Thrown> {
    room.context = room.context.saturating_sub(answer);
    let source = Source::from_bytes(name, bytes.to_vec(), SourceOptions::default())?;
    let text = source.layout() == Layout::Text;
    let mut rows = Vec::new();
    for found in source {
        let value = found.value.map_err(|reason| Thrown::data(format!("{name}, line {}: {reason}", found.line)))?;
        rows.push((found.line, value));
    }
    let mut found = if text { cut(&rows, by) } else { columns(&rows, by) };
    let pieces = if text { pieces(&rows, &found.by) } else { cells(&rows, &found.by) };
    let mut seen = BTreeSet::new();
    for (line, piece) in pieces {
        match prompt(&piece, task, &room) {
            Ok(prompt) if seen.insert(prompt.clone()) && found.prompts.len() < MOST => found.prompts.push(prompt),
            Ok(_) => found.leave_out(name, line, "it is there already, or one more than can be kept"),
            Err(reason) => found.leave_out(name, line, reason),
        }
    }
    Ok(found)
}

impl Found {
    fn leave_out(&mut self, name: &str, line: u64, reason: &str) {
        if self.dropped == 0 {
            self.reason = format!("{name}, line {line}: {reason}");
        }
        self.dropped += 1;
    }
}

/// One prompt, if it asks something and there is room for it.
fn prompt(cell: &Value, task: &str, room: &Room) -> Result<Prompt, &'static str> {
    let mut prompt: Prompt = match cell {
        Value::String(text) => Prompt::Text(text.trim().into()),
        Value::Number(_) | Value::Bool(_) => Prompt::Text(cell.to_string()),
        other => serde_json::from_value(other.clone()).map_err(|_| "it is no text and no conversation")?,
    };
    if prompt.is_empty() {
        return Err("it is empty");
    }
    if let (Prompt::Text(text), false) = (&mut prompt, task.trim().is_empty()) {
        *text = format!("{text}\n\n{}", task.trim());
    }
    prompt.check().map_err(|_| "it does not end with something to answer")?;
    if room.fits(&prompt, "") { Ok(prompt) } else { Err("it is longer than the model reads, with room for an answer") }
}

/// Plain text: paragraphs where there are blank lines, lines otherwise.
fn cut(rows: &[(u64, Value)], by: Option<String>) -> Found {
    let whole = |wanted: fn(&str) -> bool| rows.iter().any(|(_, value)| whole_text(value).lines().any(wanted));
    let guess = match () {
        () if whole(is_rule) => "rules",
        () if rows.iter().any(|(_, value)| whole_text(value).trim().contains("\n\n")) => "paragraphs",
        () => "lines",
    };
    let choices: Vec<String> = CUTS.map(String::from).into();
    let by = by.filter(|by| choices.contains(by)).unwrap_or_else(|| guess.into());
    Found { text: true, choices, by, rows: vec![], prompts: vec![], dropped: 0, reason: String::new() }
}

fn columns(rows: &[(u64, Value)], by: Option<String>) -> Found {
    let mut choices: Vec<String> = Vec::new();
    for (_, row) in rows.iter().take(100) {
        let names = row.as_object().into_iter().flat_map(|row| row.keys());
        names.for_each(|name| {
            if !choices.contains(name) {
                choices.push(name.clone())
            }
        });
    }
    let known = ASKING.iter().find_map(|asking| choices.iter().find(|name| name.to_lowercase() == *asking));
    let longest = || {
        choices
            .iter()
            .max_by_key(|name| rows.iter().take(100).map(|(_, row)| shown(&row[name.as_str()]).len()).sum::<usize>())
    };
    let guess = known.or_else(longest).cloned().unwrap_or_default();
    let by = by.filter(|by| choices.contains(by)).unwrap_or(guess);
    let row = |row: &Value| choices.iter().map(|name| shown(&row[name.as_str()])).collect();
    let rows = rows.iter().take(SHOWN).map(|(_, value)| row(value)).collect();
    Found { text: false, choices, by, rows, prompts: vec![], dropped: 0, reason: String::new() }
}

/// A cell for people.
fn shown(cell: &Value) -> String {
    match cell {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// The cells of a column; of a list of texts the texts themselves.
fn cells(rows: &[(u64, Value)], column: &str) -> Vec<(u64, Value)> {
    let cell = |row: &Value| if row.is_object() { row[column].clone() } else { row.clone() };
    rows.iter().map(|(line, row)| (*line, if cell(row).is_null() { "".into() } else { cell(row) })).collect()
}

fn whole_text(value: &Value) -> &str {
    value["text"].as_str().unwrap_or_default()
}

/// A line of three dashes or more.
fn is_rule(line: &str) -> bool {
    line.trim().len() >= 3 && line.trim().chars().all(|character| character == '-')
}

/// Plain text in pieces, each with the line that it begins on.
fn pieces(rows: &[(u64, Value)], by: &str) -> Vec<(u64, Value)> {
    let mut pieces: Vec<(u64, String)> = Vec::new();
    for (first, value) in rows {
        let mut open = false;
        for (line, number) in whole_text(value).lines().zip(*first..) {
            let ends = match by {
                "rules" => is_rule(line),
                _ => line.trim().is_empty(),
            };
            if ends {
                open = false;
            } else if let (true, Some((_, piece))) = (open && by != "lines", pieces.last_mut()) {
                piece.push('\n');
                piece.push_str(line);
            } else if !line.trim().is_empty() {
                pieces.push((number, line.into()));
                open = true;
            }
        }
    }
    pieces.into_iter().map(|(line, piece)| (line, piece.into())).collect()
}
