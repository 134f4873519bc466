//! Options of the stages that learn from answers they sample: PPO, GRPO, RLOO, REINFORCE; and of best-of-n.

use nudge_rlhf::{
    AdaptiveKl, Decay, EnsembleRule, GaeScope, KlEstimator, KlPlacement, LossAggregation, MissingEos, PpoOptions,
    PpoPreset, ScaleRewards, ScoreIndex,
};
use serde::{Deserialize, Serialize};

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
    /// Rows of pretraining text in each update, where `ptx_coef` is not 0.
    pub ptx_batch_size: usize,
    /// Tokens of such a row.
    pub ptx_context: usize,
    /// The algorithm.
    #[cfg_attr(test, ts(type = "{ [key in string]: unknown }"))]
    pub ppo: PpoOptions,
    /// Whether the reward model's scores are brought to mean 0 and variance 1 on the first rollout, so that a KL
    /// coefficient weighs the same against every reward model (Ziegler et al. 2019).
    pub normalize_scores: bool,
    /// What several reward models say together (Coste et al. 2023).
    #[cfg_attr(test, ts(type = "unknown"))]
    pub ensemble: EnsembleRule,
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
            ptx_batch_size: 16,
            ptx_context: 128,
            ppo: PpoOptions::default(),
            normalize_scores: true,
            ensemble: EnsembleRule::Mean,
            gold_labeler: None,
            seed: 1,
        }
    }
}

/// The options that GRPO, RLOO and REINFORCE share, with the values of one of them.
#[derive(Debug, Clone, PartialEq)]
#[allow(missing_docs)]
pub struct PolicyGradientOptions {
    pub episodes: usize,
    pub batch_size: usize,
    pub k: usize,
    pub learning_rate: f32,
    pub max_new_tokens: usize,
    pub temperature: f32,
    pub kl_coef: f32,
    pub adaptive_kl: Option<AdaptiveKl>,
    pub kl_estimator: KlEstimator,
    pub kl_placement: KlPlacement,
    pub missing_eos: MissingEos,
    pub cliprange: f32,
    pub num_iterations: usize,
    pub num_mini_batches: usize,
    pub entropy_coef: f32,
    pub lr_decay: Decay,
    pub warmup_ratio: f32,
    pub max_grad_norm: f32,
    pub normalize_scores: bool,
    pub ensemble: EnsembleRule,
    pub gold_labeler: Option<String>,
    pub seed: u64,
}

impl PolicyGradientOptions {
    /// The same as options of PPO, which own the meaning and the ranges of what the methods share.
    pub fn algorithm(&self) -> PpoOptions {
        PpoOptions {
            missing_eos: self.missing_eos,
            kl_estimator: self.kl_estimator,
            kl_placement: self.kl_placement,
            kl_coef: self.kl_coef,
            adaptive_kl: self.adaptive_kl,
            cliprange: self.cliprange,
            num_ppo_epochs: self.num_iterations,
            num_mini_batches: self.num_mini_batches,
            entropy_coef: self.entropy_coef,
            temperature: self.temperature,
            lr_decay: self.lr_decay,
            warmup_ratio: self.warmup_ratio,
            max_grad_norm: self.max_grad_norm,
            score_index: ScoreIndex::OnEos,
            gae_scope: GaeScope::Rollout,
            ..PpoPreset::Tab.options()
        }
    }
}

