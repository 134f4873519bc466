//! Policy gradient without a value model: what GRPO, RLOO and REINFORCE do alike.
//!
//! One step is one rollout and what is learnt from it:
//! 1. Sample `k` answers to each of a few prompts.
//! 2. Score them with the reward model; a missing end token costs.
//! 3. Recompute log-probabilities (policy, reference) by the training forward.
//! 4. One reward an answer: its score, minus the price of its KL where that stands in the reward.
//! 5. One advantage an answer, as the method has it; every token of the answer has the same.
//! 6. Passes of minibatches: the method's surrogate, plus the KL where that stands in the loss.
//! 7. Adapt the KL coefficient, report.
//!
//! A method is what differs: its advantages and its surrogate ([`Method`]; one file each).
//! Deliberately absent: values, whitening, a credit for single tokens.

use crate::SessionError;
use crate::checks;
use crate::folder::Folder;
use crate::labeler::Labeler;
use crate::options::PolicyGradientOptions;
use crate::platform::Stopwatch;
use crate::protocol::{Event, Files, Metrics, Stage};
use crate::snapshot::{Snapshot, SnapshotWriter};
use crate::stage::online::actor::{APPROX_KL, Actor};
use crate::stage::online::experience::{Experience, Models};
use crate::stage::online::learning::Learning;
use crate::stage::online::minibatch::Minibatch;
use crate::stage::online::prompts::{Answers, Prompts};
use crate::stage::online::scores::{Normalizations, Scorer, normalizations};
use crate::trainer::training_device;
use burn::tensor::{Device, Tensor};
use nudge_data::{Prompt, Rng};
use nudge_model::Decoder;
use nudge_rlhf::{
    KlController, LossAggregation, PolicyLoss, PpoOptions, Variance, broadcast, masked_mean, masked_var,
    zero_spread_share,
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use std::collections::VecDeque;

/// What one method makes of a rollout. Its own state is part of every checkpoint.
pub trait Method: Clone + Serialize + DeserializeOwned {
    /// Its stage.
    const STAGE: Stage;
    /// Its name in errors.
    const NAME: &'static str;
    /// Fewest answers to one prompt from which it can learn, and why.
    const FEWEST: (usize, &'static str) = (1, "1 or more");

    /// How tokens make up the terms of the loss beside the surrogate.
    fn aggregation(&self) -> LossAggregation {
        LossAggregation::TokenMean
    }

    /// One advantage an answer from one reward an answer; those of one prompt stand side by side, `k` of them.
    fn advantages(&mut self, rewards: &[f32], k: usize) -> Vec<f32>;

    /// The loss that the advantages pull at, from the new log-probabilities, `[rows, time]`.
    fn surrogate(&self, new_logprobs: Tensor<2>, batch: &Minibatch) -> PolicyLoss;
}

/// A run of one method.
pub struct PolicyGradient<M> {
    options: PolicyGradientOptions,
    algorithm: PpoOptions,
    fingerprint: String,
    prompts: Prompts,
    actor: Actor,
    scorer: Scorer,
    gold: Option<Labeler>,
    state: State<M>,
    total_steps: usize,
    device: Device,
    clock: Stopwatch,
    saved: bool,
}

/// What moves from step to step, besides weights and moments.
#[derive(Clone, Serialize, Deserialize)]
struct State<M> {
    step: usize,
    updates: usize,
    kl: KlController,
    normalizations: Option<Normalizations>,
    method: M,
    rng: Rng,
    /// What the last step left to tell.
    waiting: VecDeque<Event>,
}

impl<M: Method> PolicyGradient<M> {
    /// Loads the models and encodes the prompts.
    #[allow(clippy::too_many_arguments)]
    pub fn new(
        policy: &Folder,
        rewards: &[Folder],
        texts: Vec<Prompt>,
        method: M,
        options: PolicyGradientOptions,
        fingerprint: String,
        resume: Option<Files>,
        device: &Device,
    ) -> Result<Self, SessionError> {
        check::<M>(&options, &options.algorithm())?;
        let scorer = Scorer::open(policy, rewards, device)?;
        let prompts = Prompts::new(policy, texts, options.max_new_tokens, options.temperature, options.seed)?;
        let start = policy.decoder(device)?;
        let mut this = Self::assemble(start, scorer, prompts, method, options, fingerprint, device)?;
        if let Some(files) = resume {
            this.restore(files)?;
        }
        Ok(this)
    }

    /// A run from its parts.
    pub(crate) fn assemble(
        start: Decoder,
        scorer: Scorer,
        prompts: Prompts,
        method: M,
        options: PolicyGradientOptions,
        fingerprint: String,
        device: &Device,
    ) -> Result<Self, SessionError> {
        let algorithm = options.algorithm();
        let total_steps = options.episodes.div_ceil(options.batch_size).max(1);
        let updates = total_steps * options.num_iterations * options.num_mini_batches;
        let actor = Actor::new(start, &algorithm, options.learning_rate, updates, M::NAME, device)
            .aggregated(method.aggregation());
        let state = State {
            step: 0,
            updates: 0,
            kl: algorithm.kl_controller(),
            normalizations: None,
            method,
            rng: Rng::new(options.seed),
            waiting: VecDeque::new(),
        };
        let gold = options.gold_labeler.as_deref().map(Labeler::find).transpose()?;
        let (device, clock) = (device.clone(), Stopwatch::start());
        Ok(Self {
            options,
            algorithm,
            fingerprint,
            prompts,
            actor,
            scorer,
            gold,
            state,
            total_steps,
            device,
            clock,
            saved: false,
        })
    }

    /// What the shell is told first.
    pub fn started(&self) -> Event {
        Event::Started {
            stage: M::STAGE,
            step: self.state.step,
            total_steps: self.total_steps,
            parameters: self.actor.reference.config.parameter_count(),
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
        let files = self.actor.files(self.prompts.tokenizer()).await?;
        Ok(Some(Event::Model { name: "policy".into(), files }))
    }

    async fn step(&mut self) -> Result<Event, SessionError> {
        let clock = Stopwatch::start();
        let k = self.options.k;
        // 1. Sample.
        let (policy, count) = (self.actor.policy(), self.options.batch_size / k);
        let answers = self.prompts.answer(&policy, self.state.step, count, k, &mut self.state.rng).await?;
        // 2. and 3. Score, recompute.
        let models = Models { policy: &policy, reference: &self.actor.reference, value: None, scorer: &self.scorer };
        let mut experience = self.experience(&models, &answers).await?;
        experience.check_kl(M::NAME, self.state.step)?;
        let normalizations = self
            .state
            .normalizations
            .get_or_insert_with(|| normalizations(&experience.raw_scores, self.options.normalize_scores));
        experience.apply_normalizations(normalizations, self.options.ensemble, &self.algorithm);
        // 4. and 5. Rewards, advantages.
        let kl_coef = self.state.kl.kl_coef;
        let rewards = experience.answer_rewards(&self.algorithm, kl_coef);
        let advantages = self.state.method.advantages(&rewards, k);
        experience.advantages = broadcast(&advantages, &experience.mask, self.options.max_new_tokens);
        // 6. Learn.
        let mut metrics = self.learn(&experience, kl_coef).await?;
        // 7. Report.
        metrics.extend(experience.metrics(&self.algorithm, kl_coef));
        metrics.extend(reward_metrics(&rewards, k));
        self.state.kl.update(experience.mean_kl(), answers.rows.len());
        self.state.step += 1;
        metrics.insert("episode".into(), (self.state.step * self.options.batch_size) as f64);
        let shown = |row| (experience.scores[row], experience.kl_of(row));
        self.state.waiting.extend(self.prompts.tell(&answers, self.gold, &mut metrics, shown));
        let seconds = clock.seconds();
        metrics.insert("eps".into(), answers.rows.len() as f64 / seconds);
        let (step, total_steps) = (self.state.step, self.total_steps);
        Ok(Event::Progress { stage: M::STAGE, step, total_steps, metrics, seconds })
    }

    async fn experience(&self, models: &Models<'_>, answers: &Answers) -> Result<Experience, SessionError> {
        let time = self.options.max_new_tokens;
        Experience::collect(models, answers, time, &self.algorithm, self.prompts.tokenizer(), &self.device).await
    }

    /// Passes of minibatches over one rollout.
    async fn learn(&mut self, experience: &Experience, kl_coef: f32) -> Result<Metrics, SessionError> {
        let size = experience.len() / self.options.num_mini_batches;
        let device = training_device(&self.device);
        let mut learning = Learning::default();
        for _ in 0..self.options.num_iterations {
            let mut order: Vec<usize> = (0..experience.len()).collect();
            self.state.rng.shuffle(&mut order);
            for rows in order.chunks(size) {
                let config = &self.actor.reference.config;
                let batch = Minibatch::new(experience, rows, config, &self.algorithm, &device);
                let method = &self.state.method;
                self.actor.update(&batch, kl_coef, &mut learning, |new| method.surrogate(new, &batch));
                self.state.updates += 1;
            }
        }
        learning.settle(APPROX_KL).await?;
        Ok(learning.metrics())
    }

    /// A checkpoint between two steps.
    pub async fn save(&self) -> Result<Files, SessionError> {
        self.actor.save(SnapshotWriter::default()).finish(&self.fingerprint, &self.state).await
    }

    fn restore(&mut self, files: Files) -> Result<(), SessionError> {
        let snapshot = Snapshot::<State<M>>::open(files, &self.fingerprint)?;
        self.state = snapshot.state.clone();
        self.actor.restore(&snapshot, self.state.updates)
    }

    /// What the shell is told last.
    pub fn finished(&self) -> Event {
        Event::Finished { stage: M::STAGE, seconds: self.clock.seconds() }
    }
}

/// The rewards of a rollout, by TRL's names. Their deviation is that of the answers to one prompt, averaged over
/// prompts; of the whole rollout where each prompt has one answer.
fn reward_metrics(rewards: &[f32], k: usize) -> Metrics {
    let everything = vec![true; rewards.len()];
    let group = if k > 1 { k } else { rewards.len() };
    let deviation = |rewards: &[f32]| masked_var(rewards, &everything[..rewards.len()], Variance::Unbiased).sqrt();
    let deviations: Vec<f32> = rewards.chunks(group).map(deviation).collect();
    let mean = |values: &[f32]| f64::from(masked_mean(values, &everything[..values.len()]));
    let mut metrics = Metrics::from([("reward".into(), mean(rewards)), ("reward_std".into(), mean(&deviations))]);
    if k > 1 {
        metrics.insert("frac_reward_zero_std".into(), zero_spread_share(rewards, k).into());
    }
    metrics
}

fn check<M: Method>(options: &PolicyGradientOptions, algorithm: &PpoOptions) -> Result<(), SessionError> {
    let wrong =
        |option, value: usize, expected| Err(SessionError::Option { option, value: value.to_string(), expected });
    checks::at_least_one([
        ("episodes", options.episodes),
        ("batch_size", options.batch_size),
        ("num_iterations", options.num_iterations),
        ("num_mini_batches", options.num_mini_batches),
    ])?;
    let (fewest, expected) = M::FEWEST;
    if options.k < fewest {
        return wrong("k", options.k, expected);
    }
    if !options.batch_size.is_multiple_of(options.k) {
        return wrong("batch_size", options.batch_size, "a multiple of k: a rollout holds k answers to each prompt");
    }
    checks::mini_batches(options.num_mini_batches, options.batch_size)?;
    checks::learning_rates([("learning_rate", options.learning_rate)])?;
    checks::ensemble(options.ensemble)?;
    Ok(algorithm.validate()?)
}
