//! Comma- and tab-separated values (RFC 4180): the header names the fields, and every value is a string.
//!
//! Quoted fields may hold separators, quotes and line ends. Columns without a name are called `column_3` and so
//! on, by their place. A quote that is never closed costs the record limit at most: there reading goes on at the
//! next line.
//!
//! It lacks types (`true` stays a string: the formats know what they need), other separators, and files without
//! a header.

use csv_core::{ReadRecordResult, Reader, ReaderBuilder};
use serde_json::{Map, Value};

use super::input::{Ending, Input};
use super::{Found, Limits, Records, value};

/// Room for the fields' content and ends at first.
const ROOM: usize = 1 << 10;

/// The rows under the header.
pub(super) struct Rows<'a> {
    input: Input<'a>,
    limits: Limits,
    parser: Reader,
    separator: u8,
    keys: Option<Vec<String>>,
    fields: Vec<u8>,
    ends: Vec<usize>,
    done: bool,
}

/// What stands between two ends of records.
enum Row {
    /// A row of so many fields.
    Fields(usize),
    /// No row, for this reason.
    Broken(String),
    /// No row, for this reason, and none after it.
    Failed(String),
    End,
}

impl<'a> Rows<'a> {
    pub(super) fn new(input: Input<'a>, limits: Limits, separator: u8) -> Self {
        let parser = ReaderBuilder::new().delimiter(separator).build();
        let (fields, ends) =
            (vec![0; ROOM.min(limits.record_bytes.max(1))], vec![0; ROOM.min(limits.record_values.max(1))]);
        Self { input, limits, parser, separator, keys: None, fields, ends, done: false }
    }

    /// Passes over line ends between rows.
    fn skip_blank_lines(&mut self) -> Result<(), String> {
        loop {
            let bytes = self.input.fill()?;
            let blank = bytes.iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
            if blank == 0 {
                return Ok(());
            }
            self.input.consume(blank);
        }
    }

    /// Reads one row into `self.fields` and `self.ends`.
    fn row(&mut self) -> Row {
        let (mut length, mut output, mut fields) = (0, 0, 0);
        loop {
            let bytes = match self.input.fill() {
                Ok([]) if length == 0 => return Row::End,
                Ok([]) => return self.last_row(output, fields),
                Ok(bytes) => bytes,
                Err(reason) => return Row::Failed(reason),
            };
            let (result, used, written, ended) =
                self.parser.read_record(bytes, &mut self.fields[output..], &mut self.ends[fields..]);
            self.input.consume(used);
            (length, output, fields) = (length + used as u64, output + written, fields + ended);
            match result {
                ReadRecordResult::Record | ReadRecordResult::End if length > self.limits.record_bytes as u64 => {
                    return Row::Broken(value::too_long(length, &self.limits));
                }
                ReadRecordResult::Record | ReadRecordResult::End => return Row::Fields(fields),
                _ if length > self.limits.record_bytes as u64 => return self.give_up(),
                ReadRecordResult::InputEmpty => {}
                ReadRecordResult::OutputFull => grow(&mut self.fields, self.limits.record_bytes.saturating_add(1)),
                ReadRecordResult::OutputEndsFull if self.ends.len() > self.limits.record_values => {
                    return self.give_up();
                }
                ReadRecordResult::OutputEndsFull => grow(&mut self.ends, self.limits.record_values.saturating_add(1)),
            }
        }
    }

    /// The row that the end of the file ends: one more line end closes it, unless a quote is open.
    fn last_row(&mut self, output: usize, fields: usize) -> Row {
        self.fields.resize(self.fields.len().max(output + 2), 0);
        self.ends.resize(self.ends.len().max(fields + 2), 0);
        let (result, _, _, ended) =
            self.parser.read_record(b"\n", &mut self.fields[output..], &mut self.ends[fields..]);
        match result {
            ReadRecordResult::Record => Row::Fields(fields + ended),
            _ => Row::Broken(
                "the file ends inside a quoted field: it is cut off, or a quote here is never closed".to_owned(),
            ),
        }
    }

