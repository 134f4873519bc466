//! `nudge lab methods`: the same rankings, several ways to learn from them, several seeds: who wins, at what KL, in
//! what time.
//!
//! For each labeler and seed the completions, the rankings and the reward model are made once; every method starts from
//! them with its own defaults. Measurements are kept in a file as they come, so that a long run can be stopped and
//! resumed. Deliberately absent: tuning of the methods, and people.

use super::over_seeds::{mean_over_seeds, percent_over_seeds};
use super::sheet::{Row, Sheet};
use crate::args::LabMethods;
use crate::command::Workplace;
use crate::command::tuning_loop::{BEST_OF, Contender, FULL, Plan, QUICK, TuningLoop};
use crate::failure::tell;
use crate::picture::Page;
use crate::provenance::model_sha256;
use crate::report;
use crate::table::Table;
use anyhow::{Context, Result};
use nudge_rlhf::best_of_n_kl;
use nudge_session::{Event, Labeler, Verdict};
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::path::Path;
use std::time::Instant;

const SIMULATED: &str = "SIMULATED: a rule ranked and judged, not a person.";

/// One run of one method.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Measurement {
    labeler: String,
    method: String,
    seed: u64,
    /// Against the model before, judged by the labeler, ties counting half.
    win_rate: f64,
    low: f64,
    high: f64,
    /// To the model before, in nats a completion; of best-of-n what n costs at most.
    kl: Option<f64>,
    /// Accuracy of the reward model on rankings that it has not seen.
    reward_accuracy: Option<f64>,
    /// Seconds of the method itself, without ranking, reward model and comparison.
    seconds: f64,
}

/// Mean over seeds.
#[derive(Serialize)]
struct Summary {
    labeler: String,
    method: String,
    seeds: usize,
    win_rate: f64,
    /// Half width of the 95 % interval of the mean over seeds (Student); nothing for a single seed.
    win_rate_half_width: Option<f64>,
    kl: Option<f64>,
    /// Median over seeds: the machine may have had something else to do.
    seconds: f64,
}

#[derive(Serialize)]
struct Results {
    /// Always true: a rule ranked and judged, not a person.
    simulated: bool,
    rows: Vec<Measurement>,
    summary: Vec<Summary>,
}

/// Measures and prints the table.
pub fn run(arguments: &LabMethods) -> Result<()> {
    let labelers = arguments.labelers.iter().map(|name| Labeler::find(name)).collect::<Result<Vec<_>, _>>()?;
    let mut plan = if arguments.quick { QUICK } else { FULL };
    plan.completions = arguments.completions.unwrap_or(plan.completions);
    let options = json!([model_sha256(&arguments.model)?, plan]);
    let row = |seed, labeler: &Labeler, contender: &Contender| {
        let flags = [("labelers", labeler.name), ("methods", contender.name())];
        Row::at(seed, &format!("{} by {}", contender.name(), labeler.name), &flags)
    };
    let wanted = arguments.measurements.seeds().flat_map(|seed| {
        let of_labeler = move |labeler| arguments.methods.iter().map(move |contender| row(seed, labeler, contender));
        labelers.iter().flat_map(of_labeler)
    });
    let opened = Sheet::open("methods", &arguments.measurements, arguments.json, &options, wanted.collect())?;
    let Some(mut sheet) = opened else { return Ok(()) };
    for seed in arguments.measurements.seeds() {
        for labeler in &labelers {
            let is_missing = |contender: &&Contender| sheet.lacks(&row(seed, labeler, contender).name);
            let wanted: Vec<&Contender> = arguments.methods.iter().filter(is_missing).collect();
            if !wanted.is_empty() {
                measure(arguments, plan, labeler.name, seed, &wanted, |contender, measured| {
                    sheet.add(&row(seed, labeler, contender).name, measured)
                })?;
            }
        }
    }
    let Some(rows) = sheet.rows() else { return Ok(()) };
    let summary = summaries(&rows);
    let results = Results { simulated: true, rows, summary };
    arguments.report.iter().try_for_each(|path| write(path, &results))?;
    report::result(arguments.json, &results, || format!("{SIMULATED}\n{}", table(&results.summary).text()))
}

/// All wanted methods from one set of rankings.
fn measure(
    arguments: &LabMethods,
    plan: Plan,
    labeler: &str,
    seed: u64,
    contenders: &[&Contender],
    mut found: impl FnMut(&Contender, Measurement) -> Result<()>,
) -> Result<()> {
    let mut workplace = Workplace::open(arguments.device)?;
    workplace.load(&arguments.model)?;
    let (sft, labeler) = (arguments.model.clone(), labeler.to_string());
    let mut this = TuningLoop { workplace, sft, labeler: labeler.clone(), plan, seed, out: None };
    let (train, held_out) = this.prompts()?;
    let candidates = this.sample(&format!("{labeler} {seed}: sample"), &train)?;
    let rankings = this.rank(&format!("{labeler} {seed}: rank"), candidates)?;
    let reward = this.reward(&format!("{labeler} {seed}: reward"), &rankings)?;
    let reward_accuracy = last_metric(&reward, "eval_accuracy");
    for contender in contenders {
        let label = format!("{labeler} {seed}: {}", contender.name());
        let clock = Instant::now();
        match contender {
            Contender::Tuned(method) => drop(this.tune(&label, method, &train, &rankings)?),
            Contender::Rounds => this.tune_in_rounds(&label, &train, &rankings)?,
            Contender::BestOf => {}
        }
        let seconds = clock.elapsed().as_secs_f64();
        let compared = this.compare(&format!("{label}, compared"), contender, &held_out)?;
        let verdict = verdict(&compared)?;
        tell(&format!("{label}: {}", report::win_rate(verdict)));
        found(contender, Measurement::new(&this, contender, verdict, reward_accuracy, seconds))?;
    }
    Ok(())
}

