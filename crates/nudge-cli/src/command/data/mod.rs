//! `nudge data`: files of records, looked at and turned into one another. No model is run.

mod convert;
mod inspect;
mod merge;
mod mix;
mod reading;
mod split;

use super::outputs::is_same;
use crate::args::{Data, DataCommand};
use anyhow::{Result, bail};
use std::path::{Path, PathBuf};

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

/// Refuses a file that exists and may not be replaced; those that the command reads never may.
fn check_free<'a>(path: &Path, force: bool, read: impl IntoIterator<Item = &'a PathBuf>) -> Result<()> {
    if read.into_iter().any(|read| is_same(path, read)) {
        bail!("{} is what the command reads; choose another name", path.display());
    }
    if path.exists() && !force {
        bail!("{} exists; choose another name, or replace it with --force", path.display());
    }
    Ok(())
}
