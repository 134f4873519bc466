//! A comparison that a person or a program judges, without knowing which completion is whose.
//!
//! 1. Both models complete the prompts: `PAIRS.sampled`.
//! 2. Somebody prefers, on the screens of `nudge rank`: two completions in an order that the seed shuffles, kept after
//!    each decision in `PAIRS.judged`. Equal completions are a tie that nobody is asked about.
//! 3. `PAIRS` has both, and how each pair was shown.
//!
//! Each part is resumed where it stopped.

use super::ending::Ending;
use crate::args::{Compare, Output};
use crate::command::Workplace;
use crate::command::rank::{Desk, End, Judge as Sitter, Store, distinct, schedule, sit, user_name};
use crate::disk::{Lock, beside, remove, write_atomic};
use crate::failure::{Interrupted, tell};
use crate::files::read_text;
use crate::input::Records;
use crate::provenance::{RUN, Results, RunRecord};
use crate::record_file::{already_finished, record_quietly};
use crate::report::times;
use crate::runner::resume_command;
use anyhow::{Result, bail};
use nudge_data::{
    CandidatesRecord, Completion, Prompt, RankingRecord, Sitting, rankings_from, read_jsonl, write_jsonl,
};
use nudge_session::options::CompareOptions;
use nudge_session::verdict::JudgedPair;
use nudge_session::{Command, Judge, Session, Verdict, Winner};
use serde::{Deserialize, Serialize};
use serde_json::Map;
use std::path::Path;
use std::time::Duration;

/// A line of `PAIRS`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Pair {
    prompt: Prompt,
    a: String,
    b: String,
    #[serde(default)]
    preference: Option<Winner>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    labeler: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    seconds: Option<f32>,
    /// Whether `a` and `b` are good enough to use.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    usable: Option<(bool, bool)>,
    /// 0 is `a`, 1 is `b`, in the order in which they were shown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    shown: Option<Vec<usize>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    order_seed: Option<u64>,
}

/// Samples, lets somebody judge, and tells.
pub fn run(arguments: &Compare, prompts: Records<Prompt>, options: CompareOptions) -> Result<()> {
    let Some(path) = arguments.pairs.as_deref() else {
        let judge = if arguments.judge_command.is_some() { "a program" } else { "you" };
        bail!(
            "what {judge} prefer{} is kept as it is decided: name a file for it with --pairs FILE",
            if judge == "you" { "" } else { "s" }
        );
    };
    let (sampled, judged) = (beside(path, ".sampled"), beside(path, ".judged"));
    let _lock = Lock::file(path)?;
    let begun = sampled.exists() || beside(&sampled, ".partial").exists();
    if path.exists() && !arguments.force && !(arguments.resume && begun) {
        if arguments.resume {
            clear(&judged)?;
            remove(&sampled.with_extension(RUN))?;
            already_finished(path);
            return Ok(());
        }
        bail!("{} exists; choose another name, or replace it with --force", path.display());
    }
    if begun && !arguments.resume && !arguments.force {
        bail!("{} is an unfinished comparison; go on with --resume, or start anew with --force", path.display());
    }
    let seed = options.seed;
    sample(arguments, prompts, options, &sampled)?;
    let pairs: Vec<Pair> = read_jsonl(&sampled.display().to_string(), &read_text(&sampled)?)?;
    let Some(rankings) = judge(arguments, &pairs, seed, &judged)? else { return Ok(()) };
    let pairs: Vec<Pair> = pairs.into_iter().enumerate().map(|(index, pair)| decided(pair, index, &rankings)).collect();
    let run = RunRecord::read_beside(&sampled);
    let kl = run.as_ref().and_then(|run| run.results.as_ref()?.metrics.get("objective/kl").copied());
    let ending = ending(arguments, &pairs, kl)?.judged()?;
    if let Some(mut run) = run {
        run.end(Results { findings: ending.findings().to_vec(), ..run.results.clone().unwrap_or_default() });
        run.write_beside(path)?;
    }
    write_atomic(path, write_jsonl(&pairs).as_bytes())?;
    // Without what was sampled nothing is left to do, so it goes first.
    remove(&sampled)?;
    clear(&judged)?;
    remove(&sampled.with_extension(RUN))?;
    ending.tell()
}

/// Removes what was decided, once it stands in `PAIRS`.
fn clear(judged: &Path) -> Result<()> {
    [judged, &judged.with_extension("skipped.jsonl")].into_iter().try_for_each(remove)
}

