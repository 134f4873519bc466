//! `nudge chat`: a line in, a completion out, as it grows. Every line is a prompt of its own: the model has learnt
//! single turns, so no history is sent.

use super::Workplace;
use crate::args::Chat;
use crate::failure::{message, tell};
use crate::interrupt;
use crate::options::resolve;
use crate::report;
use anyhow::Result;
use futures_lite::future::block_on;
use nudge_session::options::SampleOptions;
use nudge_session::{Command, Event};
use std::io::{self, BufRead, IsTerminal};

/// Answers lines until `/quit` or the end of input.
pub fn run(arguments: &Chat) -> Result<()> {
    let mut options: SampleOptions = resolve(&arguments.options, None)?;
    options.k = 1;
    options.stream = true;
    let mut workplace = Workplace::open(arguments.device)?;
    workplace.load(&arguments.model)?;
    let terminal = io::stdin().is_terminal();
    if terminal {
        tell("Write what the model shall do. /quit ends.");
    }
    loop {
        if terminal {
            report::print("> ")?;
        }
        let mut line = String::new();
        if interrupt::while_waiting(|| io::stdin().lock().read_line(&mut line))? == 0 || line.trim() == "/quit" {
            return Ok(());
        }
        if line.trim().is_empty() {
            continue;
        }
        let prompts = vec![line.trim().into()];
        let command = Command::Sample { model: arguments.model.clone(), prompts, options: options.clone() };
        if let Err(error) = complete(&workplace, command) {
            // A prompt that is too long is no reason to end the conversation, a closed output is.
            if !terminal || error.downcast_ref::<io::Error>().is_some() {
                return Err(error);
            }
            tell(&format!("error: {}", message(&error)));
        }
        options.seed = options.seed.wrapping_add(1);
    }
}

/// Prints one completion as it grows. Ctrl-C ends the program between two looks at it.
fn complete(workplace: &Workplace, command: Command) -> Result<()> {
    let mut run = workplace.session.start(command, None)?;
    let mut printed = String::new();
    while let Some(event) = block_on(run.next())? {
        let text = match event {
            Event::Partial { text, .. } => whole_characters(&text).to_string(),
            Event::Candidates { completions, .. } => completions.into_iter().map(|one| one.text).collect(),
            _ => continue,
        };
        if let Some(grown) = text.strip_prefix(&printed) {
            report::print(grown)?;
            printed = text;
        }
        if interrupt::requested() {
            report::print("\n")?;
            return Err(crate::failure::Interrupted { go_on: None }.into());
        }
    }
    report::print("\n")
}

/// The text without a character that is still being sampled byte by byte.
fn whole_characters(text: &str) -> &str {
    text.trim_end_matches('\u{fffd}')
}
