//! Shape 9: a penalty on completions that were cut off teaches a policy to end.

use super::bench::{Bench, PROXY};
use super::{Found, Line, Shape};
use anyhow::Result;
use serde_json::json;

pub const SHAPE: Shape = Shape {
    number: 9,
    name: "learning to end",
    hypothesis: "Where completions are cut short and that costs reward, the share that ends by itself rises.",
    source: "Huang et al. 2024, detail 23",
    axes: &[["step", "share of completions that end"]],
    labeler: "happier",
    criterion: "share in the last quarter, less that in the first",
    threshold: 0.0,
    tried: "",
    measure,
};

/// Most stories of the built-in model are longer.
const ROOM: usize = 32;

fn measure(bench: &mut Bench) -> Result<Found> {
    bench.proxy()?;
    let options = [("max_new_tokens", json!(ROOM)), ("kl_coef", json!(0.05)), ("learning_rate", json!(1e-4))];
    let run = bench.ppo(&[PROXY], &options, vec![])?;
    let ended = |cut: &f64| 1.0 - cut;
    let quarters: Vec<f64> = run.quarters("completions/clipped_ratio").iter().map(ended).collect();
    let points = run.by_step("completions/clipped_ratio").map(|(step, cut)| (step, ended(&cut)));
    let value = quarters.last().zip(quarters.first()).map_or(f64::NAN, |(last, first)| last - first);
    Ok(Found { value, lines: vec![Line::new("share that ends", points)] })
}
