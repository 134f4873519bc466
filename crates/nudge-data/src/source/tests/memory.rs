//! A file larger than any buffer is read in constant memory.

use super::*;

/// Repeats a pattern up to so many bytes, as a file larger than memory would.
struct Endless {
    pattern: Vec<u8>,
    at: usize,
    left: usize,
}

impl Endless {
    fn new(pattern: &[u8], length: usize) -> Self {
        Self { pattern: pattern.to_vec(), at: 0, left: length }
    }
}

impl Read for Endless {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let count = buffer.len().min(self.left).min(self.pattern.len() - self.at);
        buffer[..count].copy_from_slice(&self.pattern[self.at..self.at + count]);
        self.at = (self.at + count) % self.pattern.len();
        self.left -= count;
        Ok(count)
    }
}

const LENGTH: usize = 200_000_000;
const LIMIT: usize = 1 << 20;

/// Reads 200 MB: records, reasons, and the most bytes that were held.
fn walk(name: &str, head: &[u8], pattern: &[u8]) -> (usize, usize, usize) {
    let reader = head.chain(Endless::new(pattern, LENGTH));
    let mut source = Source::open(name, reader, limited(LIMIT)).expect("opens");
    let (mut records, mut reasons, mut held) = (0, 0, 0);
    while let Some(found) = source.next() {
        *(if found.value.is_ok() { &mut records } else { &mut reasons }) += 1;
        held = held.max(source.held());
    }
    assert_eq!(source.bytes_read(), (head.len() + LENGTH) as u64);
    (records, reasons, held)
}

fn padded(before: &str, after: &str) -> Vec<u8> {
    format!("{before}{}{after}", "x".repeat(1000 - before.len() - after.len())).into_bytes()
}

#[test]
fn records_of_a_kilobyte_take_kilobytes() {
    let count = LENGTH / 1000;
    let line = padded("{\"a\":\"", "\"}\n");
    assert!(matches!(walk("x.jsonl", b"", &line), (records, 0, held) if records == count && held < 300_000));
    let element = padded("{\"a\":\"", "\"},");
    assert!(matches!(walk("x.json", b"[", &element), (records, 1, held) if records == count && held < 300_000));
    let row = padded("", ",b\n");
    assert!(matches!(walk("x.csv", b"a,b\n", &row), (records, 0, held) if records == count && held < 300_000));
    let text = padded("", "<|endoftext|>");
    assert!(matches!(walk("x.txt", b"", &text), (records, 0, held) if records == count && held < 600_000));
}

#[test]
fn a_record_without_end_takes_the_limit() {
    let bound = LIMIT + 300_000;
    assert!(matches!(walk("x.jsonl", b"{\"a\":\"", b"xyz"), (0, 1, held) if held < bound));
    assert!(matches!(walk("x.json", b"[{\"a\":\"", b"xyz"), (0, 1, held) if held < bound));
    assert!(matches!(walk("x.json", b"[", b"["), (0, 1, held) if held < bound));
    assert!(matches!(walk("x.csv", b"a,b\n\"", b"xyz"), (0, 1, held) if held < bound));
    let (records, 0, held) = walk("x.txt", b"", b"xyz") else { panic!("a text without end is cut, not dropped") };
    assert_eq!(records, LENGTH.div_ceil(LIMIT));
    assert!(held < bound, "{held}");
}
