//! PPO: the policy learns to write what the reward model likes, on a KL leash to where it started.
//!
//! One step is one rollout and what is learnt from it:
//! 1. Sample an answer to each of a batch of prompts.
//! 2. Score them with the reward model; a missing end token costs.
//! 3. Recompute log-probabilities (policy, reference) and values by the training forward.
//! 4. Rewards: KL to the reference at every token, the score at the last.
//! 5. Advantages by GAE, whitened.
//! 6. Several passes of minibatches: clipped policy loss, clipped value loss.
//! 7. Adapt the KL coefficient, report.
//!
//! The value model starts from the reward model, the reference is the policy at the start (InstructGPT 3.5).
//! Sources: Schulman et al. 2017; Ziegler et al. 2019; Stiennon et al. 2020; TRL for the names of the numbers.
//! Deliberately absent: the pretraining mix of PPO-ptx, a shared trunk for policy and value.

use crate::SessionError;
use crate::checks;
use crate::folder::{self, Folder, Kind};
use crate::labeler::Labeler;
use crate::options::PpoStageOptions;
use crate::platform::Stopwatch;
use crate::protocol::{Event, Files, Metrics, Stage};
use crate::rollout::{Rollout, Row, encode_prompts};
use crate::snapshot::{Snapshot, SnapshotWriter};
use crate::stage::epoch_places;
use crate::stage::experience::{Experience, Models};
use crate::trainer::{Trainer, training_device};
use burn::tensor::Device;
use nudge_data::{Rng, Tokenizer};
use nudge_model::{Decoder, Frozen, OptimizerOptions, Precision, SamplingOptions, ScalarModel};
use nudge_rlhf::{KlController, LearningRate, LossAggregation, RewardNormalization, Variance, policy_loss, value_loss};
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;

/// Rollouts of each step that are shown to be read along.
const SHOWN_ROLLOUTS: usize = 4;

/// A PPO run.
pub struct Ppo {
    options: PpoStageOptions,
    fingerprint: String,
    tokenizer: Tokenizer,
    prompts: Vec<String>,
    encoded: Vec<Vec<u32>>,
    policy: Trainer<Decoder>,
    value: Trainer<ScalarModel>,
    reference: Frozen<Decoder>,
    reward_model: Frozen<ScalarModel>,
    gold: Option<Labeler>,
    state: State,
    total_steps: usize,
    device: Device,
    clock: Stopwatch,
    saved: bool,
}

/// What moves from step to step, besides weights and moments.
#[derive(Clone, Serialize, Deserialize)]
struct State {
    step: usize,
    updates: usize,
    kl: KlController,
    normalization: Option<RewardNormalization>,
    rng: Rng,
    /// What the last step left to tell.
    waiting: VecDeque<Event>,
}

impl Ppo {
    /// Loads the four models and encodes the prompts.
    pub fn new(
        policy: Folder,
        reward: Folder,
        prompts: Vec<String>,
        options: PpoStageOptions,
        fingerprint: String,
        resume: Option<Files>,
        device: &Device,
    ) -> Result<Self, SessionError> {
        check(&options)?;
        policy.same_tokenizer(&reward)?;
        let gold = options.gold_labeler.as_deref().map(Labeler::find).transpose()?;
        let encoded = encode_prompts(&policy, &prompts, options.max_new_tokens)?;
        let (start, reward_model) = (policy.decoder(device)?, reward.scalar(device)?);
        let total_steps = options.episodes.div_ceil(options.batch_size).max(1);
        let updates = total_steps * options.ppo.num_ppo_epochs * options.ppo.num_mini_batches;
        let trainer = |peak: f32| LearningRate::new(peak.into(), updates).warmup((updates / 20).min(10));
        let mut this = Self {
            tokenizer: policy.tokenizer,
            prompts,
            encoded,
            reference: start.frozen(),
            policy: Trainer::new(start, OptimizerOptions::default(), trainer(options.learning_rate), "PPO"),
            value: Trainer::new(
                reward_model.clone(),
                OptimizerOptions::default(),
                trainer(options.value_learning_rate),
                "PPO's value model",
            ),
            reward_model: reward_model.frozen(),
            gold,
            state: State {
                step: 0,
                updates: 0,
                kl: options.ppo.kl_controller(),
                normalization: None,
                rng: Rng::new(options.seed),
                waiting: VecDeque::new(),
            },
            options,
            fingerprint,
            total_steps,
            device: device.clone(),
            clock: Stopwatch::start(),
            saved: false,
        };
        if let Some(files) = resume {
            this.restore(files)?;
        }
        Ok(this)
    }

    /// What the shell is told first.
    pub fn started(&self) -> Event {
        Event::Started {
            stage: Stage::Ppo,
            step: self.state.step,
            total_steps: self.total_steps,
            parameters: self.reference.config.parameter_count(),
        }
    }

