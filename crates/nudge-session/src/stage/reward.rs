//! Reward modelling: a scalar head on the SFT model learns to score answers as the rankings order them.
//!
//! 1. Turn rankings into comparisons; set all comparisons of some prompts aside.
//! 2. Start from the SFT model with a fresh head.
//! 3. Step: score every answer of a few rankings once; all pairs of one ranking are one batch element
//!    (InstructGPT 3.5); -log sigmoid of the difference; update.
//! 4. After every pass, measure pair accuracy on the prompts set aside.
//! 5. Save the model folder with its `score.weight`.
//!
//! Deliberately absent: ensembles, margins from people.

use crate::SessionError;
use crate::checks;
use crate::folder::{self, Folder, Kind};
use crate::options::RewardOptions;
use crate::platform::Stopwatch;
use crate::protocol::{Event, Files, Metrics, Stage};
use crate::snapshot::{Snapshot, SnapshotWriter, StepState};
use crate::stage::rankings::{Ranked, accuracy_on, insert_accuracy, rankings_of_step, read_rankings};
use crate::stage::score::{AnswerBatch, encode_answer};
use crate::stage::{ends_epoch, steps_of_epochs};
use crate::trainer::{Trainer, training_device};
use burn::tensor::{Device, Tensor};
use nudge_data::Tokenizer;
use nudge_model::{OptimizerOptions, Precision, ScalarModel};
use nudge_rlhf::{Decay, LearningRate, PairBatch, PairwiseLoss, pairwise_loss};

/// A reward-modelling run.
pub struct Reward {
    options: RewardOptions,
    fingerprint: String,
    tokenizer: Tokenizer,
    train: Vec<Ranked<Vec<u32>>>,
    held_out: Vec<Ranked<Vec<u32>>>,
    trainer: Trainer<ScalarModel>,
    total_steps: usize,
    device: Device,
    clock: Stopwatch,
    saved: bool,
}

impl Reward {
    /// Reads the rankings or comparisons.
    pub fn new(
        folder: Folder,
        comparisons: &str,
        options: RewardOptions,
        fingerprint: String,
        resume: Option<Files>,
        device: &Device,
    ) -> Result<Self, SessionError> {
        check(&options)?;
        // 1. Comparisons, split by prompt.
        let (train, held_out) = read_rankings(comparisons, options.held_out, options.seed, |prompt, answer| {
            encode_answer(&folder, prompt, answer).map(|encoded| encoded.tokens)
        })?;
        // 2. The SFT model under a fresh head.
        let model = ScalarModel::on(&folder.decoder(device)?, options.seed);
        let total_steps = steps_of_epochs(options.epochs, train.len(), options.batch_size);
        let schedule = LearningRate::new(options.learning_rate.into(), total_steps)
            .warmup((total_steps / 10).min(10))
            .decay(Decay::Linear);
        let optimizer = OptimizerOptions { weight_decay: options.weight_decay, ..Default::default() };
        let mut trainer = Trainer::new(model, optimizer, schedule, "reward modelling");
        if let Some(files) = resume {
            let snapshot = Snapshot::<StepState>::open(files, &fingerprint)?;
            snapshot.trainer("", &mut trainer, snapshot.state.step, device)?;
        }
        let (tokenizer, device, clock) = (folder.tokenizer, device.clone(), Stopwatch::start());
        Ok(Self { options, fingerprint, tokenizer, train, held_out, trainer, total_steps, device, clock, saved: false })
    }

    /// What the shell is told first.
    pub fn started(&self) -> Event {
        Event::Started {
            stage: Stage::Reward,
            step: self.trainer.optimizer.step,
            total_steps: self.total_steps,
            parameters: self.trainer.model.decoder.config.parameter_count(),
        }
    }

    /// One step, or the model, or nothing more.
    pub async fn next(&mut self) -> Result<Option<Event>, SessionError> {
        if self.saved {
            return Ok(None);
        }
        if self.trainer.optimizer.step < self.total_steps {
            return self.step().await.map(Some);
        }
        // 5. The model folder.
        self.saved = true;
        let model = &self.trainer.model;
        let config = &model.decoder.config;
        let files = folder::save(model, config, Kind::Reward, &self.tokenizer, Precision::F32).await?;
        Ok(Some(Event::Model { name: "reward".into(), files }))
    }

