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
        /// What the rankings ask: every pair in order, the best above the rest, or the whole order
        #[arg(value_parser = ["bradley_terry", "best_of_k", "plackett_luce"])]
        loss: String,
        /// How far apart the rewards of a pair should lie at least, where its record has no margin
        margin: f32,
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
        /// Which member of an ensemble this is: another head and another order, the same split
        member: usize,
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
        /// Rows of pretraining text in each update of PPO-ptx
        ptx_batch_size: usize,
        /// Tokens of such a row
        ptx_context: usize,
        /// Whether scores are brought to mean 0 and variance 1 on the first rollout
        normalize_scores: bool,
        /// What several reward models say together: mean, min or mean_minus_variance:FACTOR
        #[arg(value_parser = ensemble)]
        ensemble: Value,
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
        /// Estimator of the KL to the reference; full is exact, over the vocabulary
        #[arg(value_parser = ["k1", "k2", "k3", "full"])]
        kl_estimator: String,
        /// Whether the KL costs reward or is a term of the loss
        #[arg(value_parser = ["reward", "loss"])]
        kl_placement: String,
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
        /// Factor on the entropy that the loss rewards; 0 is off
        entropy_coef: f32,
        /// Factor on the loss on --pretraining-text (PPO-ptx); 0 is off
        ptx_coef: f32,
        /// Ends the passes over a rollout when approx_kl is above it: off, or nats
        #[arg(value_parser = optional_number)]
        target_kl: Value,
        /// Passes over each rollout
        num_ppo_epochs: usize,
        /// Optimizer steps in each pass
        num_mini_batches: usize,
        /// Divides the logits wherever a distribution is formed
        temperature: f32,
        /// What the value model is at the start
        #[arg(value_parser = ["reward_model", "zero_head"])]
        value_init: String,
        /// Course of the learning rates after the warm-up: constant, linear or cosine:FLOOR
        #[arg(value_parser = lr_decay)]
        lr_decay: Value,
        /// Share of all updates in which the learning rates rise to their peak
        warmup_ratio: f32,
        /// Decay of Adam's second moment
        adam_beta2: f32,
        /// Added to the root of Adam's second moment
        adam_eps: f32,
        /// Gradients are scaled down to this global norm; 0 is off
        max_grad_norm: f32,
        /// The saved policy is a moving average with this decay: off, or a number below 1
        #[arg(value_parser = optional_number)]
        ema_decay: Value,
    }

    /// Flags of `nudge dpo`.
    DpoFlags under "Training" {
        /// Function of the difference of implicit rewards
        #[arg(value_parser = ["sigmoid", "hinge", "ipo", "robust"])]
        loss: String,
        /// Weight of the KL to the model at the start
        beta: f32,
        /// Assumed share of pairs ranked the wrong way round, below 0.5; sigmoid and robust only
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

    /// Flags of `nudge kto`.
    KtoFlags under "Training" {
        /// Weight of the log-ratio to the model at the start
        beta: f32,
        /// Weight of an answer that should be likelier
        desirable_weight: f32,
        /// Weight of an answer that should be less likely
        undesirable_weight: f32,
        /// Passes over the rankings
        epochs: f32,
        /// Rankings of one step, 2 or more
        batch_size: usize,
        /// Peak learning rate; falls linearly to 0
        learning_rate: f32,
        /// Share of prompts kept out of training to measure accuracy on
        held_out: f32,
        /// Seed of the order and the split
        seed: u64,
    }

    /// Flags of `nudge orpo`.
    OrpoFlags under "Training" {
        /// Weight of the odds ratio beside the likelihood of the chosen answers
        beta: f32,
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

    /// Flags of `nudge grpo` beside those it shares.
    GrpoFlags under "Algorithm" {
        /// What the difference to the group's mean is divided by
        #[arg(value_parser = ["group", "batch", "none"])]
        scale_rewards: String,
        /// How tokens make up the loss
        #[arg(value_parser = ["token_mean", "sequence_mean", "fixed_length"])]
        loss_aggregation: String,
    }

    /// Flags that `nudge grpo`, `rloo` and `reinforce` share.
    PolicyGradientFlags under "Training" {
        /// Answers sampled in all
        episodes: usize,
        /// Answers of one rollout, a multiple of --k
        batch_size: usize,
        /// Answers to each prompt of a rollout
        k: usize,
        /// Learning rate
        learning_rate: f32,
        /// Longest answer in tokens
        max_new_tokens: usize,
        /// Divides the logits wherever a distribution is formed
        temperature: f32,
        /// Price of one nat of KL, in units of score
        kl_coef: f32,
        /// Steers kl_coef: off, or TARGET:HORIZON in nats and episodes
        #[arg(value_parser = adaptive_kl)]
        adaptive_kl: Value,
        /// Estimator of the KL to the reference; full is exact, over the vocabulary
        #[arg(value_parser = ["k1", "k2", "k3", "full"])]
        kl_estimator: String,
        /// Whether the KL costs reward or is a term of the loss
        #[arg(value_parser = ["reward", "loss"])]
        kl_placement: String,
        /// Rule for answers that were cut off: off, replace:SCORE or subtract:PENALTY
        #[arg(value_parser = missing_eos, allow_hyphen_values = true)]
        missing_eos: Value,
        /// The ratio counts only within 1 ± cliprange
        cliprange: f32,
        /// Passes over each rollout
        num_iterations: usize,
        /// Optimizer steps in each pass; divides --batch-size
        num_mini_batches: usize,
        /// Factor on the entropy that the loss rewards; 0 is off
        entropy_coef: f32,
        /// Course of the learning rate after the warm-up: constant, linear or cosine:FLOOR
        #[arg(value_parser = lr_decay)]
        lr_decay: Value,
        /// Share of all updates in which the learning rate rises to its peak
        warmup_ratio: f32,
        /// Gradients are scaled down to this global norm; 0 is off
        max_grad_norm: f32,
        /// Whether scores are brought to mean 0 and variance 1 on the first rollout
        normalize_scores: bool,
        /// What several reward models say together: mean, min or mean_minus_variance:FACTOR
        #[arg(value_parser = ensemble)]
        ensemble: Value,
        /// Simulated labeler whose score is logged as objective/gold_score; it never trains
        gold_labeler: String,
        /// Seed of prompts, noise and minibatches
        seed: u64,
    }

    /// Flags of `nudge best-of`.
    BestOfFlags under "Sampling" {
        /// Answers drawn to each prompt
        n: usize,
        /// Logits are divided by it; 0 takes the likeliest token
        temperature: f32,
        /// Longest answer in tokens
        max_new_tokens: usize,
        /// Rows sampled at once
        batch_size: usize,
        /// What several reward models say together: mean, min or mean_minus_variance:FACTOR
        #[arg(value_parser = ensemble)]
        ensemble: Value,
        /// Simulated labeler whose score is reported beside the reward model's
        gold_labeler: String,
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

/// `off`, `replace:SCORE`, `subtract:PENALTY`.
pub fn missing_eos(text: &str) -> Result<Value, String> {
    match text.split_once(':') {
        None if text == "off" => Ok("off".into()),
        Some((rule @ ("replace" | "subtract"), score)) => Ok(serde_json::json!({ rule: number(score)? })),
        _ => Err("give off, replace:SCORE or subtract:PENALTY".into()),
    }
}

/// `off`, or a number.
pub fn optional_number(text: &str) -> Result<Value, String> {
    match text {
        "off" => Ok(Value::Null),
        _ => number(text).map(Value::from).map_err(|error| format!("{error}; give a number or off")),
    }
}

/// `constant`, `linear`, `cosine:FLOOR`.
pub fn lr_decay(text: &str) -> Result<Value, String> {
    match text.split_once(':') {
        None if ["constant", "linear"].contains(&text) => Ok(text.into()),
        Some(("cosine", floor)) => Ok(serde_json::json!({ "cosine": number(floor)? })),
        _ => Err("give constant, linear or cosine:FLOOR".into()),
    }
}

/// `mean`, `min`, `mean_minus_variance:FACTOR`.
pub fn ensemble(text: &str) -> Result<Value, String> {
    match text.split_once(':') {
        None if ["mean", "min"].contains(&text) => Ok(text.into()),
        Some((rule @ "mean_minus_variance", factor)) => Ok(serde_json::json!({ rule: number(factor)? })),
        _ => Err("give mean, min or mean_minus_variance:FACTOR".into()),
    }
}

fn number(text: &str) -> Result<f32, String> {
    text.parse::<f32>().map_err(|_| format!("`{text}` is no number"))
}

/// `off`, `TARGET:HORIZON`.
pub fn adaptive_kl(text: &str) -> Result<Value, String> {
    match text.split_once(':') {
        None if text == "off" => Ok(Value::Null),
        Some((target, horizon)) => Ok(serde_json::json!({ "target": number(target)?, "horizon": number(horizon)? })),
        None => Err("give off or TARGET:HORIZON, such as 6:10000".into()),
    }
}
