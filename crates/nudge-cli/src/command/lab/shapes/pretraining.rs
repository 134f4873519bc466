//! Shape 7: a loss on pretraining text keeps what PPO would forget.

use super::bench::{Bench, PROXY, TUNED, unleashed};
use super::{Found, Line, Shape};
use anyhow::Result;
use nudge_data::CandidatesRecord;
use serde_json::json;

pub const SHAPE: Shape = Shape {
    number: 7,
    name: "pretraining text in the loss",
    hypothesis: "PPO that goes far costs nats on text of the kind that was pretrained on; PPO-ptx costs fewer.",
    source: "InstructGPT, section 4.2 and figure 29",
    axes: &[["ptx_coef", "nats per character of the base's text"]],
    labeler: "happier",
    criterion: "nats per character without ptx, less those with it",
    threshold: 0.0,
    tried: "",
    measure,
};

const BASE: &str = "builtin:base";

fn measure(bench: &mut Bench) -> Result<Found> {
    bench.workplace.load(BASE)?;
    let stories = bench.sample(BASE, bench.others(), 4)?;
    let text = |stories: &[CandidatesRecord]| {
        let texts = stories.iter().flat_map(|one| &one.completions).map(|completion| completion.text.as_str());
        texts.filter(|text| !text.trim().is_empty()).collect::<Vec<_>>().join("<|endoftext|>")
    };
    let (kept, learnt) = stories.split_at(stories.len() / 3);
    bench.proxy()?;
    let mut points = Vec::new();
    for coefficient in [0.0, 1.0] {
        let mut options = unleashed();
        options.push(("ptx_coef", json!(coefficient)));
        let texts = if coefficient > 0.0 { vec![text(learnt)] } else { vec![] };
        bench.ppo(&[PROXY], &options, texts)?;
        points.push((coefficient, bench.nats_per_char(TUNED, text(kept))?));
    }
    Ok(Found { value: points[0].1 - points[1].1, lines: vec![Line::new("nats per character", points)] })
}
