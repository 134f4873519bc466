//! A file of the reader in any format, as records that the trainer takes.

use crate::thrown::Thrown;
use js_sys::Uint8Array;
use nudge_data::format::{Read, Reason, Wanted, Writer, detect, entries_for, native_records, read};
use nudge_data::source::SourceOptions;
use nudge_data::{DemonstrationRecord, Entry, Format, PreferenceRecord, RankingRecord, Source, rankings_from};
use nudge_session::Room;
use serde::Serialize;

/// What is in a file.
#[derive(Serialize)]
pub struct Understood<T> {
    /// What can be used.
    pub records: Vec<T>,
    /// Number of records that are left out.
    pub dropped: usize,
    /// Why the first of them is.
    pub reason: String,
}

/// Rankings, whatever the file calls them, without those that teach nothing.
///
/// Every line of a file of our own must be a whole ranking, or none is taken; of other files what fits is.
pub fn rankings(name: &str, bytes: &Uint8Array) -> Result<Understood<RankingRecord>, Thrown> {
    let mut found = Understood::default();
    let Some((format, reads)) = open(name, bytes, Wanted::Comparisons)? else { return Ok(found) };
    if format == Format::Ranking {
        for record in rankings_from(name, &String::from_utf8_lossy(&bytes.to_vec()))? {
            found.take_or_leave(record);
        }
        return Ok(found);
    }
    let mut writer = Writer::new(Format::Ranking).map_err(Thrown::mistake)?;
    for (line, entry) in entries_for(Wanted::Comparisons, reads) {
        match entry.and_then(|entry| writer.write(&entry)) {
            Ok(records) => {
                for record in records {
                    found.take_or_leave(serde_json::from_value(record).map_err(Thrown::mistake)?);
                }
            }
            Err(reason) => found.leave_out(format!("{name}, line {line}: {reason}")),
        }
    }
    Ok(found)
}

/// Why nothing can be learnt from a ranking that is whole: it prefers nothing, or tells equal completions apart.
pub fn nothing_to_learn(record: &RankingRecord) -> Option<String> {
    let reason = PreferenceRecord::Ranking(record.clone()).comparison().err()?;
    // The advice after the cause is about lines of a file.
    reason.split("; ").next().map(str::to_string)
}

/// Demonstrations that a model has room for.
pub fn demonstrations(name: &str, bytes: &Uint8Array, room: &Room) -> Result<Understood<DemonstrationRecord>, Thrown> {
    let mut found = Understood::default();
    let Some((_, reads)) = open(name, bytes, Wanted::Demonstrations)? else { return Ok(found) };
    for (line, record) in native_records(Wanted::Demonstrations, reads) {
        match record.and_then(|record| fitting(record, room)) {
            Ok(record) => found.records.push(record),
            Err(reason) => found.leave_out(format!("{name}, line {line}: {reason}")),
        }
    }
    Ok(found)
}

fn fitting(entry: Entry, room: &Room) -> Result<DemonstrationRecord, Reason> {
    let record = DemonstrationRecord::try_from(entry)?;
    match room.fits(&record.prompt, &record.completion) {
        true => Ok(record),
        false => Err(format!("it is longer than the {} tokens that the model reads", room.context).into()),
    }
}

/// A file's format and its records; nothing where it has none.
type Opened = Option<(Format, Box<dyn Iterator<Item = Read>>)>;

fn open(name: &str, bytes: &Uint8Array, wanted: Wanted) -> Result<Opened, Thrown> {
    let mut source = Source::from_bytes(name, bytes.to_vec(), SourceOptions::default())?.peekable();
    if source.peek().is_none() {
        return Ok(None);
    }
    let detected = detect(name, source, None).map_err(Thrown::data)?;
    detected.format.require(name, wanted).map_err(Thrown::data)?;
    Ok(Some((detected.format, Box::new(read(detected.format, detected.found)))))
}

impl<T> Default for Understood<T> {
    fn default() -> Self {
        Self { records: Vec::new(), dropped: 0, reason: String::new() }
    }
}

impl<T> Understood<T> {
    fn leave_out(&mut self, reason: String) {
        if self.dropped == 0 {
            self.reason = reason;
        }
        self.dropped += 1;
    }
}

impl Understood<RankingRecord> {
    fn take_or_leave(&mut self, record: RankingRecord) {
        match nothing_to_learn(&record) {
            Some(reason) => self.leave_out(reason),
            None => self.records.push(record),
        }
    }
}
