//! Event files for TensorBoard: a folder a run, in it the numbers of its steps under their own names.
//!
//! A file is a list of records (TFRecord): eight bytes of length, their checksum, the bytes, their checksum. A record is an
//! `Event` of `tensorflow/core/util/event.proto`, of which scalars need few fields; the numbers of these stand below.
//! `prost` writes the fields: no crate for such files has been kept up to date.

use super::group::Group;
use super::run::Run;
use crate::disk::write_folder;
use anyhow::Result;
use bytes::Bytes;
use nudge_session::Files;
use prost::encoding::{WireType, double, encode_key, encode_varint, float, int64, string};
use std::collections::BTreeSet;
use std::path::Path;

/// Fields of `Event`.
const WALL_TIME: u32 = 1;
const STEP: u32 = 2;
const FILE_VERSION: u32 = 3;
const SUMMARY: u32 = 5;
/// The field of `Summary`, and those of its values.
const VALUE: u32 = 1;
const TAG: u32 = 1;
const SIMPLE_VALUE: u32 = 2;

/// Its readers know by it that these are event files.
const VERSION: &str = "brain.Event:2";
/// They look for files with this in their names.
const FILE: &str = "events.out.tfevents.0.nudge";

/// Writes a folder a run below `out`.
///
/// # Errors
/// If the disk refuses.
pub fn write(out: &Path, groups: &[Group]) -> Result<()> {
    let mut taken = BTreeSet::new();
    for run in groups.iter().flat_map(|group| &group.runs) {
        let plain =
            |character: char| if character.is_alphanumeric() || "-.".contains(character) { character } else { '_' };
        let name: String = run.name.trim_matches(['/', '.']).chars().map(plain).collect();
        let numbered = |number: usize| if number == 1 { name.clone() } else { format!("{name}-{number}") };
        let name = (1..).map(numbered).find(|name| !taken.contains(name)).unwrap_or(name.clone());
        write_folder(&out.join(&name), &Files::from([(FILE.to_string(), events(run))]))?;
        taken.insert(name);
    }
    Ok(())
}

/// The file of a run. Times are seconds from its beginning.
fn events(run: &Run) -> Bytes {
    let mut file = record(&event(0.0, |event| string::encode(FILE_VERSION, &VERSION.to_string(), event)));
    let mut seconds = 0.0;
    for (step, numbers) in &run.steps {
        seconds += numbers.get("seconds").copied().unwrap_or_default();
        let mut summary = Vec::new();
        for (name, number) in numbers {
            let mut value = Vec::new();
            string::encode(TAG, name, &mut value);
            float::encode(SIMPLE_VALUE, &(*number as f32), &mut value);
            message(VALUE, &value, &mut summary);
        }
        file.extend(record(&event(seconds, |event| {
            int64::encode(STEP, &(*step as i64), event);
            message(SUMMARY, &summary, event);
        })));
    }
    file.into()
}

fn event(seconds: f64, fill: impl Fn(&mut Vec<u8>)) -> Vec<u8> {
    let mut event = Vec::new();
    double::encode(WALL_TIME, &seconds, &mut event);
    fill(&mut event);
    event
}

/// A message within another.
fn message(field: u32, inner: &[u8], into: &mut Vec<u8>) {
    encode_key(field, WireType::LengthDelimited, into);
    encode_varint(inner.len() as u64, into);
    into.extend_from_slice(inner);
}

/// Bytes as a record of the file.
fn record(bytes: &[u8]) -> Vec<u8> {
    let length = (bytes.len() as u64).to_le_bytes();
    [&length[..], &masked(&length), bytes, &masked(bytes)].concat()
}

/// A checksum as it stands there: turned and moved, so that one of a checksum is another.
fn masked(bytes: &[u8]) -> [u8; 4] {
    crc32c::crc32c(bytes).rotate_right(15).wrapping_add(0xa282_ead8).to_le_bytes()
}

#[cfg(test)]
mod tests {
    use super::super::test_runs::run;
    use super::*;

    /// By `tensorboard.summary.writer.record_writer.RecordWriter(file).write(b"nudge")`.
    #[test]
    fn a_record_is_what_tensorboard_writes() {
        let written = [5, 0, 0, 0, 0, 0, 0, 0, 234, 178, 4, 62, 110, 117, 100, 103, 101, 60, 29, 13, 207];
        assert_eq!(record(b"nudge"), written);
    }

    #[test]
    fn every_step_is_a_record_behind_the_version() {
        let file = events(&run("a", 1, 0.1, &[1.5, 0.25]));
        let (mut rest, mut found) = (&file[..], Vec::new());
        while !rest.is_empty() {
            let length = u64::from_le_bytes(rest[..8].try_into().unwrap()) as usize;
            let bytes = &rest[12..12 + length];
            assert_eq!(rest[8..12], masked(&rest[..8]));
            assert_eq!(rest[12 + length..16 + length], masked(bytes));
            found.push(bytes);
            rest = &rest[16 + length..];
        }
        assert_eq!(found.len(), 3);
        assert!(found[0].ends_with(VERSION.as_bytes()));
        let holds = |bytes: &[u8], part: &[u8]| bytes.windows(part.len()).any(|at| at == part);
        let loss = |value: f32| [b"\x0a\x04loss\x15", &value.to_le_bytes()[..]].concat();
        assert!(holds(found[1], &loss(1.5)) && holds(found[2], &loss(0.25)) && !holds(found[1], &loss(0.25)));
    }
}
