//! The shapes as one HTML page: what was expected, what was found, a picture each.

use super::{Judged, Line, Measurement, Shape};
use crate::picture::Page;
use crate::svg::{Chart, Series};
use anyhow::Result;
use std::path::Path;

/// So many numbers, most often of things without an order, are points and no line.
const FEW: usize = 3;

/// Writes the page.
pub fn write(path: &Path, shapes: &[&Shape], judged: &[Judged], rows: &[Measurement]) -> Result<()> {
    let mut page = Page::new("What the papers found, in a small model");
    let held = judged.iter().filter(|one| one.holds).count();
    page.text(&format!(
        "{held} of {} shapes hold. Rankings and judgements are a rule's, not people's. A line or point \
         is the mean over seeds, between the lowest and the highest; where seeds have other places, each has its own line.",
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
        if !shape.tried.is_empty() {
            page.text(&format!("Tried before. {}", shape.tried));
        }
        let of_shape: Vec<&Measurement> = rows.iter().filter(|row| row.shape == shape.number).collect();
        pictures(shape, &of_shape).iter().for_each(|picture| page.chart(picture));
    }
    page.write(path)
}

/// The pictures of a shape, a series a line.
fn pictures(shape: &Shape, rows: &[&Measurement]) -> Vec<Chart> {
    let picture = |(number, [varied, measured]): (usize, &[&str; 2])| {
        let last = shape.axes.len() - 1;
        let lines = rows.first().map_or(0, |row| row.found.lines.len());
        let series: Vec<Series> =
            (0..lines).filter(|line| *line.min(&last) == number).map(|line| over_seeds(line, rows)).collect();
        Chart { name: format!("{measured}, over {varied}"), series }
    };
    shape.axes.iter().enumerate().map(picture).collect()
}

/// A line's mean over seeds between the lowest and the highest; where seeds have their numbers at other places, a line a
/// seed.
fn over_seeds(number: usize, rows: &[&Measurement]) -> Series {
    let lines: Vec<&Line> = rows.iter().filter_map(|row| row.found.lines.get(number)).collect();
    let name = lines.first().map_or(String::new(), |line| line.name.clone());
    let places = |line: &Line| line.points.iter().map(|point| point.0).collect::<Vec<_>>();
    if lines.windows(2).any(|pair| places(pair[0]) != places(pair[1])) {
        return Series { name, lines: lines.iter().map(|line| line.points.clone()).collect(), ..Series::default() };
    }
    let at = |place: usize| lines.iter().map(move |line| line.points[place].1);
    let places = lines.first().map_or(vec![], |line| places(line));
    let mean = |place: usize| at(place).sum::<f64>() / lines.len() as f64;
    let band = |place: usize| {
        (places[place], at(place).fold(f64::INFINITY, f64::min), at(place).fold(f64::NEG_INFINITY, f64::max))
    };
    let count = places.len();
    let bands = (0..count).map(band);
    if count <= FEW {
        let point = |(place, (x, low, high)): (usize, (f64, f64, f64))| [x, mean(place), low, high];
        return Series { name, points: bands.enumerate().map(point).collect(), ..Series::default() };
    }
    Series {
        name,
        lines: vec![(0..count).map(|place| (places[place], mean(place))).collect()],
        band: if lines.len() > 1 { bands.collect() } else { vec![] },
        ..Series::default()
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Found, leash, overoptimisation};
    use super::*;

    fn rows(shape: u32, seeds: &[&[&[(f64, f64)]]]) -> Vec<Measurement> {
        let row = |(seed, lines): (usize, &&[&[(f64, f64)]])| Measurement {
            shape,
            seed: seed as u64,
            found: Found {
                value: 0.0,
                lines: lines.iter().map(|line| Line::new("it", line.iter().copied())).collect(),
            },
        };
        seeds.iter().enumerate().map(row).collect()
    }

    #[test]
    fn seeds_at_the_same_places_are_a_band_and_others_a_line_each() {
        let line = |rise: f64| [0.0, 1.0, 2.0, 3.0].map(|place| (place, rise * place));
        let (slow, fast) = (line(1.0), line(3.0));
        let rows = rows(6, &[&[&slow, &[(5.0, 1.0)]], &[&fast, &[(6.0, 2.0)]]]);
        let pictures = pictures(&leash::SHAPE, &rows.iter().collect::<Vec<_>>());
        assert_eq!(pictures[0].name, "KL at the end, in nats, over kl_coef");
        assert_eq!(pictures[1].name, "gold score at the end, over square root of that KL");
        assert_eq!(pictures[0].series[0].lines, [line(2.0)]);
        assert_eq!(pictures[0].series[0].band[3], (3.0, 3.0, 9.0));
        assert_eq!((pictures[1].series[0].lines.len(), pictures[1].series[0].band.len()), (2, 0));
    }

    #[test]
    fn lines_over_the_same_axes_stand_in_one_picture() {
        let rows = rows(5, &[&[&[(0.0, 2.0), (1.0, 4.0)], &[(0.0, 1.0), (1.0, 0.5)]]]);
        let pictures = pictures(&overoptimisation::SHAPE, &rows.iter().collect::<Vec<_>>());
        assert_eq!((pictures.len(), pictures[0].series.len()), (1, 2));
        // So few numbers are points.
        assert_eq!(pictures[0].series[1].points, [[0.0, 1.0, 1.0, 1.0], [1.0, 0.5, 0.5, 0.5]]);
        assert!(pictures[0].series[1].lines.is_empty());
    }
}
