//! JSON documents, element by element: an array of records, an object around one, or records one after another.
//!
//! The end of each record is found by counting brackets outside strings, without recursion; only then is its
//! slice parsed. So the document is never in memory, and its length and depth do not matter. Between records the
//! reader is lenient: commas may be missing or doubled, and one document may follow another.
//!
//! It lacks recovery inside a record: one whose bracket or quote is never closed takes the rest of the file with
//! it, and says so.

use super::detect::{HEAD_BYTES, wrapped_array};
use super::input::{Input, append};
use super::{Found, Limits, Records, value};

/// Where the next byte stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// Outside any document.
    Top,
    /// In a top-level array.
    Array,
    /// In the array that is a field of a top-level object.
    WrappedArray,
    /// After an error of the reader, or after the end was reported.
    Done,
}

/// What is found between two documents or records.
const SPACE: [u8; 5] = *b" \t\r\n,";

/// The records of the documents.
pub(super) struct Documents<'a> {
    input: Input<'a>,
    limits: Limits,
    element: Vec<u8>,
    place: Place,
}

impl<'a> Documents<'a> {
    pub(super) fn new(input: Input<'a>, limits: Limits) -> Self {
        Self { input, limits, element: Vec::new(), place: Place::Top }
    }

    /// The next byte that is not space, yet to be read.
    fn next_byte(&mut self) -> Result<Option<u8>, String> {
        loop {
            let bytes = self.input.fill()?;
            let space = bytes.iter().take_while(|byte| SPACE.contains(byte)).count();
            let (byte, is_end) = (bytes.get(space).copied(), bytes.is_empty());
            self.input.consume(space);
            if byte.is_some() || is_end {
                return Ok(byte);
            }
        }
    }

    /// Goes into a top-level object, if it is no record but holds the array of them.
    fn enter_wrapped_array(&mut self) -> bool {
        let Some(offset) = wrapped_array(self.input.peek(HEAD_BYTES)) else { return false };
        self.input.consume(offset);
        self.place = Place::WrappedArray;
        true
    }

    /// Passes over the rest of a top-level object, of which the array of records was read.
    fn leave_wrapped_array(&mut self) -> Option<Found> {
        self.place = Place::Top;
        let line = self.input.line();
        let mut scanner = Scanner { depth: 1, ..Scanner::default() };
        let reason = match self.take(&mut scanner) {
            Ok(_) if !scanner.nested => return None,
            Ok(_) => "the object goes on after its array of records, and what follows was left out: if it holds \
                      records, put them in a file of their own"
                .to_owned(),
            Err(reason) => self.fail(reason),
        };
        Some(Found { line, value: Err(reason) })
    }

    /// Reads one element, which begins with the next byte.
    fn element(&mut self, first: u8) -> Found {
        let line = self.input.line();
        let mut scanner = Scanner::new(first);
        let value = match self.take(&mut scanner) {
            Ok(length) if length > self.limits.record_bytes as u64 => Err(value::too_long(length, &self.limits)),
            Ok(_) => value::parse(&self.element, line, &self.limits),
            Err(reason) => Err(self.fail(reason)),
        };
        Found { line, value }
    }

    /// Reads up to the scanner's end into `self.element`, as far as the limit allows: the length in bytes.
    fn take(&mut self, scanner: &mut Scanner) -> Result<u64, String> {
        self.element.clear();
        let mut length = 0;
        loop {
            let bytes = self.input.fill()?;
            if bytes.is_empty() {
                return scanner.end_of_file(length);
            }
            let end = scanner.scan(bytes);
            let used = end.unwrap_or(bytes.len());
            append(&mut self.element, &bytes[..used], self.limits.record_bytes);
            length += used as u64;
            self.input.consume(used);
            if end.is_some() {
                return Ok(length);
            }
        }
    }

    fn fail(&mut self, reason: String) -> String {
        self.place = Place::Done;
        reason
    }

