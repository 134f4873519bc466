//! Shape 5: without a leash the proxy goes on climbing while what was meant falls.

use super::bench::{Bench, unleashed};
use super::{Found, Line, Shape};
use anyhow::Result;
use serde_json::json;

pub const SHAPE: Shape = Shape {
    number: 5,
    name: "over-optimisation",
    hypothesis: "Against a reward model of twelve rankings and without a price on KL, the reward model's score rises to the \
                 end, while the labeler's own score rises and then falls.",
    source: "Gao et al. 2022, figure 1",
    axes: &[["square root of the KL", "score above the start"]],
    labeler: "no_repetition",
    criterion: "the smaller of: rise of the proxy; best quarter of the gold score, less its last",
    threshold: 0.0,
    tried: "By the rule happier, which a policy without a leash does not break, at one seed before: the rule was changed.",
    measure,
};

/// Rankings of the reward model.
const FEW: usize = 12;

fn measure(bench: &mut Bench) -> Result<Found> {
    bench.reward("reward", bench.train()[..FEW].to_vec(), |_| ())?;
    let mut options = unleashed();
    options.push(("episodes", json!(2 * bench.size.episodes)));
    let run = bench.ppo(&["reward"], &options, vec![])?;
    let [proxy, gold] = ["objective/scores", "objective/gold_score"].map(|name| run.quarters(name));
    let rise = proxy.last().copied().unwrap_or(f64::NAN) - proxy.first().copied().unwrap_or(f64::NAN);
    let best = gold.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let fall = best - gold.last().copied().unwrap_or(f64::NAN);
    let distance: Vec<f64> = run.numbers("objective/kl").iter().map(|kl| kl.max(0.0).sqrt()).collect();
    let line = |name: &str, label: &str| {
        let scores = run.numbers(name);
        let start = scores.first().copied().unwrap_or_default();
        Line::new(label, distance.iter().copied().zip(scores.into_iter().map(|score| score - start)))
    };
    let lines = vec![line("objective/scores", "proxy"), line("objective/gold_score", "gold")];
    Ok(Found { value: rise.min(fall), lines })
}
