//! Learning from given completions, without a reward model and without sampling: what DPO, KTO and ORPO do alike.
//!
//! 1. Turn rankings into comparisons; set all comparisons of some prompts aside.
//! 2. The reference, where a method has one, is the model at the start.
//! 3. Step: run every completion of a few rankings through policy and reference once; all pairs of one ranking are one
//!    batch element (InstructGPT 3.5); the method's loss; update.
//! 4. After every pass, measure pair accuracy by implicit reward on the prompts set aside.
//! 5. Save the policy.
//!
//! A method is what differs: its loss and its implicit reward ([`OfflineMethod`]; one file each).
//! Deliberately absent: a store of the reference's log-probabilities. A resumed run computes the same ones again.

mod batch;

pub use batch::{CompletionLogprobs, PreferenceBatch, mean_over_rankings, pair_metrics};

use super::{LearnsFrom, Material, TuningMethod};
use crate::batch::demonstrations::DemonstrationBatch;
use crate::batch::preferences::{Ranked, insert_accuracy, judge, rankings_of_step};
use crate::batch::{ends_epoch, steps_of_epochs};
use crate::finetuning::FinetuningOptions;
use crate::folder::{self, Kind};
use crate::options::declare::{AT_LEAST_ONE, BELOW_ONE, NON_NEGATIVE, POSITIVE};
use crate::protocol::{Event, StageName};
use crate::snapshot::{Snapshot, SnapshotWriter};
use crate::stage::{Stage, Standing, StepState, Told};
use crate::trainer::{Measured, Trainer};
use crate::{SessionError, options};
use burn::tensor::{Device, Tensor};
use nudge_data::{EncodedDemonstration, Tokenizer};
use nudge_model::{Decoder, Frozen, OptimizerOptions, Precision};
use nudge_rlhf::{Decay, LearningRate};

options! {
    /// Options of every method that learns from given completions.
    OfflineOptions {
        /// Passes over the rankings
        epochs: f32 = 3.0, POSITIVE;
        /// Rankings of one step; all pairs of a ranking belong to one (InstructGPT 3.5)
        batch_size: usize = 2, AT_LEAST_ONE;
        /// Peak learning rate; falls linearly to 0. The papers' 1e-6 is for billions of parameters
        learning_rate: f32 = 1e-4, NON_NEGATIVE;
        /// Share of prompts kept out of training to measure accuracy on; 0 measures nothing
        held_out: f32 = 0.2, BELOW_ONE;
        /// Seed of the order and the split
        seed: u64 = 1;
        ..finetuning: FinetuningOptions = FinetuningOptions::default();
    }
}

/// What one method makes of the completions of a few rankings.
pub trait OfflineMethod: TuningMethod {
    /// Whether completions of other prompts are run as well.
    const HAS_MISMATCHED: bool = false;

    /// The options that it shares.
    fn offline(&self) -> &OfflineOptions;

    /// Whether the policy is compared with where it started.
    fn has_reference(&self) -> bool {
        true
    }

    /// The loss, differentiable, and further numbers.
    fn loss(&self, policy: &Decoder, batch: &PreferenceBatch) -> Measured;

    /// The reward for which the policy is optimal, up to a number that all completions of one prompt share,
    /// `[completions]`.
    fn implicit_rewards(&self, policy: CompletionLogprobs, reference: Option<CompletionLogprobs>) -> Tensor<1>;
}

/// A run of one method.
pub struct Offline<M> {
    method: M,
    tokenizer: Tokenizer,
    train: Vec<Ranked<EncodedDemonstration>>,
    held_out: Vec<Ranked<EncodedDemonstration>>,
    policy: Trainer<Decoder>,
    reference: Option<Frozen<Decoder>>,
    total_steps: usize,
    device: Device,
}

