//! A stage being pulled. Ask for the next event to go on, stop asking to pause, drop it to cancel; between two
//! events a checkpoint can be taken.
//!
//! The driver of all stages: it owns the clock, the order of events, and what every checkpoint holds.
//! Deliberately absent: threads, callbacks. The shell owns the loop.

use crate::SessionError;
use crate::folder::faithful::Origin;
use crate::platform::Stopwatch;
use crate::protocol::{Event, Files, StageName};
use crate::snapshot::{Snapshot, SnapshotWriter};
use crate::stage::{Stage, Standing, Telling, Told};
use serde_json::Value;
use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;

/// A stage being pulled.
pub struct Run {
    stage: Box<dyn AnyStage>,
    position: Position,
    /// What the steps so far left to tell; part of every checkpoint.
    waiting: VecDeque<Event>,
    /// What the stage ends with. A resumed run makes it again.
    ending: VecDeque<Event>,
    /// Since the run was opened.
    clock: Stopwatch,
    /// Since the step under way began.
    step_clock: Option<Stopwatch>,
    fingerprint: String,
    /// What the model that is tuned came with.
    origin: Option<Origin>,
}

#[derive(Clone, Copy, PartialEq)]
enum Position {
    Ready,
    Stepping,
    Ending,
    Ended,
}

impl<S: Stage + 'static> From<S> for Run {
    fn from(stage: S) -> Self {
        Self {
            stage: Box::new(stage),
            position: Position::Ready,
            waiting: VecDeque::new(),
            ending: VecDeque::new(),
            clock: Stopwatch::start(),
            step_clock: None,
            fingerprint: String::new(),
            origin: None,
        }
    }
}

impl Run {
    /// The run of the command with this fingerprint, from where a checkpoint of it stands.
    ///
    /// # Errors
    /// If the checkpoint lacks something of what the stage needs.
    pub(crate) fn of_command(mut self, fingerprint: String, resume: Option<Snapshot>) -> Result<Self, SessionError> {
        if let Some(mut snapshot) = resume {
            self.waiting = std::mem::take(&mut snapshot.waiting);
            self.stage.restore_any(&snapshot)?;
        }
        self.fingerprint = fingerprint;
        Ok(self)
    }

    /// The same run, whose model keeps what that of `origin` came with.
    pub(crate) fn keeping(self, origin: Option<Origin>) -> Self {
        Self { origin, ..self }
    }

    /// The next event: `Started` first, `Finished` last, then nothing. An error ends the run.
    ///
    /// # Errors
    /// What went wrong in the stage.
    pub async fn next(&mut self) -> Result<Option<Event>, SessionError> {
        let event = self.pull().await;
        if event.is_err() {
            self.position = Position::Ended;
        }
        event
    }

    async fn pull(&mut self) -> Result<Option<Event>, SessionError> {
        if self.position == Position::Ready {
            self.position = Position::Stepping;
            return Ok(Some(self.started()));
        }
        while self.position == Position::Stepping {
            if let Some(event) = self.waiting.pop_front() {
                return Ok(Some(event));
            }
            let Standing { step, total_steps, .. } = self.stage.standing();
            if step < total_steps {
                self.advance().await?;
            } else {
                self.ending = self.stage.end_any().await?.into();
                self.restore_origin();
                self.position = Position::Ending;
            }
        }
        if self.position == Position::Ended {
            return Ok(None);
        }
        if let Some(event) = self.ending.pop_front() {
            return Ok(Some(event));
        }
        self.position = Position::Ended;
        Ok(Some(Event::Finished { stage: self.stage.name(), seconds: self.clock.seconds() }))
    }

    /// Gives the models that the stage ends with what they came with.
    fn restore_origin(&mut self) {
        let Some(origin) = &self.origin else { return };
        for event in &mut self.ending {
            if let Event::Model { files, .. } = event {
                origin.restore(files);
            }
        }
    }

    fn started(&self) -> Event {
        let Standing { step, total_steps, parameters } = self.stage.standing();
        Event::Started { stage: self.stage.name(), step, total_steps, parameters }
    }

    /// One step, or a part of one; its clock runs until the step's numbers are told.
    async fn advance(&mut self) -> Result<(), SessionError> {
        self.step_clock.get_or_insert_with(Stopwatch::start);
        let told = self.stage.advance_any().await?;
        for telling in told.0 {
            let event = match telling {
                Telling::Event(event) => event,
                Telling::Progress(mut metrics, rate, count) => {
                    let seconds = self.step_clock.take().map_or(0.0, |clock| clock.seconds());
                    metrics.insert(rate.into(), count as f64 / seconds);
                    let Standing { step, total_steps, .. } = self.stage.standing();
                    Event::Progress { stage: self.stage.name(), step, total_steps, metrics, seconds }
                }
            };
            self.waiting.push_back(event);
        }
        Ok(())
    }

    /// Ends a completion that somebody reads along: that of a prompt, both counted from 0.
    pub fn stop(&mut self, prompt: usize, completion: usize) {
        self.stage.stop_any(prompt, completion);
    }

    /// A checkpoint of the run as it stands. Give it to `Session::start` with the same command to go on from here.
    ///
    /// # Errors
    /// If a device fails.
    pub async fn save(&mut self) -> Result<Files, SessionError> {
        let (writer, state) = self.stage.save_any()?;
        writer.finish(&self.fingerprint, &self.waiting, state).await
    }
}

type Pulled<'a, T> = Pin<Box<dyn Future<Output = Result<T, SessionError>> + 'a>>;

/// A stage of whatever kind.
trait AnyStage {
    fn name(&self) -> StageName;
    fn standing(&self) -> Standing;
    fn advance_any(&mut self) -> Pulled<'_, Told>;
    fn stop_any(&mut self, prompt: usize, completion: usize);
    fn end_any(&mut self) -> Pulled<'_, Vec<Event>>;
    fn save_any(&self) -> Result<(SnapshotWriter, Value), SessionError>;
    fn restore_any(&mut self, snapshot: &Snapshot) -> Result<(), SessionError>;
}

impl<S: Stage> AnyStage for S {
    fn name(&self) -> StageName {
        S::NAME
    }

    fn standing(&self) -> Standing {
        Stage::standing(self)
    }

    fn advance_any(&mut self) -> Pulled<'_, Told> {
        Box::pin(async {
            let mut told = Told::default();
            self.advance(&mut told).await?;
            Ok(told)
        })
    }

    fn stop_any(&mut self, prompt: usize, completion: usize) {
        self.stop(prompt, completion);
    }

    fn end_any(&mut self) -> Pulled<'_, Vec<Event>> {
        Box::pin(self.end())
    }

    fn save_any(&self) -> Result<(SnapshotWriter, Value), SessionError> {
        let state = serde_json::to_value(self.state()).map_err(|error| SessionError::Checkpoint(error.to_string()))?;
        Ok((self.save(SnapshotWriter::default())?, state))
    }

    fn restore_any(&mut self, snapshot: &Snapshot) -> Result<(), SessionError> {
        self.restore(snapshot.state()?, snapshot)
    }
}
