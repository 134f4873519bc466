//! `nudge lab preferences`: how much of people's rankings a reward model learns, against a bag of words and chance.
//!
//! 1. Read each file; leave out what does not fit the model's context, and say how much.
//! 2. Split: by prompt, or by record where nearly all ask the same.
//! 3. Learn, by every learner from the same rankings.
//! 4. Count the held-out pairs that are in people's order.
//!
//! Completions of one ranking resemble each other, so the interval over seeds, which split anew, says more than the one
//! of a row.

use super::bag_of_words::BagOfWords;
use super::preferences_table::{Learner, Measurement, Results, name, summaries, table, write};
use super::sheet::{Row, Sheet};
use crate::args::LabPreferences;
use crate::command::Workplace;
use crate::failure::tell;
use crate::files::io_error;
use crate::input::{self, Reading};
use crate::options::resolve;
use crate::provenance::{model_sha256, sha256_of};
use crate::report;
use anyhow::{Context, Result, bail};
use nudge_data::{Comparison, Completion, PreferenceRecord, Prompt, RankingRecord, Rng, split_by_prompt};
use nudge_rlhf::pairwise_accuracy;
use nudge_session::options::RewardOptions;
use nudge_session::protocol::AccuracySlice;
use nudge_session::{Command, Event};
use serde_json::{Map, json};
use std::collections::{BTreeMap, HashSet};
use std::path::{Path, PathBuf};

const HELD_OUT: f32 = 0.2;
/// With fewer prompts than this, a split by prompt would hold out too few of them to mean anything.
const FEW_PROMPTS: usize = 10;
const MODEL: &str = "reward";

/// Measures and prints the table.
pub fn run(arguments: &LabPreferences) -> Result<()> {
    let options: RewardOptions = resolve(&arguments.options, None)?;
    let (flags, files) = (&arguments.measurements, &arguments.comparisons);
    // Every row has its own seed.
    let resolved = RewardOptions { seed: 0, ..options.clone() };
    let hash = |path: &PathBuf| sha256_of(path).map_err(|error| io_error("read", path, error));
    let data = files.iter().map(|path| Ok((path.display().to_string(), hash(path)?.1)));
    let data = data.collect::<Result<BTreeMap<String, String>>>()?;
    let depends = json!([model_sha256(&arguments.model)?, resolved, format!("{:?}", arguments.reading)]);
    let row = |file: &str, seed, learner| {
        let (sha256, learner) = (&data[file][..8], name(learner));
        Row::at(seed, &format!("{learner} of {file} ({sha256})"), &[("comparisons", file), ("learners", &learner)])
    };
    let wanted = files.iter().flat_map(|path| {
        let file = path.display().to_string();
        let of_seed = |seed| arguments.learners.iter().map(move |learner| (seed, *learner));
        let rows: Vec<Row> = flags.seeds().flat_map(of_seed).map(|(seed, learner)| row(&file, seed, learner)).collect();
        rows
    });
    let opened = Sheet::open("preferences", flags, arguments.common.json, &depends, wanted.collect())?;
    let Some(mut sheet) = opened else { return Ok(()) };
    if !sheet.is_whole() {
        let mut bench = Bench {
            workplace: Workplace::open(arguments.common.device)?,
            model: &arguments.model,
            reading: &arguments.reading,
            options,
        };
        bench.workplace.load(&arguments.model)?;
        for path in files {
            let file = path.display().to_string();
            let all = bench.read(path)?;
            for seed in flags.seeds() {
                let (train, held_out) = split(all.clone(), seed);
                for &learner in &arguments.learners {
                    let row = row(&file, seed, learner).name;
                    if sheet.lacks(&row) {
                        sheet.add(&row, bench.row(&file, learner, &train, &held_out, seed)?)?;
                    }
                }
            }
        }
    }
    let Some(rows) = sheet.rows() else { return Ok(()) };
    let summary = summaries(&rows);
    let results = Results { rows, summary };
    arguments.report.iter().try_for_each(|path| write(path, &results.summary))?;
    report::result(arguments.common.json, &results, || table(&results.summary).text())
}

