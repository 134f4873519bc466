//! `nudge lab`: measurements of the methods themselves.

mod frontier;
mod methods;
mod oracle;

use crate::args::{Lab, LabCommand};
use anyhow::Result;

/// Does what is asked for.
pub fn run(arguments: &Lab) -> Result<()> {
    match &arguments.command {
        LabCommand::Methods(arguments) => methods::run(arguments),
        LabCommand::Frontier(arguments) => frontier::run(arguments),
        LabCommand::Oracle(arguments) => oracle::run(arguments),
    }
}
