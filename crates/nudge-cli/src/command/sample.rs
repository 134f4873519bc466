//! `nudge sample`: k completions to each prompt, as candidates to be ranked.

use super::Workplace;
use crate::args::Sample;
use crate::input::{self, Places};
use crate::live_records::Audience;
use crate::options::{resolve, sourced_of};
use crate::provenance::RunRecord;
use crate::record_file::{record, record_for};
use crate::usage::given;
use anyhow::Result;
use nudge_session::Command;
use nudge_session::options::SampleOptions;

/// Samples into `--out`.
pub fn run(arguments: &Sample) -> Result<()> {
    let Prepared { workplace, command, run, places } = prepare(arguments)?;
    let (log, json) = (arguments.steps.log.as_deref(), arguments.common.json);
    record(&workplace.session, command, run, &arguments.output, log, json).map_err(|error| places.locate(error))
}

/// The same for somebody who reads the candidates as they are made.
pub fn run_for(arguments: &Sample, audience: Audience) -> Result<()> {
    let Prepared { workplace, command, run, places } = prepare(arguments)?;
    let (output, log) = (&arguments.output, arguments.steps.log.as_deref());
    record_for(&workplace.session, command, run, output, log, audience).map_err(|error| places.locate(error))
}

/// Everything before the first token.
struct Prepared {
    workplace: Workplace,
    command: Command,
    run: RunRecord,
    /// Where the prompts stand, for messages.
    places: Places,
}

fn prepare(arguments: &Sample) -> Result<Prepared> {
    let options: SampleOptions = resolve(&arguments.options, arguments.steps.config.as_deref())?;
    let prompts = input::prompts(&arguments.prompts, &Default::default())?;
    let mut workplace = Workplace::open(arguments.common.device)?;
    workplace.load(&arguments.model)?;
    let options_given = sourced_of(&options, &arguments.options.given, arguments.steps.config.as_deref())?;
    let options_given = workplace.settled(options_given, &arguments.model, false)?;
    let run = RunRecord::begin(&given(), options_given, workplace.device, &prompts.places.counts())?;
    let command = Command::Sample { model: arguments.model.clone(), prompts: prompts.all, options };
    Ok(Prepared { workplace, command, run, places: prompts.places })
}
