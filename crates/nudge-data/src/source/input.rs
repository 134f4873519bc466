//! A buffered reader that can look ahead, counts lines, and keeps an error until the bytes before it are used.
//!
//! It lacks seeking and lines as strings: readers of layouts take byte slices from it.

use std::cell::Cell;
use std::io::{self, Read};
use std::rc::Rc;

use super::detect::HEAD_BYTES;

/// Room for the longest look ahead and as much again.
const BUFFER_BYTES: usize = 2 * HEAD_BYTES;

/// A reader that adds up what went through it.
pub(super) struct Counted<R> {
    reader: R,
    count: Rc<Cell<u64>>,
}

impl<R> Counted<R> {
    pub(super) fn new(reader: R, count: Rc<Cell<u64>>) -> Self {
        Self { reader, count }
    }
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.reader.read(buffer)?;
        self.count.set(self.count.get() + count as u64);
        Ok(count)
    }
}

/// How a line came to its end.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Ending {
    /// By a line feed.
    LineFeed,
    /// By the end of the file.
    EndOfFile,
    /// By an error of the reader, with its message.
    Failed(String),
}

/// Bytes yet to be read, some of them in memory.
pub(super) struct Input<'a> {
    reader: Box<dyn Read + 'a>,
    buffer: Box<[u8]>,
    start: usize,
    end: usize,
    ended: bool,
    failed: Option<io::Error>,
    line: u64,
}

impl<'a> Input<'a> {
    pub(super) fn new(reader: impl Read + 'a) -> Self {
        let buffer = vec![0; BUFFER_BYTES].into_boxed_slice();
        Self { reader: Box::new(reader), buffer, start: 0, end: 0, ended: false, failed: None, line: 1 }
    }

    /// The next `count` bytes, fewer at the end of the file or before an error. They stay to be read.
    pub(super) fn peek(&mut self, count: usize) -> &[u8] {
        debug_assert!(count <= BUFFER_BYTES);
        while self.end - self.start < count && !self.ended {
            self.read_more();
        }
        &self.buffer[self.start..self.end.min(self.start + count)]
    }

    /// The bytes in memory, at least one; none at the end of the file.
    ///
    /// # Errors
    ///
    /// The reader's message, once, after every byte before the error was used.
    pub(super) fn fill(&mut self) -> Result<&[u8], String> {
        self.fill_buffer().map_err(|error| error.to_string())
    }

    /// Passes over the first `count` bytes of those in memory.
    pub(super) fn consume(&mut self, count: usize) {
        let used = &self.buffer[self.start..self.end][..count];
        self.line += memchr::memchr_iter(b'\n', used).count() as u64;
        self.start += count;
    }

    /// The line, from 1, of the next byte.
    pub(super) fn line(&self) -> u64 {
        self.line
    }

    /// The size of the buffer.
    pub(super) fn held(&self) -> usize {
        self.buffer.len()
    }

    /// Passes over the mark that some editors put before UTF-8.
    pub(super) fn skip_byte_order_mark(&mut self) {
        if self.peek(3) == "\u{feff}".as_bytes() {
            self.consume(3);
        }
    }

    /// Reads a line into `line` without its line feed: its length in bytes and how it ended.
    ///
    /// Of a line longer than `limit` the first `limit` bytes are kept and the length is the true one.
    pub(super) fn read_line(&mut self, line: &mut Vec<u8>, limit: usize) -> (u64, Ending) {
        line.clear();
        let mut length = 0;
        loop {
            let bytes = match self.fill() {
                Ok([]) => return (length, Ending::EndOfFile),
                Ok(bytes) => bytes,
                Err(reason) => return (length, Ending::Failed(reason)),
            };
            let feed = memchr::memchr(b'\n', bytes);
            let content = &bytes[..feed.unwrap_or(bytes.len())];
            length += content.len() as u64;
            append(line, content, limit);
            let used = content.len() + usize::from(feed.is_some());
            self.consume(used);
            if feed.is_some() {
                return (length, Ending::LineFeed);
            }
        }
    }

    fn fill_buffer(&mut self) -> io::Result<&[u8]> {
        while self.start == self.end && !self.ended {
            self.read_more();
        }
        match self.failed.take_if(|_| self.start == self.end) {
            Some(error) => Err(error),
            None => Ok(&self.buffer[self.start..self.end]),
        }
    }

    fn read_more(&mut self) {
        if self.start > 0 {
            self.buffer.copy_within(self.start..self.end, 0);
            self.end -= self.start;
            self.start = 0;
        }
        match self.reader.read(&mut self.buffer[self.end..]) {
            Ok(0) => self.ended = true,
            Ok(count) => self.end += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => {
                self.failed = Some(error);
                self.ended = true;
            }
        }
    }
}

/// So that a decompressor can read from what was looked at.
impl Read for Input<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let bytes = self.fill_buffer()?;
        let count = bytes.len().min(buffer.len());
        buffer[..count].copy_from_slice(&bytes[..count]);
        self.start += count;
        Ok(count)
    }
}

/// Appends as much of `bytes` as fits below `limit`; room is never made for more than `limit`.
pub(super) fn append(buffer: &mut Vec<u8>, bytes: &[u8], limit: usize) {
    let bytes = &bytes[..bytes.len().min(limit.saturating_sub(buffer.len()))];
    let needed = buffer.len() + bytes.len();
    if needed > buffer.capacity() {
        let room = needed.max((2 * buffer.capacity()).min(limit));
        buffer.reserve_exact(room - buffer.len());
    }
    buffer.extend_from_slice(bytes);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One byte a read, then an error.
    struct Failing<'a>(&'a [u8]);

    impl Read for Failing<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let (&byte, rest) = self.0.split_first().ok_or_else(|| io::Error::other("unplugged"))?;
            self.0 = rest;
            buffer[0] = byte;
            Ok(1)
        }
    }

    #[test]
    fn an_error_waits_for_the_bytes_before_it_and_comes_once() {
        let mut input = Input::new(Failing(b"ab\ncd"));
        assert_eq!(input.peek(9), b"ab\ncd");
        let mut line = Vec::new();
        assert_eq!(input.read_line(&mut line, 9), (2, Ending::LineFeed));
        assert_eq!((line.as_slice(), input.line()), (b"ab".as_slice(), 2));
        assert_eq!(input.read_line(&mut line, 9), (2, Ending::Failed("unplugged".to_owned())));
        assert_eq!(line, b"cd");
        assert_eq!(input.read_line(&mut line, 9), (0, Ending::EndOfFile));
    }

    #[test]
    fn a_line_over_the_limit_is_measured_but_not_held() {
        let content = [vec![b'x'; 5 * BUFFER_BYTES], b"\nnext".to_vec()].concat();
        let mut input = Input::new(content.as_slice());
        let mut line = Vec::new();
        assert_eq!(input.read_line(&mut line, 1000), (5 * BUFFER_BYTES as u64, Ending::LineFeed));
        assert_eq!((line.len(), line.capacity()), (1000, 1000));
        assert_eq!(input.read_line(&mut line, 1000), (4, Ending::EndOfFile));
        assert_eq!(line, b"next");
    }
}
