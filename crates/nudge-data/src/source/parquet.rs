//! Apache Parquet, row group by row group and row by row.
//!
//! Lists and structs become JSON lists and objects, maps become objects, dates and decimals become strings. The
//! file's index is at its end, so this reads what can seek. The decoder may panic on a damaged file: that is
//! caught, and costs the rest of the row group. It also believes what a file says of itself, which is therefore looked
//! at first ([`compact`], [`pages`]). One page of each column is in memory at a time; its size is the writer's choice
//! (1 MiB as a rule) within [`budget`].
//!
//! It lacks writing, encryption, and binary columns that hold no text.

mod budget;
mod compact;
mod levels;
mod pages;
mod shapes;
mod value;

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::sync::Arc;

use ::parquet::errors::ParquetError;
use ::parquet::file::reader::{ChunkReader, FileReader, Length, SerializedFileReader};
use ::parquet::record::reader::{ReaderIter, TreeBuilder};
use bytes::Bytes;
use serde_json::Value;

use super::value::too_long;
use super::{Found, Limits, Records};

/// What a Parquet file begins and ends with.
pub(super) const MAGIC: &[u8] = b"PAR1";

/// The length of the footer and the magic, behind it.
const TAIL_BYTES: u64 = 8;
/// The most columns, those inside structs and lists counted one by one. Each takes kilobytes in the decoder.
const MOST_COLUMNS: usize = 10_000;
/// The rows that are decoded ahead. More would not be faster, and would let a few long lists fill the memory.
const ROWS_AHEAD: usize = 1;

/// The rows of all row groups.
pub(super) struct Rows<R: ChunkReader> {
    file: SerializedFileReader<Shared<R>>,
    chunks: Arc<R>,
    bytes_read: Rc<Cell<u64>>,
    /// The bytes of the rows so far.
    bytes_out: u64,
    limits: Limits,
    /// The next row group.
    group: usize,
    rows: Option<ReaderIter>,
    /// The rows of the group that are yet to come.
    left: u64,
    /// The number of the next row.
    row: u64,
    checked: bool,
}

impl<R: ChunkReader + 'static> Rows<R> {
    /// Reads the footer.
    pub(super) fn new(chunks: R, bytes_read: Rc<Cell<u64>>, limits: Limits) -> Result<Self, String> {
        let chunks = Arc::new(chunks);
        let damaged = |error| format!("this is no whole Parquet file: {error}; fetch it again");
        check_footer(chunks.as_ref()).map_err(damaged)?;
        let file = guarded(|| SerializedFileReader::new(Shared(Arc::clone(&chunks)))).map_err(damaged)?;
        match file.metadata().file_metadata().schema_descr().num_columns() {
            0 => return Err("this Parquet file has no columns".to_owned()),
            1..=MOST_COLUMNS => {}
            count => {
                return Err(format!(
                    "this Parquet file has {count} columns, and at most {MOST_COLUMNS} are read; write it again with \
                     the columns that matter"
                ));
            }
        }
        let (bytes_out, rows) = (0, None);
        Ok(Self { file, chunks, bytes_read, bytes_out, limits, group: 0, rows, left: 0, row: 1, checked: false })
    }

    /// Opens the next row group.
    fn open_group(&mut self) -> Result<(), String> {
        let metadata = self.file.metadata().row_group(self.group);
        self.left = u64::try_from(metadata.num_rows()).unwrap_or(0);
        let size = u64::try_from(metadata.compressed_size()).unwrap_or(0);
        self.bytes_read.set(self.bytes_read.get().saturating_add(size).min(self.chunks.len()));
        let (file, chunks, group, limits) = (&self.file, &self.chunks, self.group, self.limits);
        self.group += 1;
        let rows = guarded(|| {
            let pages = pages::Group::new(file.get_row_group(group)?, Arc::clone(chunks), limits);
            let schema = file.metadata().file_metadata().schema_descr_ptr();
            TreeBuilder::new().with_batch_size(ROWS_AHEAD).as_iter(schema, &pages)
        });
        self.rows = Some(rows.map_err(|error| self.abandon_group(&error))?);
        Ok(())
    }

    /// Leaves the row group: after an error its columns no longer stand at the same row.
    fn abandon_group(&mut self, error: &str) -> String {
        let (left, group) = (std::mem::take(&mut self.left), self.group);
        self.rows = None;
        self.row += left;
        format!(
            "the row can not be read: {error}; the {left} rows from here to the end of row group {group} were left out, \
             so fetch or write the file again"
        )
    }

    fn next_row(&mut self) -> Option<Result<Value, String>> {
        let rows = self.rows.as_mut().filter(|_| self.left > 0)?;
        let read = guarded(|| rows.next().transpose().map(|row| row.map(value::object)));
        Some(match read {
            Ok(Some(value)) => {
                self.left -= 1;
                self.row += 1;
                value.and_then(|value| self.count(value))
            }
            Ok(None) => Err(self.abandon_group("its row group ends before it")),
            Err(error) => Err(self.abandon_group(&error)),
        })
    }

    /// Holds a row against the limits. After the row that is too much, no more follow.
    fn count(&mut self, value: Value) -> Result<Value, String> {
        let (length, size) = (value::length(&value), self.chunks.len());
        self.bytes_out = self.bytes_out.saturating_add(length);
        if self.bytes_out > self.limits.expanded_bytes.max(size.saturating_mul(self.limits.expansion)) {
            (self.rows, self.left, self.group, self.checked) = (None, 0, self.file.num_row_groups(), true);
            return Err(format!(
                "reading stopped after {} bytes, which came out of {size} bytes of Parquet file: this looks like a file \
                 made to fill the memory; if you trust it, write it as JSONL yourself and read the result",
                self.bytes_out
            ));
        }
        if length > self.limits.record_bytes as u64 { Err(too_long(length, &self.limits)) } else { Ok(value) }
    }

    /// A last look whether the row groups hold as many rows as the file says.
    fn check_count(&mut self) -> Option<Found> {
        let (found, said) = (self.row - 1, self.file.metadata().file_metadata().num_rows());
        let is_right = std::mem::replace(&mut self.checked, true) || u64::try_from(said) == Ok(found);
        let reason = format!("the file says that it holds {said} rows, and its row groups hold {found}; it is damaged");
        (!is_right).then_some(Found { line: self.row, value: Err(reason) })
    }
}

