//! Policy gradient without a value model: what GRPO, RLOO and REINFORCE do alike.
//!
//! One step is one rollout and what is learnt from it:
//! 1. Sample `k` completions of each of a few prompts.
//! 2. Recompute log-probabilities (policy, reference) by the training forward; raw scores.
//! 3. Bring the scores to one scale; a missing end token costs.
//! 4. One reward a completion: its score, minus the price of its KL where that stands in the reward.
//! 5. One advantage a completion, as the method has it; every token of the completion has the same.
//! 6. Passes of minibatches: the method's surrogate, plus the KL where that stands in the loss.
//! 7. Adapt the KL coefficient, report.
//!
//! A method is what differs: its advantages and its surrogate ([`GroupMethod`]; one file each).
//! Deliberately absent: values, whitening, a credit for single tokens.

use super::{Estimated, Layout, Minibatch, Online, OnlineOptions, OnlineState, PEAK, Scored, Surrogate, price};
use crate::method::{Material, TuningMethod};
use crate::options::declare::{AT_LEAST_ONE, POSITIVE};
use crate::protocol::{Event, Metrics, StageName};
use crate::snapshot::{Snapshot, SnapshotWriter};
use crate::stage::{Stage, Standing, Told};
use crate::{SessionError, options};
use burn::tensor::{Device, Tensor};
use nudge_rlhf::{LossAggregation, Variance, broadcast, masked_mean, masked_var, zero_spread_share};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

options! {
    /// Options of methods that compare the completions of one prompt and clip their ratios.
    GroupOptions {
        /// Completions of each prompt of a rollout
        k: usize = 4, AT_LEAST_ONE;
        /// The ratio counts only within 1 ± cliprange (Schulman et al. 2017)
        cliprange: f32 = 0.2, POSITIVE;
        ..online: OnlineOptions = OnlineOptions::default();
    }
}

impl GroupOptions {
    /// What ranges of single options cannot say. The method learns from `fewest` completions of a prompt or more, for
    /// the reason behind it.
    ///
    /// # Errors
    /// [`SessionError::Option`] for the first option that does not go with the others.
    pub fn check(&self, fewest: usize, reason: &str) -> Result<(), SessionError> {
        if self.k < fewest {
            return Err(SessionError::option("k", self.k, reason));
        }
        self.online.check(self.k)
    }
}

/// What one method makes of a rollout.
pub trait GroupMethod: TuningMethod {
    /// What moves from step to step beside the policy.
    type Own: Clone + Default + Serialize + DeserializeOwned + 'static;

    /// The options that it shares.
    fn online(&self) -> &OnlineOptions;

    /// Completions of each prompt.
    fn k(&self) -> usize;

    /// How tokens make up the terms of the loss beside the surrogate.
    fn aggregation(&self) -> LossAggregation {
        LossAggregation::TokenMean
    }

    /// How many completions that stand side by side make up one element of a minibatch.
    fn together(&self) -> usize {
        1
    }

    /// One advantage a completion from one reward a completion; those of one prompt stand side by side, `k` of them.
    fn advantages(&self, own: &mut Self::Own, rewards: &[f32], k: usize) -> Vec<f32>;

    /// Whether a completion with this advantage is learnt from; one that is not costs no update.
    fn learns_from(&self, _advantage: f32) -> bool {
        true
    }

    /// The loss that the advantages pull at, from the new log-probabilities, `[rows, time]`.
    fn surrogate(&self, new_logprobs: Tensor<2>, batch: &Minibatch) -> Surrogate;
}

/// A run of one method.
pub struct PolicyGradient<M: GroupMethod> {
    method: M,
    own: M::Own,
    online: Online,
}

/// What moves from step to step, besides weights and moments.
#[derive(Serialize, Deserialize)]
pub struct State<Own> {
    online: OnlineState,
    own: Own,
}

impl<M: GroupMethod> PolicyGradient<M> {
    /// Loads the models and encodes the prompts.
    ///
    /// # Errors
    /// If a model or a prompt cannot be used.
    pub fn new(method: M, material: &dyn Material, device: &Device) -> Result<Self, SessionError> {
        let mut online = Online::new(method.online().clone(), material, M::TITLE, PEAK, device)?;
        online.actor.objective.aggregation = method.aggregation();
        Ok(Self { method, own: M::Own::default(), online })
    }

