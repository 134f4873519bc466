//! JSON Lines: one value a line, blank lines passed over, either line end.
//!
//! It lacks records that span lines: those are [`Layout::Json`](super::Layout::Json).

use super::input::{Ending, Input};
use super::{Found, Limits, Records, value};

/// The values of the lines.
pub(super) struct Lines<'a> {
    input: Input<'a>,
    limits: Limits,
    line: Vec<u8>,
}

impl<'a> Lines<'a> {
    pub(super) fn new(input: Input<'a>, limits: Limits) -> Self {
        Self { input, limits, line: Vec::new() }
    }
}

impl Iterator for Lines<'_> {
    type Item = Found;

    fn next(&mut self) -> Option<Found> {
        loop {
            let line = self.input.line();
            let (length, ending) = self.input.read_line(&mut self.line, self.limits.record_bytes);
            let content = self.line.trim_ascii();
            let value = match ending {
                Ending::Failed(reason) if content.is_empty() => Err(reason),
                Ending::Failed(reason) => Err(format!("{reason}; the record that begins on this line is lost")),
                _ if length > self.limits.record_bytes as u64 => Err(value::too_long(length, &self.limits)),
                Ending::EndOfFile if content.is_empty() => return None,
                Ending::LineFeed if content.is_empty() => continue,
                Ending::LineFeed => value::parse(content, line, &self.limits),
                Ending::EndOfFile => value::parse(content, line, &self.limits).map_err(|reason| {
                    format!("{reason}; this is the last line and has no line end: the file may be cut off")
                }),
            };
            return Some(Found { line, value });
        }
    }
}

impl Records for Lines<'_> {
    fn held(&self) -> usize {
        self.input.held() + self.line.capacity()
    }
}
