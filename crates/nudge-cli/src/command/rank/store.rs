//! The two files of a sitting: rankings, and screens that were passed over. Both are `.partial` until the sitting is
//! done, and both are written whole before the next screen is shown.

use crate::args::Output;
use crate::disk::{Lock, beside, remove, rename, set_aside, write_atomic};
use crate::failure::tell;
use crate::files::read_text;
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
#[derive(Clone, Default)]
pub struct Stored {
    /// Screens that were ranked.
    pub rankings: Vec<RankingRecord>,
    /// Screens that were passed over.
    pub skipped: Vec<CandidatesRecord>,
}

impl Store {
    /// The files of a sitting that ends in `rankings`.
    pub fn at(rankings: PathBuf) -> Self {
        let skipped = rankings.with_extension("skipped.jsonl");
        Self { rankings, skipped }
    }

    /// The files that belong to `--out`, held as long as the lock; nothing where they are whole already and `--resume`
    /// asks for more. What somebody has decided in an unfinished sitting is moved aside where `--force` starts anew.
    ///
    /// # Errors
    /// A file that is there and may not be replaced, or that another process writes.
    pub fn open(output: &Output) -> Result<Option<(Self, Lock)>> {
        let (store, lock) = (Self::at(output.out.clone()), Lock::file(&output.out)?);
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
        if output.force {
            store.set_aside()?;
        }
        Ok(Some((store, lock)))
    }

    fn set_aside(&self) -> Result<()> {
        for path in [self.partial(), self.partial_skipped()] {
            if fs::metadata(&path).is_ok_and(|file| file.len() > 0) {
                tell(&format!("what was decided before is now {}", set_aside(&path)?.display()));
            }
        }
        Ok(())
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
            rename(&self.partial_skipped(), &self.skipped)?;
        }
        rename(&self.partial(), &self.rankings)
    }
}
