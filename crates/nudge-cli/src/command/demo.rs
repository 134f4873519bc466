//! `nudge demo`: the whole loop on the built-in model or another, a simulated labeler in the person's place.
//!
//! 1. The instruct model answers prompts, several times each.
//! 2. The labeler ranks the completions.
//! 3. A reward model learns from the rankings.
//! 4. PPO tunes the model against it.
//! 5. Before and after answer prompts that nothing was learnt from; the labeler judges.
//! 6. A short report.
//!
//! Deliberately absent: a person, and so any claim about one; the steps themselves ([`super::tuning_loop`]).

use super::Workplace;
use super::demo_report::{self, Report};
use super::tuning_loop::{Contender, FULL, QUICK, TuningLoop};
use crate::args::Demo;
use crate::files::create_folder;
use crate::report;
use anyhow::{Result, bail};
use nudge_session::method::Method;
use nudge_session::options::EvalOptions;
use nudge_session::{Command, Event, Labeler};
use std::fs;
use std::time::Instant;

/// Plays the loop and reports.
pub fn run(arguments: &Demo) -> Result<()> {
    let clock = Instant::now();
    let labeler = Labeler::find(&arguments.labeler)?;
    if let Some(out) = &arguments.out {
        let used = fs::read_dir(out).is_ok_and(|mut entries| entries.next().is_some());
        if used && !arguments.force {
            bail!("{} is not empty; choose another --out, or write into it with --force", out.display());
        }
        create_folder(out)?;
    }
    let mut workplace = Workplace::open(arguments.common.device)?;
    workplace.load(&arguments.base)?;
    workplace.load(&arguments.model)?;
    let plan = if arguments.quick { QUICK } else { FULL };
    let mut this = TuningLoop {
        workplace,
        sft: arguments.model.clone(),
        labeler: labeler.name.to_string(),
        plan,
        seed: arguments.seed,
        out: arguments.out.clone(),
    };
    let mut report = play(&mut this, &arguments.base)?;
    report.labeler = labeler.info();
    report.base = arguments.base.clone();
    report.seconds = clock.elapsed().as_secs_f64();
    this.store("report.json", &format!("{}\n", serde_json::to_string_pretty(&report)?))?;
    report::result(arguments.common.json, &report, || demo_report::text(&report))
}

fn play(this: &mut TuningLoop, base: &str) -> Result<Report> {
    let (train, held_out) = this.prompts()?;
    let candidates = this.sample("1/5 sample", &train)?;
    let rankings = this.rank("2/5 rank", candidates)?;
    let reward = this.reward("3/5 reward", &rankings)?;
    let method = Box::new(Method::Ppo(Default::default()));
    let tuned = this.tune("4/5 ppo", &method, &train, &rankings)?;
    let pairs = this.compare("5/5 compare", &Contender::Tuned(method), &held_out)?;
    let mut report = Report::new(&reward, &tuned, &pairs)?;
    let completions = |tuned: bool| pairs.iter().filter_map(move |event| demo_report::completion(event, tuned));
    report.tuned.nats_per_char = nats_per_char(this, base, "reading the tuned model's completions", completions(true))?;
    report.sft.nats_per_char = nats_per_char(this, base, "reading the first model's completions", completions(false))?;
    report.rankings = this.plan.rankings;
    report.held_out_rankings = this.plan.held_out;
    report.answers_per_ranking = this.plan.completions;
    Ok(report)
}

/// What the base model thinks of completions: how far they are from the text it has learnt. Nothing if all are empty.
fn nats_per_char<'a>(
    this: &TuningLoop,
    base: &str,
    label: &str,
    completions: impl Iterator<Item = &'a str>,
) -> Result<Option<f64>> {
    let completions: Vec<&str> = completions.filter(|completion| !completion.trim().is_empty()).collect();
    if completions.is_empty() {
        return Ok(None);
    }
    let command =
        Command::Eval { model: base.into(), text: completions.join("<|endoftext|>"), options: EvalOptions::default() };
    let events = this.workplace.pull(label, command)?;
    Ok(events.iter().find_map(|event| match event {
        Event::Evaluated { evaluation } => Some(evaluation.nats_per_char),
        _ => None,
    }))
}
