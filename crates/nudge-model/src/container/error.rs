//! What can be wrong with a file of weights.

/// A file of weights that cannot be used: which file, which tensor, why, and what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ContainerError {
    /// The file ends before what it announces.
    #[error("{file} cannot be read: {reason}. The file may be truncated: copy or download it again")]
    Truncated {
        /// Its name.
        file: String,
        /// What was expected and what is there.
        reason: String,
    },
    /// Nothing that this reader understands.
    #[error("{file} cannot be read: {reason}")]
    Unreadable {
        /// Its name.
        file: String,
        /// What is wrong and what to do.
        reason: String,
    },
    /// A text of a few lines that stands for a file elsewhere.
    #[error(
        "{file} is a Git-LFS pointer, not the file itself: run `git lfs pull` in its folder, or download the file again"
    )]
    LfsPointer {
        /// Its name.
        file: String,
    },
    /// One tensor is not as it must be.
    #[error("{file}: tensor `{tensor:.100}` {reason}")]
    Tensor {
        /// The file's name.
        file: String,
        /// The tensor's name.
        tensor: String,
        /// What is wrong with it.
        reason: String,
    },
    /// Two tensors lie on the same bytes.
    #[error(
        "{file}: tensors `{first:.100}` and `{second:.100}` overlap; the file was damaged, copy or download it again"
    )]
    Overlap {
        /// The file's name.
        file: String,
        /// The tensor that begins first.
        first: String,
        /// The one that begins before its end.
        second: String,
    },
    /// A file that the index of shards names is absent.
    #[error("{index} names `{shard:.100}`, which is not there; copy or download all files of the model")]
    MissingShard {
        /// The index.
        index: String,
        /// The absent file.
        shard: String,
    },
    /// The same tensor in two shards.
    #[error("tensor `{tensor:.100}` is both in {first} and in {second}; the files are of different models")]
    Twice {
        /// The tensor's name.
        tensor: String,
        /// One of the files.
        first: String,
        /// The other.
        second: String,
    },
    /// A number or text that describes the model is absent or not as it must be.
    #[error("{file}: metadata `{key:.100}` {reason}")]
    Metadata {
        /// The file's name.
        file: String,
        /// Its key.
        key: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A model of a kind that is not known.
    #[error("{file} holds a model of architecture `{architecture:.100}`, which is not supported; known are {known}")]
    Architecture {
        /// The file's name.
        file: String,
        /// What it says it is.
        architecture: String,
        /// What can be read.
        known: String,
    },
}

/// How a Git-LFS pointer begins.
const POINTER: &[u8] = b"version https://git-lfs.github.com/spec/";

/// Refuses a text that stands for a file kept elsewhere.
///
/// # Errors
/// [`ContainerError::LfsPointer`] if `bytes` are one.
pub fn refuse_pointer(file: &str, bytes: &[u8]) -> Result<(), ContainerError> {
    match bytes.starts_with(POINTER) {
        true => Err(ContainerError::LfsPointer { file: file.into() }),
        false => Ok(()),
    }
}
