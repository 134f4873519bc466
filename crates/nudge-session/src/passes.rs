//! Training in passes over records: what instruction tuning, reward modelling and the methods that learn from given
//! completions do alike.
//!
//! 1. A step takes one batch, or several whose gradients are averaged.
//! 2. The learning rate rises, then falls.
//! 3. After every pass the loss on what was set aside is measured, and the weights that did best are kept.
//! 4. A run ends by itself when further passes make that loss worse.

use crate::SessionError;
use crate::batch::{ends_epoch, steps_of_epochs};
use crate::finetuning::FinetuningOptions;
use crate::options;
use crate::options::declare::{AT_LEAST_ONE, FRACTION, NON_NEGATIVE};
use crate::protocol::{Event, Metrics};
use crate::snapshot::{Snapshot, SnapshotWriter};
use crate::stage::Standing;
use crate::trainer::{Measured, Trainer};
use burn::tensor::Device;
use nudge_model::{OptimizerOptions, Parameters};
use nudge_rlhf::{Decay, LearningRate};
use serde::{Deserialize, Serialize};
use std::ops::Range;

options! {
    /// Options of every stage that passes over records.
    PassesOptions {
        /// Batches whose gradients are averaged into one step
        gradient_accumulation_steps: usize = 1, AT_LEAST_ONE;
        /// Longest record in tokens, its prompt included; a longer completion is cut there. 0 is the model's context,
        /// and what is longer is refused
        max_length: usize = 0, NON_NEGATIVE;
        /// Course of the learning rate after the warm-up
        lr_decay: Decay = Decay::Linear;
        /// Share of all steps, 20 at most, in which the learning rate rises from a tenth to its peak
        warmup_ratio: f32 = 0.1, FRACTION;
        /// Whether the model keeps the weights of the pass with the least loss on what was set aside, instead of the last
        load_best_model_at_end: bool = true;
        /// Passes in a row without a smaller loss on what was set aside after which a run stops; 0 goes on to the end
        early_stopping_patience: usize = 0, NON_NEGATIVE;
        ..finetuning: FinetuningOptions = FinetuningOptions::default();
    }
}

/// The longest warm-up, in steps: moments are empty for the first few.
const LONGEST_WARMUP: usize = 20;
/// Where the best weights stand in a checkpoint.
const BEST: &str = "best.";

/// What a pass counts, and how many of it are in a batch: records, or batches that were put together beforehand.
#[derive(Debug, Clone, Copy)]
pub struct Pass {
    /// What it counts.
    pub items: usize,
    /// Items of a batch.
    pub batch: usize,
}

/// A model on its passes.
pub struct Passes<M> {
    /// The model with its moments.
    pub trainer: Trainer<M>,
    pass: Pass,
    options: PassesOptions,
    total_steps: usize,
    /// The weights that measured best, where they are kept.
    best: Option<M>,
    measured: Eval,
}

/// What was measured on the records set aside.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct Eval {
    /// The least loss, and passes by then.
    best: Option<(f64, f64)>,
    /// The last loss.
    last: f64,
    /// Losses in a row that were not smaller.
    stale: usize,
    /// Whether the run ends before its last pass.
    stopped: bool,
}

/// What a checkpoint holds of the passes.
#[derive(Serialize, Deserialize)]
pub struct PassesState {
    step: usize,
    measured: Eval,
}

impl<M: Parameters> Passes<M> {
    /// `epochs` passes of `model`; `stage` names it in errors.
    pub fn new(
        model: M,
        optimizer: OptimizerOptions,
        (epochs, pass): (f32, Pass),
        learning_rate: f32,
        options: &PassesOptions,
        stage: &'static str,
    ) -> Self {
        let total_steps =
            steps_of_epochs(epochs, pass.items, pass.batch.saturating_mul(options.gradient_accumulation_steps));
        let warmup = (f64::from(options.warmup_ratio) * total_steps as f64) as usize;
        let schedule = LearningRate::new(learning_rate.into(), total_steps)
            .warmup(warmup.min(LONGEST_WARMUP))
            .decay(options.lr_decay);
        let trainer = Trainer::new(model, optimizer, schedule, stage);
        Self { trainer, pass, options: options.clone(), total_steps, best: None, measured: Eval::default() }
    }

    /// Where it stands; `parameters` are those of the whole model.
    pub fn standing(&self, parameters: usize) -> Standing {
        let step = self.trainer.optimizer.step;
        Standing { step, total_steps: if self.measured.stopped { step } else { self.total_steps }, parameters }
    }

