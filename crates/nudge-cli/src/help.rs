//! The commands with their whole help: listed by what they are for, with who can label, and examples that can be copied
//! from a terminal of its width.

use crate::args::Arguments;
use crate::terminal::{self, copied};
use clap::{Command, CommandFactory};
use nudge_session::labeler;

/// Columns of help, at most, where an example is broken.
const WIDTH: usize = 78;
/// Below so many columns, flags and what they mean have no room beside each other.
const NARROW: usize = 60;

/// What commands are for. Where no names stand, those belong that stand nowhere else: the methods.
const SECTIONS: [(&str, &[&str]); 6] = [
    ("The whole loop", &["teach", "demo"]),
    ("Records", &["show", "sample", "rank", "data", "agreement"]),
    ("Training", &["pretrain", "sft", "reward"]),
    ("Tuning", &[]),
    ("Judging and using a model", &["compare", "calibrate", "score", "eval", "inspect", "chat", "export", "hand-over"]),
    ("Nudge itself", &["lab", "bench", "self-check", "completions", "man", "licences"]),
];

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
        command().debug_assert();
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
        let help = command().find_subcommand("compare").unwrap().get_after_help().unwrap().to_string();
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
