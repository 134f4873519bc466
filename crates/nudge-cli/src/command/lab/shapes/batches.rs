//! Shape 4: all pairs of a ranking in one batch element learn at least as well as the same pairs shuffled.

use super::bench::Bench;
use super::{Found, Line, Shape};
use crate::command::lab::preferences::pairs_of;
use anyhow::Result;
use nudge_data::Comparison;

pub const SHAPE: Shape = Shape {
    number: 4,
    name: "rankings as batch elements",
    hypothesis: "After one pass, all pairs of a ranking in one element do at least as well on held-out pairs as the same \
                 pairs shuffled, which overfit.",
    source: "InstructGPT, section 3.5",
    axes: &[["1: rankings, 2: shuffled pairs", "held-out accuracy"]],
    labeler: "happier",
    criterion: "accuracy by rankings, less that by pairs",
    threshold: -0.02,
    tried: "",
    measure,
};

fn measure(bench: &mut Bench) -> Result<Found> {
    let (train, held_out) = (bench.train().to_vec(), bench.held_out().to_vec());
    bench.reward("reward", train.clone(), |options| options.epochs = 1.0)?;
    let rankings = bench.accuracy("reward", &held_out)?;
    let pairs: Vec<Comparison> = train.iter().flat_map(pairs_of).collect();
    let of_ranking = pairs.len().div_ceil(train.len());
    bench.reward("reward", pairs, |options| {
        // As many pairs in a step, so as many steps.
        (options.epochs, options.batch_size) = (1.0, options.batch_size * of_ranking);
    })?;
    let shuffled = bench.accuracy("reward", &held_out)?;
    let line = Line::new("accuracy", [(1.0, rankings), (2.0, shuffled)]);
    Ok(Found { value: rankings - shuffled, lines: vec![line] })
}
