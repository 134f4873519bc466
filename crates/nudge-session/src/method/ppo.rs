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
//! With pretraining text and `ptx_coef` this is PPO-ptx (InstructGPT eq. 2).
//! Sources: Schulman et al. 2017; Ziegler et al. 2019; Stiennon et al. 2020; TRL for the names of the numbers.
//! Deliberately absent: a shared trunk for policy and value.

use crate::SessionError;
use crate::checks;
use crate::folder::Folder;
use crate::labeler::Labeler;
use crate::options::PpoStageOptions;
use crate::platform::Stopwatch;
use crate::protocol::{Event, Files, Metrics, Stage};
use crate::snapshot::{Snapshot, SnapshotWriter};
use crate::stage::online::actor::{APPROX_KL, Actor, optimizer};
use crate::stage::online::experience::{Experience, Models};
use crate::stage::online::learning::Learning;
use crate::stage::online::minibatch::{Minibatch, ValueBatch};
use crate::stage::online::pretraining::PretrainingMix;
use crate::stage::online::prompts::{Answers, Prompts};
use crate::stage::online::scores::{Normalizations, Scorer, normalizations};
use crate::trainer::{Trainer, training_device};
use burn::tensor::Device;
use nudge_data::{Prompt, Rng};
use nudge_model::{Decoder, ScalarModel};
use nudge_rlhf::{KlController, LossAggregation, ValueInit, policy_loss, value_loss};
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;

/// A PPO run.
pub struct Ppo {
    options: PpoStageOptions,
    fingerprint: String,
    prompts: Prompts,
    actor: Actor,
    value: Trainer<ScalarModel>,
    scorer: Scorer,
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
    normalizations: Option<Normalizations>,
    rng: Rng,
    /// What the last step left to tell.
    waiting: VecDeque<Event>,
}

impl Ppo {
    /// Loads the models, encodes the prompts. `texts` are for PPO-ptx; without `ptx_coef` they are not read.
    #[allow(clippy::too_many_arguments)]
    pub fn new(
        policy: &Folder,
        rewards: &[Folder],
        prompts: Vec<Prompt>,
        texts: &[String],
        options: PpoStageOptions,
        fingerprint: String,
        resume: Option<Files>,
        device: &Device,
    ) -> Result<Self, SessionError> {
        check(&options, texts)?;
        let scorer = Scorer::open(policy, rewards, device)?;
        let prompts = Prompts::new(policy, prompts, options.max_new_tokens, options.ppo.temperature, options.seed)?;
        let start = policy.decoder(device)?;
        let value = match options.ppo.value_init {
            ValueInit::RewardModel => rewards[0].scalar(device)?,
            ValueInit::ZeroHead => ScalarModel::on(&start, options.seed).scaled(0.0),
        };
        let mix = pretraining(&options, texts, policy, device)?;
        let mut this = Self::assemble(start, value, scorer, prompts, mix, options, fingerprint, device)?;
        if let Some(files) = resume {
            this.restore(files)?;
        }
        Ok(this)
    }

    /// A run from its parts.
    #[allow(clippy::too_many_arguments)]
    pub(crate) fn assemble(
        start: Decoder,
        value: ScalarModel,
        scorer: Scorer,
        prompts: Prompts,
        pretraining: Option<PretrainingMix>,
        options: PpoStageOptions,
        fingerprint: String,
        device: &Device,
    ) -> Result<Self, SessionError> {
        let ppo = &options.ppo;
        let gold = options.gold_labeler.as_deref().map(Labeler::find).transpose()?;
        let total_steps = options.episodes.div_ceil(options.batch_size).max(1);
        let updates = total_steps * ppo.num_ppo_epochs * ppo.num_mini_batches;
        let value_schedule = ppo.schedule(options.value_learning_rate, updates);
        Ok(Self {
            prompts,
            actor: Actor::new(start, ppo, options.learning_rate, updates, "PPO", device).with_pretraining(pretraining),
            value: Trainer::new(value, optimizer(ppo), value_schedule, "PPO's value model"),
            scorer,
            gold,
            state: State {
                step: 0,
                updates: 0,
                kl: ppo.kl_controller(),
                normalizations: None,
                rng: Rng::new(options.seed),
                waiting: VecDeque::new(),
            },
            options,
            fingerprint,
            total_steps,
            device: device.clone(),
            clock: Stopwatch::start(),
            saved: false,
        })
    }

