//! Reads the command line, and completes its help with who can label.

use crate::args::Arguments;
use clap::{Command, CommandFactory, FromArgMatches};
use nudge_session::labeler;

/// Reads the command line. Wrong usage ends the process with exit code 2.
pub fn parse() -> Arguments {
    let matches = with_labelers(Arguments::command()).get_matches();
    Arguments::from_arg_matches(&matches).unwrap_or_else(|error| error.exit())
}

/// Names the simulated labelers beside every flag that takes one.
fn with_labelers(command: Command) -> Command {
    let names = labeler::all().iter().map(|labeler| labeler.name).collect::<Vec<_>>().join(", ");
    let named = |arg: clap::Arg| match arg.get_id().as_str().ends_with("labeler") {
        true => {
            let help = arg.get_help().map(ToString::to_string).unwrap_or_default();
            arg.help(format!("{help} ({names})"))
        }
        false => arg,
    };
    command.mut_subcommands(|sub| sub.mut_args(named))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::subcommand_of;
    use clap::Parser;
    use nudge_session::method::Method;

    /// The help of a command, without its line breaks.
    fn help(command: &str) -> String {
        let mut commands = with_labelers(Arguments::command());
        let help = commands.find_subcommand_mut(command).unwrap().render_long_help().to_string();
        help.split_whitespace().collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn the_command_line_is_consistent() {
        with_labelers(Arguments::command()).debug_assert();
    }

    #[test]
    fn every_method_is_a_command_with_a_flag_for_each_option() {
        for method in Method::all() {
            let info = method.info();
            let help = help(&subcommand_of(info.name));
            assert!(help.starts_with(info.about), "{help}");
            for option in &info.options {
                assert!(help.contains(&format!("--{} <", option.name.replace('_', "-"))), "{}: {help}", option.name);
            }
        }
        let ppo = help("ppo");
        for part in
            ["[default: tab]", "[default: 0.2]", "[default: subtract:1.0]", "[default: 3.5:64.0]", "(happier, shorter"]
        {
            assert!(ppo.contains(part), "{part} is not in {ppo}");
        }
    }

    #[test]
    fn every_command_shows_an_example_that_parses() {
        for sub in Arguments::command().get_subcommands() {
            let help = sub.get_after_help().map(ToString::to_string).unwrap_or_default();
            let examples: Vec<&str> = help.lines().skip(1).collect();
            assert!(!examples.is_empty(), "{}", sub.get_name());
            for example in examples {
                Arguments::try_parse_from(example.split_whitespace()).map(drop).unwrap();
            }
        }
    }
}
