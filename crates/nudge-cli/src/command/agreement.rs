//! `nudge agreement`: how often labelers agree with themselves and with each other, and which preferences contradict
//! each other.

use crate::args::Agreement;
use crate::input::Records;
use crate::report::{self, percent, times};
use anyhow::Result;
use nudge_session::agreement::{AgreementReport, LabelerAgreement, agreement};
use nudge_session::contradiction::{Contradiction, Step};

/// Characters of a prompt or a completion that are shown.
const SHOWN: usize = 60;

/// Measures and prints the table.
pub fn run(arguments: &Agreement) -> Result<()> {
    let rankings = Records::own(&arguments.rankings, nudge_data::rankings_from)?;
    let found = agreement(&rankings.all)?;
    report::result(arguments.json, &found, || text(&found))
}

fn text(report: &AgreementReport) -> String {
    let section = |title: &str, pairs: &[LabelerAgreement], name: fn(&LabelerAgreement) -> String| {
        let lines = pairs.iter().map(|pair| format!("  {:<28} {}", name(pair), numbers(pair)));
        match pairs {
            [] => format!("{title}: no screen was ranked so"),
            _ => format!("{title}\n{}", lines.collect::<Vec<_>>().join("\n")),
        }
    };
    [
        section("with themselves", &report.with_themselves, |pair| pair.one.clone()),
        section("with each other", &report.with_each_other, |pair| format!("{} and {}", pair.one, pair.other)),
    ]
    .join("\n")
        + &contradictory(&report.contradictions)
}

fn contradictory(found: &[Contradiction]) -> String {
    let short = |text: &str| {
        let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
        let cut = line.chars().take(SHOWN).collect::<String>();
        if cut.len() < line.len() { format!("{cut}...") } else { line }
    };
    let circle = |found: &Contradiction| {
        let whose = found.labeler.as_deref().unwrap_or("the majority");
        let step = |step: &Step| format!("\n    better: {} [{}]", short(&step.better), step.rankings.join(", "));
        let steps: String = found.steps.iter().map(step).collect();
        format!("\n  {whose}, on {}{steps}\n    better: the first again", short(&found.prompt.to_string()))
    };
    match found {
        [] => "\npreferences in a circle: none".into(),
        _ => format!("\npreferences in a circle: {}{}", found.len(), found.iter().map(circle).collect::<String>()),
    }
}

fn numbers(pair: &LabelerAgreement) -> String {
    let shares = match pair.pairs {
        0 => "every pair is tied".to_string(),
        _ => percent(pair.agreement, pair.low, pair.high),
    };
    format!("{shares} of {} in {}", times(pair.pairs, "pair", "pairs"), times(pair.screens, "screen", "screens"))
}
