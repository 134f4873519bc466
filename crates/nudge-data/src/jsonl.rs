//! JSON Lines in and out: one JSON object a line, as every tool of the field reads and writes it.
//!
//! Reading is strict about the content of a line and lenient about how the file was saved: blank
//! lines, a byte-order mark and Windows line ends pass. It works on text in memory; files belong to
//! the shells.

use serde::{Serialize, de::DeserializeOwned};
use serde_json::error::Category;

use crate::error::DataError;

/// All records of a JSONL text, in order.
///
/// `source_name` is the name of the file, for messages.
///
/// # Errors
///
/// [`DataError::Line`] for the first line that is not a `T`.
pub fn read_jsonl<T: DeserializeOwned>(source_name: &str, text: &str) -> Result<Vec<T>, DataError> {
    read_jsonl_checked(source_name, text, |_| Ok(()))
}

/// Like [`read_jsonl`], with a check of every record; the check returns what is wrong with it.
///
/// # Errors
///
/// [`DataError::Line`] for the first line that is not a `T` or fails the check.
pub fn read_jsonl_checked<T: DeserializeOwned>(
    source_name: &str,
    text: &str,
    check: impl Fn(&T) -> Result<(), String>,
) -> Result<Vec<T>, DataError> {
    lines(text)
        .map(|(line, content)| {
            let record = parse(content).and_then(|record| check(&record).map(|()| record));
            record.map_err(|reason| line_error(source_name, line, reason))
        })
        .collect()
}

/// The records as JSONL, each line ended by a line feed.
///
/// # Panics
///
/// If a record can not be written as JSON (a map with keys that are not strings): a mistake in the
/// record's type, not in its content.
pub fn write_jsonl<T: Serialize>(records: &[T]) -> String {
    records.iter().map(|record| serde_json::to_string(record).expect("a record is plain JSON") + "\n").collect()
}

/// The lines that hold something, with their numbers from 1.
pub(crate) fn lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.trim_start_matches('\u{feff}')
        .lines()
        .enumerate()
        .map(|(index, line)| (index + 1, line.trim()))
        .filter(|(_, line)| !line.is_empty())
}

/// One record, or the reason why it is none.
pub(crate) fn parse<T: DeserializeOwned>(content: &str) -> Result<T, String> {
    serde_json::from_str(content).map_err(|error| {
        let column = error.column();
        let message = error.to_string();
        // The parser saw one line only; its own line number would mislead.
        let message = message.split(" at line ").next().unwrap_or(&message);
        match error.classify() {
            Category::Data => {
                format!("{message} (column {column}); check the names and types of the fields")
            }
            _ if content.starts_with('[') || content == "{" => format!(
                "{message} (column {column}); this looks like one large JSON document, write each \
                 record on a line of its own instead"
            ),
            _ => {
                format!("not valid JSON: {message} (column {column}); each line is one JSON object")
            }
        }
    })
}

pub(crate) fn line_error(source_name: &str, line: usize, reason: String) -> DataError {
    DataError::Line { source_name: source_name.to_owned(), line, reason }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde::Deserialize;

    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
    struct Record {
        text: String,
        number: u64,
    }

    fn record(text: &str, number: u64) -> Record {
        Record { text: text.to_owned(), number }
    }

    fn error(text: &str) -> String {
        read_jsonl::<Record>("x.jsonl", text).expect_err("is refused").to_string()
    }

    #[test]
    fn marks_blank_lines_and_windows_line_ends_pass() {
        let text = "\u{feff}{\"text\":\"a\",\"number\":1}\r\n\r\n  \n{\"text\":\"b\",\"number\":2}";
        let records: Vec<Record> = read_jsonl("x.jsonl", text).expect("reads");
        assert_eq!(records, [record("a", 1), record("b", 2)]);
        assert!(read_jsonl::<Record>("x.jsonl", "").expect("reads").is_empty());
    }

    #[test]
    fn messages_name_file_line_and_cause() {
        let good = "{\"text\":\"a\",\"number\":1}\n\n";
        let missing = error(&format!("{good}{{\"text\":\"a\"}}"));
        assert!(missing.starts_with("x.jsonl, line 3: missing field `number`"), "{missing}");
        let broken = error(&format!("{good}{{\"text\":"));
        assert!(broken.starts_with("x.jsonl, line 3: not valid JSON"), "{broken}");
        assert!(!broken.contains("at line"), "{broken}");
        let document = error("[\n{\"text\":\"a\",\"number\":1}\n]");
        assert!(document.contains("on a line of its own"), "{document}");
    }

    #[test]
    fn a_check_names_its_line() {
        let text = write_jsonl(&[record("a", 1), record("", 2)]);
        let result = read_jsonl_checked::<Record>("x.jsonl", &text, |record| {
            (!record.text.is_empty()).then_some(()).ok_or_else(|| "no text".to_owned())
        });
        assert_eq!(result.expect_err("is refused").to_string(), "x.jsonl, line 2: no text");
    }

    proptest! {
        #[test]
        fn what_was_written_is_read(texts in prop::collection::vec(any::<String>(), 0..8), number: u64) {
            let records: Vec<Record> = texts.iter().map(|text| record(text, number)).collect();
            let text = write_jsonl(&records);
            prop_assert_eq!(text.lines().count(), records.len());
            prop_assert_eq!(read_jsonl::<Record>("x.jsonl", &text).expect("reads"), records);
        }
    }
}
