//! One safetensors file: a JSON header with the place of every tensor, then the bytes.

use super::{Change, ContainerError, Entry, Tensors, refuse_pointer};
use crate::family;
use ::safetensors::{Dtype, SafeTensorError, SafeTensors};
use bytes::Bytes;
use nudge_kernels::encoding::Encoding;
use std::sync::Arc;

/// Bytes before the header: its length.
const PREFIX: usize = 8;

impl Tensors {
    /// The tensors of a safetensors file called `file`, in f32, f16 or bf16.
    ///
    /// # Errors
    /// [`ContainerError`] if it is a pointer, is cut short, has places that do not fit, or another kind of numbers.
    pub fn from_safetensors(file: &str, bytes: Bytes) -> Result<Self, ContainerError> {
        let mut tensors = Self::default();
        tensors.add_safetensors(file, bytes)?;
        Ok(tensors)
    }

    /// Adds the tensors of a safetensors file.
    pub(super) fn add_safetensors(&mut self, file: &str, bytes: Bytes) -> Result<(), ContainerError> {
        refuse_pointer(file, &bytes)?;
        let (header, metadata) = SafeTensors::read_metadata(&bytes).map_err(|error| refusal(file, error))?;
        let data = bytes.slice(PREFIX + header..);
        let end = metadata.data_len();
        if end != data.len() {
            let reason = format!("its tensors take {end} bytes, but {} are there", data.len());
            return Err(ContainerError::Truncated { file: file.into(), reason });
        }
        let name: Arc<str> = file.into();
        for (tensor, info) in metadata.tensors() {
            let refused = |reason: String| ContainerError::Tensor { file: file.into(), tensor: tensor.clone(), reason };
            let encoding = match info.dtype {
                Dtype::F32 => Encoding::F32,
                Dtype::F16 => Encoding::F16,
                Dtype::BF16 => Encoding::BF16,
                other => return Err(refused(format!("is stored as {other:?}; take a model in f32, f16 or bf16"))),
            };
            let (start, end) = info.data_offsets;
            let tensor = family::kept_name(&tensor).unwrap_or(tensor);
            let is_turned = family::is_turned(&tensor) && info.shape.len() == 2;
            let (change, shape) = match is_turned {
                true => (Change::Turned, info.shape.iter().rev().copied().collect()),
                false => (Change::None, info.shape.clone()),
            };
            let entry = Entry { file: name.clone(), shape, encoding, bytes: data.slice(start..end), change };
            self.add(tensor, entry)?;
        }
        Ok(())
    }
}

/// The reader's refusal in our words.
fn refusal(file: &str, error: SafeTensorError) -> ContainerError {
    let file = file.to_string();
    match error {
        SafeTensorError::HeaderTooSmall
        | SafeTensorError::InvalidHeaderLength
        | SafeTensorError::MetadataIncompleteBuffer => ContainerError::Truncated { file, reason: error.to_string() },
        other => ContainerError::Unreadable {
            file,
            reason: format!("{other}. It is no safetensors file, or was damaged: copy or download it again"),
        },
    }
}
