//! Files read and written so that nothing that existed is lost: every file is written under a temporary name and
//! renamed, a folder of state is swapped as a whole. Messages name the file and say what to do.

use anyhow::{Result, anyhow};
use nudge_session::Files;
use std::fs::{self, File};
use std::io::{self, Write};
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

/// Writes a file under a temporary name, waits for the disk, renames.
pub fn write_atomic(path: &Path, bytes: &[u8]) -> Result<()> {
    let temporary = beside(path, ".tmp");
    let written = write_synced(&temporary, bytes).and_then(|()| fs::rename(&temporary, path));
    written.map_err(|error| {
        let _ = fs::remove_file(&temporary);
        io_error("write", path, error)
    })
}

/// Makes a folder and those above it.
pub fn create_folder(folder: &Path) -> Result<()> {
    fs::create_dir_all(folder).map_err(|error| io_error("create the folder", folder, error))
}

/// Replaces a folder of state as a whole. A process killed at any moment leaves the old state or the new one,
/// which `recover_folder` finds.
pub fn replace_folder(folder: &Path, files: &Files) -> Result<()> {
    let (new, old) = (beside(folder, ".new"), beside(folder, ".old"));
    remove(&new)?;
    remove(&old)?;
    create_folder(&new)?;
    for (name, bytes) in files {
        let path = new.join(name);
        if let Err(error) = write_synced(&path, bytes) {
            let _ = fs::remove_dir_all(&new);
            return Err(io_error("write", &path, error));
        }
    }
    if folder.exists() {
        fs::rename(folder, &old).map_err(|error| io_error("rename", folder, error))?;
    }
    fs::rename(&new, folder).map_err(|error| io_error("rename", &new, error))?;
    remove(&old)
}

/// Finishes a swap that was cut off, and gives the state.
pub fn recover_folder(folder: &Path) -> Result<Option<Files>> {
    let (new, old) = (beside(folder, ".new"), beside(folder, ".old"));
    if !folder.exists() && old.exists() {
        // The old state is moved away only when the new one is whole.
        let whole = if new.exists() { &new } else { &old };
        fs::rename(whole, folder).map_err(|error| io_error("rename", whole, error))?;
    }
    [&new, &old, &beside(folder, ".gone")].into_iter().try_for_each(|left| remove(left))?;
    read_folder(folder)
}

/// Removes a folder of state as a whole: a process killed at any moment leaves all of it or none that is found.
pub fn discard_folder(folder: &Path) -> Result<()> {
    let gone = beside(folder, ".gone");
    remove(&gone)?;
    match fs::rename(folder, &gone) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(io_error("remove", folder, error)),
        _ => remove(&gone),
    }
}

/// Removes a folder or file of ours; it may be absent.
pub fn remove(path: &Path) -> Result<()> {
    let removed = if path.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) };
    match removed {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(io_error("remove", path, error)),
        _ => Ok(()),
    }
}

/// `path` with `suffix` behind its name.
pub fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_os_string();
    name.push(suffix);
    path.with_file_name(name)
}

fn write_synced(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = File::create(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state(text: &str) -> Files {
        Files::from([("state.json".to_string(), text.as_bytes().to_vec().into())])
    }

    #[test]
    fn a_swap_cut_off_at_any_moment_leaves_one_whole_state() {
        let place = tempfile::tempdir().unwrap();
        let folder = place.path().join("checkpoint");
        let (new, old) = (beside(&folder, ".new"), beside(&folder, ".old"));
        replace_folder(&folder, &state("1")).unwrap();
        // While the new state is being written.
        fs::create_dir(&new).unwrap();
        assert_eq!(recover_folder(&folder).unwrap(), Some(state("1")));
        assert!(!new.exists());
        // Between the two renames.
        replace_folder(&new, &state("2")).unwrap();
        fs::rename(&folder, &old).unwrap();
        assert_eq!(recover_folder(&folder).unwrap(), Some(state("2")));
        // Before the old state is removed.
        fs::create_dir(&old).unwrap();
        assert_eq!(recover_folder(&folder).unwrap(), Some(state("2")));
        assert!(!old.exists());
    }

    #[test]
    fn a_failed_write_keeps_what_was_there() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("file");
        write_atomic(&path, b"first").unwrap();
        fs::create_dir(beside(&path, ".tmp")).unwrap();
        let error = format!("{:#}", write_atomic(&path, b"second").unwrap_err());
        assert!(error.contains("cannot write") && error.contains("file"), "{error}");
        assert_eq!(fs::read(&path).unwrap(), b"first");
    }
}
