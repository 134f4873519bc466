//! `nudge best-of`: n completions to each prompt; the one that the reward model likes best is kept.

use super::Workplace;
use crate::args::BestOf;
use crate::input;
use crate::options::{resolve, sourced_of};
use crate::provenance::RunRecord;
use crate::record_file::record;
use crate::usage::given;
use anyhow::Result;
use nudge_session::Command;
use nudge_session::options::BestOfOptions;

/// Draws and chooses into `--out`.
pub fn run(arguments: &BestOf) -> Result<()> {
    let options: BestOfOptions = resolve(&arguments.options, arguments.steps.config.as_deref())?;
    let prompts = input::prompts(&arguments.prompts, &Default::default())?;
    let mut workplace = Workplace::open(arguments.common.device)?;
    workplace.load(&arguments.policy)?;
    arguments.reward.iter().try_for_each(|name| workplace.load(name))?;
    let (policy, rewards) = (arguments.policy.clone(), arguments.reward.clone());
    let options_given = sourced_of(&options, &arguments.options.given, arguments.steps.config.as_deref())?;
    let run = RunRecord::begin(&given(), options_given, workplace.device, &prompts.places.counts())?;
    let command = Command::BestOf { policy, rewards, prompts: prompts.all, options };
    let (log, json) = (arguments.steps.log.as_deref(), arguments.common.json);
    record(&workplace.session, command, run, &arguments.output, log, json).map_err(|error| prompts.places.locate(error))
}
