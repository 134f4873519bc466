//! A model in several safetensors files, as `model.safetensors.index.json` lists them.

use super::{ContainerError, Tensors};
use bytes::Bytes;
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};

/// What the index holds.
#[derive(Deserialize)]
struct Index {
    /// The file of every tensor.
    weight_map: BTreeMap<String, String>,
}

/// The files that an index called `file` names, each once.
///
/// # Errors
/// [`ContainerError::Unreadable`] if it is no index, or names a file in another folder.
pub fn shards_of(file: &str, index: &[u8]) -> Result<BTreeSet<String>, ContainerError> {
    let shards: BTreeSet<String> = read(file, index)?.weight_map.into_values().collect();
    match shards.iter().find(|shard| shard.contains(['/', '\\']) || shard.starts_with('.')) {
        None => Ok(shards),
        Some(shard) => Err(unreadable(file, format!("`{shard}` is not the name of a file beside it"))),
    }
}

fn read(file: &str, index: &[u8]) -> Result<Index, ContainerError> {
    super::refuse_pointer(file, index)?;
    serde_json::from_slice(index).map_err(|error| unreadable(file, error.to_string()))
}

fn unreadable(file: &str, reason: String) -> ContainerError {
    let reason = format!("{reason}. It must be the index that stands beside a model's shards");
    ContainerError::Unreadable { file: file.into(), reason }
}

impl Tensors {
    /// The tensors of the shards that the index called `file` names; `find` gives a shard's bytes.
    ///
    /// # Errors
    /// [`ContainerError`] if a shard is absent or cannot be read, a tensor is in two of them, or is not in the one that
    /// the index names.
    pub fn from_shards(file: &str, index: &[u8], find: impl Fn(&str) -> Option<Bytes>) -> Result<Self, ContainerError> {
        let mut tensors = Self::default();
        for shard in shards_of(file, index)? {
            let missing = || ContainerError::MissingShard { index: file.into(), shard: shard.clone() };
            tensors.add_safetensors(&shard, find(&shard).ok_or_else(missing)?)?;
        }
        for (tensor, shard) in read(file, index)?.weight_map {
            let found = tensors.0.get(&tensor);
            if found.is_none_or(|entry| *entry.file != *shard) {
                let reason = format!("is not in it, though {file} says so; the files are of different models");
                return Err(ContainerError::Tensor { file: shard, tensor, reason });
            }
        }
        Ok(tensors)
    }
}
