//! Pulls a stage to its end: shows progress, hands events to a target, takes checkpoints, stops when asked to.

use crate::failure::Interrupted;
use crate::interrupt;
use crate::progress::Progress;
use anyhow::Result;
use futures_lite::future::block_on;
use nudge_session::{Event, Files, Run};
use std::time::{Duration, Instant};

/// Where a run's events and checkpoints go.
pub trait Target {
    /// Takes an event.
    fn take(&mut self, event: Event) -> Result<()>;

    /// Takes a checkpoint, to be stored now or when it has proved good.
    fn keep(&mut self, checkpoint: Files) -> Result<()>;

    /// The run ends here although it is not done: stores what was kept.
    fn interrupted(&mut self) -> Result<()> {
        Ok(())
    }

    /// How often to store one; `None` where the run cannot be resumed.
    fn checkpoint_every(&self) -> Option<Duration>;
}

/// A target in memory: every event goes to a function, nothing can be resumed.
pub struct Listen<F>(pub F);

impl<F: FnMut(Event) -> Result<()>> Target for Listen<F> {
    fn take(&mut self, event: Event) -> Result<()> {
        (self.0)(event)
    }

    fn keep(&mut self, _: Files) -> Result<()> {
        Ok(())
    }

    fn checkpoint_every(&self) -> Option<Duration> {
        None
    }
}

/// Pulls `run` to its end. Ctrl-C ends it between two steps, with a checkpoint where the target keeps them.
pub fn drive(run: Run, label: &str, target: &mut impl Target) -> Result<()> {
    interrupt::stepping(true);
    let ended = pull(run, label, target);
    interrupt::stepping(false);
    ended
}

fn pull(mut run: Run, label: &str, target: &mut impl Target) -> Result<()> {
    let progress = Progress::new(label);
    let mut last_checkpoint = Instant::now();
    while let Some(event) = block_on(run.next())? {
        progress.show(&event);
        let between_steps = is_between_steps(&event);
        target.take(event)?;
        if !between_steps {
            continue;
        }
        let every = target.checkpoint_every();
        let interrupted = interrupt::requested();
        if every.is_some_and(|every| interrupted || last_checkpoint.elapsed() >= every) {
            target.keep(block_on(run.save())?)?;
            last_checkpoint = Instant::now();
        }
        if interrupted {
            target.interrupted()?;
            return Err(Interrupted { go_on: every.map(|_| resume_command()) }.into());
        }
    }
    Ok(())
}

/// Whether everything a step made has been told: only then does a checkpoint lose nothing.
fn is_between_steps(event: &Event) -> bool {
    matches!(event, Event::Progress { .. } | Event::Ranked { .. } | Event::Scored { .. })
}

/// Commands that resume by themselves.
const REPEATED: [&str; 1] = ["teach"];

/// The command line of this process with `--resume`, where it needs that.
pub fn resume_command() -> String {
    let mut words: Vec<String> = std::env::args().filter(|word| word != "--force").map(|word| quoted(&word)).collect();
    let repeated = words.get(1).is_some_and(|command| REPEATED.contains(&command.as_str()));
    if !repeated && !words.iter().any(|word| word == "--resume") {
        words.push("--resume".into());
    }
    words.join(" ")
}

/// A word as a shell reads it.
pub fn quoted(word: &str) -> String {
    let plain = |character: char| character.is_alphanumeric() || "-_./:=,+@%".contains(character);
    if !word.is_empty() && word.chars().all(plain) { word.into() } else { format!("'{}'", word.replace('\'', "'\\''")) }
}
