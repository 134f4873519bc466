//! Options of the stages with their defaults, once for the page, the CLI's flags and its TOML files.
//!
//! Every value is in the field's words; learning rates are for models of a few million parameters, far above
//! what the papers use for billions. Deliberately absent: formulas, which own their options in `nudge-rlhf`.

mod online;
mod preference;

pub use online::{BestOfOptions, GrpoOptions, PolicyGradientOptions, PpoStageOptions, ReinforceOptions, RlooOptions};
pub use preference::{DpoOptions, KtoOptions, OrpoOptions, RewardOptions};

use nudge_model::{OptimizerKind, Precision};
use serde::{Deserialize, Serialize};

/// Options of pretraining. Defaults are those of the built-in model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(default, deny_unknown_fields)]
pub struct PretrainOptions {
    /// Tokens of the byte-level BPE vocabulary, specials included.
    pub vocab_size: usize,
    /// Width of the residual stream.
    pub hidden_size: usize,
    /// Number of blocks.
    pub num_hidden_layers: usize,
    /// Number of heads.
    pub num_attention_heads: usize,
    /// Width of the SwiGLU hidden layer.
    pub intermediate_size: usize,
    /// Longest sequence of the model, in tokens.
    pub max_position_embeddings: usize,
    /// Tokens of one training row. Positions beyond it stay untrained: below `max_position_embeddings` the model
    /// reads long texts badly.
    pub context: usize,
    /// Rows of one step.
    pub batch_size: usize,
    /// Passes over the text.
    pub epochs: f32,
    /// Peak learning rate.
    pub learning_rate: f32,
    /// Steps of linear warm-up.
    pub warmup_steps: usize,
    /// Decoupled weight decay.
    pub weight_decay: f32,
    /// The update rule for the layers' matrices.
    #[cfg_attr(test, ts(as = "String"))]
    pub optimizer: OptimizerKind,
    /// How the finished model's numbers are stored.
    #[cfg_attr(test, ts(as = "String"))]
    pub precision: Precision,
    /// Seed of weights and order.
    #[cfg_attr(test, ts(type = "number"))]
    pub seed: u64,
}

impl Default for PretrainOptions {
    fn default() -> Self {
        Self {
            vocab_size: 2048,
            hidden_size: 192,
            num_hidden_layers: 4,
            num_attention_heads: 6,
            intermediate_size: 512,
            max_position_embeddings: 512,
            context: 512,
            batch_size: 8,
            epochs: 4.0,
            learning_rate: 4e-3,
            warmup_steps: 50,
            weight_decay: 0.4,
            optimizer: OptimizerKind::Muon,
            precision: Precision::F32,
            seed: 1,
        }
    }
}

/// How the demonstrations of a step become rows of tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Batching {
    /// Several in one row where they fit, each blind to the others: hardly any padding.
    Packed,
    /// One a row, padded to the longest: what packing must equal.
    Padded,
    /// As `padded`, but a step takes demonstrations of similar length. It changes what a step learns from.
    LengthGrouped,
}

/// Options of instruction tuning.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(default, deny_unknown_fields)]
pub struct SftOptions {
    /// Passes over the demonstrations.
    pub epochs: f32,
    /// Demonstrations of one step.
    pub batch_size: usize,
    /// How they become rows of tokens.
    #[cfg_attr(test, ts(as = "String"))]
    pub batching: Batching,
    /// Peak learning rate; falls linearly to 0.
    pub learning_rate: f32,
    /// Decoupled weight decay.
    pub weight_decay: f32,
    /// Share of prompts kept out of training to measure on; 0 measures nothing.
    pub held_out: f32,
    /// How the finished model's numbers are stored.
    #[cfg_attr(test, ts(as = "String"))]
    pub precision: Precision,
    /// Seed of the order and the split.
    #[cfg_attr(test, ts(type = "number"))]
    pub seed: u64,
}

impl Default for SftOptions {
    fn default() -> Self {
        Self {
            epochs: 2.5,
            batch_size: 16,
            batching: Batching::Packed,
            learning_rate: 6e-4,
            weight_decay: 0.01,
            held_out: 0.1,
            precision: Precision::F32,
            seed: 1,
        }
    }
}

/// Options of sampling.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(default, deny_unknown_fields)]
pub struct SampleOptions {
    /// Answers to each prompt.
    pub k: usize,
    /// Logits are divided by it.
    pub temperature: f32,
    /// Only the likeliest tokens can be drawn; 0 allows all.
    pub top_k: usize,
    /// Of those, only the likeliest tokens whose probabilities sum to at least this can be drawn; 1 allows all.
    pub top_p: f32,
    /// Longest answer in tokens.
    pub max_new_tokens: usize,
    /// Rows sampled at once.
    pub batch_size: usize,
    /// Whether answers are reported as they grow.
    pub stream: bool,
    /// Seed of the first answer; each further one has the next seed.
    #[cfg_attr(test, ts(type = "number"))]
    pub seed: u64,
}

impl Default for SampleOptions {
    fn default() -> Self {
        Self {
            k: 4,
            temperature: 0.7,
            top_k: 0,
            top_p: 1.0,
            max_new_tokens: 80,
            batch_size: 32,
            stream: false,
            seed: 1,
        }
    }
}

/// Options of a comparison.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(default, deny_unknown_fields)]
pub struct CompareOptions {
    /// Logits are divided by it.
    pub temperature: f32,
    /// Longest answer in tokens.
    pub max_new_tokens: usize,
    /// Prompts answered at once.
    pub batch_size: usize,
    /// Answer pairs for each prompt.
    pub pairs_per_prompt: usize,
    /// Answers that the first model draws; the one that its reward model likes best is compared.
    pub best_of: usize,
    /// Seed of the noise.
    #[cfg_attr(test, ts(type = "number"))]
    pub seed: u64,
}

impl Default for CompareOptions {
    fn default() -> Self {
        Self { temperature: 0.7, max_new_tokens: 64, batch_size: 32, pairs_per_prompt: 1, best_of: 1, seed: 1 }
    }
}

/// Options of an evaluation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(default, deny_unknown_fields)]
pub struct EvalOptions {
    /// Windows scored at once.
    pub batch_size: usize,
}

impl Default for EvalOptions {
    fn default() -> Self {
        Self { batch_size: 8 }
    }
}
