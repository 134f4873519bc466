//! Apache Parquet, row group by row group and row by row.
//!
//! Lists and structs become JSON lists and objects, maps become objects, dates and decimals become strings. The
//! file's index is at its end, so this reads what can seek. The decoder may panic on a damaged file: that is
//! caught, and costs the rest of the row group. One page of each column is in memory at a time; its size is the
//! writer's choice (1 MiB as a rule), so the record limit does not hold here.
//!
//! It lacks writing, encryption, and binary columns that hold no text.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;

use ::parquet::errors::ParquetError;
use ::parquet::file::reader::{ChunkReader, FileReader, RowGroupReader, SerializedFileReader};
use ::parquet::record::reader::{ReaderIter, TreeBuilder};
use ::parquet::record::{Field, Row};
use serde_json::{Map, Value};

use super::{Found, Limits, Records};

/// What a Parquet file begins and ends with.
pub(super) const MAGIC: &[u8] = b"PAR1";

/// The most values of a list that a row may have on average: far above conversations, and above rows of tokens.
const VALUES_PER_ROW: u64 = 1 << 15;

/// The rows of all row groups.
pub(super) struct Rows<R: ChunkReader> {
    file: SerializedFileReader<R>,
    bytes_read: Rc<Cell<u64>>,
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
        let file = guarded(|| SerializedFileReader::new(chunks))
            .map_err(|error| format!("this is no whole Parquet file: {error}; fetch it again"))?;
        if file.metadata().file_metadata().schema_descr().num_columns() == 0 {
            return Err("this Parquet file has no columns".to_owned());
        }
        Ok(Self { file, bytes_read, limits, group: 0, rows: None, left: 0, row: 1, checked: false })
    }

    /// Opens the next row group.
    fn open_group(&mut self) -> Result<(), String> {
        let metadata = self.file.metadata().row_group(self.group);
        self.left = u64::try_from(metadata.num_rows()).unwrap_or(0);
        let size = u64::try_from(metadata.compressed_size()).unwrap_or(0);
        self.bytes_read.set(self.bytes_read.get().saturating_add(size));
        let (file, group) = (&self.file, self.group);
        let most_values = (self.limits.record_values as u64).max(self.left.saturating_mul(VALUES_PER_ROW));
        self.group += 1;
        let rows = guarded(|| {
            let reader = file.get_row_group(group)?;
            check_lists(reader.as_ref(), most_values)?;
            let schema = file.metadata().file_metadata().schema_descr_ptr();
            TreeBuilder::new().as_iter(schema, reader.as_ref())
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
        let read = guarded(|| rows.next().transpose().map(|row| row.map(object)));
        Some(match read {
            Ok(Some(value)) => {
                self.left -= 1;
                self.row += 1;
                value
            }
            Ok(None) => Err(self.abandon_group("its row group ends before it")),
            Err(error) => Err(self.abandon_group(&error)),
        })
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

/// Refuses columns of lists with more values than `most`, by the headers of their pages.
///
/// A few bytes of run-length code can stand for any number of values, and all of them may belong to one row.
fn check_lists(group: &dyn RowGroupReader, most: u64) -> Result<(), ParquetError> {
    for column in 0..group.num_columns() {
        if group.metadata().column(column).column_descr().max_rep_level() == 0 {
            continue;
        }
        let (mut pages, mut values) = (group.get_column_page_reader(column)?, 0u64);
        while let Some(page) = pages.peek_next_page()? {
            values = values.saturating_add(page.num_levels.unwrap_or(0) as u64);
            if values > most {
                return Err(ParquetError::General(format!("a column of lists holds more than {most} values")));
            }
            pages.skip_next_page()?;
        }
    }
    Ok(())
}

/// Runs a part of the decoder, whose panics on damaged files become errors.
fn guarded<T>(decode: impl FnOnce() -> Result<T, ParquetError>) -> Result<T, String> {
    match catch_unwind(AssertUnwindSafe(decode)) {
        Ok(result) => result.map_err(|error| error.to_string()),
        Err(_) => Err("the decoder gave up on damaged data".to_owned()),
    }
}

fn object(row: Row) -> Result<Value, String> {
    let fields = row.into_columns().into_iter();
    fields
        .map(|(name, field)| Ok((name.clone(), value(field).map_err(|reason| format!("column {name:?}: {reason}"))?)))
        .collect::<Result<Map<_, _>, _>>()
        .map(Value::Object)
}

fn value(field: Field) -> Result<Value, String> {
    Ok(match field {
        Field::Null => Value::Null,
        Field::Bool(value) => value.into(),
        Field::Byte(value) => value.into(),
        Field::Short(value) => value.into(),
        Field::Int(value) => value.into(),
        Field::Long(value) => value.into(),
        Field::UByte(value) => value.into(),
        Field::UShort(value) => value.into(),
        Field::UInt(value) => value.into(),
        Field::ULong(value) => value.into(),
        Field::Float16(value) => number(value.to_f64())?,
        Field::Float(value) => number(value.into())?,
        Field::Double(value) => number(value)?,
        Field::Str(value) => value.into(),
        Field::Bytes(bytes) => match bytes.as_utf8() {
            Ok(text) => text.into(),
            Err(_) => {
                return Err("the value is binary and no UTF-8 text; drop the column or write it as text".to_owned());
            }
        },
        Field::Group(row) => object(row)?,
        Field::ListInternal(list) => list.elements().iter().cloned().map(value).collect::<Result<_, _>>()?,
        Field::MapInternal(map) => Value::Object(
            map.entries()
                .iter()
                .map(|(key, field)| Ok((name(key.clone())?, value(field.clone())?)))
                .collect::<Result<_, String>>()?,
        ),
        // Dates, times and decimals as the decoder writes them: 2024-05-01, 2024-05-01 12:00:00.000 +00:00, 1.50.
        other => other.to_string().into(),
    })
}

/// A map's key as an object's.
fn name(key: Field) -> Result<String, String> {
    Ok(match value(key)? {
        Value::String(text) => text,
        other => other.to_string(),
    })
}

fn number(value: f64) -> Result<Value, String> {
    serde_json::Number::from_f64(value)
        .map(Value::Number)
        .ok_or_else(|| format!("the value is {value}, which JSON has no number for; replace it by null"))
}