    /// The end of the file, which may come too early.
    fn end(&mut self) -> Option<Found> {
        let is_whole = matches!(self.place, Place::Top | Place::Done);
        self.place = Place::Done;
        let reason =
            "the file ends before its array is closed: it may be cut off, and the records after the cut are missing";
        (!is_whole).then(|| Found { line: self.input.line(), value: Err(reason.to_owned()) })
    }
}

impl Iterator for Documents<'_> {
    type Item = Found;

    fn next(&mut self) -> Option<Found> {
        while self.place != Place::Done {
            let line = self.input.line();
            let byte = match self.next_byte() {
                Ok(Some(byte)) => byte,
                Ok(None) => return self.end(),
                Err(reason) => return Some(Found { line, value: Err(self.fail(reason)) }),
            };
            match (self.place, byte) {
                (Place::Top, b'[') => {
                    self.input.consume(1);
                    self.place = Place::Array;
                }
                (Place::Top, b'{') if self.enter_wrapped_array() => {}
                (Place::Array, b']') => {
                    self.input.consume(1);
                    self.place = Place::Top;
                }
                (Place::WrappedArray, b']') => {
                    self.input.consume(1);
                    if let Some(found) = self.leave_wrapped_array() {
                        return Some(found);
                    }
                }
                _ => return Some(self.element(byte)),
            }
        }
        None
    }
}

impl Records for Documents<'_> {
    fn held(&self) -> usize {
        self.input.held() + self.element.capacity()
    }
}

/// Finds the end of one JSON value, whatever the pieces it comes in.
#[derive(Debug, Default)]
struct Scanner {
    depth: u64,
    in_string: bool,
    escaped: bool,
    /// True once a bracket was opened inside.
    nested: bool,
    /// What ends a value that has neither brackets nor quotes.
    bare: Option<&'static [u8]>,
    bare_begun: bool,
}

impl Scanner {
    /// A scanner for a value that begins with `first`.
    fn new(first: u8) -> Self {
        let bare: Option<&[u8]> = match first {
            b'{' | b'[' | b'"' => None,
            b'-' | b'0'..=b'9' | b't' | b'f' | b'n' => Some(b" \t\r\n,:[]{}\""),
            // No JSON at all: one run of it is one mistake, not one a word.
            _ => Some(b"\n[]{}\""),
        };
        Self { bare, ..Self::default() }
    }

    /// The offset in `bytes` of what follows the value, if it ends there.
    fn scan(&mut self, bytes: &[u8]) -> Option<usize> {
        if let Some(ends) = self.bare {
            let begun = std::mem::replace(&mut self.bare_begun, true);
            let skip = usize::from(!begun);
            return bytes[skip..].iter().position(|byte| ends.contains(byte)).map(|at| at + skip);
        }
        let mut at = 0;
        while at < bytes.len() {
            if self.in_string {
                at += self.skip_string(&bytes[at..]);
            } else {
                match bytes[at] {
                    b'"' => self.in_string = true,
                    b'{' | b'[' => {
                        self.nested |= self.depth > 0;
                        self.depth += 1;
                    }
                    b'}' | b']' => self.depth -= 1,
                    _ => {}
                }
                at += 1;
            }
            if self.depth == 0 && !self.in_string {
                return Some(at);
            }
        }
        None
    }

    /// Passes over the inside of a string, up to its end or that of the piece: the bytes used.
    fn skip_string(&mut self, bytes: &[u8]) -> usize {
        if std::mem::take(&mut self.escaped) {
            return 1;
        }
        let Some(at) = memchr::memchr2(b'"', b'\\', bytes) else { return bytes.len() };
        if bytes[at] == b'"' {
            self.in_string = false;
        } else {
            self.escaped = true;
        }
        at + 1
    }

    /// The end of the file: right for a bare value only.
    fn end_of_file(&self, length: u64) -> Result<u64, String> {
        if self.bare.is_some() {
            return Ok(length);
        }
        let open = if self.in_string { "a quoted string" } else { "a bracket" };
        Err(format!(
            "the file ends {length} bytes after this point with {open} still open: it is cut off, or something here is \
             never closed and what follows could not be told apart"
        ))
    }
}
