//! `nudge lab instruct`: what instruction tuning teaches, task by task, judged by rule; and whether it carries over to
//! kinds of task that it never saw (FLAN, Wei et al. 2021, section 4.1).
//!
//! 1. Mine demonstrations from training stories, and questions from other stories; add the written ones of both.
//! 2. For each seed, train on all clusters, and again without each group of clusters.
//! 3. Every model, the base among them, answers the questions of every task; rules count the right ones.
//!
//! A task has its `zero_shot` number from the model that was trained without its cluster.

use super::over_seeds::{mean_over_seeds, percent_over_seeds};
use super::sheet::{Row, Sheet};
use crate::args::LabInstruct;
use crate::command::Workplace;
use crate::command::mined::stories_of;
use crate::failure::tell;
use crate::files::io_error;
use crate::input::{self, Reading};
use crate::options::resolve;
use crate::picture::Page;
use crate::provenance::{model_sha256, sha256_of};
use crate::report;
use crate::table::Table;
use anyhow::{Result, anyhow, bail};
use nudge_data::{
    Check, DemonstrationRecord, Finish, MixtureOptions, Prompt, Rng, built_in_tasks, check_of, mine, mix, mixture,
};
use nudge_session::options::{SampleOptions, SftOptions};
use nudge_session::{Command, Event};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

const TUNED: &str = "tuned";

/// One model on one task.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Measurement {
    seed: u64,
    /// Clusters that it was not trained on, joined by `+`; `base` is not trained at all.
    without: String,
    task: String,
    cluster: String,
    questions: usize,
    passed: usize,
}

/// One model on all tasks: a row.
#[derive(Serialize, Deserialize)]
struct OneModel {
    tasks: Vec<Measurement>,
}

/// A task, over all seeds.
#[derive(Serialize)]
struct Summary {
    task: String,
    cluster: String,
    /// Questions of one seed.
    questions: usize,
    base: Share,
    /// Trained on all clusters.
    tuned: Share,
    /// Trained on all but a group of clusters with this task's.
    zero_shot: Share,
}

/// Mean over seeds with the half width of its 95 % interval (Student).
#[derive(Clone, Copy, Serialize)]
struct Share {
    mean: Option<f64>,
    half_width: Option<f64>,
}

#[derive(Serialize)]
struct Results {
    rows: Vec<Measurement>,
    summary: Vec<Summary>,
}

/// A prompt with the rule for its completion.
struct Question {
    task: String,
    cluster: String,
    prompt: Prompt,
    check: Check,
}

const BASE: &str = "base";
const NOTHING: &str = "nothing";

/// Measures and prints the table.
pub fn run(arguments: &LabInstruct) -> Result<()> {
    let options: SftOptions = resolve(&arguments.options, None)?;
    let runs = runs(arguments)?;
    let row = |seed, without: &str| Row::at(seed, &format!("without {without}"), &[("only", without)]);
    let seeds = || arguments.measurements.seeds();
    let wanted = seeds().flat_map(|seed| runs.iter().map(move |(without, _)| row(seed, without))).collect();
    let depends = depends(arguments, &options)?;
    let opened = Sheet::open("instruct", &arguments.measurements, arguments.common.json, &depends, wanted)?;
    let Some(mut sheet) = opened else { return Ok(()) };
    if !sheet.is_whole() {
        let mut workplace = Workplace::open(arguments.common.device)?;
        workplace.load(&arguments.model)?;
        for seed in seeds() {
            let (demonstrations, questions) = material(arguments, seed)?;
            for (without, held_out) in
                runs.iter().filter(|(without, _)| sheet.lacks(&row(seed, without).name)).collect::<Vec<_>>()
            {
                let label = format!("seed {seed} without {without}");
                let model = match held_out.clone() {
                    None => arguments.model.clone(),
                    Some(held_out) => {
                        let options = SftOptions { seed, ..options.clone() };
                        train(&mut workplace, arguments, &label, &demonstrations, held_out, options)?
                    }
                };
                let tasks = answer(&workplace, arguments, &label, &model, &questions, seed, without)?;
                sheet.add(&row(seed, without).name, OneModel { tasks })?;
            }
        }
    }
    let Some(models) = sheet.rows() else { return Ok(()) };
    let rows: Vec<Measurement> = models.into_iter().flat_map(|model| model.tasks).collect();
    let summary = summaries(&rows);
    let results = Results { rows, summary };
    arguments.report.iter().try_for_each(|path| write(path, &results.summary))?;
    report::result(arguments.common.json, &results, || table(&results.summary).text())
}

