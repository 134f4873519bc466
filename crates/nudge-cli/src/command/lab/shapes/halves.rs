//! Shape 10: a policy pleases the reward model that it was trained against more than one of other rankings.

use super::bench::{Bench, TUNED, mean, unleashed};
use super::{Found, Line, Shape};
use anyhow::Result;
use nudge_data::CandidatesRecord;

pub const SHAPE: Shape = Shape {
    number: 10,
    name: "two halves part",
    hypothesis: "Of two reward models on two halves of the rankings, the one that PPO is trained against sees more progress \
                 than the other, in units of its spread at the start.",
    source: "Bai et al. 2022, section 4.2",
    axes: &[["1: trained against, 2: the other", "gain in standard deviations"]],
    labeler: "happier",
    criterion: "gain by the first, less gain by the second",
    threshold: 0.0,
    tried: "",
    measure,
};

fn measure(bench: &mut Bench) -> Result<Found> {
    let train = bench.train().to_vec();
    let (one, other) = train.split_at(train.len() / 2);
    bench.reward("one", one.to_vec(), |_| ())?;
    bench.reward("other", other.to_vec(), |_| ())?;
    bench.ppo(&["one"], &unleashed(), vec![])?;
    let before = bench.sample(&bench.model, bench.others(), 2)?;
    let after = bench.sample(TUNED, bench.others(), 2)?;
    let mut gains = Vec::new();
    for reward in ["one", "other"] {
        let (start, end) = (scores(bench, reward, &before)?, scores(bench, reward, &after)?);
        gains.push((mean(&end) - mean(&start)) / deviation(&start));
    }
    let line = Line::new("gain", [(1.0, gains[0]), (2.0, gains[1])]);
    Ok(Found { value: gains[0] - gains[1], lines: vec![line] })
}

fn scores(bench: &Bench, reward: &str, written: &[CandidatesRecord]) -> Result<Vec<f64>> {
    let texts = written.iter().flat_map(|one| one.completions.iter().map(|text| (&one.prompt, text.text.as_str())));
    bench.scores(reward, texts)
}

fn deviation(numbers: &[f64]) -> f64 {
    let mean = mean(numbers);
    (numbers.iter().map(|number| (number - mean).powi(2)).sum::<f64>() / numbers.len() as f64).sqrt()
}
