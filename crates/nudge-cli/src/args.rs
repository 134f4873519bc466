//! The command line: what can be asked for, with an example for each command.

use crate::device::DeviceChoice;
use crate::options::{
    ChatFlags, CompareFlags, EvalFlags, PpoAlgorithmFlags, PpoFlags, PretrainFlags, RewardFlags, SampleFlags, SftFlags,
    object,
};
use clap::{Args, CommandFactory, FromArgMatches, Parser, Subcommand};
use nudge_rlhf::{PpoOptions, PpoPreset};
use nudge_session::options::{
    CompareOptions, EvalOptions, PpoStageOptions, PretrainOptions, RewardOptions, SampleOptions, SftOptions,
};
use serde::Serialize;
use serde_json::{Map, Value};
use std::path::PathBuf;

const MODELS: &str = "A model M is a folder (config.json, model.safetensors, tokenizer.json, ...), builtin:base or builtin:sft.\n\
    All other files are JSONL, one record a line.";

/// Teach a small language model what you like: pretrain, instruct, rank, reward, PPO, compare.
#[derive(Parser)]
#[command(name = "nudge", version, after_help = MODELS, arg_required_else_help = true)]
pub struct Arguments {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The commands.
#[derive(Subcommand)]
pub enum Command {
    /// Train a tokenizer and a base model on plain text (records end with <|endoftext|>)
    #[command(after_help = "Example:\n  nudge pretrain --text stories.txt --out base --epochs 4")]
    Pretrain(Pretrain),
    /// Instruction tuning: imitate demonstrations {"prompt","completion"}
    #[command(after_help = "Example:\n  nudge sft --model base --data demonstrations.jsonl --out sft")]
    Sft(Sft),
    /// Sample k answers to each prompt {"prompt"}
    #[command(
        after_help = "Example:\n  nudge sample --model builtin:sft --prompts prompts.jsonl --k 4 --temperature 1.0 --out candidates.jsonl"
    )]
    Sample(Sample),
    /// Rank sampled answers: a person at the terminal, or a simulated labeler
    #[command(
        after_help = "Examples:\n  nudge rank --candidates candidates.jsonl --out rankings.jsonl\n  nudge rank --candidates candidates.jsonl --out rankings.jsonl --labeler happier"
    )]
    Rank(Rank),
    /// Train a reward model on rankings or comparisons {"prompt","chosen","rejected"}
    #[command(after_help = "Example:\n  nudge reward --model builtin:sft --comparisons rankings.jsonl --out reward")]
    Reward(Reward),
    /// Optimise a policy against a reward model, on a KL leash to where it started
    #[command(
        after_help = "Example:\n  nudge ppo --policy builtin:sft --reward reward --prompts prompts.jsonl --out tuned --episodes 1024"
    )]
    Ppo(Ppo),
    /// Score completions with a reward model
    #[command(after_help = "Example:\n  nudge score --reward reward --data candidates.jsonl --out scored.jsonl")]
    Score(Score),
    /// Let two models answer the same prompts and count who wins
    #[command(
        after_help = "Example:\n  nudge compare --a tuned --b builtin:sft --prompts prompts.jsonl --labeler happier"
    )]
    Compare(Compare),
    /// Measure nats per token and per character of a text
    #[command(after_help = "Example:\n  nudge eval --model builtin:base --text heldout.txt --json")]
    Eval(Eval),
    /// Talk to a model; every line is a prompt of its own
    #[command(after_help = "Example:\n  nudge chat --model builtin:sft --temperature 0.7")]
    Chat(Chat),
    /// The whole loop on the built-in model with a simulated labeler
    #[command(after_help = "Example:\n  nudge demo --labeler happier --out demo")]
    Demo(Demo),
    /// Measure tokens per second of SFT, sampling, reward and PPO
    #[command(after_help = "Example:\n  nudge bench --size builtin --json")]
    Bench(Bench),
}

/// Flags of every command that runs a model.
#[derive(Args)]
pub struct Common {
    /// Where to compute
    #[arg(long, value_enum, default_value_t = DeviceChoice::Auto)]
    pub device: DeviceChoice,
    /// Print one JSON object instead of text
    #[arg(long)]
    pub json: bool,
}

