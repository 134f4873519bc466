//! Reward modelling: a scalar head on the SFT model learns to score answers as the rankings order them.
//!
//! What the rankings ask is a choice: every pair in order (Bradley-Terry; Stiennon et al. 2020, InstructGPT), the best
//! above all others (Ziegler et al. 2019), or the whole order (Plackett-Luce).
//!
//! 1. Turn rankings into comparisons; set all comparisons of some prompts aside.
//! 2. Start from the SFT model with a fresh head.
//! 3. Step: score every answer of a few rankings once; all pairs of one ranking are one batch element
//!    (InstructGPT 3.5); the loss; update.
//! 4. After every pass, measure pair accuracy and calibration on the prompts set aside.
//! 5. Fix the zero: a bias brings the mean reward of demonstrations, if there are any, to 0 (InstructGPT 3.5).
//! 6. Save the model folder with its `score.weight`.
//!
//! An ensemble is several runs that differ in `member`. Deliberately absent: what its members say together.

use crate::SessionError;
use crate::checks;
use crate::folder::{self, Folder, Kind};
use crate::options::RewardOptions;
use crate::platform::Stopwatch;
use crate::protocol::{Event, Files, Metrics, Stage};
use crate::readback::read;
use crate::snapshot::{Snapshot, SnapshotWriter, StepState};
use crate::stage::rankings::{Ranked, insert_accuracy, judge, rankings_of_step, read_rankings};
use crate::stage::score::{AnswerBatch, encode_answer};
use crate::stage::{ends_epoch, steps_of_epochs};
use crate::trainer::{Trainer, training_device};
use burn::tensor::{Device, Tensor};
use nudge_data::{Tokenizer, demonstrations_from};
use nudge_model::{OptimizerOptions, Precision, ScalarModel};
use nudge_rlhf::{
    ChoiceBatch, Decay, LearningRate, PairBatch, PairwiseLoss, RewardLoss, RewardNormalization, calibration_table,
    choice_loss, expected_calibration_error, pairwise_loss,
};

/// Bins of the calibration error.
const CALIBRATION_BINS: usize = 10;
/// Demonstrations scored together.
const DEMONSTRATIONS_AT_ONCE: usize = 16;

/// A reward-modelling run.
pub struct Reward {
    options: RewardOptions,
    fingerprint: String,
    tokenizer: Tokenizer,
    train: Vec<Ranked<Vec<u32>>>,
    held_out: Vec<Ranked<Vec<u32>>>,
    /// Rows whose mean reward shall be 0.
    demonstrations: Vec<Vec<u32>>,
    trainer: Trainer<ScalarModel>,
    total_steps: usize,
    device: Device,
    clock: Stopwatch,
    saved: bool,
}

impl Reward {
    /// Reads the rankings or comparisons, and the demonstrations that shall score 0 on average.
    pub fn new(
        folder: Folder,
        comparisons: &str,
        demonstrations: &str,
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
        let demonstrations = demonstrations_from("demonstrations", demonstrations)?
            .iter()
            .map(|record| encode_answer(&folder, &record.prompt, &record.completion).map(|row| row.tokens))
            .collect::<Result<_, _>>()?;
        // 2. The SFT model under a fresh head.
        let model = ScalarModel::on(&folder.decoder(device)?, member_seed(&options));
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
        Ok(Self {
            options,
            fingerprint,
            tokenizer,
            train,
            held_out,
            demonstrations,
            trainer,
            total_steps,
            device,
            clock,
            saved: false,
        })
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
        // 5. and 6. The zero, the model folder.
        self.saved = true;
        let bias = self.bias().await?;
        let model = &self.trainer.model;
        let config = &model.decoder.config;
        let mut files = folder::save(model, config, Kind::Reward, &self.tokenizer, Precision::F32).await?;
        bias.into_iter().for_each(|bias| folder::set_reward_bias(&mut files, bias));
        Ok(Some(Event::Model { name: "reward".into(), files }))
    }

