//! Advantages without a value model: a completion is judged against the other completions.
//!
//! GRPO and RLOO compare the `k` completions to one prompt, REINFORCE compares with all rewards before.
//! Rewards come in groups: `rewards[g * k..(g + 1) * k]` are the `k` completions to prompt `g`. The
//! result is one advantage a completion; [`broadcast`] hands it to the tokens. The loss on them is the
//! business of [`crate::loss`], and so is the price of KL if it is not in the rewards
//! ([`super::kl::KlPlacement`]).

use serde::{Deserialize, Serialize};

use super::{assert_rows, assert_same_len};

/// What the advantages of GRPO are divided by (`scale_rewards` of TRL).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ScaleRewards {
    /// The standard deviation of the group (Shao et al. 2024, §4.1.2).
    #[default]
    Group,
    /// The standard deviation of all rewards of the batch.
    Batch,
    /// Nothing: a division by the group's deviation favours prompts whose completions hardly differ
    /// (Dr. GRPO, Liu et al. 2025).
    None,
}

/// Added to the standard deviation, as in TRL: a group of equal rewards gets zeros.
const SCALE_EPSILON: f64 = 1e-4;

/// `(r - mean of the group) / (std + 1e-4)`, one advantage a completion (Shao et al. 2024, §4.1.2).
///
/// The standard deviation is the unbiased one, of the group or of the batch. A NaN makes its group
/// NaN, and with [`ScaleRewards::Batch`] the whole batch.
///
/// # Panics
/// If `k` is less than 2, or `rewards` does not split into groups of `k`.
pub fn grpo_advantages(rewards: &[f32], k: usize, scale: ScaleRewards) -> Vec<f32> {
    assert_groups(rewards, k);
    let batch_deviation = deviation(rewards);
    rewards
        .chunks_exact(k)
        .flat_map(|group| {
            let mean = mean(group);
            let divisor = match scale {
                ScaleRewards::Group => deviation(group) + SCALE_EPSILON,
                ScaleRewards::Batch => batch_deviation + SCALE_EPSILON,
                ScaleRewards::None => 1.0,
            };
            group.iter().map(move |&reward| ((f64::from(reward) - mean) / divisor) as f32)
        })
        .collect()
}

/// `r_i - mean of the other k - 1 completions`, one advantage a completion (Ahmadian et al. 2024).
///
/// The baseline does not depend on the completion it is taken from, so the gradient stays unbiased.
/// Equal to `k / (k - 1) * (r_i - mean of the group)`.
///
/// # Panics
/// If `k` is less than 2, or `rewards` does not split into groups of `k`.
pub fn rloo_advantages(rewards: &[f32], k: usize) -> Vec<f32> {
    assert_groups(rewards, k);
    rewards
        .chunks_exact(k)
        .flat_map(|group| {
            let sum = sum(group);
            group.iter().map(move |&reward| {
                let reward = f64::from(reward);
                (reward - (sum - reward) / (k - 1) as f64) as f32
            })
        })
        .collect()
}

/// The mean of all rewards seen before: the baseline of REINFORCE (`b_MA` of
/// Ahmadian et al. 2024).
///
/// It is state between two steps: it is saved with a checkpoint.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RewardBaseline {
    /// Sum of the rewards seen.
    pub sum: f64,
    /// Number of the rewards seen.
    pub count: usize,
}

impl RewardBaseline {
    /// Rewards minus the mean of all earlier ones; then takes the batch in.
    ///
    /// The first batch has nothing before it and is compared with its own mean. A reward that is not
    /// finite gets an advantage that is not finite, but stays out of every mean.
    pub fn advantages(&mut self, rewards: &[f32]) -> Vec<f32> {
        let earlier = *self;
        for reward in rewards.iter().filter(|reward| reward.is_finite()) {
            self.sum += f64::from(*reward);
            self.count += 1;
        }
        let baseline = if earlier.count == 0 { self.mean() } else { earlier.mean() };
        rewards.iter().map(|&reward| (f64::from(reward) - baseline) as f32).collect()
    }

