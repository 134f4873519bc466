//! PPO options as published, by the name of the paper or program.
//!
//! A preset fixes the mathematics only, not learning rates, batch sizes and lengths of completions: with another model
//! and other data it reproduces a recipe, not its results. Where a source does not say, its comment says so, and the
//! value is that of Ziegler et al. 2019, from whose code the later ones descend. Nudge's own choice, for a small model
//! and a few dozen rankings, is [`PpoOptions::default`].

use super::Preset;
use super::online::OnlineOptions;
use super::ppo::PpoOptions;
use nudge_rlhf::{AdaptiveKl, Decay, GaeScope, KlEstimator, KlPlacement, MissingEos, ScoreIndex, ValueInit, Variance};

/// All, oldest recipe first.
pub const ALL: [Preset<PpoOptions>; 6] = [
    Preset { name: "lm-human-preferences", source: "Ziegler et al. 2019, and its code", options: lm_human_preferences },
    Preset { name: "stiennon", source: "Stiennon et al. 2020, Learning to summarize", options: stiennon },
    Preset { name: "instructgpt", source: "Ouyang et al. 2022, InstructGPT", options: instructgpt },
    Preset { name: "nplus", source: "Huang et al. 2024, The N+ implementation details", options: nplus },
    Preset { name: "trl", source: "TRL's PPOTrainer before its removal", options: trl },
    Preset { name: "tab", source: "Nudge's own", options: PpoOptions::default },
];

fn lm_human_preferences() -> PpoOptions {
    PpoOptions {
        score_index: ScoreIndex::OnEos,    // train_policy.py: `rewards[:, -1]`
        whiten_variance: Variance::Biased, // `tf.nn.moments`
        whiten_rewards: true,              // `ppo.whiten_rewards`
        gae_scope: GaeScope::Minibatch,    // advantages are formed inside the loss
        gamma: 1.0,                        // `ppo.gamma`
        lambda: 0.95,                      // `ppo.lam`
        cliprange_value: 0.2,              // `ppo.cliprange_value`
        vf_coef: 0.1,                      // `ppo.vf_coef`
        ptx_coef: 0.0,                     // none
        target_kl: None,                   // none
        value_init: ValueInit::ZeroHead,   // a head of zeros; the trunk it shares with the policy is ours apart
        cliprange: 0.2,                    // `ppo.cliprange`
        online: OnlineOptions {
            missing_eos: MissingEos::Replace(-1.0), // `penalty_reward_value`
            kl_estimator: KlEstimator::K1,          // `logprobs - ref_logprobs`
            kl_coef: 0.2,                           // `rewards.kl_coef`; by task .01 to .15
            adaptive_kl: Some(AdaptiveKl { target: 6.0, horizon: 10_000.0 }), // `rewards.adaptive_kl`
            num_iterations: 4,                      // `ppo.noptepochs`
            num_mini_batches: 1,                    // `ppo.nminibatches`
            temperature: Some(0.7),                 // `task.policy.temperature`; .5 for CNN/DM
            kl_placement: KlPlacement::Reward,      // `non_score_reward = -kl_coef * kl`
            entropy_coef: 0.0,                      // none
            lr_decay: Decay::Linear,                // train_policy.py: linear to 0
            warmup_ratio: 0.0,                      // none
            adam_beta2: 0.999,                      // TensorFlow's default
            adam_eps: 1e-5,                         // train_policy.py: `epsilon=1e-5`
            max_grad_norm: 0.0,                     // none
            ema_decay: None,                        // none
            ..PpoOptions::default().online
        },
        ..PpoOptions::default()
    }
}

fn stiennon() -> PpoOptions {
    let base = lm_human_preferences(); // score index, variance, clip ranges: not reported
    PpoOptions {
        whiten_rewards: false,              // not reported; `nplus`, its reproduction, has none
        gae_scope: GaeScope::Rollout,       // not reported; as in `nplus`
        gamma: 1.0,                         // appendix B.1
        lambda: 0.95,                       // appendix B.1
        value_init: ValueInit::RewardModel, // §3.4: the value function starts from the reward model
        online: OnlineOptions {
            missing_eos: MissingEos::Off, // not reported
            kl_coef: 0.05,                // appendix B.1
            adaptive_kl: None,            // appendix B.1: a fixed coefficient
            num_iterations: 4,            // appendix B.1
            temperature: Some(0.7),       // as in `nplus`
            ..base.online
        },
        ..base
    }
}

