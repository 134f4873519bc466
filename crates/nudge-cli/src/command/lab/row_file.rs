//! Rows of a long measurement, kept in a file as they come, so that it can be stopped and resumed.

use crate::args::Rows;
use crate::files::{io_error, read_text, write_atomic};
use anyhow::{Result, bail};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::fs::OpenOptions;
use std::io::Write;

/// Rows of an earlier run that goes on. A file that is there is not written to without being asked.
pub fn kept<Row: DeserializeOwned>(rows: &Rows) -> Result<Vec<Row>> {
    let Some(path) = rows.out.as_deref().filter(|path| path.exists()) else { return Ok(vec![]) };
    if !rows.resume {
        bail!("{} exists; go on with --resume, or choose another --out", path.display());
    }
    let text = read_text(path)?;
    // A line that was cut off when the run was stopped is measured again.
    let whole: String = text.split_inclusive('\n').filter(|line| line.ends_with('\n')).collect();
    if whole.len() < text.len() {
        write_atomic(path, whole.as_bytes())?;
    }
    Ok(nudge_data::read_jsonl(&path.display().to_string(), &whole)?)
}

/// Adds a row to the file, where there is one, and waits until it is on the disk.
pub fn keep(rows: &Rows, row: &impl Serialize) -> Result<()> {
    let Some(path) = rows.out.as_deref() else { return Ok(()) };
    let line = format!("{}\n", serde_json::to_string(row)?);
    let opened = OpenOptions::new().append(true).create(true).open(path);
    let written = opened.and_then(|mut file| file.write_all(line.as_bytes()).and_then(|()| file.sync_data()));
    written.map_err(|error| io_error("write", path, error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_that_was_cut_off_is_measured_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("rows.jsonl");
        let rows = |resume| Rows { seeds: 1, first_seed: 1, out: Some(path.clone()), resume };
        assert!(kept::<u32>(&rows(false)).unwrap().is_empty());
        keep(&rows(false), &7).unwrap();
        keep(&rows(false), &8).unwrap();
        std::fs::write(&path, std::fs::read_to_string(&path).unwrap() + "9").unwrap();
        assert!(kept::<u32>(&rows(false)).unwrap_err().to_string().contains("--resume"));
        assert_eq!(kept::<u32>(&rows(true)).unwrap(), [7, 8]);
        keep(&rows(true), &10).unwrap();
        assert_eq!(kept::<u32>(&rows(true)).unwrap(), [7, 8, 10]);
    }
}
