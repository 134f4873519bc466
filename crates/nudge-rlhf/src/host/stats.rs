//! What the numbers prove: win rates with their intervals, agreement with a person, how much of the
//! returns the value model explains, and how far a mean over few values can be trusted.

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

/// Bradley-Terry loss of the rewards of `(winner, loser)` pairs: the mean of `-log sigma(r_winner - r_loser)`, in nats.
///
/// `ln 2` is a coin. `NaN` without pairs.
pub fn pairwise_log_loss(rewards: &[f32], pairs: &[(usize, usize)]) -> f64 {
    // log(1 + exp(-x)) = max(-x, 0) + log(1 + exp(-|x|)), which does not overflow.
    let loss = |margin: f64| (-margin).max(0.0) + (-margin.abs()).exp().ln_1p();
    let losses = pairs.iter().map(|&(winner, loser)| loss(f64::from(rewards[winner]) - f64::from(rewards[loser])));
    losses.sum::<f64>() / pairs.len() as f64
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

/// Percentile interval of 95 % for the mean of `values`, from `resamples` draws with replacement
/// (Efron 1979).
///
/// Takes nothing for granted about how the values are spread, but needs some dozens of them: the
/// interval of few values is too narrow, and [`t_interval`] is the better one. The same `seed` gives
/// the same interval. Fewer than two values prove nothing: `(-∞, ∞)`. A NaN gives NaN.
///
/// # Panics
/// If `resamples` is 0.
pub fn bootstrap_interval(values: &[f64], resamples: usize, seed: u64) -> (f64, f64) {
    assert!(resamples > 0, "0 resamples have no percentiles");
    if values.len() < 2 {
        return (f64::NEG_INFINITY, f64::INFINITY);
    }
    if values.iter().any(|value| value.is_nan()) {
        return (f64::NAN, f64::NAN);
    }
    let mut state = seed;
    let mut mean_of_resample = || {
        let drawn = (0..values.len()).map(|_| values[draw(&mut state, values.len())]);
        drawn.sum::<f64>() / values.len() as f64
    };
    let mut means: Vec<f64> = (0..resamples).map(|_| mean_of_resample()).collect();
    means.sort_by(f64::total_cmp);
    (quantile(&means, 0.025), quantile(&means, 0.975))
}

/// A random index below `len`: one step of SplitMix64 (Steele et al. 2014), scaled down.
///
/// The crate draws random numbers only here, so it has no generator to share.
fn draw(state: &mut u64, len: usize) -> usize {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut mixed = *state;
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^= mixed >> 31;
    ((u128::from(mixed) * len as u128) >> 64) as usize
}

/// The `share`-quantile of sorted values, between neighbours in a straight line.
fn quantile(sorted: &[f64], share: f64) -> f64 {
    let position = share * (sorted.len() - 1) as f64;
    let (below, above) = (sorted[position.floor() as usize], sorted[position.ceil() as usize]);
    below + (above - below) * position.fract()
}

/// Mean of `values` and half the width of its 95 % interval by Student's t: for a few seeds of one
/// experiment.
///
/// The interval is `mean ± half_width` and takes the values to be independent and about normal. One
/// value proves nothing about the next: its half width is infinite. Without values the mean is 0.
pub fn t_interval(values: &[f64]) -> (f64, f64) {
    let count = values.len() as f64;
    let mean = values.iter().sum::<f64>() / count.max(1.0);
    if values.len() < 2 {
        return (mean, f64::INFINITY);
    }
    let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
    let standard_error = (squares / (count - 1.0) / count).sqrt();
    (mean, t_quantile_95(values.len() - 1) * standard_error)
}

/// Student's t quantile of a two-sided interval of 95 %, for 1 to 30 degrees of freedom.
const T_95: [f64; 30] = [
    12.706_205, 4.302_653, 3.182_446, 2.776_445, 2.570_582, 2.446_912, 2.364_624, 2.306_004, 2.262_157, 2.228_139,
    2.200_985, 2.178_813, 2.160_369, 2.144_787, 2.131_45, 2.119_905, 2.109_816, 2.100_922, 2.093_024, 2.085_963,
    2.079_614, 2.073_873, 2.068_658, 2.063_899, 2.059_539, 2.055_529, 2.051_831, 2.048_407, 2.045_23, 2.042_272,
];

/// From the table, and past its end by the expansion of Fisher and Cornish around the normal quantile:
/// within 2e-5 there.
fn t_quantile_95(degrees_of_freedom: usize) -> f64 {
    if let Some(&quantile) = T_95.get(degrees_of_freedom - 1) {
        return quantile;
    }
    let (z, n) = (Z_95, degrees_of_freedom as f64);
    let first = (z.powi(3) + z) / 4.0;
    let second = (5.0 * z.powi(5) + 16.0 * z.powi(3) + 3.0 * z) / 96.0;
    z + first / n + second / (n * n)
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

    #[test]
    fn a_bootstrap_finds_the_normal_interval_and_repeats_itself() {
        let values: Vec<f64> = (0..100).map(|i| f64::from(i % 10)).collect();
        let (low, high) = bootstrap_interval(&values, 4000, 7);
        // Mean 4.5, variance 8.25: 4.5 ± 1.96 * sqrt(8.25 / 100), within the noise of 4000 draws.
        assert!((low - 3.937).abs() < 0.04 && (high - 5.063).abs() < 0.04, "{low} {high}");
        assert_eq!(bootstrap_interval(&values, 4000, 7), (low, high));
        assert_ne!(bootstrap_interval(&values, 4000, 8), (low, high));
    }

    #[test]
    fn the_generator_is_splitmix64() {
        // The first numbers of seed 1234567, as published with the algorithm, scaled to 0..2^32.
        let mut state = 1_234_567;
        let expected = [6_457_827_717_110_365_317u64, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423];
        for number in expected {
            assert_eq!(draw(&mut state, 1 << 32) as u64, number >> 32);
        }
    }

    #[test]
    fn quantiles_lie_between_neighbours() {
        let sorted = [0.0, 10.0, 20.0, 30.0, 40.0];
        close(quantile(&sorted, 0.975), 39.0);
        close(quantile(&sorted, 0.025), 1.0);
        close(quantile(&[3.0], 0.975), 3.0);
    }

    #[test]
    fn a_bootstrap_of_too_little() {
        assert_eq!(bootstrap_interval(&[2.0; 5], 10, 0), (2.0, 2.0));
        for values in [&[][..], &[1.0]] {
            assert_eq!(bootstrap_interval(values, 10, 0), (f64::NEG_INFINITY, f64::INFINITY));
        }
        assert!(bootstrap_interval(&[1.0, f64::NAN], 10, 0).0.is_nan());
    }

    #[test]
    fn three_seeds_by_hand() {
        // Standard error sqrt(1 / 3), two degrees of freedom.
        let (mean, half_width) = t_interval(&[1.0, 2.0, 3.0]);
        close(mean, 2.0);
        close(half_width, 4.302_653 / 3f64.sqrt());
        assert_eq!(t_interval(&[0.7]), (0.7, f64::INFINITY));
        assert_eq!(t_interval(&[]), (0.0, f64::INFINITY));
    }

    #[test]
    fn t_quantiles_match_published_ones_and_fall_to_the_normal_one() {
        for (degrees_of_freedom, published) in [(1, 12.706), (5, 2.571), (30, 2.042), (40, 2.021), (120, 1.980)] {
            assert!((t_quantile_95(degrees_of_freedom) - published).abs() < 5e-4);
        }
        assert!((1..200).all(|n| t_quantile_95(n) > t_quantile_95(n + 1) && t_quantile_95(n) > Z_95));
    }
}
