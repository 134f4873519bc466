//! What a long command has measured, kept in a file as it comes, so that the command can be stopped and resumed.

use crate::args::Measurements;
use crate::disk::{Appended, write_atomic};
use crate::files::read_text;
use anyhow::{Result, bail};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// Measurements of an earlier run that goes on. A file that is there is not written to without being asked.
pub fn kept<M: DeserializeOwned>(flags: &Measurements) -> Result<Vec<M>> {
    let Some(path) = flags.out.as_deref().filter(|path| path.exists()) else { return Ok(vec![]) };
    if !flags.resume {
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

/// Adds a measurement to the file, where there is one, and waits until it is on the disk.
pub fn keep(flags: &Measurements, measurement: &impl Serialize) -> Result<()> {
    let Some(path) = flags.out.as_deref() else { return Ok(()) };
    let line = format!("{}\n", serde_json::to_string(measurement)?);
    let mut file = Appended::open(path)?;
    file.add(line.as_bytes())?;
    file.sync().map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_measurement_that_was_cut_off_is_measured_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("rows.jsonl");
        let flags = |resume| Measurements { seeds: 1, first_seed: 1, out: Some(path.clone()), resume };
        assert!(kept::<u32>(&flags(false)).unwrap().is_empty());
        keep(&flags(false), &7).unwrap();
        keep(&flags(false), &8).unwrap();
        std::fs::write(&path, std::fs::read_to_string(&path).unwrap() + "9").unwrap();
        assert!(kept::<u32>(&flags(false)).unwrap_err().to_string().contains("--resume"));
        assert_eq!(kept::<u32>(&flags(true)).unwrap(), [7, 8]);
        keep(&flags(true), &10).unwrap();
        assert_eq!(kept::<u32>(&flags(true)).unwrap(), [7, 8, 10]);
    }
}
