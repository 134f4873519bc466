//! The two files of a sitting: rankings, and screens that were passed over. Both are `.partial` until the sitting is
//! done, and both are written whole before the next screen is shown.

use crate::args::Output;
use crate::files::{beside, io_error, read_text, remove, write_atomic};
use anyhow::{Result, bail};
use nudge_data::{CandidatesRecord, RankingRecord, rankings_from, read_jsonl, write_jsonl};
use std::fs;
use std::path::PathBuf;

/// Where a sitting is kept.
pub struct Store {
    /// `--out`.
    pub rankings: PathBuf,
    /// `OUT.skipped.jsonl`, with the name of `--out` up to its last point.
    pub skipped: PathBuf,
}

/// What a sitting before this one decided.
#[derive(Default)]
pub struct Stored {
    /// Screens that were ranked.
    pub rankings: Vec<RankingRecord>,
    /// Screens that were passed over.
    pub skipped: Vec<CandidatesRecord>,
}

impl Store {
    /// The files that belong to `--out`; nothing where they are whole already and `--resume` asks for more.
    ///
    /// # Errors
    /// A file that is there and may not be replaced.
    pub fn open(output: &Output) -> Result<Option<Self>> {
        let store = Self { rankings: output.out.clone(), skipped: output.out.with_extension("skipped.jsonl") };
        let goes_on = output.resume && store.partial().exists();
        for path in [&store.rankings, &store.skipped] {
            if path.exists() && !output.force && !goes_on {
                if output.resume {
                    return Ok(None);
                }
                bail!("{} exists; choose another --out, or replace it with --force", path.display());
            }
        }
        if store.partial().exists() && !output.resume && !output.force {
            let name = store.partial().display().to_string();
            bail!("{name} is an unfinished run; go on with --resume, or start anew with --force");
        }
        Ok(Some(store))
    }

    /// The rankings of an unfinished sitting.
    pub fn partial(&self) -> PathBuf {
        beside(&self.rankings, ".partial")
    }

    fn partial_skipped(&self) -> PathBuf {
        beside(&self.skipped, ".partial")
    }

    /// What an unfinished sitting decided.
    pub fn read(&self) -> Result<Stored> {
        let mut stored = Stored::default();
        if self.partial().exists() {
            stored.rankings = rankings_from(&self.partial().display().to_string(), &read_text(&self.partial())?)?;
        }
        let skipped = self.partial_skipped();
        if skipped.exists() {
            stored.skipped = read_jsonl(&skipped.display().to_string(), &read_text(&skipped)?)?;
        }
        Ok(stored)
    }

    /// Writes what was decided so far.
    pub fn write(&self, stored: &Stored) -> Result<()> {
        write_atomic(&self.partial(), write_jsonl(&stored.rankings).as_bytes())?;
        if stored.skipped.is_empty() {
            return remove(&self.partial_skipped());
        }
        write_atomic(&self.partial_skipped(), write_jsonl(&stored.skipped).as_bytes())
    }

    /// The sitting is done: gives its files their names.
    pub fn finish(&self) -> Result<()> {
        // Rankings last: where they are, the sitting is whole.
        remove(&self.skipped)?;
        if self.partial_skipped().exists() {
            fs::rename(self.partial_skipped(), &self.skipped)
                .map_err(|error| io_error("write", &self.skipped, error))?;
        }
        fs::rename(self.partial(), &self.rankings).map_err(|error| io_error("write", &self.rankings, error))
    }
}
