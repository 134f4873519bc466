//! `nudge data`: files of records, looked at and turned into one another. No model is run.

mod convert;
mod inspect;
mod merge;
mod mix;
mod reading;
mod split;

use crate::args::{Data, DataCommand};
use anyhow::{Result, bail};
use std::path::Path;

/// Does what is asked for.
pub fn run(arguments: &Data) -> Result<()> {
    match &arguments.command {
        DataCommand::Inspect(arguments) => inspect::run(arguments),
        DataCommand::Convert(arguments) => convert::run(arguments),
        DataCommand::Mix(arguments) => mix::run(arguments),
        DataCommand::Split(arguments) => split::run(arguments),
        DataCommand::Merge(arguments) => merge::run(arguments),
    }
}

/// Refuses a file that exists and may not be replaced.
fn check_free(path: &Path, force: bool) -> Result<()> {
    if path.exists() && !force {
        bail!("{} exists; choose another name, or replace it with --force", path.display());
    }
    Ok(())
}
