//! Files of the user in any format, as the records that a stage reads, with the place of every record kept for
//! messages.
//!
//! The format is told from the file itself. A record that cannot be used stops the command with its place, unless it
//! may be left out; then it is counted.

use crate::failure::tell;
use crate::files::{io_error, read_text};
use crate::report::times;
use anyhow::{Result, anyhow, bail};
use clap::Args;
use nudge_data::format::{Reason, Wanted, detect, native_records, plain_prompts, read};
use nudge_data::source::SourceOptions;
use nudge_data::{
    DataError, DemonstrationRecord, Entry, Format, Found, PreferenceRecord, Prompt, PromptRecord, Source,
};
use nudge_session::{Room, SessionError};
use std::collections::BTreeMap;
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

/// Opens a file, compressed or not, in whatever layout.
pub fn open(path: &Path) -> Result<Source<'static>> {
    let file = File::open(path).map_err(|error| io_error("read", path, error))?;
    if file.metadata().is_ok_and(|data| data.is_dir()) {
        bail!("cannot read {}: it is a folder; give a file", path.display());
    }
    Ok(Source::from_file(&path.display().to_string(), file, SourceOptions::default())?)
}

/// Records, each with its place.
pub struct Records<T> {
    /// As the stages take them.
    pub all: Vec<T>,
    /// Where each stands.
    pub places: Places,
    /// Rankings that are whole and prefer nothing; they are left out.
    tied: usize,
}

/// Where records stand, such as `prompts.jsonl, line 3`.
#[derive(Default)]
pub struct Places(Vec<String>);

impl Places {
    /// These, and others behind them.
    pub fn before(mut self, others: Self) -> Self {
        self.0.extend(others.0);
        self
    }

    /// How many records come from each file.
    pub fn counts(&self) -> BTreeMap<String, usize> {
        let mut counts = BTreeMap::new();
        for (path, _) in self.0.iter().filter_map(|place| place.rsplit_once(", line ")) {
            *counts.entry(path.to_string()).or_default() += 1;
        }
        counts
    }

    /// Names the file and line of the record that an error is about.
    pub fn locate(&self, error: anyhow::Error) -> anyhow::Error {
        let (index, reason) = match error.downcast_ref() {
            Some(SessionError::Record { index, reason } | SessionError::Prompt { index, reason }) => (*index, reason),
            _ => return error,
        };
        match self.0.get(index.wrapping_sub(1)) {
            Some(place) => anyhow!("{place}: {reason}"),
            None => error,
        }
    }
}

impl<T> Records<T> {
    /// None at all.
    pub fn none() -> Self {
        Self { all: vec![], places: Places::default(), tied: 0 }
    }

    fn push(&mut self, record: T, place: String) {
        self.all.push(record);
        self.places.0.push(place);
    }

    /// Adds records that come from no file; messages call each one `source`.
    pub fn append(&mut self, records: Vec<T>, source: &str) {
        for (index, record) in records.into_iter().enumerate() {
            self.push(record, format!("{source}, number {}", index + 1));
        }
    }

    /// Reads files that hold our own records and nothing else; `parse` gets each file's name and text.
    pub fn own(paths: &[PathBuf], parse: impl Fn(&str, &str) -> Result<Vec<T>, DataError>) -> Result<Self> {
        let mut records = Self::none();
        for path in paths {
            let (name, text) = (path.display().to_string(), read_text(path)?);
            let lines = text.trim_start_matches('\u{feff}').lines().enumerate();
            let used = lines.filter(|(_, line)| !line.trim().is_empty());
            let parsed = parse(&name, &text)?;
            if parsed.is_empty() {
                bail!("{name} is empty: it holds no records");
            }
            records.all.extend(parsed);
            records.places.0.extend(used.map(|(index, _)| format!("{name}, line {}", index + 1)));
        }
        Ok(records)
    }
}

/// A record whose rows must fit a model's context.
pub trait Rows {
    /// Its prompt with each of its completions.
    fn rows(&self) -> Vec<(Prompt, String)>;
}

impl Rows for DemonstrationRecord {
    fn rows(&self) -> Vec<(Prompt, String)> {
        vec![(self.prompt.clone(), self.completion.clone())]
    }
}

impl Rows for PreferenceRecord {
    fn rows(&self) -> Vec<(Prompt, String)> {
        let Ok(Some(judged)) = self.judgement() else { return vec![] };
        judged.completions.into_iter().map(|completion| (judged.prompt.clone(), completion)).collect()
    }
}

impl<T: Rows> Records<T> {
    /// Leaves out what is longer than a model's context, where the user allows that and it is not `cut` there. Each is
    /// told with its place.
    ///
    /// # Errors
    /// If nothing is left.
    pub fn keep_fitting(&mut self, reading: &Reading, cut: bool, room: impl FnOnce() -> Result<Room>) -> Result<()> {
        if !reading.skip_bad || cut || self.all.is_empty() {
            return Ok(());
        }
        let room = room()?;
        let before = std::mem::replace(self, Self::none());
        let mut left_out = 0;
        for (record, place) in before.all.into_iter().zip(before.places.0) {
            if record.rows().iter().all(|(prompt, completion)| room.fits(prompt, completion)) {
                self.push(record, place);
                continue;
            }
            left_out += 1;
            if left_out <= TOLD {
                tell(&format!("{place}: longer than the model's context of {} tokens", room.context));
            }
        }
        if self.all.is_empty() {
            bail!("all {left_out} records are longer than the model's context of {} tokens", room.context);
        }
        if left_out > 0 {
            tell(&format!("{} left out because of their length", times(left_out, "record", "records")));
        }
        Ok(())
    }
}

