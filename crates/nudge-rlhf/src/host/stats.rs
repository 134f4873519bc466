//! What the numbers prove: win rates with their intervals, agreement with a person, and how much of
//! the returns the value model explains.

use serde::{Deserialize, Serialize};

use super::assert_same_len;
use super::whiten::{Variance, masked_mean, masked_var};

/// Standard normal quantile of a two-sided interval of 95 %.
const Z_95: f64 = 1.959_963_984_540_054;

/// Wins, ties and losses, and the rate they support.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct WinRate {
    /// Comparisons won.
    pub wins: usize,
    /// Comparisons without a winner.
    pub ties: usize,
    /// Comparisons lost.
    pub losses: usize,
    /// `(wins + ties / 2) / comparisons`; 0.5 if there was no comparison.
    pub win_rate: f64,
    /// Lower end of the 95 % interval.
    pub low: f64,
    /// Upper end of the 95 % interval.
    pub high: f64,
}

impl WinRate {
    /// Counts a tie as half a win and half a loss.
    ///
    /// The interval is Wilson's at the half-counted rate. A comparison that may tie varies less than
    /// one that may not, so with ties the interval is a little too wide, never too narrow. It takes
    /// comparisons to be independent: pairs out of one ranking are not, and then it is too narrow.
    /// Without comparisons nothing is known, and the interval is all of `[0, 1]`.
    pub fn new(wins: usize, ties: usize, losses: usize) -> Self {
        let comparisons = wins + ties + losses;
        let successes = wins as f64 + 0.5 * ties as f64;
        let win_rate = if comparisons == 0 { 0.5 } else { successes / comparisons as f64 };
        let (low, high) = wilson_interval(successes, comparisons);
        Self { wins, ties, losses, win_rate, low, high }
    }

    /// Whether the interval lies wholly on one side of one half.
    pub fn is_significant(&self) -> bool {
        self.low > 0.5 || self.high < 0.5
    }
}

/// Wilson's 95 % interval for a proportion of `successes` in `trials` (Wilson 1927).
///
/// `successes` may be a fraction. With no trials, `(0, 1)`.
pub fn wilson_interval(successes: f64, trials: usize) -> (f64, f64) {
    if trials == 0 {
        return (0.0, 1.0);
    }
    let n = trials as f64;
    let rate = successes / n;
    let z2 = Z_95 * Z_95;
    let centre = (rate + z2 / (2.0 * n)) / (1.0 + z2 / n);
    let half_width = Z_95 / (1.0 + z2 / n) * (rate * (1.0 - rate) / n + z2 / (4.0 * n * n)).sqrt();
    ((centre - half_width).max(0.0), (centre + half_width).min(1.0))
}

/// How often a reward model prefers what the person preferred.
///
/// `pairs` are `(winner, loser)` indices into `rewards`. Equal rewards count half. The interval
/// treats pairs as independent; see [`WinRate::new`].
///
/// # Panics
/// If an index lies outside `rewards`.
pub fn pairwise_accuracy(rewards: &[f32], pairs: &[(usize, usize)]) -> WinRate {
    let (mut wins, mut ties, mut losses) = (0, 0, 0);
    for &(winner, loser) in pairs {
        match rewards[winner].partial_cmp(&rewards[loser]) {
            Some(std::cmp::Ordering::Greater) => wins += 1,
            Some(std::cmp::Ordering::Equal) => ties += 1,
            // A NaN agrees with nobody.
            Some(std::cmp::Ordering::Less) | None => losses += 1,
        }
    }
    WinRate::new(wins, ties, losses)
}

/// Share of the returns' variance that the value model explains: `1 - mean((V - R)²) / var(R)`.
///
/// 1 is perfect, 0 is no better than a constant, below 0 is worse. `None` if the returns do not
/// vary. Source: `ppo/val/var_explained` in the code of Ziegler et al. 2019.
///
/// # Panics
/// If the slices differ in length.
pub fn explained_variance(values: &[f32], returns: &[f32], mask: &[bool]) -> Option<f32> {
    assert_same_len("values", values.len(), "returns", returns.len());
    let squared_errors: Vec<f32> = values.iter().zip(returns).map(|(value, target)| (value - target).powi(2)).collect();
    let variance = masked_var(returns, mask, Variance::Biased);
    (variance > 0.0).then(|| 1.0 - masked_mean(&squared_errors, mask) / variance)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(actual: f64, expected: f64) {
        assert!((actual - expected).abs() < 1e-7, "{actual} is not {expected}");
    }

    #[test]
    fn wilson_matches_published_values() {
        let (low, high) = wilson_interval(8.0, 10);
        close(low, 0.490_162_471_5);
        close(high, 0.943_317_848_5);
        let (low, high) = wilson_interval(0.0, 5);
        close(low, 0.0);
        close(high, 0.434_482_464_8);
    }

    #[test]
    fn a_tie_is_half_a_win() {
        let rate = WinRate::new(10, 5, 5);
        close(rate.win_rate, 0.625);
        close(rate.low, 0.409_489_566_3);
        close(rate.high, 0.800_229_144_3);
        assert!(!rate.is_significant());
        assert!(WinRate::new(40, 0, 10).is_significant());
    }

    #[test]
    fn swapping_sides_mirrors_the_interval() {
        let (one, other) = (WinRate::new(7, 2, 3), WinRate::new(3, 2, 7));
        close(one.win_rate, 1.0 - other.win_rate);
        close(one.low, 1.0 - other.high);
        close(one.high, 1.0 - other.low);
    }

    #[test]
    fn no_comparison_proves_nothing() {
        let nothing = WinRate::new(0, 0, 0);
        assert_eq!((nothing.win_rate, nothing.low, nothing.high), (0.5, 0.0, 1.0));
        assert!(!nothing.is_significant());
    }

    #[test]
    fn accuracy_counts_equal_rewards_half_and_nan_as_wrong() {
        let rewards = [2.0, 1.0, 1.0, f32::NAN];
        let accuracy = pairwise_accuracy(&rewards, &[(0, 1), (1, 2), (1, 0), (3, 0)]);
        assert_eq!((accuracy.wins, accuracy.ties, accuracy.losses), (1, 1, 2));
        assert_eq!(accuracy.win_rate, 0.375);
    }

    #[test]
    fn explained_variance_of_good_constant_and_bad_values() {
        let returns = [1.0, 2.0, 3.0, f32::NAN];
        let mask = [true, true, true, false];
        assert_eq!(explained_variance(&returns, &returns, &mask), Some(1.0));
        let constant = explained_variance(&[2.0; 4], &returns, &mask).expect("returns vary");
        assert!(constant.abs() < 1e-6);
        let bad = explained_variance(&[3.0, 2.0, 1.0, 0.0], &returns, &mask).expect("returns vary");
        assert!((bad + 3.0).abs() < 1e-6);
        assert_eq!(explained_variance(&[1.0, 2.0], &[5.0, 5.0], &[true; 2]), None);
    }
}
