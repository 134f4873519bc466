//! PPO options as published, by the name of the paper or program.
//!
//! A preset fixes the mathematics only: with another model and other data it reproduces a recipe, not
//! its results. Where a source does not say, its comment says so, and the value is that of Ziegler et
//! al. 2019, from whose code the later ones descend.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::host::kl::{AdaptiveKl, KlEstimator, KlPlacement};
use crate::host::rewards::{MissingEos, ScoreIndex};
use crate::host::schedule::Decay;
use crate::host::whiten::Variance;
use crate::options::{GaeScope, PpoOptions, ValueInit};

/// A published set of options.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PpoPreset {
    /// Ouyang et al. 2022, "Training language models to follow instructions with human feedback".
    #[serde(rename = "instructgpt")]
    InstructGpt,
    /// Stiennon et al. 2020, "Learning to summarize from human feedback".
    Stiennon,
    /// Huang et al. 2024, "The N+ implementation details of RLHF with PPO".
    #[serde(rename = "nplus")]
    NPlus,
    /// Ziegler et al. 2019, "Fine-tuning language models from human preferences", and its code.
    LmHumanPreferences,
    /// TRL's `PPOTrainer` before its removal.
    Trl,
    /// Nudge's own: a small model, 30 to 200 rankings, one person, one browser tab.
    #[default]
    Tab,
}

impl PpoPreset {
    /// All presets, oldest recipe first.
    pub const ALL: [Self; 6] =
        [Self::LmHumanPreferences, Self::Stiennon, Self::InstructGpt, Self::NPlus, Self::Trl, Self::Tab];

    /// The name in files and on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::InstructGpt => "instructgpt",
            Self::Stiennon => "stiennon",
            Self::NPlus => "nplus",
            Self::LmHumanPreferences => "lm-human-preferences",
            Self::Trl => "trl",
            Self::Tab => "tab",
        }
    }

    /// The options of the preset.
    pub fn options(self) -> PpoOptions {
        match self {
            Self::InstructGpt => instructgpt(),
            Self::Stiennon => stiennon(),
            Self::NPlus => nplus(),
            Self::LmHumanPreferences => lm_human_preferences(),
            Self::Trl => trl(),
            Self::Tab => tab(),
        }
    }
}

fn lm_human_preferences() -> PpoOptions {
    PpoOptions {
        score_index: ScoreIndex::OnEos,         // train_policy.py: `rewards[:, -1]`
        whiten_variance: Variance::Biased,      // `tf.nn.moments`
        missing_eos: MissingEos::Replace(-1.0), // `penalty_reward_value`
        kl_estimator: KlEstimator::K1,          // `logprobs - ref_logprobs`
        whiten_rewards: true,                   // `ppo.whiten_rewards`
        gae_scope: GaeScope::Minibatch,         // advantages are formed inside the loss
        kl_coef: 0.2,                           // `rewards.kl_coef`; by task .01 to .15
        adaptive_kl: Some(AdaptiveKl { target: 6.0, horizon: 10_000.0 }), // `rewards.adaptive_kl`
        gamma: 1.0,                             // `ppo.gamma`
        lambda: 0.95,                           // `ppo.lam`
        cliprange: 0.2,                         // `ppo.cliprange`
        cliprange_value: 0.2,                   // `ppo.cliprange_value`
        vf_coef: 0.1,                           // `ppo.vf_coef`
        num_ppo_epochs: 4,                      // `ppo.noptepochs`
        num_mini_batches: 1,                    // `ppo.nminibatches`
        temperature: 0.7,                       // `task.policy.temperature`; .5 for CNN/DM
        kl_placement: KlPlacement::Reward,      // `non_score_reward = -kl_coef * kl`
        entropy_coef: 0.0,                      // none
        ptx_coef: 0.0,                          // none
        target_kl: None,                        // none
        value_init: ValueInit::ZeroHead,        // a head of zeros; the trunk it shares with the policy is ours apart
        lr_decay: Decay::Linear,                // train_policy.py: linear to 0
        warmup_ratio: 0.0,                      // none
        adam_beta2: 0.999,                      // TensorFlow's default
        adam_eps: 1e-5,                         // train_policy.py: `epsilon=1e-5`
        max_grad_norm: 0.0,                     // none
        ema_decay: None,                        // none
    }
}

