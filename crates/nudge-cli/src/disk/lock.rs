//! Who writes to an output holds a lock on it, so that a second process is refused and not mixed in. The system lets
//! go of it when the process ends, however it ends.

use super::{beside, operation};
use crate::failure::tell_once;
use crate::files::{io_error, read_text};
use crate::provenance::now;
use crate::runner::quoted;
use anyhow::{Result, bail};
use same_file::Handle;
use serde::{Deserialize, Serialize};
use std::fs::{File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

/// The name of a folder's lock, and what stands behind a file's name.
pub const LOCK: &str = ".lock";

/// An output that nobody else writes to.
pub struct Lock {
    path: PathBuf,
    file: File,
}

/// Who holds it.
#[derive(Serialize, Deserialize)]
struct Holder {
    pid: u32,
    command: String,
    since: String,
}

impl Lock {
    /// Locks a folder that is there.
    ///
    /// # Errors
    /// If another process writes to it, by its number and command.
    pub fn folder(folder: &Path) -> Result<Self> {
        Self::take(folder.join(LOCK), folder)
    }

    /// Locks a file, which need not be there.
    ///
    /// # Errors
    /// If another process writes to it, by its number and command.
    pub fn file(file: &Path) -> Result<Self> {
        Self::take(beside(file, LOCK), file)
    }

    /// The folder that it lies in has another name now.
    pub fn moved(&mut self, folder: &Path) {
        self.path = folder.join(LOCK);
    }

    fn take(path: PathBuf, output: &Path) -> Result<Self> {
        loop {
            let mut file = operation::open(&path).map_err(|error| io_error("write", output, error))?;
            match file.try_lock() {
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => bail!("{}", refusal(&path, output)),
                Err(TryLockError::Error(error)) => tell_once(&format!(
                    "{} cannot be locked ({error}); let no other process write to it",
                    output.display()
                )),
            }
            // Whoever held it before may have removed it just now; then somebody else may lock another file of its name.
            if !is_at(&file, &path) {
                continue;
            }
            write_holder(&mut file, &path).map_err(|error| io_error("write", output, error))?;
            return Ok(Self { path, file });
        }
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        if is_at(&self.file, &self.path) {
            let _ = operation::remove_file(&self.path);
        }
    }
}

/// Whether this open file is the one at `path`, as far as the system tells.
fn is_at(file: &File, path: &Path) -> bool {
    let held = file.try_clone().and_then(Handle::from_file);
    matches!((Handle::from_path(path), held), (Ok(named), Ok(held)) if named == held)
}

fn write_holder(file: &mut File, path: &Path) -> io::Result<()> {
    let command = std::env::args().map(|word| quoted(&word)).collect::<Vec<_>>().join(" ");
    let holder = Holder { pid: std::process::id(), command, since: now() };
    operation::truncate(file, path, 0)?;
    operation::write(file, path, serde_json::to_string(&holder)?.as_bytes())
}

fn refusal(path: &Path, output: &Path) -> String {
    let holder = read_text(path).ok().and_then(|text| serde_json::from_str::<Holder>(&text).ok());
    let by = holder.map_or("another process".into(), |Holder { pid, command, since }| {
        format!("process {pid} (`{command}`, since {since})")
    });
    format!("{} is being written by {by}; wait for it to end, or choose another name", output.display())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_comes_second_is_told_who_came_first() {
        let place = tempfile::tempdir().unwrap();
        let out = place.path().join("out.jsonl");
        let first = Lock::file(&out).unwrap();
        let error = Lock::file(&out).map(|_| ()).unwrap_err().to_string();
        assert!(error.contains(&format!("process {} (`", std::process::id())), "{error}");
        drop(first);
        assert!(!beside(&out, LOCK).exists());
        // What a killed process leaves is locked by nobody.
        std::fs::write(beside(&out, LOCK), "{\"pid\":1,").unwrap();
        drop(Lock::file(&out).unwrap());
    }
}
