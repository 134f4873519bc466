//! Reward modelling: a scalar head on the SFT model learns to score completions as the rankings order them.
//!
//! What the rankings ask is a choice: every pair in order (Bradley-Terry; Stiennon et al. 2020, InstructGPT), the best
//! above all others (Ziegler et al. 2019), or the whole order (Plackett-Luce).
//!
//! 1. Turn rankings into comparisons; set all comparisons of some prompts aside.
//! 2. Start from the SFT model with a fresh head.
//! 3. Step: score every completion of a few rankings once; all pairs of one ranking are one batch element
//!    (InstructGPT 3.5); the loss; update.
//! 4. After every pass, measure pair accuracy and calibration on the prompts set aside.
//! 5. Fix the zero: a bias brings the mean reward of demonstrations, if there are any, to 0 (InstructGPT 3.5).
//! 6. Save the model folder with its `score.weight`.
//!
//! An ensemble is several runs that differ in `member`.

use crate::SessionError;
use crate::batch::preferences::{Ranked, insert_accuracy, judge, rankings_of_batch, split_and_encode};
use crate::batch::scored::{CompletionBatch, encode_completion};
use crate::finetuning::Peak;
use crate::folder::{self, Folder, Kind};
use crate::options::{Options, RewardOptions};
use crate::passes::{Pass, Passes, PassesState};
use crate::protocol::{Event, StageName};
use crate::readback::read;
use crate::snapshot::{Snapshot, SnapshotWriter};
use crate::stage::{Stage, Standing, Told};
use crate::trainer::{Measured, training_device};
use burn::tensor::{Device, Tensor};
use nudge_data::{DemonstrationRecord, PreferenceRecord, Prompt, Tokenizer};
use nudge_model::{OptimizerOptions, ScalarModel};
use nudge_rlhf::{
    ChoiceBatch, PairBatch, PairwiseLoss, RewardLoss, RewardNormalization, calibration_table, choice_loss,
    expected_calibration_error, pairwise_loss,
};

/// Peak learning rates.
const PEAK: Peak = Peak { small: 1e-3, adapters: 2e-4, large: 1e-5 };
/// Bins of the calibration error.
const CALIBRATION_BINS: usize = 10;
/// Demonstrations scored together.
const DEMONSTRATIONS_AT_ONCE: usize = 16;

/// A reward-modelling run.
pub struct Reward {
    options: RewardOptions,
    tokenizer: Tokenizer,
    train: Vec<Ranked<Vec<u32>>>,
    held_out: Vec<Ranked<Vec<u32>>>,
    /// Rows whose mean reward shall be 0.
    demonstrations: Vec<Vec<u32>>,
    passes: Passes<ScalarModel>,
    device: Device,
}

impl Reward {
    /// Encodes the rankings and pairs, and the demonstrations that shall score 0 on average.
    ///
    /// # Errors
    /// If an option is wrong, nothing can be learnt from a record, or one is too long.
    pub fn new(
        folder: Folder,
        preferences: &[PreferenceRecord],
        demonstrations: &[DemonstrationRecord],
        options: RewardOptions,
        device: &Device,
    ) -> Result<Self, SessionError> {
        check(&options)?;
        // 1. Comparisons, split by prompt.
        let longest = options.passes.max_length;
        let encode =
            |prompt: &Prompt, completion: &str| Ok(encode_completion(&folder, prompt, completion, longest)?.tokens);
        let (train, held_out) = split_and_encode(preferences, false, options.held_out, options.seed, encode)?;
        let encode_record = |(index, record): (usize, &DemonstrationRecord)| {
            let index = preferences.len() + index + 1;
            record.check().map_err(|reason| SessionError::Record { index, reason })?;
            encode(&record.prompt, &record.completion).map_err(|error| error.of_record(index))
        };
        let demonstrations = demonstrations.iter().enumerate().map(encode_record).collect::<Result<_, _>>()?;
        // 2. The SFT model under a fresh head.
        let trunk = folder.trainable(&options.passes.finetuning, member_seed(&options), device)?;
        let learning_rate = PEAK.of(options.learning_rate, &trunk);
        let model = ScalarModel::on(&trunk, member_seed(&options));
        let optimizer = OptimizerOptions { weight_decay: options.weight_decay, ..Default::default() };
        let pass = (options.epochs, Pass { items: train.len(), batch: options.batch_size });
        let passes = Passes::new(model, optimizer, pass, learning_rate, &options.passes, "reward modelling");
        let (tokenizer, device) = (folder.tokenizer, device.clone());
        Ok(Self { options, tokenizer, train, held_out, demonstrations, passes, device })
    }

