//! Shape 8: a reward model's zero lies where the demonstrations are.

use super::bench::{Bench, mean};
use super::{Found, Line, Shape};
use anyhow::Result;

pub const SHAPE: Shape = Shape {
    number: 8,
    name: "demonstrations score zero",
    hypothesis: "With its bias, the reward model gives demonstrations 0 on average, exactly.",
    source: "InstructGPT, section 3.5; Huang et al. 2024, detail 15",
    axes: &[["demonstration", "reward"]],
    labeler: "happier",
    criterion: "0.001, less the mean reward's distance from 0",
    threshold: 0.0,
    tried: "",
    measure,
};

fn measure(bench: &mut Bench) -> Result<Found> {
    let demonstrations = bench.demonstrations();
    bench.reward_with("reward", bench.train().to_vec(), demonstrations.clone(), |_| ())?;
    let scores = bench.scores("reward", demonstrations.iter().map(|one| (&one.prompt, one.completion.as_str())))?;
    let points = scores.iter().enumerate().map(|(number, score)| (number as f64, *score));
    Ok(Found { value: 1e-3 - mean(&scores).abs(), lines: vec![Line::new("reward", points)] })
}
