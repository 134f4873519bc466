//! Direct preference optimisation: the policy learns from the rankings themselves, on a leash to where it started.
//!
//! 1. Turn rankings into comparisons; set all comparisons of some prompts aside.
//! 2. The reference is the model at the start.
//! 3. Step: run every answer of a few rankings through policy and reference once; all pairs of one ranking are one
//!    batch element (InstructGPT 3.5); the DPO loss; update.
//! 4. After every pass, measure pair accuracy by implicit reward on the prompts set aside.
//! 5. Save the policy.
//!
//! Sources: Rafailov et al. 2023; TRL for the names of the numbers.
//! Deliberately absent: a store of the reference's log-probabilities. A resumed run computes the same ones again.

use crate::SessionError;
use crate::checks;
use crate::folder::{self, Folder, Kind};
use crate::options::DpoOptions;
use crate::platform::Stopwatch;
use crate::protocol::{Event, Files, Metrics, Stage};
use crate::snapshot::{Snapshot, SnapshotWriter, StepState};
use crate::stage::rankings::{Ranked, accuracy_on, insert_accuracy, rankings_of_step, read_rankings};
use crate::stage::score::encode_answer;
use crate::stage::sft::DemonstrationBatch;
use crate::stage::{ends_epoch, steps_of_epochs};
use crate::trainer::{StepNumbers, Trainer, training_device};
use burn::tensor::{Device, Int, Tensor};
use nudge_data::{EncodedDemonstration, Tokenizer};
use nudge_model::{Decoder, Frozen, OptimizerOptions, Precision};
use nudge_rlhf::{Decay, DpoVariant, LearningRate, dpo_loss};

/// A DPO run.
pub struct Dpo {
    options: DpoOptions,
    fingerprint: String,
    tokenizer: Tokenizer,
    train: Vec<Ranked<EncodedDemonstration>>,
    held_out: Vec<Ranked<EncodedDemonstration>>,
    policy: Trainer<Decoder>,
    reference: Frozen<Decoder>,
    total_steps: usize,
    device: Device,
    clock: Stopwatch,
    saved: bool,
}

impl Dpo {
    /// Reads the rankings or comparisons.
    pub fn new(
        folder: Folder,
        comparisons: &str,
        options: DpoOptions,
        fingerprint: String,
        resume: Option<Files>,
        device: &Device,
    ) -> Result<Self, SessionError> {
        check(&options)?;
        // 1. Comparisons, split by prompt.
        let encode = |prompt: &str, answer: &str| encode_answer(&folder, prompt, answer);
        let (train, held_out) = read_rankings(comparisons, options.held_out, options.seed, encode)?;
        // 2. Policy and reference are one model at the start.
        let start = folder.decoder(device)?;
        let reference = start.frozen();
        let total_steps = steps_of_epochs(options.epochs, train.len(), options.batch_size);
        let schedule = LearningRate::new(options.learning_rate.into(), total_steps)
            .warmup((total_steps / 10).min(10))
            .decay(Decay::Linear);
        let mut policy = Trainer::new(start, OptimizerOptions::default(), schedule, "DPO");
        if let Some(files) = resume {
            let snapshot = Snapshot::<StepState>::open(files, &fingerprint)?;
            snapshot.trainer("", &mut policy, snapshot.state.step, device)?;
        }
        Ok(Self {
            options,
            fingerprint,
            tokenizer: folder.tokenizer,
            train,
            held_out,
            policy,
            reference,
            total_steps,
            device: device.clone(),
            clock: Stopwatch::start(),
            saved: false,
        })
    }

