//! PPO: the policy learns to write what the reward model likes, on a KL leash to where it started.
//!
//! One step is one rollout and what is learnt from it: the seven phases of [`Ppo::advance`], each with its equation.
//! Symbols: a prompt x, its completion y of tokens y_1 .. y_T, the policy π, the policy that sampled π_old, the policy
//! at the start π_ref, the value model V, the reward model r, the price of a nat β (`kl_coef`).
//!
//! The value model starts from the reward model (InstructGPT 3.5). With `ptx_coef` this is PPO-ptx (eq. 2 there). Where
//! published programs disagree, each choice is an option; `ppo_presets` says who chose what. Sources: Schulman et al.
//! 2017 (PPO) and 2016 (GAE), Ziegler et al. 2019, Stiennon et al. 2020; TRL for the names of the numbers.

use super::online::{
    Actor, Collected, Estimated, Layout, Learning, Minibatch, Online, OnlineOptions, OnlineState, PretrainingMix,
    Scored, ValueBatch, price,
};
use super::{LearnsFrom, Material, Preset, Target, TuningMethod, online, ppo_presets};
use crate::finetuning::Peak;
use crate::options::declare::{AT_LEAST_ONE, FRACTION, NON_NEGATIVE, POSITIVE};
use crate::protocol::{Event, Metrics, StageName};
use crate::snapshot::{Snapshot, SnapshotWriter};
use crate::stage::{Stage, Standing, Told};
use crate::trainer::{Measured, Trainer};
use crate::{Run, SessionError, options};
use burn::tensor::{Device, Tensor};
use nudge_model::ScalarModel;
use nudge_rlhf::{
    Advantages, GaeScope, LossAggregation, PolicyLoss, ScoreIndex, ValueInit, Variance, gae, policy_loss,
    shaped_rewards, value_loss, whiten,
};

options! {
    /// Options of PPO.
    PpoOptions {
        /// Learning rate of the value model. Off: 3e-4, also for adapters; 1e-5 for every weight of a model above 20 M
        /// parameters
        value_learning_rate: Option<f32> = None, NON_NEGATIVE;
        /// What the value model is at the start: the reward model (Stiennon et al. 2020), or the policy under zeros
        value_init: ValueInit = ValueInit::RewardModel;
        /// Token that receives the score: the end token, or the one behind it, as TRL has it
        score_index: ScoreIndex = ScoreIndex::OnEos;
        /// Whether rewards are scaled to variance 1 before advantages are formed (Ziegler et al. 2019)
        whiten_rewards: bool = false;
        /// Tokens over which whitening averages: a rollout's, or a minibatch's (Ziegler et al. 2019)
        gae_scope: GaeScope = GaeScope::Rollout;
        /// Divisor of the variance in whitening: n, or n - 1, as TRL has it
        whiten_variance: Variance = Variance::Biased;
        /// Discount of later rewards
        gamma: f32 = 1.0, FRACTION;
        /// Decay of later surprises in generalised advantage estimation
        lambda: f32 = 0.95, FRACTION;
        /// The ratio counts only within 1 ± cliprange (Schulman et al. 2017)
        cliprange: f32 = 0.2, POSITIVE;
        /// A value counts only within ± cliprange_value of its value at the rollout
        cliprange_value: f32 = 0.2, POSITIVE;
        /// Factor on the value loss
        vf_coef: f32 = 0.1, NON_NEGATIVE;
        /// Ends the passes over a rollout when approx_kl is above it, in nats
        target_kl: Option<f32> = None, POSITIVE;
        /// Factor on the loss on pretraining text (PPO-ptx, InstructGPT eq. 2); 0 is off
        ptx_coef: f32 = 0.0, NON_NEGATIVE;
        /// Rows of pretraining text in each update of PPO-ptx
        ptx_batch_size: usize = 16, AT_LEAST_ONE;
        /// Tokens of a row of pretraining text
        ptx_context: usize = 128, AT_LEAST_ONE;
        ..online: OnlineOptions = OnlineOptions::default();
    }
}

/// Peak learning rates of the policy: with a value model it bears more than without.
const PEAK: Peak = Peak { small: 4e-5, ..online::PEAK };
/// And of the value model.
const VALUE_PEAK: Peak = Peak { small: 3e-4, adapters: 3e-4, large: 1e-5 };

