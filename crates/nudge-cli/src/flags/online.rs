//! Flags of the commands that learn from answers they sample, and of best-of-n.

use super::rules::{adaptive_kl, ensemble, lr_decay, missing_eos, optional_number};
use serde::Serialize;
use serde_json::Value;

flags! {
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
        #[arg(value_parser = ensemble, value_name = "RULE")]
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
        #[arg(value_parser = optional_number, value_name = "X")]
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
        #[arg(value_parser = lr_decay, value_name = "RULE")]
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
        #[arg(value_parser = optional_number, value_name = "X")]
        ema_decay: Value,
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
        #[arg(value_parser = lr_decay, value_name = "RULE")]
        lr_decay: Value,
        /// Share of all updates in which the learning rate rises to its peak
        warmup_ratio: f32,
        /// Gradients are scaled down to this global norm; 0 is off
        max_grad_norm: f32,
        /// Whether scores are brought to mean 0 and variance 1 on the first rollout
        normalize_scores: bool,
        /// What several reward models say together: mean, min or mean_minus_variance:FACTOR
        #[arg(value_parser = ensemble, value_name = "RULE")]
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
        #[arg(value_parser = ensemble, value_name = "RULE")]
        ensemble: Value,
        /// Simulated labeler whose score is reported beside the reward model's
        gold_labeler: String,
        /// Seed of the first answer; each further one has the next seed
        seed: u64,
    }
}