/// A flat struct of the shared options and a method's own: a file or a flag that misspells one is told so, which
/// serde cannot do for nested structs.
macro_rules! policy_gradient_options {
    (
        $(#[$doc:meta])* $name:ident {
            k: $k:expr, kl_estimator: $estimator:ident, kl_placement: $placement:ident, num_iterations: $iterations:expr,
            $($(#[$inner:meta])* $field:ident: $type:ty = $default:expr,)*
        }
    ) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
        #[cfg_attr(test, derive(ts_rs::TS))]
        #[serde(default, deny_unknown_fields)]
        pub struct $name {
            $($(#[$inner])* pub $field: $type,)*
            /// Answers sampled in all.
            pub episodes: usize,
            /// Answers of one rollout, a multiple of `k`.
            pub batch_size: usize,
            /// Answers to each prompt of a rollout.
            pub k: usize,
            /// Learning rate.
            pub learning_rate: f32,
            /// Longest answer in tokens.
            pub max_new_tokens: usize,
            /// Divides the logits wherever a distribution is formed.
            pub temperature: f32,
            /// Price of one nat of KL. The start value if it adapts.
            pub kl_coef: f32,
            /// Steers `kl_coef` to a target KL; `None` keeps it fixed.
            #[cfg_attr(test, ts(type = "{ target: number, horizon: number } | null"))]
            pub adaptive_kl: Option<AdaptiveKl>,
            /// Estimator of the KL to the reference.
            #[cfg_attr(test, ts(as = "String"))]
            pub kl_estimator: KlEstimator,
            /// Whether the KL costs reward or is a term of the loss.
            #[cfg_attr(test, ts(as = "String"))]
            pub kl_placement: KlPlacement,
            /// Rule for answers that were cut off.
            #[cfg_attr(test, ts(type = "unknown"))]
            pub missing_eos: MissingEos,
            /// The ratio counts only within `1 ± cliprange`.
            pub cliprange: f32,
            /// Passes over each rollout.
            pub num_iterations: usize,
            /// Optimizer steps in each pass; divides `batch_size`.
            pub num_mini_batches: usize,
            /// Factor on the entropy that the loss rewards; 0 is off.
            pub entropy_coef: f32,
            /// Course of the learning rate after the warm-up.
            #[cfg_attr(test, ts(type = "unknown"))]
            pub lr_decay: Decay,
            /// Share of all updates in which the learning rate rises from a tenth to its peak.
            pub warmup_ratio: f32,
            /// Gradients are scaled down to this global norm; 0 is off.
            pub max_grad_norm: f32,
            /// Whether the reward model's scores are brought to mean 0 and variance 1 on the first rollout.
            pub normalize_scores: bool,
            /// What several reward models say together (Coste et al. 2023).
            #[cfg_attr(test, ts(type = "unknown"))]
            pub ensemble: EnsembleRule,
            /// A simulated labeler whose own score is logged as `objective/gold_score`; it never trains.
            pub gold_labeler: Option<String>,
            /// Seed of prompts, noise and minibatches.
            #[cfg_attr(test, ts(type = "number"))]
            pub seed: u64,
        }

        impl Default for $name {
            fn default() -> Self {
                Self {
                    $($field: $default,)*
                    episodes: 960,
                    batch_size: 64,
                    k: $k,
                    // PPO's 4e-5 went to twice the target KL here: an advantage for the whole answer pulls at every token.
                    learning_rate: 2.5e-5,
                    max_new_tokens: 64,
                    temperature: 0.7,
                    kl_coef: 0.2,
                    adaptive_kl: Some(AdaptiveKl { target: 3.5, horizon: 64.0 }),
                    kl_estimator: KlEstimator::$estimator,
                    kl_placement: KlPlacement::$placement,
                    missing_eos: MissingEos::Subtract(1.0),
                    cliprange: 0.2,
                    num_iterations: $iterations,
                    num_mini_batches: 4,
                    entropy_coef: 0.0,
                    lr_decay: Decay::Constant,
                    warmup_ratio: 0.05,
                    max_grad_norm: 1.0,
                    normalize_scores: true,
                    ensemble: EnsembleRule::Mean,
                    gold_labeler: None,
                    seed: 1,
                }
            }
        }

        impl $name {
            /// What it shares with the other methods.
            pub fn common(&self) -> PolicyGradientOptions {
                PolicyGradientOptions {
                    episodes: self.episodes,
                    batch_size: self.batch_size,
                    k: self.k,
                    learning_rate: self.learning_rate,
                    max_new_tokens: self.max_new_tokens,
                    temperature: self.temperature,
                    kl_coef: self.kl_coef,
                    adaptive_kl: self.adaptive_kl,
                    kl_estimator: self.kl_estimator,
                    kl_placement: self.kl_placement,
                    missing_eos: self.missing_eos,
                    cliprange: self.cliprange,
                    num_iterations: self.num_iterations,
                    num_mini_batches: self.num_mini_batches,
                    entropy_coef: self.entropy_coef,
                    lr_decay: self.lr_decay,
                    warmup_ratio: self.warmup_ratio,
                    max_grad_norm: self.max_grad_norm,
                    normalize_scores: self.normalize_scores,
                    ensemble: self.ensemble,
                    gold_labeler: self.gold_labeler.clone(),
                    seed: self.seed,
                }
            }
        }
    };
}

policy_gradient_options! {
    /// Options of GRPO (Shao et al. 2024): its KL estimator and where the KL stands are the paper's.
    GrpoOptions {
        k: 8, kl_estimator: K3, kl_placement: Loss, num_iterations: 2,
        /// What the difference to the group's mean is divided by; `none` is Dr. GRPO.
        #[cfg_attr(test, ts(as = "String"))]
        scale_rewards: ScaleRewards = ScaleRewards::Group,
        /// How tokens make up the loss: `sequence_mean` is the paper's, `token_mean` DAPO's, `fixed_length` Dr. GRPO's.
        #[cfg_attr(test, ts(as = "String"))]
        loss_aggregation: LossAggregation = LossAggregation::SequenceMean,
    }
}

policy_gradient_options! {
    /// Options of RLOO (Ahmadian et al. 2024): the KL is part of the reward, as there.
    RlooOptions { k: 4, kl_estimator: K1, kl_placement: Reward, num_iterations: 2, }
}

policy_gradient_options! {
    /// Options of REINFORCE with a running mean of rewards as its baseline (Ahmadian et al. 2024, eq. 5 with b_MA).
    ReinforceOptions { k: 1, kl_estimator: K1, kl_placement: Reward, num_iterations: 1, }
}

/// Options of best-of-n.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(default, deny_unknown_fields)]
pub struct BestOfOptions {
    /// Answers drawn to each prompt.
    pub n: usize,
    /// Logits are divided by it.
    pub temperature: f32,
    /// Longest answer in tokens.
    pub max_new_tokens: usize,
    /// Rows sampled at once.
    pub batch_size: usize,
    /// What several reward models say together (Coste et al. 2023).
    #[cfg_attr(test, ts(type = "unknown"))]
    pub ensemble: EnsembleRule,
    /// A simulated labeler whose own score is reported beside the reward model's.
    pub gold_labeler: Option<String>,
    /// Seed of the first answer; each further one has the next seed.
    #[cfg_attr(test, ts(type = "number"))]
    pub seed: u64,
}

impl Default for BestOfOptions {
    fn default() -> Self {
        Self {
            n: 8,
            temperature: 0.7,
            max_new_tokens: 64,
            batch_size: 64,
            ensemble: EnsembleRule::Mean,
            gold_labeler: None,
            seed: 1,
        }
    }
}