fn instructgpt() -> PpoOptions {
    let base = stiennon(); // the rest is not reported
    PpoOptions {
        gamma: 1.0,     // appendix C: no discount
        ptx_coef: 27.8, // appendix C
        cliprange: 0.2, // appendix C
        online: OnlineOptions {
            kl_coef: 0.02,             // appendix C
            num_iterations: 1,         // appendix C: one pass
            num_mini_batches: 8,       // appendix C: 512 episodes in minibatches of 64
            temperature: Some(1.0),    // appendix C
            ema_decay: Some(0.992),    // appendix C
            lr_decay: Decay::Constant, // appendix C
            warmup_ratio: 0.02,        // appendix C: 10 of 500 iterations, from a tenth of the peak
            adam_beta2: 0.95,          // appendix C
            adam_eps: 1e-8,            // not reported
            ..base.online
        },
        ..base
    }
}

fn nplus() -> PpoOptions {
    PpoOptions {
        score_index: ScoreIndex::AfterEos,  // ppo.py: `sequence_lengths + 1` where it exists
        whiten_variance: Variance::Biased,  // ppo.py: `masked_var(..., False)`
        whiten_rewards: false,              // ppo.py
        gae_scope: GaeScope::Rollout,       // ppo.py: once before the epochs
        gamma: 1.0,                         // ppo.py
        lambda: 0.95,                       // ppo.py
        cliprange_value: 0.2,               // ppo.py
        vf_coef: 0.1,                       // ppo.py
        ptx_coef: 0.0,                      // ppo.py: none
        target_kl: None,                    // ppo.py: none
        value_init: ValueInit::RewardModel, // ppo.py: the critic is loaded from the reward model
        cliprange: 0.2,                     // ppo.py
        online: OnlineOptions {
            missing_eos: MissingEos::Replace(-1.0), // ppo.py: `penalty_reward_value`
            kl_estimator: KlEstimator::K1,          // ppo.py: `logprobs - ref_logprobs`
            kl_coef: 0.05,                          // ppo.py
            adaptive_kl: None,                      // ppo.py
            num_iterations: 4,                      // ppo.py
            num_mini_batches: 1,                    // ppo.py
            temperature: Some(0.7),                 // ppo.py
            kl_placement: KlPlacement::Reward,      // ppo.py
            entropy_coef: 0.0,                      // ppo.py: none
            lr_decay: Decay::Linear,                // ppo.py: linear to 0
            warmup_ratio: 0.0,                      // ppo.py: none
            adam_beta2: 0.999,                      // PyTorch's default
            adam_eps: 1e-5,                         // ppo.py: `eps`
            max_grad_norm: 0.0,                     // ppo.py: none
            ema_decay: None,                        // ppo.py: none
            ..PpoOptions::default().online
        },
        ..PpoOptions::default()
    }
}

fn trl() -> PpoOptions {
    let base = nplus(); // ppo_trainer.py is a port of it
    PpoOptions {
        whiten_variance: Variance::Unbiased, // `masked_var(..., unbiased=True)`
        online: OnlineOptions {
            missing_eos: MissingEos::Subtract(1.0), // off by default; 1.0 in its example
            adam_eps: 1e-8,                         // that of transformers' `TrainingArguments`
            ..base.online
        },
        ..base
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::method::TuningMethod;
    use crate::options::Options;

    #[test]
    fn every_preset_is_valid_and_no_two_are_equal() {
        for (i, preset) in ALL.iter().enumerate() {
            let options = (preset.options)();
            options.check_ranges().unwrap();
            options.check().unwrap();
            for other in &ALL[i + 1..] {
                assert_ne!(options, (other.options)(), "{} and {}", preset.name, other.name);
            }
        }
    }
}
