//! `nudge lab frontier`: what is gained for the distance covered. Reward against the square root of the KL, from the
//! logs of best-of-n and of methods that learn from their own completions, with the curves of Gao et al. 2022 and the
//! peak they foresee.
//!
//! The proxy is what was optimised (the reward model's score), gold is what was meant (the simulated labeler's own
//! score, where it was logged). Rewards are measured from where the run started.

use crate::args::LabFrontier;
use crate::files::read_text;
use crate::picture::Page;
use crate::report;
use crate::svg::Curve;
use anyhow::{Result, bail};
use nudge_rlhf::{GaoFit, fit_best_of_n, fit_rl};
use nudge_session::Metrics;
use nudge_session::frontier::{Point, from_the_start, points};
use serde::Serialize;
use serde_json::Value;
use std::path::Path;

const EXPLANATION: &str = "proxy: the score that was optimised; gold: what was meant, where it was logged; R = d (alpha - \
     beta ln d), of best-of-n d (alpha - beta d), with d = sqrt(KL): beyond a peak of gold, more optimising makes worse.";

/// One log.
#[derive(Serialize)]
struct Frontier {
    log: String,
    /// `rl` or `best_of_n`.
    curve: &'static str,
    points: Vec<Point>,
    /// R = d (alpha - beta ln d), or d (alpha - beta d) of best-of-n; nothing where two distances are not there.
    proxy: Option<GaoFit>,
    gold: Option<GaoFit>,
}

/// Reads the logs and prints the fits.
pub fn run(arguments: &LabFrontier) -> Result<()> {
    let frontiers = arguments.log.iter().map(|path| frontier(path)).collect::<Result<Vec<_>>>()?;
    arguments.report.iter().try_for_each(|path| write(path, &frontiers))?;
    report::result(arguments.json, &frontiers, || {
        frontiers.iter().map(text).chain([EXPLANATION.to_string()]).collect::<Vec<_>>().join("\n")
    })
}

/// Both rewards of each log over the distance, with the fits below.
fn write(path: &Path, frontiers: &[Frontier]) -> Result<()> {
    let mut page = Page::new("What was gained for the distance covered");
    page.text(EXPLANATION);
    for frontier in frontiers {
        page.heading(&frontier.log);
        let curve = |of: &str, reward: &dyn Fn(&Point) -> Option<f64>| {
            let points = frontier.points.iter().filter_map(|point| Some((point.distance, reward(point)?))).collect();
            Curve { name: format!("{of} reward over sqrt(KL)"), points }
        };
        let curves = [curve("proxy", &|point| Some(point.score)), curve("gold", &|point| point.gold_score)];
        curves.iter().filter(|curve| curve.points.len() > 1).for_each(|curve| page.curve(curve));
        page.lines(&text(frontier));
    }
    page.write(path)
}

fn frontier(path: &Path) -> Result<Frontier> {
    let name = path.display().to_string();
    let lines: Vec<Value> = nudge_data::read_jsonl(&name, &read_text(path)?)?;
    let best_of_n = lines.iter().any(|line| line["best_of_1/score"].is_number());
    let points = if best_of_n { best_of_points(&lines) } else { rl_points(&lines) };
    let points = from_the_start(points);
    if points.len() < 2 {
        bail!(
            "{name} has no steps with objective/kl and objective/scores; give the log.jsonl of a method that learns from its own completions, or the --log of best-of"
        );
    }
    let fit = |of: &dyn Fn(&Point) -> Option<f64>| {
        let points: Vec<(f64, f64)> = points.iter().filter_map(|point| Some((point.distance, of(point)?))).collect();
        if best_of_n { fit_best_of_n(&points) } else { fit_rl(&points) }
    };
    Ok(Frontier {
        log: name,
        curve: if best_of_n { "best_of_n" } else { "rl" },
        proxy: fit(&|point| Some(point.score)),
        gold: fit(&|point| point.gold_score),
        points,
    })
}

/// One point a step.
fn rl_points(lines: &[Value]) -> Vec<Point> {
    let numbers = |line: &Value| -> Metrics {
        let fields = line.as_object().into_iter().flatten();
        fields.filter_map(|(name, value)| Some((name.clone(), value.as_f64()?))).collect()
    };
    points(&lines.iter().map(numbers).collect::<Vec<_>>())
}

/// One point for each n of the last line, which averages over all prompts.
fn best_of_points(lines: &[Value]) -> Vec<Point> {
    let Some(last) = lines.last() else { return vec![] };
    let sizes = std::iter::successors(Some(1_u64), |n| Some(n * 2))
        .take_while(|n| last[format!("best_of_{n}/score")].is_number());
    let point = |n: u64| {
        let number = |what: &str| last[format!("best_of_{n}/{what}")].as_f64();
        Some(Point { distance: number("kl")?.sqrt(), score: number("score")?, gold_score: number("gold_score") })
    };
    sizes.filter_map(point).collect()
}

fn text(frontier: &Frontier) -> String {
    let farthest = frontier.points.iter().map(|point| point.distance).fold(0.0, f64::max);
    let mut lines =
        vec![format!("{}: {} points, farthest at sqrt(KL) {farthest:.2}", frontier.log, frontier.points.len())];
    for (name, fit) in [("proxy", &frontier.proxy), ("gold", &frontier.gold)] {
        let Some(fit) = fit else {
            lines.push(format!("  {name:<6} not enough points to fit"));
            continue;
        };
        let peak = match (fit.peak_distance, fit.peak_reward) {
            (Some(distance), Some(reward)) => format!("peak {reward:.2} at sqrt(KL) {distance:.2}"),
            _ => "no peak".to_string(),
        };
        let GaoFit { alpha, beta, r_squared, .. } = fit;
        lines.push(format!("  {name:<6} alpha {alpha:.3}, beta {beta:.3}, {peak}, R² {r_squared:.2}"));
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_on_the_curve_gives_the_curve_back() {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        for step in 0..20 {
            let distance = f64::from(step) * 0.2;
            let reward =
                |alpha: f64, beta: f64| if step == 0 { 0.0 } else { distance * (alpha - beta * distance.ln()) };
            let line = serde_json::json!({
                "step": step + 1, "objective/kl": distance * distance, "objective/scores": 0.5 + reward(1.5, 0.25),
                "objective/gold_score": -3.0 + reward(1.0, 0.8),
            });
            std::io::Write::write_all(&mut file, format!("{line}\n").as_bytes()).unwrap();
        }
        let found = frontier(file.path()).unwrap();
        assert_eq!((found.curve, found.points.len()), ("rl", 20));
        let (proxy, gold) = (found.proxy.unwrap(), found.gold.unwrap());
        assert!((proxy.alpha - 1.5).abs() < 1e-6 && (proxy.beta - 0.25).abs() < 1e-6, "{proxy:?}");
        assert!((gold.peak_distance.unwrap() - (1.0_f64 / 0.8 - 1.0).exp()).abs() < 1e-6, "{gold:?}");
    }

    #[test]
    fn best_of_n_has_a_point_for_each_n() {
        let line = serde_json::json!({
            "best_of_1/score": 1.0, "best_of_1/kl": 0.0, "best_of_2/score": 1.5, "best_of_2/kl": 0.25,
            "best_of_4/score": 1.9, "best_of_4/kl": 0.64,
        });
        let points = from_the_start(best_of_points(&[line]));
        assert_eq!(points.iter().map(|point| point.distance).collect::<Vec<_>>(), [0.0, 0.5, 0.8]);
        assert!((points[2].score - 0.9).abs() < 1e-9 && points[2].gold_score.is_none());
    }
}
