//! `nudge compare`: two models answer the same prompts, a judge prefers, wins are counted.

use super::Workplace;
use crate::args::Compare;
use crate::input;
use crate::log::Log;
use crate::options::resolve;
use crate::record_file::{Opened, RecordFile, RecordTarget};
use crate::report;
use crate::runner::{Target, drive};
use anyhow::{Context, Result};
use nudge_session::options::CompareOptions;
use nudge_session::{Command, Event, Files, Judge, Verdict};
use std::time::Duration;

/// Compares and prints the verdict.
pub fn run(arguments: &Compare) -> Result<()> {
    let options: CompareOptions = resolve(&arguments.options, arguments.steps.config.as_deref())?;
    let (records, prompts) = input::prompts(&arguments.prompts)?;
    let mut workplace = Workplace::open(arguments.common.device)?;
    workplace.load(&arguments.a)?;
    workplace.load(&arguments.b)?;
    let judge = judge(arguments, &mut workplace)?;
    let command = Command::Compare { a: arguments.a.clone(), b: arguments.b.clone(), prompts, judge, options };
    let run = workplace.session.start(command, None).map_err(|error| records.locate(error.into()))?;
    let log = arguments.steps.log.as_deref().map(|path| Log::new(path, false, arguments.force)).transpose()?;
    let mut target =
        Listener { records: RecordTarget { file: pairs_file(arguments)?, log, every: Duration::MAX }, verdict: None };
    drive(run, "compare", &mut target)?;
    target.records.file.map_or(Ok(()), RecordFile::finish)?;
    let verdict = target.verdict.context("the comparison ended without a verdict")?;
    report::result(arguments.common.json, &verdict, || report::verdict(&verdict))
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

fn pairs_file(arguments: &Compare) -> Result<Option<RecordFile>> {
    let Some(path) = &arguments.pairs else { return Ok(None) };
    match RecordFile::open(path, false, arguments.force)? {
        Opened::Ready(file, _) => Ok(Some(file)),
        Opened::Finished => Ok(None),
    }
}

/// Keeps pairs in a file and the verdict in hand.
struct Listener {
    records: RecordTarget,
    verdict: Option<Verdict>,
}

impl Target for Listener {
    fn take(&mut self, event: Event) -> Result<()> {
        if let Event::Verdict { verdict } = &event {
            self.verdict = Some(verdict.clone());
        }
        self.records.take(event)
    }

    fn keep(&mut self, _: Files) -> Result<()> {
        Ok(())
    }

    fn checkpoint_every(&self) -> Option<Duration> {
        None
    }
}
