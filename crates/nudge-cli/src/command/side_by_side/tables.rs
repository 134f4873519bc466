//! What the runs ended with, and what they were made of differently.

use super::group::Group;
use super::run::Run;
use crate::command::lab::mean_over_seeds;
use crate::picture::DRAWN;
use crate::table::Table;
use serde_json::Value;
use std::collections::BTreeSet;

const NOTHING: &str = "-";

fn head(first: &str, groups: &[Group]) -> Vec<String> {
    std::iter::once(first.to_string()).chain(groups.iter().map(Group::name)).collect()
}

/// Who trained, how long, and the last values of what is drawn.
pub fn ended(groups: &[Group]) -> Table {
    let mut table = Table::with(
        head("at the end", groups),
        "The last value of each number; of several seeds their mean, \u{b1} its 95 % interval (Student).",
    );
    let mut row = |name: &str, cell: &dyn Fn(&Group) -> String| {
        let cells: Vec<String> = groups.iter().map(cell).collect();
        if cells.iter().any(|cell| cell != NOTHING) {
            table.cells(std::iter::once(name.to_string()).chain(cells).collect());
        }
    };
    row("command", &|group| group.first().record.command.clone());
    row("seeds", &|group| joined(group.runs.iter().filter_map(|run| run.option("seed")).map(Value::to_string)));
    row("steps", &|group| joined(group.runs.iter().map(|run| steps(run))));
    for name in DRAWN {
        row(name, &|group| mean(&group.last(name)));
    }
    let compared = |group: &Group, of: &dyn Fn(&nudge_session::Verdict) -> Option<f64>| {
        let verdicts = group.runs.iter().flat_map(|run| &run.compared).map(|compared| &compared.outcome.verdict);
        mean(&verdicts.filter_map(of).collect::<Vec<_>>())
    };
    row("win rate over where it started", &|group| compared(group, &|found| Some(found.win_rate)));
    row("KL of that comparison", &|group| compared(group, &|found| found.kl));
    table
}

fn steps(run: &Run) -> String {
    let steps = run.steps.last().map_or(0.0, |(step, _)| *step);
    if run.record.results.is_some() { steps.to_string() } else { format!("{steps}, unfinished") }
}

fn mean(values: &[f64]) -> String {
    if values.is_empty() {
        return NOTHING.into();
    }
    let (mean, half_width) = mean_over_seeds(values);
    half_width.map_or(format!("{mean:.4}"), |half_width| format!("{mean:.4} \u{b1} {half_width:.4}"))
}

/// Every one once.
fn joined(words: impl Iterator<Item = String>) -> String {
    let mut all: Vec<String> = Vec::new();
    words.for_each(|word| {
        if !all.contains(&word) {
            all.push(word)
        }
    });
    if all.is_empty() { NOTHING.into() } else { all.join("; ") }
}

/// Options, data and models that are not the same everywhere; nothing where all are.
pub fn differing(groups: &[Group]) -> Option<Table> {
    let mut table = Table::with(
        head("option", groups),
        "Options, data (by their file) and models that differ, each with where it came from: a flag, a file, a preset, or \
         the default. An option that only some of the methods have stands here where it was set.",
    );
    let options: BTreeSet<&String> = groups.iter().flat_map(|group| group.first().record.options.keys()).collect();
    for name in options.into_iter().filter(|name| *name != "seed") {
        let cells: Vec<Option<&Value>> = groups.iter().map(|group| group.first().record.options.get(name)).collect();
        let there: Vec<&Value> = cells.iter().copied().flatten().collect();
        let differ = there.iter().any(|option| option["value"] != there[0]["value"]);
        let set = there.len() < cells.len() && there.iter().any(|option| option["from"] != "default");
        if differ || set {
            let cells = cells.into_iter().map(|option| option.map_or(NOTHING.into(), said));
            table.cells(std::iter::once(name.clone()).chain(cells).collect());
        }
    }
    for (flag, of) in files(groups) {
        let cells: Vec<(String, String)> = groups.iter().map(|group| of(group.first())).collect();
        if cells.iter().any(|cell| cell.1 != cells[0].1) {
            table.cells(std::iter::once(flag).chain(cells.into_iter().map(|cell| cell.0)).collect());
        }
    }
    (!table.rows().is_empty()).then_some(table)
}

/// A value and where it came from.
fn said(option: &Value) -> String {
    let value = match &option["value"] {
        Value::Null => NOTHING.into(),
        Value::String(text) => text.clone(),
        value => value.to_string(),
    };
    format!("{value} ({})", option["from"].as_str().unwrap_or("unknown"))
}

/// For each flag that names data or a model, how to say and how to tell apart what a run had there.
fn files<'a>(groups: &'a [Group]) -> Vec<(String, impl Fn(&Run) -> (String, String) + use<'a>)> {
    let records = || groups.iter().map(|group| &group.first().record);
    let data = records().flat_map(|record| record.data.iter().map(|file| (&file.flag, true)));
    let models = records().flat_map(|record| record.models.iter().map(|model| (&model.flag, false)));
    let flags: BTreeSet<(&String, bool)> = data.chain(models).collect();
    let of = |(flag, is_data): (&'a String, bool)| {
        let of = move |run: &Run| {
            let found: Vec<(&str, &str)> = match is_data {
                true => {
                    let files = run.record.data.iter().filter(|file| file.flag == *flag);
                    files.map(|file| (file.path.as_str(), file.sha256.as_str())).collect()
                }
                false => {
                    let models = run.record.models.iter().filter(|model| model.flag == *flag);
                    models.map(|model| (model.name.as_str(), model.sha256.as_str())).collect()
                }
            };
            let name = |(path, sha256): &(&str, &str)| {
                let name = path.rsplit('/').next().unwrap_or(path);
                format!("{name} ({})", sha256.get(..8).unwrap_or(sha256))
            };
            (joined(found.iter().map(name)), found.iter().map(|(_, sha256)| *sha256).collect())
        };
        (format!("--{flag}"), of)
    };
    flags.into_iter().map(of).collect()
}

#[cfg(test)]
mod tests {
    use super::super::{group, test_runs::run};
    use super::*;

    #[test]
    fn what_differs_stands_with_where_it_came_from() {
        let runs = [run("a", 1, 0.1, &[1.0]), run("b", 2, 0.1, &[3.0]), run("c", 1, 0.3, &[5.0])];
        let groups = group::of(&runs).unwrap();
        let table = differing(&groups).unwrap();
        assert_eq!(table.rows(), [["kl_coef", "0.1 (flag)", "0.3 (flag)"]]);
        assert!(differing(&groups[..1]).is_none(), "seeds are no difference");
        let ended = ended(&groups);
        let row = |name: &str| ended.rows().iter().find(|row| row[0] == name).unwrap()[1..].to_vec();
        assert_eq!(row("seeds"), ["1; 2", "1"]);
        assert_eq!(row("steps"), ["1, unfinished", "1, unfinished"]);
        // Student's quantile for one degree of freedom, 12.706, times 1.4142 / sqrt 2.
        assert_eq!(row("loss"), ["2.0000 \u{b1} 12.7062", "5.0000"]);
    }
}
