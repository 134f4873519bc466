//! The demo's report: how good the reward model is, who wins, and what the leash and the text say of the price.

use crate::report::{duration, percent, verdict};
use crate::verdicts::Verdicts;
use anyhow::{Context, Result};
use nudge_session::{Event, LabelerInfo, Metrics, Verdict};
use serde::Serialize;

/// What the demo measured.
#[derive(Serialize)]
pub struct Report {
    /// Always true: a rule ranked and judged, not a person.
    pub simulated: bool,
    /// Who ranked and judged.
    pub labeler: LabelerInfo,
    /// The model under which completions were read.
    pub base: String,
    /// Rankings that the reward model learnt from.
    pub rankings: usize,
    /// Rankings of other prompts that it was measured on.
    pub held_out_rankings: usize,
    /// Completions in each ranking.
    pub answers_per_ranking: usize,
    /// Pairs that the reward model orders as the labeler did, on prompts it has not seen.
    pub reward: Option<Accuracy>,
    /// Tuned against before, on prompts that nothing was learnt from.
    pub verdict: Verdict,
    /// KL of the tuned model to where it started, in nats a completion, at the last step.
    pub kl: Option<f64>,
    /// The tuned model's completions.
    pub tuned: Completions,
    /// The completions before tuning.
    pub sft: Completions,
    /// Seconds in all.
    pub seconds: f64,
    /// What the rules say, and what to do next.
    #[serde(flatten)]
    pub verdicts: Verdicts,
}

/// A reward model's pair accuracy.
#[derive(Serialize)]
pub struct Accuracy {
    /// Share of pairs in the right order.
    pub accuracy: f64,
    /// Lower end of the 95 % interval.
    pub low: f64,
    /// Upper end of the 95 % interval.
    pub high: f64,
    /// Pairs.
    pub pairs: usize,
}

/// What the completions of one model are like.
#[derive(Serialize)]
pub struct Completions {
    /// Mean number of words.
    pub mean_words: f64,
    /// Under the base model: how far the text is from what that has learnt.
    pub nats_per_char: Option<f64>,
}

impl Report {
    /// From the events of the three stages. Nats per character and counts are filled in later.
    pub fn new(reward: &[Event], ppo: &[Event], compare: &[Event]) -> Result<Self> {
        let verdict = compare.iter().find_map(|event| match event {
            Event::Verdict { verdict } => Some(verdict.clone()),
            _ => None,
        });
        let completions = |tuned: bool| {
            let texts: Vec<&str> = compare.iter().filter_map(|event| completion(event, tuned)).collect();
            let words: usize = texts.iter().map(|text| text.split_whitespace().count()).sum();
            Completions { mean_words: words as f64 / texts.len().max(1) as f64, nats_per_char: None }
        };
        Ok(Self {
            simulated: true,
            labeler: LabelerInfo { name: String::new(), title: String::new(), rule: String::new() },
            base: String::new(),
            rankings: 0,
            held_out_rankings: 0,
            answers_per_ranking: 0,
            reward: last_with(reward, "eval_accuracy").map(|metrics| Accuracy {
                accuracy: metrics["eval_accuracy"],
                low: metrics.get("eval_accuracy_low").copied().unwrap_or(0.0),
                high: metrics.get("eval_accuracy_high").copied().unwrap_or(1.0),
                pairs: metrics.get("eval_pairs").copied().unwrap_or(0.0) as usize,
            }),
            verdict: verdict.context("the comparison ended without a verdict")?,
            kl: last_with(ppo, "objective/kl").map(|metrics| metrics["objective/kl"]),
            tuned: completions(true),
            sft: completions(false),
            seconds: 0.0,
            verdicts: Verdicts::default(),
        })
    }
}

/// The completion of one of the two models in a pair.
pub fn completion(event: &Event, tuned: bool) -> Option<&str> {
    match event {
        Event::Pair { a, b, .. } => Some(if tuned { a } else { b }),
        _ => None,
    }
}

/// The numbers of the last step that has `name`.
fn last_with<'a>(events: &'a [Event], name: &str) -> Option<&'a Metrics> {
    events.iter().rev().find_map(|event| match event {
        Event::Progress { metrics, .. } if metrics.contains_key(name) => Some(metrics),
        _ => None,
    })
}

/// The report for people.
pub fn text(report: &Report) -> String {
    let nats = |completions: &Completions| completions.nats_per_char.map_or("-".into(), |nats| format!("{nats:.3}"));
    let mut lines = vec![
        "SIMULATED: a rule ranked and judged, not a person.".to_string(),
        format!("Labeler       {}: {}", report.labeler.name, report.labeler.rule),
        format!(
            "Rankings      {} of {} completions each to learn from, {} more to measure on",
            report.rankings, report.answers_per_ranking, report.held_out_rankings
        ),
    ];
    if let Some(reward) = &report.reward {
        let share = percent(reward.accuracy, reward.low, reward.high);
        lines.push(format!("Reward model  {share} of {} pairs on prompts it has not seen", reward.pairs));
    }
    lines.push(format!("Comparison    tuned against before: {}", verdict(&report.verdict)));
    if let Some(kl) = report.kl {
        lines.push(format!("Leash         KL {kl:.2} nats a completion from where it started"));
    }
    lines.push(format!("Length        {:.1} words, before {:.1}", report.tuned.mean_words, report.sft.mean_words));
    lines.push(format!(
        "Text          {} nats per character under {}, before {}",
        nats(&report.tuned),
        report.base,
        nats(&report.sft)
    ));
    lines.push(format!("Time          {}", duration(report.seconds)));
    lines.join("\n")
}
