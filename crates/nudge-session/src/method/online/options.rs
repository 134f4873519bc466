//! The options that the methods share which learn from their own completions.

use super::experience::Collecting;
use crate::SessionError;
use crate::finetuning::{FinetuningOptions, Peak};
use crate::options;
use crate::options::declare::{AT_LEAST_ONE, BELOW_ONE, FRACTION, NON_NEGATIVE, POSITIVE};
use nudge_model::OptimizerOptions;
use nudge_rlhf::{AdaptiveKl, Decay, EnsembleRule, KlController, KlEstimator, KlPlacement, LearningRate, MissingEos};

options! {
    /// Options of every method that learns from its own completions. Learning rates are for models of a few million
    /// parameters, far above what the papers use for billions.
    OnlineOptions {
        /// Completions sampled in all, a multiple of batch_size
        episodes: usize = 960, AT_LEAST_ONE;
        /// Completions of one rollout
        batch_size: usize = 64, AT_LEAST_ONE;
        /// Learning rate of the policy. Off: 2.5e-5, with PPO's value model 4e-5; 1e-4 for adapters; 1e-6 for every weight of a
        /// model above 20 M parameters
        // PPO's 4e-5 went to twice the target KL without a value model: an advantage for the whole completion pulls at
        // every token.
        learning_rate: Option<f32> = None, NON_NEGATIVE;
        /// Longest completion in tokens
        max_new_tokens: usize = 64, AT_LEAST_ONE;
        /// Divides the logits wherever a distribution is formed: sampling, log-probabilities, reference. Off: 0.7, 0.4 for a
        /// model above 20 M parameters
        temperature: Option<f32> = None, POSITIVE;
        /// Price of one nat of KL to the reference, in units of score; where it starts if it adapts
        kl_coef: f32 = 0.2, NON_NEGATIVE;
        /// Steers kl_coef, in nats and episodes (Ziegler et al. 2019)
        // Measured: at a fixed coefficient one reward model lets go of English and another teaches nothing.
        adaptive_kl: Option<AdaptiveKl> = Some(AdaptiveKl { target: 3.5, horizon: 64.0 });
        /// Estimator of the KL to the reference; full is exact, over the vocabulary
        // Unbiased; k3 would punish rare tokens without bound.
        kl_estimator: KlEstimator = KlEstimator::K1;
        /// Whether the KL costs reward or is a term of the loss; never both
        kl_placement: KlPlacement = KlPlacement::Reward;
        /// Rule for completions that were cut off
        // Keeps the order of unfinished completions: one that is cut off still shows which text was better.
        missing_eos: MissingEos = MissingEos::Subtract(1.0);
        /// Passes over each rollout
        num_iterations: usize = 2, AT_LEAST_ONE;
        /// Optimizer steps in each pass; divides batch_size
        // More, smaller steps out of few rollouts.
        num_mini_batches: usize = 4, AT_LEAST_ONE;
        /// Factor on the entropy that the loss rewards; 0 is off
        entropy_coef: f32 = 0.0, NON_NEGATIVE;
        /// Course of the learning rates after the warm-up
        lr_decay: Decay = Decay::Constant;
        /// Share of all updates in which the learning rates rise from a tenth to their peak
        // Moments are empty for the first few updates of some hundred.
        warmup_ratio: f32 = 0.05, FRACTION;
        /// Decay of Adam's second moment
        adam_beta2: f32 = 0.95, BELOW_ONE;
        /// Added to the root of Adam's second moment
        adam_eps: f32 = 1e-8, POSITIVE;
        /// Gradients are scaled down to this global norm; 0 is off
        // One surprising rollout out of fifteen must not decide the run.
        max_grad_norm: f32 = 1.0, NON_NEGATIVE;
        /// The saved policy is a moving average with this decay, below 1
        ema_decay: Option<f32> = None, BELOW_ONE;
        /// Whether scores are brought to mean 0 and variance 1 on the first rollout, so that kl_coef weighs the same
        /// against every reward model (Ziegler et al. 2019)
        normalize_scores: bool = true;
        /// What several reward models say together (Coste et al. 2023)
        ensemble: EnsembleRule = EnsembleRule::Mean;
        /// Simulated labeler whose score is logged as objective/gold_score; it never trains
        gold_labeler: Option<String> = None;
        /// Whether a step tells one completion token by token, to be looked into
        lens: bool = false;
        /// Seed of prompts, noise and minibatches
        seed: u64 = 1;
        ..finetuning: FinetuningOptions = FinetuningOptions::default();
    }
}

/// Peak learning rates of the policy.
pub const PEAK: Peak = Peak { small: 2.5e-5, adapters: 1e-4, large: 1e-6 };

impl OnlineOptions {
    /// What ranges of single options cannot say; `k` completions of a prompt belong together.
    ///
    /// # Errors
    /// [`SessionError::Option`] for the first option that does not go with the others.
    pub fn check(&self, k: usize) -> Result<(), SessionError> {
        if !self.batch_size.is_multiple_of(k) {
            let expected = "a multiple of k: a rollout holds k completions of each prompt";
            return Err(SessionError::option("batch_size", self.batch_size, expected));
        }
        if !self.episodes.is_multiple_of(self.batch_size) {
            let next = self.episodes.next_multiple_of(self.batch_size);
            let expected = format!(
                "a multiple of batch_size, as rollouts have one size: {next} with batch_size {}, or as it is with a smaller one",
                self.batch_size
            );
            return Err(SessionError::option("episodes", self.episodes, expected));
        }
        if !self.batch_size.is_multiple_of(self.num_mini_batches) {
            let expected = "a divisor of batch_size: all minibatches have one size";
            return Err(SessionError::option("num_mini_batches", self.num_mini_batches, expected));
        }
        Ok(())
    }

    /// Rollouts of a run.
    pub fn total_steps(&self) -> usize {
        self.episodes / self.batch_size
    }

    /// Course of a learning rate over all updates of a run.
    pub fn schedule(&self, peak: f32) -> LearningRate {
        let updates = self.total_steps() * self.num_iterations * self.num_mini_batches;
        let warmup = (self.warmup_ratio * updates as f32) as usize;
        LearningRate::new(peak.into(), updates).warmup(warmup).decay(self.lr_decay)
    }

    /// Adam.
    pub fn optimizer(&self) -> OptimizerOptions {
        OptimizerOptions {
            beta2: self.adam_beta2,
            eps: self.adam_eps,
            max_grad_norm: self.max_grad_norm,
            ..Default::default()
        }
    }

    /// The controller of the KL coefficient at the start.
    pub fn kl_controller(&self) -> KlController {
        KlController { kl_coef: self.kl_coef, adaptive: self.adaptive_kl }
    }

    /// How a rollout is measured.
    pub fn collecting(&self, temperature: f32) -> Collecting {
        Collecting { time: self.max_new_tokens, temperature, kl_estimator: self.kl_estimator }
    }

    /// Whether the loss holds the KL over the whole vocabulary.
    pub fn exact_kl_in_loss(&self) -> bool {
        self.kl_placement == KlPlacement::Loss && self.kl_estimator == KlEstimator::Full
    }
}
