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
//! The reference is asked about each ranking once. Its log-probabilities are in no checkpoint: a resumed run computes the
//! same ones again.

mod batch;

use batch::Referenced;
pub use batch::{CompletionLogprobs, PreferenceBatch, mean_over_rankings, pair_metrics};

use super::{LearnsFrom, Material, TuningMethod};
use crate::batch::preferences::{insert_accuracy, judge, rankings_of_batch};
use crate::finetuning::Peak;
use crate::folder::{self, Kind};
use crate::options::declare::{AT_LEAST_ONE, BELOW_ONE, NON_NEGATIVE, POSITIVE};
use crate::passes::{Pass, Passes, PassesOptions, PassesState};
use crate::protocol::{Event, Metrics, StageName};
use crate::snapshot::{Snapshot, SnapshotWriter};
use crate::stage::{Stage, Standing, Told};
use crate::trainer::Measured;
use crate::{SessionError, options};
use burn::tensor::{Device, Tensor};
use nudge_data::Tokenizer;
use nudge_model::{Decoder, Frozen, OptimizerOptions};
use serde::{Deserialize, Serialize};

options! {
    /// Options of every method that learns from given completions.
    OfflineOptions {
        /// Passes over the rankings
        epochs: f32 = 3.0, POSITIVE;
        /// Rankings of one step; all pairs of a ranking belong to one (InstructGPT 3.5)
        batch_size: usize = 2, AT_LEAST_ONE;
        /// Peak learning rate. Off: 5e-5, 2e-4 for adapters, 1e-6 (the papers', for billions of parameters) for every
        /// weight of a model above 20 M parameters
        learning_rate: Option<f32> = None, NON_NEGATIVE;
        /// Share of prompts kept out of training to measure accuracy on; 0 measures nothing
        held_out: f32 = 0.2, BELOW_ONE;
        /// A run stops after a pass whose rewards/margins are above this on average: the pairs are known by heart
        stop_margin: Option<f32> = Some(5.0), POSITIVE;
        /// Seed of the order and the split
        seed: u64 = 1;
        ..passes: PassesOptions = PassesOptions::default();
    }
}

/// Peak learning rates. At the small one the story model wins 97 and 88 % by two tastes; at twice and four times that it wins no
/// more, and answers to the taste *shorter* shrink from 49 tokens to 19 and 9, some of them to nothing (31 at this one).
const PEAK: Peak = Peak { small: 5e-5, adapters: 2e-4, large: 1e-6 };

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
    train: Vec<Referenced>,
    held_out: Vec<Referenced>,
    policy: Passes<Decoder>,
    reference: Option<Frozen<Decoder>>,
    /// `rewards/margins` of the pass so far.
    margins: Margins,
    device: Device,
}

/// Margins of the steps of a pass.
#[derive(Clone, Copy, Default, Serialize, Deserialize)]
struct Margins {
    sum: f64,
    steps: usize,
}

/// What a checkpoint holds of a run.
#[derive(Serialize, Deserialize)]
pub struct OfflineState {
    #[serde(flatten)]
    passes: PassesState,
    margins: Margins,
}

impl<M: OfflineMethod> Offline<M> {
    /// Reads the rankings and loads the policy.
    ///
    /// # Errors
    /// If nothing can be learnt from the rankings, or the policy cannot be loaded.
    pub fn new(method: M, material: &dyn Material, device: &Device) -> Result<Self, SessionError> {
        let options = method.offline();
        let OfflineOptions { epochs, batch_size, learning_rate, seed, ref passes, .. } = *options;
        // 1. Comparisons, split by prompt.
        let labels = M::LEARNS_FROM == LearnsFrom::Labels;
        let (train, held_out) = material.rankings(labels, options)?;
        if M::HAS_MISMATCHED && train.len() < 2 {
            return Err(SessionError::Nothing(format!(
                "{} measures its KL on completions of another prompt and needs two rankings or more; there is {}",
                M::TITLE,
                train.len()
            )));
        }
        // 2. Policy and reference are one model at the start.
        let start = material.policy(&passes.finetuning, seed, device)?;
        let reference = method.has_reference().then(|| start.reference());
        let (pass, peak) = (Pass { items: train.len(), batch: batch_size }, PEAK.of(learning_rate, &start));
        let policy =
            Passes::new(start, OptimizerOptions::default(), (pass.steps(epochs, passes), pass), peak, passes, M::TITLE);
        let [train, held_out] = [train, held_out].map(|side| side.into_iter().map(Referenced::from).collect());
        let (tokenizer, device, margins) = (material.tokenizer().clone(), device.clone(), Margins::default());
        Ok(Self { method, tokenizer, train, held_out, policy, reference, margins, device })
    }