    /// What the shell is told first.
    pub fn started(&self) -> Event {
        Event::Started {
            stage: Stage::Ppo,
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
        // 1. Sample.
        let answers = self.sample().await?;
        // 2. to 5. Score, recompute, shape; advantages.
        let experience = self.judge(&answers).await?;
        // 6. Learn.
        let mut metrics = self.learn(&experience).await?;
        // 7. Report.
        let kl_coef = self.state.kl.kl_coef;
        metrics.extend(experience.metrics(&self.options.ppo, kl_coef));
        self.state.kl.update(experience.mean_kl(), answers.rows.len());
        self.state.step += 1;
        metrics.insert("episode".into(), (self.state.step * self.options.batch_size) as f64);
        let shown = |row| (experience.scores[row], experience.kl_of(row));
        self.state.waiting.extend(self.prompts.tell(&answers, self.gold, &mut metrics, shown));
        let seconds = clock.seconds();
        metrics.insert("eps".into(), answers.rows.len() as f64 / seconds);
        let (step, total_steps) = (self.state.step, self.total_steps);
        Ok(Event::Progress { stage: Stage::Ppo, step, total_steps, metrics, seconds })
    }

    /// Answers of the policy as it stands to the step's prompts.
    pub(crate) async fn sample(&mut self) -> Result<Answers, SessionError> {
        let policy = self.actor.policy();
        self.prompts.answer(&policy, self.state.step, self.options.batch_size, 1, &mut self.state.rng).await
    }

    /// The answers with everything that learning needs: scores, log-probabilities, values, rewards, advantages.
    pub(crate) async fn judge(&mut self, answers: &Answers) -> Result<Experience, SessionError> {
        let models = Models {
            policy: &self.actor.policy(),
            reference: &self.actor.reference,
            value: Some(&self.value.model.frozen()),
            scorer: &self.scorer,
        };
        let mut experience = self.experience(&models, answers).await?;
        experience.check_kl("PPO", self.state.step)?;
        self.normalize(&mut experience);
        experience.shape_rewards(&self.options.ppo, self.state.kl.kl_coef);
        experience.estimate_advantages(&self.options.ppo);
        Ok(experience)
    }

    async fn experience(&self, models: &Models<'_>, answers: &Answers) -> Result<Experience, SessionError> {
        let (time, ppo) = (self.options.max_new_tokens, &self.options.ppo);
        Experience::collect(models, answers, time, ppo, self.prompts.tokenizer(), &self.device).await
    }

    /// Fixes the scale of the scores on the first rollout. The value model's head takes the first reward model's gain,
    /// so that it starts on the scale of what it has to predict.
    fn normalize(&mut self, experience: &mut Experience) {
        let first = self.state.normalizations.is_none();
        let normalizations = self
            .state
            .normalizations
            .get_or_insert_with(|| normalizations(&experience.raw_scores, self.options.normalize_scores));
        experience.apply_normalizations(normalizations, self.options.ensemble, &self.options.ppo);
        let gain = normalizations[0].gain;
        if first && gain != 1.0 {
            self.value.model = self.value.model.clone().scaled(gain);
            experience.values.iter_mut().for_each(|value| *value *= gain);
        }
    }

    /// Passes of minibatches over one rollout, ended early where the policy has moved too far from it.
    pub(crate) async fn learn(&mut self, experience: &Experience) -> Result<Metrics, SessionError> {
        let (ppo, kl_coef) = (self.options.ppo.clone(), self.state.kl.kl_coef);
        let size = experience.len() / ppo.num_mini_batches;
        let device = training_device(&self.device);
        let mut learning = Learning::default();
        let mut stopped = None;
        'passes: for epoch in 1..=ppo.num_ppo_epochs {
            let mut order: Vec<usize> = (0..experience.len()).collect();
            self.state.rng.shuffle(&mut order);
            for rows in order.chunks(size) {
                let batch = Minibatch::new(experience, rows, &self.actor.reference.config, &ppo, &device);
                let values = batch.values(experience, rows, &self.value.model.decoder.config);
                self.update_policy(&batch, kl_coef, &mut learning);
                self.update_value(&values, &mut learning);
                self.state.updates += 1;
                // Only who may stop has to know now.
                let Some(target) = ppo.target_kl else { continue };
                if learning.settle(APPROX_KL).await?.is_some_and(|approx_kl| approx_kl > target) {
                    stopped = Some(epoch);
                    break 'passes;
                }
            }
        }
        learning.settle(APPROX_KL).await?;
        let mut metrics = learning.metrics();
        metrics.extend(stopped.map(|epoch| ("policy/stopped_epoch".to_string(), epoch as f64)));
        Ok(metrics)
    }