    /// What brings the mean reward of the demonstrations to 0; nothing without demonstrations.
    async fn bias(&self) -> Result<Option<f32>, SessionError> {
        let mut rewards = Vec::new();
        for rows in self.demonstrations.chunks(DEMONSTRATIONS_AT_ONCE) {
            rewards.extend(read(self.rewards(self.passes.model(), rows)).await?);
        }
        Ok((!rewards.is_empty()).then(|| RewardNormalization::mean_zero(&rewards).bias))
    }

    fn rewards(&self, model: &ScalarModel, rows: &[Vec<u32>]) -> Tensor<1> {
        CompletionBatch::new(rows, &self.tokenizer, &model.decoder, &self.device).rewards(model)
    }
}

impl Stage for Reward {
    type State = PassesState;

    const NAME: StageName = StageName::Reward;

    fn standing(&self) -> Standing {
        self.passes.standing(self.passes.trainer.model.decoder.config.parameter_count())
    }

    // 3. All pairs of a few rankings.
    async fn advance(&mut self, told: &mut Told) -> Result<(), SessionError> {
        let (size, device) = (self.options.batch_size, training_device(&self.device));
        let batch = |number| {
            let chosen = rankings_of_batch(&self.train, number, size, member_seed(&self.options));
            RankingBatch::new(&chosen, &self.tokenizer, &self.passes.trainer.model, &device)
        };
        let batches: Vec<_> = self.passes.batches().map(batch).collect();
        let options = &self.options;
        let loss = |batch: &RankingBatch, model: &ScalarModel| {
            let PairwiseLoss { loss, accuracy, margin } = batch.loss(model, options);
            Measured::new(loss, [("accuracy", accuracy), ("margin", margin)])
        };
        let losses = batches.iter().map(|batch| (1.0, move |model: &ScalarModel| loss(batch, model)));
        let mut metrics = self.passes.step(losses).await?;
        // 4. After every pass and at the end.
        if self.passes.ends_pass() && !self.held_out.is_empty() {
            let model = &self.passes.trainer.model;
            let judged = judge(self.held_out.iter().map(|ranked| (ranked, self.rewards(model, &ranked.rows)))).await?;
            insert_accuracy(&mut metrics, "eval_accuracy", &judged.accuracy());
            let table = calibration_table(&judged.rewards, &judged.pairs, CALIBRATION_BINS);
            metrics.insert("eval_ece".into(), expected_calibration_error(&table));
            metrics.insert("eval_loss".into(), judged.loss());
            told.warning(self.passes.measured(judged.loss())?);
        }
        told.progress(metrics, "tokens_per_second", batches.iter().map(|batch| batch.completions.tokens).sum());
        Ok(())
    }

    // 5. and 6. The zero, the model folder.
    async fn end(&mut self) -> Result<Vec<Event>, SessionError> {
        let bias = self.bias().await?;
        let model = self.passes.model();
        let config = &model.decoder.config;
        let precision = self.options.passes.finetuning.precision;
        let mut files = folder::save(model, config, Kind::Reward, &self.tokenizer, precision).await?;
        bias.into_iter().for_each(|bias| folder::set_reward_bias(&mut files, bias));
        Ok([Event::Model { name: "reward".into(), files }].into_iter().chain(self.passes.told()).collect())
    }

    fn state(&self) -> PassesState {
        self.passes.state()
    }

    fn save(&self, writer: SnapshotWriter) -> Result<SnapshotWriter, SessionError> {
        Ok(self.passes.save(writer))
    }

    fn restore(&mut self, state: PassesState, snapshot: &Snapshot) -> Result<(), SessionError> {
        self.passes.restore(state, snapshot, &self.device)
    }
}

/// Seed of the head and of the order: another for each member of an ensemble, while the split stays.
fn member_seed(options: &RewardOptions) -> u64 {
    options.seed.wrapping_add((options.member as u64) << 32)
}

/// A few rankings as tensors: every completion once, all pairs and tiers.
struct RankingBatch {
    completions: CompletionBatch,
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
            let shifted = |tier: &Vec<usize>| tier.iter().map(|place| place + offset).collect();
            tiers.push(ranked.tiers.iter().map(shifted).collect());
            rows.extend(ranked.rows.iter().cloned());
        }
        let completions = CompletionBatch::new(&rows, tokenizer, &model.decoder, device);
        Self { completions, pairs: PairBatch::new(&pairs), margins, tiers, device: device.clone() }
    }

    /// The loss asked for; accuracy and margin are those of the pairs whatever the loss.
    fn loss(&self, model: &ScalarModel, options: &RewardOptions) -> PairwiseLoss {
        let rewards = self.completions.rewards(model);
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
    options.check_ranges()?;
    if options.margin != 0.0 && options.loss != RewardLoss::BradleyTerry {
        return Err(SessionError::option("margin", options.margin, "0 unless loss is bradley_terry"));
    }
    Ok(())
}