    /// The implicit reward of each completion of a ranking, `[completions]`.
    fn implicit_rewards(&self, ranking: &Referenced) -> Tensor<1> {
        let policy = &self.policy.trainer.model;
        let batch = ranking.batch(&self.tokenizer, &policy.config, &self.device);
        let reference = self.reference.as_ref();
        let reference = reference.map(|model| ranking.ref_logprobs(model, &self.tokenizer, &self.device));
        self.method.implicit_rewards(CompletionLogprobs::new(&batch, policy), reference)
    }

    /// Ends the run where the pass that ended shows that the pairs are known by heart. Says so.
    fn stop_by_heart(&mut self) -> Option<String> {
        let Margins { sum, steps } = std::mem::take(&mut self.margins);
        let (mean, limit) = (sum / steps as f64, f64::from(self.method.offline().stop_margin?));
        (mean > limit).then(|| {
            self.policy.stop();
            format!("stopped: rewards/margins were {mean:.1} over the last pass, above stop_margin {limit}: the pairs are known by heart")
        })
    }

    // 4. After every pass, on the prompts set aside.
    async fn measure(&mut self, metrics: &mut Metrics, told: &mut Told) -> Result<(), SessionError> {
        if self.held_out.iter().all(|ranking| ranking.ranked.pairs.is_empty()) {
            return Ok(());
        }
        let judged = judge(self.held_out.iter().map(|one| (&one.ranked, self.implicit_rewards(one)))).await?;
        insert_accuracy(metrics, "eval_rewards/accuracies", &judged.accuracy());
        metrics.insert("eval_loss".into(), judged.loss());
        told.warning(self.policy.measured(judged.loss())?);
        Ok(())
    }
}

impl<M: OfflineMethod> Stage for Offline<M> {
    type State = OfflineState;
    const NAME: StageName = StageName::Tune;

    // 3. All pairs of a few rankings.
    async fn advance(&mut self, told: &mut Told) -> Result<(), SessionError> {
        let OfflineOptions { batch_size: size, seed, .. } = *self.method.offline();
        let (config, reference) = (&self.policy.trainer.model.config, self.reference.as_ref());
        let batch = |number| {
            let rankings = rankings_of_batch(&self.train, number, size, seed);
            PreferenceBatch::new(&rankings, reference, M::HAS_MISMATCHED, &self.tokenizer, config, &self.device)
        };
        let batches: Vec<_> = self.policy.batches().map(batch).collect();
        let method = &self.method;
        let losses = batches.iter().map(|batch| (1.0, move |policy: &Decoder| method.loss(policy, batch)));
        let mut metrics = self.policy.step(losses).await?;
        self.margins.sum += metrics.get("rewards/margins").copied().unwrap_or(0.0);
        self.margins.steps += 1;
        if self.policy.ends_pass() {
            told.warning(self.stop_by_heart());
            self.measure(&mut metrics, told).await?;
        }
        told.progress(metrics, "tokens_per_second", batches.iter().map(PreferenceBatch::tokens).sum());
        Ok(())
    }

    // 5. The model folder.
    async fn end(&mut self) -> Result<Vec<Event>, SessionError> {
        let model = self.policy.model();
        let precision = self.method.offline().passes.finetuning.precision;
        let files = folder::save(model, &model.config, Kind::Decoder, &self.tokenizer, precision).await?;
        Ok([Event::Model { name: "policy".into(), files }].into_iter().chain(self.policy.told()).collect())
    }

    fn standing(&self) -> Standing {
        self.policy.standing(self.policy.trainer.model.config.parameter_count())
    }

    fn state(&self) -> OfflineState {
        OfflineState { passes: self.policy.state(), margins: self.margins }
    }

    fn save(&self, writer: SnapshotWriter) -> Result<SnapshotWriter, SessionError> {
        Ok(self.policy.save(writer))
    }

    fn restore(&mut self, state: OfflineState, snapshot: &Snapshot) -> Result<(), SessionError> {
        self.margins = state.margins;
        self.policy.restore(state.passes, snapshot, &self.device)
    }
}
