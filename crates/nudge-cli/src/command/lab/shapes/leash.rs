//! Shape 6: the dearer a nat of KL, the fewer are spent.

use super::bench::{Bench, PROXY};
use super::{Found, Line, Shape};
use anyhow::Result;
use serde_json::{Value, json};

pub const SHAPE: Shape = Shape {
    number: 6,
    name: "the leash",
    hypothesis: "The KL at the end falls with the price of a nat, and the gold score over the KL lies near one curve.",
    source: "Gao et al. 2022, section 3.6; Ziegler et al. 2019",
    axes: &[["kl_coef", "KL at the end, in nats"], ["square root of that KL", "gold score at the end"]],
    labeler: "happier",
    criterion: "pairs of prices whose KLs are in order, less those that are not, as a share (Kendall's tau)",
    threshold: 0.5,
    tried: "",
    measure,
};

const PRICES: [f64; 4] = [0.0, 0.1, 0.4, 1.6];

fn measure(bench: &mut Bench) -> Result<Found> {
    bench.proxy()?;
    let (mut kls, mut golds) = (Vec::new(), Vec::new());
    for price in PRICES {
        let run = bench.ppo(&[PROXY], &[("kl_coef", json!(price)), ("adaptive_kl", Value::Null)], vec![])?;
        kls.push(run.last("objective/kl"));
        golds.push((run.last("objective/kl").max(0.0).sqrt(), run.last("objective/gold_score")));
    }
    let line = Line::new("KL", PRICES.into_iter().zip(kls.iter().copied()));
    Ok(Found { value: falling(&kls), lines: vec![line, Line::new("gold score", golds)] })
}

/// Kendall's tau between the places of the numbers and how small they are.
fn falling(numbers: &[f64]) -> f64 {
    let pairs = (0..numbers.len()).flat_map(|a| (a + 1..numbers.len()).map(move |b| (a, b)));
    let signs: Vec<f64> = pairs.map(|(a, b)| (numbers[a] - numbers[b]).signum()).collect();
    signs.iter().sum::<f64>() / signs.len() as f64
}

#[cfg(test)]
mod tests {
    #[test]
    fn what_falls_throughout_has_a_tau_of_1() {
        assert_eq!(super::falling(&[4.0, 3.0, 2.0, 1.0]), 1.0);
        assert_eq!(super::falling(&[3.0, 4.0, 2.0, 1.0]), 4.0 / 6.0);
    }
}
