//! Mixtures of tasks: how many examples of each, and which kinds are held out.
//!
//! Examples-proportional mixing with a cap, as T5 (Raffel et al. 2020, section 3.5.2) and FLAN (Wei et al. 2021,
//! section 2.2) do it: a task is drawn in proportion to its number of examples, but none counts for more than the cap,
//! so that a large one does not drown the others. It lacks temperatures and weights by hand.

use std::collections::{BTreeMap, HashSet};

use serde::{Deserialize, Serialize};

use crate::prompt::Prompt;
use crate::records::DemonstrationRecord;
use crate::rng::Rng;
use crate::split::held_out_prompts;

/// What to mix and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MixtureOptions {
    /// The most examples for which a task counts, K.
    pub cap: usize,
    /// Examples wanted; none: as many as the tasks have, up to the cap each.
    pub size: Option<usize>,
    /// Clusters and tasks that do not go into the mixture, by name.
    pub held_out: Vec<String>,
    /// Fixes the draw and the order.
    pub seed: u64,
}

/// Examples to train on, those held out, and the counts.
#[derive(Debug, Clone, PartialEq)]
pub struct Mixture {
    /// The examples, in random order.
    pub records: Vec<DemonstrationRecord>,
    /// All examples of the held-out clusters and tasks, in the given order.
    pub held_out: Vec<DemonstrationRecord>,
    /// What became of each task.
    pub report: MixtureReport,
}

/// What became of each task, by name.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MixtureReport {
    /// Examples in the mixture.
    pub records: usize,
    /// The cap, K.
    pub cap: usize,
    /// The tasks in the mixture.
    pub tasks: Vec<TaskShare>,
    /// The tasks held out; their rates are zero.
    pub held_out: Vec<TaskShare>,
    /// Held-out names that no record has as its cluster or task: perhaps a slip of the pen.
    pub unknown: Vec<String>,
}

/// A task's part of a mixture.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TaskShare {
    /// The task.
    pub task: String,
    /// Its cluster; a task without one is a cluster of its own.
    pub cluster: String,
    /// Examples there are, n.
    pub available: usize,
    /// min(n, K) over the sum of it over the tasks.
    pub rate: f64,
    /// Examples drawn.
    pub drawn: usize,
    /// Of those, repeats: drawn again after the task had no unused ones.
    pub repeated: usize,
}

/// Records without a task belong to this one.
pub const OTHER_TASK: &str = "other";

/// Mixes records by their `task`; their cluster is `cluster` in `extra`, or else the task's name.
///
/// Of `size` examples each task gets its rate's share, rounded so that the shares add up (largest remainders, earlier
/// names first). Without a size each task gives min(n, K) examples. An example comes again only after all others of
/// its task have come. The same records, options and seed give the same mixture.
pub fn mix(records: Vec<DemonstrationRecord>, options: &MixtureOptions) -> Mixture {
    let names_of = |record: &DemonstrationRecord| [cluster_of(record), task_of(record).to_owned()];
    let known: HashSet<String> = records.iter().flat_map(names_of).collect();
    let is_held_out =
        |record: &DemonstrationRecord| names_of(record).iter().any(|name| options.held_out.contains(name));
    let (held_out, used): (Vec<_>, Vec<_>) = records.into_iter().partition(is_held_out);
    let tasks = by_task(&used);
    let counts: Vec<usize> = tasks.values().map(Vec::len).collect();
    let rates = rates(&counts, options.cap);
    let size = options.size.unwrap_or_else(|| counts.iter().map(|&count| count.min(options.cap)).sum());
    let quotas = quotas(&rates, size);
    let mut rng = Rng::new(options.seed);
    let mut mixed = Vec::with_capacity(size);
    let mut shares = Vec::new();
    for ((task, examples), (&rate, &quota)) in tasks.iter().zip(rates.iter().zip(&quotas)) {
        mixed.extend(draw(examples, quota, &mut rng).into_iter().cloned());
        let repeated = quota.saturating_sub(examples.len());
        shares.push(TaskShare { drawn: quota, repeated, rate, ..share(task, examples) });
    }
    rng.shuffle(&mut mixed);
    let report = MixtureReport {
        records: mixed.len(),
        cap: options.cap,
        tasks: shares,
        held_out: by_task(&held_out).iter().map(|(task, examples)| share(task, examples)).collect(),
        unknown: options.held_out.iter().filter(|&name| !known.contains(name)).cloned().collect(),
    };
    Mixture { records: mixed, held_out, report }
}

/// The largest cap at which the tasks give at most `size` examples without a repeat; zero if there is none.
pub fn cap_for(records: &[DemonstrationRecord], size: usize) -> usize {
    let counts: Vec<usize> = by_task(records).values().map(Vec::len).collect();
    let fits = |cap: usize| counts.iter().map(|&count| count.min(cap)).sum::<usize>() <= size;
    let (mut fitting, mut most) = (0, counts.iter().copied().max().unwrap_or(0));
    while fitting < most {
        let middle = (fitting + most).div_ceil(2);
        if fits(middle) {
            fitting = middle;
        } else {
            most = middle - 1;
        }
    }
    fitting
}

