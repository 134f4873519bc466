//! Plain text: records that end with `<|endoftext|>`, trimmed, the empty ones passed over.
//!
//! A record longer than the limit is no mistake here, since any text may be cut: it becomes several records, each
//! up to a paragraph's end, or failing that a line's, a word's or a character's.
//!
//! It lacks sentences and chapters: where a text has no marker, the file is one record.

use memchr::memmem::{Finder, rfind};
use serde_json::json;

use super::input::{Input, append};
use super::{Found, Limits, Records, value};
use crate::tokenizer::END_OF_TEXT;

/// The texts between the markers.
pub(super) struct Texts<'a> {
    input: Input<'a>,
    limit: usize,
    marker: Finder<'static>,
    /// What was read; from `start` on it is yet to be given and begins on `line`.
    text: Vec<u8>,
    start: usize,
    line: u64,
    /// Up to here `text` is known to hold no marker.
    searched: usize,
    ended: bool,
    failed: Option<String>,
}

impl<'a> Texts<'a> {
    pub(super) fn new(input: Input<'a>, limits: Limits) -> Self {
        let (marker, line) = (Finder::new(END_OF_TEXT), input.line());
        // Room for a marker after the longest record, and for one character of any length.
        let limit = limits.record_bytes.max(4);
        Self { input, limit, marker, text: Vec::new(), start: 0, line, searched: 0, ended: false, failed: None }
    }

    /// Where the next record ends and what follows it begins; `None` if more must be read.
    fn split(&mut self) -> Option<(usize, usize)> {
        let marker = self.marker.find(&self.text[self.searched..]).map(|at| at + self.searched);
        let longest = self.start + self.limit;
        match marker {
            Some(at) if at <= longest => return Some((at, at + END_OF_TEXT.len())),
            _ if self.text.len() >= longest + END_OF_TEXT.len() => return Some(self.cut()),
            _ => {}
        }
        // The marker's first bytes may be the last ones here.
        self.searched = self.text.len().saturating_sub(END_OF_TEXT.len() - 1).max(self.searched);
        None
    }

    /// Where a text that is too long is cut.
    fn cut(&self) -> (usize, usize) {
        let end = self.start + cut(&self.text[self.start..][..self.limit]);
        (end, end)
    }

    fn read_more(&mut self) {
        self.text.drain(..self.start);
        self.searched -= self.start;
        self.start = 0;
        let room = self.limit + END_OF_TEXT.len();
        match self.input.fill() {
            Ok([]) => self.ended = true,
            Ok(bytes) => {
                let used = bytes.len().min(room - self.text.len());
                append(&mut self.text, &bytes[..used], room);
                self.input.consume(used);
            }
            Err(reason) => {
                self.ended = true;
                self.failed = Some(reason);
            }
        }
    }

    /// Gives the record that ends at `end`, if it holds anything, and goes on at `next`.
    fn take(&mut self, (end, next): (usize, usize)) -> Option<Found> {
        let content = self.text[self.start..end].trim_ascii_start();
        let blank = &self.text[self.start..end - content.len()];
        let line = self.line + line_feeds(blank);
        let value = value::utf8(content, line).map(str::trim);
        let is_empty = value == Ok("");
        let found = Found { line, value: value.map(|text| json!({"text": text})) };
        self.line += line_feeds(&self.text[self.start..next]);
        self.start = next;
        self.searched = next;
        (!is_empty).then_some(found)
    }

    /// Where the record at the end of the file ends.
    fn rest(&self) -> (usize, usize) {
        let end = self.text.len();
        if end - self.start > self.limit { self.cut() } else { (end, end) }
    }
}

impl Iterator for Texts<'_> {
    type Item = Found;

    fn next(&mut self) -> Option<Found> {
        loop {
            let found = match self.split() {
                Some(ends) => self.take(ends),
                None if !self.ended => {
                    self.read_more();
                    None
                }
                None if self.start < self.text.len() => self.take(self.rest()),
                None => {
                    let line = self.line;
                    return self.failed.take().map(|reason| Found { line, value: Err(reason) });
                }
            };
            if found.is_some() {
                return found;
            }
        }
    }
}

impl Records for Texts<'_> {
    fn held(&self) -> usize {
        self.input.held() + self.text.capacity()
    }
}

fn line_feeds(bytes: &[u8]) -> u64 {
    memchr::memchr_iter(b'\n', bytes).count() as u64
}

/// Where to cut a text that is too long: after its last paragraph, line, word or character, at least one byte on.
fn cut(text: &[u8]) -> usize {
    let after = |mark: &[u8]| rfind(text, mark).map(|at| at + mark.len());
    after(b"\n\n").or_else(|| after(b"\r\n\r\n")).or_else(|| after(b"\n")).or_else(|| after(b" ")).unwrap_or_else(
        || {
            let is_inside = |byte: &u8| byte & 0b1100_0000 == 0b1000_0000;
            let tail = text.iter().rev().take(3).take_while(|byte| is_inside(byte)).count();
            // The last character may lack bytes that are yet to be read: it goes to the next piece.
            match text.len().checked_sub(tail + 1) {
                Some(start) if start > 0 && text[start] >= 0b1100_0000 => start,
                _ => text.len(),
            }
        },
    )
}
