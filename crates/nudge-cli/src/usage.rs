//! Reads the command line, and completes its help with what the libraries know: defaults and labelers.

use crate::args::Arguments;
use crate::options::object;
use clap::{CommandFactory, FromArgMatches};
use nudge_rlhf::PpoOptions;
use nudge_session::Session;
use nudge_session::options::{
    BestOfOptions, CompareOptions, DpoOptions, EvalOptions, GrpoOptions, KtoOptions, OrpoOptions, PpoStageOptions,
    PretrainOptions, ReinforceOptions, RewardOptions, RlooOptions, SampleOptions, SftOptions,
};
use serde::Serialize;
use serde_json::{Map, Value};

/// Reads the command line. Wrong usage ends the process with exit code 2.
pub fn parse() -> Arguments {
    let matches = with_defaults(Arguments::command()).get_matches();
    Arguments::from_arg_matches(&matches).unwrap_or_else(|error| error.exit())
}

/// Adds to each option's help the default that its stage has.
fn with_defaults(command: clap::Command) -> clap::Command {
    let mut ppo = defaults(&PpoStageOptions::default());
    ppo.extend(defaults(&PpoOptions::default()));
    let all = [
        ("pretrain", defaults(&PretrainOptions::default())),
        ("sft", defaults(&SftOptions::default())),
        ("sample", defaults(&SampleOptions::default())),
        ("chat", defaults(&SampleOptions::default())),
        ("reward", defaults(&RewardOptions::default())),
        ("ppo", ppo),
        ("grpo", defaults(&GrpoOptions::default())),
        ("rloo", defaults(&RlooOptions::default())),
        ("reinforce", defaults(&ReinforceOptions::default())),
        ("dpo", defaults(&DpoOptions::default())),
        ("kto", defaults(&KtoOptions::default())),
        ("orpo", defaults(&OrpoOptions::default())),
        ("best-of", defaults(&BestOfOptions::default())),
        ("compare", defaults(&CompareOptions::default())),
        ("eval", defaults(&EvalOptions::default())),
        ("rank", Map::new()),
        ("demo", Map::new()),
    ];
    all.into_iter().fold(command, |command, (name, values)| {
        command.mut_subcommand(name, |sub| sub.mut_args(|arg| with_default(arg, &values)))
    })
}

/// Adds a default, a short name for a number, and who labels.
fn with_default(arg: clap::Arg, values: &Map<String, Value>) -> clap::Arg {
    let help = arg.get_help().map(ToString::to_string).unwrap_or_default();
    let arg =
        if arg.get_id().as_str().ends_with("labeler") { arg.help(format!("{help} ({})", labelers())) } else { arg };
    let help = arg.get_help().map(ToString::to_string).unwrap_or_default();
    match values.get(arg.get_id().as_str()) {
        Some(Value::Object(rule)) => {
            // A choice with its number is NAME:NUMBER, several numbers are joined as the flag reads them.
            let rule: Vec<String> = match rule.iter().next() {
                Some((name, value)) if rule.len() == 1 => vec![name.clone(), value.to_string()],
                _ => rule.values().map(Value::to_string).collect(),
            };
            arg.help(format!("{help} [default: {}]", rule.join(":"))).value_name("RULE")
        }
        Some(Value::Null) => arg.help(format!("{help} [default: off]")),
        Some(Value::String(value)) => arg.help(format!("{help} [default: {value}]")),
        Some(Value::Bool(value)) => arg.help(format!("{help} [default: {value}]")).value_name("BOOL"),
        Some(value) if value.is_u64() => arg.help(format!("{help} [default: {value}]")).value_name("N"),
        Some(value) => arg.help(format!("{help} [default: {value}]")).value_name("X").value_parser(finite),
        None => arg,
    }
}

/// A number, but not `nan` or `inf`, which no option can mean.
fn finite(text: &str) -> Result<f32, String> {
    match text.parse::<f32>() {
        Ok(number) if number.is_finite() => Ok(number),
        _ => Err("give a number".into()),
    }
}

fn labelers() -> String {
    Session::labelers().into_iter().map(|labeler| labeler.name).collect::<Vec<_>>().join(", ")
}

fn defaults(options: &impl Serialize) -> Map<String, Value> {
    object(options).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[test]
    fn the_command_line_is_consistent() {
        with_defaults(Arguments::command()).debug_assert();
    }

    #[test]
    fn every_option_of_a_stage_is_a_flag_with_its_default() {
        let mut command = with_defaults(Arguments::command());
        let help = command.find_subcommand_mut("ppo").unwrap().render_long_help().to_string();
        let help = help.split_whitespace().collect::<Vec<_>>().join(" ");
        for name in defaults(&PpoOptions::default()).keys() {
            assert!(help.contains(&format!("--{}", name.replace('_', "-"))), "{name}");
        }
        assert!(
            help.contains("[default: 0.2]")
                && help.contains("[default: subtract:1.0]")
                && help.contains("[default: 3.5:64.0]"),
            "{help}"
        );
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