/// Gives every record without a `task` this one, such as the name of the file it comes from.
pub fn name_task(records: &mut [DemonstrationRecord], task: &str) {
    for record in records {
        record.task.get_or_insert_with(|| task.to_owned());
    }
}

/// Sets some prompts aside with all their completions, as [`crate::split_by_prompt`] does, and marks the records'
/// `split` as `train` or `held_out`.
///
/// # Panics
///
/// If `held_out_fraction` is not in `[0, 1]`.
pub fn split_demonstrations_by_prompt(
    mut records: Vec<DemonstrationRecord>,
    held_out_fraction: f32,
    seed: u64,
) -> (Vec<DemonstrationRecord>, Vec<DemonstrationRecord>) {
    assert!((0.0..=1.0).contains(&held_out_fraction), "held_out_fraction is {held_out_fraction}, outside [0, 1]");
    let held_out = held_out_prompts(records.iter().map(|record| &record.prompt), held_out_fraction, seed);
    for record in &mut records {
        let split = if held_out.contains(&record.prompt) { "held_out" } else { "train" };
        record.split = Some(split.to_owned());
    }
    records.into_iter().partition(|record| !held_out.contains(&record.prompt))
}

/// Takes out the records whose prompt is also in `others`: stories may differ and yet be asked for alike.
pub fn remove_prompts_of(records: &mut Vec<DemonstrationRecord>, others: &[DemonstrationRecord]) {
    let prompts: HashSet<&Prompt> = others.iter().map(|record| &record.prompt).collect();
    records.retain(|record| !prompts.contains(&record.prompt));
}

/// The task of a record.
pub fn task_of(record: &DemonstrationRecord) -> &str {
    record.task.as_deref().unwrap_or(OTHER_TASK)
}

/// The cluster of a record: `cluster` in `extra`, or else its task.
pub fn cluster_of(record: &DemonstrationRecord) -> String {
    record.extra.get("cluster").and_then(|cluster| cluster.as_str()).unwrap_or(task_of(record)).to_owned()
}

fn by_task(records: &[DemonstrationRecord]) -> BTreeMap<&str, Vec<&DemonstrationRecord>> {
    let mut tasks: BTreeMap<&str, Vec<&DemonstrationRecord>> = BTreeMap::new();
    for record in records {
        tasks.entry(task_of(record)).or_default().push(record);
    }
    tasks
}

fn share(task: &str, examples: &[&DemonstrationRecord]) -> TaskShare {
    let cluster = examples.first().map_or_else(String::new, |record| cluster_of(record));
    TaskShare { task: task.to_owned(), cluster, available: examples.len(), rate: 0.0, drawn: 0, repeated: 0 }
}

/// rate_i = min(n_i, K) / Σ_j min(n_j, K); all zero if the sum is.
fn rates(counts: &[usize], cap: usize) -> Vec<f64> {
    let capped: Vec<usize> = counts.iter().map(|&count| count.min(cap)).collect();
    let total = capped.iter().sum::<usize>().max(1) as f64;
    capped.into_iter().map(|count| count as f64 / total).collect()
}

/// Whole numbers in proportion to the rates that add up to `size`; none if the rates are zero.
fn quotas(rates: &[f64], size: usize) -> Vec<usize> {
    let exact: Vec<f64> = rates.iter().map(|rate| rate * size as f64).collect();
    // A share that is whole but for rounding must not lose its last example.
    let mut quotas: Vec<usize> = exact.iter().map(|share| (share + 1e-9).floor() as usize).collect();
    if rates.iter().all(|&rate| rate == 0.0) {
        return quotas;
    }
    let remainder = |index: usize| exact[index] - quotas[index] as f64;
    let mut order: Vec<usize> = (0..rates.len()).filter(|&index| rates[index] > 0.0).collect();
    order.sort_by(|&one, &other| remainder(other).total_cmp(&remainder(one)));
    let missing = size.saturating_sub(quotas.iter().sum());
    for &index in order.iter().take(missing) {
        quotas[index] += 1;
    }
    quotas
}

/// `quota` examples, all before any comes again.
fn draw<'a>(examples: &[&'a DemonstrationRecord], quota: usize, rng: &mut Rng) -> Vec<&'a DemonstrationRecord> {
    let mut drawn = Vec::with_capacity(quota);
    while drawn.len() < quota && !examples.is_empty() {
        let mut round = examples.to_vec();
        rng.shuffle(&mut round);
        round.truncate(quota - drawn.len());
        drawn.append(&mut round);
    }
    drawn
}

#[cfg(test)]
#[path = "mixture_tests.rs"]
mod tests;
