//! `nudge eval`: nats per token and per character of a text.

use super::Workplace;
use crate::args::Eval;
use crate::files::read_text;
use crate::log::Log;
use crate::options::resolve;
use crate::report;
use crate::runner::{Listen, drive};
use anyhow::{Context, Result};
use nudge_session::options::EvalOptions;
use nudge_session::{Command, Event};
use serde_json::Value;

/// Evaluates and prints the numbers.
pub fn run(arguments: &Eval) -> Result<()> {
    let options: EvalOptions = resolve(&arguments.options, arguments.steps.config.as_deref())?;
    let text = read_text(&arguments.text)?;
    let mut workplace = Workplace::open(arguments.common.device)?;
    workplace.load(&arguments.model)?;
    let command = Command::Eval { model: arguments.model.clone(), text, options };
    let in_file = || format!("cannot evaluate on {}", arguments.text.display());
    let run = workplace.session.start(command, None).with_context(in_file)?;
    let mut log =
        arguments.steps.log.as_deref().map(|path| Log::given(path, &Value::Null, false, false)).transpose()?;
    let mut evaluation = None;
    let listen = |event: Event| match (event, &mut log) {
        (Event::Evaluated { evaluation: numbers }, _) => {
            evaluation = Some(numbers);
            Ok(())
        }
        (Event::Started { step, .. }, Some(log)) => log.start(step),
        (Event::Progress { step, metrics, seconds, .. }, Some(log)) => log.step(step, &metrics, seconds),
        _ => Ok(()),
    };
    drive(run, "eval", &mut Listen(listen))?;
    let numbers = evaluation.context("the evaluation ended without numbers")?;
    report::result(arguments.common.json, &numbers, || {
        format!(
            "{:.4} nats per token, {:.4} nats per character ({} tokens, {} characters)",
            numbers.nats_per_token, numbers.nats_per_char, numbers.tokens, numbers.chars
        )
    })
}
