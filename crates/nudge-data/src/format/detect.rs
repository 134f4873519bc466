//! Which format a file is in, from the fields of its first records.
//!
//! It lacks guesses from the content of texts, save the turn markers of HH-RLHF.

use serde_json::Value;

use super::fields::names;
use super::name::Format;
use super::{chatgpt, hh_rlhf, open_webui, sharegpt};
use crate::source::Found;

/// Records looked at before a decision.
const SAMPLE: usize = 32;

/// Bytes of text looked at before a decision, so that very long records need not all be held.
const SAMPLE_BYTES: usize = 8 << 20;

impl Format {
    /// The format that one record looks like. A field of `null` counts as missing.
    pub fn detect(value: &Value) -> Option<Self> {
        if value.is_string() {
            return Some(Self::Text);
        }
        let object = value.as_object()?;
        let has = |key: &str| object.get(key).is_some_and(|value| !value.is_null());
        let all = |keys: &[&str]| keys.iter().all(|key| has(key));
        let tree = object.get("prompt").is_some_and(|prompt| prompt["replies"].is_array());
        Some(match () {
            () if all(&["ranking", "completions"]) => Self::Ranking,
            () if all(&["instruction", "completions"]) => Self::UltraFeedback,
            () if all(&["prompt", "completions", "id"]) => Self::Candidates,
            () if open_webui::looks_like(object) => Self::OpenWebUi,
            () if chatgpt::looks_like(object) => Self::ChatGpt,
            () if has("info") && (has("summaries") || has("summary")) => Self::Tldr,
            () if tree || all(&["text", "replies"]) => Self::OasstTrees,
            () if all(&["message_id", "text", "role"]) => Self::OasstMessages,
            () if all(&["chosen", "rejected"]) => comparison(value),
            () if all(&["prompt", "completion", "label"]) => Self::Unpaired,
            () if all(&["prompt", "completion"]) => Self::PromptCompletion,
            () if all(&["instruction", "response"]) => Self::Dolly,
            () if all(&["instruction", "output"]) => Self::Alpaca,
            () if sharegpt::TURNS.iter().any(|key| value[key].is_array()) => Self::ShareGpt,
            () if has("messages") => Self::Conversation,
            () if all(&["question", "answer"]) || all(&["q", "a"]) => Self::QuestionAnswer,
            () if has("prompt") => Self::Prompt,
            () if has("text") => Self::Text,
            () => return None,
        })
    }

    /// True if a file in this format may hold records of the other as well: every form of a comparison trains the same
    /// reward model.
    pub fn mixes_with(self, other: Self) -> bool {
        let comparison = |format| matches!(format, Self::Preference | Self::ImplicitPreference | Self::Ranking);
        comparison(self) && comparison(other)
    }
}

/// The form of a record that has `chosen` and `rejected`.
fn comparison(value: &Value) -> Format {
    let asked_inside = |key: &str| value[key].as_array().is_some_and(|messages| messages.len() > 1);
    let transcript = |key: &str| value[key].as_str().is_some_and(|text| text.contains(hh_rlhf::ASSISTANT));
    if value["instruction"].is_string() {
        Format::Alpaca
    } else if asked_inside("chosen") && asked_inside("rejected") {
        Format::ImplicitPreference
    } else if !value["prompt"].is_null() {
        Format::Preference
    } else if transcript("chosen") && transcript("rejected") {
        Format::HhRlhf
    } else {
        Format::ImplicitPreference
    }
}

/// A file whose format is known, with the records that were looked at put back.
pub struct Detected<I> {
    /// The format of most of its first records.
    pub format: Format,
    /// All of its records.
    pub found: std::iter::Chain<std::vec::IntoIter<Found>, I>,
}

