//! `nudge lab shapes`: what the papers found, as twelve shapes that a small model must show too.
//!
//! A shape is a hypothesis with its source, what is varied, what is measured, and a criterion that was decided beforehand
//! and can fail: a number of each seed, which must lie above a threshold. It holds where the lower end of the 95 %
//! interval over seeds does (of a single seed, the number itself). One file each; what they are made of is [`Bench`].
//!
//! Everything is ranked and judged by a simulated labeler. Deliberately absent: people, and larger models.

mod batches;
mod bench;
mod data;
mod endings;
mod ensemble;
mod halves;
mod ladder;
mod leash;
mod noise;
mod optimum;
mod overoptimisation;
mod pretraining;
mod report;
mod zero;

use super::over_seeds::mean_over_seeds;
use super::sheet::{Row, Sheet};
use crate::args::LabShapes;
use crate::failure::tell;
use crate::provenance::model_sha256;
use crate::report::result;
use anyhow::{Result, bail};
use bench::{Bench, Size};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::json;

/// One shape.
struct Shape {
    number: u32,
    name: &'static str,
    hypothesis: &'static str,
    source: &'static str,
    /// What is varied, and what is measured, of each of its pictures. Lines beyond the pictures stand in the last.
    axes: &'static [[&'static str; 2]],
    /// The rule that ranks and judges.
    labeler: &'static str,
    /// What the number of a seed is.
    criterion: &'static str,
    /// What it must lie above.
    threshold: f64,
    /// What was measured before and decided against, if anything was.
    tried: &'static str,
    measure: fn(&mut Bench) -> Result<Found>,
}

/// What a seed gave.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Found {
    /// Not a number where nothing of the kind was logged; JSON has `null` for that.
    #[serde(deserialize_with = "number")]
    value: f64,
    lines: Vec<Line>,
}

fn number<'de, D: Deserializer<'de>>(from: D) -> Result<f64, D::Error> {
    Ok(Option::deserialize(from)?.unwrap_or(f64::NAN))
}

/// Points of a picture, by what was varied.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Line {
    name: String,
    points: Vec<(f64, f64)>,
}

impl Line {
    fn new(name: &str, points: impl IntoIterator<Item = (f64, f64)>) -> Self {
        let is_there = |point: &(f64, f64)| point.0.is_finite() && point.1.is_finite();
        Self { name: name.into(), points: points.into_iter().filter(is_there).collect() }
    }
}

/// One shape at one seed, as it is kept.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Measurement {
    shape: u32,
    seed: u64,
    #[serde(flatten)]
    found: Found,
}

/// One shape over all seeds, as it is printed.
#[derive(Serialize)]
struct Judged {
    shape: u32,
    name: &'static str,
    holds: bool,
    value: f64,
    /// 95 % interval of the mean over seeds (Student); nothing for a single seed.
    low: Option<f64>,
    high: Option<f64>,
    seeds: usize,
    criterion: String,
    source: &'static str,
}

const SHAPES: [&Shape; 12] = [
    &ladder::SHAPE,
    &data::SHAPE,
    &noise::SHAPE,
    &batches::SHAPE,
    &overoptimisation::SHAPE,
    &leash::SHAPE,
    &pretraining::SHAPE,
    &zero::SHAPE,
    &endings::SHAPE,
    &halves::SHAPE,
    &ensemble::SHAPE,
    &optimum::SHAPE,
];

const EXPLANATION: &str = "A shape holds where its number lies above the threshold that was set beforehand: of several \
     seeds the lower end of the 95 % interval of their mean, of a single one the number itself.";