/// Flags of commands with options and steps.
#[derive(Args)]
pub struct Steps {
    /// TOML file of options; flags win over it
    #[arg(long, value_name = "FILE.toml")]
    pub config: Option<PathBuf>,
    /// Log one JSON object a step to this file
    #[arg(long, value_name = "FILE.jsonl")]
    pub log: Option<PathBuf>,
}

/// Flags of commands that write what can be resumed.
#[derive(Args)]
pub struct Output {
    /// Where to write; must not exist
    #[arg(long)]
    pub out: PathBuf,
    /// Continue the run in --out; repeat the other options
    #[arg(long, conflicts_with = "force")]
    pub resume: bool,
    /// Replace what --out holds
    #[arg(long)]
    pub force: bool,
    /// Seconds between two checkpoints
    #[arg(long, default_value_t = 60)]
    pub checkpoint_seconds: u64,
}

/// `nudge pretrain`
#[derive(Args)]
pub struct Pretrain {
    /// Text files
    #[arg(long, required = true, num_args = 1.., value_name = "FILE")]
    pub text: Vec<PathBuf>,
    #[command(flatten)]
    pub output: Output,
    #[command(flatten)]
    pub steps: Steps,
    #[command(flatten)]
    pub common: Common,
    #[command(flatten)]
    pub options: PretrainFlags,
}

/// `nudge sft`
#[derive(Args)]
pub struct Sft {
    /// Model to start from
    #[arg(long, value_name = "M")]
    pub model: String,
    /// Demonstrations
    #[arg(long, required = true, num_args = 1.., value_name = "FILE")]
    pub data: Vec<PathBuf>,
    #[command(flatten)]
    pub output: Output,
    #[command(flatten)]
    pub steps: Steps,
    #[command(flatten)]
    pub common: Common,
    #[command(flatten)]
    pub options: SftFlags,
}

/// `nudge sample`
#[derive(Args)]
pub struct Sample {
    /// Model that answers
    #[arg(long, value_name = "M")]
    pub model: String,
    /// Prompts
    #[arg(long, value_name = "FILE")]
    pub prompts: PathBuf,
    #[command(flatten)]
    pub output: Output,
    #[command(flatten)]
    pub steps: Steps,
    #[command(flatten)]
    pub common: Common,
    #[command(flatten)]
    pub options: SampleFlags,
}

/// `nudge rank`
#[derive(Args)]
pub struct Rank {
    /// Sampled answers
    #[arg(long, value_name = "FILE")]
    pub candidates: PathBuf,
    /// Simulated labeler that ranks; without it a person does, here
    #[arg(long, value_name = "NAME")]
    pub labeler: Option<String>,
    /// Name that a person's rankings bear [default: $USER, else person]
    #[arg(long, value_name = "NAME", conflicts_with = "labeler")]
    pub labeler_name: Option<String>,
    /// Seed of the order in which a person sees answers
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    #[command(flatten)]
    pub output: Output,
    /// Print one JSON object instead of text
    #[arg(long)]
    pub json: bool,
}

/// `nudge reward`
#[derive(Args)]
pub struct Reward {
    /// Model to start from
    #[arg(long, value_name = "M")]
    pub model: String,
    /// Rankings or comparisons
    #[arg(long, required = true, num_args = 1.., value_name = "FILE")]
    pub comparisons: Vec<PathBuf>,
    #[command(flatten)]
    pub output: Output,
    #[command(flatten)]
    pub steps: Steps,
    #[command(flatten)]
    pub common: Common,
    #[command(flatten)]
    pub options: RewardFlags,
}

/// `nudge ppo`
#[derive(Args)]
pub struct Ppo {
    /// Policy to start from; also the reference
    #[arg(long, value_name = "M")]
    pub policy: String,
    /// Reward model
    #[arg(long, value_name = "DIR")]
    pub reward: String,
    /// Prompts
    #[arg(long, value_name = "FILE")]
    pub prompts: PathBuf,
    /// Published options of the algorithm: instructgpt, stiennon, nplus, lm-human-preferences, trl, tab
    #[arg(long, value_name = "NAME", help_heading = "Algorithm")]
    pub preset: Option<PpoPreset>,
    #[command(flatten)]
    pub output: Output,
    #[command(flatten)]
    pub steps: Steps,
    #[command(flatten)]
    pub common: Common,
    #[command(flatten)]
    pub options: PpoFlags,
    #[command(flatten)]
    pub algorithm: PpoAlgorithmFlags,
}

