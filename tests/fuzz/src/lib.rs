//! What the fuzz targets share: reading a file whole and in pieces, and what must hold for every file.
//!
//! A module a reader. `targets/` has the programs that libFuzzer drives; the workspace's tests run the same on mutated
//! seeds (`tests/fuzzing.rs`).

pub mod chat_template;
pub mod csv;
pub mod formats;
pub mod gzip;
pub mod json;
pub mod jsonl;
pub mod parquet;
pub mod tasks;
pub mod text;
pub mod tokenizer;
pub mod zstd;

use std::io::Read;

use nudge_data::{Found, Layout, Limits, Source, SourceOptions};

/// What reads some bytes, and panics where something does not hold.
pub type Target = fn(&[u8]);

/// Every reader by the name of its seeds.
pub const TARGETS: [(&str, Target); 11] = [
    ("jsonl", jsonl::target),
    ("json", json::target),
    ("csv", csv::target),
    ("text", text::target),
    ("gzip", gzip::target),
    ("zstd", zstd::target),
    ("parquet", parquet::target),
    ("formats", formats::target),
    ("chat_template", chat_template::target),
    ("tasks", tasks::target),
    ("tokenizer", tokenizer::target),
];

/// The longest record in these runs: short, so that small inputs reach past it.
pub const RECORD_BYTES: usize = 200;

/// Options with short limits, so that small inputs reach them.
pub fn options(layout: Layout) -> SourceOptions {
    let limits = Limits { record_bytes: RECORD_BYTES, record_values: 50, expanded_bytes: 1 << 20, expansion: 20 };
    SourceOptions { layout: Some(layout), limits }
}

/// Gives a few bytes a read.
struct Trickle<'a>(&'a [u8]);

impl Read for Trickle<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let count = buffer.len().min(3);
        self.0.read(&mut buffer[..count])
    }
}

/// Everything that is found, after checking what holds for every file; `None` where it is refused as a whole.
pub fn read(content: &[u8], layout: Layout) -> Option<Vec<Found>> {
    let mut source = Source::open("fuzz", content, options(layout)).ok()?;
    let found: Vec<Found> = source.by_ref().collect();
    assert!(source.next().is_none(), "an end is an end");
    assert_eq!(source.bytes_read(), content.len() as u64, "every byte is read");
    assert!(found.is_sorted_by_key(|found| found.line), "lines never go down");
    let lines = 1 + content.iter().filter(|&&byte| byte == b'\n').count() as u64;
    assert!(found.iter().all(|found| (1..=lines).contains(&found.line)), "a line is one of the file's");
    let pieces = Source::open("fuzz", Trickle(content), options(layout)).expect("opens as before");
    assert!(pieces.eq(found.iter().cloned()), "the pieces that the bytes come in do not matter");
    Some(found)
}

/// The content after the mark that some editors put before UTF-8.
pub fn without_mark(content: &[u8]) -> &[u8] {
    content.strip_prefix(b"\xef\xbb\xbf").unwrap_or(content)
}

/// Reads a compressed file that begins with `magic`: a damaged one gives one reason at most, at the end, and nothing
/// expands past its limit.
pub fn read_compressed(magic: &[u8], content: &[u8]) {
    let content = [magic, content].concat();
    let Ok(source) = Source::open("fuzz", content.as_slice(), options(Layout::Text)) else { return };
    let found: Vec<_> = source.collect();
    let is_reader_error = |reason: &String| reason.contains("compressed file");
    let errors = found.iter().filter(|found| found.value.as_ref().is_err_and(is_reader_error)).count();
    assert!(errors <= 1, "one reason a file");
    if errors == 1 {
        assert!(found.last().is_some_and(|found| found.value.as_ref().is_err_and(is_reader_error)), "at the end");
    }
    let length: usize =
        found.iter().filter_map(|found| found.value.as_ref().ok()).map(|value| value.to_string().len()).sum();
    // One read may pass the limit before it is looked at; JSON writes a control character as six.
    assert!(length < 6 * ((1 << 20) + (1 << 18)) + 40 * found.len(), "{length} bytes");
}
