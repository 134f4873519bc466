//! Runs that differ in their seed alone, as one: a mean with a band around it.

use super::run::Run;
use anyhow::{Result, bail};
use nudge_session::Metrics;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

const SEED: &str = "seed";

/// Runs with one curve in every picture.
pub struct Group<'a> {
    pub runs: Vec<&'a Run>,
}

/// A number over steps, over all runs that logged it there.
pub struct Over {
    pub step: f64,
    pub mean: f64,
    pub low: f64,
    pub high: f64,
}

/// Puts runs together, in the order in which they were given.
///
/// # Errors
/// If two differ in nothing, so that they would count twice.
pub fn of(runs: &[Run]) -> Result<Vec<Group<'_>>> {
    let mut groups: Vec<(Value, Group)> = Vec::new();
    for run in runs {
        let made_of = made_of(run);
        match groups.iter_mut().find(|(known, _)| *known == made_of) {
            Some((_, group)) => group.runs.push(run),
            None => groups.push((made_of, Group { runs: vec![run] })),
        }
    }
    for (_, group) in &groups {
        for (number, run) in group.runs.iter().enumerate() {
            if let Some(other) = group.runs[..number].iter().find(|other| other.option(SEED) == run.option(SEED)) {
                bail!(
                    "{} and {} are one run made twice: they differ in nothing, not even their seed; leave one out",
                    other.name,
                    run.name
                );
            }
        }
    }
    Ok(groups.into_iter().map(|(_, group)| group).collect())
}

/// What a run is made of, but for its seed.
fn made_of(run: &Run) -> Value {
    let record = &run.record;
    let options: BTreeMap<&String, &Value> = record
        .options
        .iter()
        .filter(|(name, _)| *name != SEED)
        .map(|(name, option)| (name, &option["value"]))
        .collect();
    let data: Vec<_> = record.data.iter().map(|file| (&file.flag, &file.sha256)).collect();
    let models: Vec<_> = record.models.iter().map(|model| (&model.flag, &model.sha256)).collect();
    json!([record.command, options, data, models, record.device, record.nudge["version"], record.nudge["commit"]])
}

impl Group<'_> {
    /// The first run's, and how many seeds there are.
    pub fn name(&self) -> String {
        let name = &self.first().name;
        match self.runs.len() {
            1 => name.clone(),
            seeds => format!("{name} ({seeds} seeds)"),
        }
    }

    /// The run that was given first.
    pub fn first(&self) -> &Run {
        self.runs[0]
    }

    /// Names of all logged numbers.
    pub fn logged(&self) -> BTreeSet<&str> {
        let steps = self.runs.iter().flat_map(|run| &run.steps);
        steps.flat_map(|(_, numbers)| numbers.keys()).map(String::as_str).collect()
    }

    /// A number by step.
    pub fn over_steps(&self, name: &str) -> Vec<Over> {
        let mut by_step: BTreeMap<u64, Vec<f64>> = BTreeMap::new();
        for (step, numbers) in self.runs.iter().flat_map(|run| &run.steps) {
            if let Some(value) = finite(numbers, name) {
                by_step.entry(*step as u64).or_default().push(value);
            }
        }
        let over = |(step, values): (u64, Vec<f64>)| Over {
            step: step as f64,
            mean: values.iter().sum::<f64>() / values.len() as f64,
            low: values.iter().copied().fold(f64::INFINITY, f64::min),
            high: values.iter().copied().fold(f64::NEG_INFINITY, f64::max),
        };
        by_step.into_iter().map(over).collect()
    }

    /// The last value of a number, of each run that has it.
    pub fn last(&self, name: &str) -> Vec<f64> {
        let last = |run: &&Run| run.steps.iter().rev().find_map(|(_, numbers)| finite(numbers, name));
        self.runs.iter().filter_map(last).collect()
    }
}

fn finite(numbers: &Metrics, name: &str) -> Option<f64> {
    numbers.get(name).copied().filter(|value| value.is_finite())
}

#[cfg(test)]
mod tests {
    use super::super::test_runs::run;
    use super::*;

    #[test]
    fn seeds_are_one_band_and_other_options_another_curve() {
        let runs = [run("a", 1, 0.1, &[1.0, 2.0]), run("b", 2, 0.1, &[3.0, 6.0, 9.0]), run("c", 1, 0.3, &[5.0])];
        let groups = of(&runs).unwrap();
        assert_eq!(groups.iter().map(Group::name).collect::<Vec<_>>(), ["a (2 seeds)", "c"]);
        let over: Vec<_> = groups[0].over_steps("loss").iter().map(|at| (at.step, at.mean, at.low, at.high)).collect();
        assert_eq!(over, [(1.0, 2.0, 1.0, 3.0), (2.0, 4.0, 2.0, 6.0), (3.0, 9.0, 9.0, 9.0)]);
        assert_eq!(groups[0].last("loss"), [2.0, 9.0]);
    }

    #[test]
    fn a_run_made_twice_counts_once() {
        let runs = [run("a", 1, 0.1, &[1.0]), run("b", 1, 0.1, &[1.5])];
        assert!(of(&runs).err().unwrap().to_string().contains("a and b are one run made twice"));
    }
}
