//! Who wins of two models that answer the same prompts: the win rate, how far prompts like these support it, and whether
//! chance alone explains it.

use super::stats::{WinRate, bootstrap_interval, wilson_interval};
use serde::{Deserialize, Serialize};
use std::cmp::Ordering;
use std::collections::BTreeMap;

/// Prompts from which on a bootstrap is trusted: of fewer its interval is too narrow.
const ENOUGH_PROMPTS: usize = 20;
/// Draws of the bootstrap, and their seed: the same outcomes have the same interval.
const RESAMPLES: usize = 4000;
const SEED: u64 = 0;

/// Wins over prompts.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Comparison {
    /// Wins, ties and losses by pair. The rate is the mean over prompts of a prompt's mean, a win being 1, a tie 1/2 and a
    /// loss 0. Its 95 % interval says where the rate of other prompts of this kind may lie.
    pub rate: WinRate,
    /// Two-sided p-value of the exact sign test over the prompts that one side won: the probability of a difference as
    /// large as this, or larger, if either side won each of them by the toss of a coin. 1 where no prompt has a winner.
    pub p: f64,
}

impl Comparison {
    /// Of pairs, each the number of its prompt and how the first completion compares with the second: greater is a win.
    ///
    /// Several pairs of one prompt are not independent, so prompts are what is counted. The interval is a bootstrap over
    /// prompts; of fewer than 20, or where all prompts ended alike, that would be too narrow, and it is Wilson's, as of a
    /// tie that is half a win and half a loss, which is too wide where there are ties.
    pub fn new(outcomes: &[(usize, Ordering)]) -> Self {
        let count = |wanted| outcomes.iter().filter(|(_, outcome)| *outcome == wanted).count();
        let by_pairs = WinRate::new(count(Ordering::Greater), count(Ordering::Equal), count(Ordering::Less));
        let mut prompts: BTreeMap<usize, Vec<f64>> = BTreeMap::new();
        for (prompt, outcome) in outcomes {
            prompts.entry(*prompt).or_default().push(worth(*outcome));
        }
        let means: Vec<f64> = prompts.values().map(|worths| mean(worths)).collect();
        let side = |wanted| means.iter().filter(|mean| mean.total_cmp(&0.5) == wanted).count();
        let p = sign_test(side(Ordering::Greater), side(Ordering::Less));
        if means.is_empty() {
            return Self { rate: by_pairs, p };
        }
        let differ = means.iter().any(|mean| *mean != means[0]);
        let (low, high) = if means.len() >= ENOUGH_PROMPTS && differ {
            bootstrap_interval(&means, RESAMPLES, SEED)
        } else {
            wilson_interval(means.iter().sum(), means.len())
        };
        Self { rate: WinRate { win_rate: mean(&means), low, high, ..by_pairs }, p }
    }
}

fn worth(outcome: Ordering) -> f64 {
    match outcome {
        Ordering::Greater => 1.0,
        Ordering::Equal => 0.5,
        Ordering::Less => 0.0,
    }
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

/// Two-sided p-value of the exact sign test: `min(1, 2 P(X <= min(wins, losses)))` for `X` binomial with 1/2.
pub fn sign_test(wins: usize, losses: usize) -> f64 {
    let trials = wins + losses;
    // In logarithms: 2^-trials underflows from 1075 on.
    let mut log_term = -(trials as f64) * std::f64::consts::LN_2;
    let mut tail = log_term.exp();
    for taken in 0..wins.min(losses) {
        log_term += ((trials - taken) as f64).ln() - ((taken + 1) as f64).ln();
        tail += log_term.exp();
    }
    (2.0 * tail).min(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use Ordering::{Equal, Greater, Less};

    /// A pair a prompt.
    fn outcomes(wins: usize, ties: usize, losses: usize) -> Vec<(usize, Ordering)> {
        let all = [(Greater, wins), (Equal, ties), (Less, losses)];
        all.into_iter().flat_map(|(outcome, count)| std::iter::repeat_n(outcome, count)).enumerate().collect()
    }

    #[test]
    fn a_sign_test_is_exact() {
        // Twice the sum of the binomial coefficients of 21 up to 4, over 2^21.
        assert!((sign_test(17, 4) - 2.0 * 7547.0 / f64::from(1 << 21)).abs() < 1e-12);
        assert!((sign_test(5, 0) - 0.0625).abs() < 1e-12);
        assert_eq!((sign_test(0, 0), sign_test(3, 3)), (1.0, 1.0));
        assert!(sign_test(2000, 1000) < 1e-60 && sign_test(1510, 1490) > 0.7);
        assert_eq!(sign_test(4, 17), sign_test(17, 4));
    }

    #[test]
    fn ties_do_not_hide_who_wins() {
        let Comparison { rate, p } = Comparison::new(&outcomes(17, 39, 4));
        assert_eq!((rate.wins, rate.ties, rate.losses), (17, 39, 4));
        assert!((rate.win_rate - 36.5 / 60.0).abs() < 1e-12);
        // 0.608 ± 1.96 * sqrt(0.0758 / 60), within the noise of the draws.
        assert!((rate.low - 0.538).abs() < 0.01 && (rate.high - 0.678).abs() < 0.01, "{rate:?}");
        assert!((p - 0.0072).abs() < 1e-4, "{p}");
        // Half a win and half a loss say nothing.
        assert!(WinRate::new(17, 39, 4).low < 0.5);
    }

    #[test]
    fn pairs_of_one_prompt_count_as_one() {
        let one_by_one = Comparison::new(&outcomes(30, 0, 20));
        let four_times: Vec<_> = outcomes(30, 0, 20).into_iter().flat_map(|pair| [pair; 4]).collect();
        let four_times = Comparison::new(&four_times);
        assert_eq!(four_times.rate.wins, 120);
        assert_eq!((four_times.p, four_times.rate.low), (one_by_one.p, one_by_one.rate.low));
        // A prompt that is won twice and lost once is won.
        let mixed = Comparison::new(&[(3, Greater), (3, Less), (3, Greater), (8, Equal)]);
        assert!((mixed.rate.win_rate - (2.0 / 3.0 + 0.5) / 2.0).abs() < 1e-12);
        assert_eq!(mixed.p, 1.0);
    }

    #[test]
    fn few_prompts_and_equal_ones_prove_little() {
        let few = Comparison::new(&outcomes(3, 0, 0));
        assert!(few.rate.low < 0.5 && (few.p - 0.25).abs() < 1e-12, "{few:?}");
        let all = Comparison::new(&outcomes(40, 0, 0));
        assert!(all.rate.low < 0.95 && all.rate.high > 0.999, "{all:?}");
        let ties = Comparison::new(&outcomes(0, 40, 0));
        assert!(ties.rate.low < 0.45 && ties.rate.high > 0.55 && ties.p > 0.999, "{ties:?}");
        let nothing = Comparison::new(&[]);
        assert_eq!((nothing.rate, nothing.p), (WinRate::new(0, 0, 0), 1.0));
    }
}
