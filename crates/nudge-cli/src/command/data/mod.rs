//! `nudge data`: files of records, looked at and turned into one another. No model is run.

mod convert;
mod inspect;
mod mix;
mod reading;

use crate::args::{Data, DataCommand};
use anyhow::Result;

/// Does what is asked for.
pub fn run(arguments: &Data) -> Result<()> {
    match &arguments.command {
        DataCommand::Inspect(arguments) => inspect::run(arguments),
        DataCommand::Convert(arguments) => convert::run(arguments),
        DataCommand::Mix(arguments) => mix::run(arguments),
    }
}