    /// What the shell is told first.
    pub fn started(&self) -> Event {
        Event::Started {
            stage: Stage::Dpo,
            step: self.policy.optimizer.step,
            total_steps: self.total_steps,
            parameters: self.reference.config.parameter_count(),
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
        let size = self.options.batch_size;
        let rankings = rankings_of_step(&self.train, self.policy.optimizer.step, size, self.options.seed);
        let batch = RankingBatch::new(&rankings, &self.reference, &self.tokenizer, &self.device);
        let numbers = self.policy.step(|policy| batch.loss(policy, &self.options)).await?;
        let step = self.policy.optimizer.step;
        let mut metrics = metrics(&numbers);
        metrics.insert("epoch".into(), (step * size) as f64 / self.train.len() as f64);
        // 4. After every pass and at the end.
        let measure = ends_epoch(step, size, self.train.len()) || step == self.total_steps;
        if measure && !self.held_out.is_empty() {
            let accuracy = accuracy_on(&self.held_out, |rows| self.implicit_rewards(rows));
            insert_accuracy(&mut metrics, "eval_rewards/accuracies", &accuracy.await?);
        }
        let seconds = clock.seconds();
        metrics.insert("tokens_per_second".into(), batch.answers.tokens as f64 / seconds);
        Ok(Event::Progress { stage: Stage::Dpo, step, total_steps: self.total_steps, metrics, seconds })
    }

    /// `beta * (logprob - ref_logprob)` of each answer, `[answers]`: the reward for which the policy is optimal, up to
    /// a number that all answers to one prompt share (Rafailov et al. 2023, eq. 5).
    fn implicit_rewards(&self, answers: &[EncodedDemonstration]) -> Tensor<1> {
        let answers: Vec<&EncodedDemonstration> = answers.iter().collect();
        let batch = DemonstrationBatch::new(&answers, &self.tokenizer, &self.reference, &self.device);
        let [logprobs, ref_logprobs] = [&self.policy.model, &self.reference].map(|model| batch.answer_logprobs(model));
        (logprobs - ref_logprobs).mul_scalar(self.options.beta)
    }

    /// A checkpoint between two steps.
    pub async fn save(&self) -> Result<Files, SessionError> {
        let state = StepState { step: self.policy.optimizer.step };
        SnapshotWriter::default().trainer("", &self.policy).finish(&self.fingerprint, state).await
    }

    /// What the shell is told last.
    pub fn finished(&self) -> Event {
        Event::Finished { stage: Stage::Dpo, seconds: self.clock.seconds() }
    }
}

/// A few rankings as tensors: every answer once, all pairs.
struct RankingBatch {
    answers: DemonstrationBatch,
    ref_logprobs: Tensor<1>, // [answers]
    pairs: Vec<RankingPairs>,
}

/// Places of the chosen and the rejected answers of one ranking's pairs in the batch.
struct RankingPairs {
    chosen: Tensor<1, Int>,   // [pairs]
    rejected: Tensor<1, Int>, // [pairs]
}

impl RankingBatch {
    fn new(
        rankings: &[&Ranked<EncodedDemonstration>],
        reference: &Frozen<Decoder>,
        tokenizer: &Tokenizer,
        device: &Device,
    ) -> Self {
        let training = training_device(device);
        let (mut rows, mut pairs) = (Vec::new(), Vec::new());
        for ranked in rankings {
            pairs.push(RankingPairs::new(&ranked.pairs, rows.len(), &training));
            rows.extend(&ranked.rows);
        }
        let ref_logprobs = DemonstrationBatch::new(&rows, tokenizer, reference, device).answer_logprobs(reference);
        let answers = DemonstrationBatch::new(&rows, tokenizer, reference, &training);
        Self { answers, ref_logprobs: ref_logprobs.autodiff(), pairs }
    }

    /// The loss and what [`metrics`] names: means over the pairs of each ranking, then over rankings.
    fn loss(&self, policy: &Decoder, options: &DpoOptions) -> (Tensor<1>, Vec<Tensor<1>>) {
        let logprobs = self.answers.answer_logprobs(policy); // [answers]
        let mut terms: [Vec<Tensor<1>>; 6] = Default::default();
        for RankingPairs { chosen, rejected } in &self.pairs {
            let of = |logprobs: &Tensor<1>, places: &Tensor<1, Int>| logprobs.clone().select(0, places.clone());
            let (chosen_logprobs, rejected_logprobs) = (of(&logprobs, chosen), of(&logprobs, rejected));
            let ranking = dpo_loss(
                chosen_logprobs.clone(),
                rejected_logprobs.clone(),
                of(&self.ref_logprobs, chosen),
                of(&self.ref_logprobs, rejected),
                options.beta,
                options.label_smoothing,
                DpoVariant::Sigmoid,
            );
            let numbers = [
                ranking.loss,
                ranking.chosen_rewards,
                ranking.rejected_rewards,
                ranking.accuracy,
                chosen_logprobs.detach().mean(),
                rejected_logprobs.detach().mean(),
            ];
            terms.iter_mut().zip(numbers).for_each(|(term, number)| term.push(number));
        }
        let [loss, extra @ ..] = terms.map(|rankings| Tensor::cat(rankings, 0).mean());
        (loss, extra.into())
    }
}

impl RankingPairs {
    fn new(pairs: &[(usize, usize)], offset: usize, device: &Device) -> Self {
        let places = |side: fn(&(usize, usize)) -> usize| {
            let places: Vec<i32> = pairs.iter().map(|pair| (side(pair) + offset) as i32).collect();
            Tensor::from_data(places.as_slice(), device)
        };
        Self { chosen: places(|pair| pair.0), rejected: places(|pair| pair.1) }
    }
}

/// What [`RankingBatch::loss`] measured, by TRL's names.
fn metrics(numbers: &StepNumbers) -> Metrics {
    let [chosen, rejected, accuracy, logps_chosen, logps_rejected] =
        std::array::from_fn(|at| f64::from(numbers.extra[at]));
    Metrics::from([
        ("loss".into(), numbers.loss.into()),
        ("rewards/chosen".into(), chosen),
        ("rewards/rejected".into(), rejected),
        ("rewards/accuracies".into(), accuracy),
        ("rewards/margins".into(), chosen - rejected),
        ("logps/chosen".into(), logps_chosen),
        ("logps/rejected".into(), logps_rejected),
        ("grad_norm".into(), numbers.grad_norm.into()),
        ("learning_rate".into(), numbers.learning_rate),
    ])
}

fn check(options: &DpoOptions) -> Result<(), SessionError> {
    let wrong = |option, value: f32, expected| Err(SessionError::Option { option, value: value.to_string(), expected });
    if !(options.beta > 0.0 && options.beta.is_finite()) {
        return wrong("beta", options.beta, "more than 0");
    }
    if !(0.0..0.5).contains(&options.label_smoothing) {
        return wrong("label_smoothing", options.label_smoothing, "at least 0 and less than 0.5");
    }
    checks::at_least_one([("batch_size", options.batch_size)])?;
    checks::learning_rates([("learning_rate", options.learning_rate)])?;
    checks::epochs(options.epochs)?;
    checks::held_out(options.held_out)
}
