//! Reads the command line, completes its help with who can label, and keeps what was given for `run.json`.

use crate::args::Arguments;
use crate::provenance::{Given, RunRecord};
use crate::report;
use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::parser::ValueSource;
use clap::{ArgAction, ArgMatches, Command, CommandFactory, FromArgMatches};
use nudge_session::labeler;
use std::cell::RefCell;
use std::fs;

thread_local! {
    /// What the command that this thread runs was given.
    static GIVEN: RefCell<Given> = RefCell::default();
}

/// Flags that say where a run goes, not what it does: a run that repeats another has its own.
const OWN: [&str; 8] = ["out", "resume", "force", "config", "log", "json", "checkpoint-seconds", "report"];

/// Flags that are called otherwise in other commands.
const SIBLINGS: [&[&str]; 6] = [
    &["model", "policy", "a", "reward"],
    &["data", "comparisons", "rankings", "candidates", "demonstrations", "text", "prompts"],
    &["labeler", "judge", "judge-command"],
    &["lr", "learning-rate"],
    &["k", "n", "completions"],
    &["max-tokens", "max-length", "max-new-tokens"],
];

/// Reads the command line. Wrong usage ends the process with exit code 2.
pub fn parse() -> Arguments {
    let words: Vec<String> = std::env::args_os().map(|word| word.to_string_lossy().into_owned()).collect();
    let as_json = words.iter().any(|word| word == "--json");
    read(words).unwrap_or_else(|error| {
        if as_json && error.use_stderr() {
            let told = error.to_string();
            let reason = told.split("\n\n").next().unwrap_or_default().trim_start_matches("error: ");
            let _ = report::json(&serde_json::json!({ "error": reason, "code": 2 }));
        }
        error.exit()
    })
}

/// Reads the words of a command, the program's name first. From now on they are what [`given`] tells this thread of.
///
/// # Errors
/// Wrong usage.
pub fn read(words: Vec<String>) -> Result<Arguments, clap::Error> {
    let words = repeated(words);
    let command = command();
    let matches =
        command.clone().try_get_matches_from(&words).map_err(|error| with_sibling(error, &command, &words))?;
    GIVEN.set(given_in(&command, &matches));
    Arguments::from_arg_matches(&matches)
}

/// What the command that this thread runs was given.
pub fn given() -> Given {
    GIVEN.with_borrow(Clone::clone)
}

/// The words, and those of the run whose `run.json` is in `--config`, where they say nothing.
fn repeated(mut words: Vec<String>) -> Vec<String> {
    let behind = |(index, word): (usize, &String)| match word.strip_prefix("--config") {
        Some("") => words.get(index + 1).cloned(),
        Some(value) => value.strip_prefix('=').map(str::to_string),
        None => None,
    };
    let config = words.iter().enumerate().find_map(behind).filter(|path| path.ends_with(".json"));
    let record = config.and_then(|path| fs::read_to_string(path).ok());
    let record = record.and_then(|text| serde_json::from_str::<RunRecord>(&text).ok());
    // Another command's run is refused by whoever reads its options.
    let Some(record) = record.filter(|record| words.get(1) == Some(&record.command)) else { return words };
    for (flag, values) in record.arguments.iter().filter(|(flag, _)| !OWN.contains(&flag.as_str())) {
        let name = format!("--{flag}");
        if !words.iter().any(|word| word.split('=').next() == Some(&name)) {
            words.push(name);
            words.extend(values.iter().cloned());
        }
    }
    words
}

fn given_in(command: &Command, matches: &ArgMatches) -> Given {
    let Some((name, matches)) = matches.subcommand() else { return Given::default() };
    let Some(command) = command.find_subcommand(name) else { return Given::default() };
    let flags = command.get_arguments().filter_map(|argument| {
        let id = argument.get_id().as_str();
        let typed =
            matches.try_contains_id(id).unwrap_or(false) && matches.value_source(id) == Some(ValueSource::CommandLine);
        let values = match argument.get_action() {
            ArgAction::SetTrue => vec![],
            _ => matches.get_raw(id)?.map(|value| value.to_string_lossy().into_owned()).collect(),
        };
        typed.then(|| Some((argument.get_long()?.to_string(), values)))?
    });
    Given { command: name.into(), flags: flags.collect() }
}

/// Names the flag of this command that means what another command's flag means.
fn with_sibling(mut error: clap::Error, command: &Command, words: &[String]) -> clap::Error {
    let Some(ContextValue::String(wrong)) = error.get(ContextKind::InvalidArg) else { return error };
    let wrong = wrong.trim_start_matches('-').to_string();
    let called = words.get(1).and_then(|name| command.find_subcommand(name));
    let (Some(called), true) = (called, error.kind() == ErrorKind::UnknownArgument) else { return error };
    let here = |name: &&&str| called.get_arguments().any(|argument| argument.get_long() == Some(**name));
    let siblings = SIBLINGS.iter().find(|names| names.contains(&wrong.as_str()));
    if let Some(meant) = siblings.and_then(|names| names.iter().find(here)) {
        error.insert(ContextKind::SuggestedArg, ContextValue::String(format!("--{meant}")));
    }
    error
}

/// Every command, with its whole help.
pub fn command() -> Command {
    with_examples_to_copy(with_labelers(Arguments::command()))
}

/// Breaks long examples where a shell reads on, so that they can be copied from a terminal of the usual width.
fn with_examples_to_copy(command: Command) -> Command {
    let help = command.get_after_help().map(ToString::to_string);
    let command = match help {
        Some(help) => command.after_help(help.lines().map(to_copy).collect::<Vec<_>>().join("\n")),
        None => command,
    };
    command.mut_subcommands(with_examples_to_copy)
}

fn to_copy(line: &str) -> String {
    let Some(words) = line.strip_prefix("  nudge ") else { return line.into() };
    // Two columns are for the backslash.
    let options = textwrap::Options::new(76).initial_indent("  nudge ").subsequent_indent("      ");
    let options = options.break_words(false).word_splitter(textwrap::WordSplitter::NoHyphenation);
    textwrap::wrap(words, options).join(" \\\n")
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
        super::command().debug_assert();
    }

    #[test]
    fn long_examples_can_be_copied() {
        let help = super::command().find_subcommand("compare").unwrap().get_after_help().unwrap().to_string();
        let example: Vec<&str> = help.lines().skip(1).collect();
        assert!(example.len() == 2 && example[0].ends_with(" \\") && example[1].starts_with("      "), "{help}");
        assert!(example.iter().all(|line| line.len() < 80), "{help}");
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
