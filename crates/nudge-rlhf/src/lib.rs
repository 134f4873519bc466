//! The mathematics of reinforcement learning from human feedback.
//!
//! This crate sees numbers, masks and tensors. It has no model, no tokens, no files and nothing
//! asynchronous, so every formula can be tested against a number that was worked out by hand.
//!
//! # Map
//!
//! One question splits the crate: does the formula need a gradient?
//!
//! [`host`] — no gradient. Plain `&[f32]` and `&[bool]`, in the order PPO uses them:
//!
//! | module | formula |
//! |---|---|
//! | [`host::kl`] | KL estimators k1, k2, k3; the fixed and the adaptive KL coefficient |
//! | [`host::rewards`] | the KL-shaped reward of every token, the missing-EOS rule |
//! | [`host::gae`] | advantages and returns |
//! | [`host::whiten`] | masked mean, variance and whitening |
//! | [`host::group`] | advantages without a value model: GRPO, RLOO, REINFORCE |
//! | [`host::normalize`] | gain and bias of a reward model |
//! | [`host::ensemble`] | one score out of several reward models |
//! | [`host::best_of_n`] | best-of-n: its KL, and an unbiased estimate of its score |
//! | [`host::schedule`] | learning-rate schedules |
//!
//! And what tells whether it worked:
//!
//! | module | formula |
//! |---|---|
//! | [`host::stats`] | win rate with its interval, pair accuracy, explained variance, intervals of a mean |
//! | [`host::accuracy`] | accuracy of a reward model by margin and by length |
//! | [`host::calibration`] | reward margins as probabilities, expected calibration error |
//! | [`host::linear_reward`] | a linear reward model on given features |
//! | [`host::agreement`] | agreement of two rankings |
//! | [`host::kemeny`] | one ranking out of several |
//! | [`host::cycles`] | contradictory preferences |
//! | [`host::overoptimization`] | gold score over distance, and its peak |
//! | [`host::text`] | distinct n-grams |
//!
//! [`loss`] — a gradient. Differentiable tensors on whatever device they live; nothing is read back:
//!
//! | module | formula |
//! |---|---|
//! | [`loss::masked`] | masked mean and sum, which select and never multiply; from tokens to one loss |
//! | [`loss::sft`] | next-token loss on the completion |
//! | [`loss::pairwise`] | the reward model's loss over all pairs of a ranking |
//! | [`loss::choice`] | the reward model's losses over whole rankings: best of K, Plackett-Luce |
//! | [`loss::ppo`] | clipped policy and value losses, of tokens and of whole completions; entropy |
//! | [`loss::kl`] | the KL as a term of the loss: k1, k2, k3, or exact over the vocabulary |
//! | [`loss::dpo`] | direct preference optimisation: sigmoid, of sums or averages over tokens, hinge, IPO, robust |
//! | [`loss::kto`] | learning from single completions that are good or bad |
//! | [`loss::orpo`] | fine-tuning and preference in one, without a reference model |
//! | [`loss::simpo`] | the likelihood of a token as the reward, with a margin, without a reference model |
//!
//! Where published code disagrees, each choice is an enum beside its formula. [`metrics`] says what every logged number
//! means.
//!
//! # Conventions
//!
//! - A batch of completions is `[batch, time]`: one row a completion, one column a token of the completion. On
//!   the host it is one flat slice in row order, and `time` says how long a row is.
//! - A `mask` is `true` where a token counts: the tokens of the completion up to and with its EOS.
//! - Masks select. A NaN or an infinity under a `false` reaches neither a result nor a gradient.
//! - `logprobs` are natural logarithms, taken after division by the sampling temperature.
//! - A wrong shape is a programming error: functions panic and name the shapes.

pub mod host;
pub mod loss;
pub mod metrics;

pub use host::accuracy::{LengthAccuracy, MarginAccuracy, accuracy_by_length, accuracy_by_margin};
pub use host::agreement::{Agreement, ranking_agreement};
pub use host::best_of_n::{best_of_n_kl, best_of_n_score};
pub use host::calibration::{CalibrationBin, calibration_table, expected_calibration_error};
pub use host::comparison::{Comparison, sign_test};
pub use host::cycles::preference_cycles;
pub use host::ensemble::{EnsembleRule, ensemble_scores, preference_disagreement};
pub use host::gae::{Advantages, GaeScope, ValueInit, gae};
pub use host::group::{RewardBaseline, ScaleRewards, broadcast, grpo_advantages, rloo_advantages, zero_spread_share};
pub use host::kemeny::kemeny_median;
pub use host::kl::{AdaptiveKl, KlController, KlEstimator, KlPlacement, per_token_kl};
pub use host::linear_reward::{LinearReward, RankedFeatures};
pub use host::normalize::RewardNormalization;
pub use host::overoptimization::{GaoFit, best_of_n_curve, fit_best_of_n, fit_rl, rl_curve};
pub use host::rewards::{MissingEos, ScoreIndex, shaped_rewards};
pub use host::schedule::{Decay, LearningRate};
pub use host::stats::{
    WinRate, bootstrap_interval, explained_variance, pairwise_accuracy, pairwise_log_loss, t_interval,
};
pub use host::text::distinct_n;
pub use host::whiten::{Variance, masked_mean, masked_var, whiten};
pub use loss::choice::{ChoiceBatch, RewardLoss, choice_loss};
pub use loss::dpo::{DpoLoss, DpoVariant, dpo_loss};
pub use loss::kl::{full_kl, kl_penalty};
pub use loss::kto::{KtoLoss, kto_kl, kto_loss};
pub use loss::masked::{LossAggregation, aggregate};
pub use loss::orpo::{OrpoLoss, orpo_loss};
pub use loss::pairwise::{PairBatch, PairwiseLoss, pairwise_loss};
pub use loss::ppo::{PolicyLoss, ValueLoss, entropy, policy_loss, sequence_policy_loss, value_loss};
pub use loss::sft::sft_loss;
pub use metrics::MetricDoc;
