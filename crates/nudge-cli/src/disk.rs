//! What is written, and how: the one place that changes files.
//!
//! A file appears whole under its name or not at all ([`write_atomic`], [`NewFile`]); a folder too ([`write_folder`]).
//! Checkpoints are kept in two generations ([`Checkpoints`]), what `--force` replaces stays until the new is whole
//! ([`Replacement`]), and who writes holds a lock ([`Lock`]). Files and the folders that list them are synced before
//! anything counts on them.
//!
//! Every change goes through [`operation`], where tests end the process, or fill the disk, at each one in turn.

mod checkpoints;
#[cfg(test)]
pub mod fault;
#[cfg(test)]
mod fault_test;
mod folder;
mod lock;
mod operation;
mod replacement;

pub use checkpoints::Checkpoints;
pub use folder::{create_folder, remove, write_folder};
pub use lock::{LOCK, Lock};
pub use replacement::{Replacement, replace_folder};

use crate::files::io_error;
use anyhow::Result;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

/// Behind the name of what is not whole yet.
const UNFINISHED: &str = ".tmp";

/// Writes a file under a temporary name, waits for the disk, renames.
pub fn write_atomic(path: &Path, bytes: &[u8]) -> Result<()> {
    let mut file = NewFile::create(path)?;
    file.write_all(bytes).map_err(|error| io_error("write", path, error))?;
    file.finish()
}

/// Gives a file another name, in the place of what bears it.
pub fn rename(from: &Path, to: &Path) -> Result<()> {
    operation::rename(from, to).and_then(|()| sync_parent(to)).map_err(|error| io_error("write", to, error))
}

/// Moves a file that stands in the way to the first free name of `NAME.1`, `NAME.2`, ...; says where it is.
pub fn set_aside(path: &Path) -> Result<PathBuf> {
    let mut free = beside(path, ".1");
    for number in 2.. {
        if !free.exists() {
            break;
        }
        free = beside(path, &format!(".{number}"));
    }
    rename(path, &free)?;
    Ok(free)
}

/// A file that gets its name when it is whole.
pub struct NewFile {
    path: PathBuf,
    temporary: PathBuf,
    file: Option<File>,
}

impl NewFile {
    /// Nobody sees it under `path` yet.
    pub fn create(path: &Path) -> Result<Self> {
        let temporary = beside(path, UNFINISHED);
        let file = operation::create(&temporary).map_err(|error| io_error("write", path, error))?;
        Ok(Self { path: path.into(), temporary, file: Some(file) })
    }

    /// Waits for the disk and gives it its name.
    pub fn finish(mut self) -> Result<()> {
        let Some(file) = self.file.take() else { return Ok(()) };
        let synced = operation::sync(&file, &self.temporary);
        let named = synced.and_then(|()| operation::rename(&self.temporary, &self.path));
        let done = named.and_then(|()| sync_parent(&self.path));
        if done.is_err() {
            let _ = operation::remove_file(&self.temporary);
        }
        done.map_err(|error| io_error("write", &self.path, error))
    }
}

impl Write for NewFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let Some(file) = &mut self.file else { return Ok(0) };
        operation::write(file, &self.temporary, bytes).map(|()| bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for NewFile {
    /// What was not finished leaves nothing.
    fn drop(&mut self) {
        if self.file.take().is_some() {
            let _ = operation::remove_file(&self.temporary);
        }
    }
}

/// A file that grows line by line.
pub struct Appended {
    path: PathBuf,
    file: File,
}

impl Appended {
    /// Opens a file, or makes it.
    pub fn open(path: &Path) -> Result<Self> {
        let is_new = !path.exists();
        let opened = operation::append(path);
        let opened = opened.and_then(|file| if is_new { sync_parent(path).map(|()| file) } else { Ok(file) });
        Ok(Self { path: path.into(), file: opened.map_err(|error| io_error("write", path, error))? })
    }

    /// Keeps the first `length` bytes and gives them.
    pub fn cut(&mut self, length: u64) -> Result<Vec<u8>> {
        let cut = operation::truncate(&self.file, &self.path, length);
        cut.map_err(|error| io_error("write", &self.path, error))?;
        let mut kept = Vec::new();
        let read = self.file.seek(SeekFrom::Start(0)).and_then(|_| self.file.read_to_end(&mut kept));
        read.map_err(|error| io_error("read", &self.path, error))?;
        Ok(kept)
    }

    /// Adds bytes at its end.
    pub fn add(&mut self, bytes: &[u8]) -> Result<()> {
        operation::write(&mut self.file, &self.path, bytes).map_err(|error| io_error("write", &self.path, error))
    }

    /// Waits until it is on the disk; gives its length.
    pub fn sync(&mut self) -> Result<u64> {
        let length = match operation::sync(&self.file, &self.path) {
            // A pipe or a device has nothing to wait for.
            Err(error) if error.kind() == io::ErrorKind::InvalidInput => Ok(0),
            synced => synced.and_then(|()| Ok(self.file.metadata()?.len())),
        };
        length.map_err(|error| io_error("write", &self.path, error))
    }
}

/// `path` with `suffix` behind its name.
pub fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_os_string();
    name.push(suffix);
    path.with_file_name(name)
}

/// Waits until the folder that lists `path` is on the disk.
fn sync_parent(path: &Path) -> io::Result<()> {
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    operation::sync_folder(parent.unwrap_or(Path::new(".")))
}
