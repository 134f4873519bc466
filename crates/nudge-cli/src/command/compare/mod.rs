//! `nudge compare`: two models complete the same prompts, a judge prefers, wins are counted.

mod blind;
mod ending;

use super::Workplace;
use super::rank::ME;
use crate::args::Compare;
use crate::input;
use crate::log::Log;
use crate::options::{resolve, sourced_of};
use crate::provenance::RunRecord;
use crate::record_file::{Opened, RecordFile, RecordTarget, already_finished};
use crate::runner::{Target, drive};
use crate::usage::given;
use anyhow::{Context, Result};
use ending::Ending;
pub use ending::{Outcome, examples, pairs_of};
use nudge_session::options::CompareOptions;
use nudge_session::verdict::JudgedPair;
use nudge_session::{Command, Event, Files, Judge, Verdict};
use serde_json::Value;
use std::collections::BTreeMap;
use std::time::Duration;

/// Compares and prints the verdict.
pub fn run(arguments: &Compare) -> Result<()> {
    let options: CompareOptions = resolve(&arguments.options, arguments.steps.config.as_deref())?;
    let prompts = input::prompts(&arguments.prompts, &Default::default())?;
    if arguments.judge_command.is_some() || arguments.labeler.as_deref() == Some(ME) {
        return blind::run(arguments, prompts, options);
    }
    let mut workplace = Workplace::open(arguments.common.device)?;
    workplace.load(&arguments.a)?;
    workplace.load(&arguments.b)?;
    let judge = judge(arguments, &mut workplace)?;
    let best_of_reward = arguments.best_of_reward.clone();
    best_of_reward.iter().try_for_each(|name| workplace.load(name))?;
    let (a, b) = (arguments.a.clone(), arguments.b.clone());
    let command = Command::Compare { a, b, prompts: prompts.all, judge, best_of_reward, options: options.clone() };
    let mut run =
        workplace.session.start(command.clone(), None).map_err(|error| prompts.places.locate(error.into()))?;
    let (file, checkpoint, note) = match arguments.pairs.as_deref() {
        None => (None, None, Value::Null),
        Some(path) => match RecordFile::open(path, arguments.resume, arguments.force)? {
            Opened::Ready(file, checkpoint, note) => (Some(file), checkpoint, note),
            Opened::Finished => {
                already_finished(path);
                return Ok(());
            }
        },
    };
    if let Some(files) = checkpoint {
        run = workplace.session.start(command, Some(files)).context("cannot go on with the file of --pairs")?;
    }
    let log = |path| Log::given(path, &note["log"], arguments.resume, arguments.force);
    let log = arguments.steps.log.as_deref().map(log);
    let every = Duration::from_secs(arguments.checkpoint_seconds);
    // What a run before this one wrote is judged, too.
    let pairs = file.as_ref().map_or(Ok(vec![]), |file| pairs_of(&file.partial))?;
    let record = run_record(arguments, &options, workplace.device, &prompts.places.counts())?;
    let records = RecordTarget::new(file, log.transpose()?, record, &note, every);
    let mut target = Listener { records, verdict: None, pairs };
    drive(run, "compare", &mut target)?;
    let verdict = target.verdict.context("the comparison ended without a verdict")?;
    let judged = Ending { arguments, verdict, pairs: target.pairs, shown: vec![] }.judged()?;
    target.records.name(judged.findings())?;
    judged.tell()
}

/// What the pairs are made of.
fn run_record(
    arguments: &Compare,
    options: &CompareOptions,
    device: &str,
    records: &BTreeMap<String, usize>,
) -> Result<RunRecord> {
    let options = sourced_of(options, &arguments.options.given, arguments.steps.config.as_deref())?;
    RunRecord::begin(&given(), options, device, records)
}

fn judge(arguments: &Compare, workplace: &mut Workplace) -> Result<Judge> {
    match (&arguments.labeler, &arguments.reward) {
        (_, Some(reward)) => {
            workplace.load(reward)?;
            Ok(Judge::Reward { model: reward.clone() })
        }
        (labeler, None) => Ok(Judge::Labeler { name: labeler.clone().unwrap_or_default() }),
    }
}

/// Keeps pairs in a file, and pairs and verdict in hand.
struct Listener {
    records: RecordTarget,
    verdict: Option<Verdict>,
    pairs: Vec<JudgedPair>,
}

impl Target for Listener {
    fn take(&mut self, event: Event) -> Result<()> {
        match &event {
            Event::Verdict { verdict } => self.verdict = Some(verdict.clone()),
            Event::Pair { prompt, a, b, preference, .. } => self.pairs.push(JudgedPair {
                prompt: prompt.to_string(),
                a: a.clone(),
                b: b.clone(),
                preference: *preference,
            }),
            _ => {}
        }
        self.records.take(event)
    }

    fn keep(&mut self, checkpoint: Files) -> Result<()> {
        self.records.keep(checkpoint)
    }

    fn checkpoint_every(&self) -> Option<Duration> {
        self.records.checkpoint_every()
    }
}