/// `nudge score`
#[derive(Args)]
pub struct Score {
    /// Reward model
    #[arg(long, value_name = "DIR")]
    pub reward: String,
    /// Records with completions
    #[arg(long, value_name = "FILE")]
    pub data: PathBuf,
    #[command(flatten)]
    pub output: Output,
    #[command(flatten)]
    pub common: Common,
}

/// `nudge compare`
#[derive(Args)]
pub struct Compare {
    /// First model: a win is a win of this one
    #[arg(long, value_name = "M")]
    pub a: String,
    /// Second model
    #[arg(long, value_name = "M")]
    pub b: String,
    /// Prompts
    #[arg(long, value_name = "FILE")]
    pub prompts: PathBuf,
    /// Simulated labeler that judges
    #[arg(long, value_name = "NAME", required_unless_present = "reward", conflicts_with = "reward")]
    pub labeler: Option<String>,
    /// Reward model that judges
    #[arg(long, value_name = "DIR")]
    pub reward: Option<String>,
    #[command(flatten)]
    pub steps: Steps,
    #[command(flatten)]
    pub common: Common,
    #[command(flatten)]
    pub options: CompareFlags,
    /// Write every pair of answers to this file
    #[arg(long, value_name = "FILE")]
    pub pairs: Option<PathBuf>,
    /// Replace the file of --pairs
    #[arg(long)]
    pub force: bool,
}

/// `nudge eval`
#[derive(Args)]
pub struct Eval {
    /// Model to measure
    #[arg(long, value_name = "M")]
    pub model: String,
    /// Text
    #[arg(long, value_name = "FILE")]
    pub text: PathBuf,
    #[command(flatten)]
    pub steps: Steps,
    #[command(flatten)]
    pub common: Common,
    #[command(flatten)]
    pub options: EvalFlags,
}

/// `nudge chat`
#[derive(Args)]
pub struct Chat {
    /// Model to talk to
    #[arg(long, value_name = "M", default_value = "builtin:sft")]
    pub model: String,
    /// Where to compute
    #[arg(long, value_enum, default_value_t = DeviceChoice::Auto)]
    pub device: DeviceChoice,
    #[command(flatten)]
    pub options: ChatFlags,
}

/// `nudge demo`
#[derive(Args)]
pub struct Demo {
    /// Simulated labeler that ranks and judges
    #[arg(long, value_name = "NAME", default_value = "happier")]
    pub labeler: String,
    /// Folder for everything that is made
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Replace what --out holds
    #[arg(long)]
    pub force: bool,
    /// A smaller run, to see that it works
    #[arg(long)]
    pub quick: bool,
    /// Seed of everything
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    #[command(flatten)]
    pub common: Common,
}

/// `nudge bench`
#[derive(Args)]
pub struct Bench {
    /// Model to measure with
    #[arg(long, value_enum, default_value_t = crate::command::bench::Size::Builtin)]
    pub size: crate::command::bench::Size,
    /// Measured steps of each phase
    #[arg(long, default_value_t = 5)]
    pub repeats: usize,
    /// Seed of weights and noise
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    #[command(flatten)]
    pub common: Common,
}

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
        ("compare", defaults(&CompareOptions::default())),
        ("eval", defaults(&EvalOptions::default())),
    ];
    all.into_iter().fold(command, |command, (name, values)| {
        command.mut_subcommand(name, |sub| sub.mut_args(|arg| with_default(arg, &values)))
    })
}

fn with_default(arg: clap::Arg, values: &Map<String, Value>) -> clap::Arg {
    let help = arg.get_help().map(ToString::to_string).unwrap_or_default();
    match values.get(arg.get_id().as_str()) {
        Some(Value::Object(rule)) => {
            let rules: Vec<String> = rule.iter().map(|(name, value)| format!("{name}:{value}")).collect();
            arg.help(format!("{help} [default: {}]", rules.join(" ")))
        }
        Some(Value::Null) => arg.help(format!("{help} [default: off]")),
        Some(Value::String(value)) => arg.help(format!("{help} [default: {value}]")),
        Some(value) => arg.help(format!("{help} [default: {value}]")),
        None => arg,
    }
}

fn defaults(options: &impl Serialize) -> Map<String, Value> {
    object(options).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

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
        assert!(help.contains("[default: 0.05]") && help.contains("[default: subtract:1.0]"), "{help}");
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