/// What learns and is measured.
struct Bench<'a> {
    workplace: Workplace,
    model: &'a str,
    reading: &'a Reading,
    options: RewardOptions,
}

impl Bench<'_> {
    // 1. What fits.
    fn read(&self, path: &Path) -> Result<Vec<Comparison>> {
        let records = input::preferences(&[path.to_path_buf()], false, self.reading)?.all;
        let all: Vec<Comparison> = records.iter().filter_map(|record| record.comparison().ok().flatten()).collect();
        let room = self.workplace.session.room(self.model)?;
        let count = all.len();
        let fits = |one: &Comparison| one.completions.iter().all(|completion| room.fits(&one.prompt, completion));
        let kept: Vec<Comparison> = all.into_iter().filter(fits).collect();
        tell(&format!(
            "{}: {} of {count} rankings fit the context of {} tokens",
            path.display(),
            kept.len(),
            room.context
        ));
        if kept.len() < FEW_PROMPTS {
            bail!("{}: {} rankings are too few to learn from and to measure on", path.display(), kept.len());
        }
        Ok(kept)
    }

    /// One learner on one split.
    fn row(
        &mut self,
        file: &str,
        learner: Learner,
        train: &[Comparison],
        held_out: &[Comparison],
        seed: u64,
    ) -> Result<Measurement> {
        let label = format!("{file} {seed}: {}", name(learner));
        let (accuracy, train_accuracy) = self.measure(&label, learner, train, held_out, seed)?;
        let AccuracySlice { pairs, accuracy, low, high, .. } = accuracy;
        tell(&format!("{label}: {}", report::percent(accuracy, low, high)));
        let (file, train, held_out) = (file.into(), train.len(), held_out.len());
        Ok(Measurement { file, learner, seed, train, held_out, pairs, accuracy, low, high, train_accuracy })
    }

    // 3. and 4. Accuracy on what was held out and on what was learnt from.
    fn measure(
        &mut self,
        label: &str,
        learner: Learner,
        train: &[Comparison],
        held_out: &[Comparison],
        seed: u64,
    ) -> Result<(AccuracySlice, f64)> {
        let mut options = RewardOptions { held_out: 0.0, seed, ..self.options.clone() };
        let rows = match learner {
            Learner::BagOfWords => {
                let words = BagOfWords::train(train, seed);
                return Ok((accuracy_of_words(&words, held_out), accuracy_of_words(&words, train).accuracy));
            }
            Learner::RewardModel => train.to_vec(),
            Learner::RankingBatches => {
                options.epochs = 1.0;
                train.to_vec()
            }
            Learner::ShuffledPairs => {
                let pairs: Vec<Comparison> = train.iter().flat_map(pairs_of).collect();
                options.epochs = 1.0;
                // As many pairs in a step, so as many steps.
                options.batch_size = (options.batch_size * pairs.len()).div_ceil(train.len().max(1));
                pairs
            }
        };
        let command = Command::Reward {
            model: self.model.to_string(),
            preferences: records(&rows),
            demonstrations: vec![],
            options,
        };
        let events = self.workplace.pull(label, command)?;
        self.workplace.keep(MODEL, &events)?;
        Ok((self.accuracy(label, held_out)?, self.accuracy(label, train)?.accuracy))
    }

    fn accuracy(&self, label: &str, on: &[Comparison]) -> Result<AccuracySlice> {
        let command = Command::Calibrate { reward: MODEL.into(), preferences: records(on) };
        let calibration = self.workplace.pull(label, command)?.into_iter().find_map(|event| match event {
            Event::Calibrated { calibration } => Some(calibration),
            _ => None,
        });
        Ok(calibration.context("the measurement ended without numbers")?.overall)
    }
}

