//! GGUF, the file of llama.cpp: metadata, then the place of every tensor, then the tensors in blocks.
//!
//! Versions 2 and 3, little endian. Everything that the header says is held against the file's length before it is
//! believed. Rows of queries and keys come out in Hugging Face's order, Gemma's norms without the 1 that is added there.
//! Format: <https://github.com/ggml-org/ggml/blob/master/docs/gguf.md>.
//!
//! Deliberately absent: big-endian files, blocks of less than 4 bits.

mod attention;
mod config;
mod header;
mod names;
mod reader;
mod split;
#[cfg(test)]
mod tests;
mod write;

pub use reader::{List, Value};
pub use split::parts_of;
pub use write::{Adapter, Field, ModelFile, Rank, write_adapter, write_model};

use super::{Change, ContainerError, Entry, Tensors, refuse_pointer};
use bytes::Bytes;
use header::Part;
use names::{ARCHITECTURES, Architecture, Turned, turned};
use nudge_kernels::encoding::Encoding;
use std::collections::BTreeMap;
use std::sync::Arc;

/// A model in GGUF, whose headers have been read and held against the lengths of its files.
#[derive(Debug, Clone)]
pub struct Gguf {
    file: Arc<str>,
    metadata: BTreeMap<String, Value>,
    /// By the file's own names, each with its shape, rows first.
    tensors: BTreeMap<String, Entry>,
    architecture: Architecture,
}

/// The number by which a GGUF names an encoding.
pub(super) const KINDS: [(u32, Encoding); 11] = [
    (0, Encoding::F32),
    (1, Encoding::F16),
    (2, Encoding::Q4_0),
    (3, Encoding::Q4_1),
    (6, Encoding::Q5_0),
    (7, Encoding::Q5_1),
    (8, Encoding::Q8_0),
    (12, Encoding::Q4_K),
    (13, Encoding::Q5_K),
    (14, Encoding::Q6_K),
    (30, Encoding::BF16),
];

impl Gguf {
    /// Reads the headers of the files of one model, each with its name, in any order. Mostly there is one.
    ///
    /// # Errors
    /// [`ContainerError`] if a file is a pointer, is cut short, says what cannot be, is missing, is there twice or is of
    /// another model, or if the architecture is not known.
    pub fn open<'a>(files: impl IntoIterator<Item = (&'a str, Bytes)>) -> Result<Self, ContainerError> {
        let parts = files.into_iter().map(|(file, bytes)| Part::open(file, bytes)).collect::<Result<_, _>>()?;
        let Part { file, metadata, tensors } = split::joined(parts)?;
        let architecture = architecture(&file, &metadata)?;
        Ok(Self { file, metadata, tensors, architecture })
    }

    /// The file's name.
    pub fn file(&self) -> &str {
        &self.file
    }

    /// What the metadata say of `key`.
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.metadata.get(key)
    }

    /// The text of `key`, where it is one.
    pub fn text(&self, key: &str) -> Option<&str> {
        match self.get(key) {
            Some(Value::Text(text)) => Some(text),
            _ => None,
        }
    }

    /// The whole number of `key`, where it is one that a size can be.
    pub fn size(&self, key: &str) -> Option<usize> {
        match self.get(key) {
            Some(Value::Integer(number)) => usize::try_from(*number).ok(),
            _ => None,
        }
    }

    /// The number of `key`, where it is one.
    pub fn number(&self, key: &str) -> Option<f64> {
        match self.get(key) {
            Some(Value::Float(number)) => Some(*number),
            Some(Value::Integer(number)) => Some(*number as f64),
            _ => None,
        }
    }

    /// The list of `key`, where it is one.
    pub fn list(&self, key: &str) -> Option<&List> {
        match self.get(key) {
            Some(Value::List(list)) => Some(list),
            _ => None,
        }
    }

    /// The tensors, by Hugging Face's names and in their order of rows.
    ///
    /// # Errors
    /// [`ContainerError::Tensor`] if a block has a part that the architecture lacks, or rows that no heads make up.
    pub fn tensors(&self) -> Result<Tensors, ContainerError> {
        let mut tensors = Tensors::default();
        for (name, entry) in &self.tensors {
            let refused = |reason: String| self.of_tensor(name, reason);
            let Some(theirs) = self.architecture.to_hugging_face(name) else {
                if name.starts_with("blk.") {
                    let reason = format!("is a part that Nudge's {} does not have", self.architecture.name);
                    return Err(refused(reason));
                }
                continue;
            };
            let mut entry = entry.clone();
            entry.change = self.change(&theirs, entry.shape[0]).map_err(refused)?;
            tensors.add(theirs, entry)?;
        }
        Ok(tensors)
    }

    /// What is done to the tensor that Hugging Face calls `name`, which has `rows`.
    fn change(&self, name: &str, rows: usize) -> Result<Change, String> {
        if self.architecture.norms_one_more && name.ends_with("norm.weight") {
            return Ok(Change::OneMore);
        }
        let key = match turned(name) {
            Some(Turned::Queries) if self.architecture.interleaved => "attention.head_count",
            Some(Turned::Keys) if self.architecture.interleaved => "attention.head_count_kv",
            _ => return Ok(Change::None),
        };
        let key = format!("{}.{key}", self.architecture.name);
        let every = format!("{}.attention.head_count", self.architecture.name);
        let heads = self.size(&key).or_else(|| self.size(&every)).unwrap_or(0);
        match heads > 0 && rows.is_multiple_of(heads) && (rows / heads).is_multiple_of(2) {
            true => Ok(Change::Interleaved { heads }),
            false => Err(format!("has {rows} rows, which are not {heads} heads as `{key}` says")),
        }
    }

    fn of_tensor(&self, tensor: &str, reason: String) -> ContainerError {
        ContainerError::Tensor { file: self.file.to_string(), tensor: tensor.into(), reason }
    }

    fn of_key(&self, key: &str, reason: impl Into<String>) -> ContainerError {
        ContainerError::Metadata { file: self.file.to_string(), key: key.into(), reason: reason.into() }
    }
}

/// What the metadata say the model is.
fn architecture(file: &str, metadata: &BTreeMap<String, Value>) -> Result<Architecture, ContainerError> {
    let of_key = |key: &str, reason: String| ContainerError::Metadata { file: file.into(), key: key.into(), reason };
    if let Some(Value::Text(kind)) = metadata.get("general.type")
        && kind != "model"
    {
        return Err(of_key("general.type", format!("is `{kind}`, but this must be a model")));
    }
    let Some(Value::Text(name)) = metadata.get("general.architecture") else {
        return Err(of_key("general.architecture", "is not there, so nobody knows what model this is".into()));
    };
    Architecture::named(name).ok_or_else(|| {
        let known = ARCHITECTURES.map(|known| format!("`{}`", known.name)).join(", ");
        ContainerError::Architecture { file: file.into(), architecture: name.clone(), known }
    })
}