impl TuningMethod for PpoOptions {
    const NAME: &'static str = "ppo";
    const TITLE: &'static str = "PPO";
    const ABOUT: &'static str =
        "Optimise a policy against a reward model, on a KL leash to where it started, with a value model (PPO)";
    const SOURCE: &'static str = "Schulman et al. 2017; InstructGPT 2022";
    const LEARNS_FROM: LearnsFrom = LearnsFrom::Rewards;
    const TARGET: Option<Target> = Some(Target::Optimum);
    const PRESETS: &'static [Preset<Self>] = &ppo_presets::ALL;

    fn check(&self) -> Result<(), SessionError> {
        if self.online.batch_size < 2 {
            let expected = "2 or more: advantages are whitened over the batch";
            return Err(SessionError::option("batch_size", self.online.batch_size, expected));
        }
        self.online.check(1)
    }

    fn start(self, material: &dyn Material, device: &Device) -> Result<Run, SessionError> {
        Ppo::new(self, material, device).map(Run::from)
    }
}

/// A PPO run.
pub struct Ppo {
    options: PpoOptions,
    /// Policy, reference, prompts and reward models.
    pub online: Online,
    /// The value model with its moments.
    pub value: Trainer<ScalarModel>,
}

impl Ppo {
    /// Loads the models and encodes the prompts.
    pub fn new(options: PpoOptions, material: &dyn Material, device: &Device) -> Result<Self, SessionError> {
        let mut online = Online::new(options.online.clone(), material, PpoOptions::TITLE, PEAK, device)?;
        let value = match options.value_init {
            ValueInit::RewardModel => material.reward_model(&options.online.finetuning, options.online.seed, device)?,
            ValueInit::ZeroHead => ScalarModel::on(&online.actor.trainer.model, options.online.seed).scaled(0.0),
        };
        let schedule = options.online.schedule(VALUE_PEAK.of(options.value_learning_rate, &value.decoder));
        let value = Trainer::new(value, options.online.optimizer(), schedule, "PPO's value model");
        let config = &online.actor.reference().config;
        online.actor.pretraining = PretrainingMix::wanted(&options, material, config, device)?;
        Ok(Self { options, online, value })
    }

    /// 3. Gain and bias are fixed on the first rollout; the value model's head takes the gain, to start on their scale.
    pub fn score(&mut self, mut collected: Collected) -> Scored {
        if let Some(gain) = self.online.fix_scale(&collected).filter(|gain| *gain != 1.0) {
            self.value.model = self.value.model.clone().scaled(gain);
            collected.values.iter_mut().for_each(|value| *value *= gain);
        }
        self.online.score(collected)
    }

    /// 4. KL at every token (unless it stands in the loss), the score at the last, `[batch, time]`.
    pub fn shape_rewards(&self, scored: &Scored) -> Vec<f32> {
        let (kl_coef, score_index) = (price(&self.options.online, self.online.kl_coef()), self.options.score_index);
        let rewards = shaped_rewards(&scored.kl, &scored.scores, &scored.mask, scored.time(), kl_coef, score_index);
        match self.options.whiten_rewards {
            true => whiten(&rewards, &self.reward_mask(scored), self.options.whiten_variance, false),
            false => rewards,
        }
    }

    /// 5. Generalised advantage estimation; whitened here unless that is done for each minibatch.
    pub fn estimate_advantages(&self, scored: Scored, rewards: &[f32]) -> Estimated {
        let PpoOptions { gamma, lambda, gae_scope, whiten_variance, .. } = self.options;
        let (reward_mask, time) = (self.reward_mask(&scored), scored.time());
        let Advantages { advantages, returns } = gae(rewards, &scored.values, &reward_mask, time, gamma, lambda);
        let advantages = match gae_scope {
            GaeScope::Rollout => whiten(&advantages, &scored.mask, whiten_variance, true),
            GaeScope::Minibatch => advantages,
        };
        Estimated { scored, advantages, returns, reward_mask }
    }