impl<T: TryFrom<Entry, Error = Reason>> Records<T> {
    /// Reads what is `wanted` from `paths`, in order.
    pub fn read(paths: &[PathBuf], wanted: Wanted, reading: &Reading) -> Result<Self> {
        Self::read_by_format(paths, |_| wanted, reading)
    }

    /// Reads from each of `paths`, in order, what is `wanted` of its format.
    fn read_by_format(paths: &[PathBuf], wanted: impl Fn(Format) -> Wanted, reading: &Reading) -> Result<Self> {
        let mut records = Self::none();
        paths.iter().try_for_each(|path| records.read_file(path, &wanted, reading))?;
        Ok(records)
    }

    fn read_file(&mut self, path: &Path, wanted: impl Fn(Format) -> Wanted, reading: &Reading) -> Result<()> {
        self.read_found(&path.display().to_string(), open(path)?, wanted, reading)
    }

    /// Reads the records that were `found` in the file `name`.
    fn read_found(
        &mut self,
        name: &str,
        found: impl Iterator<Item = Found>,
        wanted: impl Fn(Format) -> Wanted,
        reading: &Reading,
    ) -> Result<()> {
        let mut found = found.peekable();
        if found.peek().is_none() {
            bail!("{name} is empty: it holds no records");
        }
        let detected = detect(name, found, reading.format).map_err(|reason| anyhow!(reason))?;
        let wanted = wanted(detected.format);
        detected.format.require(name, wanted).map_err(|reason| anyhow!(reason))?;
        let mut found = native_records(wanted, read(detected.format, detected.found));
        let mut left_out = 0;
        for (line, entry) in &mut found {
            match entry.and_then(T::try_from) {
                Ok(record) => self.push(record, format!("{name}, line {line}")),
                Err(Reason::TiesEverything) => self.tied += 1,
                Err(reason) if !reading.skip_bad => bail!("{name}, line {line}: {reason}"),
                Err(reason) => {
                    left_out += 1;
                    if left_out <= TOLD {
                        tell(&format!("{name}, line {line}: {reason}"));
                    }
                }
            }
        }
        found.notes().iter().for_each(|note| tell(&format!("{name}: {note}")));
        if left_out > 0 {
            let records = times(left_out, "record", "records");
            tell(&format!("{name}: {records} left out; `nudge data inspect` tells why"));
        }
        Ok(())
    }
}

/// The demonstrations of some files.
pub fn demonstrations(paths: &[PathBuf], reading: &Reading) -> Result<Records<DemonstrationRecord>> {
    Records::read(paths, Wanted::Demonstrations, reading)
}

/// The prompts of a file: records of any format, a text with one a line, or a list of texts.
pub fn prompts(path: &Path, reading: &Reading) -> Result<Records<Prompt>> {
    let (mut records, source) = (Records::<PromptRecord>::none(), open(path)?);
    let found = plain_prompts(source.layout(), source);
    records.read_found(&path.display().to_string(), found, |_| Wanted::Prompts, reading)?;
    let Records { all, places, tied } = records;
    Ok(Records { all: all.into_iter().map(|record| record.prompt).collect(), places, tied })
}

/// The rankings and pairs of some files that something can be learnt from, with `labels` also completions that are
/// wanted or not by themselves. What is left out is counted: a ranking that ties everything teaches nothing, and one
/// that repeats a screen measures how sure a labeler is (`nudge agreement`).
pub fn preferences(paths: &[PathBuf], labels: bool, reading: &Reading) -> Result<Records<PreferenceRecord>> {
    let wanted = |format| match format {
        Format::Unpaired | Format::OpenWebUi if labels => Wanted::Unpaired,
        _ => Wanted::Comparisons,
    };
    let read = Records::<PreferenceRecord>::read_by_format(paths, wanted, reading)?;
    let (tied, count) = (read.tied, read.all.len());
    if count == 0 && tied > 0 {
        bail!(
            "all {tied} rankings tie everything; there is no preference to learn from. Rank some completions above others"
        );
    }
    if tied > 0 {
        tell(&format!("{tied} of {} rankings tie everything and are left out", count + tied));
    }
    let mut kept = Records::none();
    for (record, place) in read.all.into_iter().zip(read.places.0) {
        match if labels { record.judgement() } else { record.comparison() } {
            Ok(Some(_)) => kept.push(record, place),
            Ok(None) => {}
            Err(reason) => bail!("{place}: {reason}"),
        }
    }
    let repeats = count - kept.all.len();
    if repeats > 0 {
        tell(&format!("{repeats} of {count} rankings repeat a screen and are left out"));
    }
    Ok(kept)
}
