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
    ("The loop, and its steps", &["teach", "show", "sample", "rank", "dpo", "compare", "chat"]),
    ("Records", &["data", "agreement"]),
    ("Training", &["pretrain", "sft", "reward"]),
    ("Other ways to tune", &[]),
    ("Judging and using a model", &["calibrate", "score", "eval", "report", "inspect", "export", "hand-over"]),
    ("Nudge itself", &["demo", "lab", "bench", "self-check", "completions", "man", "licences"]),
];

/// Flags of a command from which on -h shows only those that people use.
const MANY_FLAGS: usize = 20;
/// Those, beside the ones that a command cannot do without.
const USED: [&str; 22] = [
    "out",
    "resume",
    "force",
    "learning_rate",
    "epochs",
    "episodes",
    "batch_size",
    "k",
    "beta",
    "kl_coef",
    "max_new_tokens",
    "temperature",
    "seed",
    "method",
    "rankings",
    "comparisons",
    "examples",
    "labeler",
    "judge_command",
    "pairs",
    "report",
    "device",
];

/// Every command, with its whole help.
pub fn command() -> Command {
    command_within(terminal::stdout_width().unwrap_or(WIDTH))
}

/// The same for a terminal of so many columns.
fn command_within(width: usize) -> Command {
    let command = with_short_help(with_labelers(Arguments::command()));
    let command = with_sections(with_examples_to_copy(command, width.min(WIDTH)), width);
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

/// Leaves most flags of commands that have many to --help.
fn with_short_help(command: Command) -> Command {
    command.mut_subcommands(|sub| {
        if sub.get_arguments().count() < MANY_FLAGS {
            return sub;
        }
        sub.mut_args(|arg| {
            let is_used = arg.is_required_set() || USED.contains(&arg.get_id().as_str());
            arg.hide_short_help(!is_used)
        })
    })
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
        let methods = Method::all().into_iter().map(|method| subcommand_of(method.info().name));
        assert!(methods.into_iter().all(|method| listed.contains(&method.as_str())), "{listed:?}");
    }

    #[test]
    fn short_help_fits_a_screen_and_long_help_has_every_flag() {
        for name in ["ppo", "dpo", "sft", "teach", "compare"] {
            let mut whole = command_within(80).term_width(80);
            whole.build();
            let sub = whole.find_subcommand_mut(name).unwrap();
            let (short, long) = (sub.render_help().to_string(), sub.render_long_help().to_string());
            let out = if name == "compare" { "--pairs" } else { "--out" };
            assert!(short.lines().count() <= 60 && short.contains(out), "{short}");
            let flags: Vec<String> =
                sub.get_arguments().filter_map(|arg| Some(format!("--{}", arg.get_long()?))).collect();
            assert!(flags.iter().all(|flag| long.contains(flag)), "{long}");
        }
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
