//! The shapes as one HTML page: what was expected, what was found, a picture each.

use super::{Judged, Line, Measurement, Shape};
use crate::picture::Page;
use crate::svg::Curve;
use anyhow::Result;
use std::path::Path;

/// Writes the page.
pub fn write(path: &Path, shapes: &[&Shape], judged: &[Judged], rows: &[Measurement]) -> Result<()> {
    let mut page = Page::new("What the papers found, in a small model");
    let held = judged.iter().filter(|one| one.holds).count();
    page.text(&format!(
        "{held} of {} shapes hold. Rankings and judgements are a rule's, not people's. Lines are means over seeds.",
        judged.len()
    ));
    for (shape, one) in shapes.iter().zip(judged) {
        page.heading(&format!(
            "{}. {}: {}",
            shape.number,
            shape.name,
            if one.holds { "holds" } else { "does not hold" }
        ));
        page.text(&format!("{} ({})", shape.hypothesis, shape.source));
        let interval = one.low.zip(one.high).map_or(String::new(), |(low, high)| format!(" [{low:.3}, {high:.3}]"));
        page.text(&format!(
            "{}: {:.3}{interval}, {} seed{}.",
            one.criterion,
            one.value,
            one.seeds,
            if one.seeds == 1 { "" } else { "s" }
        ));
        for line in means(rows.iter().filter(|row| row.shape == shape.number)) {
            let name = format!("{}: {} over {}", line.name, shape.axes[1], shape.axes[0]);
            page.curve(&Curve { name, points: line.points });
        }
    }
    page.write(path)
}

/// Every line as its mean over seeds, point by point.
fn means<'a>(rows: impl Iterator<Item = &'a Measurement>) -> Vec<Line> {
    let rows: Vec<&Measurement> = rows.collect();
    let Some(first) = rows.first() else { return vec![] };
    let mean_of = |(number, line): (usize, &Line)| {
        let of_seeds: Vec<&Line> = rows.iter().filter_map(|row| row.found.lines.get(number)).collect();
        let length = of_seeds.iter().map(|line| line.points.len()).min().unwrap_or_default();
        let count = of_seeds.len() as f64;
        let mean = |at: usize| {
            let sum = of_seeds.iter().map(|line| line.points[at]).fold((0.0, 0.0), |a, b| (a.0 + b.0, a.1 + b.1));
            (sum.0 / count, sum.1 / count)
        };
        Line { name: line.name.clone(), points: (0..length).map(mean).collect() }
    };
    first.found.lines.iter().enumerate().map(mean_of).collect()
}
