//! Options of the stages, each declared once for the page, the CLI's flags and its TOML files.
//!
//! Every value is in the field's words; learning rates are for models of a few million parameters, far above
//! what the papers use for billions. The methods that tune a policy declare theirs beside what they do with them
//! ([`crate::method`]).

pub mod declare;
mod value;

pub use declare::{Declared, Kind, Options, Range, SetError};
pub use value::{OptionValue, words_of};

use crate::SessionError;
use crate::passes::PassesOptions;
use declare::{AT_LEAST_ONE, BELOW_ONE, NEW_TOKENS, NON_NEGATIVE, POSITIVE, SHARE, VOCABULARY};
use nudge_model::{OptimizerKind, Precision};
use nudge_rlhf::{EnsembleRule, RewardLoss};
use serde::{Deserialize, Serialize};

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

crate::options! {
    /// Options of pretraining. Defaults are those of the built-in model.
    PretrainOptions {
        /// Tokens of the byte-level BPE vocabulary, specials included
        vocab_size: usize = 2048, VOCABULARY;
        /// Width of the residual stream
        hidden_size: usize = 256, AT_LEAST_ONE;
        /// Number of blocks
        num_hidden_layers: usize = 6, AT_LEAST_ONE;
        /// Number of heads
        num_attention_heads: usize = 8, AT_LEAST_ONE;
        /// Width of the SwiGLU hidden layer
        intermediate_size: usize = 704, AT_LEAST_ONE;
        /// Longest sequence of the model, in tokens
        max_position_embeddings: usize = 512, AT_LEAST_ONE;
        /// Tokens of one training row; positions beyond it stay untrained, so that below max_position_embeddings the
        /// model reads long texts badly
        context: usize = 512, AT_LEAST_ONE;
        /// Rows of one step
        batch_size: usize = 8, AT_LEAST_ONE;
        /// Passes over the text
        epochs: f32 = 5.0, POSITIVE;
        /// Peak learning rate
        learning_rate: f32 = 4e-3, NON_NEGATIVE;
        /// Steps of linear warm-up
        warmup_steps: usize = 50, NON_NEGATIVE;
        /// Decoupled weight decay
        weight_decay: f32 = 0.4, NON_NEGATIVE;
        /// The update rule for the layers' matrices
        optimizer: OptimizerKind = OptimizerKind::Muon;
        /// How the finished model's numbers are stored
        precision: Precision = Precision::F32;
        /// Seed of weights and order
        seed: u64 = 1;
    }

    /// Options of instruction tuning.
    SftOptions {
        /// Passes over the demonstrations. Off: 2.5; for a model above 20 M parameters at least 60 steps and 16 passes
        /// (InstructGPT 3.5) as long as these are at most 200 steps
        epochs: Option<f32> = None, POSITIVE;
        /// Demonstrations of one step. Off: 16, 4 for a model above 20 M parameters
        batch_size: Option<usize> = None, AT_LEAST_ONE;
        /// How demonstrations become rows of tokens: several in one, one a row, or one a row among those of similar length
        batching: Batching = Batching::Packed;
        /// Peak learning rate. Off: 6e-4, 2e-4 for adapters, 2e-5 for every weight of a model above 20 M parameters
        learning_rate: Option<f32> = None, NON_NEGATIVE;
        /// Decoupled weight decay
        weight_decay: f32 = 0.01, NON_NEGATIVE;
        /// Share of prompts kept out of training to measure on; 0 measures nothing. Off: 0.1, 0 for fewer than 50 prompts of
        /// a model above 20 M parameters
        held_out: Option<f32> = None, BELOW_ONE;
        /// Seed of the order and the split
        seed: u64 = 1;
        ..passes: PassesOptions = PassesOptions { warmup_ratio: 0.05, load_best_model_at_end: false, ..Default::default() };
    }

    /// Options of sampling.
    SampleOptions {
        /// Completions of each prompt
        k: usize = 4, AT_LEAST_ONE;
        /// Completions drawn of each prompt, of which k are kept: those that differ, end, and hold no word that the model's
        /// corpus lacks (words.txt), spread over their lengths. 0: k, or 2k with a words.txt, or 3k above 20 M parameters
        draws: usize = 0, NON_NEGATIVE;
        /// Logits are divided by it; 0 takes the likeliest token. Off: 0.5, 0.4 for a model above 20 M parameters
        temperature: Option<f32> = None, NON_NEGATIVE;
        /// How many of the likeliest tokens can be drawn; 0 allows all
        top_k: usize = 0, NON_NEGATIVE;
        /// Of those, only the likeliest tokens whose probabilities sum to at least this can be drawn; 1 allows all
        top_p: f32 = 1.0, SHARE;
        /// Longest completion in tokens
        max_new_tokens: usize = 80, NEW_TOKENS;
        /// Rows sampled at once
        batch_size: usize = 32, AT_LEAST_ONE;
        /// Whether completions are reported as they grow
        stream: bool = false;
        /// Seed of the first completion; each further one has the next seed
        seed: u64 = 1;
    }

    /// Options of reward modelling.
    RewardOptions {
        /// What the rankings ask of the rewards: every pair in order, the best above the rest, or the whole order
        loss: RewardLoss = RewardLoss::BradleyTerry;
        /// How far apart the rewards of a pair should lie at least, where its record has no margin of its own
        /// (Llama 2); Bradley-Terry only
        margin: f32 = 0.0, NON_NEGATIVE;
        /// Passes over the rankings
        epochs: f32 = 3.0, POSITIVE;
        /// Rankings of one step; all pairs of a ranking belong to one (InstructGPT 3.5)
        batch_size: usize = 2, AT_LEAST_ONE;
        /// Peak learning rate. Off: 1e-3, 2e-4 for adapters, 1e-5 for every weight of a model above 20 M parameters
        learning_rate: Option<f32> = None, NON_NEGATIVE;
        /// Decoupled weight decay
        weight_decay: f32 = 0.05, NON_NEGATIVE;
        /// Weight of the mean squared sum of two rewards, which keeps them around 0
        center_rewards_coefficient: f32 = 0.01, NON_NEGATIVE;
        /// Share of prompts kept out of training to measure accuracy on; 0 measures nothing
        held_out: f32 = 0.2, BELOW_ONE;
        /// Which member of an ensemble this is: another head and another order, the same split
        member: usize = 0, NON_NEGATIVE;
        /// Seed of the head, the order and the split
        seed: u64 = 1;
        ..passes: PassesOptions = PassesOptions::default();
    }

    /// Options of best-of-n.
    BestOfOptions {
        /// Completions drawn of each prompt
        n: usize = 8, AT_LEAST_ONE;
        /// Logits are divided by it; 0 takes the likeliest token. Off: 0.5, 0.4 for a model above 20 M parameters
        temperature: Option<f32> = None, NON_NEGATIVE;
        /// Longest completion in tokens
        max_new_tokens: usize = 64, NEW_TOKENS;
        /// Rows sampled at once
        batch_size: usize = 64, AT_LEAST_ONE;
        /// What several reward models say together (Coste et al. 2023)
        ensemble: EnsembleRule = EnsembleRule::Mean;
        /// A simulated labeler whose own score is reported beside the reward model's
        gold_labeler: Option<String> = None;
        /// Seed of the first completion; each further one has the next seed
        seed: u64 = 1;
    }

    /// Options of a comparison.
    CompareOptions {
        /// Logits are divided by it; 0 takes the likeliest token. Off: 0.5, 0.4 for a model above 20 M parameters
        temperature: Option<f32> = None, NON_NEGATIVE;
        /// Longest completion in tokens
        max_new_tokens: usize = 64, NEW_TOKENS;
        /// Prompts answered at once
        batch_size: usize = 32, AT_LEAST_ONE;
        /// Pairs of completions of each prompt
        pairs_per_prompt: usize = 1, AT_LEAST_ONE;
        /// Completions that the first model draws; the one that its reward model likes best is compared
        best_of: usize = 1, AT_LEAST_ONE;
        /// Seed of the noise
        seed: u64 = 1;
    }

    /// Options of an evaluation.
    EvalOptions {
        /// Windows scored at once
        batch_size: usize = 8, AT_LEAST_ONE;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn explained<O: Options>(stage: &str) {
        for option in O::declared() {
            assert!(!option.doc.is_empty() && !option.doc.ends_with('.'), "{} of {stage}: {}", option.name, option.doc);
        }
        assert!(O::default().check_ranges().is_ok(), "a default of {stage} is outside its range");
    }

    #[test]
    fn every_option_of_a_stage_is_explained_and_its_default_allowed() {
        explained::<PretrainOptions>("pretraining");
        explained::<SftOptions>("instruction tuning");
        explained::<SampleOptions>("sampling");
        explained::<RewardOptions>("reward modelling");
        explained::<BestOfOptions>("best-of-n");
        explained::<CompareOptions>("comparison");
        explained::<EvalOptions>("evaluation");
    }
}
