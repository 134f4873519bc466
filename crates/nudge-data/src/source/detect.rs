//! What a file is, from its name and its first bytes.
//!
//! It lacks guesses at encodings without a mark, save for the zero bytes of UTF-16: bytes that are no UTF-8 are
//! reported where they stand.

use super::{Compression, Layout};

/// How far ahead of the first record is looked.
pub(super) const HEAD_BYTES: usize = 64 << 10;

/// The fields that hold the records where a document is an object around them.
const WRAPPERS: [&[u8]; 8] = [b"data", b"rows", b"records", b"examples", b"items", b"train", b"validation", b"test"];

/// The compression, by the formats' magic numbers (RFC 1952 §2.3.1, RFC 8878 §3.1).
pub(super) fn compression(head: &[u8]) -> Compression {
    match head {
        [0x1f, 0x8b, ..] => Compression::Gzip,
        [0x28, 0xb5, 0x2f, 0xfd, ..] | [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => Compression::Zstd,
        _ => Compression::None,
    }
}

/// Names files that hold no UTF-8 text and no Parquet, and says what to do with them.
pub(super) fn refuse_unreadable(head: &[u8]) -> Result<(), String> {
    let iconv = |encoding: &str| {
        format!(
            "the file is in {encoding}, and only UTF-8 is read; convert it with `iconv -f {encoding} -t UTF-8 FILE > NEW`"
        )
    };
    let unpack = |kind: &str, command: &str| format!("this is a {kind} file; unpack it first with `{command}`");
    Err(match head {
        [0xff, 0xfe, 0, 0, ..] | [0, 0, 0xfe, 0xff, ..] => iconv("UTF-32"),
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => iconv("UTF-16"),
        &[a, 0, b, 0, ..] if a > 0 && b > 0 => iconv("UTF-16LE"),
        &[0, a, 0, b, ..] if a > 0 && b > 0 => iconv("UTF-16BE"),
        [b'P', b'K', 3, 4, ..] => unpack("zip", "unzip FILE"),
        [b'B', b'Z', b'h', b'1'..=b'9', 0x31, 0x41, ..] => unpack("bzip2", "bunzip2 FILE"),
        [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => unpack("xz", "unxz FILE"),
        [b'7', b'z', 0xbc, 0xaf, ..] => unpack("7z", "7z x FILE"),
        [b'A', b'R', b'R', b'O', b'W', b'1', ..] => {
            "this is an Arrow file; save the data set as Parquet or JSONL, for example with `to_parquet`".to_owned()
        }
        _ if head.get(257..262) == Some(b"ustar") => unpack("tar", "tar -xf FILE"),
        _ => return Ok(()),
    })
}

/// The layout that a name's extension stands for by itself.
pub(super) fn extension_layout(name: &str) -> Option<Layout> {
    Some(match extension(name).as_str() {
        "jsonl" | "ndjson" => Layout::Jsonl,
        "json" => Layout::Json,
        "csv" => Layout::Csv,
        "tsv" | "tab" => Layout::Tsv,
        "txt" | "text" | "md" => Layout::Text,
        "parquet" => Layout::Parquet,
        _ => return None,
    })
}

/// The compression that a name's ending asks for.
pub(super) fn extension_compression(name: &str) -> Compression {
    match name.to_ascii_lowercase().rsplit('.').next() {
        Some("gz" | "gzip") => Compression::Gzip,
        Some("zst" | "zstd") => Compression::Zstd,
        _ => Compression::None,
    }
}

/// The layout: by extension, and by content where that leaves a choice.
pub(super) fn layout(name: &str, head: &[u8]) -> Layout {
    if head.starts_with(b"PAR1") {
        return Layout::Parquet;
    }
    let text = head.strip_prefix("\u{feff}".as_bytes()).unwrap_or(head).trim_ascii_start();
    match extension_layout(name) {
        Some(Layout::Json) if text.first() != Some(&b'{') => Layout::Json,
        Some(Layout::Jsonl) if text.first() == Some(&b'[') => Layout::Json,
        Some(Layout::Json | Layout::Jsonl) => json_or_jsonl(text),
        Some(layout) => layout,
        None => by_content(text),
    }
}

fn by_content(text: &[u8]) -> Layout {
    match text.first() {
        Some(b'{') => json_or_jsonl(text),
        // A bracket may also begin a text: "[Chapter 1]".
        Some(b'[') if matches!(text[1..].trim_ascii_start().first(), None | Some(b'{' | b'[' | b']' | b'"')) => {
            Layout::Json
        }
        _ => Layout::Text,
    }
}

/// The extension in small letters, that of the compression aside.
fn extension(name: &str) -> String {
    let name = name.to_ascii_lowercase();
    let name = [".gz", ".gzip", ".zst", ".zstd"].iter().find_map(|ending| name.strip_suffix(ending)).unwrap_or(&name);
    name.rsplit_once('.').map_or_else(String::new, |(_, extension)| extension.to_owned())
}

/// Whether a text that begins with `{` has a record on its first line, or one that goes on after it.
fn json_or_jsonl(text: &[u8]) -> Layout {
    let first_line = memchr::memchr(b'\n', text).map_or(text, |feed| &text[..feed]).trim_ascii_end();
    let rest = text[first_line.len()..].trim_ascii_start();
    let goes_on = matches!(first_line.last(), Some(b'{' | b'[' | b',' | b':'))
        || matches!(rest.first(), Some(b'}' | b']' | b',' | b':' | b'"'));
    let is_wrapped = rest.is_empty() && wrapped_array(text).is_some();
    if goes_on || is_wrapped { Layout::Json } else { Layout::Jsonl }
}

/// Where the array of records begins in a text that begins with an object around it: the offset after its `[`.
///
/// The array's field has one of the usual names, and only numbers, strings and the like stand before it, in the
/// given head.
pub(super) fn wrapped_array(head: &[u8]) -> Option<usize> {
    let mut rest = head.strip_prefix(b"{")?;
    loop {
        let (key, after) = string(rest.trim_ascii_start())?;
        let value = after.trim_ascii_start().strip_prefix(b":")?.trim_ascii_start();
        if let Some(array) = value.strip_prefix(b"[") {
            let holds_records = matches!(array.trim_ascii_start().first(), Some(b'{' | b']'));
            return (WRAPPERS.contains(&key) && holds_records).then(|| head.len() - array.len());
        }
        rest = scalar(value)?.trim_ascii_start().strip_prefix(b",")?;
    }
}

/// The inside of the string that `text` begins with, and what follows it.
fn string(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let text = text.strip_prefix(b"\"")?;
    let mut at = 0;
    loop {
        at += memchr::memchr2(b'"', b'\\', &text[at..])?;
        if text[at] == b'"' {
            return Some((&text[..at], &text[at + 1..]));
        }
        at = (at + 2).min(text.len());
    }
}

/// What follows the number, string or literal that `text` begins with.
fn scalar(text: &[u8]) -> Option<&[u8]> {
    match text.first()? {
        b'{' | b'[' => None,
        b'"' => string(text).map(|(_, after)| after),
        _ => memchr::memchr3(b',', b'}', b'\n', text).map(|at| &text[at..]),
    }
}