fn stiennon() -> PpoOptions {
    PpoOptions {
        missing_eos: MissingEos::Off,       // not reported
        whiten_rewards: false,              // not reported; `nplus`, its reproduction, has none
        gae_scope: GaeScope::Rollout,       // not reported; as in `nplus`
        kl_coef: 0.05,                      // appendix B.1
        adaptive_kl: None,                  // appendix B.1: a fixed coefficient
        gamma: 1.0,                         // appendix B.1
        lambda: 0.95,                       // appendix B.1
        num_ppo_epochs: 4,                  // appendix B.1
        temperature: 0.7,                   // as in `nplus`
        value_init: ValueInit::RewardModel, // §3.4: the value function starts from the reward model
        ..lm_human_preferences()            // score index, variance, clip ranges: not reported
    }
}

fn instructgpt() -> PpoOptions {
    PpoOptions {
        kl_coef: 0.02,             // appendix C
        gamma: 1.0,                // appendix C: no discount
        cliprange: 0.2,            // appendix C
        num_ppo_epochs: 1,         // appendix C: one pass
        num_mini_batches: 8,       // appendix C: 512 episodes in minibatches of 64
        temperature: 1.0,          // appendix C
        ptx_coef: 27.8,            // appendix C
        ema_decay: Some(0.992),    // appendix C
        lr_decay: Decay::Constant, // appendix C
        warmup_ratio: 0.02,        // appendix C: 10 of 500 iterations, from a tenth of the peak
        adam_beta2: 0.95,          // appendix C
        adam_eps: 1e-8,            // not reported
        ..stiennon()               // the rest is not reported
    }
}

fn nplus() -> PpoOptions {
    PpoOptions {
        score_index: ScoreIndex::AfterEos, // ppo.py: `sequence_lengths + 1` where it exists
        whiten_variance: Variance::Biased, // ppo.py: `masked_var(..., False)`
        missing_eos: MissingEos::Replace(-1.0), // ppo.py: `penalty_reward_value`
        kl_estimator: KlEstimator::K1,     // ppo.py: `logprobs - ref_logprobs`
        whiten_rewards: false,             // ppo.py
        gae_scope: GaeScope::Rollout,      // ppo.py: once before the epochs
        kl_coef: 0.05,                     // ppo.py
        adaptive_kl: None,                 // ppo.py
        gamma: 1.0,                        // ppo.py
        lambda: 0.95,                      // ppo.py
        cliprange: 0.2,                    // ppo.py
        cliprange_value: 0.2,              // ppo.py
        vf_coef: 0.1,                      // ppo.py
        num_ppo_epochs: 4,                 // ppo.py
        num_mini_batches: 1,               // ppo.py
        temperature: 0.7,                  // ppo.py
        kl_placement: KlPlacement::Reward, // ppo.py
        entropy_coef: 0.0,                 // ppo.py: none
        ptx_coef: 0.0,                     // ppo.py: none
        target_kl: None,                   // ppo.py: none
        value_init: ValueInit::RewardModel, // ppo.py: the critic is loaded from the reward model
        lr_decay: Decay::Linear,           // ppo.py: linear to 0
        warmup_ratio: 0.0,                 // ppo.py: none
        adam_beta2: 0.999,                 // PyTorch's default
        adam_eps: 1e-5,                    // ppo.py: `eps`
        max_grad_norm: 0.0,                // ppo.py: none
        ema_decay: None,                   // ppo.py: none
    }
}

