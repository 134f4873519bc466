//! What teaching ends with: the tuned model's card with the comparison in it, the report, where everything is.

use super::steps::Steps;
use crate::command::compare::{Outcome, pairs_of};
use crate::disk::write_atomic;
use crate::files::read_text;
use crate::model_card::{CARD, Saved, card, verdict};
use crate::picture::{Page, curves_of};
use crate::provenance::RunRecord;
use crate::report::{self, percent};
use crate::runner::quoted;
use crate::terminal::stdout_width;
use anyhow::{Context, Result};
use nudge_session::Verdict;
use nudge_session::verdict::{Level, worst};
use serde_json::json;
use std::path::Path;

/// Writes and says it.
pub fn tell(steps: &Steps) -> Result<()> {
    let (arguments, workflow) = (steps.arguments, steps.workflow);
    let tuned = steps.tuned();
    let judged = workflow.file("judgements.jsonl");
    let text = read_text(&Outcome::path(&judged))?;
    let outcome: Outcome = serde_json::from_str(&text).with_context(|| Outcome::path(&judged).display().to_string())?;
    let added = added(steps)?;
    write_card(&tuned, &outcome)?;
    let html = arguments.report.clone().unwrap_or_else(|| workflow.file("report.html"));
    write_atomic(&html, page(steps, &outcome)?.html().as_bytes())?;
    let model = tuned.display().to_string();
    let summary = json!({
        "command": "teach",
        "out": arguments.out.display().to_string(),
        "model": model,
        "report": html.display().to_string(),
        "comparison": outcome.verdict,
        "over_examples_alone": added,
        "findings": outcome.verdicts.findings,
        "next": outcome.verdicts.next,
    });
    write_atomic(&workflow.file("report.json"), format!("{}\n", serde_json::to_string_pretty(&summary)?).as_bytes())?;
    report::result(arguments.common.json, &summary, || {
        format!(
            "\n{}{}\n{}\n\nmodel   {model}\ncard    {}\nreport  {}{}",
            report::verdict(&outcome.verdict),
            added
                .as_ref()
                .map_or(String::new(), |added| format!("\nover the examples alone: {}", report::verdict(added))),
            outcome.verdicts.text(stdout_width()),
            tuned.join(CARD).display(),
            html.display(),
            what_now(&outcome, &model)
        )
    })
}

/// What tuning added to what the examples alone taught, where that was judged.
fn added(steps: &Steps) -> Result<Option<Verdict>> {
    let path = Outcome::path(&steps.added());
    if !path.exists() {
        return Ok(None);
    }
    let outcome: Outcome = serde_json::from_str(&read_text(&path)?).with_context(|| path.display().to_string())?;
    Ok(Some(outcome.verdict))
}

/// What to do with the model: mend what the verdict holds against it, talk to one that is not spoiled.
fn what_now(outcome: &Outcome, model: &str) -> String {
    let level = worst(&outcome.verdicts.findings);
    let mend = match (&outcome.verdicts.next, level >= Level::Warning) {
        (Some(next), true) => format!("\n\nNext:\n  {next}"),
        (None, true) => "\n\nRead the completions in the report before you use the model.".into(),
        (_, false) => String::new(),
    };
    match level {
        Level::Bad => mend,
        _ => format!("{mend}\n\nTalk to it:\n  nudge chat --model {}", quoted(model)),
    }
}

/// The card of the tuned model, with what the comparison found.
fn write_card(tuned: &Path, outcome: &Outcome) -> Result<()> {
    let record = RunRecord::read(tuned).with_context(|| format!("{} has no run.json", tuned.display()))?;
    let found = &outcome.verdict;
    let kl = found.kl.map_or(String::new(), |kl| format!(" It has moved {kl:.1} nats a completion."));
    let comparison = format!(
        "## Compared with where it started\n\nOn prompts that nothing was learnt from, judged by {}{}: {} wins, {} ties, \
         {} losses, a win rate of {}.{kl}\n{}",
        found.judge,
        if found.simulated { " (simulated, no person)" } else { "" },
        found.wins,
        found.ties,
        found.losses,
        percent(found.win_rate, found.low, found.high),
        verdict(&outcome.verdicts.findings)
    );
    let name = tuned.file_name().map_or("tuned".into(), |name| name.to_string_lossy().into_owned());
    write_atomic(&tuned.join(CARD), card(&record, &Saved::in_folder(tuned), &name, &comparison).as_bytes())
}

fn page(steps: &Steps, outcome: &Outcome) -> Result<Page> {
    let workflow = steps.workflow;
    let name = steps.arguments.out.file_name().map_or("workflow".into(), |name| name.to_string_lossy().into_owned());
    let mut page = Page::new(&format!("What was taught: {name}"));
    page.verdict(&outcome.verdict, &outcome.verdicts);
    page.pairs(&pairs_of(&workflow.file("judgements.jsonl"))?);
    for run in ["sft", "reward", steps.method.info().name] {
        let folder = workflow.run(&run.replace('_', "-"));
        if let Some(record) = RunRecord::read(&folder) {
            page.heading(&format!("Training: {run}"));
            curves_of(&folder.join("log.jsonl")).into_iter().for_each(|curve| page.curve(&curve));
            page.findings(&record.results.unwrap_or_default().findings);
        }
    }
    Ok(page)
}
