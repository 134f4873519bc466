//! How far a policy can be pushed along a reward model before the true score falls.
//!
//! With `d` the square root of the KL to the start, in √nats, the gold score follows
//! `R = d (α - β d)` under best-of-n and `R = d (α - β ln d)` under reinforcement learning (Gao et
//! al. 2022). Both are linear in `α` and `β`, so the fit is a closed form. `R(0) = 0`: scores
//! are relative to the start. Which runs give the points is not this module's business.

use serde::{Deserialize, Serialize};

/// A fitted curve, with its peak.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GaoFit {
    /// Gain of gold score per √nat at the start (best-of-n), or at one √nat (RL).
    pub alpha: f64,
    /// How fast that gain is lost.
    pub beta: f64,
    /// Distance in √nats at which the gold score is highest; `None` if the curve has no peak at a
    /// positive distance.
    pub peak_distance: Option<f64>,
    /// The gold score there.
    pub peak_reward: Option<f64>,
    /// Share of the scores' variance that the curve explains; below 0 if a constant does better.
    pub r_squared: f64,
}

/// `d (α - β d)`: gold score of best-of-n at distance `d` (Gao et al. 2022).
pub fn best_of_n_curve(distance: f64, alpha: f64, beta: f64) -> f64 {
    distance * (alpha - beta * distance)
}

/// `d (α - β ln d)`: gold score of a tuned policy at distance `d` (Gao et al. 2022).
pub fn rl_curve(distance: f64, alpha: f64, beta: f64) -> f64 {
    distance * (alpha - beta * distance.ln())
}

/// Least-squares fit of `R = d (α - β d)`, the curve of best-of-n.
///
/// `points` are `(d, R)` with `d = √KL`; [`super::best_of_n::best_of_n_kl`] gives the KL. Points
/// with `d <= 0` say nothing and points that are not finite say nothing true: both are skipped.
/// `None` without two different distances.
///
/// The peak lies at `d = α / 2β` with `R = α² / 4β`, if both are positive.
pub fn fit_best_of_n(points: &[(f64, f64)]) -> Option<GaoFit> {
    let (alpha, beta, r_squared) = least_squares(points, |distance| distance)?;
    let peak = (alpha > 0.0 && beta > 0.0).then(|| (alpha / (2.0 * beta), alpha * alpha / (4.0 * beta)));
    Some(GaoFit::new(alpha, beta, peak, r_squared))
}

/// Least-squares fit of `R = d (α - β ln d)`, the curve of reinforcement learning.
///
/// Points and `None` as in [`fit_best_of_n`]. The peak lies at `d = exp(α / β - 1)` with `R = β d`,
/// if `β` is positive.
pub fn fit_rl(points: &[(f64, f64)]) -> Option<GaoFit> {
    let (alpha, beta, r_squared) = least_squares(points, f64::ln)?;
    let peak = (beta > 0.0).then(|| (alpha / beta - 1.0).exp()).map(|distance| (distance, beta * distance));
    Some(GaoFit::new(alpha, beta, peak, r_squared))
}

impl GaoFit {
    /// A peak too far away for a number is no peak.
    fn new(alpha: f64, beta: f64, peak: Option<(f64, f64)>, r_squared: f64) -> Self {
        let peak = peak.filter(|(distance, reward)| distance.is_finite() && reward.is_finite());
        let (peak_distance, peak_reward) = peak.unzip();
        Self { alpha, beta, peak_distance, peak_reward, r_squared }
    }
}

/// Below this share of its largest possible value a determinant is rounding error.
const SINGULAR: f64 = 1e-12;

