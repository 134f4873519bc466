//! Flags of the commands that learn from rankings as they are.

use serde::Serialize;

flags! {
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
}