impl<R: ChunkReader + 'static> Iterator for Rows<R> {
    type Item = Found;

    fn next(&mut self) -> Option<Found> {
        loop {
            let line = self.row;
            if let Some(value) = self.next_row() {
                return Some(Found { line, value });
            }
            if self.group == self.file.num_row_groups() {
                return self.check_count();
            }
            if let Err(reason) = self.open_group() {
                return Some(Found { line, value: Err(reason) });
            }
        }
    }
}

impl<R: ChunkReader + 'static> Records for Rows<R> {
    fn held(&self) -> usize {
        // The decoder's buffers can not be asked.
        0
    }
}

/// Reads where the decoder reads, so that both can hold the file.
struct Shared<R>(Arc<R>);

impl<R: ChunkReader> Length for Shared<R> {
    fn len(&self) -> u64 {
        self.0.len()
    }
}

impl<R: ChunkReader> ChunkReader for Shared<R> {
    type T = R::T;

    fn get_read(&self, start: u64) -> Result<R::T, ParquetError> {
        self.0.get_read(start)
    }

    fn get_bytes(&self, start: u64, length: usize) -> Result<Bytes, ParquetError> {
        self.0.get_bytes(start, length)
    }
}

/// Refuses a footer that the decoder would not come back from.
fn check_footer(file: &impl ChunkReader) -> Result<(), String> {
    let plain = |error: ParquetError| error.to_string();
    let end = file.len().checked_sub(TAIL_BYTES).ok_or("it is too short")?;
    let tail = file.get_bytes(end, TAIL_BYTES as usize).map_err(plain)?;
    let length = tail.first_chunk().map_or(0, |length| u32::from_le_bytes(*length));
    if !tail.ends_with(MAGIC) {
        return Err("it does not end as one".to_owned());
    }
    let begin = end.checked_sub(length.into()).ok_or("its footer is longer than it")?;
    compact::check_footer(&file.get_bytes(begin, length as usize).map_err(plain)?)
}

/// Runs a part of the decoder, whose panics on damaged files become errors.
fn guarded<T>(decode: impl FnOnce() -> Result<T, ParquetError>) -> Result<T, String> {
    match catch_unwind(AssertUnwindSafe(decode)) {
        Ok(Err(ParquetError::General(reason))) => Err(reason),
        Ok(result) => result.map_err(|error| error.to_string()),
        Err(_) => Err("the decoder gave up on damaged data".to_owned()),
    }
}
