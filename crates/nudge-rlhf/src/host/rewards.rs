//! The reward of every token: the score of the whole completion at its end, minus the price of leaving
//! the reference model.
//!
//! Also the rule for completions that never ended. Where the score comes from is not this module's
//! business.

use serde::{Deserialize, Serialize};

use super::{assert_rows, assert_same_len};

/// The token that receives the score of the completion.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ScoreIndex {
    /// The last token of the completion, which is its EOS if it ended.
    #[default]
    OnEos,
    /// The token after the last, where the row has one; otherwise the last. The value model's
    /// estimate at that token then counts too.
    AfterEos,
}

impl ScoreIndex {
    /// The tokens that carry a reward and a value, `[batch, time]`.
    ///
    /// Equal to `mask` for [`ScoreIndex::OnEos`]; one token longer in every row that has room for
    /// [`ScoreIndex::AfterEos`]. Advantages and the value loss use this mask; the policy loss and
    /// the whitening of advantages use `mask`.
    ///
    /// # Panics
    /// If `mask` does not split into rows of `time`.
    pub fn reward_mask(self, mask: &[bool], time: usize) -> Vec<bool> {
        assert_rows("mask", mask.len(), time);
        let mut reward_mask = mask.to_vec();
        for (row, out) in mask.chunks_exact(time).zip(reward_mask.chunks_exact_mut(time)) {
            if let Some(index) = self.of_row(row) {
                out[index] = true;
            }
        }
        reward_mask
    }

    /// The index of the scored token in a row; `None` for a row without any token.
    fn of_row(self, mask: &[bool]) -> Option<usize> {
        let last = mask.iter().rposition(|&counts| counts)?;
        Some(match self {
            Self::OnEos => last,
            Self::AfterEos => (last + 1).min(mask.len() - 1),
        })
    }
}

/// What happens to the score of a completion that was cut off before its EOS.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MissingEos {
    /// The score becomes this value: the text of the completion no longer matters.
    Replace(f32),
    /// The score falls by this value: a better text is still better.
    Subtract(f32),
    /// The score stays.
    #[default]
    Off,
}

impl MissingEos {
    /// The score of one completion under the rule.
    pub fn apply(self, score: f32, has_eos: bool) -> f32 {
        match self {
            _ if has_eos => score,
            Self::Replace(value) => value,
            Self::Subtract(penalty) => score - penalty,
            Self::Off => score,
        }
    }
}

/// KL-shaped rewards, `[batch, time]`: `r_t = -kl_coef * kl_t`, plus the score at `score_index`.
///
/// - `kl`: KL of every token, `[batch, time]`, zero where masked ([`super::kl::per_token_kl`])
/// - `scores`: one score a completion, `[batch]`, after normalisation and [`MissingEos`]
/// - `mask`: tokens of the completions, `[batch, time]`
///
/// A row without any token keeps a reward of zero throughout.
/// Source: Ziegler et al. 2019, eq. 2, spread over tokens as in their code.
///
/// # Panics
/// If the shapes disagree.
pub fn shaped_rewards(
    kl: &[f32],
    scores: &[f32],
    mask: &[bool],
    time: usize,
    kl_coef: f32,
    score_index: ScoreIndex,
) -> Vec<f32> {
    assert_rows("kl", kl.len(), time);
    assert_same_len("mask", mask.len(), "kl", kl.len());
    let batch = kl.len() / time;
    assert!(scores.len() == batch, "{} scores for a batch of {batch} completions", scores.len());

    let mut rewards: Vec<f32> =
        kl.iter().zip(mask).map(|(&kl, &counts)| if counts { -kl_coef * kl } else { 0.0 }).collect();
    let rows = rewards.chunks_exact_mut(time).zip(mask.chunks_exact(time));
    for ((rewards, mask), &score) in rows.zip(scores) {
        if let Some(index) = score_index.of_row(mask) {
            rewards[index] += score;
        }
    }
    rewards
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_score_lands_on_the_eos_or_after_it() {
        let mask = [true, true, false, false, true, true, true, true, false, false, false, false];
        let kl = [0.0; 12];
        let scores = [1.0, 2.0, 3.0];
        let on = shaped_rewards(&kl, &scores, &mask, 4, 0.1, ScoreIndex::OnEos);
        assert_eq!(on, [0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 2.0, 0.0, 0.0, 0.0, 0.0]);
        let after = shaped_rewards(&kl, &scores, &mask, 4, 0.1, ScoreIndex::AfterEos);
        assert_eq!(after, [0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 2.0, 0.0, 0.0, 0.0, 0.0]);
    }

    #[test]
    fn the_reward_mask_covers_the_scored_token() {
        let mask = [true, false, false, true, true, true];
        assert_eq!(ScoreIndex::OnEos.reward_mask(&mask, 3), mask);
        assert_eq!(ScoreIndex::AfterEos.reward_mask(&mask, 3), [true, true, false, true, true, true]);
    }

    #[test]
    fn a_higher_kl_is_a_lower_reward() {
        let rewards = shaped_rewards(&[2.0], &[0.0], &[true], 1, 0.5, ScoreIndex::OnEos);
        assert_eq!(rewards, [-1.0]);
    }

    #[test]
    fn missing_eos_touches_unfinished_completions_only() {
        for rule in [MissingEos::Replace(-1.0), MissingEos::Subtract(1.0), MissingEos::Off] {
            assert_eq!(rule.apply(3.0, true), 3.0);
        }
        assert_eq!(MissingEos::Replace(-1.0).apply(3.0, false), -1.0);
        assert_eq!(MissingEos::Subtract(1.0).apply(3.0, false), 2.0);
        assert_eq!(MissingEos::Off.apply(3.0, false), 3.0);
    }

    #[test]
    #[should_panic(expected = "2 scores for a batch of 1 completions")]
    fn a_wrong_number_of_scores_is_named() {
        shaped_rewards(&[0.0], &[1.0, 2.0], &[true], 1, 0.1, ScoreIndex::OnEos);
    }
}