    /// The mean of the rewards seen; 0 before the first.
    pub fn mean(&self) -> f64 {
        self.sum / self.count.max(1) as f64
    }
}

/// One number a completion to every unmasked token of it, `[batch, time]`; zero where masked.
///
/// - `per_completion`: `[batch]`
/// - `mask`: tokens of the completions, `[batch, time]`
///
/// # Panics
/// If the shapes disagree.
pub fn broadcast(per_completion: &[f32], mask: &[bool], time: usize) -> Vec<f32> {
    assert_rows("mask", mask.len(), time);
    assert_same_len("mask", mask.len(), "per_completion * time", per_completion.len() * time);
    mask.chunks_exact(time)
        .zip(per_completion)
        .flat_map(|(row, &value)| row.iter().map(move |&counts| if counts { value } else { 0.0 }))
        .collect()
}

/// Share of groups whose rewards are all equal: they teach nothing (`frac_reward_zero_std` of TRL).
///
/// 0 without any group. A group with a NaN is not counted.
///
/// # Panics
/// If `k` is 0, or `rewards` does not split into groups of `k`.
pub fn zero_spread_share(rewards: &[f32], k: usize) -> f32 {
    assert_rows("rewards", rewards.len(), k);
    let groups = (rewards.len() / k).max(1);
    let equal = rewards.chunks_exact(k).filter(|group| group.iter().all(|reward| *reward == group[0])).count();
    equal as f32 / groups as f32
}

fn sum(values: &[f32]) -> f64 {
    values.iter().map(|&value| f64::from(value)).sum()
}

fn mean(values: &[f32]) -> f64 {
    sum(values) / values.len() as f64
}

/// Unbiased standard deviation of two values or more.
fn deviation(values: &[f32]) -> f64 {
    let mean = mean(values);
    let squares: f64 = values.iter().map(|&value| (f64::from(value) - mean).powi(2)).sum();
    (squares / (values.len() as f64 - 1.0)).sqrt()
}

#[track_caller]
fn assert_groups(rewards: &[f32], k: usize) {
    assert!(k >= 2, "groups of k = {k}: a completion needs at least one other to the same prompt to be compared with");
    assert!(rewards.len().is_multiple_of(k), "{} rewards do not split into groups of k = {k}", rewards.len());
}

#[cfg(test)]
mod tests {
    use super::*;

    const HALF_RIGHT: [f32; 8] = [1.0, 0.0, 0.0, 1.0, 1.0, 0.0, 0.0, 0.0];

    fn close(actual: &[f32], expected: &[f32]) {
        assert_eq!(actual.len(), expected.len());
        for (a, e) in actual.iter().zip(expected) {
            assert!((a - e).abs() <= 1e-6, "{actual:?} is not {expected:?}");
        }
    }

    #[test]
    fn grpo_and_rloo_match_their_reference_values() {
        let expected = |right: f32, wrong: f32| HALF_RIGHT.map(|reward| if reward > 0.0 { right } else { wrong });
        close(&grpo_advantages(&HALF_RIGHT, 8, ScaleRewards::Group), &expected(1.207_381, -0.724_429));
        close(&rloo_advantages(&HALF_RIGHT, 8), &expected(0.714_286, -0.428_571));
    }

    #[test]
    fn every_scale_of_two_groups_by_hand() {
        let rewards = [1.0, 3.0, 10.0, 10.0];
        // Deviation of [1, 3]: sqrt(2). Of all, around 6: sqrt((25 + 9 + 16 + 16) / 3) = sqrt(22).
        let group = 1.0 / (2f32.sqrt() + 1e-4);
        close(&grpo_advantages(&rewards, 2, ScaleRewards::Group), &[-group, group, 0.0, 0.0]);
        let batch = 1.0 / (22f32.sqrt() + 1e-4);
        close(&grpo_advantages(&rewards, 2, ScaleRewards::Batch), &[-batch, batch, 0.0, 0.0]);
        close(&grpo_advantages(&rewards, 2, ScaleRewards::None), &[-1.0, 1.0, 0.0, 0.0]);
        close(&rloo_advantages(&rewards, 2), &[-2.0, 2.0, 0.0, 0.0]);
    }