    /// 4. The reward of each completion as one action, `[batch]`.
    fn rewards(&self, scored: &Scored) -> Vec<f32> {
        let kl_coef = price(&self.online.options, self.online.kl_coef());
        scored.scores.iter().enumerate().map(|(row, score)| score - kl_coef * scored.kl_of(row)).collect()
    }

    /// 5. The method's advantages, one for all tokens of a completion.
    fn estimate_advantages(&mut self, scored: Scored, rewards: &[f32]) -> Estimated {
        let advantages = self.method.advantages(&mut self.own, rewards, self.method.k());
        let advantages = broadcast(&advantages, &scored.mask, scored.time());
        let reward_mask = scored.mask.clone();
        Estimated { scored, advantages, returns: vec![], reward_mask }
    }

    /// 6. Passes of minibatches over the rollout.
    async fn optimise(&mut self, estimated: &Estimated) -> Result<Metrics, SessionError> {
        let Self { method, online, .. } = self;
        let layout = Layout { whiten: None, exact_kl_in_loss: online.options.exact_kl_in_loss() };
        let time = estimated.time();
        let learnt = (0..estimated.len()).filter(|row| method.learns_from(estimated.advantages[row * time]));
        let learnt: Vec<usize> = learnt.collect();
        let elements: Vec<&[usize]> = learnt.chunks(method.together()).collect();
        let passes = online.passes(estimated, layout, None, &elements, |actor, batch, kl_coef, learning| {
            actor.update(batch, kl_coef, learning, |new_logprobs| method.surrogate(new_logprobs, batch));
        });
        passes.await
    }
}

impl<M: GroupMethod> Stage for PolicyGradient<M> {
    type State = State<M::Own>;
    const NAME: StageName = StageName::Tune;

    async fn advance(&mut self, told: &mut Told) -> Result<(), SessionError> {
        let k = self.method.k();
        let completions = self.online.sample(k).await?; // 1.
        let collected = self.online.collect(completions, None).await?; // 2.
        let scored = self.online.score(collected); // 3.
        let rewards = self.rewards(&scored); // 4.
        let estimated = self.estimate_advantages(scored, &rewards); // 5.
        let mut metrics = self.optimise(&estimated).await?; // 6.
        metrics.extend(reward_metrics(&rewards, k));
        let lens = self.online.look_into(&estimated, None, None).await?;
        self.online.report(&estimated, metrics, lens, told); // 7.
        Ok(())
    }

    async fn end(&mut self) -> Result<Vec<Event>, SessionError> {
        self.online.end().await
    }

    fn standing(&self) -> Standing {
        self.online.standing()
    }

    fn state(&self) -> Self::State {
        State { online: self.online.state(), own: self.own.clone() }
    }

    fn save(&self, writer: SnapshotWriter) -> Result<SnapshotWriter, SessionError> {
        Ok(self.online.save(writer))
    }

    fn restore(&mut self, state: Self::State, snapshot: &Snapshot) -> Result<(), SessionError> {
        self.own = state.own;
        self.online.restore(state.online, snapshot)
    }
}

/// The rewards of a rollout, by TRL's names. Their deviation is that of the completions of one prompt, averaged over
/// prompts; of the whole rollout where each prompt has one completion.
fn reward_metrics(rewards: &[f32], k: usize) -> Metrics {
    let everything = vec![true; rewards.len()];
    let group = if k > 1 { k } else { rewards.len() };
    let deviation = |rewards: &[f32]| masked_var(rewards, &everything[..rewards.len()], Variance::Unbiased).sqrt();
    let deviations: Vec<f32> = rewards.chunks(group).map(deviation).collect();
    let mean = |values: &[f32]| f64::from(masked_mean(values, &everything[..values.len()]));
    let mut metrics = Metrics::from([("reward".into(), mean(rewards)), ("reward_std".into(), mean(&deviations))]);
    if k > 1 {
        metrics.insert("frac_reward_zero_std".into(), zero_spread_share(rewards, k).into());
    }
    metrics
}