/// Measures the shapes, prints a line each, and writes the report where one is asked for.
pub fn run(arguments: &LabShapes) -> Result<()> {
    let wanted = wanted(&arguments.only)?;
    let size = if arguments.quick { Size::QUICK } else { Size::FULL };
    let options = json!([model_sha256(&arguments.model)?, size]);
    let row =
        |seed, shape: &Shape| Row::at(seed, &format!("shape {}", shape.number), &[("only", &shape.number.to_string())]);
    let all =
        arguments.measurements.seeds().flat_map(|seed| wanted.iter().map(move |shape| row(seed, shape))).collect();
    let opened = Sheet::open("shapes", &arguments.measurements, arguments.json, &options, all)?;
    let Some(mut sheet) = opened else { return Ok(()) };
    for seed in arguments.measurements.seeds() {
        let mut bench = None;
        for shape in &wanted {
            let name = row(seed, shape).name;
            if !sheet.lacks(&name) {
                continue;
            }
            tell(&format!("{name}: {}", shape.name));
            let bench = match &mut bench {
                Some(bench) => bench,
                empty => empty.insert(Bench::open(arguments, size, seed)?),
            };
            bench.by_rule(shape.labeler)?;
            sheet.add(&name, Measurement { shape: shape.number, seed, found: (shape.measure)(bench)? })?;
        }
    }
    let Some(rows) = sheet.rows() else { return Ok(()) };
    let judged: Vec<Judged> = wanted.iter().map(|shape| judged(shape, &rows)).collect();
    for one in &judged {
        result(arguments.json, one, || line(one))?;
    }
    tell(EXPLANATION);
    arguments.report.iter().try_for_each(|path| report::write(path, &wanted, &judged, &rows))
}

fn wanted(only: &[u32]) -> Result<Vec<&'static Shape>> {
    if let Some(unknown) = only.iter().find(|number| !SHAPES.iter().any(|shape| shape.number == **number)) {
        bail!("there is no shape {unknown}; they are numbered from 1 to {}", SHAPES.len());
    }
    Ok(SHAPES.into_iter().filter(|shape| only.is_empty() || only.contains(&shape.number)).collect())
}

fn judged(shape: &Shape, rows: &[Measurement]) -> Judged {
    let values: Vec<f64> = rows.iter().filter(|row| row.shape == shape.number).map(|row| row.found.value).collect();
    let (value, half_width) = mean_over_seeds(&values);
    let low = half_width.map(|half_width| value - half_width);
    Judged {
        shape: shape.number,
        name: shape.name,
        holds: low.unwrap_or(value) > shape.threshold,
        value,
        low,
        high: half_width.map(|half_width| value + half_width),
        seeds: values.len(),
        criterion: format!("{} > {}", shape.criterion, shape.threshold),
        source: shape.source,
    }
}

fn line(one: &Judged) -> String {
    let holds = if one.holds { "holds" } else { "DOES NOT HOLD" };
    let interval = one.low.zip(one.high).map_or(String::new(), |(low, high)| format!(" [{low:.3}, {high:.3}]"));
    format!(
        "{:>2} {}: {holds}\n   {}: {:.3}{interval}  ({})",
        one.shape, one.name, one.criterion, one.value, one.source
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(values: &[f64]) -> Vec<Measurement> {
        let row = |(seed, value): (usize, &f64)| Measurement {
            shape: leash::SHAPE.number,
            seed: seed as u64,
            found: Found { value: *value, lines: vec![] },
        };
        values.iter().enumerate().map(row).collect()
    }

    #[test]
    fn a_shape_holds_where_its_interval_lies_above_the_threshold() {
        let holds = |values: &[f64]| judged(&leash::SHAPE, &rows(values)).holds;
        assert!(holds(&[0.9, 1.0, 0.95]) && holds(&[0.9]));
        // The mean lies above 0.5; its interval does not.
        assert!(!holds(&[1.0, 1.0, -0.3]) && !holds(&[0.4]) && !holds(&[f64::NAN]) && !holds(&[]));
    }

    #[test]
    fn what_was_not_logged_is_kept_as_such() {
        let line = Line::new("it", [(0.0, f64::NAN), (1.0, 2.0)]);
        assert_eq!(line.points, [(1.0, 2.0)]);
        let row = Measurement { shape: 1, seed: 1, found: Found { value: f64::NAN, lines: vec![line] } };
        let read: Measurement = serde_json::from_str(&serde_json::to_string(&row).unwrap()).unwrap();
        assert!(read.found.value.is_nan() && read.found.lines == row.found.lines);
    }

    #[test]
    fn shapes_are_numbered_in_their_order() {
        assert_eq!(SHAPES.map(|shape| shape.number).to_vec(), (1..=12).collect::<Vec<_>>());
        assert_eq!(wanted(&[6, 5]).unwrap().iter().map(|shape| shape.number).collect::<Vec<_>>(), [5, 6]);
        assert!(wanted(&[13]).err().unwrap().to_string().contains("no shape 13"));
    }
}
