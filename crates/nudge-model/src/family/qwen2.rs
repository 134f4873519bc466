//! Qwen2 (Yang et al. 2024) and Qwen2.5: Llama's block, but for biases on queries, keys and values.
//!
//! Its configuration does not mention them. It may name a sliding window and say that it is not used.

use super::{Build, Family, llama};
use crate::DecoderConfig;
use crate::walk::{Operations, Walk};
use crate::weights::Source;

/// The family.
pub(crate) struct Qwen2;

impl Family for Qwen2 {
    fn model_type(&self) -> &'static str {
        "qwen2"
    }

    fn class(&self) -> &'static str {
        "Qwen2"
    }

    fn fields(&self) -> &'static [(&'static str, bool)] {
        &[("use_sliding_window", false)]
    }

    fn biases(&self, config: &DecoderConfig) -> usize {
        config.head_dim * (config.num_attention_heads + 2 * config.num_key_value_heads)
    }
}

impl<O: Operations> Build<O> for Qwen2 {
    fn build(&self, config: &DecoderConfig, weights: &mut Source) -> Walk<O> {
        llama::build(config, weights, true)
    }
}