fn trl() -> PpoOptions {
    PpoOptions {
        whiten_variance: Variance::Unbiased,    // `masked_var(..., unbiased=True)`
        missing_eos: MissingEos::Subtract(1.0), // off by default; 1.0 in its example
        adam_eps: 1e-8,                         // that of transformers' `TrainingArguments`
        ..nplus()                               // ppo_trainer.py is a port of it
    }
}

/// What a few dozen rankings can bear. The reward model is weak, so the policy moves little for each
/// rollout, and a person watches: an answer that is cut off still shows which text was better.
fn tab() -> PpoOptions {
    PpoOptions {
        score_index: ScoreIndex::OnEos,         // no reward on padding
        whiten_variance: Variance::Biased,      // defined for one token
        missing_eos: MissingEos::Subtract(1.0), // keeps the order of unfinished answers
        kl_estimator: KlEstimator::K1,          // unbiased; k3 would punish rare tokens without bound
        whiten_rewards: false,                  // scores keep the meaning of their normalisation
        gae_scope: GaeScope::Rollout,           // small minibatches would whiten noise
        kl_coef: 0.2,                           // as `lm-human-preferences`, to start from
        // Measured: at a fixed coefficient one reward model lets go of English and another teaches nothing.
        adaptive_kl: Some(AdaptiveKl { target: 3.5, horizon: 64.0 }),
        gamma: 1.0,                         // as all others
        lambda: 0.95,                       // as all others
        cliprange: 0.2,                     // as all others
        cliprange_value: 0.2,               // as all others
        vf_coef: 0.1,                       // as all others
        num_ppo_epochs: 2,                  // between 1 of `instructgpt` and 4 of `nplus`
        num_mini_batches: 4,                // more, smaller steps out of few rollouts
        temperature: 0.7,                   // as `nplus`; at 1 a small model leaves its English
        kl_placement: KlPlacement::Reward,  // as all others
        entropy_coef: 0.0,                  // as all others
        ptx_coef: 0.0,                      // needs text beside the prompts
        target_kl: None,                    // as all others
        value_init: ValueInit::RewardModel, // as `instructgpt` and `nplus`
        lr_decay: Decay::Constant,          // as `instructgpt`: a person may stop at any step
        warmup_ratio: 0.05,                 // moments are empty for the first few updates of some hundred
        adam_beta2: 0.95,                   // as `instructgpt`
        adam_eps: 1e-8,                     // as `instructgpt`
        max_grad_norm: 1.0,                 // one surprising rollout out of fifteen must not decide the run
        ema_decay: None,                    // fifteen rollouts are too few to average
    }
}

/// A name that no preset has.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no PPO preset {0:?}; choose one of: {names}", names = PpoPreset::ALL.map(PpoPreset::name).join(", "))]
pub struct UnknownPreset(pub String);

impl FromStr for PpoPreset {
    type Err = UnknownPreset;

    fn from_str(name: &str) -> Result<Self, UnknownPreset> {
        Self::ALL.into_iter().find(|preset| preset.name() == name).ok_or_else(|| UnknownPreset(name.to_owned()))
    }
}

impl fmt::Display for PpoPreset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_leads_back_to_its_preset() {
        for preset in PpoPreset::ALL {
            assert_eq!(preset.to_string().parse(), Ok(preset));
            let json = serde_json::to_string(&preset).expect("a name");
            assert_eq!(json, format!("{:?}", preset.name()));
        }
    }

    #[test]
    fn an_unknown_name_is_answered_with_the_known_ones() {
        let message = "ppo2".parse::<PpoPreset>().expect_err("unknown").to_string();
        for preset in PpoPreset::ALL {
            assert!(message.contains(preset.name()), "{message}");
        }
    }

    #[test]
    fn every_preset_is_valid_and_no_two_are_equal() {
        for (i, preset) in PpoPreset::ALL.into_iter().enumerate() {
            assert_eq!(preset.options().validate(), Ok(()), "{preset}");
            for other in &PpoPreset::ALL[i + 1..] {
                assert_ne!(preset.options(), other.options(), "{preset} and {other}");
            }
        }
    }
}
