//! What working with a model will take of this device: memory by the sizes of its parts, time by a probe of a few
//! seconds. Estimates, to choose a model by before one begins.

use crate::SessionError;
use crate::finetuning::FinetuningOptions;
use crate::folder::Folder;
use crate::memory::{Needs, PROGRAM, Use};
use crate::options::SampleOptions;
use crate::protocol::{Command, Event};
use crate::run::Run;
use crate::session::Session;
use serde::Serialize;

/// Forward passes that a step takes as much time as, for each token: forward, and backward of what trains through a
/// frozen base; tuning reads the reference too. Measured in a tab that holds what backward needs.
const IMITATING: f64 = 2.0;
const TUNING: f64 = 3.0;

/// Completions of a ranking, rankings of a step and of a loop, passes over them, prompts that are judged on.
const RANKED: usize = 4;
const STEP: usize = 4;
const RANKINGS: f64 = 30.0;
const EPOCHS: f64 = 2.0;
const JUDGED: f64 = 20.0;
/// Tokens of a prompt, about.
const PROMPT: usize = 100;
/// Four answers to one prompt take about as long as two to two.
const AT_ONCE: f64 = 0.5;
/// Tokens that the probe draws.
const DRAWN: usize = 12;

/// What a tab holds beside the trainer. Measured with 135 M parameters in 98 MB, as [`copies`] is.
const TAB: usize = 350 << 20;

/// What training adds by the size of a file alone: adapters and their moments, and what backward holds.
const TRAINING: f64 = 550e6;

/// Bytes of memory that a tab will hold.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Memory {
    /// Where it draws four answers at once.
    pub answering: f64,
    /// Where it tunes on four rankings at a time.
    pub training: f64,
}

impl Memory {
    /// With a model of which nothing but the size of its files is known.
    pub fn of_files(bytes: f64) -> Self {
        let answering = bytes + (PROGRAM + TAB) as f64 + copies(bytes);
        Self { answering, training: answering + TRAINING }
    }

    fn of(folder: &Folder, length: usize) -> Self {
        let in_a_tab =
            |usage: &Use| (Needs::of(folder, usage).total() + TAB) as f64 + copies(folder.stored_bytes() as f64);
        let answering = in_a_tab(&Use { rollout: RANKED * length, ..Use::default() });
        let finetuning = Some(FinetuningOptions::default());
        let training = in_a_tab(&Use { finetuning, trained: 1, pass: STEP * RANKED * length, rollout: 0 });
        Self { answering, training: training.max(answering) }
    }
}

/// What of a model's file is in a tab's memory beyond its weights.
fn copies(bytes: f64) -> f64 {
    bytes * 1.5
}

/// What working with a model will take.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Outlook {
    /// Bytes of memory.
    #[serde(flatten)]
    pub memory: Memory,
    /// Seconds of one answer.
    pub answer: f64,
    /// Seconds that a step of imitation takes for each of its demonstrations.
    pub example: f64,
    /// Seconds of one step of tuning on four rankings.
    pub step: f64,
    /// Seconds of the whole loop by DPO: thirty rankings, tuning, and twenty judgements, without the person's own time.
    pub whole: f64,
}

/// The probe of one model, before it runs.
pub struct Probe {
    memory: Memory,
    /// Two: a browser compiles well only what has run for a while.
    read: [Run; 2],
    draw: Run,
    /// Tokens of an answer, of a prompt with it, and those that the probe draws.
    answer: usize,
    length: usize,
    drawn: usize,
}

impl Probe {
    /// Of the model called `name`, with answers of so many tokens.
    ///
    /// # Errors
    /// If the session does not hold a language model of that name.
    pub fn new(session: &Session, name: &str, answer: usize) -> Result<Self, SessionError> {
        let folder = session.open(name)?;
        let context = folder.config.max_position_embeddings;
        let length = (PROMPT + answer).min(context);
        let drawn = DRAWN.min(context / 2).max(1);
        let reading = |sentences| {
            let text = "The quick brown fox jumps over the lazy dog. ".repeat(sentences);
            session.start(Command::Eval { model: name.into(), text, options: Default::default() }, None)
        };
        let read = [reading(6)?, reading(19)?];
        let options = SampleOptions { k: 1, max_new_tokens: drawn, ..Default::default() };
        let draw = Command::Sample { model: name.into(), prompts: vec!["Tell me about a fox.".into()], options };
        let draw = session.start(draw, None)?;
        Ok(Self { memory: Memory::of(&folder, length), read, draw, answer, length, drawn })
    }

    /// Runs it.
    ///
    /// # Errors
    /// If a device fails.
    pub async fn outlook(self) -> Result<Outlook, SessionError> {
        let [first, second] = self.read;
        pulled(first).await?;
        let read = pulled(second).await?;
        let tokens = read.iter().find_map(|event| match event {
            Event::Evaluated { evaluation } => Some(evaluation.tokens),
            _ => None,
        });
        let forward = seconds_of(&read) / tokens.unwrap_or(1).max(1) as f64;
        let answer = seconds_of(&pulled(self.draw).await?) / self.drawn as f64 * self.answer as f64;
        let row = forward * self.length as f64;
        let (example, step) = (IMITATING * row, TUNING * row * (STEP * RANKED) as f64);
        let ranked = RANKINGS * RANKED as f64 * AT_ONCE * answer;
        let tuned = step * EPOCHS * RANKINGS / STEP as f64;
        Ok(Outlook { memory: self.memory, answer, example, step, whole: ranked + tuned + 2.0 * JUDGED * answer })
    }
}

async fn pulled(mut run: Run) -> Result<Vec<Event>, SessionError> {
    let mut events = Vec::new();
    while let Some(event) = run.next().await? {
        events.push(event);
    }
    Ok(events)
}

/// Of all steps.
fn seconds_of(events: &[Event]) -> f64 {
    events.iter().map(|event| if let Event::Progress { seconds, .. } = event { *seconds } else { 0.0 }).sum()
}
