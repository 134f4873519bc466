//! What is gained for the distance covered: reward against the square root of the KL, with the curves of Gao et al. 2022
//! and the peak they foresee.
//!
//! The proxy is what was optimised (the reward model's score), gold is what was meant (the simulated labeler's own score,
//! where it was logged). Rewards are measured from where the run started.

use crate::protocol::Metrics;
use nudge_rlhf::{GaoFit, fit_rl, rl_curve};
use serde::{Deserialize, Serialize};

/// Places at which a fitted curve is told.
const TOLD: usize = 40;

/// One place on the way.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct Point {
    /// sqrt(KL), in sqrt(nats).
    pub distance: f64,
    /// Of the proxy, above the start.
    pub score: f64,
    /// Of what was meant, above the start; nothing where it was not measured.
    pub gold_score: Option<f64>,
}

/// A run's way, and the curves through it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct Frontier {
    /// One point a step.
    pub points: Vec<Point>,
    /// R = d (alpha - beta ln d) through the proxy; nothing where two distances are not there.
    pub proxy: Option<Fit>,
    /// And through what was meant.
    pub gold: Option<Fit>,
}

/// A curve through points.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct Fit {
    /// The curve.
    #[cfg_attr(
        test,
        ts(
            type = "{ alpha: number, beta: number, peak_distance: number | null, peak_reward: number | null, r_squared: number }"
        )
    )]
    pub fit: GaoFit,
    /// Distances and rewards on it, up to the farthest point.
    #[cfg_attr(test, ts(type = "[number,number][]"))]
    pub curve: Vec<(f64, f64)>,
}

impl Frontier {
    /// Of what a method logged that learns from its own completions.
    pub fn of(steps: &[Metrics]) -> Self {
        let points = from_the_start(points(steps));
        let fit = |of: &dyn Fn(&Point) -> Option<f64>| {
            let points: Vec<(f64, f64)> = points.iter().filter_map(|at| Some((at.distance, of(at)?))).collect();
            fit_rl(&points).map(|fit| Fit { fit, curve: curve(&fit, &points) })
        };
        let (proxy, gold) = (fit(&|point| Some(point.score)), fit(&|point| point.gold_score));
        Self { points, proxy, gold }
    }
}

/// One point a step.
pub fn points(steps: &[Metrics]) -> Vec<Point> {
    let point = |step: &Metrics| {
        Some(Point {
            distance: step.get("objective/kl")?.max(0.0).sqrt(),
            score: *step.get("objective/scores")?,
            gold_score: step.get("objective/gold_score").copied(),
        })
    };
    steps.iter().filter_map(point).collect()
}

/// Rewards above those of the first point, where the policy is the reference.
pub fn from_the_start(points: Vec<Point>) -> Vec<Point> {
    let Some(start) = points.first().cloned() else { return points };
    let shifted = |point: Point| Point {
        score: point.score - start.score,
        gold_score: point.gold_score.zip(start.gold_score).map(|(score, start)| score - start),
        ..point
    };
    points.into_iter().map(shifted).collect()
}

fn curve(fit: &GaoFit, points: &[(f64, f64)]) -> Vec<(f64, f64)> {
    let farthest = points.iter().map(|(distance, _)| *distance).fold(0.0, f64::max);
    let at = |place: usize| farthest * place as f64 / TOLD as f64;
    (1..=TOLD).map(at).map(|distance| (distance, rl_curve(distance, fit.alpha, fit.beta))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_on_the_curve_gives_the_curve_back() {
        let step = |place: u32| {
            let distance = f64::from(place) * 0.2;
            let reward = |alpha: f64, beta: f64| if place == 0 { 0.0 } else { rl_curve(distance, alpha, beta) };
            Metrics::from([
                ("objective/kl".into(), distance * distance),
                ("objective/scores".into(), 0.5 + reward(1.5, 0.25)),
                ("objective/gold_score".into(), -3.0 + reward(1.0, 0.8)),
            ])
        };
        let found = Frontier::of(&(0..20).map(step).collect::<Vec<_>>());
        let (proxy, gold) = (found.proxy.unwrap(), found.gold.unwrap());
        assert!((proxy.fit.alpha - 1.5).abs() < 1e-6 && (gold.fit.beta - 0.8).abs() < 1e-6);
        let (distance, reward) = *proxy.curve.last().unwrap();
        assert!((distance - found.points[19].distance).abs() < 1e-9 && (reward - found.points[19].score).abs() < 1e-6);
        assert_eq!(Frontier::of(&[]), Frontier { points: vec![], proxy: None, gold: None });
    }
}
