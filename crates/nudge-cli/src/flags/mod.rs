//! The flags that set a stage's options, one for each field of `nudge_session::options` and named like it.
//!
//! Deliberately absent: defaults and meaning, which the stages own; a flag that is not given says nothing.

use serde::Serialize;

/// Structs of optional flags, each named like the field that it sets.
macro_rules! flags {
    ($($(#[$outer:meta])* $name:ident under $heading:literal { $($(#[$inner:meta])* $field:ident: $type:ty,)* })*) => {$(
        $(#[$outer])*
        #[derive(Debug, Default, clap::Args, Serialize)]
        pub struct $name {
            $(
                $(#[$inner])*
                #[arg(long, help_heading = $heading)]
                #[serde(skip_serializing_if = "Option::is_none")]
                pub $field: Option<$type>,
            )*
        }
    )*};
}

mod online;
mod preference;
mod rules;

pub use online::{BestOfFlags, GrpoFlags, PolicyGradientFlags, PpoAlgorithmFlags, PpoFlags};
pub use preference::{DpoFlags, KtoFlags, OrpoFlags, RewardFlags};
#[cfg(test)]
pub use rules::{adaptive_kl, missing_eos};

flags! {
    /// Flags of `nudge pretrain`.
    PretrainFlags under "Training" {
        /// Tokens of the vocabulary, specials included
        vocab_size: usize,
        /// Width of the residual stream
        hidden_size: usize,
        /// Number of blocks
        num_hidden_layers: usize,
        /// Number of heads
        num_attention_heads: usize,
        /// Width of the SwiGLU hidden layer
        intermediate_size: usize,
        /// Longest sequence of the model, in tokens
        max_position_embeddings: usize,
        /// Tokens of one training row
        context: usize,
        /// Rows of one step
        batch_size: usize,
        /// Passes over the text
        epochs: f32,
        /// Peak learning rate
        learning_rate: f32,
        /// Steps of linear warm-up
        warmup_steps: usize,
        /// Decoupled weight decay
        weight_decay: f32,
        /// Update rule for the layers' matrices
        #[arg(value_parser = ["adamw", "muon"])]
        optimizer: String,
        /// How the finished model's numbers are stored
        #[arg(value_parser = ["f32", "f16"])]
        precision: String,
        /// Seed of weights and order
        seed: u64,
    }

    /// Flags of `nudge sft`.
    SftFlags under "Training" {
        /// Passes over the demonstrations
        epochs: f32,
        /// Demonstrations of one step
        batch_size: usize,
        /// How demonstrations share rows: several in one, one a row, or one a row among those of similar length
        #[arg(value_parser = ["packed", "padded", "length_grouped"])]
        batching: String,
        /// Peak learning rate; falls linearly to 0
        learning_rate: f32,
        /// Decoupled weight decay
        weight_decay: f32,
        /// Share of prompts kept out of training to measure on
        held_out: f32,
        /// How the finished model's numbers are stored
        #[arg(value_parser = ["f32", "f16"])]
        precision: String,
        /// Seed of the order and the split
        seed: u64,
    }

    /// Flags of `nudge sample`.
    SampleFlags under "Sampling" {
        /// Answers to each prompt
        k: usize,
        /// Logits are divided by it; 0 takes the likeliest token
        temperature: f32,
        /// How many of the likeliest tokens can be drawn; 0 allows all
        top_k: usize,
        /// Only the likeliest tokens that together have this probability can be drawn; 1 allows all
        top_p: f32,
        /// Longest answer in tokens
        max_new_tokens: usize,
        /// Rows sampled at once
        batch_size: usize,
        /// Seed of the first answer; each further one has the next seed
        seed: u64,
    }

    /// Flags of `nudge chat`.
    ChatFlags under "Sampling" {
        /// Logits are divided by it; 0 takes the likeliest token
        temperature: f32,
        /// How many of the likeliest tokens can be drawn; 0 allows all
        top_k: usize,
        /// Only the likeliest tokens that together have this probability can be drawn; 1 allows all
        top_p: f32,
        /// Longest answer in tokens
        max_new_tokens: usize,
        /// Seed of the first answer; each further one has the next seed
        seed: u64,
    }

    /// Flags of `nudge compare`.
    CompareFlags under "Sampling" {
        /// Logits are divided by it; 0 takes the likeliest token
        temperature: f32,
        /// Longest answer in tokens
        max_new_tokens: usize,
        /// Prompts answered at once
        batch_size: usize,
        /// Answer pairs for each prompt
        pairs_per_prompt: usize,
        /// Answers that --a draws; --best-of-reward chooses the one that is compared
        best_of: usize,
        /// Seed of the noise, the same for both models
        seed: u64,
    }

    /// Flags of `nudge eval`.
    EvalFlags under "Measuring" {
        /// Windows scored at once
        batch_size: usize,
    }
}
