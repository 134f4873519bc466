//! Shape 12: on a toy whose best policy is known, PPO arrives there.

use super::bench::Bench;
use super::{Found, Line, Shape};
use crate::command::lab::oracle;
use anyhow::{Context, Result};
use futures_lite::future::block_on;
use nudge_session::method::Method;
use nudge_session::oracle::{BETAS, Oracle, TOLERANCE};

pub const SHAPE: Shape = Shape {
    number: 12,
    name: "the exact optimum",
    hypothesis: "Where all completions can be counted, PPO ends at the reference times e to the reward over beta.",
    source: "Ziegler et al. 2019, equation 2",
    axes: &[["beta", "total variation from the optimum"]],
    labeler: "happier",
    criterion: "0.05, less the largest total variation",
    threshold: 0.0,
    tried: "",
    measure,
};

fn measure(bench: &mut Bench) -> Result<Found> {
    let toy = block_on(Oracle::new(bench.seed, bench.workplace.session.device()))?;
    let ppo = Method::named("ppo").context("there is PPO")?;
    let measured = |beta: &f32| Ok((f64::from(*beta), oracle::measure(&toy, &ppo, *beta)?.tv));
    let points = BETAS.iter().map(measured).collect::<Result<Vec<(f64, f64)>>>()?;
    let largest = points.iter().map(|(_, tv)| *tv).fold(0.0, f64::max);
    Ok(Found { value: TOLERANCE - largest, lines: vec![Line::new("total variation", points)] })
}
