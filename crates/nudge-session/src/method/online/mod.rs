//! What the methods that learn from their own completions share: PPO, GRPO, RLOO, REINFORCE.
//!
//! - [`prompts`]: which prompts a step completes, and the completions;
//! - [`scores`]: reward models, one or several, and the scale of their scores;
//! - [`experience`]: a rollout in three states: collected, scored, with advantages;
//! - [`minibatch`]: some of its rows as tensors;
//! - [`actor`]: the policy being trained, its reference, and the loss around a method's surrogate;
//! - [`pretraining`]: the text of PPO-ptx;
//! - [`lens`]: one completion token by token, to be looked into;
//! - [`learning`]: means of what the updates of a step measured;
//! - [`policy_gradient`]: the story of the methods without a value model.
//!
//! [`Online`] puts them together: every phase of a step that the methods do alike is one of its functions.

pub mod actor;
pub mod experience;
pub mod learning;
mod lens;
pub mod minibatch;
mod options;
pub mod policy_gradient;
pub mod pretraining;
pub mod prompts;
pub mod scores;

pub use actor::{Actor, Surrogate};
pub use experience::{Collected, Estimated, Scored, price};
pub use learning::Learning;
pub use minibatch::{Layout, Minibatch, ValueBatch};
pub use options::{OnlineOptions, PEAK};
pub use pretraining::PretrainingMix;
pub use prompts::Completions;

use crate::SessionError;
use crate::finetuning::Peak;
use crate::labeler::Labeler;
use crate::method::Material;
use crate::protocol::{Event, Lens, Metrics};
use crate::snapshot::{Snapshot, SnapshotWriter};
use crate::stage::{Standing, Told};
use crate::trainer::training_device;
use actor::APPROX_KL;
use burn::tensor::Device;
use experience::Models;
use futures_lite::future::yield_now;
use nudge_data::Rng;
use nudge_model::{Frozen, SamplingOptions, ScalarModel};
use nudge_rlhf::{KlController, explained_variance};
use prompts::Prompts;
use scores::{Normalizations, Scorer, normalizations};
use serde::{Deserialize, Serialize};

/// A policy that learns from its own completions.
pub struct Online {
    /// The options.
    pub options: OnlineOptions,
    /// The policy and its reference.
    pub actor: Actor,
    prompts: Prompts,
    scorer: Scorer,
    gold: Option<Labeler>,
    state: OnlineState,
    device: Device,
    title: &'static str,
}

/// What moves from step to step, besides weights and moments.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct OnlineState {
    /// Steps made.
    pub step: usize,
    updates: usize,
    kl: KlController,
    normalizations: Option<Normalizations>,
    rng: Rng,
}

impl Online {
    /// Loads the models and encodes the prompts; `title` names the method in errors, `peak` its learning rates.
    ///
    /// # Errors
    /// If a model or a prompt cannot be used.
    pub fn new(
        options: OnlineOptions,
        material: &dyn Material,
        title: &'static str,
        peak: Peak,
        device: &Device,
    ) -> Result<Self, SessionError> {
        let scorer = material.scorer(device)?;
        let prompts = material.prompts(options.max_new_tokens)?;
        let start = material.policy(&options.finetuning, options.seed, device)?;
        let actor = Actor::new(start, &options, title, peak, device);
        let gold = options.gold_labeler.as_deref().map(Labeler::find).transpose()?;
        let state = OnlineState {
            step: 0,
            updates: 0,
            kl: options.kl_controller(),
            normalizations: None,
            rng: Rng::new(options.seed),
        };
        Ok(Self { options, actor, prompts, scorer, gold, state, device: device.clone(), title })
    }

    /// Where it stands.
    pub fn standing(&self) -> Standing {
        let (total_steps, parameters) = (self.options.total_steps(), self.actor.reference().config.parameter_count());
        Standing { step: self.state.step, total_steps, parameters }
    }

    /// Price of a nat of KL as it stands.
    pub fn kl_coef(&self) -> f32 {
        self.state.kl.kl_coef
    }

    /// Samples `k` completions of each of the step's prompts from the policy as it stands.
    ///
    /// # Errors
    /// If the device fails, or the policy has left the numbers.
    pub async fn sample(&mut self, k: usize) -> Result<Completions, SessionError> {
        let policy = self.actor.policy();
        let sampling = SamplingOptions { temperature: self.actor.objective.temperature, ..Default::default() };
        let count = self.options.batch_size / k;
        let (step, seed, room) = (self.state.step, self.options.seed, self.options.max_new_tokens);
        let sampled = self.prompts.complete(&policy, step, count, k, sampling, room, seed, &mut self.state.rng).await;
        sampled.map_err(|error| match error {
            SessionError::NotFinite { what } if step > 0 => {
                SessionError::Diverged { stage: self.title, step, what, value: f32::NAN }
            }
            error => error,
        })
    }

    /// What the models say of the completions, by the training forward, in one readback.
    ///
    /// # Errors
    /// If the device fails, or the policy has left the numbers.
    pub async fn collect(
        &self,
        completions: Completions,
        value: Option<&Frozen<ScalarModel>>,
    ) -> Result<Collected, SessionError> {
        let policy = self.actor.policy();
        let models = Models { policy: &policy, reference: self.actor.reference(), value, scorer: &self.scorer };
        let (options, pad) =
            (self.options.collecting(self.actor.objective.temperature), self.prompts.tokenizer().pad_id());
        let collected = Collected::new(&models, completions, options, pad, &self.device).await?;
        match collected.mean_kl() {
            kl if kl.is_finite() => Ok(collected),
            value => {
                let (stage, step) = (self.title, self.state.step + 1);
                Err(SessionError::Diverged { stage, step, what: "objective/kl", value })
            }
        }
    }