// 2. By prompt, or by record where nearly all ask the same.
fn split(mut all: Vec<Comparison>, seed: u64) -> (Vec<Comparison>, Vec<Comparison>) {
    let prompts: HashSet<&Prompt> = all.iter().map(|one| &one.prompt).collect();
    if prompts.len() >= FEW_PROMPTS {
        return split_by_prompt(all, HELD_OUT, seed);
    }
    Rng::new(seed).shuffle(&mut all);
    let held_out = all.split_off(((1.0 - HELD_OUT) * all.len() as f32) as usize);
    (all, held_out)
}

/// A ranking as one comparison for each of its pairs.
pub(super) fn pairs_of(ranking: &Comparison) -> Vec<Comparison> {
    let pair = |(winner, loser): &(usize, usize)| Comparison {
        completions: vec![ranking.completions[*winner].clone(), ranking.completions[*loser].clone()],
        pairs: vec![(0, 1)],
        tiers: vec![vec![0], vec![1]],
        ..ranking.clone()
    };
    ranking.pairs.iter().map(pair).collect()
}

/// Rankings as records, for the session.
pub(super) fn records(comparisons: &[Comparison]) -> Vec<PreferenceRecord> {
    let record = |(index, one): (usize, &Comparison)| RankingRecord {
        id: index.to_string(),
        prompt: one.prompt.clone(),
        completions: one.completions.iter().map(Completion::from_text).collect(),
        ranking: one.tiers.clone(),
        labeler: None,
        seconds: None,
        edit: None,
        extra: Map::new(),
    };
    comparisons.iter().enumerate().map(record).map(PreferenceRecord::Ranking).collect()
}

fn accuracy_of_words(words: &BagOfWords, on: &[Comparison]) -> AccuracySlice {
    let (mut rewards, mut pairs) = (Vec::new(), Vec::new());
    for one in on {
        let offset = rewards.len();
        rewards.extend(one.completions.iter().map(|completion| words.reward(completion) as f32));
        pairs.extend(one.pairs.iter().map(|(winner, loser)| (winner + offset, loser + offset)));
    }
    let rate = pairwise_accuracy(&rewards, &pairs);
    AccuracySlice {
        name: "all pairs".into(),
        pairs: pairs.len(),
        accuracy: rate.win_rate,
        low: rate.low,
        high: rate.high,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn comparison(prompt: &str, count: usize) -> Comparison {
        let tiers: Vec<Vec<usize>> = (0..count).map(|index| vec![index]).collect();
        let pairs = (0..count).flat_map(|winner| (winner + 1..count).map(move |loser| (winner, loser))).collect();
        let completions = (0..count).map(|index| format!("{prompt} {index}")).collect();
        Comparison { prompt: prompt.into(), completions, pairs, tiers, margin: None, label: None }
    }

    #[test]
    fn one_question_is_split_by_record_and_many_by_prompt() {
        let same: Vec<Comparison> = (0..50).map(|_| comparison("p", 2)).collect();
        let (train, held_out) = split(same, 1);
        assert_eq!((train.len(), held_out.len()), (40, 10));
        let many: Vec<Comparison> = (0..50).map(|index| comparison(&format!("p{}", index / 2), 2)).collect();
        let (train, held_out) = split(many, 1);
        assert_eq!((train.len(), held_out.len()), (40, 10));
        assert!(held_out.iter().all(|one| train.iter().all(|other| other.prompt != one.prompt)));
    }

    #[test]
    fn a_ranking_says_the_same_pair_by_pair() {
        let ranking = comparison("p", 3);
        let pairs = pairs_of(&ranking);
        let texts: Vec<(&str, &str)> =
            pairs.iter().map(|pair| (pair.completions[0].as_str(), pair.completions[1].as_str())).collect();
        assert_eq!(texts, [("p 0", "p 1"), ("p 0", "p 2"), ("p 1", "p 2")]);
        let read = |rankings: &[Comparison]| -> Vec<Comparison> {
            records(rankings).iter().map(|record| record.comparison().unwrap().unwrap()).collect()
        };
        assert_eq!(read(&pairs), pairs);
        assert_eq!(read(std::slice::from_ref(&ranking)), [ranking]);
    }
}
