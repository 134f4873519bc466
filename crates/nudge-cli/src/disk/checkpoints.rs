//! Checkpoints of a run: `PLACE`, and `PLACE.old` from before it. Each is a folder that appears whole, with
//! `whole.json`: how long each file is and its checksum. One that a disk has spoiled gives way to the one before it.
//!
//! A process killed at any moment leaves at least the last checkpoint that was stored; [`Checkpoints::discard`] leaves
//! all of it, or nothing that is found.

use super::folder::{fill, remove};
use super::{beside, rename};
use crate::failure::tell;
use crate::files::read_folder;
use anyhow::{Result, bail};
use nudge_session::Files;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// What a checkpoint holds.
const WHOLE: &str = "whole.json";

/// The checkpoints of a run.
pub struct Checkpoints {
    newest: PathBuf,
}

/// A checkpoint that was found.
pub struct Kept {
    /// What the run goes on from.
    pub files: Files,
    /// What was noted with it.
    pub note: Value,
}

#[derive(Serialize, Deserialize)]
struct Whole {
    files: BTreeMap<String, Sum>,
    note: Value,
}

#[derive(Serialize, Deserialize, PartialEq)]
struct Sum {
    bytes: usize,
    crc32: u32,
}

impl Checkpoints {
    /// Those at `place`.
    pub fn at(place: PathBuf) -> Self {
        Self { newest: place }
    }

    /// Where the newest is.
    pub fn path(&self) -> &Path {
        &self.newest
    }

    fn before(&self) -> PathBuf {
        beside(&self.newest, ".old")
    }

    fn unfinished(&self) -> PathBuf {
        beside(&self.newest, ".new")
    }

    fn gone(&self) -> PathBuf {
        beside(&self.newest, ".gone")
    }

    /// Whether there is any.
    pub fn exist(&self) -> bool {
        self.newest.exists() || self.before().exists()
    }

    /// Stores one with a note. The newest so far becomes the one before.
    pub fn store(&self, mut files: Files, note: Value) -> Result<()> {
        let (unfinished, before) = (self.unfinished(), self.before());
        let sums = files.iter().map(|(name, bytes)| (name.clone(), Sum::of(bytes))).collect();
        files.insert(WHOLE.into(), serde_json::to_vec(&Whole { files: sums, note })?.into());
        remove(&unfinished)?;
        if let Err(error) = fill(&unfinished, &files) {
            let _ = remove(&unfinished);
            return Err(error);
        }
        if self.newest.exists() {
            self.discard_one(&before)?;
            rename(&self.newest, &before)?;
        }
        rename(&unfinished, &self.newest)
    }

    /// The newest that is whole, after what was cut off is tidied up.
    ///
    /// # Errors
    /// If there are some and none is whole.
    pub fn recover(&self) -> Result<Option<Kept>> {
        // What has not got its name was not promised to anybody.
        remove(&self.unfinished())?;
        remove(&self.gone())?;
        let mut spoiled = None;
        for place in [self.newest.clone(), self.before()] {
            match read(&place)? {
                Found::Nothing => {}
                Found::Whole(kept) => {
                    if let Some(reason) = spoiled {
                        tell(&format!("{reason}; going on from the checkpoint before it"));
                    }
                    return Ok(Some(kept));
                }
                Found::Spoiled(reason) => spoiled = spoiled.or(Some(reason)),
            }
        }
        match spoiled {
            Some(reason) => bail!("{reason}, and there is none before it; start anew with --force"),
            None => Ok(None),
        }
    }

    /// Removes all of them, the older first: what is left is never older than what was there.
    pub fn discard(&self) -> Result<()> {
        self.discard_one(&self.before())?;
        self.discard_one(&self.newest)?;
        remove(&self.unfinished())
    }

    fn discard_one(&self, place: &Path) -> Result<()> {
        remove(&self.gone())?;
        if place.exists() {
            rename(place, &self.gone())?;
        }
        remove(&self.gone())
    }
}

enum Found {
    Nothing,
    Whole(Kept),
    Spoiled(String),
}

fn read(place: &Path) -> Result<Found> {
    let Some(mut files) = read_folder(place)? else { return Ok(Found::Nothing) };
    let spoiled = |what: &str| Ok(Found::Spoiled(format!("{} is damaged: {what}", place.display())));
    let Some(whole) = files.remove(WHOLE) else { return spoiled(&format!("it has no {WHOLE}")) };
    let Ok(Whole { files: sums, note }) = serde_json::from_slice(&whole) else {
        return spoiled(&format!("{WHOLE} cannot be read"));
    };
    let wrong = |(name, sum): &(&String, &Sum)| files.get(*name).is_none_or(|bytes| Sum::of(bytes) != **sum);
    if let Some((name, _)) = sums.iter().find(wrong) {
        return spoiled(&format!("{name} is not what was stored"));
    }
    files.retain(|name, _| sums.contains_key(name));
    Ok(Found::Whole(Kept { files, note }))
}

impl Sum {
    fn of(bytes: &[u8]) -> Self {
        Self { bytes: bytes.len(), crc32: crc32fast::hash(bytes) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn state(text: &str) -> Files {
        Files::from([("state.json".to_string(), text.as_bytes().to_vec().into())])
    }

    fn stored(checkpoints: &Checkpoints) -> Option<(Files, Value)> {
        checkpoints.recover().unwrap().map(|kept| (kept.files, kept.note))
    }

    #[test]
    fn a_spoiled_checkpoint_gives_way_to_the_one_before_it() {
        let place = tempfile::tempdir().unwrap();
        let checkpoints = Checkpoints::at(place.path().join("checkpoint"));
        assert_eq!(stored(&checkpoints), None);
        for step in 1..=3 {
            checkpoints.store(state(&step.to_string()), step.into()).unwrap();
        }
        assert_eq!(stored(&checkpoints), Some((state("3"), 3.into())));
        fs::write(checkpoints.path().join("state.json"), "4").unwrap();
        assert_eq!(stored(&checkpoints), Some((state("2"), 2.into())));
        fs::remove_file(checkpoints.path().join(WHOLE)).unwrap();
        assert_eq!(stored(&checkpoints), Some((state("2"), 2.into())));
        fs::remove_file(checkpoints.before().join("state.json")).unwrap();
        let error = checkpoints.recover().map(|_| ()).unwrap_err().to_string();
        assert!(error.contains("checkpoint is damaged") && error.contains("--force"), "{error}");
        checkpoints.discard().unwrap();
        assert_eq!(stored(&checkpoints), None);
        assert_eq!(fs::read_dir(place.path()).unwrap().count(), 0);
    }
}
