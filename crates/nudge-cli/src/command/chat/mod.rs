//! `nudge chat`: a line in, a completion out, as it grows. The conversation so far goes along; what no longer fits the
//! model's context is forgotten, oldest first.

mod editor;
mod lines;

use super::Workplace;
use crate::args::Chat;
use crate::failure::{message, tell};
use crate::interrupt;
use crate::options::resolve;
use crate::report;
use anyhow::Result;
use futures_lite::future::block_on;
use lines::Lines;
use nudge_data::{DataError, Message};
use nudge_session::options::SampleOptions;
use nudge_session::{Command, Event, SessionError};
use std::io;

const HELP: &str = "  /forget        begin anew\n  /system TEXT   say who the model shall be, and begin anew\n  \
    /again         another completion of the last line\n  /help          these words\n  /quit          end (or Ctrl-D)\n  \
    up and down    your own lines before this one";

/// A conversation.
struct Talk<'a> {
    arguments: &'a Chat,
    workplace: Workplace,
    options: SampleOptions,
    system: Option<String>,
    /// Whether the model's template takes no system's turn: then its text stands before the first line.
    system_in_front: bool,
    turns: Vec<Message>,
}

/// Completes lines until `/quit` or the end of input.
pub fn run(arguments: &Chat) -> Result<()> {
    let mut options: SampleOptions = resolve(&arguments.options, None)?;
    options.k = 1;
    options.stream = true;
    let mut workplace = Workplace::open(arguments.device)?;
    workplace.load(&arguments.model)?;
    let system = arguments.system.clone();
    let mut talk = Talk { arguments, workplace, options, system, system_in_front: false, turns: vec![] };
    let mut lines = Lines::open();
    let typed = lines.are_typed();
    if typed {
        tell("Write what the model shall do. /help shows what else can be typed, /quit ends.");
    }
    while let Some(line) = lines.next()? {
        if line.is_empty() {
            continue;
        }
        match line.split_once(' ').unwrap_or((&line, "")) {
            ("/quit", _) => break,
            ("/help", _) => tell(HELP),
            ("/forget", _) => talk.turns.clear(),
            ("/system", text) => talk.be(text.trim()),
            ("/again", _) => talk.again(typed)?,
            (word, _) if word.starts_with('/') && !word[1..].contains('/') => {
                tell(&format!("{word} is no command\n{HELP}"))
            }
            _ => talk.say(line, typed)?,
        }
    }
    Ok(())
}

impl Talk<'_> {
    fn be(&mut self, system: &str) {
        self.system = (!system.is_empty()).then(|| system.into());
        self.turns.clear();
    }

    fn again(&mut self, typed: bool) -> Result<()> {
        // The last completion goes, and its line is said again.
        self.turns.pop();
        match self.turns.pop() {
            Some(asked) => self.say(asked.content, typed),
            None => {
                tell("nothing was said yet");
                Ok(())
            }
        }
    }

    fn say(&mut self, line: String, typed: bool) -> Result<()> {
        if self.arguments.single {
            self.turns.clear();
        }
        let before = self.turns.clone();
        self.turns.push(Message::user(line));
        match self.completed() {
            Ok(text) => self.turns.push(Message::assistant(text)),
            // A line that is too long is no reason to end the conversation, nor to forget it; a closed output is.
            Err(error) if is_about_the_line(&error) || typed && error.downcast_ref::<io::Error>().is_none() => {
                self.turns = before;
                tell(&format!("error: {}", message(&error)));
            }
            Err(error) => return Err(error),
        }
        self.options.seed = self.options.seed.wrapping_add(1);
        Ok(())
    }

    /// The model's turn. While the conversation does not fit, its oldest two turns are forgotten.
    fn completed(&mut self) -> Result<String> {
        loop {
            let turns = self.with_system();
            // One user's turn is a text: some models' templates know nothing else.
            let prompt = if let [only] = turns.as_slice() { only.content.clone().into() } else { turns.into() };
            let (model, options) = (self.arguments.model.clone(), self.options.clone());
            let started = self.workplace.session.start(Command::Sample { model, prompts: vec![prompt], options }, None);
            match started {
                Err(SessionError::Prompt { .. }) if self.turns.len() > 2 => drop(self.turns.drain(..2)),
                Err(SessionError::Data(DataError::ChatTemplate { .. }))
                    if self.system.is_some() && !self.system_in_front =>
                {
                    tell(
                        "this model's template has no place for a system's turn: its text goes before your first line",
                    );
                    self.system_in_front = true;
                }
                Err(error) => return Err(error.into()),
                Ok(run) => return print(run),
            }
        }
    }
}

impl Talk<'_> {
    /// The conversation, and what the system says.
    fn with_system(&self) -> Vec<Message> {
        let mut turns = self.turns.clone();
        match (&self.system, self.system_in_front) {
            (Some(system), true) => turns.iter_mut().take(1).for_each(|first| {
                first.content = format!("{system}\n\n{}", first.content);
            }),
            (Some(system), false) => turns.insert(0, Message::system(system.as_str())),
            (None, _) => {}
        }
        turns
    }
}

/// Whether the line cannot be answered, and another one could be.
fn is_about_the_line(error: &anyhow::Error) -> bool {
    matches!(error.downcast_ref(), Some(SessionError::Prompt { .. }))
}

/// Prints a completion as it grows, and gives it. Ctrl-C ends the program between two looks at it.
fn print(mut run: nudge_session::Run) -> Result<String> {
    let mut printed = String::new();
    while let Some(event) = block_on(run.next())? {
        let text = match event {
            Event::Partial { text, .. } => whole_characters(&text).to_string(),
            Event::Candidates { completions, .. } => {
                completions.into_iter().map(|completion| completion.text).collect()
            }
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
    report::print("\n")?;
    Ok(printed)
}

/// The text without a character that is still being sampled byte by byte.
fn whole_characters(text: &str) -> &str {
    text.trim_end_matches('\u{fffd}')
}
