//! Reads the command line, completes its help with who can label, and keeps what was given for `run.json`.

use crate::args::Arguments;
use crate::failure::tell;
use crate::provenance::{Given, RunRecord};
use crate::report;
use crate::terminal::{self, copied};
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

/// Columns of help, at most, where an example is broken.
const WIDTH: usize = 78;
/// Below so many columns, flags and what they mean have no room beside each other.
const NARROW: usize = 60;

/// Flags that say where a run goes, not what it does: a run that repeats another has its own.
const OWN: [&str; 8] = ["out", "resume", "force", "config", "log", "json", "checkpoint-seconds", "report"];

/// What commands are for. Where no names stand, those belong that stand nowhere else: the methods.
const SECTIONS: [(&str, &[&str]); 6] = [
    ("The whole loop", &["teach", "demo"]),
    ("Records", &["sample", "rank", "data", "agreement"]),
    ("Training", &["pretrain", "sft", "reward"]),
    ("Tuning", &[]),
    ("Judging and using a model", &["compare", "calibrate", "score", "eval", "inspect", "chat", "export", "hand-over"]),
    ("Nudge itself", &["lab", "bench", "self-check", "completions", "man", "licences"]),
];

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
    let text = if terminal::shows_colour(on_stderr) { text.ansi().to_string() } else { text.to_string() };
    match on_stderr {
        true => tell(text.trim_end()),
        // A reader that went away has read enough.
        false => drop(report::line(text.trim_end())),
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
    command_within(terminal::stdout_width().unwrap_or(WIDTH))
}

/// The same for a terminal of so many columns.
fn command_within(width: usize) -> Command {
    let command = with_sections(with_examples_to_copy(with_labelers(Arguments::command()), width.min(WIDTH)), width);
    if width < NARROW { with_help_below(command) } else { command }
}

/// Lists the commands by what they are for.
fn with_sections(command: Command, width: usize) -> Command {
    let header = *command.get_styles().get_header();
    let sections = sections(&command).into_iter().map(|(title, commands)| {
        let lines = commands.into_iter().map(|sub| {
            let about = sub.get_about().map(ToString::to_string).unwrap_or_default();
            let line = format!("  {:<11}  {about}", sub.get_name());
            terminal::folded(&line, Some(width))
        });
        format!("{header}{title}:{header:#}\n{}\n\n", lines.collect::<Vec<_>>().join("\n"))
    });
    let sections: String = sections.collect();
    let template = format!(
        "{{about-with-newline}}\n{{usage-heading}} {{usage}}\n\n{sections}{header}Options:{header:#}\n{{options}}{{after-help}}"
    );
    command.help_template(template)
}

/// The commands by section. What no section names tunes a model, or does what tuning would.
fn sections(command: &Command) -> Vec<(&'static str, Vec<&Command>)> {
    let named = |name: &str| SECTIONS.iter().any(|(_, names)| names.contains(&name));
    let of = |names: &[&str]| {
        let is_here =
            |sub: &&Command| if names.is_empty() { !named(sub.get_name()) } else { names.contains(&sub.get_name()) };
        command.get_subcommands().filter(is_here).collect()
    };
    SECTIONS.iter().map(|(title, names)| (*title, of(names))).collect()
}

/// In a narrow terminal, what a flag means stands below it.
fn with_help_below(command: Command) -> Command {
    command.next_line_help(true).mut_subcommands(with_help_below)
}

/// Breaks long examples where a shell reads on, so that they can be copied from a terminal of this width.
fn with_examples_to_copy(command: Command, width: usize) -> Command {
    let help = command.get_after_help().map(ToString::to_string);
    let command = match help {
        Some(help) => {
            let to_copy = |line: &str| if line.starts_with("  nudge ") { copied(line, width) } else { line.into() };
            command.after_help(help.lines().map(to_copy).collect::<Vec<_>>().join("\n"))
        }
        None => command,
    };
    command.mut_subcommands(|sub| with_examples_to_copy(sub, width))
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

    /// Every command, also those of a command; `help` shows the help of another.
    fn all(command: &Command) -> Vec<Command> {
        let inner = command.get_subcommands().filter(|sub| sub.get_name() != "help").flat_map(all);
        std::iter::once(command.clone()).chain(inner).collect()
    }

    #[test]
    fn no_line_of_help_is_wider_than_the_terminal() {
        for width in [80, 40] {
            let mut whole = command_within(width).term_width(width);
            whole.build();
            for mut command in all(&whole) {
                let help = terminal::folded(&command.render_help().to_string(), Some(width));
                let wide = help.lines().find(|line| textwrap::core::display_width(line) > width);
                assert_eq!(wide, None, "{} at {width}", command.get_name());
            }
        }
    }

    #[test]
    fn every_command_is_in_one_section() {
        let command = Arguments::command();
        let named: Vec<&str> = SECTIONS.iter().flat_map(|(_, names)| names.iter().copied()).collect();
        named.iter().for_each(|name| assert!(command.find_subcommand(name).is_some(), "{name}"));
        let listed: Vec<&str> =
            sections(&command).into_iter().flat_map(|(_, commands)| commands).map(Command::get_name).collect();
        assert_eq!(listed.len(), command.get_subcommands().count(), "{listed:?}");
        assert!(Method::all().iter().all(|method| !named.contains(&method.info().name)));
    }

    #[test]
    fn help_of_more_than_a_screen_is_in_sections() {
        let mut whole = command_within(80).term_width(80);
        whole.build();
        for mut command in all(&whole) {
            let help = command.render_help().to_string();
            let sections = help.lines().filter(|line| line.ends_with(':') && !line.starts_with(' ')).count();
            assert!(help.lines().count() <= 50 || sections >= 3, "{}: {help}", command.get_name());
        }
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
