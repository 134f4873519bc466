//! From the bytes of one record to its JSON value, or to the reason why it is none.
//!
//! Shared by the layouts that hold JSON. It lacks leniency: comments, `NaN`, single quotes and trailing commas
//! inside a record are not JSON.

use serde_json::Value;
use serde_json::error::Category;

use super::Limits;

/// The value of one record that begins on `line`.
pub(super) fn parse(bytes: &[u8], line: u64, limits: &Limits) -> Result<Value, String> {
    let text = utf8(bytes, line)?;
    // The text of a value takes two bytes or more, so a short record need not be counted.
    if text.len() / 2 >= limits.record_values && more_values_than(limits.record_values, bytes) {
        return Err(format!(
            "the record holds more than {} values, which is more than this program keeps in memory; split it into \
             several records",
            limits.record_values
        ));
    }
    serde_json::from_str(text).map_err(|error| not_json(&error, line))
}

/// The text of bytes that begin on `line`.
pub(super) fn utf8(bytes: &[u8], line: u64) -> Result<&str, String> {
    std::str::from_utf8(bytes).map_err(|error| {
        let (good, bad) = bytes.split_at(error.valid_up_to());
        let line = line + memchr::memchr_iter(b'\n', good).count() as u64;
        let column = good.len() - memchr::memrchr(b'\n', good).map_or(0, |at| at + 1) + 1;
        format!(
            "not valid UTF-8: byte 0x{:02X} on line {line}, column {column}; if the file is in a Western encoding, \
             convert it with `iconv -f WINDOWS-1252 -t UTF-8 FILE > NEW`",
            bad[0]
        )
    })
}

/// What to say of a record over the limit.
pub(super) fn too_long(length: u64, limits: &Limits) -> String {
    format!(
        "the record is {length} bytes long, and the longest that is read is {} bytes; split it, or raise the limit",
        limits.record_bytes
    )
}

fn not_json(error: &serde_json::Error, line: u64) -> String {
    let message = error.to_string();
    // The parser saw one record only: its own line numbers would mislead.
    let message = message.split(" at line ").next().unwrap_or(&message);
    let (line, column) = (line + (error.line() as u64).saturating_sub(1), error.column());
    if message.starts_with("recursion limit") {
        return format!("the record is nested more than 127 levels deep (line {line}, column {column}); flatten it");
    }
    let advice = match error.classify() {
        Category::Eof => "the record stops before it is whole",
        _ => "a record is one whole JSON object",
    };
    format!("not valid JSON: {message} (line {line}, column {column}); {advice}")
}

/// Whether more than `limit` values stand in the text: every value but the first follows one of these marks.
///
/// Keys and empty brackets count as well.
fn more_values_than(limit: usize, bytes: &[u8]) -> bool {
    let (mut count, mut in_string, mut escaped) = (1, false, false);
    for &byte in bytes {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = in_string,
            b'"' => in_string = !in_string,
            b',' | b':' | b'[' | b'{' if !in_string => count += 1,
            _ => {}
        }
    }
    count > limit
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn error(text: &[u8], line: u64) -> String {
        parse(text, line, &Limits::default()).expect_err("is refused")
    }

    #[test]
    fn messages_name_line_and_column_in_the_file() {
        assert!(error(b"{\"a\":\n ?}", 7).contains("(line 8, column 2)"), "{}", error(b"{\"a\":\n ?}", 7));
        assert!(error(b"{\"a\": \"caf\xe9\"}", 3).contains("byte 0xE9 on line 3, column 11"));
        assert!(error(b"{\n\"a\": \"\xff\"}", 3).contains("byte 0xFF on line 4, column 7"));
        assert!(error(b"{\"a\":", 1).contains("stops before it is whole"));
        assert!(!error(b"{", 1).contains("at line"));
    }

    #[test]
    fn deep_nesting_is_refused_without_recursion() {
        let deep = |depth: usize| [vec![b'['; depth], vec![b']'; depth]].concat();
        assert!(parse(&deep(127), 1, &Limits::default()).is_ok());
        assert!(error(&deep(128), 1).contains("nested more than 127 levels"));
        assert!(error(&deep(1_000_000), 1).contains("nested more than 127 levels"));
    }

    #[test]
    fn values_are_counted_outside_strings() {
        let limits = Limits { record_values: 4, ..Limits::default() };
        assert_eq!(parse(b"[1,2,3]", 1, &limits), Ok(json!([1, 2, 3])));
        assert!(parse(b"[1,2,3,4]", 1, &limits).is_err_and(|reason| reason.contains("more than 4 values")));
        assert_eq!(parse(br#"["a,b:[{\",,,"]"#, 1, &limits), Ok(json!(["a,b:[{\",,,"])));
    }
}
