//! Masked mean, variance and whitening.
//!
//! Published code divides by `n` or by `n - 1`; both are here, because golden numbers differ in the
//! second digit.

use serde::{Deserialize, Serialize};

use super::assert_same_len;

/// The divisor of a variance over `n` values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Variance {
    /// `n`.
    #[default]
    Biased,
    /// `n - 1`.
    Unbiased,
}

/// Added to the variance before its root is taken, as in the code of Ziegler et al. 2019.
const WHITEN_EPSILON: f64 = 1e-8;

/// Mean of the unmasked values; 0 if there is none.
///
/// # Panics
/// If the slices differ in length.
pub fn masked_mean(values: &[f32], mask: &[bool]) -> f32 {
    moments(values, mask).mean as f32
}

/// Variance of the unmasked values.
///
/// 0 with fewer than two values: one value has no spread, and dividing by `n - 1 = 0` would poison
/// everything after it.
///
/// # Panics
/// If the slices differ in length.
pub fn masked_var(values: &[f32], mask: &[bool], variance: Variance) -> f32 {
    moments(values, mask).variance(variance) as f32
}

/// Scales the unmasked values to variance 1; masked values become 0.
///
/// With `shift_mean` the mean becomes 0 too; without it the mean stays, which keeps the sign of
/// rewards. A batch of fewer than two values, or of equal values, has no scale: it comes out as
/// zeros, or as its mean without `shift_mean`.
///
/// # Panics
/// If the slices differ in length.
pub fn whiten(values: &[f32], mask: &[bool], variance: Variance, shift_mean: bool) -> Vec<f32> {
    let moments = moments(values, mask);
    let scale = (moments.variance(variance) + WHITEN_EPSILON).sqrt().recip();
    let centre = if shift_mean { 0.0 } else { moments.mean };
    values
        .iter()
        .zip(mask)
        .map(|(&value, &counts)| match counts {
            true => ((f64::from(value) - moments.mean) * scale + centre) as f32,
            false => 0.0,
        })
        .collect()
}

/// Count, mean and sum of squared deviations.
struct Moments {
    count: usize,
    mean: f64,
    squared_deviations: f64,
}

impl Moments {
    fn variance(&self, variance: Variance) -> f64 {
        let divisor = match variance {
            Variance::Biased => self.count,
            Variance::Unbiased => self.count.saturating_sub(1),
        };
        self.squared_deviations / divisor.max(1) as f64
    }
}

fn moments(values: &[f32], mask: &[bool]) -> Moments {
    assert_same_len("mask", mask.len(), "values", values.len());
    let selected = || values.iter().zip(mask).filter(|(_, counts)| **counts).map(|(v, _)| f64::from(*v));
    let count = selected().count();
    let mean = selected().sum::<f64>() / count.max(1) as f64;
    let squared_deviations = selected().map(|value| (value - mean).powi(2)).sum();
    Moments { count, mean, squared_deviations }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIDDLE: [bool; 4] = [false, true, true, false];

    fn close(actual: &[f32], expected: &[f32], tolerance: f32) {
        assert_eq!(actual.len(), expected.len());
        for (a, e) in actual.iter().zip(expected) {
            assert!((a - e).abs() <= tolerance, "{actual:?} is not {expected:?}");
        }
    }

    #[test]
    fn mean_variance_and_whitening_of_two_values() {
        let values = [1.0, 2.0, 3.0, 4.0];
        assert_eq!(masked_mean(&values, &MIDDLE), 2.5);
        assert_eq!(masked_var(&values, &MIDDLE, Variance::Unbiased), 0.5);
        assert_eq!(masked_var(&values, &MIDDLE, Variance::Biased), 0.25);
        let white = whiten(&values, &MIDDLE, Variance::Unbiased, true);
        let half_root = 0.5f32.sqrt();
        close(&white, &[0.0, -half_root, half_root, 0.0], 1e-6);
    }

    #[test]
    fn nan_under_the_mask_is_not_seen() {
        let mask = [true, false, false, true];
        let values = [1.0, 2.0, f32::NAN, 4.0];
        assert_eq!(masked_mean(&values, &mask), 2.5);
        assert!(whiten(&values, &mask, Variance::Biased, true).iter().all(|v| v.is_finite()));
    }

    #[test]
    fn whitening_nine_values_without_shifting_the_mean() {
        let values = [1.2, 1.3, 1.4, 1.5, 1.6, 1.7, 1.8, 1.9, 2.0];
        let biased = [0.0508, 0.4381, 0.8254, 1.2127, 1.6, 1.9873, 2.3746, 2.7619, 3.1492];
        let unbiased = [0.1394, 0.5046, 0.8697, 1.2349, 1.6, 1.9651, 2.3303, 2.6954, 3.0606];
        close(&whiten(&values, &[true; 9], Variance::Biased, false), &biased, 6e-5);
        close(&whiten(&values, &[true; 9], Variance::Unbiased, false), &unbiased, 6e-5);
    }

    #[test]
    fn one_value_or_none_gives_zeros_not_nan() {
        for variance in [Variance::Biased, Variance::Unbiased] {
            assert_eq!(whiten(&[3.0, 5.0], &[true, false], variance, true), [0.0, 0.0]);
            assert_eq!(whiten(&[3.0, 5.0], &[true, false], variance, false), [3.0, 0.0]);
            assert_eq!(whiten(&[3.0], &[false], variance, true), [0.0]);
            assert_eq!(masked_var(&[3.0], &[true], variance), 0.0);
        }
        assert_eq!(masked_mean(&[], &[]), 0.0);
    }

    #[test]
    fn equal_values_have_no_scale() {
        assert_eq!(whiten(&[0.1; 7], &[true; 7], Variance::Unbiased, true), [0.0; 7]);
    }
}
