//! The families of decoders, a file each: its fields of `config.json`, the names of its tensors, and its block.

mod llama;
mod qwen2;

use crate::host_decoder::HostRows;
use crate::next_token::NextToken;
use crate::walk::{Operations, Walk};
use crate::weights::Source;
use crate::whole_rows::WholeRows;
use crate::{DecoderConfig, ModelError};

/// All of them.
const FAMILIES: [&dyn Family; 2] = [&llama::Llama, &qwen2::Qwen2];

/// A family of decoders, for every executor.
pub(crate) trait Family: Build<WholeRows> + Build<NextToken> + Build<HostRows> + Sync {
    /// `model_type` in `config.json`.
    fn model_type(&self) -> &'static str;

    /// How its classes in transformers begin: `Llama` of `LlamaForCausalLM`.
    fn class(&self) -> &'static str;

    /// Fields of `config.json` that only this family has, each with the one value that its block computes.
    fn fields(&self) -> &'static [(&'static str, bool)];

    /// Numbers of one block beside its matrices and the scales of its norms.
    fn biases(&self, _config: &DecoderConfig) -> usize {
        0
    }
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

/// Puts the weights of a decoder in their places.
pub(crate) trait Build<O: Operations> {
    /// Asks `weights` for all of them but an unembedding of its own, in the order of a checkpoint.
    fn build(&self, config: &DecoderConfig, weights: &mut Source) -> Walk<O>;
}
