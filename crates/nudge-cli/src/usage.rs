//! Reads the command line and keeps what was given for `run.json`; [`crate::help`] is what it says of itself.

use crate::args::Arguments;
use crate::failure::tell_raw;
use crate::help::command;
use crate::printable::printable;
use crate::provenance::{Given, RunRecord};
use crate::report;
use crate::terminal;
use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::parser::ValueSource;
use clap::{ArgAction, ArgMatches, Command, FromArgMatches};
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
        end(&error)
    })
}

/// Says what clap has to say, broken between words, and ends the process.
fn end(error: &clap::Error) -> ! {
    let (on_stderr, text) = (error.use_stderr(), error.render());
    let text = match terminal::shows_colour(on_stderr) {
        true => text.ansi().to_string(),
        false => printable(&text.to_string()).into_owned(),
    };
    match on_stderr {
        true => tell_raw(text.trim_end()),
        // A reader that went away has read enough.
        false => drop(report::print_raw(&format!("{}\n", terminal::folded(text.trim_end(), terminal::stdout_width())))),
    }
    std::process::exit(error.exit_code())
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
            // An error quotes them, with its own colours.
            words.extend(values.iter().map(|value| printable(value).into_owned()));
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
