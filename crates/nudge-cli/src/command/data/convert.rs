//! `nudge data convert`: the records of one file in another format. OUT appears when it is whole.

use super::check_free;
use super::reading::Opened;
use crate::args::Convert;
use crate::disk::NewFile;
use crate::failure::tell;
use crate::files::io_error;
use crate::report::{self, times};
use anyhow::{Result, anyhow, bail};
use nudge_data::Format;
use nudge_data::format::{Dropped, Read, Reason, Writer};
use nudge_data::source::Sink;
use serde::Serialize;
use std::io::BufWriter;

/// How many drops are told one by one, and how many are listed with --json.
const TOLD: usize = 5;
const LISTED: usize = 1000;

#[derive(Serialize)]
struct Summary {
    command: &'static str,
    out: String,
    format: &'static str,
    to: &'static str,
    /// Records read and understood.
    records: u64,
    /// Records written.
    written: u64,
    dropped_count: u64,
    dropped: Vec<Dropped>,
    notes: Vec<String>,
}

/// Reads, converts, writes.
pub fn run(arguments: &Convert) -> Result<()> {
    let out = &arguments.out;
    let writer = Writer::new(arguments.to).map_err(|reason| anyhow!(reason))?;
    check_free(out, arguments.force, [&arguments.input])?;
    let summary = convert(arguments, writer)?;
    summary.notes.iter().for_each(|note| tell(note));
    report::result(arguments.json, &summary, || {
        let Summary { format, to, records, written, dropped_count, out, .. } = &summary;
        let dropped = if *dropped_count > 0 { format!(", {dropped_count} dropped") } else { String::new() };
        let count = |records: u64| times(records as usize, "record", "records");
        format!("convert: {} of {format}{dropped} -> {} of {to} in {out}", count(*records), count(*written))
    })
}

fn convert(arguments: &Convert, mut writer: Writer) -> Result<Summary> {
    let opened = match arguments.to {
        Format::Prompt => Opened::prompts(&arguments.input, arguments.format)?,
        _ => Opened::new(&arguments.input, arguments.format)?,
    };
    let out = arguments.out.display().to_string();
    let mut sink = Sink::create(&out, None, BufWriter::new(NewFile::create(&arguments.out)?))?;
    let mut summary = Summary {
        command: "convert",
        out,
        format: opened.format.name(),
        to: arguments.to.name(),
        records: 0,
        written: 0,
        dropped_count: 0,
        dropped: vec![],
        notes: vec![],
    };
    opened.each(arguments.strict, |record: &Read| {
        let entry = record.result.as_ref().map_err(|reason| Reason::from(reason.clone()));
        let made = entry.and_then(|entry| writer.write(entry));
        match made {
            Ok(values) => {
                summary.records += record.records;
                summary.written += values.len() as u64;
                values.iter().try_for_each(|value| sink.write(value))?;
            }
            Err(reason) if arguments.strict => {
                bail!("{}, line {}: {reason}", arguments.input.display(), record.line)
            }
            Err(reason) => summary.drop(arguments, Dropped { line: record.line, reason: reason.to_string() }),
        }
        Ok(())
    })?;
    let written = sink.finish()?.into_inner().map_err(std::io::IntoInnerError::into_error);
    let file = written.map_err(|error| io_error("write", &arguments.out, error))?;
    summary.notes = writer.notes().to_vec();
    if summary.written == 0 {
        bail!("{}: nothing of it can be written as {}", arguments.input.display(), arguments.to);
    }
    file.finish()?;
    Ok(summary)
}

impl Summary {
    fn drop(&mut self, arguments: &Convert, dropped: Dropped) {
        self.dropped_count += 1;
        if self.dropped_count <= TOLD as u64 {
            tell(&format!("dropped: {}, line {}: {}", arguments.input.display(), dropped.line, dropped.reason));
        }
        if self.dropped.len() < LISTED {
            self.dropped.push(dropped);
        }
    }
}
