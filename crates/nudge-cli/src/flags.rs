//! The flags that set a stage's options, one for each field of `nudge_session::options` and named like it.
//!
//! Deliberately absent: defaults and meaning, which the stages own; a flag that is not given says nothing.

use serde::Serialize;
use serde_json::Value;

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
        /// Longest answer in tokens
        max_new_tokens: usize,
        /// Seed of the first answer; each further one has the next seed
        seed: u64,
    }

    /// Flags of `nudge reward`.
    RewardFlags under "Training" {
        /// Passes over the rankings
        epochs: f32,
        /// Rankings of one step
        batch_size: usize,
        /// Peak learning rate; falls linearly to 0
        learning_rate: f32,
        /// Decoupled weight decay
        weight_decay: f32,
        /// Weight of the mean squared sum of two rewards, which keeps them around 0
        center_rewards_coefficient: f32,
        /// Share of prompts kept out of training to measure accuracy on
        held_out: f32,
        /// Seed of the head, the order and the split
        seed: u64,
    }

    /// Flags of `nudge ppo` beside the algorithm's.
    PpoFlags under "Training" {
        /// Answers sampled in all
        episodes: usize,
        /// Answers of one rollout
        batch_size: usize,
        /// Learning rate of the policy
        learning_rate: f32,
        /// Learning rate of the value model
        value_learning_rate: f32,
        /// Longest answer in tokens
        max_new_tokens: usize,
        /// Whether scores are brought to mean 0 and variance 1 on the first rollout
        normalize_scores: bool,
        /// Simulated labeler whose score is logged as objective/gold_score; it never trains
        gold_labeler: String,
        /// Seed of prompts, noise and minibatches
        seed: u64,
    }

    /// Flags of the algorithm of `nudge ppo`; table `[ppo]` in a file.
    PpoAlgorithmFlags under "Algorithm" {
        /// The token that receives the score
        #[arg(value_parser = ["on_eos", "after_eos"])]
        score_index: String,
        /// Divisor of the variance in whitening
        #[arg(value_parser = ["biased", "unbiased"])]
        whiten_variance: String,
        /// Rule for answers that were cut off: off, replace:SCORE or subtract:PENALTY
        #[arg(value_parser = missing_eos, allow_hyphen_values = true)]
        missing_eos: Value,
        /// Estimator of the KL in the rewards
        #[arg(value_parser = ["k1", "k2", "k3"])]
        kl_estimator: String,
        /// Whether rewards are scaled to variance 1 before advantages are formed
        whiten_rewards: bool,
        /// The tokens over which whitening averages
        #[arg(value_parser = ["rollout", "minibatch"])]
        gae_scope: String,
        /// Price of one nat of KL, in units of score
        kl_coef: f32,
        /// Steers kl_coef: off, or TARGET:HORIZON in nats and episodes
        #[arg(value_parser = adaptive_kl)]
        adaptive_kl: Value,
        /// Discount of later rewards
        gamma: f32,
        /// Decay of later surprises in generalised advantage estimation
        lambda: f32,
        /// The ratio counts only within 1 ± cliprange
        cliprange: f32,
        /// A value counts only within ± cliprange_value of its value at the rollout
        cliprange_value: f32,
        /// Factor on the value loss
        vf_coef: f32,
        /// Passes over each rollout
        num_ppo_epochs: usize,
        /// Optimizer steps in each pass
        num_mini_batches: usize,
        /// Divides the logits wherever a distribution is formed
        temperature: f32,
    }

    /// Flags of `nudge dpo`.
    DpoFlags under "Training" {
        /// Weight of the KL to the model at the start
        beta: f32,
        /// Assumed share of pairs ranked the wrong way round, below 0.5
        label_smoothing: f32,
        /// Passes over the rankings
        epochs: f32,
        /// Rankings of one step
        batch_size: usize,
        /// Peak learning rate; falls linearly to 0
        learning_rate: f32,
        /// Share of prompts kept out of training to measure accuracy on
        held_out: f32,
        /// Seed of the order and the split
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
        /// Seed of the noise, the same for both models
        seed: u64,
    }

    /// Flags of `nudge eval`.
    EvalFlags under "Measuring" {
        /// Windows scored at once
        batch_size: usize,
    }
}

/// `off`, `replace:SCORE`, `subtract:PENALTY`.
pub fn missing_eos(text: &str) -> Result<Value, String> {
    let number = |text: &str| text.parse::<f32>().map_err(|_| format!("`{text}` is no number"));
    match text.split_once(':') {
        None if text == "off" => Ok("off".into()),
        Some((rule @ ("replace" | "subtract"), score)) => Ok(serde_json::json!({ rule: number(score)? })),
        _ => Err("give off, replace:SCORE or subtract:PENALTY".into()),
    }
}

/// `off`, `TARGET:HORIZON`.
pub fn adaptive_kl(text: &str) -> Result<Value, String> {
    let number = |text: &str| text.parse::<f32>().map_err(|_| format!("`{text}` is no number"));
    match text.split_once(':') {
        None if text == "off" => Ok(Value::Null),
        Some((target, horizon)) => Ok(serde_json::json!({ "target": number(target)?, "horizon": number(horizon)? })),
        None => Err("give off or TARGET:HORIZON, such as 6:10000".into()),
    }
}