    #[test]
    fn equal_rewards_get_exactly_nothing() {
        for scale in [ScaleRewards::Group, ScaleRewards::Batch, ScaleRewards::None] {
            assert_eq!(grpo_advantages(&[0.1; 6], 3, scale), [0.0; 6]);
        }
        assert_eq!(rloo_advantages(&[0.1; 6], 3), [0.0; 6]);
    }

    #[test]
    fn a_nan_stays_in_its_group() {
        let rewards = [f32::NAN, 1.0, 2.0, 4.0];
        for advantages in [grpo_advantages(&rewards, 2, ScaleRewards::Group), rloo_advantages(&rewards, 2)] {
            assert!(advantages[..2].iter().all(|a| a.is_nan()) && advantages[2..].iter().all(|a| a.is_finite()));
        }
    }

    #[test]
    fn the_baseline_is_the_mean_of_what_came_before() {
        let mut baseline = RewardBaseline::default();
        assert_eq!(baseline.advantages(&[1.0, 3.0]), [-1.0, 1.0]);
        assert_eq!(baseline.advantages(&[5.0]), [3.0]);
        assert_eq!(baseline.mean(), 3.0);
        assert_eq!(baseline.advantages(&[3.0, f32::NAN])[0], 0.0);
        assert_eq!((baseline.sum, baseline.count), (12.0, 4));
        assert!(RewardBaseline::default().advantages(&[]).is_empty());
    }

    #[test]
    fn the_baseline_survives_a_checkpoint_bit_for_bit() {
        let mut baseline = RewardBaseline::default();
        baseline.advantages(&[0.1, 0.7, -1.3]);
        let json = serde_json::to_string(&baseline).expect("plain numbers");
        assert_eq!(serde_json::from_str::<RewardBaseline>(&json).expect("own output"), baseline);
    }

    #[test]
    fn tokens_get_the_number_of_their_completion() {
        let mask = [true, true, false, true, false, false];
        assert_eq!(broadcast(&[2.0, -1.0], &mask, 3), [2.0, 2.0, 0.0, -1.0, 0.0, 0.0]);
        assert_eq!(broadcast(&[f32::NAN], &[false], 1), [0.0]);
    }

    #[test]
    fn groups_without_spread_are_counted() {
        assert_eq!(zero_spread_share(&[1.0, 1.0, 0.0, 1.0, 2.0, 2.0, f32::NAN, f32::NAN], 2), 0.5);
        assert_eq!(zero_spread_share(&[], 2), 0.0);
        assert_eq!(zero_spread_share(&[1.0, 2.0], 1), 1.0);
    }

    #[test]
    fn no_completions_have_no_advantages() {
        assert!(grpo_advantages(&[], 4, ScaleRewards::Batch).is_empty());
        assert!(rloo_advantages(&[], 4).is_empty());
    }

    #[test]
    #[should_panic(expected = "groups of k = 1")]
    fn grpo_needs_something_to_compare_with() {
        grpo_advantages(&[1.0, 2.0], 1, ScaleRewards::None);
    }

    #[test]
    #[should_panic(expected = "groups of k = 1")]
    fn rloo_needs_something_to_compare_with() {
        rloo_advantages(&[1.0, 2.0], 1);
    }

    #[test]
    #[should_panic(expected = "5 rewards do not split into groups of k = 2")]
    fn a_broken_group_is_named() {
        rloo_advantages(&[0.0; 5], 2);
    }

    #[test]
    #[should_panic(expected = "mask has 4 values but per_completion * time has 6")]
    fn a_wrong_number_of_completions_is_named() {
        broadcast(&[1.0, 2.0, 3.0], &[true; 4], 2);
    }

    #[test]
    fn the_scale_has_the_names_of_trl() {
        let json = [ScaleRewards::Group, ScaleRewards::Batch, ScaleRewards::None].map(|s| serde_json::json!(s));
        assert_eq!(json, ["group", "batch", "none"]);
    }
}
