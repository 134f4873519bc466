//! From the bytes of anybody's file to JSON values, one at a time.
//!
//! A [`Source`] finds out how a file is compressed and laid out, and gives its records in order: each is a
//! JSON value, or the line where there should have been one and the reason why there is none. No record is
//! left out without such a reason. It holds one record and two small buffers, whatever the size of the file;
//! a record longer than [`Limits`] allows is passed over without being held.
//!
//! It lacks on purpose: what a record means (the formats build on this), files (it takes `impl Read`),
//! encodings other than UTF-8 (they are named, with the command that converts them), and repair. A broken
//! record is dropped whole.

mod compressed;
mod detect;
mod input;
mod json;
mod jsonl;
#[cfg(feature = "parquet")]
mod parquet;
mod separated;
mod sink;
mod text;
mod value;

#[cfg(test)]
mod tests;

use std::cell::Cell;
use std::fs::File;
use std::io::{self, Read, Seek};
use std::rc::Rc;

use serde_json::Value;

use crate::error::DataError;
use input::{Counted, Input};
pub use sink::Sink;

/// Why a stream of Parquet is not read.
const NO_PARQUET_STREAM: &str = if cfg!(feature = "parquet") {
    "Parquet is read from its end, which a stream has not; give the file itself, uncompressed"
} else {
    "this program was built without Parquet; convert the file to JSONL first, for example with `to_json(lines=True)`"
};

/// One record as it stands in the file, or why there is none.
#[derive(Debug, Clone, PartialEq)]
pub struct Found {
    /// The line where the record begins, counted from 1, blank lines included; the row's number in Parquet.
    pub line: u64,
    /// The record, or what is wrong there and what to do about it.
    pub value: Result<Value, String>,
}

/// How records lie in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Layout {
    /// Plain text; records end with `<|endoftext|>` and become `{"text": ...}`.
    Text,
    /// One JSON value a line.
    Jsonl,
    /// A JSON array of records, an object around such an array, or objects that span lines.
    Json,
    /// Comma-separated values under a header; every value is a string.
    Csv,
    /// Tab-separated values under a header; every value is a string.
    Tsv,
    /// Apache Parquet, read row by row.
    Parquet,
}

impl Layout {
    /// Every layout, in the order of the documentation.
    pub const ALL: [Self; 6] = [Self::Text, Self::Jsonl, Self::Json, Self::Csv, Self::Tsv, Self::Parquet];

    /// The name in commands and reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Jsonl => "jsonl",
            Self::Json => "json",
            Self::Csv => "csv",
            Self::Tsv => "tsv",
            Self::Parquet => "parquet",
        }
    }

    /// The layout of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|layout| layout.name() == name)
    }
}

/// How a file is compressed as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Compression {
    /// Not at all.
    None,
    /// gzip (RFC 1952), of one or more members.
    Gzip,
    /// Zstandard (RFC 8878), of one or more frames.
    Zstd,
}

impl Compression {
    /// The name in reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Gzip => "gzip",
            Self::Zstd => "zstd",
        }
    }
}

/// What a file may ask of this machine's memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// The longest record, in bytes. A longer one is dropped without being held; plain text is cut instead.
    pub record_bytes: usize,
    /// The most JSON values in one record, nested ones included: a value takes far more memory than its text.
    pub record_values: usize,
    /// A compressed file may always expand to this many bytes ...
    pub expanded_bytes: u64,
    /// ... and beyond them to this many times the bytes that it holds.
    pub expansion: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { record_bytes: 64 << 20, record_values: 1 << 20, expanded_bytes: 256 << 20, expansion: 200 }
    }
}

/// How to open a [`Source`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SourceOptions {
    /// The layout; found out from the name and the content where `None`.
    pub layout: Option<Layout>,
    /// What the file may ask of memory.
    pub limits: Limits,
}

/// What the reader of one layout gives.
trait Records: Iterator<Item = Found> {
    /// The bytes of file content that the reader has room for, the measure of constant memory.
    fn held(&self) -> usize;
}

/// The records of one file, in order.
pub struct Source<'a> {
    layout: Layout,
    compression: Compression,
    bytes_read: Rc<Cell<u64>>,
    records: Box<dyn Records + 'a>,
}

