//! Tries the readers of strangers' files on changed seeds, for as long as is asked for (`tests/fuzzing.rs`).

use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::Result;

use crate::process::run;
use crate::workspace::Workspace;

/// Tries each reader for `minutes`, on changes that the clock chooses; a failure names its input.
///
/// # Errors
/// When one of them was ended by an input.
pub fn fuzz(workspace: &Workspace, minutes: f64, filter: Option<&str>) -> Result<()> {
    let seed = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
    println!("The changes follow from NUDGE_FUZZ_SEED={seed}.");
    let tests = format!("package(nudge-tests) and test(/^fuzzing::.*{}/)", filter.unwrap_or_default());
    let mut command = workspace.cargo();
    command.args(["nextest", "run", "--workspace", "--profile", "fuzz", "-E", &tests]);
    command.env("NUDGE_FUZZ_SECONDS", (60.0 * minutes).to_string()).env("NUDGE_FUZZ_SEED", seed.to_string());
    run(&mut command)
}