    /// 6. Passes of minibatches over the rollout, each an update of the policy and one of the value model.
    pub async fn optimise(&mut self, estimated: &Estimated) -> Result<Metrics, SessionError> {
        let Self { options, online, value, .. } = self;
        let whiten = (options.gae_scope == GaeScope::Minibatch).then_some(options.whiten_variance);
        let layout = Layout { whiten, exact_kl_in_loss: options.online.exact_kl_in_loss() };
        let update = |actor: &mut Actor, batch: &Minibatch, kl_coef: f32, learning: &mut Learning| {
            actor.update(batch, kl_coef, learning, |new| surrogate(new, batch, options.cliprange));
            let values = batch.values(estimated, &value.model.decoder.config);
            learning.push(value.step_on_device(|model| value_objective(model, &values, options)), "val/grad_norm");
        };
        let rows: Vec<usize> = (0..estimated.len()).collect();
        let elements: Vec<&[usize]> = rows.chunks(1).collect();
        online.passes(estimated, layout, options.target_kl, &elements, update).await
    }

    /// Where values and rewards count, `[batch, time]`.
    fn reward_mask(&self, scored: &Scored) -> Vec<bool> {
        self.options.score_index.reward_mask(&scored.mask, scored.time())
    }
}

/// L^CLIP (Schulman et al. 2017, eq. 7) as a loss, from the new log-probabilities, `[rows, time]`.
pub fn surrogate(new_logprobs: Tensor<2>, batch: &Minibatch, cliprange: f32) -> PolicyLoss {
    let (old, advantages, mask) = (batch.old_logprobs.clone(), batch.advantages.clone(), batch.mask.clone());
    policy_loss(new_logprobs, old, advantages, mask, cliprange, LossAggregation::TokenMean)
}

/// L^VF (eq. 9), clipped as the ratio is (the code of Ziegler et al. 2019), times its factor.
pub fn value_objective(value: &ScalarModel, batch: &ValueBatch, options: &PpoOptions) -> Measured {
    let (old, returns, mask) = (batch.old_values.clone(), batch.returns.clone(), batch.reward_mask.clone());
    let terms = value_loss(batch.new_values(value), old, returns, mask, options.cliprange_value);
    let loss = terms.loss.clone().mul_scalar(options.vf_coef);
    Measured::new(loss, [("val/clipfrac_avg", terms.clipfrac), ("loss/value_avg", terms.loss)])
}

impl Stage for Ppo {
    type State = OnlineState;
    const NAME: StageName = StageName::Tune;

    async fn advance(&mut self, told: &mut Told) -> Result<(), SessionError> {
        // 1. y ~ π_old(· | x)
        let completions = self.online.sample(1).await?;
        // 2. ln π_old(y_t), ln π_ref(y_t), V(x, y_<t), r(x, y) by the training forward: ρ below starts at exactly 1
        let collected = self.online.collect(completions, Some(&self.value.model.frozen())).await?;
        // 3. s = gain r(x, y) + bias, and less without an end token
        let scored = self.score(collected);
        // 4. R_t = -β (ln π_old - ln π_ref)_t, and + s where t = T
        let rewards = self.shape_rewards(&scored);
        // 5. A_t = Σ_l (γλ)^l δ_(t+l) with δ_t = R_t + γ V_(t+1) - V_t; A is whitened; returns A_t + V_t
        let estimated = self.estimate_advantages(scored, &rewards);
        // 6. max E_t [min(ρ_t A_t, clip(ρ_t, 1 ± ε) A_t)] with ρ_t = π / π_old; min E_t [(V - returns)²], clipped
        let metrics = self.optimise(&estimated).await?;
        // 7. β ← β (1 + clip(KL / target - 1, ± 0.2) n / horizon)
        let lens = self.online.look_into(&estimated, Some(&rewards), Some(self.options.cliprange)).await?;
        self.online.report(&estimated, metrics, lens, told);
        Ok(())
    }

    async fn end(&mut self) -> Result<Vec<Event>, SessionError> {
        self.online.end().await
    }

    fn standing(&self) -> Standing {
        self.online.standing()
    }

    fn state(&self) -> OnlineState {
        self.online.state()
    }

    fn save(&self, writer: SnapshotWriter) -> Result<SnapshotWriter, SessionError> {
        Ok(self.online.save(writer).trainer("value.", &self.value))
    }

    fn restore(&mut self, state: OnlineState, snapshot: &Snapshot) -> Result<(), SessionError> {
        self.online.restore(state, snapshot)?;
        snapshot.trainer("value.", &mut self.value, self.online.updates(), self.online.device())
    }
}
