//! What whole files give, layout by layout.

#[cfg(feature = "compressed")]
mod compressed;
mod memory;
#[cfg(feature = "parquet")]
mod parquet;
#[cfg(feature = "parquet")]
mod parquet_hostile;
mod sink;
mod tables;
mod text;

use std::io::Read;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

/// Gives at most so many bytes a read, so that every boundary falls inside something once.
struct Trickle<'a>(&'a [u8], usize);

impl Read for Trickle<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let count = self.1.min(buffer.len());
        self.0.read(&mut buffer[..count])
    }
}

/// Lines with values, or with the reason's text.
fn read_with(name: &str, content: &[u8], options: SourceOptions) -> Vec<(u64, Result<Value, String>)> {
    let whole: Vec<Found> = Source::open(name, content, options).expect("opens").collect();
    for step in [1, 3] {
        let pieces: Vec<Found> = Source::open(name, Trickle(content, step), options).expect("opens").collect();
        assert_eq!(pieces, whole, "in pieces of {step} bytes");
    }
    whole.into_iter().map(|found| (found.line, found.value)).collect()
}

fn read(name: &str, content: &[u8]) -> Vec<(u64, Result<Value, String>)> {
    read_with(name, content, SourceOptions::default())
}

fn limited(record_bytes: usize) -> SourceOptions {
    SourceOptions { limits: Limits { record_bytes, ..Limits::default() }, ..SourceOptions::default() }
}

/// Checks lines and values; a reason need only contain the given words.
fn assert_found(found: &[(u64, Result<Value, String>)], expected: &[(u64, Result<Value, &str>)]) {
    assert_eq!(found.len(), expected.len(), "{found:?}");
    for ((line, value), (expected_line, expected_value)) in found.iter().zip(expected) {
        assert_eq!(line, expected_line, "{value:?}");
        match (value, expected_value) {
            (Err(reason), Err(words)) => assert!(reason.contains(words), "{reason}"),
            _ => assert_eq!(value.as_ref().ok(), expected_value.as_ref().ok(), "{value:?}"),
        }
    }
}

fn layout_of(name: &str, content: &str) -> Layout {
    Source::open(name, content.as_bytes(), SourceOptions::default()).expect("opens").layout()
}

#[test]
fn lines_pass_marks_blanks_and_both_line_ends() {
    let found = read("x.jsonl", b"\xef\xbb\xbf{\"a\":1}\r\n\r\n  \t\n{\"a\":2}\n");
    assert_found(&found, &[(1, Ok(json!({"a": 1}))), (4, Ok(json!({"a": 2})))]);
    assert_found(&read("x.jsonl", b""), &[]);
    assert_found(&read("x.jsonl", b"\n \n"), &[]);
}

#[test]
fn a_broken_line_is_named_and_the_next_is_read() {
    let found = read("x.jsonl", b"{\"a\":1}\n{\"a\":\n{\"a\":\"caf\xe9\"}\n{\"a\":2} {}\n{\"a\":3}\n{\"a\":");
    let expected = [
        (1, Ok(json!({"a": 1}))),
        (2, Err("stops before it is whole")),
        (3, Err("byte 0xE9")),
        (4, Err("trailing characters")),
        (5, Ok(json!({"a": 3}))),
        (6, Err("the file may be cut off")),
    ];
    assert_found(&found, &expected);
}

#[test]
fn a_long_line_is_dropped_and_the_next_is_read() {
    let long = format!("{{\"a\":\"{}\"}}", "x".repeat(500_000));
    let content = format!("{{\"a\":1}}\n{long}\n{{\"a\":2}}\n");
    let options = limited(100_000);
    let expected = [(1, Ok(json!({"a": 1}))), (2, Err("500008 bytes long")), (3, Ok(json!({"a": 2})))];
    let mut source = Source::open("x.jsonl", content.as_bytes(), options).expect("opens");
    let found: Vec<_> = source.by_ref().map(|found| (found.line, found.value)).collect();
    assert_found(&found, &expected);
    assert!(source.held() < 300_000, "{}", source.held());
    // A record as long as the limit is still one.
    assert!(
        read_with("x.jsonl", b"[1,2]\n[1,2,3]", SourceOptions { layout: Some(Layout::Jsonl), ..limited(5) })[0]
            .1
            .is_ok()
    );
}