impl<'a> Source<'a> {
    /// Opens a file by its content and its name, which is needed for the extension and for messages.
    ///
    /// Compression is told by the first bytes alone. The layout is the given one, or else the extension's; where
    /// the extension says nothing or `.json`, which people use for two layouts, it is told by the first 64 KiB.
    ///
    /// # Errors
    ///
    /// [`DataError::Source`] if the file as a whole can not be read: it is in an encoding or of a kind that is
    /// not understood (named in the message), or needs a cargo feature that this program was built without.
    /// Errors further down are [`Found`]s.
    pub fn open(name: &str, reader: impl Read + 'a, options: SourceOptions) -> Result<Self, DataError> {
        let fail = |reason: String| DataError::Source { source_name: name.to_owned(), reason };
        let bytes_read = Rc::new(Cell::new(0));
        let mut raw = Input::new(Counted::new(reader, Rc::clone(&bytes_read)));
        let compression = detect::compression(raw.peek(8));
        let mut input = match compression {
            Compression::None => raw,
            _ => compressed::decompress(raw, compression, &bytes_read, &options.limits).map_err(fail)?,
        };
        let head = input.peek(detect::HEAD_BYTES);
        detect::refuse_unreadable(head).map_err(fail)?;
        let layout = options.layout.unwrap_or_else(|| detect::layout(name, head));
        input.skip_byte_order_mark();
        let records: Box<dyn Records + 'a> = match layout {
            Layout::Jsonl => Box::new(jsonl::Lines::new(input, options.limits)),
            Layout::Json => Box::new(json::Documents::new(input, options.limits)),
            Layout::Text => Box::new(text::Texts::new(input, options.limits)),
            Layout::Csv => Box::new(separated::Rows::new(input, options.limits, b',')),
            Layout::Tsv => Box::new(separated::Rows::new(input, options.limits, b'\t')),
            Layout::Parquet => return Err(fail(NO_PARQUET_STREAM.to_owned())),
        };
        Ok(Self { layout, compression, bytes_read, records })
    }

    /// Opens a file on disk, Parquet included, which [`Self::open`] can not read because it needs to seek.
    ///
    /// # Errors
    ///
    /// As [`Self::open`], and for a Parquet file whose footer can not be read.
    pub fn from_file(name: &str, mut file: File, options: SourceOptions) -> Result<Self, DataError> {
        // A pipe can not seek and holds no Parquet.
        if cfg!(feature = "parquet") && file.stream_position().is_ok() {
            let mut magic = Vec::new();
            let begun = (&mut file).take(4).read_to_end(&mut magic).and_then(|_| file.rewind());
            begun.map_err(|error| DataError::Source { source_name: name.to_owned(), reason: error.to_string() })?;
            #[cfg(feature = "parquet")]
            if magic == parquet::MAGIC || options.layout == Some(Layout::Parquet) {
                return Self::parquet(name, file, options.limits);
            }
        }
        Self::open(name, file, options)
    }

    /// Opens a file in memory, Parquet included.
    ///
    /// # Errors
    ///
    /// As [`Self::from_file`].
    pub fn from_bytes(name: &str, bytes: Vec<u8>, options: SourceOptions) -> Result<Self, DataError> {
        #[cfg(feature = "parquet")]
        if bytes.starts_with(parquet::MAGIC) || options.layout == Some(Layout::Parquet) {
            return Self::parquet(name, bytes::Bytes::from(bytes), options.limits);
        }
        Self::open(name, io::Cursor::new(bytes), options)
    }

    #[cfg(feature = "parquet")]
    fn parquet(
        name: &str,
        chunks: impl ::parquet::file::reader::ChunkReader + 'static,
        limits: Limits,
    ) -> Result<Self, DataError> {
        let bytes_read = Rc::new(Cell::new(0));
        let records = parquet::Rows::new(chunks, Rc::clone(&bytes_read), limits)
            .map_err(|reason| DataError::Source { source_name: name.to_owned(), reason })?;
        Ok(Self { layout: Layout::Parquet, compression: Compression::None, bytes_read, records: Box::new(records) })
    }

    /// The layout that is being read.
    pub fn layout(&self) -> Layout {
        self.layout
    }

    /// How the file is compressed.
    pub fn compression(&self) -> Compression {
        self.compression
    }

    /// The bytes taken so far from the file as it lies on disk, for progress.
    ///
    /// It runs ahead of the records by what the buffers hold.
    pub fn bytes_read(&self) -> u64 {
        self.bytes_read.get()
    }

    /// The bytes of file content that this source has room for, for tests of constant memory.
    #[doc(hidden)]
    pub fn held(&self) -> usize {
        self.records.held()
    }
}

impl Iterator for Source<'_> {
    type Item = Found;

    fn next(&mut self) -> Option<Found> {
        self.records.next()
    }
}
