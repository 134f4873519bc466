//! The story: stages that turn a base model into one that a person prefers, step by step.
//!
//! Map of the crate:
//! - [`protocol`]: commands in, events out, the contract with every shell;
//! - [`options`]: how options are declared, and those of the stages;
//! - [`session`]: holds models by name and starts runs;
//! - [`run`]: a stage being pulled: one step between two pulls, a checkpoint whenever one is asked for;
//! - [`stage`]: one file a stage, each a story in execution order;
//! - [`method`]: the methods that tune a policy, one file each;
//! - [`labeler`]: simulated labelers, rules over text; [`agreement`]: how often labelers agree; [`contradiction`]:
//!   preferences that go in a circle; [`merge`]: one ranking out of several labelers';
//! - [`look`]: what models say of one text, word by word, to be looked into;
//! - [`prequential`]: what a reward model so far would have said of each ranking;
//! - [`frontier`]: what a run gained for the distance it covered;
//! - [`verdict`]: what the numbers of a run mean, in sentences;
//! - [`finetuning`]: what of a model trains, all of it or adapters;
//! - [`folder`], [`snapshot`]: models and checkpoints as bytes; [`export`]: models for other programs;
//! - `batch`: records as tensors; [`rollout`]: sampling; [`trainer`]: gradient steps; [`passes`]: epochs of them over
//!   records; shared by stages and methods;
//! - [`room`]: what fits a model's context; [`memory`]: how much memory a command takes; [`outlook`]: what a model
//!   will take of a tab, and of its reader's time; [`completion_statistics`]: what the completions of a model are like;
//! - [`workflow`]: what the loop asks for and makes of it; [`imitation`]: how long demonstrations are imitated;
//! - [`bench`]: how fast a device makes the stages' steps;
//! - [`self_check`]: whether a device computes what it should;
//! - [`oracle`]: whether training arrives where its mathematics says;
//! - [`readback`]: the only place that waits for a device; [`platform`]: the only place that knows the clock.
//!
//! Deliberately absent: files, flags, printing, threads, any backend's name.

#![cfg_attr(test, allow(clippy::disallowed_methods, clippy::unwrap_used))]

pub mod agreement;
mod batch;
pub mod bench;
pub mod completion_statistics;
pub mod contradiction;
pub mod error;
pub mod export;
pub mod finetuning;
pub mod folder;
pub mod frontier;
pub mod imitation;
pub mod labeler;
pub mod look;
pub mod memory;
pub mod merge;
pub mod method;
pub mod options;
pub mod oracle;
pub mod outlook;
pub mod passes;
pub mod platform;
pub mod prequential;
pub mod protocol;
pub mod readback;
pub mod rollout;
pub mod room;
pub mod run;
pub mod self_check;
pub mod session;
pub mod snapshot;
pub mod stage;
pub mod trainer;
pub mod verdict;
pub mod words;
pub mod workflow;

pub use error::SessionError;
pub use labeler::{Labeler, LabelerInfo};
pub use method::{Method, MethodInfo};
pub use protocol::{Command, Event, Files, Judge, Metrics, StageName, Verdict, Winner};
pub use room::Room;
pub use run::Run;
pub use session::{ModelInfo, Session};