    // 3. All pairs of a few rankings.
    async fn step(&mut self) -> Result<Event, SessionError> {
        let clock = Stopwatch::start();
        let size = self.options.batch_size;
        let device = training_device(&self.device);
        let chosen = rankings_of_step(&self.train, self.trainer.optimizer.step, size, self.options.seed);
        let batch = RankingBatch::new(&chosen, &self.tokenizer, &self.trainer.model, &device);
        let centring = self.options.center_rewards_coefficient;
        let numbers = self
            .trainer
            .step(|model| {
                let loss = batch.loss(model, centring);
                (loss.loss, vec![loss.accuracy, loss.margin])
            })
            .await?;
        let step = self.trainer.optimizer.step;
        let mut metrics = Metrics::from([
            ("loss".into(), numbers.loss.into()),
            ("accuracy".into(), numbers.extra[0].into()),
            ("margin".into(), numbers.extra[1].into()),
            ("grad_norm".into(), numbers.grad_norm.into()),
            ("learning_rate".into(), numbers.learning_rate),
            ("epoch".into(), (step * size) as f64 / self.train.len() as f64),
        ]);
        // 4. After every pass and at the end.
        let measure = ends_epoch(step, size, self.train.len()) || step == self.total_steps;
        if measure && !self.held_out.is_empty() {
            let accuracy = accuracy_on(&self.held_out, |rows| {
                let model = &self.trainer.model;
                AnswerBatch::new(rows, &self.tokenizer, model, &self.device).rewards(model)
            });
            insert_accuracy(&mut metrics, "eval_accuracy", &accuracy.await?);
        }
        let seconds = clock.seconds();
        metrics.insert("tokens_per_second".into(), batch.answers.tokens as f64 / seconds);
        Ok(Event::Progress { stage: Stage::Reward, step, total_steps: self.total_steps, metrics, seconds })
    }

    /// A checkpoint between two steps.
    pub async fn save(&self) -> Result<Files, SessionError> {
        let state = StepState { step: self.trainer.optimizer.step };
        SnapshotWriter::default().trainer("", &self.trainer).finish(&self.fingerprint, state).await
    }

    /// What the shell is told last.
    pub fn finished(&self) -> Event {
        Event::Finished { stage: Stage::Reward, seconds: self.clock.seconds() }
    }
}

/// A few rankings as tensors: every answer once, all pairs.
struct RankingBatch {
    answers: AnswerBatch,
    pairs: PairBatch,
    device: Device,
}

impl RankingBatch {
    fn new(rankings: &[&Ranked<Vec<u32>>], tokenizer: &Tokenizer, model: &ScalarModel, device: &Device) -> Self {
        let mut rows = Vec::new();
        let mut pairs = Vec::new();
        for ranked in rankings {
            let offset = rows.len();
            pairs.push(ranked.pairs.iter().map(|(w, l)| (w + offset, l + offset)).collect::<Vec<_>>());
            rows.extend(ranked.rows.iter().cloned());
        }
        let answers = AnswerBatch::new(&rows, tokenizer, model, device);
        Self { answers, pairs: PairBatch::new(&pairs), device: device.clone() }
    }

    fn loss(&self, model: &ScalarModel, center_rewards_coefficient: f32) -> PairwiseLoss {
        let PairBatch { winners, losers, weights } = &self.pairs;
        pairwise_loss(
            self.answers.rewards(model),
            Tensor::from_data(winners.as_slice(), &self.device),
            Tensor::from_data(losers.as_slice(), &self.device),
            Tensor::from_data(weights.as_slice(), &self.device),
            None,
            center_rewards_coefficient,
        )
    }
}

fn check(options: &RewardOptions) -> Result<(), SessionError> {
    checks::at_least_one([("batch_size", options.batch_size)])?;
    checks::learning_rates([("learning_rate", options.learning_rate)])?;
    checks::epochs(options.epochs)?;
    checks::held_out(options.held_out)
}
