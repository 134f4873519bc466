//! Shape 3: no reward model agrees with noisy labels more than the truth does.

use super::bench::Bench;
use super::{Found, Line, Shape};
use crate::command::lab::preferences::pairs_of;
use anyhow::Result;
use nudge_data::{Comparison, Rng};

pub const SHAPE: Shape = Shape {
    number: 3,
    name: "noise caps the accuracy",
    hypothesis: "With labels as noisy as people's (two labelers agree on 73 % of pairs), the accuracy on noisy labels stays \
                 under the agreement of the truth with them, 84 %.",
    source: "InstructGPT, section 3.4; Stiennon et al. 2020",
    axes: &[["1: true labels, 2: noisy labels, 3: the cap", "held-out accuracy"]],
    labeler: "happier",
    criterion: "the cap, less the accuracy on noisy labels",
    threshold: -0.02,
    tried: "",
    measure,
};

/// Share of pairs turned round, so that two draws agree on (1 - q)² + q² = 0.73 of them.
const TURNED: f64 = 0.161;

fn measure(bench: &mut Bench) -> Result<Found> {
    let train = noisy(bench.train(), bench.seed, 0);
    let (clean, held_out) = (bench.held_out().to_vec(), noisy(bench.held_out(), bench.seed, 1));
    bench.reward("reward", train, |options| options.batch_size *= 6)?;
    let (truth, found) = (bench.accuracy("reward", &clean)?, bench.accuracy("reward", &held_out)?);
    let cap = 1.0 - TURNED;
    Ok(Found { value: cap - found, lines: vec![Line::new("accuracy", [(1.0, truth), (2.0, found), (3.0, cap)])] })
}

/// Every pair by itself, some of them turned round.
fn noisy(rankings: &[Comparison], seed: u64, stream: u64) -> Vec<Comparison> {
    let mut rng = Rng::with_stream(seed, 100 + stream);
    let mut pairs: Vec<Comparison> = rankings.iter().flat_map(pairs_of).collect();
    for pair in &mut pairs {
        if f64::from(rng.uniform()) < TURNED {
            pair.completions.swap(0, 1);
        }
    }
    pairs
}
