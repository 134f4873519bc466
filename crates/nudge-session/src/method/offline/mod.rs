//! Learning from rankings as they are, without a reward model and without sampling: what DPO, KTO and ORPO do alike.
//!
//! 1. Turn rankings into comparisons; set all comparisons of some prompts aside.
//! 2. The reference, where a method has one, is the model at the start.
//! 3. Step: run every answer of a few rankings through policy and reference once; all pairs of one ranking are one
//!    batch element (InstructGPT 3.5); the method's loss; update.
//! 4. After every pass, measure pair accuracy by implicit reward on the prompts set aside.
//! 5. Save the policy.
//!
//! A method is what differs: its loss and its implicit reward ([`Method`]; one file each).
//! Deliberately absent: a store of the reference's log-probabilities. A resumed run computes the same ones again.

use crate::SessionError;
use crate::checks;
use crate::folder::{self, Folder, Kind};
use crate::platform::Stopwatch;
use crate::protocol::{Event, Files, Metrics, Stage};
use crate::snapshot::{Snapshot, SnapshotWriter, StepState};
use crate::stage::batching::DemonstrationBatch;
use crate::stage::preference_batch::{AnswerLogprobs, PreferenceBatch};
use crate::stage::rankings::{Ranked, insert_accuracy, judge, rankings_of_step, read_judgements, read_rankings};
use crate::stage::score::encode_answer;
use crate::stage::{ends_epoch, steps_of_epochs};
use crate::trainer::Trainer;
use burn::tensor::{Device, Tensor};
use nudge_data::{EncodedDemonstration, Prompt, Tokenizer};
use nudge_model::{Decoder, Frozen, OptimizerOptions, Precision};
use nudge_rlhf::{Decay, LearningRate};

/// What the methods share of their options.
#[derive(Debug, Clone, Copy)]
pub struct Training {
    /// Passes over the rankings.
    pub epochs: f32,
    /// Rankings of one step.
    pub batch_size: usize,
    /// Peak learning rate; falls linearly to 0.
    pub learning_rate: f32,
    /// Share of prompts kept out of training.
    pub held_out: f32,
    /// Seed of the order and the split.
    pub seed: u64,
}

