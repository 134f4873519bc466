//! Files as they are read; [`crate::disk`] writes them. Messages name the file and say what to do.

use anyhow::{Result, anyhow};
use nudge_session::Files;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// What the system said, which file, and what to do.
pub fn io_error(doing: &str, path: &Path, error: io::Error) -> anyhow::Error {
    let advice = match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            ". The disk is full: free some space and go on with --resume"
        }
        io::ErrorKind::FileTooLarge => ". Raise the limit on file sizes and go on with --resume",
        io::ErrorKind::NotADirectory => ". A part of the path is a file; choose another place",
        io::ErrorKind::PermissionDenied => ". Change the permissions or choose another place",
        io::ErrorKind::NotFound => ". Check the path",
        io::ErrorKind::ReadOnlyFilesystem => ". Nothing can be written there; choose another place",
        io::ErrorKind::IsADirectory => ". It is a folder; give a file",
        _ => "",
    };
    anyhow!("cannot {doing} {}: {error}{advice}", path.display())
}

/// A text file.
pub fn read_text(path: &Path) -> Result<String> {
    let bytes = fs::read(path).map_err(|error| io_error("read", path, error))?;
    String::from_utf8(bytes).map_err(|error| {
        let line = error.as_bytes()[..error.utf8_error().valid_up_to()].split(|byte| *byte == b'\n').count();
        anyhow!("{}, line {line}: not valid UTF-8; save the file as UTF-8 text", path.display())
    })
}

/// Several text files.
pub fn read_texts(paths: &[PathBuf]) -> Result<Vec<String>> {
    paths.iter().map(|path| read_text(path)).collect()
}

/// All files of a folder, or nothing where there is none.
pub fn read_folder(folder: &Path) -> Result<Option<Files>> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(io_error("read", folder, error)),
    };
    let mut files = Files::new();
    for entry in entries {
        let path = entry.map_err(|error| io_error("read", folder, error))?.path();
        let bytes = fs::read(&path).map_err(|error| io_error("read", &path, error))?;
        if let Some(name) = path.file_name() {
            files.insert(name.to_string_lossy().into_owned(), bytes.into());
        }
    }
    Ok(Some(files))
}
