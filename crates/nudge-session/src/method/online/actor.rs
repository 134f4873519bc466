//! The policy being trained, and the loss around a method's surrogate.
//!
//! loss = surrogate + kl_coef * KL to the reference (where the KL stands in the loss) - entropy_coef * entropy
//!      + ptx_coef * loss on pretraining text (InstructGPT eq. 2)
//!
//! Also the moving average of its weights.

use super::OnlineOptions;
use super::learning::Learning;
use super::minibatch::Minibatch;
use super::pretraining::PretrainingMix;
use crate::SessionError;
use crate::finetuning::Peak;
use crate::folder::{self, Kind};
use crate::protocol::Files;
use crate::rollout::exploring_temperature_of;
use crate::snapshot::{Snapshot, SnapshotWriter};
use crate::trainer::{Measured, Trainer};
use burn::tensor::{Device, Tensor};
use nudge_data::Tokenizer;
use nudge_model::{Decoder, Frozen, Parameters, TokenBatch};
use nudge_rlhf::loss::kl::{full_kl, kl_penalty};
use nudge_rlhf::loss::masked::{aggregate, masked_mean};
use nudge_rlhf::{KlPlacement, LossAggregation, PolicyLoss, entropy};

/// The name of the estimate by which a run may stop early.
pub const APPROX_KL: &str = "policy/approxkl_avg";

/// The policy, and what its loss holds.
pub struct Actor {
    /// The policy with its moments.
    pub trainer: Trainer<Decoder>,
    /// Its loss.
    pub objective: Objective,
    average: Option<Decoder>,
    /// The text of PPO-ptx.
    pub pretraining: Option<PretrainingMix>,
    device: Device,
}

/// What a method makes of new log-probabilities.
pub struct Surrogate {
    /// The loss, and how far the policy has moved since the rollout.
    pub terms: PolicyLoss,
    /// What else it measures, by its published names.
    pub numbers: Vec<(&'static str, Tensor<1>)>,
}

impl From<PolicyLoss> for Surrogate {
    fn from(terms: PolicyLoss) -> Self {
        Self { terms, numbers: vec![] }
    }
}

/// The loss around a method's surrogate.
pub struct Objective {
    /// The policy at the start.
    pub reference: Frozen<Decoder>,
    /// How tokens make up the terms beside the surrogate: as they make up the surrogate.
    pub aggregation: LossAggregation,
    /// Divides the logits wherever a distribution is formed.
    pub temperature: f32,
    options: OnlineOptions,
}

impl Actor {
    /// A policy that starts from `start`; `title` names the method in errors, `peak` its learning rates.
    pub fn new(start: Decoder, options: &OnlineOptions, title: &'static str, peak: Peak, device: &Device) -> Self {
        let temperature = exploring_temperature_of(options.temperature, &start.config);
        let reference = start.reference();
        let average = options.ema_decay.map(|_| start.clone());
        let schedule = options.schedule(peak.of(options.learning_rate, &start));
        let aggregation = LossAggregation::TokenMean;
        Self {
            trainer: Trainer::new(start, options.optimizer(), schedule, title),
            objective: Objective { reference, aggregation, temperature, options: options.clone() },
            average,
            pretraining: None,
            device: device.clone(),
        }
    }

    /// The policy at the start.
    pub fn reference(&self) -> &Frozen<Decoder> {
        &self.objective.reference
    }

    /// The policy without a graph.
    pub fn policy(&self) -> Frozen<Decoder> {
        self.trainer.model.frozen()
    }

    /// One update, whose numbers `learning` reads when they are wanted. `surrogate` makes the method's loss of the new
    /// log-probabilities, `[rows, time]`.
    pub fn update<S: Into<Surrogate>>(
        &mut self,
        batch: &Minibatch,
        kl_coef: f32,
        learning: &mut Learning,
        surrogate: impl FnOnce(Tensor<2>) -> S,
    ) {
        let update = self.trainer.optimizer.step;
        let text = self.pretraining.as_mut().map(|mix| (mix.rows(update), mix.factor));
        let Self { trainer, objective, .. } = self;
        let step = trainer.step_on_device(|model| objective.loss(model, batch, kl_coef, text.as_ref(), surrogate));
        learning.learning_rate = step.learning_rate;
        learning.push(step, "policy/grad_norm");
        self.average_in();
    }