    /// One step, or what it left to tell, or the model, or nothing more.
    pub async fn next(&mut self) -> Result<Option<Event>, SessionError> {
        if let Some(event) = self.state.waiting.pop_front() {
            return Ok(Some(event));
        }
        if self.state.step < self.total_steps {
            return self.step().await.map(Some);
        }
        if self.saved {
            return Ok(None);
        }
        self.saved = true;
        let model = &self.policy.model;
        let files = folder::save(model, &model.config, Kind::Decoder, &self.tokenizer, Precision::F32).await?;
        Ok(Some(Event::Model { name: "policy".into(), files }))
    }

    async fn step(&mut self) -> Result<Event, SessionError> {
        let clock = Stopwatch::start();
        // 1. Sample.
        let (places, rows) = self.rollout().await?;
        // 2. to 4. Score, recompute, shape.
        let prompts: Vec<Vec<u32>> = places.iter().map(|place| self.encoded[*place].clone()).collect();
        let mut experience = self.experience(&prompts, &rows).await?;
        self.normalize(&mut experience);
        let ppo = self.options.ppo.clone();
        experience.shape_rewards(&ppo, self.state.kl.kl_coef);
        // 5. Advantages.
        experience.estimate_advantages(&ppo);
        // 6. Learn.
        let mut metrics = self.learn(&experience).await?;
        // 7. Report.
        metrics.extend(experience.metrics(self.state.kl.kl_coef));
        let kl = experience.mean_kl();
        self.state.kl.update(kl, rows.len());
        self.state.step += 1;
        self.tell(&places, &rows, &experience, &mut metrics);
        let seconds = clock.seconds();
        metrics.insert("eps".into(), rows.len() as f64 / seconds);
        let (step, total_steps) = (self.state.step, self.total_steps);
        Ok(Event::Progress { stage: Stage::Ppo, step, total_steps, metrics, seconds })
    }

    /// One answer to each prompt of the batch; which prompts, and the answers.
    async fn rollout(&mut self) -> Result<(Vec<usize>, Vec<Row>), SessionError> {
        let size = self.options.batch_size;
        let places = epoch_places(self.encoded.len(), self.state.step * size, size, self.options.seed);
        let prompts: Vec<Vec<u32>> = places.iter().map(|place| self.encoded[*place].clone()).collect();
        let seeds: Vec<u64> = places.iter().map(|_| self.state.rng.next_u64()).collect();
        let sampling = SamplingOptions { temperature: self.options.ppo.temperature, top_k: 0 };
        let policy = self.policy.model.frozen();
        let rollout = Rollout::new(&policy, &self.tokenizer, &prompts, seeds, self.options.max_new_tokens, sampling);
        Ok((places, rollout.finish().await?))
    }

    async fn experience(&self, prompts: &[Vec<u32>], rows: &[Row]) -> Result<Experience, SessionError> {
        let models = Models {
            policy: &self.policy.model.frozen(),
            reference: &self.reference,
            value: &self.value.model.frozen(),
            reward_model: &self.reward_model,
        };
        let (time, ppo) = (self.options.max_new_tokens, &self.options.ppo);
        Experience::collect(&models, prompts, rows, time, ppo, &self.tokenizer, &self.device).await
    }

    /// Fixes gain and bias of the reward model on the first rollout, while the policy is still the reference. The
    /// value model's head takes the gain, so that it starts on the scale of what it has to predict.
    fn normalize(&mut self, experience: &mut Experience) {
        let first = self.state.normalization.is_none();
        let normalization = *self.state.normalization.get_or_insert_with(|| match self.options.normalize_scores {
            true => RewardNormalization::unit_variance(&experience.raw_scores, Variance::Unbiased),
            false => RewardNormalization::default(),
        });
        experience.apply_normalization(normalization, &self.options.ppo);
        if first && normalization != RewardNormalization::default() {
            self.value.model = self.value.model.clone().scaled(normalization.gain);
            experience.values.iter_mut().for_each(|value| *value *= normalization.gain);
        }
    }

