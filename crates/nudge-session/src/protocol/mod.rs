//! The contract between the stages and the shells: commands in, events out, both closed, both plain values.
//!
//! The page's TypeScript types are generated from this module. Model files travel beside them, never in them.

mod command;
mod event;
mod results;
#[cfg(test)]
mod types_test;

pub use command::{Command, Judge};
pub use event::Event;
pub use results::{
    AccuracySlice, Calibration, CompletionStatistics, Disagreement, Evaluation, Lens, LensChoice, LensToken, MarginBin,
    Reviewed, Usable, UsableShare, Verdict,
};

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The files of a model folder or of a checkpoint: name and bytes, which copies share.
pub type Files = BTreeMap<String, Bytes>;

/// Numbers of one step by their published names, such as `objective/kl`.
pub type Metrics = BTreeMap<String, f64>;

/// Whose completion a person or a judge preferred in one pair.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS), ts(rename = "Preference"))]
#[serde(rename_all = "snake_case")]
pub enum Winner {
    /// The first model.
    A,
    /// The second model.
    B,
    /// Neither.
    Tie,
}

/// The stages, in the order of the loop.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)]
pub enum StageName {
    Pretrain,
    Sft,
    Sample,
    Rank,
    Reward,
    Tune,
    BestOf,
    Compare,
    Score,
    Calibrate,
    Review,
    Eval,
}