    /// Goes on at the next line after a row over the limits.
    fn give_up(&mut self) -> Row {
        self.parser.reset();
        let (_, ending) = self.input.read_line(&mut Vec::new(), 0);
        if let Ending::Failed(reason) = ending {
            return Row::Failed(reason);
        }
        Row::Broken(format!(
            "the row goes on past {} bytes or {} fields: a quote is probably never closed; everything before line {} \
             was passed over, so close the quote, or raise the limit, and read again",
            self.limits.record_bytes,
            self.limits.record_values,
            self.input.line()
        ))
    }

    /// The fields of the row in memory, as text.
    fn texts(&self, count: usize) -> Result<Vec<String>, String> {
        let mut start = 0;
        let field = |&end: &usize| {
            let bytes = &self.fields[std::mem::replace(&mut start, end)..end];
            std::str::from_utf8(bytes).map(str::to_owned)
        };
        self.ends[..count].iter().map(field).collect::<Result<_, _>>().map_err(|_| {
            "a field of this row is not valid UTF-8; if the file is in a Western encoding, convert it with \
             `iconv -f WINDOWS-1252 -t UTF-8 FILE > NEW`"
                .to_owned()
        })
    }

    /// Takes the first row as the names of the fields.
    fn take_header(&mut self, texts: Vec<String>) -> Result<(), String> {
        if let [only] = texts.as_slice()
            && let Some(other) = only.chars().find(|&c| matches!(c, ',' | ';' | '\t' | '|'))
        {
            return Err(format!(
                "the header has one column, {only:?}, which looks like several: fields are separated by {:?} here, and \
                 the file has {other:?}; save it with the other separator",
                char::from(self.separator)
            ));
        }
        let name =
            |(index, text): (usize, String)| if text.is_empty() { format!("column_{}", index + 1) } else { text };
        let keys: Vec<String> = texts.into_iter().enumerate().map(name).collect();
        let mut seen = std::collections::HashSet::new();
        if let Some(twice) = keys.iter().find(|key| !seen.insert(key.as_str())) {
            return Err(format!("the header names the column {twice:?} twice, so no row was read; rename one of them"));
        }
        self.keys = Some(keys);
        Ok(())
    }

    fn record(&self, keys: &[String], count: usize) -> Result<Value, String> {
        if count != keys.len() {
            return Err(format!(
                "the row has {count} fields, and the header has {}; fields with separators or quotes in them need \
                 quotes around them",
                keys.len()
            ));
        }
        let texts = self.texts(count)?;
        let fields: Map<String, Value> = keys.iter().cloned().zip(texts.into_iter().map(Value::from)).collect();
        Ok(Value::Object(fields))
    }
}

impl Iterator for Rows<'_> {
    type Item = Found;

    fn next(&mut self) -> Option<Found> {
        while !self.done {
            let skipped = self.skip_blank_lines();
            let line = self.input.line();
            let row = skipped.map_or_else(Row::Failed, |()| self.row());
            self.done = matches!(row, Row::Failed(_) | Row::End);
            let value = match (row, &self.keys) {
                (Row::End, _) => return None,
                (Row::Fields(count), Some(keys)) => self.record(keys, count),
                (Row::Fields(count), None) => match self.texts(count).and_then(|texts| self.take_header(texts)) {
                    Ok(()) => continue,
                    Err(reason) => {
                        self.done = true;
                        Err(reason)
                    }
                },
                (Row::Broken(reason), None) => {
                    self.done = true;
                    Err(format!("the header can not be read, so no row was: {reason}"))
                }
                (Row::Broken(reason) | Row::Failed(reason), _) => Err(reason),
            };
            return Some(Found { line, value });
        }
        None
    }
}

impl Records for Rows<'_> {
    fn held(&self) -> usize {
        self.input.held() + self.fields.capacity() + self.ends.capacity() * size_of::<usize>()
    }
}

/// Doubles the room, up to `limit`.
fn grow<T: Copy + Default>(buffer: &mut Vec<T>, limit: usize) {
    let room = (2 * buffer.len()).min(limit).max(buffer.len() + 1);
    buffer.reserve_exact(room - buffer.len());
    buffer.resize(room, T::default());
}
