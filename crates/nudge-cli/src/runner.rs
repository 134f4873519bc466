//! Pulls a stage to its end: shows progress, hands events to a target, takes checkpoints, stops when asked to.

use crate::failure::Interrupted;
use crate::interrupt;
use crate::progress::Progress;
use anyhow::Result;
use futures_lite::future::{block_on, or, poll_fn};
use nudge_session::{Event, Files, Run};
use std::task::Poll;
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

    /// Whether to stop as soon as nothing is lost by it.
    fn is_asked_to_stop(&self) -> bool {
        interrupt::requested()
    }

    /// Whether somebody watches how far it is.
    fn is_watched(&self) -> bool {
        true
    }
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

/// A step that takes longer ends with a checkpoint in hand, so that the next one may be left in the middle.
const LONG_STEP: Duration = Duration::from_secs(10);

/// Pulls `run` to its end. Ctrl-C ends it between two steps, with a checkpoint where the target keeps them; within a
/// step, between two minibatches, where a checkpoint from the step's beginning is kept or nothing was made yet.
pub fn drive(run: Run, label: &str, target: &mut impl Target) -> Result<()> {
    interrupt::stepping(true);
    let ended = pull(run, label, target);
    interrupt::stepping(false);
    ended
}

fn pull(mut run: Run, label: &str, target: &mut impl Target) -> Result<()> {
    let progress = target.is_watched().then(|| Progress::new(label));
    let (mut last_checkpoint, mut last_step) = (Instant::now(), Instant::now());
    // Whether nothing is lost that is not kept when the step under way is left.
    let mut may_leave = true;
    loop {
        let event = match block_on(or(async { Some(run.next().await) }, interruption(target, may_leave))) {
            Some(event) => event?,
            None => return Err(interrupted(target)?),
        };
        let Some(event) = event else { return Ok(()) };
        progress.iter().for_each(|progress| progress.show(&event));
        let between_steps = is_between_steps(&event);
        target.take(event)?;
        if !between_steps {
            continue;
        }
        let stop = target.is_asked_to_stop();
        let due = |every| stop || last_checkpoint.elapsed() >= every || last_step.elapsed() >= LONG_STEP;
        may_leave = target.checkpoint_every().is_none_or(due);
        last_step = Instant::now();
        if may_leave && target.checkpoint_every().is_some() {
            target.keep(block_on(run.save())?)?;
            last_checkpoint = Instant::now();
        }
        if stop {
            return Err(interrupted(target)?);
        }
    }
}

/// Resolves when the run is asked to stop and the step may be left. Whoever computes gives way between two minibatches.
async fn interruption<T>(target: &impl Target, may_leave: bool) -> Option<T> {
    poll_fn(|_| if may_leave && target.is_asked_to_stop() { Poll::Ready(None) } else { Poll::Pending }).await
}

/// Stores what was kept; the error that ends the program.
fn interrupted(target: &mut impl Target) -> Result<anyhow::Error> {
    target.interrupted()?;
    Ok(Interrupted { go_on: target.checkpoint_every().map(|_| resume_command()) }.into())
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
