//! The commands that tune a policy: one for each method, built of what the method says of itself.

use super::Training;
use crate::flags;
use clap::builder::PossibleValuesParser;
use clap::error::ErrorKind;
use clap::{Arg, ArgMatches, Args, Command, Error, FromArgMatches, Subcommand};
use nudge_session::method::{LearnsFrom, Method, MethodInfo};
use serde_json::{Map, Value};
use std::path::PathBuf;

/// `nudge ppo`, `nudge dpo`, and so on.
pub struct Tune {
    /// The method with its own defaults.
    pub method: Method,
    /// What is tuned.
    pub policy: String,
    /// What it learns from.
    pub material: Material,
    /// What it must not forget, where the method has a loss for that.
    pub pretraining_text: Vec<PathBuf>,
    /// Published options in the place of the method's own.
    pub preset: Option<String>,
    /// Where it goes.
    pub training: Training,
    /// Options that were given as flags.
    pub options: Map<String, Value>,
}

/// What a method learns from.
pub enum Material {
    /// Its own completions, scored by reward models.
    Rewards(Objective),
    /// Completions that others have judged.
    Preferences(Preferences),
}

/// What is tuned.
#[derive(Args)]
struct Policy {
    /// Policy to start from; also the reference of methods that have one
    #[arg(long, value_name = "M")]
    policy: String,
}

/// What is optimised, on which prompts.
#[derive(Args)]
pub struct Objective {
    /// Reward model; several are an ensemble
    #[arg(long, required = true, num_args = 1.., value_name = "DIR")]
    pub reward: Vec<String>,
    /// Prompts
    #[arg(long, value_name = "FILE")]
    pub prompts: PathBuf,
}

/// What was preferred.
#[derive(Args)]
pub struct Preferences {
    /// Rankings or comparisons
    #[arg(long, required_unless_present = "examples", num_args = 1.., value_name = "FILE")]
    pub comparisons: Vec<PathBuf>,
    /// Prompts with the answers that you would give; each is ranked above the model's own completions (DITTO)
    #[arg(long, num_args = 1.., value_name = "FILE")]
    pub examples: Vec<PathBuf>,
}

/// What must not be forgotten.
#[derive(Args)]
struct Pretraining {
    /// Plain text that the policy must not forget, for --ptx-coef (PPO-ptx)
    #[arg(long, num_args = 1.., value_name = "FILE")]
    pretraining_text: Vec<PathBuf>,
}

impl Subcommand for Tune {
    fn augment_subcommands(command: Command) -> Command {
        command.subcommands(Method::all().iter().map(subcommand))
    }

    fn augment_subcommands_for_update(command: Command) -> Command {
        Self::augment_subcommands(command)
    }

    fn has_subcommand(name: &str) -> bool {
        called(name).is_some()
    }
}

impl FromArgMatches for Tune {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, Error> {
        let named = matches.subcommand().and_then(|(name, matches)| Some((called(name)?, matches)));
        let (method, matches) = named.ok_or_else(|| Error::raw(ErrorKind::MissingSubcommand, "no method is named"))?;
        let info = method.info();
        Ok(Self {
            policy: Policy::from_arg_matches(matches)?.policy,
            material: match info.learns_from {
                LearnsFrom::Rewards => Material::Rewards(Objective::from_arg_matches(matches)?),
                LearnsFrom::Rankings | LearnsFrom::Labels => {
                    Material::Preferences(Preferences::from_arg_matches(matches)?)
                }
            },
            pretraining_text: match method.has(PTX) {
                true => Pretraining::from_arg_matches(matches)?.pretraining_text,
                false => vec![],
            },
            preset: matches.try_get_one(PRESET).ok().flatten().cloned(),
            training: Training::from_arg_matches(matches)?,
            options: flags::given(matches, &info.options),
            method,
        })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

/// The option of methods that learn from plain text beside their own completions.
const PTX: &str = "ptx_coef";
const PRESET: &str = "preset";

/// The subcommand of the method of this name: words on a command line are joined by hyphens.
pub fn subcommand_of(name: &str) -> String {
    name.replace('_', "-")
}

/// The method of this subcommand.
fn called(subcommand: &str) -> Option<Method> {
    Method::named(&subcommand.replace('-', "_"))
}

fn subcommand(method: &Method) -> Command {
    let info = method.info();
    let mut command = Policy::augment_args(Command::new(subcommand_of(info.name)));
    command = match info.learns_from {
        LearnsFrom::Rewards => Objective::augment_args(command),
        LearnsFrom::Rankings | LearnsFrom::Labels => Preferences::augment_args(command),
    };
    if method.has(PTX) {
        command = Pretraining::augment_args(command);
    }
    if !info.presets.is_empty() {
        command = command.arg(preset(method, &info));
    }
    command = flags::add(Training::augment_args(command).next_help_heading("Training"), &info.options);
    // Last, as each group of arguments says what it is itself.
    command.about(info.about).after_help(examples(&info))
}

fn preset(method: &Method, info: &MethodInfo) -> Arg {
    let names: Vec<&str> = info.presets.iter().map(|preset| preset.name).collect();
    let own = names.iter().find(|name| method.preset(name).as_ref() == Some(method));
    let default = own.map_or(String::new(), |name| format!(" [default: {name}]"));
    let help = format!("Published options to start from; the file of --config and flags win over them{default}");
    Arg::new(PRESET).long(PRESET).value_name("NAME").value_parser(PossibleValuesParser::new(names)).help(help)
}

fn examples(info: &MethodInfo) -> String {
    let name = subcommand_of(info.name);
    match info.learns_from {
        LearnsFrom::Rewards => format!(
            "Examples:\n  nudge {name} --policy builtin:sft --reward reward --prompts prompts.jsonl --out tuned\n  \
             nudge {name} --policy sft --reward one two three --ensemble min --prompts prompts.jsonl --out tuned"
        ),
        LearnsFrom::Rankings | LearnsFrom::Labels => {
            format!("Example:\n  nudge {name} --policy builtin:sft --comparisons rankings.jsonl --out tuned")
        }
    }
}
