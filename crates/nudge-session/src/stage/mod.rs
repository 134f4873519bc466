//! The stages, one file each: what each does between two events. Clock, checkpoints, and what is told when are the
//! driver's ([`crate::run`]).
//!
//! The methods that tune a policy are stages too, in [`crate::method`].

pub mod best_of;
pub mod calibrate;
pub mod compare;
pub mod eval;
pub mod pretrain;
pub mod rank;
pub mod review;
pub mod reward;
pub mod sample;
pub mod score;
pub mod sft;

use crate::SessionError;
use crate::protocol::{Event, Metrics, StageName};
use crate::snapshot::{Snapshot, SnapshotWriter};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

/// A stage between two events.
#[allow(async_fn_in_trait)] // Runs are pulled on one thread.
pub trait Stage {
    /// What moves from step to step, besides weights and moments.
    type State: Serialize + DeserializeOwned;

    /// Which stage.
    const NAME: StageName;

    /// Where it stands.
    fn standing(&self) -> Standing;

    /// One step, or a part of one. Called while steps are left.
    ///
    /// # Errors
    /// If a device fails, a number stops being one, or a record cannot be used.
    async fn advance(&mut self, told: &mut Told) -> Result<(), SessionError>;

    /// Ends one of the completions that grow: that of a prompt, both counted from 0. Most stages show none.
    fn stop(&mut self, _prompt: usize, _completion: usize) {}

    /// What it ends with: a model, a verdict.
    ///
    /// # Errors
    /// If a device fails.
    async fn end(&mut self) -> Result<Vec<Event>, SessionError> {
        Ok(vec![])
    }

    /// What moves from step to step, as it stands.
    fn state(&self) -> Self::State;

    /// Adds weights and moments to a checkpoint.
    ///
    /// # Errors
    /// If something of it cannot be written.
    fn save(&self, writer: SnapshotWriter) -> Result<SnapshotWriter, SessionError> {
        Ok(writer)
    }

    /// Goes on from a checkpoint.
    ///
    /// # Errors
    /// If it lacks something.
    fn restore(&mut self, state: Self::State, snapshot: &Snapshot) -> Result<(), SessionError>;
}

/// Where a stage stands.
#[derive(Debug, Clone, Copy)]
pub struct Standing {
    /// Steps made.
    pub step: usize,
    /// Steps in all.
    pub total_steps: usize,
    /// Parameters of its main model.
    pub parameters: usize,
}

/// What a step has to tell.
#[derive(Default)]
pub struct Told(pub(crate) Vec<Telling>);

/// One thing told.
#[allow(clippy::large_enum_variant)] // One at a time.
pub(crate) enum Telling {
    /// As it is.
    Event(Event),
    /// Numbers of a step, and how much of what was done in it.
    Progress(Metrics, &'static str, usize),
}

impl Told {
    /// Tells an event.
    pub fn event(&mut self, event: Event) {
        self.0.push(Telling::Event(event));
    }

    /// Tells what the user should know, if there is anything.
    pub fn warning(&mut self, message: Option<String>) {
        self.0.extend(message.map(|message| Telling::Event(Event::Warning { message })));
    }

    /// Tells the numbers of the step that was just made; `rate` is logged as `count` over its seconds.
    pub fn progress(&mut self, metrics: Metrics, rate: &'static str, count: usize) {
        self.0.push(Telling::Progress(metrics, rate, count));
    }
}

/// The state of a stage that counts its steps and needs no other number.
#[derive(Serialize, Deserialize)]
pub struct StepState {
    /// Steps made.
    pub step: usize,
}
