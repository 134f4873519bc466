//! `nudge sample`: k completions to each prompt, as candidates to be ranked.

use super::Workplace;
use crate::args::Sample;
use crate::input;
use crate::options::{resolve, sourced_of};
use crate::provenance::RunRecord;
use crate::record_file::record;
use crate::usage::given;
use anyhow::Result;
use nudge_session::Command;
use nudge_session::options::SampleOptions;

/// Samples into `--out`.
pub fn run(arguments: &Sample) -> Result<()> {
    let options: SampleOptions = resolve(&arguments.options, arguments.steps.config.as_deref())?;
    let prompts = input::prompts(&arguments.prompts, &Default::default())?;
    let mut workplace = Workplace::open(arguments.common.device)?;
    workplace.load(&arguments.model)?;
    let options_given = sourced_of(&options, &arguments.options.given, arguments.steps.config.as_deref())?;
    let run = RunRecord::begin(&given(), options_given, workplace.device, &prompts.places.counts())?;
    let command = Command::Sample { model: arguments.model.clone(), prompts: prompts.all, options };
    let (log, json) = (arguments.steps.log.as_deref(), arguments.common.json);
    record(&workplace.session, command, run, &arguments.output, log, json).map_err(|error| prompts.places.locate(error))
}