    /// Fixes the scale of the scores on the first rollout, for each member of an ensemble by itself. Gives the gain of
    /// the first member where it was fixed now.
    pub fn fix_scale(&mut self, collected: &Collected) -> Option<f32> {
        if self.state.normalizations.is_some() {
            return None;
        }
        let found = normalizations(&collected.raw_scores, self.options.normalize_scores);
        let gain = found.first().map(|normalization| normalization.gain);
        self.state.normalizations = Some(found);
        gain
    }

    /// One score a completion: gain and bias of each reward model, the ensemble's rule, then the missing-EOS rule.
    pub fn score(&mut self, collected: Collected) -> Scored {
        self.fix_scale(&collected);
        let normalizations = self.state.normalizations.as_deref().unwrap_or_default();
        let scores = scores::scores(&collected.raw_scores, normalizations, self.options.ensemble);
        let missing_eos = self.options.missing_eos;
        let rule = |(score, ended): (f32, &bool)| missing_eos.apply(score, *ended);
        let scores = scores.into_iter().zip(collected.ended()).map(rule).collect();
        Scored { collected, scores }
    }

    /// Passes of minibatches over one rollout, ended early where a pass moves the policy further than `target_kl`.
    /// `together` rows that stand side by side stay so. `update` makes the updates of one minibatch.
    ///
    /// # Errors
    /// If the device fails or an update diverged.
    pub async fn passes(
        &mut self,
        estimated: &Estimated,
        layout: Layout,
        target_kl: Option<f32>,
        together: usize,
        mut update: impl FnMut(&mut Actor, &Minibatch, f32, &mut Learning),
    ) -> Result<Metrics, SessionError> {
        let (count, kl_coef) = (estimated.len(), self.kl_coef());
        let size = count / self.options.num_mini_batches;
        let device = training_device(&self.device);
        let mut learning = Learning::default();
        for pass in 1..=self.options.num_iterations {
            let mut order: Vec<usize> = (0..count / together).collect();
            self.state.rng.shuffle(&mut order);
            let order: Vec<usize> = order.iter().flat_map(|group| group * together..(group + 1) * together).collect();
            for rows in order.chunks(size) {
                let batch = Minibatch::new(estimated, rows, &self.actor.reference().config, layout, &device);
                update(&mut self.actor, &batch, kl_coef, &mut learning);
                self.state.updates += 1;
                // Whoever pulls may drop the step here.
                yield_now().await;
                // Only who may stop has to know now.
                let Some(target) = target_kl else { continue };
                if learning.settle(APPROX_KL).await?.is_some_and(|approx_kl| approx_kl > target) {
                    let mut metrics = learning.metrics();
                    metrics.insert("policy/stopped_epoch".into(), pass as f64);
                    return Ok(metrics);
                }
            }
        }
        learning.settle(APPROX_KL).await?;
        Ok(learning.metrics())
    }

    /// Ends a step: steers the price of a nat (Ziegler et al. 2019, 2.2) and tells what the step measured.
    pub fn report(&mut self, estimated: &Estimated, mut metrics: Metrics, lens: Option<Lens>, told: &mut Told) {
        let (scored, kl_coef) = (&estimated.scored, self.kl_coef());
        metrics.extend(scored.metrics(&self.options, kl_coef));
        if !scored.values.is_empty() {
            let explained = explained_variance(&scored.values, &estimated.returns, &estimated.reward_mask);
            metrics.extend(explained.map(|explained| ("val/var_explained".to_string(), explained.into())));
        }
        self.state.kl.update(scored.mean_kl(), scored.len());
        self.state.step += 1;
        metrics.insert("episode".into(), (self.state.step * self.options.batch_size) as f64);
        let shown = |row| (scored.scores[row], scored.kl_of(row));
        let events = self.prompts.tell(&scored.completions, self.gold, &mut metrics, shown);
        told.progress(metrics, "eps", scored.len());
        events.into_iter().for_each(|event| told.event(event));
        if let Some(lens) = lens {
            told.event(Event::Lens { lens: Lens { new_kl_coef: price(&self.options, self.kl_coef()), ..lens } });
        }
    }

    /// The finished policy.
    ///
    /// # Errors
    /// If the device fails.
    pub async fn end(&self) -> Result<Vec<Event>, SessionError> {
        let files = self.actor.files(self.prompts.tokenizer()).await?;
        Ok(vec![Event::Model { name: "policy".into(), files }])
    }

    /// What moves from step to step, as it stands.
    pub fn state(&self) -> OnlineState {
        self.state.clone()
    }

    /// Adds weights and moments to a checkpoint.
    pub fn save(&self, writer: SnapshotWriter) -> SnapshotWriter {
        self.actor.save(writer)
    }

    /// Goes on from a checkpoint.
    ///
    /// # Errors
    /// If it lacks something.
    pub fn restore(&mut self, state: OnlineState, snapshot: &Snapshot) -> Result<(), SessionError> {
        self.actor.restore(snapshot, state.updates)?;
        self.state = state;
        Ok(())
    }

    /// Where everything is computed.
    pub fn device(&self) -> &Device {
        &self.device
    }

    /// Updates made, for a trainer beside the policy's.
    pub fn updates(&self) -> usize {
        self.state.updates
    }
}
