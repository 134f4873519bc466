//! What `nudge lab preferences` measures: a row for each learner and split, and their mean over seeds.

use super::over_seeds::{mean_over_seeds, percent_over_seeds};
use crate::picture::Page;
use crate::table::Table;
use anyhow::Result;
use clap::ValueEnum;
use serde::{Deserialize, Serialize};
use std::path::Path;

/// How the rankings are learnt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Learner {
    /// A weight for each word.
    BagOfWords,
    /// A reward model, as `nudge reward` trains it.
    RewardModel,
    /// The same for one pass, all pairs of a ranking in one step (InstructGPT 3.5).
    RankingBatches,
    /// The same for one pass over the pairs one by one, shuffled, as many in a step.
    ShuffledPairs,
}

/// One learner on one split.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Measurement {
    /// The rankings.
    pub file: String,
    /// Who learnt them.
    pub learner: Learner,
    /// Of the split and the learner.
    pub seed: u64,
    /// Rankings learnt from.
    pub train: usize,
    /// Rankings held out.
    pub held_out: usize,
    /// Held-out pairs.
    pub pairs: usize,
    /// Share of them in people's order, equal rewards counting half.
    pub accuracy: f64,
    /// Lower end of its 95 % interval.
    pub low: f64,
    /// Upper end.
    pub high: f64,
    /// The same on what was learnt from: far above `accuracy` is learnt by heart.
    pub train_accuracy: f64,
}

/// One learner on one file, over all splits.
#[derive(Serialize)]
pub struct Summary {
    file: String,
    learner: Learner,
    seeds: usize,
    pairs: usize,
    accuracy: f64,
    /// Half width of the 95 % interval of the mean over seeds (Student); nothing for a single seed.
    half_width: Option<f64>,
    train_accuracy: f64,
}

/// What `--json` prints.
#[derive(Serialize)]
pub struct Results {
    /// Every learner on every split.
    pub rows: Vec<Measurement>,
    /// Their means.
    pub summary: Vec<Summary>,
}

/// The means over seeds, in the order in which they were measured.
pub fn summaries(rows: &[Measurement]) -> Vec<Summary> {
    let mut kinds: Vec<(&str, Learner)> = Vec::new();
    for row in rows {
        if !kinds.contains(&(row.file.as_str(), row.learner)) {
            kinds.push((&row.file, row.learner));
        }
    }
    let of = |(file, learner): (&str, Learner)| {
        let rows: Vec<&Measurement> = rows.iter().filter(|row| row.file == file && row.learner == learner).collect();
        let (accuracy, half_width) = mean_over_seeds(&rows.iter().map(|row| row.accuracy).collect::<Vec<_>>());
        Summary {
            file: file.into(),
            learner,
            seeds: rows.len(),
            pairs: rows.iter().map(|row| row.pairs).sum(),
            accuracy,
            half_width,
            train_accuracy: rows.iter().map(|row| row.train_accuracy).sum::<f64>() / rows.len() as f64,
        }
    };
    kinds.into_iter().map(of).collect()
}

/// On the command line and in tables.
pub fn name(learner: Learner) -> String {
    learner.to_possible_value().map(|value| value.get_name().to_string()).unwrap_or_default()
}

/// For people.
pub fn table(summary: &[Summary]) -> Table {
    let mut table = Table::new(
        ["file", "learner", "seeds", "pairs", "held out", "learnt"],
        "held out: pairs in people's order among rankings set aside, 50 % is chance, \u{b1} the 95 % interval over seeds; \
         learnt: the same of those learnt from, far above is learnt by heart.",
    );
    for row in summary {
        table.row([
            row.file.clone(),
            name(row.learner),
            row.seeds.to_string(),
            row.pairs.to_string(),
            percent_over_seeds(row.accuracy, row.half_width, 1),
            format!("{:.1} %", 100.0 * row.train_accuracy),
        ]);
    }
    table
}

/// The table, and every accuracy with its interval.
pub fn write(path: &Path, summary: &[Summary]) -> Result<()> {
    let mut page = Page::new("How much of people's rankings is learnt");
    page.table(&table(summary));
    page.heading("Accuracy on rankings held out");
    for row in summary {
        page.text(&format!("{}, {}", row.file, name(row.learner)));
        page.mean(row.accuracy, row.half_width);
    }
    page.write(path)
}
