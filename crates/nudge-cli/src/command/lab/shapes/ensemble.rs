//! Shape 11: the least of several reward models is harder to fool than one.

use super::bench::{Bench, unleashed};
use super::{Found, Line, Shape};
use anyhow::Result;
use serde_json::json;

pub const SHAPE: Shape = Shape {
    number: 11,
    name: "an ensemble's minimum",
    hypothesis: "Against the minimum of three reward models of few rankings, the labeler's own score ends higher than \
                 against one of them.",
    source: "Coste et al. 2023",
    axes: &[["step", "gold score"]],
    labeler: "no_repetition",
    criterion: "gold score in the last quarter by the minimum, less that by one",
    threshold: 0.0,
    tried: "By the rule happier, which a policy without a leash does not break, at one seed before: the rule was changed.",
    measure,
};

/// Rankings of the reward models.
const FEW: usize = 12;
const MEMBERS: [&str; 3] = ["one", "two", "three"];

fn measure(bench: &mut Bench) -> Result<Found> {
    let few = bench.train()[..FEW].to_vec();
    for (member, name) in MEMBERS.into_iter().enumerate() {
        bench.reward(name, few.clone(), |options| options.member = member)?;
    }
    let mut options = unleashed();
    let alone = bench.ppo(&MEMBERS[..1], &options, vec![])?;
    options.push(("ensemble", json!("min")));
    let together = bench.ppo(&MEMBERS, &options, vec![])?;
    let gold = "objective/gold_score";
    let lines = vec![Line::new("one", alone.by_step(gold)), Line::new("minimum of three", together.by_step(gold))];
    Ok(Found { value: together.last(gold) - alone.last(gold), lines })
}