/// Tells the format of a file from its first 32 records, or from those in its first 8 MiB: the one that most of them
/// look like. `source_name` is the file's name and `format` the user's word, which is taken as it is.
///
/// # Errors
///
/// A message that says what the first record looks like and which formats there are, if none fits.
pub fn detect<I: Iterator<Item = Found>>(
    source_name: &str,
    mut found: I,
    format: Option<Format>,
) -> Result<Detected<I>, String> {
    if let Some(format) = format {
        return Ok(Detected { format, found: Vec::new().into_iter().chain(found) });
    }
    let mut first = Vec::new();
    let mut bytes = 0;
    while first.len() < SAMPLE
        && bytes < SAMPLE_BYTES
        && let Some(next) = found.next()
    {
        bytes += next.value.as_ref().map_or(0, size);
        first.push(next);
    }
    let format = most_common(&first).ok_or_else(|| unknown(source_name, &first))?;
    Ok(Detected { format, found: first.into_iter().chain(found) })
}

/// The format that most records look like, the earlier one of two.
fn most_common(found: &[Found]) -> Option<Format> {
    let mut counts: Vec<(Format, usize)> = Vec::new();
    for format in found.iter().filter_map(|found| Format::detect(found.value.as_ref().ok()?)) {
        match counts.iter_mut().find(|(counted, _)| *counted == format) {
            Some((_, count)) => *count += 1,
            None => counts.push((format, 1)),
        }
    }
    counts.into_iter().rev().max_by_key(|(_, count)| *count).map(|(format, _)| format)
}

fn unknown(source_name: &str, first: &[Found]) -> String {
    let all: Vec<&str> = Format::ALL.iter().map(|format| format.name()).collect();
    let advice = format!("The formats are {}", all.join(", "));
    match first.iter().find_map(|found| Some((found.line, found.value.as_ref().ok()?))) {
        Some((line, Value::Object(fields))) => {
            let meant = fields.keys().find_map(|key| Some((key, misspelt(key)?)));
            let meant = meant.map_or(".".into(), |(key, field)| format!(". Is `{key}` meant to be `{field}`?"));
            format!("{source_name}: no format has the fields of line {line} ({}){meant} {advice}", names(fields))
        }
        Some((line, _)) => format!("{source_name}: line {line} is no object with named fields. {advice}"),
        None => match first.first() {
            Some(Found { line, value: Err(reason) }) => format!("{source_name}, line {line}: {reason}"),
            _ => format!("{source_name} holds no records"),
        },
    }
}

/// Fields that formats are told by.
const TELLING: [&str; 14] = [
    "prompt",
    "completion",
    "completions",
    "chosen",
    "rejected",
    "ranking",
    "label",
    "messages",
    "instruction",
    "output",
    "response",
    "question",
    "answer",
    "text",
];

/// The field that a name is but for its capitals, one letter, or two that changed places.
fn misspelt(name: &str) -> Option<&'static str> {
    let letters = |word: &str| word.to_lowercase().chars().collect::<Vec<char>>();
    let name = letters(name.trim());
    TELLING.into_iter().find(|field| is_near(&name, &letters(field)))
}

/// Whether one edit makes one word of the other.
fn is_near(one: &[char], other: &[char]) -> bool {
    let same = one.iter().zip(other).take_while(|(a, b)| a == b).count();
    let (one, other) = (&one[same..], &other[same..]);
    let swapped = |a: &[char], b: &[char]| a.len() > 1 && b.len() > 1 && [a[1], a[0]] == b[..2] && a[2..] == b[2..];
    one == other
        || one.get(1..) == Some(other)
        || other.get(1..) == Some(one)
        || !one.is_empty() && !other.is_empty() && one[1..] == other[1..]
        || swapped(one, other)
}

/// About how many bytes of text a value holds.
pub(super) fn size(value: &Value) -> usize {
    const ENTRY: usize = 32;
    match value {
        Value::String(text) => ENTRY + text.len(),
        Value::Array(items) => ENTRY + items.iter().map(size).sum::<usize>(),
        Value::Object(fields) => fields.iter().map(|(key, value)| ENTRY + key.len() + size(value)).sum(),
        _ => ENTRY,
    }
}
