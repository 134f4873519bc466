//! Whether a reward model is as sure as it may be.
//!
//! The pairwise loss makes `σ(r_w - r_l)` the probability that a person prefers `w` (Bradley and
//! Terry 1952), so the margins can be held against what people chose. A model whose accuracy stays
//! below its confidence is over-confident: PPO then chases differences that are not there. Whether
//! the order is right at all is in [`super::stats::pairwise_accuracy`].

use serde::{Deserialize, Serialize};

/// Pairs about which the reward model is equally sure.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CalibrationBin {
    /// Lowest confidence in the bin.
    pub low: f64,
    /// Confidence at which the next bin begins; the last bin holds it too.
    pub high: f64,
    /// Pairs in the bin.
    pub pairs: usize,
    /// Mean of `σ(|r_w - r_l|)` over the pairs; 0 if there is none.
    pub confidence: f64,
    /// Share of the pairs whose winner has the higher reward, equal rewards counting half; 0 if there
    /// is none.
    pub accuracy: f64,
}

/// Confidence against accuracy, in `bins` equal parts of `[0.5, 1]`, from unsure to sure.
///
/// `pairs` are `(winner, loser)` indices into `rewards`. The confidence of a pair is
/// `σ(|r_w - r_l|)`: the probability that the model gives to the completion that it prefers, whether or
/// not the person agrees. Empty bins are there too, with no pairs. A pair whose margin is NaN has no
/// confidence and is in no bin.
///
/// # Panics
/// If `bins` is 0, or an index lies outside `rewards`.
pub fn calibration_table(rewards: &[f32], pairs: &[(usize, usize)], bins: usize) -> Vec<CalibrationBin> {
    assert!(bins > 0, "a calibration table needs at least one bin");
    let mut sums = vec![(0, 0.0, 0.0); bins];
    for &(winner, loser) in pairs {
        let margin = f64::from(rewards[winner]) - f64::from(rewards[loser]);
        if margin.is_nan() {
            continue;
        }
        let confidence = pair_confidence(margin);
        let (count, confidences, right) = &mut sums[bin_of(confidence, bins)];
        *count += 1;
        *confidences += confidence;
        *right += if margin == 0.0 { 0.5 } else { f64::from(u8::from(margin > 0.0)) };
    }
    let bound = |bin: usize| 0.5 + 0.5 * bin as f64 / bins as f64;
    sums.into_iter()
        .enumerate()
        .map(|(bin, (pairs, confidences, right))| {
            let count = pairs.max(1) as f64;
            let (low, high) = (bound(bin), bound(bin + 1));
            CalibrationBin { low, high, pairs, confidence: confidences / count, accuracy: right / count }
        })
        .collect()
}

/// Mean over pairs of `|accuracy - confidence|` of their bin; 0 is perfect, and 0 without pairs.
///
/// Guo et al. 2017, eq. 3. Few pairs in many bins look badly calibrated by chance alone.
pub fn expected_calibration_error(table: &[CalibrationBin]) -> f64 {
    let pairs: usize = table.iter().map(|bin| bin.pairs).sum();
    let gaps: f64 = table.iter().map(|bin| bin.pairs as f64 * (bin.accuracy - bin.confidence).abs()).sum();
    gaps / pairs.max(1) as f64
}

/// `σ(|margin|)`, in `[0.5, 1]`.
fn pair_confidence(margin: f64) -> f64 {
    1.0 / (1.0 + (-margin.abs()).exp())
}

fn bin_of(confidence: f64, bins: usize) -> usize {
    (((confidence - 0.5) * 2.0 * bins as f64) as usize).min(bins - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `ln 3`: the margin of confidence 0.75.
    const LN_3: f32 = 1.098_612_3;

    fn close(actual: f64, expected: f64) {
        assert!((actual - expected).abs() < 1e-6, "{actual} is not {expected}");
    }

    #[test]
    fn a_table_by_hand() {
        // Confidences 0.5 (a tie), 0.75 right, 0.75 wrong, 0.9 right.
        let rewards = [0.0, 0.0, LN_3, 9f32.ln()];
        let table = calibration_table(&rewards, &[(0, 1), (2, 0), (1, 2), (3, 0)], 3);
        assert_eq!(table.iter().map(|bin| bin.pairs).collect::<Vec<_>>(), [1, 2, 1]);
        for (bin, (confidence, accuracy)) in table.iter().zip([(0.5, 0.5), (0.75, 0.5), (0.9, 1.0)]) {
            close(bin.confidence, confidence);
            close(bin.accuracy, accuracy);
        }
        close(table[0].low, 0.5);
        close(table[1].low, 2.0 / 3.0);
        close(table[1].high, 5.0 / 6.0);
        close(table[2].high, 1.0);
        close(expected_calibration_error(&table), (2.0 * 0.25 + 0.1) / 4.0);
    }

    #[test]
    fn certainty_falls_into_the_last_bin() {
        let table = calibration_table(&[f32::MAX, f32::MIN], &[(0, 1)], 10);
        assert_eq!((table[9].pairs, table[9].confidence, table[9].accuracy), (1, 1.0, 1.0));
        close(expected_calibration_error(&table), 0.0);
    }

    #[test]
    fn sure_and_wrong_is_the_worst() {
        let table = calibration_table(&[0.0, 100.0], &[(0, 1)], 5);
        close(expected_calibration_error(&table), 1.0);
    }

    #[test]
    fn nothing_and_nan_have_no_confidence() {
        for table in [calibration_table(&[], &[], 2), calibration_table(&[f32::NAN, 1.0], &[(0, 1), (1, 0)], 2)] {
            assert!(table.iter().all(|bin| (bin.pairs, bin.confidence, bin.accuracy) == (0, 0.0, 0.0)));
            assert_eq!(expected_calibration_error(&table), 0.0);
        }
        assert_eq!(expected_calibration_error(&[]), 0.0);
    }

    #[test]
    #[should_panic(expected = "at least one bin")]
    fn no_bins_are_refused() {
        calibration_table(&[], &[], 0);
    }
}
