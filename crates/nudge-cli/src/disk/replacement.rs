//! The folder that takes the place of another when it is whole (`--force`): until then it is `FOLDER.replacement`.
//!
//! A file in it says what it is. While that is in `FOLDER.replacement`, the new folder is being made; when it is in
//! `FOLDER`, the two have changed places and the old one is being removed. Files in the old folder that are not a
//! run's own stay: they move over.

use super::folder::{fill, remove};
use super::{Lock, beside, operation, rename, write_folder};
use crate::files::io_error;
use anyhow::{Result, bail};
use nudge_session::Files;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// Says that a folder takes another's place.
const MARK: &str = ".replaces";

/// A folder that will take the place of another.
pub struct Replacement {
    folder: PathBuf,
    staged: PathBuf,
    lock: Lock,
}

impl Replacement {
    /// An empty folder that will take the place of `folder`.
    ///
    /// # Errors
    /// If something else has its name.
    pub fn begin(folder: &Path) -> Result<Self> {
        let staged = staged(folder);
        clear(&staged)?;
        let mark = b"A run is making what takes the place of the folder without .replacement.\n";
        write_folder(&staged, &Files::from([(MARK.into(), mark.to_vec().into())]))?;
        Self::hold(folder, staged)
    }

    /// The folder that was to take the place of `folder` when a process ended; finishes what that left half done.
    pub fn recover(folder: &Path) -> Result<Option<Self>> {
        let staged = staged(folder);
        if !folder.exists() && replaced(folder).exists() && is_marked(&staged) {
            rename(&staged, folder)?;
        }
        if is_marked(folder) {
            finish(folder)?;
        }
        // What was not even begun.
        remove(&beside(&staged, super::UNFINISHED))?;
        if is_marked(&staged) { Self::hold(folder, staged).map(Some) } else { Ok(None) }
    }

    /// Removes what a run before this one left.
    pub fn discard(self) -> Result<()> {
        let Self { staged, lock, .. } = self;
        drop(lock);
        clear(&staged)
    }

    fn hold(folder: &Path, staged: PathBuf) -> Result<Self> {
        Ok(Self { lock: Lock::folder(&staged)?, folder: folder.into(), staged })
    }

    /// Where it is being made.
    pub fn path(&self) -> &Path {
        &self.staged
    }

    /// It is whole: takes the place.
    pub fn publish(self) -> Result<()> {
        let Self { folder, staged, mut lock } = self;
        match operation::exchange(&folder, &staged) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::Unsupported => {
                rename(&folder, &replaced(&folder))?;
                rename(&staged, &folder)?;
            }
            Err(error) => return Err(io_error("replace", &folder, error)),
        }
        lock.moved(&folder);
        finish(&folder)
    }
}

/// Writes a folder that takes the place of the one that is there, if there is one.
pub fn replace_folder(folder: &Path, files: &Files) -> Result<()> {
    Replacement::recover(folder)?.map_or(Ok(()), Replacement::discard)?;
    if !folder.exists() {
        return write_folder(folder, files);
    }
    let new = Replacement::begin(folder)?;
    fill(new.path(), files)?;
    new.publish()
}

/// The two have changed places: brings over what was not the old run's and removes the rest.
fn finish(folder: &Path) -> Result<()> {
    for old in [staged(folder), replaced(folder)] {
        if old.exists() {
            keep_others(&old, folder)?;
            remove(&old)?;
        }
    }
    remove(&folder.join(MARK))
}

/// Files that no run writes.
fn keep_others(old: &Path, folder: &Path) -> Result<()> {
    let entries = fs::read_dir(old).map_err(|error| io_error("read", old, error))?;
    for entry in entries {
        let name = entry.map_err(|error| io_error("read", old, error))?.file_name();
        let to = folder.join(&name);
        if !crate::training_folder::is_own(&name.to_string_lossy()) && !to.exists() {
            rename(&old.join(&name), &to)?;
        }
    }
    Ok(())
}

/// Removes a staged folder, its mark last.
fn clear(staged: &Path) -> Result<()> {
    let Ok(entries) = fs::read_dir(staged) else { return Ok(()) };
    let entries: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    let mark = staged.join(MARK);
    if !entries.is_empty() && !entries.contains(&mark) {
        bail!("{} is in the way, and no run has left it; move it away", staged.display());
    }
    entries.iter().filter(|path| **path != mark).try_for_each(|path| remove(path))?;
    remove(&mark)?;
    remove(staged)
}

fn is_marked(folder: &Path) -> bool {
    folder.join(MARK).exists()
}

fn staged(folder: &Path) -> PathBuf {
    beside(folder, ".replacement")
}

/// Where the old folder is for a moment on systems that cannot exchange two names.
fn replaced(folder: &Path) -> PathBuf {
    beside(folder, ".replaced")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_old_stays_until_the_new_is_whole_and_what_is_not_ours_stays() {
        let place = tempfile::tempdir().unwrap();
        let folder = place.path().join("out");
        fs::create_dir(&folder).unwrap();
        fs::write(folder.join("config.json"), "old").unwrap();
        fs::write(folder.join("notes.txt"), "mine").unwrap();
        let new = Replacement::begin(&folder).unwrap();
        fs::write(new.path().join("config.json"), "new").unwrap();
        drop(new);
        let new = Replacement::recover(&folder).unwrap().unwrap();
        assert_eq!(fs::read_to_string(folder.join("config.json")).unwrap(), "old");
        new.publish().unwrap();
        assert_eq!(fs::read_to_string(folder.join("config.json")).unwrap(), "new");
        assert_eq!(fs::read_to_string(folder.join("notes.txt")).unwrap(), "mine");
        assert_eq!(fs::read_dir(place.path()).unwrap().count(), 1);
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 2);
        assert!(Replacement::recover(&folder).unwrap().is_none());
    }

    #[test]
    fn a_folder_of_that_name_that_is_somebody_elses_is_left_alone() {
        let place = tempfile::tempdir().unwrap();
        let folder = place.path().join("out");
        fs::create_dir(&folder).unwrap();
        fs::create_dir(staged(&folder)).unwrap();
        fs::write(staged(&folder).join("mine"), "").unwrap();
        let error = Replacement::begin(&folder).map(|_| ()).unwrap_err().to_string();
        assert!(error.contains("out.replacement is in the way"), "{error}");
        assert!(Replacement::recover(&folder).unwrap().is_none());
        assert!(staged(&folder).join("mine").exists());
    }

    #[test]
    fn without_an_exchange_of_names_the_new_comes_back_too() {
        let place = tempfile::tempdir().unwrap();
        let folder = place.path().join("out");
        fs::create_dir(&folder).unwrap();
        drop(Replacement::begin(&folder).unwrap());
        // Between the two renames.
        fs::rename(&folder, replaced(&folder)).unwrap();
        assert!(Replacement::recover(&folder).unwrap().is_none());
        assert!(folder.exists());
        assert_eq!(fs::read_dir(place.path()).unwrap().count(), 1);
    }
}