    /// Moves the average a little towards the policy.
    fn average_in(&mut self) {
        let (Some(average), Some(decay)) = (&mut self.average, self.objective.options.ema_decay) else { return };
        let policy = self.trainer.model.parameters();
        for (average, (_, weights)) in average.parameters_mut().into_iter().zip(policy) {
            *average = average.clone().mul_scalar(decay) + weights.clone().mul_scalar(1.0 - decay);
        }
    }

    /// The folder of the finished policy: the average if there is one.
    pub async fn files(&self, tokenizer: &Tokenizer) -> Result<Files, SessionError> {
        let model = self.average.as_ref().unwrap_or(&self.trainer.model);
        let precision = self.objective.options.finetuning.precision;
        folder::save(model, &model.config, Kind::Decoder, tokenizer, precision).await
    }

    /// Adds weights, moments and average to a checkpoint.
    pub fn save(&self, writer: SnapshotWriter) -> SnapshotWriter {
        let writer = writer.trainer("policy.", &self.trainer);
        match &self.average {
            Some(average) => writer.model("average.", average),
            None => writer,
        }
    }

    /// Takes them back after `updates` updates.
    pub fn restore(&mut self, snapshot: &Snapshot, updates: usize) -> Result<(), SessionError> {
        snapshot.trainer("policy.", &mut self.trainer, updates, &self.device)?;
        match &mut self.average {
            Some(average) => snapshot.model("average.", average, &self.device),
            None => Ok(()),
        }
    }
}

impl Objective {
    /// The loss of `model` on some rows, and what it measures. `surrogate` makes the method's loss of the new
    /// log-probabilities, `[rows, time]`; `text` is that of PPO-ptx with the factor on its loss.
    pub fn loss<S: Into<Surrogate>>(
        &self,
        model: &Decoder,
        batch: &Minibatch,
        kl_coef: f32,
        text: Option<&(TokenBatch, f32)>,
        surrogate: impl FnOnce(Tensor<2>) -> S,
    ) -> Measured {
        let options = &self.options;
        let hidden = batch.policy_hidden(model); // [rows, time, hidden]
        let logprobs = batch.logprobs_of(model, hidden.clone(), self.temperature);
        let Surrogate { terms, numbers: further } = surrogate(logprobs.clone()).into();
        let mut loss = terms.loss.clone();
        let mut numbers = vec![
            ("val/ratio", terms.ratio),
            (APPROX_KL, terms.approx_kl),
            ("policy/clipfrac_avg", terms.clipfrac),
            ("loss/policy_avg", terms.loss),
        ];
        numbers.extend(further);
        let exact_kl = options.exact_kl_in_loss();
        let logits =
            (exact_kl || options.entropy_coef > 0.0).then(|| model.logits(hidden).div_scalar(self.temperature)); // [rows, time, vocabulary]
        if options.kl_placement == KlPlacement::Loss {
            let kl = match &logits {
                Some(logits) if exact_kl => {
                    full_kl(logits.clone(), batch.ref_logits(&self.reference, self.temperature))
                }
                _ => kl_penalty(options.kl_estimator, logprobs, batch.ref_logprobs.clone(), batch.mask.clone()),
            };
            let kl = aggregate(kl, batch.mask.clone(), self.aggregation);
            loss = loss + kl.clone().mul_scalar(kl_coef);
            numbers.push(("loss/kl_avg", kl));
        }
        if let Some(logits) = logits.filter(|_| options.entropy_coef > 0.0) {
            loss = loss - masked_mean(entropy(logits), batch.mask.clone()).mul_scalar(options.entropy_coef);
        }
        if let Some((text, ptx_coef)) = text {
            let ptx = model.next_token_logprobs(text, 1.0).mean().neg();
            loss = loss + ptx.clone().mul_scalar(*ptx_coef);
            numbers.push(("loss/ptx_avg", ptx));
        }
        Measured::new(loss, numbers)
    }
}
