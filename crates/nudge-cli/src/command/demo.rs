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
use crate::command::compare::examples;
use crate::disk::LOCK;
use crate::failure::tell;
use crate::picture::{Page, curves_of_steps};
use crate::provenance::{RUN, Results, RunRecord};
use crate::report;
use crate::runner::quoted;
use crate::svg::Curve;
use crate::usage::given;
use crate::verdicts::Verdicts;
use anyhow::{Result, bail};
use nudge_session::method::Method;
use nudge_session::options::EvalOptions;
use nudge_session::verdict::{Evidence, JudgedPair};
use nudge_session::{Command, Event, Labeler, Metrics};
use serde_json::Map;
use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::time::Instant;

/// Plays the loop and reports.
pub fn run(arguments: &Demo) -> Result<()> {
    let clock = Instant::now();
    let labeler = Labeler::find(&arguments.labeler)?;
    if let Some(out) = &arguments.out {
        let others = |entry: io::Result<fs::DirEntry>| entry.is_ok_and(|entry| entry.file_name() != LOCK);
        let used = fs::read_dir(out).is_ok_and(|mut entries| entries.any(others));
        if used && !arguments.force {
            bail!("{} is not empty; choose another --out, or write into it with --force", out.display());
        }
    }
    let mut workplace = Workplace::open(arguments.common.device)?;
    workplace.load(&arguments.base)?;
    workplace.load(&arguments.model)?;
    let mut plan = if arguments.quick { QUICK } else { FULL };
    plan.completions = arguments.completions.map_or(plan.completions, usize::from);
    let mut this = TuningLoop {
        workplace,
        sft: arguments.model.clone(),
        labeler: labeler.name.to_string(),
        plan,
        seed: arguments.seed,
        out: arguments.out.clone(),
    };
    let Played { mut report, pairs, curves } = play(&mut this, &arguments.base)?;
    report.labeler = labeler.info();
    report.base = arguments.base.clone();
    report.seconds = clock.elapsed().as_secs_f64();
    report.verdicts = judged(&report, &pairs, arguments);
    if !arguments.common.json {
        tell(&examples(&pairs));
    }
    report.verdicts.tell();
    if let Some(path) = &arguments.report {
        draw(&report, &pairs, &curves).write(path)?;
    }
    this.store(RUN, &format!("{}\n", serde_json::to_string_pretty(&run_record(&this, &report)?)?))?;
    this.store("report.json", &format!("{}\n", serde_json::to_string_pretty(&report)?))?;
    report::result(arguments.common.json, &report, || demo_report::text(&report))
}

/// What made the folder.
fn run_record(this: &TuningLoop, report: &Report) -> Result<RunRecord> {
    let mut run = RunRecord::begin(&given(), Map::new(), this.workplace.device, &BTreeMap::new())?;
    run.end(Results { findings: report.verdicts.findings.clone(), ..Results::default() });
    Ok(run)
}

/// What the rules say, and what somebody does who wants more.
fn judged(report: &Report, pairs: &[JudgedPair], arguments: &Demo) -> Verdicts {
    let evidence = Evidence {
        task: "compare".into(),
        method: Some("ppo".into()),
        comparison: Some(report.verdict.clone()),
        pairs: pairs.to_vec(),
        ..Evidence::default()
    };
    let mut verdicts = Verdicts::new(&evidence, &given(), None);
    verdicts.next = Some(match &arguments.out {
        Some(out) => format!("nudge chat --model {}", quoted(&out.join("tuned").display().to_string())),
        None => format!("nudge teach --model {} --prompts PROMPTS.jsonl --out mine", quoted(&arguments.model)),
    });
    verdicts
}

fn draw(report: &Report, pairs: &[JudgedPair], curves: &[Curve]) -> Page {
    let mut page = Page::new("Nudge: the whole loop");
    page.lines(&demo_report::text(report));
    page.verdict(&report.verdict, &report.verdicts);
    page.pairs(pairs);
    page.heading("Training");
    curves.iter().for_each(|curve| page.curve(curve));
    page
}

/// What a demo leaves.
struct Played {
    report: Report,
    pairs: Vec<JudgedPair>,
    curves: Vec<Curve>,
}

fn play(this: &mut TuningLoop, base: &str) -> Result<Played> {
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
    let curves = [curves_in("reward model", &reward), curves_in("ppo", &tuned)].concat();
    Ok(Played { report, pairs: pairs.iter().filter_map(judged_pair).collect(), curves })
}

fn judged_pair(event: &Event) -> Option<JudgedPair> {
    let Event::Pair { prompt, a, b, preference, .. } = event else { return None };
    Some(JudgedPair { prompt: prompt.to_string(), a: a.clone(), b: b.clone(), preference: *preference })
}

/// The curves of a stage's events.
fn curves_in(stage: &str, events: &[Event]) -> Vec<Curve> {
    let step = |event: &Event| match event {
        Event::Progress { step, metrics, .. } => Some((*step as f64, metrics.clone())),
        _ => None,
    };
    let steps: Vec<(f64, Metrics)> = events.iter().filter_map(step).collect();
    let named = |curve: Curve| Curve { name: format!("{stage}: {}", curve.name), ..curve };
    curves_of_steps(&steps).into_iter().map(named).collect()
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
