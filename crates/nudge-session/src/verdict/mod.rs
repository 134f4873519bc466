//! Verdicts: what the numbers of a run mean, said by rules, in sentences that name what is good, what is suspicious and
//! what to do next.
//!
//! A shell collects the [`Evidence`] of what was run: logged numbers, a comparison, pairs of completions, rankings.
//! [`verdict`] is a pure function of it. [`rules`] holds every rule with its threshold and where that comes from;
//! [`writing`] counts what completions read like, [`changes`] what became of them.
//!
//! Deliberately absent: printing, command lines (a shell makes one of [`Next`]), anything that looks at a model.

mod changes;
mod rules;
mod writing;

pub use changes::{Changes, WordChange};
pub use rules::FEW_RANKINGS;
pub use writing::Writing;

use crate::contradiction::contradictions;
use crate::protocol::{Calibration, Metrics, Verdict, Winner};
use nudge_data::{PreferenceRecord, RankingRecord};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// What was run and what it left, as far as a shell knows it. What is absent is not judged.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(default)]
pub struct Evidence {
    /// `sft`, `reward`, `compare`, `calibrate`, or a method's name.
    pub task: String,
    /// The method that tuned `a` of a comparison.
    pub method: Option<String>,
    /// Options of the training that is judged.
    #[cfg_attr(test, ts(type = "Record<string,unknown>"))]
    pub options: Map<String, Value>,
    /// What the steps logged, in order.
    pub steps: Vec<Metrics>,
    /// What was learnt from, where that is rankings or pairs.
    pub rankings: Option<RankingCount>,
    /// Who won.
    pub comparison: Option<Verdict>,
    /// What was compared: `a` is the model in question, `b` the one before or beside it.
    pub pairs: Vec<JudgedPair>,
    /// What the judge has to do with the training of `a`.
    pub judge: Option<JudgeTie>,
    /// How far a reward model can be trusted.
    pub calibration: Option<Calibration>,
}

/// What rankings hold.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct RankingCount {
    /// Rankings or pairs that something can be learnt from.
    pub rankings: usize,
    /// Pairs of completions that they put in an order.
    pub pairs: usize,
    /// Different prompts.
    pub prompts: usize,
    /// Circles of preferences: A above B, B above A, or over more completions.
    pub circles: usize,
}

/// Two completions of one prompt.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct JudgedPair {
    /// What is asked.
    pub prompt: String,
    /// Completion of the first model.
    pub a: String,
    /// Completion of the second model.
    pub b: String,
    /// Who won, where that is known.
    #[serde(default)]
    pub preference: Option<Winner>,
}

/// What makes a judge partial.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(rename_all = "snake_case")]
pub enum JudgeTie {
    /// The reward model that `a` was tuned to please.
    TrainedAgainst,
    /// A reward model of the rankings that `a` has learnt from.
    SameRankings,
    /// A reward model of whose past nothing is known.
    UnknownRewardModel,
}

/// How much a finding weighs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// Healthy.
    Good,
    /// Worth knowing.
    Note,
    /// Suspicious: look before going on.
    Warning,
    /// Spoiled: what came out is not what was wanted.
    Bad,
}

/// One sentence of a verdict, with the numbers behind it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct Finding {
    /// The rule, for programs: `known_by_heart`.
    pub code: String,
    /// How much it weighs.
    pub level: Level,
    /// The numbers that it looked at, by name.
    pub numbers: Metrics,
    /// What was found, for people.
    pub sentence: String,
    /// What to do next, where there is something to do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, ts(optional))]
    pub next: Option<Next>,
}

/// What to do next. A shell makes a command or a button of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(tag = "next", rename_all = "snake_case")]
pub enum Next {
    /// The same again with other options.
    Again {
        /// Names and values.
        #[cfg_attr(test, ts(type = "[string, unknown][]"))]
        options: Vec<(String, Value)>,
    },
    /// Rank more prompts.
    RankMore,
    /// Look for preferences that contradict each other.
    Agreement,
    /// Compare the model with the one before, on prompts that nothing was learnt from.
    Compare,
    /// Let a person judge, blind.
    JudgeYourself,
    /// Measure the reward model on other rankings.
    Calibrate,
    /// Tune a policy with what was just trained.
    Tune,
    /// More pairs, so that the interval shrinks.
    MorePairs {
        /// Pairs that each prompt should have.
        pairs_per_prompt: usize,
    },
}

/// What the rules say: the gravest first.
pub fn verdict(evidence: &Evidence) -> Vec<Finding> {
    let mut findings: Vec<Finding> = rules::ALL.iter().filter_map(|rule| rule(evidence)).collect();
    // What is spoiled is not praised beside it.
    if findings.iter().any(|finding| finding.level == Level::Bad) {
        findings.retain(|finding| finding.level > Level::Good);
    }
    findings.sort_by_key(|finding| std::cmp::Reverse(finding.level));
    findings
}

/// Whether the reward model's score rises while the judge's own falls, over the steps so far: what a verdict says at the
/// end, for whoever can still stop.
pub fn over_optimised(steps: &[Metrics]) -> Option<Finding> {
    rules::over_optimised(&Evidence { steps: steps.to_vec(), ..Evidence::default() })
}

/// The gravest level of a verdict.
pub fn worst(findings: &[Finding]) -> Level {
    findings.iter().map(|finding| finding.level).max().unwrap_or(Level::Good)
}

impl RankingCount {
    /// Counts what can be learnt from `records`.
    pub fn of(records: &[PreferenceRecord]) -> Self {
        let compared: Vec<_> = records.iter().filter_map(|record| record.comparison().ok().flatten()).collect();
        let prompts: std::collections::BTreeSet<_> = compared.iter().map(|comparison| &comparison.prompt).collect();
        let as_ranking = |(index, comparison): (usize, &nudge_data::Comparison)| RankingRecord {
            id: index.to_string(),
            prompt: comparison.prompt.clone(),
            completions: comparison.completions.iter().map(nudge_data::Completion::from_text).collect(),
            ranking: comparison.tiers.clone(),
            // Whoever said it: one model learns from all of them.
            labeler: None,
            seconds: None,
            edit: None,
            extra: Default::default(),
        };
        let rankings: Vec<RankingRecord> = compared.iter().enumerate().map(as_ranking).collect();
        Self {
            rankings: compared.len(),
            pairs: compared.iter().map(|comparison| comparison.pairs.len()).sum(),
            prompts: prompts.len(),
            circles: contradictions(&rankings).len(),
        }
    }
}

impl Evidence {
    /// The mean of the last fifth of the steps that logged `name`: a single batch says little.
    pub(crate) fn end(&self, name: &str) -> Option<f64> {
        let values = self.values(name);
        let tail = &values[values.len() - values.len().div_ceil(5)..];
        (!tail.is_empty()).then(|| tail.iter().sum::<f64>() / tail.len() as f64)
    }

    /// The last value of `name`.
    pub(crate) fn last(&self, name: &str) -> Option<f64> {
        self.values(name).last().copied()
    }

    /// The values of `name`, in order.
    pub(crate) fn values(&self, name: &str) -> Vec<f64> {
        self.steps.iter().filter_map(|step| step.get(name).copied()).collect()
    }
}
