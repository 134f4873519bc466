//! Generalised advantage estimation: how much better each token went than the value model expected.
//!
//! Whitening is a separate step ([`super::whiten`]), because the returns need the raw advantages.

use serde::{Deserialize, Serialize};

use super::{assert_rows, assert_same_len};

/// The tokens over which rewards and advantages are whitened.
///
/// The recursion itself runs within one completion, so this is all that the scope changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GaeScope {
    /// All completions of a rollout, once.
    #[default]
    Rollout,
    /// The completions of a minibatch, anew for every minibatch.
    Minibatch,
}

/// What the value model is before the first update.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ValueInit {
    /// The reward model: it already predicts the score (Stiennon et al. 2020, InstructGPT).
    #[default]
    RewardModel,
    /// The policy under a head of zeros (Ziegler et al. 2019).
    ZeroHead,
}

/// Advantages and returns of a batch of completions.
#[derive(Debug, Clone, PartialEq)]
pub struct Advantages {
    /// Raw advantages, `[batch, time]`; zero where the mask is `false`.
    pub advantages: Vec<f32>,
    /// Targets of the value model, `advantages + values`, `[batch, time]`; zero where masked.
    pub returns: Vec<f32>,
}

/// Advantages and returns by a backward pass over each completion.
///
/// `delta_t = r_t + gamma * V_{t+1} - V_t`, `A_t = delta_t + gamma * lambda * A_{t+1}`
/// (Schulman et al. 2016, eq. 16). The value after the last token is 0: the episode is over.
/// Masked tokens are stepped over: they neither add to an advantage nor decay it.
///
/// - `rewards`: `[batch, time]`, from [`super::rewards::shaped_rewards`]
/// - `values`: `[batch, time]`, predicted before each token is chosen
/// - `mask`: `[batch, time]`, from [`super::rewards::ScoreIndex::reward_mask`]
///
/// # Panics
/// If the shapes disagree.
pub fn gae(rewards: &[f32], values: &[f32], mask: &[bool], time: usize, gamma: f32, lambda: f32) -> Advantages {
    assert_rows("rewards", rewards.len(), time);
    assert_same_len("values", values.len(), "rewards", rewards.len());
    assert_same_len("mask", mask.len(), "rewards", rewards.len());
    let (gamma, lambda) = (f64::from(gamma), f64::from(lambda));
    let mut advantages = vec![0.0; rewards.len()];
    let mut returns = vec![0.0; rewards.len()];
    for row in (0..rewards.len()).step_by(time) {
        let (mut advantage, mut next_value) = (0.0, 0.0);
        for t in (row..row + time).rev().filter(|&t| mask[t]) {
            let value = f64::from(values[t]);
            let delta = f64::from(rewards[t]) + gamma * next_value - value;
            advantage = delta + gamma * lambda * advantage;
            next_value = value;
            advantages[t] = advantage as f32;
            returns[t] = (advantage + value) as f32;
        }
    }
    Advantages { advantages, returns }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_token_returns_its_reward() {
        let out = gae(&[2.0], &[0.5], &[true], 1, 1.0, 0.95);
        assert_eq!(out.advantages, [1.5]);
        assert_eq!(out.returns, [2.0]);
    }

    #[test]
    fn with_lambda_one_returns_are_the_discounted_rewards_to_come() {
        let out = gae(&[1.0, 2.0, 4.0], &[9.0, -3.0, 0.5], &[true; 3], 3, 0.5, 1.0);
        for (actual, expected) in out.returns.iter().zip([3.0, 4.0, 4.0]) {
            assert!((actual - expected).abs() < 1e-6);
        }
    }

    #[test]
    fn with_lambda_zero_advantages_are_one_step_errors() {
        let out = gae(&[1.0, 2.0], &[0.5, 0.25], &[true; 2], 2, 1.0, 0.0);
        assert_eq!(out.advantages, [0.75, 1.75]);
    }

    #[test]
    fn rows_do_not_leak_into_each_other_and_garbage_under_the_mask_is_ignored() {
        let alone = gae(&[1.0, 0.0], &[0.5, f32::NAN], &[true, false], 2, 1.0, 0.95);
        let beside = gae(&[1.0, f32::NAN, 7.0, 8.0], &[0.5, 9.0, 1.0, 1.0], &[true, false, true, true], 2, 1.0, 0.95);
        assert_eq!(alone.advantages, beside.advantages[..2]);
        assert_eq!(alone.returns, beside.returns[..2]);
    }

    #[test]
    fn a_gap_inside_a_completion_neither_adds_nor_decays() {
        let whole = gae(&[1.0, 2.0], &[0.3, 0.4], &[true; 2], 2, 0.9, 0.8);
        let gap = gae(&[1.0, 5.0, 2.0], &[0.3, 5.0, 0.4], &[true, false, true], 3, 0.9, 0.8);
        assert_eq!(gap.advantages, [whole.advantages[0], 0.0, whole.advantages[1]]);
    }
}