#[test]
fn an_array_is_read_element_by_element() {
    let found = read("x.json", b"[\n  {\"a\": \"}]\\\"\\\\\"},\n  {\n    \"a\": [1, {}]\n  }, 5, \"s,]\", null\n]\n");
    let expected = [
        (2, Ok(json!({"a": "}]\"\\"}))),
        (3, Ok(json!({"a": [1, {}]}))),
        (5, Ok(json!(5))),
        (5, Ok(json!("s,]"))),
        (5, Ok(json!(null))),
    ];
    assert_found(&found, &expected);
    assert_found(&read("x.json", b"[]"), &[]);
    assert_found(&read("x.json", b" "), &[]);
}

#[test]
fn an_object_around_the_array_is_passed_through() {
    let content =
        b"{\"version\": \"1, \\\"b\", \"n\": 2,\n\"data\": [{\"a\": 1},\n{\"a\": 2}], \"license\": \"}\"}\n{\"b\":1}";
    let expected = [(2, Ok(json!({"a": 1}))), (3, Ok(json!({"a": 2}))), (4, Ok(json!({"b": 1})))];
    assert_found(&read("x.json", content), &expected);
    let two = br#"{"train": [{"a": 1}], "test": [{"a": 2}]}"#;
    assert_found(&read("x.json", two), &[(1, Ok(json!({"a": 1}))), (1, Err("what follows was left out"))]);
    // A conversation is a record, not a list of records.
    let conversation = json!({"messages": [{"role": "user"}]});
    assert_found(&read("x.json", conversation.to_string().as_bytes()), &[(1, Ok(conversation))]);
}

#[test]
fn objects_that_span_lines_are_records() {
    let one = "{\n  \"a\": 1\n}\n";
    assert_found(&read("x.jsonl", one.repeat(2).as_bytes()), &[(1, Ok(json!({"a": 1}))), (4, Ok(json!({"a": 1})))]);
}