    // 3. All pairs of a few rankings.
    async fn step(&mut self) -> Result<Event, SessionError> {
        let clock = Stopwatch::start();
        let size = self.options.batch_size;
        let device = training_device(&self.device);
        let chosen = rankings_of_step(&self.train, self.trainer.optimizer.step, size, member_seed(&self.options));
        let batch = RankingBatch::new(&chosen, &self.tokenizer, &self.trainer.model, &device);
        let options = &self.options;
        let numbers = self
            .trainer
            .step(|model| {
                let loss = batch.loss(model, options);
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
            let judged = judge(&self.held_out, |rows| self.rewards(rows)).await?;
            insert_accuracy(&mut metrics, "eval_accuracy", &judged.accuracy());
            let table = calibration_table(&judged.rewards, &judged.pairs, CALIBRATION_BINS);
            metrics.insert("eval_ece".into(), expected_calibration_error(&table));
        }
        let seconds = clock.seconds();
        metrics.insert("tokens_per_second".into(), batch.answers.tokens as f64 / seconds);
        Ok(Event::Progress { stage: Stage::Reward, step, total_steps: self.total_steps, metrics, seconds })
    }

    /// What brings the mean reward of the demonstrations to 0; nothing without demonstrations.
    async fn bias(&self) -> Result<Option<f32>, SessionError> {
        let mut rewards = Vec::new();
        for rows in self.demonstrations.chunks(DEMONSTRATIONS_AT_ONCE) {
            rewards.extend(read(self.rewards(rows)).await?);
        }
        Ok((!rewards.is_empty()).then(|| RewardNormalization::mean_zero(&rewards).bias))
    }

    fn rewards(&self, rows: &[Vec<u32>]) -> Tensor<1> {
        let model = &self.trainer.model;
        AnswerBatch::new(rows, &self.tokenizer, model, &self.device).rewards(model)
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

/// Seed of the head and of the order: another for each member of an ensemble, while the split stays.
fn member_seed(options: &RewardOptions) -> u64 {
    options.seed.wrapping_add((options.member as u64) << 32)
}

/// A few rankings as tensors: every answer once, all pairs and tiers.
struct RankingBatch {
    answers: AnswerBatch,
    pairs: PairBatch,
    margins: Vec<Option<f32>>, // [pairs]
    tiers: Vec<Vec<Vec<usize>>>,
    device: Device,
}

impl RankingBatch {
    fn new(rankings: &[&Ranked<Vec<u32>>], tokenizer: &Tokenizer, model: &ScalarModel, device: &Device) -> Self {
        let (mut rows, mut pairs, mut margins, mut tiers) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        for ranked in rankings {
            let offset = rows.len();
            pairs.push(ranked.pairs.iter().map(|(w, l)| (w + offset, l + offset)).collect::<Vec<_>>());
            margins.extend(ranked.pairs.iter().map(|_| ranked.margin));
            let shifted = |tier: &Vec<usize>| tier.iter().map(|answer| answer + offset).collect();
            tiers.push(ranked.tiers.iter().map(shifted).collect());
            rows.extend(ranked.rows.iter().cloned());
        }
        let answers = AnswerBatch::new(&rows, tokenizer, model, device);
        Self { answers, pairs: PairBatch::new(&pairs), margins, tiers, device: device.clone() }
    }

    /// The loss asked for; accuracy and margin are those of the pairs whatever the loss.
    fn loss(&self, model: &ScalarModel, options: &RewardOptions) -> PairwiseLoss {
        let rewards = self.answers.rewards(model);
        let pairs = self.pairwise(rewards.clone(), options);
        let loss = match options.loss {
            RewardLoss::BradleyTerry => return pairs,
            RewardLoss::BestOfK => choice_loss(rewards.clone(), &ChoiceBatch::best_of_k(&self.tiers)),
            RewardLoss::PlackettLuce => choice_loss(rewards.clone(), &ChoiceBatch::plackett_luce(&self.tiers)),
        };
        let centring = rewards.square().mean().mul_scalar(options.center_rewards_coefficient);
        PairwiseLoss { loss: loss + centring, ..pairs }
    }

    fn pairwise(&self, rewards: Tensor<1>, options: &RewardOptions) -> PairwiseLoss {
        let PairBatch { winners, losers, weights } = &self.pairs;
        let margins: Vec<f32> = self.margins.iter().map(|margin| margin.unwrap_or(options.margin)).collect();
        let margins = margins.iter().any(|margin| *margin != 0.0).then_some(margins);
        pairwise_loss(
            rewards,
            Tensor::from_data(winners.as_slice(), &self.device),
            Tensor::from_data(losers.as_slice(), &self.device),
            Tensor::from_data(weights.as_slice(), &self.device),
            margins.map(|margins| Tensor::from_data(margins.as_slice(), &self.device)),
            options.center_rewards_coefficient,
        )
    }
}

fn check(options: &RewardOptions) -> Result<(), SessionError> {
    checks::at_least_one([("batch_size", options.batch_size)])?;
    checks::learning_rates([("learning_rate", options.learning_rate)])?;
    checks::epochs(options.epochs)?;
    checks::margin(options.margin, options.loss == RewardLoss::BradleyTerry)?;
    checks::held_out(options.held_out)
}
