//! Where a reward model is right: by how sure it is, and by which completion is longer.
//!
//! One accuracy hides two things. A good model is right where its margin is wide; and a model that
//! learned "longer is better" is right about long winners only (Stiennon et al. 2020, §4.3). The
//! accuracy over all pairs is [`super::stats::pairwise_accuracy`]; margins as probabilities are in
//! [`super::calibration`].

use std::cmp::Ordering;

use serde::{Deserialize, Serialize};

use super::assert_same_len;
use super::stats::{WinRate, pairwise_accuracy};

/// Accuracy on pairs of similar margin.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct MarginAccuracy {
    /// Smallest `|r_w - r_l|` among the pairs.
    pub low: f64,
    /// Largest `|r_w - r_l|` among the pairs.
    pub high: f64,
    /// How many of them the model puts in order.
    pub accuracy: WinRate,
}

/// Accuracy by the length of the winner against that of the loser.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct LengthAccuracy {
    /// Pairs that the shorter completion won.
    pub shorter: WinRate,
    /// Pairs of completions of one length.
    pub equal: WinRate,
    /// Pairs that the longer completion won.
    pub longer: WinRate,
}

/// Accuracy on `quantiles` parts of the pairs, from the narrowest margin to the widest.
///
/// The parts have equally many pairs, as far as that goes: pairs of one margin stay together, so
/// parts differ in size or are missing where margins repeat or pairs are few. `pairs` are
/// `(winner, loser)` indices into `rewards`. A pair whose margin is NaN belongs to no part.
///
/// # Panics
/// If `quantiles` is 0, or an index lies outside `rewards`.
pub fn accuracy_by_margin(rewards: &[f32], pairs: &[(usize, usize)], quantiles: usize) -> Vec<MarginAccuracy> {
    assert!(quantiles > 0, "accuracy by margin needs at least one part");
    let margin = |&(winner, loser): &(usize, usize)| (f64::from(rewards[winner]) - f64::from(rewards[loser])).abs();
    let mut sorted: Vec<(usize, usize)> = pairs.iter().copied().filter(|pair| !margin(pair).is_nan()).collect();
    sorted.sort_by(|a, b| margin(a).total_cmp(&margin(b)));

    let (mut slices, mut start) = (Vec::new(), 0);
    for quantile in 1..=quantiles {
        let mut end = (quantile * sorted.len()).div_ceil(quantiles).max(start);
        while end > 0 && end < sorted.len() && margin(&sorted[end]) == margin(&sorted[end - 1]) {
            end += 1;
        }
        let slice = &sorted[start..end];
        if let (Some(first), Some(last)) = (slice.first(), slice.last()) {
            let accuracy = pairwise_accuracy(rewards, slice);
            slices.push(MarginAccuracy { low: margin(first), high: margin(last), accuracy });
        }
        start = end;
    }
    slices
}

/// Accuracy on pairs that the shorter completion won, on pairs of one length, and on pairs that the
/// longer one won.
///
/// A reward model without a taste for length is as often right in the first as in the last.
///
/// - `rewards`, `lengths`: one a completion; lengths in tokens or in characters
/// - `pairs`: `(winner, loser)` indices into both
///
/// # Panics
/// If `rewards` and `lengths` differ in length, or an index lies outside them.
pub fn accuracy_by_length(rewards: &[f32], lengths: &[usize], pairs: &[(usize, usize)]) -> LengthAccuracy {
    assert_same_len("lengths", lengths.len(), "rewards", rewards.len());
    let accuracy = |order: Ordering| {
        let slice: Vec<_> = pairs.iter().copied().filter(|&(w, l)| lengths[w].cmp(&lengths[l]) == order).collect();
        pairwise_accuracy(rewards, &slice)
    };
    LengthAccuracy {
        shorter: accuracy(Ordering::Less),
        equal: accuracy(Ordering::Equal),
        longer: accuracy(Ordering::Greater),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(accuracy: &WinRate) -> (usize, usize, usize) {
        (accuracy.wins, accuracy.ties, accuracy.losses)
    }

    #[test]
    fn margins_by_hand() {
        // Margins 1 right, 1 wrong, 3 right, 6 right.
        let rewards = [0.0, 1.0, 3.0, 6.0];
        let slices = accuracy_by_margin(&rewards, &[(3, 0), (1, 0), (2, 0), (0, 1)], 2);
        assert_eq!(slices.iter().map(|slice| (slice.low, slice.high)).collect::<Vec<_>>(), [(1.0, 1.0), (3.0, 6.0)]);
        assert_eq!(slices.iter().map(|slice| counts(&slice.accuracy)).collect::<Vec<_>>(), [(1, 0, 1), (2, 0, 0)]);
    }

    #[test]
    fn equal_margins_stay_together_and_every_pair_is_in_one_part() {
        let rewards = [0.0, 1.0, 2.0];
        let slices = accuracy_by_margin(&rewards, &[(1, 0), (2, 1), (0, 1), (2, 0)], 4);
        let sizes: Vec<usize> = slices.iter().map(|slice| slice.accuracy.wins + slice.accuracy.losses).collect();
        assert_eq!(sizes, [3, 1]);
        assert_eq!((slices[0].low, slices[1].high), (1.0, 2.0));
    }

    #[test]
    fn few_pairs_nan_and_ties() {
        assert!(accuracy_by_margin(&[], &[], 3).is_empty());
        assert!(accuracy_by_margin(&[f32::NAN, 1.0], &[(0, 1)], 3).is_empty());
        let slices = accuracy_by_margin(&[1.0, 1.0], &[(0, 1)], 3);
        assert_eq!(slices.len(), 1);
        assert_eq!(counts(&slices[0].accuracy), (0, 1, 0));
    }

    #[test]
    fn a_model_that_likes_length_is_caught() {
        let lengths = [5, 9, 9, 2];
        let rewards = lengths.map(|length| length as f32);
        let by_length = accuracy_by_length(&rewards, &lengths, &[(0, 1), (3, 2), (1, 0), (2, 1), (2, 3), (0, 3)]);
        assert_eq!(counts(&by_length.shorter), (0, 0, 2));
        assert_eq!(counts(&by_length.equal), (0, 1, 0));
        assert_eq!(counts(&by_length.longer), (3, 0, 0));
    }

    #[test]
    #[should_panic(expected = "lengths has 1 values but rewards has 2")]
    fn a_missing_length_is_named() {
        accuracy_by_length(&[1.0, 2.0], &[3], &[]);
    }

    #[test]
    #[should_panic(expected = "at least one part")]
    fn no_parts_are_refused() {
        accuracy_by_margin(&[], &[], 0);
    }
}