    // 1. and 2.

    /// Numbers of the batches of the coming step, from 0.
    pub fn batches(&self) -> Range<usize> {
        let (first, count) = (self.trainer.optimizer.step, self.options.gradient_accumulation_steps);
        first * count..(first + 1) * count
    }

    /// One step by the losses of its batches, each with its weight in the mean.
    ///
    /// # Errors
    /// If a device fails, or a number stops being one.
    pub async fn step<L: Into<Measured>>(
        &mut self,
        losses: impl IntoIterator<Item = (f32, impl FnOnce(&M) -> L)>,
    ) -> Result<Metrics, SessionError> {
        let mut metrics = self.trainer.accumulated_on_device(losses).numbers().await?.metrics();
        metrics.insert("epoch".into(), self.passes_made());
        Ok(metrics)
    }

    fn items_of_step(&self) -> usize {
        self.pass.batch.saturating_mul(self.options.gradient_accumulation_steps)
    }

    /// Passes made so far.
    fn passes_made(&self) -> f64 {
        (self.trainer.optimizer.step * self.items_of_step()) as f64 / self.pass.items as f64
    }

    // 3. and 4.

    /// Whether the last step ended a pass, or the run.
    pub fn ends_pass(&self) -> bool {
        let (step, size, items) = (self.trainer.optimizer.step, self.items_of_step(), self.pass.items);
        step == self.total_steps || ends_epoch(step, size, items)
    }

    /// Takes in the loss on what was set aside, measured behind a pass. Says why the run ends here, if it does.
    ///
    /// # Errors
    /// If the loss is not finite.
    pub fn measured(&mut self, eval_loss: f64) -> Result<Option<String>, SessionError> {
        self.trainer.check("eval_loss", eval_loss as f32)?;
        self.measured.last = eval_loss;
        if self.measured.best.is_none_or(|(least, _)| eval_loss < least) {
            self.measured.best = Some((eval_loss, self.passes_made()));
            self.measured.stale = 0;
            self.best = self.options.load_best_model_at_end.then(|| self.trainer.model.clone());
            return Ok(None);
        }
        self.measured.stale += 1;
        let patience = self.options.early_stopping_patience;
        Ok((patience > 0 && self.measured.stale >= patience && self.trainer.optimizer.step < self.total_steps).then(|| {
            self.stop();
            let (least, passes) = self.measured.best.unwrap_or_default();
            format!("stopped early: the loss on what was set aside is {eval_loss:.3}, and was {least:.3} after {passes:.1} passes")
        }))
    }

    /// Ends the run with the step that was made last.
    pub fn stop(&mut self) {
        self.measured.stopped = true;
    }

    /// What is saved: the weights that measured best, else the last.
    pub fn model(&self) -> &M {
        self.best.as_ref().unwrap_or(&self.trainer.model)
    }

    /// Says of which pass the weights are, where they are not the last.
    pub fn told(&self) -> Option<Event> {
        let (least, passes) =
            self.measured.best.filter(|(least, _)| self.best.is_some() && *least < self.measured.last)?;
        let message = format!(
            "kept the weights of pass {passes:.1} of {:.1}: the loss on what was set aside was {least:.3} there and {:.3} at the end",
            self.passes_made(),
            self.measured.last
        );
        Some(Event::Warning { message })
    }

    /// What moves from step to step.
    pub fn state(&self) -> PassesState {
        PassesState { step: self.trainer.optimizer.step, measured: self.measured.clone() }
    }

    /// Adds weights and moments to a checkpoint.
    pub fn save(&self, writer: SnapshotWriter) -> SnapshotWriter {
        let writer = writer.trainer("", &self.trainer);
        match &self.best {
            Some(best) => writer.model(BEST, best),
            None => writer,
        }
    }

    /// Goes on from a checkpoint.
    ///
    /// # Errors
    /// If it lacks something.
    pub fn restore(&mut self, state: PassesState, snapshot: &Snapshot, device: &Device) -> Result<(), SessionError> {
        snapshot.trainer("", &mut self.trainer, state.step, device)?;
        self.measured = state.measured;
        if self.options.load_best_model_at_end && self.measured.best.is_some() {
            let mut best = self.trainer.model.clone();
            snapshot.model(BEST, &mut best, device)?;
            self.best = Some(best);
        }
        Ok(())
    }
}