#[test]
fn a_cut_document_gives_what_came_before_and_one_reason() {
    let whole = br#"[{"a": 1}, {"a": "x"}]"#;
    let first = (1, Ok(json!({"a": 1})));
    let second = (1, Ok(json!({"a": "x"})));
    assert_found(&read("x.json", &whole[..9]), &[first.clone(), (1, Err("before its array is closed"))]);
    assert_found(&read("x.json", &whole[..15]), &[first.clone(), (1, Err("with a bracket still open"))]);
    assert_found(&read("x.json", &whole[..18]), &[first.clone(), (1, Err("with a quoted string still open"))]);
    assert_found(&read("x.json", &whole[..21]), &[first, second, (1, Err("before its array is closed"))]);
    assert_found(&read("x.json", br#"{"data": [{"a": 1}]"#), &[(1, Ok(json!({"a": 1}))), (1, Err("still open"))]);
}

#[test]
fn a_broken_element_is_named_and_the_next_is_read() {
    let long = format!(r#"{{"a": "{}"}}"#, "x".repeat(200));
    let content = format!("[{{\"a\": 01}},\n{long},\n{{\"a\": ]}}, }} no json, here\n{{\"a\": 1}}]");
    let expected = [
        (1, Err("line 1, column 8")),
        (2, Err("209 bytes long")),
        (3, Err("not valid JSON")),
        (4, Ok(json!({"a": 1}))),
    ];
    let found = read_with("x.json", content.as_bytes(), limited(100));
    assert!(found.len() > 4, "{found:?}");
    assert_found(&[&found[..3], &found[found.len() - 1..]].concat(), &expected);
}

#[test]
fn depth_is_no_danger() {
    let deep = [vec![b'['; 500_000], b"{}".to_vec(), vec![b']'; 500_000]].concat();
    assert_found(
        &read("x.json", &[b"[".as_slice(), &deep, b",{}]"].concat()),
        &[(1, Err("levels deep")), (1, Ok(json!({})))],
    );
    assert_found(
        &read("x.jsonl", &[b"{}\n".as_slice(), &deep].concat()),
        &[(1, Ok(json!({}))), (2, Err("levels deep"))],
    );
}

#[test]
fn the_layout_is_told_by_extension_then_content() {
    let cases = [
        ("x.txt", "[{\"a\":1}]", Layout::Text),
        ("x.csv", "{\"a\":1}", Layout::Csv),
        ("x.tsv.zst", "", Layout::Tsv),
        ("x", "[Chapter 1]", Layout::Text),
        ("x", "", Layout::Text),
        ("x.json", "[1]", Layout::Json),
        ("x.jsonl.gz", "[1]", Layout::Json),
        ("X.JSONL", "", Layout::Jsonl),
        ("x.json", "{\"a\":1}\n{\"a\":2}\n", Layout::Jsonl),
        ("x.json", "{\"data\":[{\"a\":1}]}", Layout::Json),
        ("x.jsonl", "{\"data\":[{\"a\":1}]}\n{\"data\":[]}", Layout::Jsonl),
        ("x.jsonl", "{\"a\":1\n{\"a\":2}\n", Layout::Jsonl),
        ("x", "\u{feff} \n{\"a\":1}", Layout::Jsonl),
        ("x", "{\n\"a\":1}", Layout::Json),
        ("x", "{\"a\":1\n,\"b\":1}", Layout::Json),
        ("x", "[ {\"a\":1}]", Layout::Json),
    ];
    for (name, content, expected) in cases {
        assert_eq!(layout_of(name, content), expected, "{name} {content}");
    }
    for layout in Layout::ALL {
        assert_eq!(Layout::from_name(layout.name()), Some(layout));
    }
}

#[test]
fn files_that_are_no_text_are_named() {
    let cases: [(&[u8], &str); 6] = [
        (b"\xff\xfe{\0", "iconv -f UTF-16 -t UTF-8"),
        (b"\xff\xfe\0\0{\0\0\0", "UTF-32"),
        (b"{\0\"\0a\0", "UTF-16LE"),
        (b"\0{\0\"\0a", "UTF-16BE"),
        (b"PK\x03\x04", "unzip"),
        (b"\xfd7zXZ\0\0", "unxz"),
    ];
    for (content, words) in cases {
        let error = Source::open("x.jsonl", content, SourceOptions::default()).err().expect("is refused").to_string();
        assert!(error.starts_with("x.jsonl: ") && error.contains(words), "{error}");
    }
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf =
        prop_oneof![any::<i64>().prop_map(Value::from), any::<String>().prop_map(Value::from), Just(Value::Null)];
    leaf.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec((any::<String>(), inner), 0..4)
                .prop_map(|fields| Value::Object(fields.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn documents_give_the_elements_that_serde_gives(values in prop::collection::vec(any_json(), 0..5), pretty: bool) {
        let document = Value::from(values.clone());
        let text = if pretty { format!("{document:#}") } else { document.to_string() };
        let found: Vec<Value> = read("x.json", text.as_bytes()).into_iter().map(|(_, value)| value.expect("parses")).collect();
        prop_assert_eq!(found, values);
    }

    #[test]
    fn lines_give_the_values_that_serde_gives(values in prop::collection::vec(any_json(), 0..5)) {
        let text: String = values.iter().map(|value| value.to_string() + "\n").collect();
        let options = SourceOptions { layout: Some(Layout::Jsonl), ..SourceOptions::default() };
        let found: Vec<Value> =
            read_with("x", text.as_bytes(), options).into_iter().map(|(_, value)| value.expect("parses")).collect();
        prop_assert_eq!(found, values);
    }

    #[test]
    fn any_bytes_end_without_panic_and_in_order(content in prop::collection::vec(prop::sample::select(b"{}[]\",:\\\n a1\xff".to_vec()), 0..60)) {
        for layout in [Layout::Json, Layout::Jsonl, Layout::Csv, Layout::Text] {
            let options = SourceOptions { layout: Some(layout), ..limited(20) };
            let Ok(source) = Source::open("x", content.as_slice(), options) else { continue };
            let lines: Vec<u64> = source.map(|found| found.line).collect();
            prop_assert!(lines.is_sorted(), "{:?}", lines);
        }
    }
}
