//! Qwen2 (Yang et al. 2024) and Qwen2.5: Llama's block, but for biases on queries, keys and values.
//!
//! Its configuration does not mention them. It may name a sliding window and say that it is not used.

use super::{Build, Family, llama};
use crate::DecoderConfig;
use crate::walk::{Operations, Walk};
use crate::weights::Source;
use serde_json::Value;

/// The family.
pub(crate) struct Qwen2;

impl Family for Qwen2 {
    fn model_type(&self) -> &'static str {
        "qwen2"
    }

    fn architecture(&self, head: &str) -> String {
        format!("Qwen2{head}")
    }

    fn fields(&self) -> Vec<(&'static str, Value)> {
        vec![("use_sliding_window", false.into()), ("hidden_act", "silu".into())]
    }

    fn parameters(&self, config: &DecoderConfig) -> u64 {
        let outputs = config.head_dim * (config.num_attention_heads + 2 * config.num_key_value_heads);
        llama::parameters(config, outputs as u64)
    }
}

impl<O: Operations> Build<O> for Qwen2 {
    fn build(&self, config: &DecoderConfig, weights: &mut Source) -> Walk<O> {
        llama::build(config, weights, llama::Parts { qkv_biased: true, ..Default::default() })
    }
}
