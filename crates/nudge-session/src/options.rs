//! Options of the stages with their defaults, once for the page, the CLI's flags and its TOML files.
//!
//! Every value is in the field's words; learning rates are for models of a few million parameters, far above
//! what the papers use for billions. Deliberately absent: formulas, which own their options in `nudge-rlhf`.

use nudge_model::{OptimizerKind, Precision};
use nudge_rlhf::PpoOptions;
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

/// Options of instruction tuning.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(default, deny_unknown_fields)]
pub struct SftOptions {
    /// Passes over the demonstrations.
    pub epochs: f32,
    /// Demonstrations of one step.
    pub batch_size: usize,
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
        Self { k: 4, temperature: 0.7, top_k: 0, max_new_tokens: 80, batch_size: 32, stream: false, seed: 1 }
    }
}

/// Options of reward modelling.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(default, deny_unknown_fields)]
pub struct RewardOptions {
    /// Passes over the rankings.
    pub epochs: f32,
    /// Rankings of one step; all pairs of a ranking belong to one (InstructGPT 3.5).
    pub batch_size: usize,
    /// Peak learning rate; falls linearly to 0.
    pub learning_rate: f32,
    /// Decoupled weight decay.
    pub weight_decay: f32,
    /// Weight of the mean squared sum of two rewards, which keeps them around 0.
    pub center_rewards_coefficient: f32,
    /// Share of prompts kept out of training to measure accuracy on; 0 measures nothing.
    pub held_out: f32,
    /// Seed of the head, the order and the split.
    #[cfg_attr(test, ts(type = "number"))]
    pub seed: u64,
}

impl Default for RewardOptions {
    fn default() -> Self {
        Self {
            epochs: 3.0,
            batch_size: 2,
            learning_rate: 1e-3,
            weight_decay: 0.05,
            center_rewards_coefficient: 0.01,
            held_out: 0.2,
            seed: 1,
        }
    }
}

/// Options of PPO: the stage's own and the algorithm's.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(default, deny_unknown_fields)]
pub struct PpoStageOptions {
    /// Answers sampled in all.
    pub episodes: usize,
    /// Answers of one rollout.
    pub batch_size: usize,
    /// Learning rate of the policy.
    pub learning_rate: f32,
    /// Learning rate of the value model.
    pub value_learning_rate: f32,
    /// Longest answer in tokens.
    pub max_new_tokens: usize,
    /// The algorithm.
    #[cfg_attr(test, ts(type = "{ [key in string]: unknown }"))]
    pub ppo: PpoOptions,
    /// Whether the reward model's scores are brought to mean 0 and variance 1 on the first rollout, so that a KL
    /// coefficient weighs the same against every reward model (Ziegler et al. 2019).
    pub normalize_scores: bool,
    /// A simulated labeler whose own score is logged as `objective/gold_score`; it never trains.
    pub gold_labeler: Option<String>,
    /// Seed of prompts, noise and minibatches.
    #[cfg_attr(test, ts(type = "number"))]
    pub seed: u64,
}

impl Default for PpoStageOptions {
    fn default() -> Self {
        Self {
            episodes: 960,
            batch_size: 64,
            learning_rate: 4e-5,
            value_learning_rate: 3e-4,
            max_new_tokens: 64,
            ppo: PpoOptions::default(),
            normalize_scores: true,
            gold_labeler: None,
            seed: 1,
        }
    }
}

/// Options of DPO.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(default, deny_unknown_fields)]
pub struct DpoOptions {
    /// Weight of the KL to the reference in the objective that the loss solves; the default is that of the paper
    /// (Rafailov et al. 2023, appendix B).
    pub beta: f32,
    /// Assumed share of pairs ranked the wrong way round, below one half (Mitchell 2023); 0 is the paper's loss.
    pub label_smoothing: f32,
    /// Passes over the rankings.
    pub epochs: f32,
    /// Rankings of one step; all pairs of a ranking belong to one (InstructGPT 3.5).
    pub batch_size: usize,
    /// Peak learning rate; falls linearly to 0. The paper's 1e-6 is for billions of parameters; the default was
    /// measured on the built-in model.
    pub learning_rate: f32,
    /// Share of prompts kept out of training to measure accuracy on; 0 measures nothing.
    pub held_out: f32,
    /// Seed of the order and the split.
    #[cfg_attr(test, ts(type = "number"))]
    pub seed: u64,
}

impl Default for DpoOptions {
    fn default() -> Self {
        Self {
            beta: 0.1,
            label_smoothing: 0.0,
            epochs: 3.0,
            batch_size: 2,
            learning_rate: 1e-4,
            held_out: 0.2,
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
    /// Seed of the noise.
    #[cfg_attr(test, ts(type = "number"))]
    pub seed: u64,
}

impl Default for CompareOptions {
    fn default() -> Self {
        Self { temperature: 0.7, max_new_tokens: 64, batch_size: 32, pairs_per_prompt: 1, seed: 1 }
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