/// What is trained, by what is left out, with the clusters of that; the base is not trained.
fn runs(arguments: &LabInstruct) -> Result<Vec<(String, Option<Vec<String>>)>> {
    let groups =
        arguments.without.iter().map(|group| (group.clone(), Some(group.split('+').map(String::from).collect())));
    let all = [(BASE.to_string(), None), (NOTHING.to_string(), Some(vec![]))].into_iter().chain(groups);
    let (only, all): (&[String], Vec<_>) = (&arguments.only, all.collect());
    if let Some(unknown) = only.iter().find(|name| !all.iter().any(|(known, _)| known == *name)) {
        bail!("there is no row {unknown}; --only takes {BASE}, {NOTHING} and what --without names");
    }
    Ok(all.into_iter().filter(|(name, _)| only.is_empty() || only.contains(name)).collect())
}

/// What a row depends on beside its seed and what it leaves out.
fn depends(arguments: &LabInstruct, options: &SftOptions) -> Result<Value> {
    let LabInstruct { stories, held_out_stories, data, held_out_data, cap, questions, temperature, .. } = arguments;
    let hashes = |paths: &[PathBuf]| -> Result<Vec<String>> {
        let hash = |path: &PathBuf| sha256_of(path).map(|found| found.1).map_err(|error| io_error("read", path, error));
        paths.iter().map(hash).collect()
    };
    let files = [stories, held_out_stories, data, held_out_data].map(|paths| hashes(paths));
    let files = files.into_iter().collect::<Result<Vec<_>>>()?;
    let options = SftOptions { seed: 0, ..options.clone() };
    Ok(json!([model_sha256(&arguments.model)?, files, cap, questions, temperature, options]))
}

// 1. Demonstrations, and questions that none of them asks.
fn material(arguments: &LabInstruct, seed: u64) -> Result<(Vec<DemonstrationRecord>, Vec<Question>)> {
    let mut demonstrations = mine(&stories_of(&arguments.stories)?, built_in_tasks(), "train", seed);
    let mut asked = mine(&stories_of(&arguments.held_out_stories)?, built_in_tasks(), "held_out", seed);
    let written = |paths: &[PathBuf]| Ok::<_, anyhow::Error>(input::demonstrations(paths, &Reading::default())?.all);
    demonstrations.extend(written(&arguments.data)?);
    asked.extend(written(&arguments.held_out_data)?);
    mixture::remove_prompts_of(&mut asked, &demonstrations);
    Rng::new(seed).shuffle(&mut asked);
    let mut by_task: BTreeMap<String, Vec<Question>> = BTreeMap::new();
    for record in asked {
        let (task, cluster) = (mixture::task_of(&record).to_string(), mixture::cluster_of(&record));
        let Some(check) = check_of(&record).map_err(|reason| anyhow!("task `{task}`: {reason}"))? else { continue };
        let questions = by_task.entry(task.clone()).or_default();
        if questions.len() < arguments.questions {
            questions.push(Question { task, cluster, prompt: record.prompt, check });
        }
    }
    if by_task.is_empty() {
        bail!("no question with a rule can be asked; give stories with --held-out-stories");
    }
    Ok((demonstrations, by_task.into_values().flatten().collect()))
}

// 2. Trained on what is not held out.
fn train(
    workplace: &mut Workplace,
    arguments: &LabInstruct,
    label: &str,
    demonstrations: &[DemonstrationRecord],
    held_out: Vec<String>,
    options: SftOptions,
) -> Result<String> {
    let mixed = MixtureOptions { cap: arguments.cap, size: None, held_out, seed: options.seed };
    let mixture = mix(demonstrations.to_vec(), &mixed);
    if let Some(name) = mixture.report.unknown.first() {
        bail!("no demonstration belongs to the cluster `{name}` of --without");
    }
    tell(&format!("{label}: {} demonstrations", mixture.records.len()));
    let model = arguments.model.clone();
    let command = Command::Sft { model, demonstrations: mixture.records, options };
    let events = workplace.pull(label, command)?;
    workplace.keep(TUNED, &events)?;
    Ok(TUNED.into())
}

