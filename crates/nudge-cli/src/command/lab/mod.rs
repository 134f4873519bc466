//! `nudge lab`: measurements of the methods themselves.

mod bag_of_words;
mod frontier;
mod instruct;
mod methods;
mod oracle;
mod over_seeds;
mod preferences;
mod preferences_table;
mod shapes;
mod sheet;

pub use super::tuning_loop::Contender;
pub use over_seeds::mean_over_seeds;
pub use preferences_table::Learner;

use crate::args::{Lab, LabCommand};
use anyhow::Result;

/// Does what is asked for.
pub fn run(arguments: &Lab) -> Result<()> {
    match &arguments.command {
        LabCommand::Methods(arguments) => methods::run(arguments),
        LabCommand::Frontier(arguments) => frontier::run(arguments),
        LabCommand::Oracle(arguments) => oracle::run(arguments),
        LabCommand::Instruct(arguments) => instruct::run(arguments),
        LabCommand::Shapes(arguments) => shapes::run(arguments),
        LabCommand::Preferences(arguments) => preferences::run(arguments),
    }
}