impl<M: OfflineMethod> Offline<M> {
    /// Reads the rankings and loads the policy.
    ///
    /// # Errors
    /// If nothing can be learnt from the rankings, or the policy cannot be loaded.
    pub fn new(method: M, material: &dyn Material, device: &Device) -> Result<Self, SessionError> {
        let OfflineOptions { epochs, batch_size, learning_rate, held_out, seed, ref finetuning } = *method.offline();
        // 1. Comparisons, split by prompt.
        let (train, held_out) = material.rankings(M::LEARNS_FROM == LearnsFrom::Labels, held_out, seed)?;
        if M::HAS_MISMATCHED && train.len() < 2 {
            return Err(SessionError::Nothing(format!(
                "{} measures its KL on completions of another prompt and needs two rankings or more; there is {}",
                M::TITLE,
                train.len()
            )));
        }
        // 2. Policy and reference are one model at the start.
        let start = material.policy(finetuning, seed, device)?;
        let reference = method.has_reference().then(|| start.reference());
        let total_steps = steps_of_epochs(epochs, train.len(), batch_size);
        let schedule = LearningRate::new(learning_rate.into(), total_steps)
            .warmup((total_steps / 10).min(10))
            .decay(Decay::Linear);
        let policy = Trainer::new(start, OptimizerOptions::default(), schedule, M::TITLE);
        let (tokenizer, device) = (material.tokenizer().clone(), device.clone());
        Ok(Self { method, tokenizer, train, held_out, policy, reference, total_steps, device })
    }

    /// The implicit reward of each completion, `[completions]`.
    fn implicit_rewards(&self, completions: &[EncodedDemonstration]) -> Tensor<1> {
        let completions: Vec<&EncodedDemonstration> = completions.iter().collect();
        let config = &self.policy.model.config;
        let batch = DemonstrationBatch::padded(&completions, self.tokenizer.pad_id(), config, &self.device);
        let reference = self.reference.as_ref().map(|reference| CompletionLogprobs::new(&batch, reference));
        self.method.implicit_rewards(CompletionLogprobs::new(&batch, &self.policy.model), reference)
    }
}

impl<M: OfflineMethod> Stage for Offline<M> {
    type State = StepState;
    const NAME: StageName = StageName::Tune;

    // 3. All pairs of a few rankings.
    async fn advance(&mut self, told: &mut Told) -> Result<(), SessionError> {
        let OfflineOptions { batch_size: size, seed, .. } = *self.method.offline();
        let rankings = rankings_of_step(&self.train, self.policy.optimizer.step, size, seed);
        let config = &self.policy.model.config;
        let reference = self.reference.as_ref();
        let batch =
            PreferenceBatch::new(&rankings, reference, M::HAS_MISMATCHED, &self.tokenizer, config, &self.device);
        let numbers = self.policy.step(|policy| self.method.loss(policy, &batch)).await?;
        let step = self.policy.optimizer.step;
        let mut metrics = numbers.metrics();
        metrics.insert("epoch".into(), (step * size) as f64 / self.train.len() as f64);
        // 4. After every pass and at the end.
        let measure = ends_epoch(step, size, self.train.len()) || step == self.total_steps;
        if measure && self.held_out.iter().any(|ranked| !ranked.pairs.is_empty()) {
            let judged = judge(&self.held_out, |rows| self.implicit_rewards(rows)).await?;
            insert_accuracy(&mut metrics, "eval_rewards/accuracies", &judged.accuracy());
        }
        told.progress(metrics, "tokens_per_second", batch.tokens());
        Ok(())
    }

    // 5. The model folder.
    async fn end(&mut self) -> Result<Vec<Event>, SessionError> {
        let model = &self.policy.model;
        let files = folder::save(model, &model.config, Kind::Decoder, &self.tokenizer, Precision::F32).await?;
        Ok(vec![Event::Model { name: "policy".into(), files }])
    }

    fn standing(&self) -> Standing {
        Standing {
            step: self.policy.optimizer.step,
            total_steps: self.total_steps,
            parameters: self.policy.model.config.parameter_count(),
        }
    }

    fn state(&self) -> StepState {
        StepState { step: self.policy.optimizer.step }
    }

    fn save(&self, writer: SnapshotWriter) -> Result<SnapshotWriter, SessionError> {
        Ok(writer.trainer("", &self.policy))
    }

    fn restore(&mut self, state: StepState, snapshot: &Snapshot) -> Result<(), SessionError> {
        snapshot.trainer("", &mut self.policy, state.step, &self.device)
    }
}
