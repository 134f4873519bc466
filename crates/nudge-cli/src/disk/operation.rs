//! Every call that changes the disk, one function each. Before each, a test may end the process or fill the disk.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::Path;

/// What is done to a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    Create,
    Open,
    Append,
    Write,
    Truncate,
    Sync,
    SyncFolder,
    Rename,
    Exchange,
    CreateFolder,
    RemoveFile,
    RemoveFolder,
}

/// Nothing, outside of tests.
#[cfg(not(test))]
fn before(_: Operation, _: &Path) -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
use super::fault::before;

pub fn create(path: &Path) -> io::Result<File> {
    before(Operation::Create, path)?;
    File::create(path)
}

/// Opens a file as it is, or makes an empty one.
pub fn open(path: &Path) -> io::Result<File> {
    before(Operation::Open, path)?;
    OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path)
}

/// Opens a file behind what it holds, or makes an empty one.
pub fn append(path: &Path) -> io::Result<File> {
    before(Operation::Append, path)?;
    // A pipe or a device cannot be read.
    let readable = !path.exists() || path.is_file();
    OpenOptions::new().read(readable).append(true).create(true).open(path)
}

pub fn write(file: &mut File, path: &Path, bytes: &[u8]) -> io::Result<()> {
    if let Err(error) = before(Operation::Write, path) {
        // What a full disk or a killed process leaves of a file.
        let _ = file.write_all(&bytes[..bytes.len() / 2]);
        return Err(error);
    }
    file.write_all(bytes)
}

pub fn truncate(file: &File, path: &Path, length: u64) -> io::Result<()> {
    before(Operation::Truncate, path)?;
    file.set_len(length)
}

pub fn sync(file: &File, path: &Path) -> io::Result<()> {
    before(Operation::Sync, path)?;
    file.sync_all()
}

/// Waits until the names in a folder are on the disk. Some systems cannot open a folder, and some cannot wait for one.
pub fn sync_folder(path: &Path) -> io::Result<()> {
    before(Operation::SyncFolder, path)?;
    match File::open(path).and_then(|folder| folder.sync_all()) {
        Err(error) if matches!(error.kind(), io::ErrorKind::PermissionDenied | io::ErrorKind::InvalidInput) => Ok(()),
        synced => synced,
    }
}

pub fn rename(from: &Path, to: &Path) -> io::Result<()> {
    before(Operation::Rename, to)?;
    fs::rename(from, to)
}

/// Two paths change their names at once.
///
/// # Errors
/// `Unsupported` where the system cannot.
pub fn exchange(one: &Path, other: &Path) -> io::Result<()> {
    before(Operation::Exchange, one)?;
    #[cfg(any(target_os = "linux", target_os = "android", target_vendor = "apple"))]
    {
        use rustix::fs::{CWD, RenameFlags, renameat_with};
        use rustix::io::Errno;
        match renameat_with(CWD, one, CWD, other, RenameFlags::EXCHANGE) {
            Err(Errno::INVAL | Errno::NOSYS | Errno::NOTSUP) => Err(io::ErrorKind::Unsupported.into()),
            exchanged => exchanged.map_err(io::Error::from),
        }
    }
    #[cfg(not(any(target_os = "linux", target_os = "android", target_vendor = "apple")))]
    {
        let _ = other;
        Err(io::ErrorKind::Unsupported.into())
    }
}

pub fn create_folder(path: &Path) -> io::Result<()> {
    before(Operation::CreateFolder, path)?;
    match fs::create_dir(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && path.is_dir() => Ok(()),
        made => made,
    }
}

pub fn remove_file(path: &Path) -> io::Result<()> {
    before(Operation::RemoveFile, path)?;
    fs::remove_file(path)
}

/// An empty folder.
pub fn remove_folder(path: &Path) -> io::Result<()> {
    before(Operation::RemoveFolder, path)?;
    fs::remove_dir(path)
}
