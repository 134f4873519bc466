//! The families of decoders, a file each: its fields of `config.json`, the names of its tensors, and its block.

mod gemma3;
mod gpt2;
mod llama;
mod mistral;
mod qwen2;
mod qwen3;
mod smollm3;

use crate::config::LayerAttention;
use crate::host_decoder::HostRows;
use crate::next_token::NextToken;
use crate::walk::{Operations, Walk};
use crate::weights::Source;
use crate::whole_rows::WholeRows;
use crate::{DecoderConfig, ModelError, NamedData};
use serde_json::{Map, Value};
use std::borrow::Cow;

/// All of them.
const FAMILIES: [&dyn Family; 7] =
    [&llama::Llama, &mistral::Mistral, &qwen2::Qwen2, &qwen3::Qwen3, &smollm3::SmolLm3, &gemma3::Gemma3, &gpt2::Gpt2];

/// A family of decoders, for every executor.
pub(crate) trait Family: Build<WholeRows> + Build<NextToken> + Build<HostRows> + Sync {
    /// `model_type` in `config.json`.
    fn model_type(&self) -> &'static str;

    /// Its class in transformers under a head such as `ForCausalLM`.
    fn architecture(&self, head: &str) -> String;

    /// Fields of `config.json` that must have the one value that its block computes, or be absent.
    fn fields(&self) -> Vec<(&'static str, Value)>;

    /// Fields that this family alone has, kept as they came; what they ask for is read by [`Family::attention`] and
    /// where a block is built.
    fn own_fields(&self) -> &'static [&'static str] {
        &[]
    }

    /// What this family calls a field that families share.
    fn word(&self, shared: &str) -> String {
        shared.to_owned()
    }

    /// Puts what it calls otherwise under the names that families share, and its own defaults where there is nothing.
    fn read(&self, _fields: &mut Map<String, Value>) -> Result<(), ModelError> {
        Ok(())
    }

    /// The way back: its own names for fields that families share.
    fn write(&self, _fields: &mut Map<String, Value>) {}

    /// What the attention of each layer sees, where layers differ from what `rope_theta` says.
    ///
    /// # Errors
    /// [`ModelError::Unsupported`] for an own field that cannot be read.
    fn attention(&self, _config: &DecoderConfig) -> Result<Vec<LayerAttention>, ModelError> {
        Ok(Vec::new())
    }

    /// Numbers of all weights.
    fn parameters(&self, config: &DecoderConfig) -> u64;
}

/// The family of this `model_type`.
pub(crate) fn named(model_type: &str) -> Result<&'static dyn Family, ModelError> {
    FAMILIES.into_iter().find(|family| family.model_type() == model_type).ok_or_else(|| {
        let known = FAMILIES.map(|family| format!("`{}`", family.model_type())).join(", ");
        ModelError::Unsupported(format!("model_type `{model_type}` is not supported; known are {known}"))
    })
}

/// The family of a model.
///
/// # Panics
/// If there is none of that name, which reading a configuration refuses.
pub(crate) fn of(config: &DecoderConfig) -> &'static dyn Family {
    named(&config.model_type).unwrap_or_else(|error| panic!("{error}"))
}

/// The name that models have here for the tensor of this name in a file of transformers, where it is another.
pub(crate) fn kept_name(stored: &str) -> Option<String> {
    gpt2::newer_name(stored)
}

/// Whether files of transformers hold the matrix of this name as `[in, out]`.
pub(crate) fn is_turned(name: &str) -> bool {
    gpt2::is_turned(name)
}

/// A tensor in the order in which files of transformers hold it.
pub(crate) fn as_stored(tensor: &NamedData) -> Cow<'_, NamedData> {
    if is_turned(&tensor.name) { Cow::Owned(transposed(tensor)) } else { Cow::Borrowed(tensor) }
}

/// Whether files hold the matrix of one row of this name as a vector: norms and biases.
pub(crate) fn is_vector(name: &str) -> bool {
    ["norm.weight", ".bias"].iter().any(|end| name.ends_with(end)) || gpt2::is_norm(name)
}

/// The transpose of a matrix; anything else as it is.
fn transposed(tensor: &NamedData) -> NamedData {
    let [rows, columns] = tensor.shape[..] else { return tensor.clone() };
    let column = |from: usize| (0..rows).map(move |row| row * columns + from);
    let values = (0..columns).flat_map(column).map(|place| tensor.values[place]).collect();
    NamedData { name: tensor.name.clone(), shape: vec![columns, rows], values }
}

/// Puts the weights of a decoder in their places.
pub(crate) trait Build<O: Operations> {
    /// Asks `weights` for all of them but an unembedding of its own, in the order of a checkpoint.
    fn build(&self, config: &DecoderConfig, weights: &mut Source) -> Walk<O>;
}

/// `sliding_window` among the own fields of a family: how many tokens a query sees, its own included.
///
/// # Errors
/// [`ModelError::Unsupported`] if it is not a number above 0.
fn window_of(config: &DecoderConfig) -> Result<Option<usize>, ModelError> {
    let Some(value) = config.own.get("sliding_window") else { return Ok(None) };
    match value.as_u64().and_then(|window| usize::try_from(window).ok()) {
        Some(window) if window > 0 => Ok(Some(window)),
        _ => Err(ModelError::Unsupported(format!("sliding_window is {value}, but must be a number above 0"))),
    }
}
