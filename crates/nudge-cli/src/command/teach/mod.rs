//! `nudge teach`: from prompts to a tuned model in one guided run.
//!
//! 1. Prompts are split: some to learn from, some to compare on.
//! 2. Somebody shows what they want: examples, which are imitated.
//! 3. The model completes some prompts several times.
//! 4. Somebody ranks the completions.
//! 5. A reward model learns the rankings, where the method needs one.
//! 6. The method tunes the model.
//! 7. Before all of it and after complete the prompts that were held out; the same one judges, blind.
//! 8. A report and a model card.
//!
//! Every step is a command of its own, with its files in the workflow's folder; [`steps`] writes their command lines.
//! A person ranks while the model completes the next prompts ([`beside`]).
//! What is finished is not done again and what was cut off goes on, so the same command resumes the whole.

mod beside;
mod ending;
mod steps;
mod workflow;

use crate::args::{Arguments, Teach};
use crate::command::rank::{ME, check_starts};
use crate::failure::tell;
use crate::model_files::read_model;
use crate::report::{Aside, times};
use crate::usage;
use anyhow::{Result, anyhow, bail};
use nudge_session::labeler::Labeler;
use nudge_session::method::{LearnsFrom, Method};
use nudge_session::verdict::FEW_RANKINGS;
use steps::Steps;
use workflow::Workflow;

/// Teaches.
pub fn run(arguments: &Teach) -> Result<()> {
    let method = method(arguments)?;
    check_model_and_judge(arguments)?;
    let workflow = Workflow::open(arguments)?;
    warn_of_few(arguments);
    let steps = Steps { arguments, workflow: &workflow, method: &method };
    let mut index = 0;
    // What follows depends on whether examples were given.
    while let Some(step) = steps.all().get(index) {
        index += 1;
        tell(&format!("\n[{index} of {}] {}", steps.all().len(), step.title));
        let _aside = Aside::begin();
        match &step.beside {
            Some(sample) => beside::run(sample, &step.words, workflow.count_to_rank()?)?,
            None => super::run(read(step.words.clone())?)?,
        }
        if !steps.done(&step.words) {
            // The person stops here; what to type to go on was said.
            return Ok(());
        }
    }
    ending::tell(&steps)
}

/// Refuses a model or a judge that is not there, before the workflow is bound to its name.
fn check_model_and_judge(arguments: &Teach) -> Result<()> {
    read_model(&arguments.model)?;
    match &arguments.judge_command {
        Some(command) => check_starts(command),
        None if arguments.labeler == ME => Ok(()),
        None => Ok(Labeler::find(&arguments.labeler).map(drop)?),
    }
}

/// Warns of few rankings before anybody makes them.
fn warn_of_few(arguments: &Teach) {
    let count = arguments.rankings;
    if count > 0 && count < FEW_RANKINGS {
        let rankings = times(count, "ranking", "rankings");
        tell(&format!(
            "{rankings} can show the way, but below {FEW_RANKINGS} what is learnt may be chance; 30 or more (--rankings \
             30) is safer"
        ));
    }
}

/// The words of a command.
fn read(words: Vec<String>) -> Result<Arguments> {
    usage::read(words).map_err(|error| anyhow!("{error}"))
}

fn method(arguments: &Teach) -> Result<Method> {
    let names: Vec<&str> = Method::all().iter().map(|method| method.info().name).collect();
    let Some(method) = Method::named(&arguments.method.replace('-', "_")) else {
        bail!("--method {} is none; choose one of {}", arguments.method, names.join(", "));
    };
    if arguments.completions < 2 {
        bail!("--completions {} leaves nothing to rank; give 2 or more", arguments.completions);
    }
    if arguments.rankings == 0 && arguments.demonstrations.is_none() && arguments.examples.unwrap_or_default() == 0 {
        bail!(
            "--rankings 0 leaves nothing to learn from; give examples (--demonstrations FILE, or --examples 8 to write \
             them), or 30 rankings or so"
        );
    }
    if !(arguments.held_out > 0.0 && arguments.held_out < 1.0) {
        bail!("--held-out {} is no share of the prompts; give a number between 0 and 1", arguments.held_out);
    }
    Ok(method)
}

/// Whether a method needs a reward model.
fn needs_reward(method: &Method) -> bool {
    method.info().learns_from == LearnsFrom::Rewards
}
