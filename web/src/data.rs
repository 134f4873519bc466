//! A file of the reader in any format, as records that the trainer reads.

use nudge_data::format::{Read, Reason, Wanted, Writer, detect, entries_for, native_records, read};
use nudge_data::source::SourceOptions;
use nudge_data::{DemonstrationRecord, Entry, Format, Source};
use nudge_session::Room;
use serde::Serialize;

/// What is in a file.
#[derive(Serialize, Default)]
pub struct Understood {
    /// The name of its format; empty where the file is.
    pub format: &'static str,
    /// Records, one a line.
    pub jsonl: String,
    /// Number of records.
    pub records: usize,
    /// What is left out.
    pub dropped: usize,
    /// Where the first of that stands, and why it is left out.
    pub reason: String,
}

/// Rankings, whatever the file calls them.
pub fn rankings(name: &str, bytes: Vec<u8>) -> Result<Understood, String> {
    let (mut found, reads) = open(name, bytes, Wanted::Comparisons)?;
    let Some(reads) = reads else { return Ok(found) };
    let mut writer = Writer::new(Format::Ranking)?;
    for (line, entry) in entries_for(Wanted::Comparisons, reads) {
        match entry.and_then(|entry| writer.write(&entry)) {
            Ok(records) => records.iter().for_each(|record| found.take(&record.to_string())),
            Err(reason) => found.leave_out(name, line, reason),
        }
    }
    Ok(found)
}

/// Demonstrations that a model has room for.
pub fn demonstrations(name: &str, bytes: Vec<u8>, room: &Room) -> Result<Understood, String> {
    let (mut found, reads) = open(name, bytes, Wanted::Demonstrations)?;
    let Some(reads) = reads else { return Ok(found) };
    for (line, record) in native_records(Wanted::Demonstrations, reads) {
        match record.and_then(|record| fitting(record, room)) {
            Ok(record) => found.take(&record),
            Err(reason) => found.leave_out(name, line, reason),
        }
    }
    Ok(found)
}

fn fitting(entry: Entry, room: &Room) -> Result<String, Reason> {
    let record = DemonstrationRecord::try_from(entry)?;
    match room.fits(&record.prompt, &record.completion) {
        true => serde_json::to_string(&record).map_err(|error| error.to_string().into()),
        false => Err(format!("it is longer than the {} tokens that the model reads", room.context).into()),
    }
}

type Opened = (Understood, Option<Box<dyn Iterator<Item = Read>>>);

fn open(name: &str, bytes: Vec<u8>, wanted: Wanted) -> Result<Opened, String> {
    let source = Source::from_bytes(name, bytes, SourceOptions::default()).map_err(|error| error.to_string())?;
    let mut source = source.peekable();
    if source.peek().is_none() {
        return Ok((Understood::default(), None));
    }
    let detected = detect(name, source, None)?;
    detected.format.require(name, wanted)?;
    let understood = Understood { format: detected.format.name(), ..Understood::default() };
    Ok((understood, Some(Box::new(read(detected.format, detected.found)))))
}

impl Understood {
    fn take(&mut self, record: &str) {
        self.jsonl.push_str(record);
        self.jsonl.push('\n');
        self.records += 1;
    }

    fn leave_out(&mut self, name: &str, line: u64, reason: Reason) {
        if self.dropped == 0 {
            self.reason = format!("{name}, line {line}: {reason}");
        }
        self.dropped += 1;
    }
}