impl Measurement {
    fn new(
        this: &TuningLoop,
        contender: &Contender,
        verdict: &Verdict,
        reward_accuracy: Option<f64>,
        seconds: f64,
    ) -> Self {
        let kl = match contender {
            Contender::Tuned(_) | Contender::Rounds => verdict.kl,
            Contender::BestOf => Some(best_of_n_kl(BEST_OF)),
        };
        let (labeler, method) = (this.labeler.clone(), contender.name().to_string());
        let Verdict { win_rate, low, high, .. } = *verdict;
        Self { labeler, method, seed: this.seed, win_rate, low, high, kl, reward_accuracy, seconds }
    }
}

fn verdict(events: &[Event]) -> Result<&Verdict> {
    let verdict = events.iter().find_map(|event| match event {
        Event::Verdict { verdict } => Some(verdict),
        _ => None,
    });
    verdict.context("the comparison ended without a verdict")
}

fn last_metric(events: &[Event], name: &str) -> Option<f64> {
    events.iter().rev().find_map(|event| match event {
        Event::Progress { metrics, .. } => metrics.get(name).copied(),
        _ => None,
    })
}

/// One line for each labeler and method, in the order in which they were measured.
fn summaries(rows: &[Measurement]) -> Vec<Summary> {
    let mut kinds: Vec<(&str, &str)> = Vec::new();
    for row in rows {
        if !kinds.contains(&(row.labeler.as_str(), row.method.as_str())) {
            kinds.push((&row.labeler, &row.method));
        }
    }
    let of = |(labeler, method): (&str, &str)| {
        let rows: Vec<&Measurement> =
            rows.iter().filter(|row| row.labeler == labeler && row.method == method).collect();
        let mean = |values: Vec<f64>| (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64);
        let (win_rate, half_width) = mean_over_seeds(&rows.iter().map(|row| row.win_rate).collect::<Vec<_>>());
        Summary {
            labeler: labeler.into(),
            method: method.into(),
            seeds: rows.len(),
            win_rate,
            win_rate_half_width: half_width,
            kl: mean(rows.iter().filter_map(|row| row.kl).collect()),
            seconds: median(rows.iter().map(|row| row.seconds).collect()),
        }
    };
    kinds.into_iter().map(of).collect()
}

/// The middle one, or the mean of the two in the middle.
fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let half = values.len() / 2;
    match values.len() {
        0 => 0.0,
        odd if odd % 2 == 1 => values[half],
        _ => 0.5 * (values[half - 1] + values[half]),
    }
}

fn table(summary: &[Summary]) -> Table {
    let mut table = Table::new(
        ["labeler", "method", "seeds", "win rate", "KL", "seconds"],
        "win rate: against the model before, 50 % is a coin, \u{b1} the 95 % interval over seeds; KL: nats a completion from \
         the model before; seconds: of tuning alone, the median.",
    );
    for row in summary {
        table.row([
            row.labeler.clone(),
            row.method.clone(),
            row.seeds.to_string(),
            percent_over_seeds(row.win_rate, row.win_rate_half_width, 1),
            row.kl.map_or("-".into(), |kl| format!("{kl:.2}")),
            format!("{:.1}", row.seconds),
        ]);
    }
    table
}

/// The table, and every mean with its interval.
fn write(path: &Path, results: &Results) -> Result<()> {
    let mut page = Page::new("The methods side by side, from the same rankings");
    page.text(SIMULATED);
    page.table(&table(&results.summary));
    page.heading("Win rates");
    for row in &results.summary {
        page.text(&format!("{}, ranked by {}", row.method, row.labeler));
        page.mean(row.win_rate, row.win_rate_half_width);
    }
    page.write(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seeds_of_one_method_and_labeler_are_averaged() {
        let row = |method: &str, seed, win_rate| Measurement {
            labeler: "shorter".into(),
            method: method.into(),
            seed,
            win_rate,
            low: 0.5,
            high: 0.9,
            kl: Some(seed as f64),
            reward_accuracy: None,
            seconds: 2.0,
        };
        let rows = [row("ppo", 1, 0.6), row("dpo", 1, 0.9), row("ppo", 3, 0.8)];
        let summary = summaries(&rows);
        assert_eq!(summary.len(), 2);
        assert_eq!((summary[0].seeds, summary[0].kl), (2, Some(2.0)));
        assert!((summary[0].win_rate - 0.7).abs() < 1e-9);
        // Student's quantile for one degree of freedom, 12.706, times 0.1414 / sqrt 2.
        assert!((summary[0].win_rate_half_width.unwrap() - 1.2706).abs() < 1e-3);
        assert_eq!(summary[1].win_rate_half_width, None);
        assert_eq!(median(vec![9.0, 1.0, 2.0]), 2.0);
        assert_eq!(median(vec![9.0, 1.0, 2.0, 4.0]), 3.0);
    }
}