/// `α`, `β` and `R²` of `R = α x + β y` with `x = d` and `y = -d loss(d)`, from the 2x2 normal
/// equations.
fn least_squares(points: &[(f64, f64)], loss: impl Fn(f64) -> f64) -> Option<(f64, f64, f64)> {
    let rows: Vec<(f64, f64, f64)> = points
        .iter()
        .filter(|(distance, reward)| *distance > 0.0 && distance.is_finite() && reward.is_finite())
        .map(|&(distance, reward)| (distance, -distance * loss(distance), reward))
        .collect();
    let sum = |term: fn(&(f64, f64, f64)) -> f64| rows.iter().map(term).sum::<f64>();
    let (xx, xy, yy) = (sum(|r| r.0 * r.0), sum(|r| r.0 * r.1), sum(|r| r.1 * r.1));
    let (xr, yr) = (sum(|r| r.0 * r.2), sum(|r| r.1 * r.2));
    let determinant = xx * yy - xy * xy;
    if determinant.is_nan() || determinant <= SINGULAR * xx * yy {
        return None;
    }
    let alpha = (xr * yy - yr * xy) / determinant;
    let beta = (yr * xx - xr * xy) / determinant;

    let mean = sum(|r| r.2) / rows.len() as f64;
    let total: f64 = rows.iter().map(|r| (r.2 - mean).powi(2)).sum();
    let residual: f64 = rows.iter().map(|r| (r.2 - alpha * r.0 - beta * r.1).powi(2)).sum();
    // Equal scores have no variance to explain.
    let r_squared = if total > 0.0 { 1.0 - residual / total } else { 0.0 };
    Some((alpha, beta, r_squared))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(actual: f64, expected: f64) {
        assert!((actual - expected).abs() < 1e-9 * expected.abs().max(1.0), "{actual} is not {expected}");
    }

    fn points(distances: &[f64], curve: impl Fn(f64) -> f64) -> Vec<(f64, f64)> {
        distances.iter().map(|&distance| (distance, curve(distance))).collect()
    }

    #[test]
    fn best_of_n_by_hand() {
        // d (2 - d/2): through (1, 1.5) and (2, 2), highest at 2.
        let fit = fit_best_of_n(&[(1.0, 1.5), (2.0, 2.0)]).expect("two distances");
        close(fit.alpha, 2.0);
        close(fit.beta, 0.5);
        close(fit.peak_distance.expect("a peak"), 2.0);
        close(fit.peak_reward.expect("a peak"), 2.0);
        close(fit.r_squared, 1.0);
    }

    #[test]
    fn rl_by_hand() {
        // d (1 - ln d / 2): through (1, 1) and (e, e/2), highest at e with half of e.
        let e = std::f64::consts::E;
        let fit = fit_rl(&[(1.0, 1.0), (e, e / 2.0)]).expect("two distances");
        close(fit.alpha, 1.0);
        close(fit.beta, 0.5);
        close(fit.peak_distance.expect("a peak"), e);
        close(fit.peak_reward.expect("a peak"), e / 2.0);
    }

    #[test]
    fn the_peak_is_the_highest_point_of_the_curve() {
        let distances = [0.3, 1.0, 2.0, 4.0, 7.0];
        let best_of_n = fit_best_of_n(&points(&distances, |d| best_of_n_curve(d, 0.9, 0.08))).expect("five points");
        let rl = fit_rl(&points(&distances, |d| rl_curve(d, 0.9, 0.4))).expect("five points");
        for (fit, curve) in [(best_of_n, best_of_n_curve as fn(f64, f64, f64) -> f64), (rl, rl_curve)] {
            let (distance, reward) = (fit.peak_distance.expect("a peak"), fit.peak_reward.expect("a peak"));
            close(curve(distance, fit.alpha, fit.beta), reward);
            for other in [0.99, 1.01] {
                assert!(curve(other * distance, fit.alpha, fit.beta) < reward);
            }
        }
    }

    #[test]
    fn noise_is_averaged_and_lowers_r_squared() {
        // The normal equations of (1, 1), (2, 0), (1, 2): 6α - 10β = 3, 10α - 18β = 3.
        let fit = fit_best_of_n(&[(1.0, 1.0), (2.0, 0.0), (1.0, 2.0)]).expect("two distances");
        close(fit.alpha, 3.0);
        close(fit.beta, 1.5);
        close(fit.r_squared, 0.75);
    }

    #[test]
    fn a_curve_that_still_rises_or_never_rose_has_no_peak() {
        let rising = fit_best_of_n(&[(1.0, 1.0), (2.0, 3.0)]).expect("two distances");
        assert!(rising.beta < 0.0);
        assert_eq!((rising.peak_distance, rising.peak_reward), (None, None));
        let falling = fit_best_of_n(&[(1.0, -2.0), (2.0, -5.0)]).expect("two distances");
        assert!(falling.alpha < 0.0 && falling.beta > 0.0);
        assert_eq!(falling.peak_distance, None);
        let rising = fit_rl(&[(1.0, 1.0), (2.0, 3.0)]).expect("two distances");
        assert_eq!(rising.peak_distance, None);
        let endless = fit_rl(&points(&[1.0, 2.0], |d| rl_curve(d, 1.0, 1e-6))).expect("two distances");
        assert!(endless.beta > 0.0);
        assert_eq!((endless.peak_distance, endless.peak_reward), (None, None));
    }

    #[test]
    fn points_that_say_nothing_are_skipped() {
        let good = [(1.0, 1.5), (2.0, 2.0)];
        let bad = [(0.0, 9.0), (-1.0, 3.0), (f64::NAN, 1.0), (3.0, f64::INFINITY), (f64::INFINITY, 0.0)];
        for fit in [fit_best_of_n, fit_rl] {
            assert_eq!(fit(&[&bad[..], &good[..]].concat()), fit(&good));
            assert_eq!(fit(&bad), None);
        }
    }

    #[test]
    fn one_distance_does_not_fix_two_numbers() {
        for fit in [fit_best_of_n, fit_rl] {
            assert_eq!(fit(&[]), None);
            assert_eq!(fit(&[(2.0, 1.0)]), None);
            assert_eq!(fit(&[(0.7, 1.0), (0.7, 1.5), (0.7, 0.1)]), None);
        }
    }

    #[test]
    fn equal_scores_leave_nothing_to_explain() {
        assert_eq!(fit_best_of_n(&[(1.0, 2.0), (3.0, 2.0)]).expect("two distances").r_squared, 0.0);
    }
}
