//! A training run as it lies on the disk: what made it, what it logged, its card, and comparisons that lie beside it.

use crate::command::compare::{Outcome, pairs_of};
use crate::files::{io_error, read_text};
use crate::model_card::CARD;
use crate::provenance::{RUN, RunRecord, model_sha256};
use crate::training_folder::LOG;
use anyhow::{Context, Result, bail};
use nudge_data::read_jsonl_checked;
use nudge_session::Metrics;
use nudge_session::method::Method;
use nudge_session::verdict::JudgedPair;
use serde_json::{Map, Value};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// The number of a step in its line.
const STEP: &str = "step";
/// Behind the name of a file that says who won.
const VERDICT: &str = ".verdict.json";

/// One run.
pub struct Run {
    /// Its folder as it was given.
    pub name: String,
    pub record: RunRecord,
    /// The numbers of its steps.
    pub steps: Vec<(f64, Metrics)>,
    /// Its model card, where it has ended.
    pub card: Option<String>,
    /// Comparisons of what it made with something else.
    pub compared: Vec<Compared>,
}

/// A comparison of a run's model.
pub struct Compared {
    /// The model that it was compared with.
    pub with: String,
    pub outcome: Outcome,
    pub pairs: Vec<JudgedPair>,
}

impl Run {
    /// The value of an option.
    pub fn option(&self, name: &str) -> Option<&Value> {
        self.record.options.get(name).map(|option| &option["value"])
    }

    /// What it did: a stage's name, `tuning` for every method.
    fn stage(&self) -> &str {
        match Method::named(&self.record.command.replace('-', "_")) {
            Some(_) => "tuning",
            None => &self.record.command,
        }
    }
}

/// Reads the runs.
///
/// # Errors
/// If a folder is no training run, a log cannot be read, a run is given twice, or their stages differ.
pub fn all(folders: &[PathBuf]) -> Result<Vec<Run>> {
    let mut known: Vec<(PathBuf, &Path)> = Vec::new();
    for folder in folders {
        let place = folder.canonicalize().map_err(|error| io_error("read", folder, error))?;
        if let Some((_, other)) = known.iter().find(|(known, _)| *known == place) {
            bail!("{} and {} are the same run; give it once", other.display(), folder.display());
        }
        known.push((place, folder));
    }
    let runs = folders.iter().map(|folder| read(folder)).collect::<Result<Vec<_>>>()?;
    for (number, run) in runs.iter().enumerate() {
        // The times of its steps are no other run's.
        if let Some(other) = runs[..number].iter().find(|other| other.steps == run.steps && !run.steps.is_empty()) {
            bail!("{} and {} hold the same run, step by step; give one of them", other.name, run.name);
        }
    }
    one_stage(&runs)?;
    Ok(runs)
}

fn one_stage(runs: &[Run]) -> Result<()> {
    let stages: BTreeSet<&str> = runs.iter().map(Run::stage).collect();
    if stages.len() < 2 {
        return Ok(());
    }
    let of = |stage: &&str| {
        let names = runs.iter().filter(|run| run.stage() == *stage).map(|run| run.name.as_str());
        format!("{stage}: {}", names.collect::<Vec<_>>().join(", "))
    };
    let found: Vec<String> = stages.iter().map(of).collect();
    bail!(
        "these runs are of different stages, whose numbers do not compare ({}); write a report a stage",
        found.join("; ")
    )
}

fn read(folder: &Path) -> Result<Run> {
    let name = folder.display().to_string();
    let [record, log] = [RUN, LOG].map(|file| folder.join(file));
    for file in [&record, &log] {
        if !file.is_file() {
            bail!("{name} is no training run: it has no {}; {}", file_name(file), instead(folder));
        }
    }
    let record: RunRecord = serde_json::from_str(&read_text(&record)?)
        .with_context(|| format!("{} is not what a run writes; restore it, or leave the run out", record.display()))?;
    let steps = steps_of(&log)?;
    let card = read_text(&folder.join(CARD)).ok();
    Ok(Run { compared: compared(folder)?, name, record, steps, card })
}

fn file_name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// What to give instead of this folder.
fn instead(folder: &Path) -> String {
    if folder.join("workflow.json").exists() {
        return format!("give a run of this workflow, such as {}", folder.join("runs/dpo").display());
    }
    "give what --out named in nudge pretrain, sft, reward, ppo, dpo or another method".into()
}

/// The numbers of every step.
fn steps_of(log: &Path) -> Result<Vec<(f64, Metrics)>> {
    let has_step = |line: &Map<String, Value>| match line.get(STEP).is_some_and(Value::is_u64) {
        true => Ok(()),
        false => Err("it has no step".to_string()),
    };
    let lines: Vec<Map<String, Value>> = read_jsonl_checked(&log.display().to_string(), &read_text(log)?, has_step)
        .context(
            "a log with a broken line; go on with that run by --resume, which mends its log, or take the line out",
        )?;
    let numbers = |line: Map<String, Value>| {
        let mut numbers: Metrics = line.into_iter().filter_map(|(name, value)| Some((name, value.as_f64()?))).collect();
        (numbers.remove(STEP).unwrap_or_default(), numbers)
    };
    Ok(lines.into_iter().map(numbers).collect())
}

/// Comparisons of this run's model: in its folder, beside it, or in the workflow that it belongs to.
fn compared(folder: &Path) -> Result<Vec<Compared>> {
    let whole = folder.canonicalize().map_err(|error| io_error("read", folder, error))?;
    let mut verdicts: Vec<PathBuf> = Vec::new();
    for place in whole.ancestors().take(3) {
        let entries = std::fs::read_dir(place).into_iter().flatten();
        let files = entries.filter_map(|entry| Some(entry.ok()?.path()));
        verdicts.extend(files.filter(|file| file_name(file).ends_with(VERDICT)));
    }
    if verdicts.is_empty() {
        return Ok(vec![]);
    }
    verdicts.sort();
    let sha256 = model_sha256(&folder.display().to_string()).unwrap_or_default();
    let found = verdicts.iter().filter_map(|verdict| comparison(verdict, &sha256).transpose());
    found.collect()
}

/// The comparison that ended with this verdict, where it judged that model.
fn comparison(verdict: &Path, sha256: &str) -> Result<Option<Compared>> {
    let stem = verdict.with_file_name(file_name(verdict).trim_end_matches(VERDICT));
    let record = stem.with_file_name(format!("{}.{RUN}", file_name(&stem)));
    let record: Option<RunRecord> = read_text(&record).ok().and_then(|text| serde_json::from_str(&text).ok());
    let Some(record) = record.filter(|record| record.models_of("a").any(|model| model == sha256)) else {
        return Ok(None);
    };
    let first = |flag: &str| record.arguments.get(flag).and_then(|values| values.first());
    let pairs = first("pairs")
        .map_or(stem.with_extension("jsonl"), |pairs| verdict.with_file_name(file_name(Path::new(pairs))));
    let outcome: Outcome = serde_json::from_str(&read_text(verdict)?)
        .with_context(|| format!("{} is not what nudge compare writes; move it away", verdict.display()))?;
    let pairs = if pairs.is_file() { pairs_of(&pairs)? } else { vec![] };
    Ok(Some(Compared { with: first("b").cloned().unwrap_or_default(), outcome, pairs }))
}
