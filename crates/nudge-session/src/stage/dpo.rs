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
use crate::readback::read;
use crate::snapshot::{Snapshot, SnapshotWriter};
use crate::stage::epoch_places;
use crate::stage::score::encode_answer;
use crate::stage::sft::DemonstrationBatch;
use crate::trainer::{StepNumbers, Trainer, training_device};
use burn::tensor::{Device, Int, Tensor};
use nudge_data::{Comparison, EncodedDemonstration, Tokenizer, comparisons_from, split_by_prompt};
use nudge_model::{Decoder, Frozen, OptimizerOptions, Precision};
use nudge_rlhf::{Decay, LearningRate, WinRate, dpo_loss, pairwise_accuracy};
use serde::{Deserialize, Serialize};

/// A DPO run.
pub struct Dpo {
    options: DpoOptions,
    fingerprint: String,
    tokenizer: Tokenizer,
    train: Vec<Ranked>,
    held_out: Vec<Ranked>,
    policy: Trainer<Decoder>,
    reference: Frozen<Decoder>,
    total_steps: usize,
    device: Device,
    clock: Stopwatch,
    saved: bool,
}

#[derive(Serialize, Deserialize)]
struct State {
    step: usize,
}

/// One ranking: its answers behind their prompt, and its `(winner, loser)` pairs.
struct Ranked {
    answers: Vec<EncodedDemonstration>,
    pairs: Vec<(usize, usize)>,
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
        let (train, held_out) = rankings(comparisons, &folder, &options)?;
        // 2. Policy and reference are one model at the start.
        let start = folder.decoder(device)?;
        let reference = start.frozen();
        let steps_per_epoch = train.len() as f32 / options.batch_size as f32;
        let total_steps = ((options.epochs * steps_per_epoch).ceil() as usize).max(1);
        let schedule = LearningRate::new(options.learning_rate.into(), total_steps)
            .warmup((total_steps / 10).min(10))
            .decay(Decay::Linear);
        let mut policy = Trainer::new(start, OptimizerOptions::default(), schedule, "DPO");
        if let Some(files) = resume {
            let snapshot = Snapshot::<State>::open(files, &fingerprint)?;
            snapshot.model("", &mut policy.model, device)?;
            let Trainer { model, optimizer, .. } = &mut policy;
            snapshot.optimizer("", optimizer, model, snapshot.state.step, device)?;
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
        let (size, first) = (self.options.batch_size, self.policy.optimizer.step * self.options.batch_size);
        let places = epoch_places(self.train.len(), first, size.min(self.train.len()), self.options.seed);
        let rankings: Vec<&Ranked> = places.into_iter().map(|place| &self.train[place]).collect();
        let batch = RankingBatch::new(&rankings, &self.reference, &self.tokenizer, &self.device);
        let numbers = self.policy.step(|policy| batch.loss(policy, &self.options)).await?;
        let step = self.policy.optimizer.step;
        let mut metrics = metrics(&numbers);
        metrics.insert("epoch".into(), (step * size) as f64 / self.train.len() as f64);
        // 4. After every pass and at the end.
        let passes = |step: usize| step * size / self.train.len();
        if !self.held_out.is_empty() && (passes(step) > passes(step - 1) || step == self.total_steps) {
            let accuracy = self.held_out_accuracy().await?;
            metrics.insert("eval_rewards/accuracies".into(), accuracy.win_rate);
            metrics.insert("eval_rewards/accuracies_low".into(), accuracy.low);
            metrics.insert("eval_rewards/accuracies_high".into(), accuracy.high);
            metrics.insert("eval_pairs".into(), (accuracy.wins + accuracy.ties + accuracy.losses) as f64);
        }
        let seconds = clock.seconds();
        metrics.insert("tokens_per_second".into(), batch.answers.tokens as f64 / seconds);
        Ok(Event::Progress { stage: Stage::Dpo, step, total_steps: self.total_steps, metrics, seconds })
    }

    async fn held_out_accuracy(&self) -> Result<WinRate, SessionError> {
        let (mut rewards, mut pairs) = (Vec::new(), Vec::new());
        for ranked in &self.held_out {
            let offset = rewards.len();
            pairs.extend(ranked.pairs.iter().map(|(winner, loser)| (winner + offset, loser + offset)));
            let answers: Vec<&EncodedDemonstration> = ranked.answers.iter().collect();
            let batch = DemonstrationBatch::new(&answers, &self.tokenizer, &self.reference, &self.device);
            let logprobs = [&self.policy.model, &self.reference].map(|model| batch.answer_logprobs(model));
            rewards.extend(read(implicit_rewards(logprobs, self.options.beta)).await?);
        }
        Ok(pairwise_accuracy(&rewards, &pairs))
    }

    /// A checkpoint between two steps.
    pub async fn save(&self) -> Result<Files, SessionError> {
        let Trainer { model, optimizer, .. } = &self.policy;
        let writer = SnapshotWriter::default().model("", model).optimizer("", optimizer, model);
        writer.finish(&self.fingerprint, State { step: optimizer.step }).await
    }

    /// What the shell is told last.
    pub fn finished(&self) -> Event {
        Event::Finished { stage: Stage::Dpo, seconds: self.clock.seconds() }
    }
}

// 1. Comparisons, split by prompt: to train on and to measure on.
fn rankings(text: &str, folder: &Folder, options: &DpoOptions) -> Result<(Vec<Ranked>, Vec<Ranked>), SessionError> {
    let all = comparisons_from("comparisons", text)?;
    if all.is_empty() {
        return Err(SessionError::Nothing("there is no comparison to learn from; rank some answers first".into()));
    }
    let (train, held_out) = split_by_prompt(all, options.held_out, options.seed);
    let encode = |all: Vec<Comparison>| -> Result<Vec<Ranked>, SessionError> {
        all.into_iter().map(|comparison| Ranked::encode(comparison, folder)).collect()
    };
    Ok((encode(train)?, encode(held_out)?))
}

impl Ranked {
    fn encode(comparison: Comparison, folder: &Folder) -> Result<Self, SessionError> {
        let Comparison { prompt, completions, pairs } = comparison;
        let answers =
            completions.iter().map(|answer| encode_answer(folder, &prompt, answer)).collect::<Result<_, _>>()?;
        Ok(Self { answers, pairs })
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
    fn new(rankings: &[&Ranked], reference: &Frozen<Decoder>, tokenizer: &Tokenizer, device: &Device) -> Self {
        let training = training_device(device);
        let (mut rows, mut pairs) = (Vec::new(), Vec::new());
        for ranked in rankings {
            pairs.push(RankingPairs::new(&ranked.pairs, rows.len(), &training));
            rows.extend(&ranked.answers);
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

/// `beta * (logprob - ref_logprob)` of each answer, `[answers]`: the reward for which the policy is optimal, up to a
/// number that all answers to one prompt share (Rafailov et al. 2023, eq. 5).
fn implicit_rewards([logprobs, ref_logprobs]: [Tensor<1>; 2], beta: f32) -> Tensor<1> {
    (logprobs - ref_logprobs).mul_scalar(beta)
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
