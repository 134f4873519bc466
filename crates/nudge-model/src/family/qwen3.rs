//! Qwen3 (Yang et al. 2025): Llama's block with a norm of every head of the queries and keys, before they are turned.
//!
//! A head is 128 wide unless the configuration says otherwise, whatever the width of the model.

use super::{Build, Family, llama};
use crate::walk::{Operations, Walk};
use crate::weights::Source;
use crate::{DecoderConfig, ModelError};
use serde_json::{Map, Value};

/// The family.
pub(crate) struct Qwen3;

impl Family for Qwen3 {
    fn model_type(&self) -> &'static str {
        "qwen3"
    }

    fn architecture(&self, head: &str) -> String {
        format!("Qwen3{head}")
    }

    fn fields(&self) -> Vec<(&'static str, Value)> {
        vec![("attention_bias", false.into()), ("use_sliding_window", false.into()), ("hidden_act", "silu".into())]
    }

    fn read(&self, fields: &mut Map<String, Value>) -> Result<(), ModelError> {
        fields.entry("head_dim").or_insert(128.into());
        Ok(())
    }

    fn parameters(&self, config: &DecoderConfig) -> u64 {
        llama::parameters(config, 2 * config.head_dim as u64)
    }
}

impl<O: Operations> Build<O> for Qwen3 {
    fn build(&self, config: &DecoderConfig, weights: &mut Source) -> Walk<O> {
        llama::build(config, weights, llama::Parts { heads_normed: true, ..Default::default() })
    }
}