/// 1. Both models complete the prompts.
fn sample(arguments: &Compare, prompts: Records<Prompt>, options: CompareOptions, out: &Path) -> Result<()> {
    let mut workplace = Workplace::open(arguments.common.device)?;
    workplace.load(&arguments.a)?;
    workplace.load(&arguments.b)?;
    let best_of_reward = arguments.best_of_reward.clone();
    best_of_reward.iter().try_for_each(|name| workplace.load(name))?;
    let (a, b, judge) = (arguments.a.clone(), arguments.b.clone(), Judge::Person);
    let run = super::run_record(arguments, &options, workplace.device, &prompts.places.counts())?;
    let command = Command::Compare { a, b, prompts: prompts.all, judge, best_of_reward, options };
    let Compare { resume, force, checkpoint_seconds, .. } = *arguments;
    let output = Output { out: out.into(), resume, force, checkpoint_seconds };
    record_quietly(&workplace.session, command, run, &output, arguments.steps.log.as_deref())
        .map_err(|error| prompts.places.locate(error))
}

/// 2. Somebody prefers. Nothing where they stop before the end.
fn judge(arguments: &Compare, pairs: &[Pair], seed: u64, out: &Path) -> Result<Option<Vec<RankingRecord>>> {
    let finished = || rankings_from(&out.display().to_string(), &read_text(out)?).map_err(anyhow::Error::from);
    let Compare { resume, force, checkpoint_seconds, .. } = *arguments;
    let Some((store, _lock)) = Store::open(&Output { out: out.into(), resume, force, checkpoint_seconds })? else {
        return finished().map(Some);
    };
    let stored = store.read()?;
    let differ: Vec<CandidatesRecord> = pairs.iter().enumerate().map(candidates).collect();
    let differ: Vec<_> = differ.into_iter().filter(|record| distinct(&record.completions).len() > 1).collect();
    if differ.len() < pairs.len() {
        tell(&format!("{}: equal, a tie", times(pairs.len() - differ.len(), "pair", "pairs")));
    }
    let (labeler, sitter) = match &arguments.judge_command {
        Some(command) => {
            (format!("program:{command}"), Sitter::Program(command, Duration::from_secs(arguments.judge_timeout)))
        }
        None => (user_name(), Sitter::Person { plain: arguments.plain }),
    };
    let mut desk = Desk::new(schedule(&differ, seed, 0.0), stored, labeler, seed, store)?;
    desk.compares = true;
    desk.write()?;
    match sit(&mut desk, &sitter)? {
        End::Complete => desk.store.finish()?,
        End::Interrupted => return Err(Interrupted { go_on: Some(resume_command()) }.into()),
        End::Stopped => {
            let done = desk.progress();
            tell(&format!("Saved: {} of {} pairs. Go on with:\n  {}", done.ranked, done.screens, resume_command()));
            return Ok(None);
        }
    }
    finished().map(Some)
}

fn candidates((index, pair): (usize, &Pair)) -> CandidatesRecord {
    let completions = [&pair.a, &pair.b].map(|text| Completion::from_text(text.as_str())).into();
    CandidatesRecord { id: index.to_string(), prompt: pair.prompt.clone(), completions, extra: Map::new() }
}

/// 3. A pair with what was decided. One that was passed over has no preference.
fn decided(mut pair: Pair, index: usize, rankings: &[RankingRecord]) -> Pair {
    if pair.a == pair.b {
        pair.preference = Some(Winner::Tie);
        return pair;
    }
    let Some(record) = rankings.iter().find(|record| record.id == index.to_string()) else { return pair };
    pair.preference = Some(match record.ranking.as_slice() {
        [best, _] if best == &[0] => Winner::A,
        [_, _] => Winner::B,
        _ => Winner::Tie,
    });
    let sitting = Sitting::of(&record.extra).unwrap_or_default();
    (pair.labeler, pair.seconds) = (record.labeler.clone(), record.seconds.filter(|seconds| *seconds > 0.0));
    (pair.shown, pair.order_seed) = (sitting.shown, sitting.order_seed);
    pair.usable = sitting.usable.and_then(|usable| Some((*usable.first()?, *usable.get(1)?)));
    pair
}

/// Who won.
fn ending<'a>(arguments: &'a Compare, pairs: &[Pair], kl: Option<f64>) -> Result<Ending<'a>> {
    let judged: Vec<&Pair> = pairs.iter().filter(|pair| pair.preference.is_some()).collect();
    let preferences: Vec<Winner> = judged.iter().filter_map(|pair| pair.preference).collect();
    if preferences.is_empty() {
        bail!("every pair was skipped, so there is nothing to count");
    }
    let judge = judged.iter().find_map(|pair| pair.labeler.clone()).unwrap_or_else(user_name);
    let verdict = Session::verdict(&preferences, &judge, arguments.judge_command.is_some());
    let usable: Vec<(bool, bool)> = judged.iter().filter_map(|pair| pair.usable).collect();
    let verdict = Verdict { kl, ..verdict }.with_usable(&usable);
    let shown = judged.iter().map(|pair| pair.shown.clone().unwrap_or_default()).collect();
    let pairs = judged.iter().map(|pair| JudgedPair {
        prompt: pair.prompt.to_string(),
        a: pair.a.clone(),
        b: pair.b.clone(),
        preference: pair.preference,
    });
    Ok(Ending { arguments, verdict, pairs: pairs.collect(), shown })
}
