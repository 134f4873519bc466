//! JSON values into a file of one layout: the way back from [`Source`](super::Source).
//!
//! The file's name says layout and compression. [`Sink::finish`] must be called, since a document's last bracket and
//! a compressed file's trailer are written there; a file without it reads as cut off.
//!
//! It lacks Parquet, on purpose: columns need types, which records of anybody's shape do not have. It lacks nested
//! columns too: a list or an object in a table is written as JSON text and is read back as a string.

use std::io::{self, Write};

use serde_json::Value;

use super::compressed::Compressor;
use super::{Layout, detect};
use crate::error::DataError;
use crate::tokenizer::END_OF_TEXT;

/// A file that is being written.
pub struct Sink<W: Write> {
    name: String,
    layout: Layout,
    writer: Compressor<W>,
    /// The columns of a table, once the first record was written.
    columns: Option<Vec<String>>,
    records: u64,
}

impl<W: Write> Sink<W> {
    /// Begins a file; its name is for layout, compression and messages.
    ///
    /// The layout is the given one, or else the one that the extension stands for: `.jsonl`, `.json`, `.csv`, `.tsv` or
    /// `.txt`, and after it `.gz` or `.zst`.
    ///
    /// # Errors
    ///
    /// [`DataError::Source`] if no layout is given and the extension stands for none, for Parquet, and for compression
    /// without the cargo feature `compressed`.
    pub fn create(name: &str, layout: Option<Layout>, writer: W) -> Result<Self, DataError> {
        let fail = |reason: String| DataError::Source { source_name: name.to_owned(), reason };
        let layout = layout.or_else(|| detect::extension_layout(name)).ok_or_else(|| {
            fail(
                "the name does not say how to write the file; end it with .jsonl, .json, .csv, .tsv or .txt".to_owned(),
            )
        })?;
        if layout == Layout::Parquet {
            return Err(fail(
                "Parquet is read but not written; write JSONL, which every tool turns into Parquet".to_owned(),
            ));
        }
        let writer =
            Compressor::new(detect::extension_compression(name), writer).map_err(|error| fail(error.to_string()))?;
        Ok(Self { name: name.to_owned(), layout, writer, columns: None, records: 0 })
    }

    /// The layout that is being written.
    pub fn layout(&self) -> Layout {
        self.layout
    }

    /// Writes one record.
    ///
    /// # Errors
    ///
    /// [`DataError::Source`] if writing fails, or if the record does not fit the layout: a table takes objects with the
    /// fields of its first record, fewer of them leave cells empty; plain text takes objects with a string `text`.
    pub fn write(&mut self, record: &Value) -> Result<(), DataError> {
        let mut bytes = Vec::new();
        self.encode(record, &mut bytes)
            .and_then(|()| self.writer.write_all(&bytes).map_err(|error| error.to_string()))
            .map_err(|reason| self.fail(&format!("record {}: {reason}", self.records + 1)))?;
        self.records += 1;
        Ok(())
    }

    /// Writes what closes the file and gives the writer back, flushed.
    ///
    /// # Errors
    ///
    /// [`DataError::Source`] if writing fails.
    pub fn finish(mut self) -> Result<W, DataError> {
        let end: &[u8] = match (self.layout, self.records) {
            (Layout::Json, 0) => b"[]\n",
            (Layout::Json, _) => b"\n]\n",
            _ => b"",
        };
        let finish = |mut writer: Compressor<W>| -> io::Result<W> {
            writer.write_all(end)?;
            let mut writer = writer.finish()?;
            writer.flush()?;
            Ok(writer)
        };
        let name = std::mem::take(&mut self.name);
        finish(self.writer).map_err(|error| DataError::Source { source_name: name, reason: error.to_string() })
    }

    fn fail(&self, reason: &str) -> DataError {
        DataError::Source { source_name: self.name.clone(), reason: reason.to_owned() }
    }

    fn encode(&mut self, record: &Value, out: &mut Vec<u8>) -> Result<(), String> {
        match self.layout {
            Layout::Jsonl => out.extend_from_slice(format!("{record}\n").as_bytes()),
            Layout::Json => {
                let before = if self.records == 0 { "[\n" } else { ",\n" };
                out.extend_from_slice(format!("{before}{record}").as_bytes());
            }
            Layout::Csv => self.encode_row(record, ',', out)?,
            Layout::Tsv => self.encode_row(record, '\t', out)?,
            Layout::Text => out.extend_from_slice(plain_text(record)?.as_bytes()),
            Layout::Parquet => return Err("Parquet is not written".to_owned()),
        }
        Ok(())
    }

    /// Writes a row, and the header before the first.
    fn encode_row(&mut self, record: &Value, separator: char, out: &mut Vec<u8>) -> Result<(), String> {
        let object = record.as_object().filter(|object| !object.is_empty());
        let object = object.ok_or("a table takes objects with at least one field; write JSONL instead")?;
        let columns = match self.columns.take() {
            Some(columns) => columns,
            None => {
                let columns: Vec<String> = object.keys().cloned().collect();
                encode_cells(columns.iter().cloned(), separator, out);
                columns
            }
        };
        let unknown = object.keys().find(|key| !columns.contains(key)).cloned();
        encode_cells(columns.iter().map(|column| cell(object.get(column))), separator, out);
        self.columns = Some(columns);
        match unknown {
            Some(key) => Err(format!("the field {key:?} is not among those of the first record; write JSONL instead")),
            None => Ok(()),
        }
    }
}

/// A value as it stands in a table.
fn cell(value: Option<&Value>) -> String {
    match value {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    }
}

/// Appends one line of a table (RFC 4180 §2), with quotes where they are needed and around an only, empty cell.
fn encode_cells(cells: impl Iterator<Item = String>, separator: char, out: &mut Vec<u8>) {
    let start = out.len();
    for (index, cell) in cells.enumerate() {
        if index > 0 {
            out.push(separator as u8);
        }
        if cell.contains([separator, '"', '\n', '\r']) {
            out.extend_from_slice(format!("\"{}\"", cell.replace('"', "\"\"")).as_bytes());
        } else {
            out.extend_from_slice(cell.as_bytes());
        }
    }
    if out.len() == start {
        out.extend_from_slice(b"\"\"");
    }
    out.push(b'\n');
}

fn plain_text(record: &Value) -> Result<String, String> {
    let text = record.get("text").and_then(Value::as_str);
    let text = text.ok_or("plain text takes records with a string `text`; write JSONL instead")?;
    if text.contains(END_OF_TEXT) {
        return Err(format!("the text holds {END_OF_TEXT}, which would split it; write JSONL instead"));
    }
    Ok(format!("{text}\n{END_OF_TEXT}\n"))
}