    /// Passes of minibatches over one rollout. Gives the means of what the updates measured.
    async fn learn(&mut self, experience: &Experience) -> Result<Metrics, SessionError> {
        let ppo = self.options.ppo.clone();
        let size = experience.len().div_ceil(ppo.num_mini_batches);
        let device = training_device(&self.device);
        let (mut sums, mut ratios) = ([0.0; 8], Vec::new());
        let mut learning_rate = 0.0;
        for _ in 0..ppo.num_ppo_epochs {
            let mut order: Vec<usize> = (0..experience.len()).collect();
            self.state.rng.shuffle(&mut order);
            for chosen in order.chunks(size) {
                let configs = (&self.policy.model.config, &self.value.model.decoder.config);
                let batch = experience.minibatch(chosen, configs.0, configs.1, &ppo, &device);
                let policy = self
                    .policy
                    .step(|model| {
                        let new_logprobs = batch.logprobs(model, ppo.temperature);
                        let old = batch.old_logprobs.clone();
                        let (advantages, mask) = (batch.advantages.clone(), batch.mask.clone());
                        let aggregation = LossAggregation::TokenMean;
                        let terms = policy_loss(new_logprobs, old, advantages, mask, ppo.cliprange, aggregation);
                        (terms.loss, vec![terms.ratio, terms.approx_kl, terms.clipfrac])
                    })
                    .await?;
                let value = self
                    .value
                    .step(|model| {
                        let new_values = batch.values(model);
                        let (old, returns) = (batch.old_values.clone(), batch.returns.clone());
                        let terms =
                            value_loss(new_values, old, returns, batch.reward_mask.clone(), ppo.cliprange_value);
                        (terms.loss.clone().mul_scalar(ppo.vf_coef), vec![terms.clipfrac, terms.loss])
                    })
                    .await?;
                self.state.updates += 1;
                learning_rate = policy.learning_rate;
                ratios.push(f64::from(policy.extra[0]));
                let numbers = [
                    policy.loss,
                    policy.extra[1],
                    policy.extra[2],
                    policy.grad_norm,
                    value.extra[1],
                    value.extra[0],
                    value.grad_norm,
                    policy.extra[0],
                ];
                sums.iter_mut().zip(numbers).for_each(|(sum, number)| *sum += f64::from(number));
            }
        }
        Ok(learning_metrics(&sums, &ratios, learning_rate))
    }

    /// Queues a few rollouts to read and adds what only texts tell.
    fn tell(&mut self, places: &[usize], rows: &[Row], experience: &Experience, metrics: &mut Metrics) {
        let texts: Vec<String> = rows.iter().map(|row| row.text(&self.tokenizer)).collect();
        if let Some(gold) = self.gold {
            let mean = texts.iter().map(|text| f64::from(gold.score(text))).sum::<f64>() / texts.len() as f64;
            metrics.insert("objective/gold_score".into(), mean);
        }
        metrics.insert("episode".into(), (self.state.step * self.options.batch_size) as f64);
        for (index, answer) in texts.into_iter().enumerate().take(SHOWN_ROLLOUTS) {
            self.state.waiting.push_back(Event::Rollout {
                prompt: self.prompts[places[index]].clone(),
                answer,
                score: experience.scores[index],
                kl: experience.kl_of(index),
            });
        }
    }

    /// A checkpoint between two steps.
    pub async fn save(&self) -> Result<Files, SessionError> {
        SnapshotWriter::default()
            .trainer("policy.", &self.policy)
            .trainer("value.", &self.value)
            .finish(&self.fingerprint, &self.state)
            .await
    }

    fn restore(&mut self, files: Files) -> Result<(), SessionError> {
        let snapshot = Snapshot::<State>::open(files, &self.fingerprint)?;
        self.state = snapshot.state.clone();
        let updates = self.state.updates;
        snapshot.trainer("policy.", &mut self.policy, updates, &self.device)?;
        snapshot.trainer("value.", &mut self.value, updates, &self.device)
    }

    /// What the shell is told last.
    pub fn finished(&self) -> Event {
        Event::Finished { stage: Stage::Ppo, seconds: self.clock.seconds() }
    }
}

/// Means over the updates of one step, by TRL's names.
fn learning_metrics(sums: &[f64; 8], ratios: &[f64], learning_rate: f64) -> Metrics {
    let count = ratios.len() as f64;
    let mean_ratio = sums[7] / count;
    let names = [
        "loss/policy_avg",
        "policy/approxkl_avg",
        "policy/clipfrac_avg",
        "policy/grad_norm",
        "loss/value_avg",
        "val/clipfrac_avg",
        "val/grad_norm",
        "val/ratio",
    ];
    let mut metrics: Metrics = names.into_iter().zip(sums).map(|(name, sum)| (name.to_string(), sum / count)).collect();
    let variance = ratios.iter().map(|ratio| (ratio - mean_ratio).powi(2)).sum::<f64>() / count;
    metrics.insert("val/ratio_var".into(), variance);
    metrics.insert("val/first_ratio".into(), ratios.first().copied().unwrap_or(1.0));
    metrics.insert("lr".into(), learning_rate);
    metrics
}

fn check(options: &PpoStageOptions) -> Result<(), SessionError> {
    options.ppo.validate()?;
    let wrong =
        |option, value: usize, expected| Err(SessionError::Option { option, value: value.to_string(), expected });
    checks::at_least_one([("episodes", options.episodes)])?;
    checks::learning_rates([
        ("learning_rate", options.learning_rate),
        ("value_learning_rate", options.value_learning_rate),
    ])?;
    if options.batch_size < 2 {
        return wrong("batch_size", options.batch_size, "2 or more: advantages are whitened over the batch");
    }
    if options.ppo.num_mini_batches > options.batch_size {
        return wrong("num_mini_batches", options.ppo.num_mini_batches, "at most batch_size");
    }
    Ok(())
}