    fn update_policy(&mut self, batch: &Minibatch, kl_coef: f32, learning: &mut Learning) {
        let cliprange = self.options.ppo.cliprange;
        let surrogate = |new_logprobs| {
            let (old, advantages, mask) = (batch.old_logprobs.clone(), batch.advantages.clone(), batch.mask.clone());
            policy_loss(new_logprobs, old, advantages, mask, cliprange, LossAggregation::TokenMean)
        };
        self.actor.update(batch, kl_coef, learning, surrogate);
    }

    fn update_value(&mut self, batch: &ValueBatch, learning: &mut Learning) {
        let (vf_coef, cliprange_value) = (self.options.ppo.vf_coef, self.options.ppo.cliprange_value);
        let step = self.value.step_on_device(|model| {
            let (old, returns) = (batch.old_values.clone(), batch.returns.clone());
            let terms = value_loss(batch.new_values(model), old, returns, batch.reward_mask.clone(), cliprange_value);
            (terms.loss.clone().mul_scalar(vf_coef), vec![terms.clipfrac, terms.loss])
        });
        learning.push(step, vec!["val/clipfrac_avg", "loss/value_avg"], "val/grad_norm");
    }

    /// A checkpoint between two steps.
    pub async fn save(&self) -> Result<Files, SessionError> {
        let writer = self.actor.save(SnapshotWriter::default()).trainer("value.", &self.value);
        writer.finish(&self.fingerprint, &self.state).await
    }

    fn restore(&mut self, files: Files) -> Result<(), SessionError> {
        let snapshot = Snapshot::<State>::open(files, &self.fingerprint)?;
        self.state = snapshot.state.clone();
        let updates = self.state.updates;
        self.actor.restore(&snapshot, updates)?;
        snapshot.trainer("value.", &mut self.value, updates, &self.device)
    }

    /// What the shell is told last.
    pub fn finished(&self) -> Event {
        Event::Finished { stage: Stage::Ppo, seconds: self.clock.seconds() }
    }
}

/// The text of PPO-ptx, where it counts.
fn pretraining(
    options: &PpoStageOptions,
    texts: &[String],
    policy: &Folder,
    device: &Device,
) -> Result<Option<PretrainingMix>, SessionError> {
    if options.ppo.ptx_coef == 0.0 {
        return Ok(None);
    }
    let (rows, context) = (options.ptx_batch_size, options.ptx_context);
    PretrainingMix::new(texts, &policy.tokenizer, &policy.config, rows, context, options.seed, device).map(Some)
}

fn check(options: &PpoStageOptions, texts: &[String]) -> Result<(), SessionError> {
    options.ppo.validate()?;
    let wrong = |option, value: String, expected| Err(SessionError::Option { option, value, expected });
    checks::at_least_one([
        ("episodes", options.episodes),
        ("ptx_batch_size", options.ptx_batch_size),
        ("ptx_context", options.ptx_context),
    ])?;
    checks::learning_rates([
        ("learning_rate", options.learning_rate),
        ("value_learning_rate", options.value_learning_rate),
    ])?;
    if options.batch_size < 2 {
        return wrong(
            "batch_size",
            options.batch_size.to_string(),
            "2 or more: advantages are whitened over the batch",
        );
    }
    checks::mini_batches(options.ppo.num_mini_batches, options.batch_size)?;
    checks::ensemble(options.ensemble)?;
    if options.ppo.ptx_coef > 0.0 && texts.is_empty() {
        let expected =
            "0 where there is no pretraining text; give the text (--pretraining-text), or set it to 0 for plain PPO";
        return wrong("ptx_coef", options.ppo.ptx_coef.to_string(), expected);
    }
    Ok(())
}
