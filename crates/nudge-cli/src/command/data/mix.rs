//! `nudge data mix`: demonstrations of many tasks in proportion to how many there are, none above a cap (FLAN).
//!
//! 1. Read demonstrations; mine stories; fill the templates of the user's tasks with the user's records.
//! 2. Mix, without the clusters and tasks that are to be held out.
//! 3. Write, and tell the share of every task.

use super::check_free;
use crate::args::Mix;
use crate::command::mined::stories_of;
use crate::disk::write_atomic;
use crate::failure::tell;
use crate::files::read_text;
use crate::input::{self, Reading};
use crate::report::{self, times};
use crate::table::Table;
use anyhow::{Context, Result, bail};
use nudge_data::mixture::{self, MixtureReport, TaskShare};
use nudge_data::task::Source;
use nudge_data::{DemonstrationRecord, MixtureOptions, Task, built_in_tasks, mine, mix, read_tasks, write_jsonl};
use serde_json::{Map, Value};
use std::path::{Path, PathBuf};

/// Mixes into `--out`.
pub fn run(arguments: &Mix) -> Result<()> {
    let read = || arguments.data.iter().chain(&arguments.stories).chain(&arguments.records).chain(&arguments.tasks);
    for path in std::iter::once(&arguments.out).chain(&arguments.held_out) {
        check_free(path, arguments.force, read())?;
    }
    let records = material(arguments)?;
    let options = MixtureOptions {
        cap: arguments.cap,
        size: arguments.size,
        held_out: arguments.without.clone(),
        seed: arguments.seed,
    };
    let mixture = mix(records, &options);
    if let Some(name) = mixture.report.unknown.first() {
        bail!("no demonstration belongs to the cluster or task `{name}` of --without");
    }
    if mixture.records.is_empty() {
        bail!("the mixture is empty; give --data, --stories or --records with demonstrations");
    }
    write_atomic(&arguments.out, write_jsonl(&mixture.records).as_bytes())?;
    if let Some(path) = &arguments.held_out {
        write_atomic(path, write_jsonl(&mixture.held_out).as_bytes())?;
    }
    report::result(arguments.json, &mixture.report, || {
        let records = times(mixture.report.records, "record", "records");
        format!("{}\nmix: {records} -> {}", table(&mixture.report).text(), arguments.out.display())
    })
}

fn table(report: &MixtureReport) -> Table {
    let mut table = Table::new(
        ["cluster", "task", "available", "rate", "drawn", "again"],
        "rate: the task's share of what is drawn; again: drawn although every record of the task was.",
    );
    for share in report.tasks.iter().chain(&report.held_out) {
        let TaskShare { task, cluster, available, rate, drawn, repeated } = share;
        let rate = format!("{:.1} %", 100.0 * rate);
        let counts = [available, drawn, repeated].map(ToString::to_string);
        let [available, drawn, again] = counts;
        table.row([cluster.clone(), task.clone(), available, rate, drawn, again]);
    }
    table
}

// 1. Everything that can be mixed.
fn material(arguments: &Mix) -> Result<Vec<DemonstrationRecord>> {
    let mut all = Vec::new();
    for path in &arguments.data {
        let mut records = input::demonstrations(std::slice::from_ref(path), &Reading::default())?.all;
        let name = path.file_stem().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        mixture::name_task(&mut records, &name);
        all.append(&mut records);
    }
    let own = own_tasks(&arguments.tasks)?;
    let mined: Vec<Task> =
        built_in_tasks().iter().chain(&own).filter(|task| matches!(task.source, Source::Stories(_))).cloned().collect();
    if !arguments.stories.is_empty() {
        all.extend(mine(&stories_of(&arguments.stories)?, &mined, "train", arguments.seed));
    }
    for path in &arguments.records {
        let records = objects(path)?;
        for task in own.iter().filter(|task| matches!(task.source, Source::Records(_))) {
            let made = task.demonstrations(&records, "train", arguments.seed);
            all.extend(made.with_context(|| path.display().to_string())?);
        }
    }
    tell(&format!("{} demonstrations to draw from", all.len()));
    Ok(all)
}

fn own_tasks(paths: &[PathBuf]) -> Result<Vec<Task>> {
    let mut tasks = Vec::new();
    for path in paths {
        tasks.extend(read_tasks(&path.display().to_string(), &read_text(path)?)?);
    }
    Ok(tasks)
}

/// The records of a file as they are, whatever their fields.
fn objects(path: &Path) -> Result<Vec<Map<String, Value>>> {
    let object = |found: nudge_data::Found| match found.value {
        Ok(Value::Object(fields)) => Ok(fields),
        Ok(_) => bail!("{}, line {}: it is no object with named fields", path.display(), found.line),
        Err(reason) => bail!("{}, line {}: {reason}", path.display(), found.line),
    };
    input::open(path)?.map(object).collect()
}
