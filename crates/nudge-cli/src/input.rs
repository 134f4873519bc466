//! Files of the user in any format, as the records that a stage reads, with the place of every record kept for
//! messages.
//!
//! The format is told from the file itself. A record that cannot be used stops the command with its place, unless it
//! may be left out; then it is counted.

use crate::failure::tell;
use crate::files::io_error;
use anyhow::{Result, anyhow, bail};
use clap::Args;
use nudge_data::format::{TIES_EVERYTHING, Wanted, detect, native_lines, read};
use nudge_data::source::SourceOptions;
use nudge_data::{DataError, DemonstrationRecord, Format, Prompt, Source, prompts_from};
use nudge_session::SessionError;
use std::fs::File;
use std::path::{Path, PathBuf};

/// Flags of commands that train on the user's files.
#[derive(Args, Debug, Clone, Default)]
pub struct Reading {
    /// Format of the files, where it is not told from their fields: alpaca, sharegpt, oasst-trees, ...
    #[arg(long, value_name = "NAME", value_parser = format)]
    pub format: Option<Format>,
    /// Leave out records that cannot be used, and count them; without it the first one stops the command
    #[arg(long)]
    pub skip_bad: bool,
}

/// How many records that were left out are told one by one.
const TOLD: usize = 3;

/// A format by the name that the user gave it.
pub fn format(name: &str) -> Result<Format, String> {
    Format::from_name(name)
}

/// The records of some files as one text.
#[derive(Default)]
pub struct Records {
    /// One record a line, as the stages read them.
    pub text: String,
    places: Vec<String>,
    /// Rankings that are whole and prefer nothing; they are in no line.
    pub tied: usize,
}

/// Opens a file, compressed or not, in whatever layout.
pub fn open(path: &Path) -> Result<Source<'static>> {
    let file = File::open(path).map_err(|error| io_error("read", path, error))?;
    if file.metadata().is_ok_and(|data| data.is_dir()) {
        bail!("cannot read {}: it is a folder; give a file", path.display());
    }
    Ok(Source::from_file(&path.display().to_string(), file, SourceOptions::default())?)
}

impl Records {
    /// Reads what is `wanted` from `paths`, in order.
    pub fn read(paths: &[PathBuf], wanted: Wanted, reading: &Reading) -> Result<Self> {
        Self::read_by_format(paths, |_| wanted, reading)
    }

    /// Reads from each of `paths`, in order, what is `wanted` of its format.
    pub fn read_by_format(paths: &[PathBuf], wanted: impl Fn(Format) -> Wanted, reading: &Reading) -> Result<Self> {
        let mut records = Self::default();
        for path in paths {
            records.read_file(path, &wanted, reading)?;
        }
        Ok(records)
    }

    fn read_file(&mut self, path: &Path, wanted: impl Fn(Format) -> Wanted, reading: &Reading) -> Result<()> {
        let name = path.display().to_string();
        let mut source = open(path)?.peekable();
        if source.peek().is_none() {
            return Ok(());
        }
        let detected = detect(&name, source, reading.format).map_err(|reason| anyhow!(reason))?;
        let wanted = wanted(detected.format);
        detected.format.require(&name, wanted).map_err(|reason| anyhow!(reason))?;
        let mut lines = native_lines(wanted, read(detected.format, detected.found));
        let mut left_out = 0;
        for (line, record) in &mut lines {
            match record {
                Ok(record) => self.push(&record, format!("{name}, line {line}")),
                Err(reason) if reason == TIES_EVERYTHING => self.tied += 1,
                Err(reason) if !reading.skip_bad => bail!("{name}, line {line}: {reason}"),
                Err(reason) => {
                    left_out += 1;
                    if left_out <= TOLD {
                        tell(&format!("{name}, line {line}: {reason}"));
                    }
                }
            }
        }
        lines.notes().iter().for_each(|note| tell(&format!("{name}: {note}")));
        if left_out > 0 {
            tell(&format!("{name}: {left_out} records left out; `nudge data inspect` lists them"));
        }
        Ok(())
    }

    /// Reads files that hold our own records and nothing else; `check` gets each file's name and text.
    pub fn own<T>(paths: &[PathBuf], check: impl Fn(&str, &str) -> Result<T, DataError>) -> Result<(Self, Vec<T>)> {
        let (mut records, mut checked) = (Self::default(), vec![]);
        for path in paths {
            let (name, text) = (path.display().to_string(), crate::files::read_text(path)?);
            checked.push(check(&name, &text)?);
            for (index, line) in text.trim_start_matches('\u{feff}').lines().enumerate() {
                if !line.trim().is_empty() {
                    records.push(line, format!("{name}, line {}", index + 1));
                }
            }
        }
        Ok((records, checked))
    }

    fn push(&mut self, record: &str, place: String) {
        self.text.push_str(record);
        self.text.push('\n');
        self.places.push(place);
    }

    /// Adds JSON lines that come from no file of records; messages call each one `source`.
    pub fn append(&mut self, lines: &str, source: &str) {
        for (index, line) in lines.lines().enumerate() {
            self.push(line, format!("{source}, number {}", index + 1));
        }
    }

    /// Names the file and line of the record that an error is about.
    pub fn locate(&self, error: anyhow::Error) -> anyhow::Error {
        match error.downcast_ref::<SessionError>() {
            Some(SessionError::Prompt { index, reason }) => match self.places.get(index.wrapping_sub(1)) {
                Some(place) => anyhow::anyhow!("{place}: {reason}"),
                None => error,
            },
            _ => error,
        }
    }

    /// Number of records.
    pub fn len(&self) -> usize {
        self.places.len()
    }

    /// Keeps the lines for which `keep` holds.
    pub fn retain(&mut self, keep: impl Fn(&str) -> bool) {
        let lines = self.text.lines().zip(self.places.iter()).filter(|(line, _)| keep(line));
        let (text, places) = lines.map(|(line, place)| (format!("{line}\n"), place.clone())).unzip();
        (self.text, self.places) = (text, places);
    }

    /// Checks every record; an error names its place.
    pub fn check<T>(&self, check: impl Fn(&str, &str) -> Result<T, DataError>) -> Result<()> {
        for (line, place) in self.text.lines().zip(&self.places) {
            match check(place, line) {
                Err(DataError::Line { source_name, reason, .. }) => bail!("{source_name}: {reason}"),
                checked => drop(checked?),
            }
        }
        Ok(())
    }
}

/// The demonstrations of some files.
pub fn demonstrations(paths: &[PathBuf], reading: &Reading) -> Result<Vec<DemonstrationRecord>> {
    let records = Records::read(paths, Wanted::Demonstrations, reading)?;
    Ok(nudge_data::demonstrations_from("demonstrations", &records.text)?)
}

/// The prompts of a file.
pub fn prompts(path: &PathBuf, reading: &Reading) -> Result<(Records, Vec<Prompt>)> {
    let records = Records::read(std::slice::from_ref(path), Wanted::Prompts, reading)?;
    let prompts = prompts_from("prompts", &records.text)?.into_iter().map(|record| record.prompt).collect();
    Ok((records, prompts))
}
