//! Options of the stages that learn from rankings as they are: reward modelling, DPO, KTO, ORPO.

use nudge_rlhf::{DpoVariant, RewardLoss};
use serde::{Deserialize, Serialize};

/// Options of reward modelling.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(default, deny_unknown_fields)]
pub struct RewardOptions {
    /// What the rankings ask of the rewards: every pair in order, the best above the rest, or the whole order.
    #[cfg_attr(test, ts(as = "String"))]
    pub loss: RewardLoss,
    /// How far apart the rewards of a pair should lie at least, where its record has no `margin` of its own
    /// (Llama 2); Bradley-Terry only.
    pub margin: f32,
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
    /// Which member of an ensemble this is: another head and another order, the same split.
    pub member: usize,
    /// Seed of the head, the order and the split.
    #[cfg_attr(test, ts(type = "number"))]
    pub seed: u64,
}

impl Default for RewardOptions {
    fn default() -> Self {
        Self {
            loss: RewardLoss::BradleyTerry,
            margin: 0.0,
            epochs: 3.0,
            batch_size: 2,
            learning_rate: 1e-3,
            weight_decay: 0.05,
            center_rewards_coefficient: 0.01,
            held_out: 0.2,
            member: 0,
            seed: 1,
        }
    }
}

/// Options of DPO.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(default, deny_unknown_fields)]
pub struct DpoOptions {
    /// The function of the difference of implicit rewards: `sigmoid` is the paper's.
    #[cfg_attr(test, ts(as = "String"))]
    pub loss: DpoVariant,
    /// Weight of the KL to the reference in the objective that the loss solves; the default is that of the paper
    /// (Rafailov et al. 2023, appendix B).
    pub beta: f32,
    /// Assumed share of pairs ranked the wrong way round, below one half; `sigmoid` (Mitchell 2023) and `robust`
    /// (Chowdhury et al. 2024) only.
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
            loss: DpoVariant::Sigmoid,
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

/// Options of KTO.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(default, deny_unknown_fields)]
pub struct KtoOptions {
    /// Weight of the log-ratio to the reference in the value of an answer (Ethayarajh et al. 2024).
    pub beta: f32,
    /// Weight of an answer that should be likelier.
    pub desirable_weight: f32,
    /// Weight of an answer that should be less likely.
    pub undesirable_weight: f32,
    /// Passes over the rankings.
    pub epochs: f32,
    /// Rankings of one step, 2 or more: the KL is measured on answers to each other's prompts.
    pub batch_size: usize,
    /// Peak learning rate; falls linearly to 0.
    pub learning_rate: f32,
    /// Share of prompts kept out of training to measure accuracy on; 0 measures nothing.
    pub held_out: f32,
    /// Seed of the order and the split.
    #[cfg_attr(test, ts(type = "number"))]
    pub seed: u64,
}

impl Default for KtoOptions {
    fn default() -> Self {
        Self {
            beta: 0.1,
            desirable_weight: 1.0,
            undesirable_weight: 1.0,
            epochs: 3.0,
            batch_size: 2,
            learning_rate: 1e-4,
            held_out: 0.2,
            seed: 1,
        }
    }
}

/// Options of ORPO.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(default, deny_unknown_fields)]
pub struct OrpoOptions {
    /// Weight of the odds ratio beside the likelihood of the chosen answers: lambda of the paper (Hong et al. 2024),
    /// `beta` in TRL.
    pub beta: f32,
    /// Passes over the rankings.
    pub epochs: f32,
    /// Rankings of one step; all pairs of a ranking belong to one (InstructGPT 3.5).
    pub batch_size: usize,
    /// Peak learning rate; falls linearly to 0.
    pub learning_rate: f32,
    /// Share of prompts kept out of training to measure accuracy on; 0 measures nothing.
    pub held_out: f32,
    /// Seed of the order and the split.
    #[cfg_attr(test, ts(type = "number"))]
    pub seed: u64,
}

impl Default for OrpoOptions {
    fn default() -> Self {
        Self { beta: 0.1, epochs: 3.0, batch_size: 2, learning_rate: 1e-4, held_out: 0.2, seed: 1 }
    }
}
