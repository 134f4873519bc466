//! The policy being trained, and the loss around a method's surrogate.
//!
//! loss = surrogate + kl_coef * KL to the reference (where the KL stands in the loss) - entropy_coef * entropy
//!      + ptx_coef * loss on pretraining text (InstructGPT eq. 2)
//!
//! Also the moving average of its weights. Deliberately absent: advantages, values, sampling.

use super::learning::Learning;
use super::minibatch::Minibatch;
use super::pretraining::PretrainingMix;
use crate::SessionError;
use crate::folder::{self, Kind};
use crate::protocol::Files;
use crate::snapshot::{Snapshot, SnapshotWriter};
use crate::trainer::Trainer;
use burn::tensor::{Device, Tensor};
use nudge_data::Tokenizer;
use nudge_model::{Decoder, Frozen, OptimizerOptions, Parameters, Precision};
use nudge_rlhf::loss::kl::{full_kl, kl_penalty};
use nudge_rlhf::loss::masked::{aggregate, masked_mean};
use nudge_rlhf::{KlEstimator, KlPlacement, LossAggregation, PolicyLoss, PpoOptions, entropy};
use serde::de::DeserializeOwned;

/// The name of the estimate by which a run may stop early.
pub const APPROX_KL: &str = "policy/approxkl_avg";

/// The policy, where it started, and what else its loss holds.
pub struct Actor {
    /// The policy with its moments.
    pub trainer: Trainer<Decoder>,
    /// The policy at the start.
    pub reference: Frozen<Decoder>,
    average: Option<Decoder>,
    pretraining: Option<PretrainingMix>,
    options: PpoOptions,
    aggregation: LossAggregation,
    device: Device,
}

impl Actor {
    /// A policy that starts from `start` and makes `updates` updates.
    pub fn new(
        start: Decoder,
        options: &PpoOptions,
        learning_rate: f32,
        updates: usize,
        stage: &'static str,
        device: &Device,
    ) -> Self {
        let reference = start.frozen();
        let average = options.ema_decay.map(|_| start.clone());
        let schedule = options.schedule(learning_rate, updates);
        Self {
            trainer: Trainer::new(start, optimizer(options), schedule, stage),
            reference,
            average,
            pretraining: None,
            options: options.clone(),
            aggregation: LossAggregation::TokenMean,
            device: device.clone(),
        }
    }

    /// Terms of the loss beside the surrogate are aggregated over tokens as the surrogate is.
    pub fn aggregated(self, aggregation: LossAggregation) -> Self {
        Self { aggregation, ..self }
    }

    /// Adds the loss on pretraining text.
    pub fn with_pretraining(self, pretraining: Option<PretrainingMix>) -> Self {
        Self { pretraining, ..self }
    }

    /// The policy without a graph.
    pub fn policy(&self) -> Frozen<Decoder> {
        self.trainer.model.frozen()
    }

    /// One update, whose numbers `learning` reads when they are wanted. `surrogate` makes the method's loss of the new
    /// log-probabilities, `[rows, time]`.
    pub fn update(
        &mut self,
        batch: &Minibatch,
        kl_coef: f32,
        learning: &mut Learning,
        surrogate: impl FnOnce(Tensor<2>) -> PolicyLoss,
    ) {
        let update = self.trainer.optimizer.step;
        let text = self.pretraining.as_mut().map(|mix| mix.rows(update));
        let Self { trainer, reference, options, aggregation, .. } = self;
        let aggregation = *aggregation;
        let mut names = vec!["val/ratio", APPROX_KL, "policy/clipfrac_avg", "loss/policy_avg"];
        let step = trainer.step_on_device(|model| {
            let hidden = batch.policy_hidden(model); // [rows, time, hidden]
            let logprobs = batch.logprobs_of(model, hidden.clone(), options.temperature);
            let terms = surrogate(logprobs.clone());
            let mut loss = terms.loss.clone();
            let mut numbers = vec![terms.ratio, terms.approx_kl, terms.clipfrac, terms.loss];
            let exact_kl = options.kl_placement == KlPlacement::Loss && options.kl_estimator == KlEstimator::Full;
            let logits =
                (exact_kl || options.entropy_coef > 0.0).then(|| model.logits(hidden).div_scalar(options.temperature)); // [rows, time, vocabulary]
            if options.kl_placement == KlPlacement::Loss {
                let kl = match &logits {
                    Some(logits) if exact_kl => {
                        full_kl(logits.clone(), batch.ref_logits(reference, options.temperature))
                    }
                    _ => kl_penalty(options.kl_estimator, logprobs, batch.ref_logprobs.clone(), batch.mask.clone()),
                };
                let kl = aggregate(kl, batch.mask.clone(), aggregation);
                loss = loss + kl.clone().mul_scalar(kl_coef);
                names.push("loss/kl_avg");
                numbers.push(kl);
            }
            if let Some(logits) = logits.filter(|_| options.entropy_coef > 0.0) {
                loss = loss - masked_mean(entropy(logits), batch.mask.clone()).mul_scalar(options.entropy_coef);
            }
            if let Some(text) = &text {
                let ptx = model.next_token_logprobs(text, 1.0).mean().neg();
                loss = loss + ptx.clone().mul_scalar(options.ptx_coef);
                names.push("loss/ptx_avg");
                numbers.push(ptx);
            }
            (loss, numbers)
        });
        learning.learning_rate = step.learning_rate;
        learning.push(step, names, "policy/grad_norm");
        self.average_in();
    }

    /// Moves the average a little towards the policy.
    fn average_in(&mut self) {
        let (Some(average), Some(decay)) = (&mut self.average, self.options.ema_decay) else { return };
        let policy = self.trainer.model.parameters();
        for (average, (_, weights)) in average.parameters_mut().into_iter().zip(policy) {
            *average = average.clone().mul_scalar(decay) + weights.clone().mul_scalar(1.0 - decay);
        }
    }

    /// The folder of the finished policy: the average if there is one.
    pub async fn files(&self, tokenizer: &Tokenizer) -> Result<Files, SessionError> {
        let model = self.average.as_ref().unwrap_or(&self.trainer.model);
        folder::save(model, &model.config, Kind::Decoder, tokenizer, Precision::F32).await
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
    pub fn restore<S: DeserializeOwned>(&mut self, snapshot: &Snapshot<S>, updates: usize) -> Result<(), SessionError> {
        snapshot.trainer("policy.", &mut self.trainer, updates, &self.device)?;
        match &mut self.average {
            Some(average) => snapshot.model("average.", average, &self.device),
            None => Ok(()),
        }
    }
}

/// Adam as the options have it.
pub fn optimizer(options: &PpoOptions) -> OptimizerOptions {
    OptimizerOptions {
        beta2: options.adam_beta2,
        eps: options.adam_eps,
        max_grad_norm: options.max_grad_norm,
        ..Default::default()
    }
}
