//! What runs logged, over their steps, and what they gained, over the distance that they covered.

use super::group::Group;
use super::run::Run;
use crate::picture::DRAWN;
use crate::svg::{Chart, Series};
use nudge_session::Metrics;
use nudge_session::frontier::{Point, from_the_start, points};

/// Every picture that has something in it.
pub fn of(groups: &[Group]) -> Vec<Chart> {
    let curves = DRAWN.iter().map(|name| chart(name, groups, |group| over_steps(group, name)));
    let frontier = [
        chart("reward model's score above the start, over sqrt(KL)", groups, |group| {
            over_distance(group, |point| Some(point.score))
        }),
        chart("labeler's own score above the start, over sqrt(KL)", groups, |group| {
            over_distance(group, |point| point.gold_score)
        }),
        chart("win rate over where it started, over sqrt(KL)", groups, won),
    ];
    curves.chain(frontier).filter(|chart| chart.series.iter().any(has_something)).collect()
}

/// Whether anything can be seen of it: a line has two ends.
fn has_something(series: &Series) -> bool {
    series.lines.iter().any(|line| line.len() > 1) || !series.points.is_empty()
}

/// A series a group, in its colour whether it has something here or not.
fn chart(name: &str, groups: &[Group], series: impl Fn(&Group) -> Series) -> Chart {
    let of = |group: &Group| {
        let series = series(group);
        Series { name: if has_something(&series) { group.name() } else { String::new() }, ..series }
    };
    Chart { name: name.into(), series: groups.iter().map(of).collect() }
}

/// The mean over seeds, in a band from the lowest to the highest.
fn over_steps(group: &Group, name: &str) -> Series {
    let over = group.over_steps(name);
    let band = over.iter().filter(|_| group.runs.len() > 1).map(|at| (at.step, at.low, at.high)).collect();
    Series { lines: vec![over.iter().map(|at| (at.step, at.mean)).collect()], band, ..Series::default() }
}

/// A line a run: no two are at the same distance at the same time.
fn over_distance(group: &Group, of: impl Fn(&Point) -> Option<f64>) -> Series {
    let way = |run: &&Run| {
        let steps: Vec<Metrics> = run.steps.iter().map(|(_, numbers)| numbers.clone()).collect();
        let way = from_the_start(points(&steps));
        way.iter().filter_map(|point| Some((point.distance, of(point)?))).collect()
    };
    Series { lines: group.runs.iter().map(way).collect(), ..Series::default() }
}

/// A point a comparison that knows how far the model has moved.
fn won(group: &Group) -> Series {
    let compared = group.runs.iter().flat_map(|run| &run.compared).map(|compared| &compared.outcome.verdict);
    let point =
        |found: &nudge_session::Verdict| Some([found.kl?.max(0.0).sqrt(), found.win_rate, found.low, found.high]);
    Series { points: compared.filter_map(point).collect(), ..Series::default() }
}

#[cfg(test)]
mod tests {
    use super::super::{group, test_runs::run};
    use super::*;

    #[test]
    fn a_picture_has_a_band_a_group_and_a_way_a_run() {
        let runs = [run("a", 1, 0.1, &[1.0, 2.0]), run("b", 2, 0.1, &[3.0, 6.0]), run("c", 1, 0.3, &[5.0, 4.0])];
        let groups = group::of(&runs).unwrap();
        let pictures = of(&groups);
        let names: Vec<&str> = pictures.iter().map(|picture| picture.name.as_str()).collect();
        let frontier = "reward model's score above the start, over sqrt(KL)";
        assert_eq!(names, ["loss", "objective/scores", "objective/kl", frontier]);
        let [seeds, single] = pictures[0].series.as_slice() else { panic!("a series a group") };
        assert_eq!(
            (&seeds.band, &seeds.lines),
            (&vec![(1.0, 1.0, 3.0), (2.0, 2.0, 6.0)], &vec![vec![(1.0, 2.0), (2.0, 4.0)]])
        );
        assert!(single.band.is_empty() && single.name == "c");
        assert_eq!(pictures[3].series[0].lines, vec![vec![(0.0, 0.0), (1.0, 1.0)]; 2]);
    }
}
