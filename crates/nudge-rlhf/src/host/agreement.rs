//! How far two rankings of the same completions agree.
//!
//! Two labelers who rank the same prompt, or one labeler who meets a prompt again, agree on about
//! three pairs in four (73 % between labelers of InstructGPT, §3.4; 72 % in Stiennon et al. 2020). No
//! reward model can be expected to agree with a labeler more often than labelers do. This module
//! compares rankings with rankings; rewards against a ranking are in [`super::stats`].

use std::collections::HashMap;
use std::iter::Sum;
use std::ops::{Add, AddAssign};

use serde::{Deserialize, Serialize};

use super::stats::WinRate;

/// Pairs of completions that two rankings have in common. Adds up over prompts.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Agreement {
    /// Pairs that both rankings put in the same order.
    pub agreeing: f64,
    /// Pairs that both rankings put in an order, the same or the opposite.
    pub pairs: usize,
    /// Pairs that at least one of them ties; they are not in `pairs`. A tie says that the completions are
    /// equally good, not that one of the orders is wrong.
    pub tied: usize,
}

impl Agreement {
    /// Agreeing pairs as wins, opposite ones as losses, with the 95 % interval of [`WinRate`].
    ///
    /// The `win_rate` is 1 for equal orders, 0.5 for chance, 0 for opposite orders; `2 * win_rate - 1`
    /// is Goodman and Kruskal's gamma, and Kendall's tau if nothing is tied. Pairs out of one ranking
    /// are not independent, so the interval is too narrow. Without pairs it is `[0, 1]`.
    pub fn rate(&self) -> WinRate {
        let agreeing = (self.agreeing.round() as usize).min(self.pairs);
        WinRate::new(agreeing, 0, self.pairs - agreeing)
    }
}

impl Add for Agreement {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self { agreeing: self.agreeing + other.agreeing, pairs: self.pairs + other.pairs, tied: self.tied + other.tied }
    }
}

impl AddAssign for Agreement {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl Sum for Agreement {
    fn sum<I: Iterator<Item = Self>>(agreements: I) -> Self {
        agreements.fold(Self::default(), Add::add)
    }
}

/// Compares two rankings of one prompt's completions, pair by pair.
///
/// A ranking is its tiers, best first; completions in one tier are tied. Completions are named by their
/// index. A pair counts if both rankings contain both completions, so either may have left some out.
///
/// ```
/// use nudge_rlhf::ranking_agreement;
///
/// let agreement = ranking_agreement(&[vec![0], vec![1], vec![2]], &[vec![0], vec![2], vec![1]]);
/// assert_eq!((agreement.agreeing, agreement.pairs), (2.0, 3));
/// ```
///
/// # Panics
/// If a ranking contains a completion twice.
pub fn ranking_agreement(one: &[Vec<usize>], other: &[Vec<usize>]) -> Agreement {
    let other = tiers(other);
    let common: Vec<(usize, usize)> =
        tiers(one).into_iter().filter_map(|(completion, tier)| Some((tier, *other.get(&completion)?))).collect();
    let mut agreement = Agreement::default();
    for (i, first) in common.iter().enumerate() {
        for second in &common[i + 1..] {
            match (first.0.cmp(&second.0), first.1.cmp(&second.1)) {
                (one, other) if one.is_eq() || other.is_eq() => agreement.tied += 1,
                (one, other) => {
                    agreement.pairs += 1;
                    agreement.agreeing += f64::from(u8::from(one == other));
                }
            }
        }
    }
    agreement
}

/// The tier of every completion.
fn tiers(ranking: &[Vec<usize>]) -> HashMap<usize, usize> {
    let mut tier_of = HashMap::new();
    for (tier, completions) in ranking.iter().enumerate() {
        for &completion in completions {
            let before = tier_of.insert(completion, tier);
            assert!(before.is_none(), "completion {completion} is in the ranking twice");
        }
    }
    tier_of
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(agreement: Agreement) -> (f64, usize, usize) {
        (agreement.agreeing, agreement.pairs, agreement.tied)
    }

    #[test]
    fn equal_opposite_and_in_between() {
        let order: Vec<Vec<usize>> = (0..4).map(|completion| vec![completion]).collect();
        let reversed: Vec<Vec<usize>> = order.iter().rev().cloned().collect();
        assert_eq!(numbers(ranking_agreement(&order, &order)), (6.0, 6, 0));
        assert_eq!(numbers(ranking_agreement(&order, &reversed)), (0.0, 6, 0));
        // 2 before 1 is the only difference.
        let swapped = [vec![0], vec![2], vec![1], vec![3]];
        assert_eq!(numbers(ranking_agreement(&order, &swapped)), (5.0, 6, 0));
    }

    #[test]
    fn ties_of_either_side_are_counted_apart() {
        let one = [vec![0, 1], vec![2]];
        let other = [vec![0], vec![1, 2]];
        assert_eq!(numbers(ranking_agreement(&one, &other)), (1.0, 1, 2));
        assert_eq!(numbers(ranking_agreement(&one, &one)), (2.0, 2, 1));
        assert_eq!(numbers(ranking_agreement(&[vec![0, 1, 2]], &one)), (0.0, 0, 3));
    }

    #[test]
    fn only_completions_that_both_ranked_count() {
        let one = [vec![7], vec![0], vec![1]];
        let other = [vec![1], vec![], vec![0], vec![8, 9]];
        assert_eq!(numbers(ranking_agreement(&one, &other)), (0.0, 1, 0));
        assert_eq!(ranking_agreement(&[], &other), Agreement::default());
    }

    #[test]
    fn agreements_add_up_to_a_rate() {
        let mut total: Agreement = [(3.0, 4, 1), (2.0, 4, 0)]
            .map(|(agreeing, pairs, tied)| Agreement { agreeing, pairs, tied })
            .iter()
            .copied()
            .sum();
        total += Agreement { agreeing: 3.0, pairs: 2 + 1, tied: 0 };
        assert_eq!(numbers(total), (8.0, 11, 1));
        let rate = Agreement { agreeing: 8.0, pairs: 10, tied: 5 }.rate();
        assert_eq!((rate.wins, rate.ties, rate.losses, rate.win_rate), (8, 0, 2, 0.8));
        assert!((rate.low - 0.490_162_471_5).abs() < 1e-9 && (rate.high - 0.943_317_848_5).abs() < 1e-9);
        let nothing = Agreement::default().rate();
        assert_eq!((nothing.low, nothing.high), (0.0, 1.0));
    }

    #[test]
    #[should_panic(expected = "completion 1 is in the ranking twice")]
    fn a_completion_ranked_twice_is_named() {
        ranking_agreement(&[vec![0], vec![1]], &[vec![1, 1]]);
    }
}