/// The loss of a step, `[1]`, and what else it measured, each `[1]` and by TRL's name.
pub type Measured = (Tensor<1>, Vec<(&'static str, Tensor<1>)>);

/// What one method makes of the answers of a few rankings.
pub trait Method {
    /// Its stage.
    const STAGE: Stage;
    /// Its name in errors.
    const NAME: &'static str;
    /// Whether the policy is compared with where it started.
    const HAS_REFERENCE: bool = true;
    /// Whether answers with a label of their own are read as well.
    const READS_LABELS: bool = false;
    /// Whether answers to other prompts are run as well.
    const HAS_MISMATCHED: bool = false;

    /// The loss, differentiable, and further numbers.
    fn loss(&self, policy: &Decoder, batch: &PreferenceBatch) -> Measured;

    /// The reward for which the policy is optimal, up to a number that all answers to one prompt share, `[answers]`.
    fn implicit_rewards(&self, policy: AnswerLogprobs, reference: Option<AnswerLogprobs>) -> Tensor<1>;
}

/// A run of one method.
pub struct Preference<M> {
    method: M,
    training: Training,
    fingerprint: String,
    tokenizer: Tokenizer,
    train: Vec<Ranked<EncodedDemonstration>>,
    held_out: Vec<Ranked<EncodedDemonstration>>,
    policy: Trainer<Decoder>,
    reference: Option<Frozen<Decoder>>,
    total_steps: usize,
    device: Device,
    clock: Stopwatch,
    saved: bool,
}

impl<M: Method> Preference<M> {
    /// Reads the rankings or comparisons.
    pub fn new(
        folder: Folder,
        comparisons: &str,
        method: M,
        training: Training,
        fingerprint: String,
        resume: Option<Files>,
        device: &Device,
    ) -> Result<Self, SessionError> {
        check(&training)?;
        // 1. Comparisons, split by prompt.
        let encode = |prompt: &Prompt, answer: &str| encode_answer(&folder, prompt, answer);
        let (train, held_out) = match M::READS_LABELS {
            true => read_judgements(comparisons, training.held_out, training.seed, encode)?,
            false => read_rankings(comparisons, training.held_out, training.seed, encode)?,
        };
        if M::HAS_MISMATCHED && train.len() < 2 {
            return Err(SessionError::Nothing(format!(
                "{} measures its KL on answers to another prompt and needs two rankings or more; there is {}",
                M::NAME,
                train.len()
            )));
        }
        let start = folder.decoder(device)?;
        let mut this = Self::assemble(start, folder.tokenizer, train, held_out, method, training, fingerprint, device);
        if let Some(files) = resume {
            this.restore(files)?;
        }
        Ok(this)
    }

    /// A run from its parts.
    #[allow(clippy::too_many_arguments)]
    pub(crate) fn assemble(
        start: Decoder,
        tokenizer: Tokenizer,
        train: Vec<Ranked<EncodedDemonstration>>,
        held_out: Vec<Ranked<EncodedDemonstration>>,
        method: M,
        training: Training,
        fingerprint: String,
        device: &Device,
    ) -> Self {
        // 2. Policy and reference are one model at the start.
        let reference = M::HAS_REFERENCE.then(|| start.frozen());
        let total_steps = steps_of_epochs(training.epochs, train.len(), training.batch_size);
        let schedule = LearningRate::new(training.learning_rate.into(), total_steps)
            .warmup((total_steps / 10).min(10))
            .decay(Decay::Linear);
        Self {
            method,
            training,
            fingerprint,
            tokenizer,
            train,
            held_out,
            policy: Trainer::new(start, OptimizerOptions::default(), schedule, M::NAME),
            reference,
            total_steps,
            device: device.clone(),
            clock: Stopwatch::start(),
            saved: false,
        }
    }

    /// What the shell is told first.
    pub fn started(&self) -> Event {
        Event::Started {
            stage: M::STAGE,
            step: self.policy.optimizer.step,
            total_steps: self.total_steps,
            parameters: self.policy.model.config.parameter_count(),
        }
    }

    /// One step, or the model, or nothing more.
    pub async fn next(&mut self) -> Result<Option<Event>, SessionError> {
        if self.saved {
            return Ok(None);
        }
        if self.policy.optimizer.step < self.total_steps {
            return self.step().await.map(Some);
        }
        // 5. The model folder.
        self.saved = true;
        let model = &self.policy.model;
        let files = folder::save(model, &model.config, Kind::Decoder, &self.tokenizer, Precision::F32).await?;
        Ok(Some(Event::Model { name: "policy".into(), files }))
    }

    // 3. All pairs of a few rankings.
    async fn step(&mut self) -> Result<Event, SessionError> {
        let clock = Stopwatch::start();
        let size = self.training.batch_size;
        let rankings = rankings_of_step(&self.train, self.policy.optimizer.step, size, self.training.seed);
        let config = &self.policy.model.config;
        let batch = PreferenceBatch::new(
            &rankings,
            self.reference.as_ref(),
            M::HAS_MISMATCHED,
            &self.tokenizer,
            config,
            &self.device,
        );
        let (mut names, method) = (Vec::new(), &self.method);
        let step = self.policy.step(|policy| {
            let (loss, measured) = method.loss(policy, &batch);
            let (found, numbers) = measured.into_iter().unzip();
            names = found;
            (loss, numbers)
        });
        let numbers = step.await?;
        let step = self.policy.optimizer.step;
        let mut metrics: Metrics =
            names.iter().zip(&numbers.extra).map(|(name, number)| (name.to_string(), f64::from(*number))).collect();
        metrics.insert("loss".into(), numbers.loss.into());
        metrics.insert("grad_norm".into(), numbers.grad_norm.into());
        metrics.insert("learning_rate".into(), numbers.learning_rate);
        metrics.insert("epoch".into(), (step * size) as f64 / self.train.len() as f64);
        // 4. After every pass and at the end.
        let measure = ends_epoch(step, size, self.train.len()) || step == self.total_steps;
        if measure && self.held_out.iter().any(|ranked| !ranked.pairs.is_empty()) {
            let judged = judge(&self.held_out, |rows| self.implicit_rewards(rows)).await?;
            insert_accuracy(&mut metrics, "eval_rewards/accuracies", &judged.accuracy());
        }
        let seconds = clock.seconds();
        metrics.insert("tokens_per_second".into(), batch.tokens() as f64 / seconds);
        Ok(Event::Progress { stage: M::STAGE, step, total_steps: self.total_steps, metrics, seconds })
    }

    /// The implicit reward of each answer, `[answers]`.
    fn implicit_rewards(&self, answers: &[EncodedDemonstration]) -> Tensor<1> {
        let answers: Vec<&EncodedDemonstration> = answers.iter().collect();
        let batch =
            DemonstrationBatch::padded(&answers, self.tokenizer.pad_id(), &self.policy.model.config, &self.device);
        let reference = self.reference.as_ref().map(|reference| AnswerLogprobs::new(&batch, reference));
        self.method.implicit_rewards(AnswerLogprobs::new(&batch, &self.policy.model), reference)
    }

    /// A checkpoint between two steps.
    pub async fn save(&self) -> Result<Files, SessionError> {
        let state = StepState { step: self.policy.optimizer.step };
        SnapshotWriter::default().trainer("", &self.policy).finish(&self.fingerprint, state).await
    }

    fn restore(&mut self, files: Files) -> Result<(), SessionError> {
        let snapshot = Snapshot::<StepState>::open(files, &self.fingerprint)?;
        snapshot.trainer("", &mut self.policy, snapshot.state.step, &self.device)
    }

    /// What the shell is told last.
    pub fn finished(&self) -> Event {
        Event::Finished { stage: M::STAGE, seconds: self.clock.seconds() }
    }
}

fn check(training: &Training) -> Result<(), SessionError> {
    checks::at_least_one([("batch_size", training.batch_size)])?;
    checks::learning_rates([("learning_rate", training.learning_rate)])?;
    checks::epochs(training.epochs)?;
    checks::held_out(training.held_out)
}
