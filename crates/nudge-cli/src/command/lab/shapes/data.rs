//! Shape 2: a reward model gets better with every doubling of its rankings.

use super::bench::Bench;
use super::{Found, Line, Shape};
use anyhow::Result;

pub const SHAPE: Shape = Shape {
    number: 2,
    name: "more rankings, a better reward model",
    hypothesis: "Held-out accuracy rises with the logarithm of the number of rankings.",
    source: "Stiennon et al. 2020, appendix F; Gao et al. 2022",
    axes: &[["log2 of rankings", "held-out accuracy"]],
    labeler: "happier",
    criterion: "accuracy gained by a doubling (least squares)",
    threshold: 0.0,
    tried: "",
    measure,
};

fn measure(bench: &mut Bench) -> Result<Found> {
    let (train, held_out) = (bench.train().to_vec(), bench.held_out().to_vec());
    let sizes = std::iter::successors(Some(4), |size| Some(2 * size)).take_while(|size| *size <= train.len());
    let mut points = Vec::new();
    for size in sizes {
        bench.reward("reward", train[..size].to_vec(), |_| ())?;
        points.push(((size as f64).log2(), bench.accuracy("reward", &held_out)?));
    }
    Ok(Found { value: slope(&points), lines: vec![Line::new("accuracy", points)] })
}

/// Of the line through the points by least squares.
fn slope(points: &[(f64, f64)]) -> f64 {
    let count = points.len() as f64;
    let (x, y) = points.iter().fold((0.0, 0.0), |(sx, sy), (x, y)| (sx + x / count, sy + y / count));
    let (covariance, variance) =
        points.iter().fold((0.0, 0.0), |(c, v), (px, py)| (c + (px - x) * (py - y), v + (px - x) * (px - x)));
    covariance / variance
}

#[cfg(test)]
mod tests {
    #[test]
    fn points_on_a_line_have_its_slope() {
        let slope = super::slope(&[(2.0, 0.5), (3.0, 0.75), (4.0, 1.0)]);
        assert!((slope - 0.25).abs() < 1e-12, "{slope}");
    }
}