// 3. Answered and judged.
fn answer(
    workplace: &Workplace,
    arguments: &LabInstruct,
    label: &str,
    model: &str,
    questions: &[Question],
    seed: u64,
    without: &str,
) -> Result<Vec<Measurement>> {
    let prompts = questions.iter().map(|question| question.prompt.clone()).collect();
    let temperature = Some(arguments.temperature);
    let options = SampleOptions { k: 1, seed, temperature, ..Default::default() };
    let events =
        workplace.pull(&format!("{label}, asked"), Command::Sample { model: model.into(), prompts, options })?;
    let mut counts: BTreeMap<(&str, &str), (usize, usize)> = BTreeMap::new();
    for event in &events {
        let Event::Candidates { index, completions, .. } = event else { continue };
        let (question, given) = (&questions[*index], &completions[0]);
        let (asked, passed) = counts.entry((&question.cluster, &question.task)).or_default();
        *asked += 1;
        *passed += usize::from(question.check.passes(&given.text, given.finish == Some(Finish::Eos)));
    }
    let row = |((cluster, task), (questions, passed)): ((&str, &str), (usize, usize))| Measurement {
        seed,
        without: without.into(),
        task: task.into(),
        cluster: cluster.into(),
        questions,
        passed,
    };
    Ok(counts.into_iter().map(row).collect())
}

fn summaries(rows: &[Measurement]) -> Vec<Summary> {
    let mut tasks: Vec<(&str, &str)> = rows.iter().map(|row| (row.cluster.as_str(), row.task.as_str())).collect();
    tasks.sort_unstable();
    tasks.dedup();
    let of = |(cluster, task): (&str, &str)| {
        let share = |wanted: &dyn Fn(&Measurement) -> bool| {
            let of_task = rows.iter().filter(|row| row.task == task && row.cluster == cluster && wanted(row));
            share(&of_task.map(|row| row.passed as f64 / row.questions as f64).collect::<Vec<_>>())
        };
        let held_out = |row: &Measurement| row.without.split('+').any(|held_out| held_out == cluster);
        Summary {
            task: task.into(),
            cluster: cluster.into(),
            questions: rows.iter().find(|row| row.task == task).map_or(0, |row| row.questions),
            base: share(&|row| row.without == BASE),
            tuned: share(&|row| row.without == NOTHING),
            zero_shot: share(&held_out),
        }
    };
    tasks.into_iter().map(of).collect()
}

fn share(values: &[f64]) -> Share {
    if values.is_empty() {
        return Share { mean: None, half_width: None };
    }
    let (mean, half_width) = mean_over_seeds(values);
    Share { mean: Some(mean), half_width }
}

fn table(summary: &[Summary]) -> Table {
    let mut table = Table::new(
        ["cluster", "task", "questions", "base", "tuned", "zero-shot"],
        "Share of a task's questions that a rule counts as answered, \u{b1} the 95 % interval over seeds; zero-shot: \
         trained without the task's cluster.",
    );
    for row in summary {
        let [base, tuned, zero_shot] = [&row.base, &row.tuned, &row.zero_shot].map(percent);
        table.row([row.cluster.clone(), row.task.clone(), row.questions.to_string(), base, tuned, zero_shot]);
    }
    table
}

/// The table, and every share with its interval.
fn write(path: &Path, summary: &[Summary]) -> Result<()> {
    let mut page = Page::new("What instruction tuning teaches, task by task");
    page.table(&table(summary));
    for row in summary {
        page.heading(&format!("{}: {}", row.cluster, row.task));
        for (name, share) in [("base", &row.base), ("tuned", &row.tuned), ("zero-shot", &row.zero_shot)] {
            if let Some(mean) = share.mean {
                page.text(name);
                page.mean(mean, share.half_width);
            }
        }
    }
    page.write(path)
}

fn percent(share: &Share) -> String {
    share.mean.map_or("-".into(), |mean| percent_over_seeds(mean, share.half_width, 0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_task_is_zero_shot_where_its_cluster_was_held_out() {
        let row = |seed, without: &str, cluster: &str, passed| Measurement {
            seed,
            without: without.into(),
            task: "who".into(),
            cluster: cluster.into(),
            questions: 10,
            passed,
        };
        let rows = [
            row(1, BASE, "reading", 1),
            row(1, NOTHING, "reading", 8),
            row(2, NOTHING, "reading", 6),
            row(1, "lists+reading", "reading", 3),
            row(1, "stories", "reading", 9),
        ];
        let summary = summaries(&rows);
        assert_eq!(summary.len(), 1);
        assert_eq!((summary[0].base.mean, summary[0].base.half_width), (Some(0.1), None));
        assert!((summary[0].tuned.mean.unwrap() - 0.7).abs() < 1e-9);
        // Student's quantile for one degree of freedom, 12.706, times 0.1414 / sqrt 2.
        assert!((summary[0].tuned.half_width.unwrap() - 1.2706).abs() < 1e-3);
        assert_eq!(summary[0].zero_shot.mean, Some(0.3));
    }
}
