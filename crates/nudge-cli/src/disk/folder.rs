//! Folders as a whole.

use super::{beside, operation, sync_parent};
use crate::files::io_error;
use anyhow::Result;
use nudge_session::Files;
use std::fs;
use std::io;
use std::path::Path;

/// Makes a folder and those above it.
pub fn create_folder(folder: &Path) -> Result<()> {
    create(folder).map_err(|error| io_error("create the folder", folder, error))
}

fn create(folder: &Path) -> io::Result<()> {
    if folder.is_dir() || folder.as_os_str().is_empty() {
        return Ok(());
    }
    if folder.is_file() {
        return Err(io::ErrorKind::NotADirectory.into());
    }
    folder.parent().map_or(Ok(()), create)?;
    operation::create_folder(folder)?;
    sync_parent(folder)
}

/// Writes a folder that is not there yet; nobody sees it before it is whole.
pub fn write_folder(folder: &Path, files: &Files) -> Result<()> {
    let temporary = beside(folder, super::UNFINISHED);
    remove(&temporary)?;
    let filled = folder.parent().map_or(Ok(()), create_folder).and_then(|()| fill(&temporary, files));
    let named = filled.and_then(|()| super::rename(&temporary, folder));
    if named.is_err() {
        let _ = remove(&temporary);
    }
    named
}

/// Writes files into a folder and waits for the disk.
pub fn fill(folder: &Path, files: &Files) -> Result<()> {
    create_folder(folder)?;
    for (name, bytes) in files {
        let path = folder.join(name);
        let written = operation::create(&path).and_then(|mut file| {
            operation::write(&mut file, &path, bytes)?;
            operation::sync(&file, &path)
        });
        written.map_err(|error| io_error("write", &path, error))?;
    }
    operation::sync_folder(folder).map_err(|error| io_error("write", folder, error))
}

/// Removes a folder or file of ours; it may be absent. A folder that counts is renamed away first.
pub fn remove(path: &Path) -> Result<()> {
    match remove_all(path).and_then(|()| sync_parent(path)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(io_error("remove", path, error)),
        _ => Ok(()),
    }
}

fn remove_all(path: &Path) -> io::Result<()> {
    if !fs::symlink_metadata(path)?.is_dir() {
        return operation::remove_file(path);
    }
    for entry in fs::read_dir(path)? {
        remove_all(&entry?.path())?;
    }
    operation::remove_folder(path)
}
