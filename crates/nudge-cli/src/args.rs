//! The command line: what can be asked for, with an example for each command.

mod data;
mod lab;
mod rank;
mod training;

pub use data::{Convert, Data, DataCommand, Inspect, Merge, Mix, Split};
pub use lab::{Lab, LabCommand, LabFrontier, LabInstruct, LabMethods, LabOracle, LabPreferences, Rows};
pub use rank::{Choose, Rank};
pub use training::{
    Dpo, Grpo, Kto, Objective, Orpo, PolicyGradient, Ppo, Preferences, Pretrain, Reward, Sft, Training,
};

use crate::device::DeviceChoice;
use crate::flags::{BestOfFlags, ChatFlags, CompareFlags, EvalFlags, SampleFlags};
use crate::input::Reading;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, Parser, Subcommand};
use nudge_session::bench::{Phase, Size};
use std::path::PathBuf;

const MODELS: &str = "A model M is a folder (config.json, model.safetensors, tokenizer.json, ...), builtin:base or builtin:sft.\n\
    Records are read in any format of the field (`nudge data inspect FILE` shows what is understood), written as JSONL.";

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
    /// Instruction tuning: imitate demonstrations, in any format
    #[command(
        after_help = "Examples:\n  nudge sft --model base --data demonstrations.jsonl --out sft\n  nudge sft --model base --data demonstrations.jsonl --stories stories.txt --cap 400 --out sft"
    )]
    Sft(Sft),
    /// Sample k answers to each prompt {"prompt"}
    #[command(
        after_help = "Example:\n  nudge sample --model builtin:sft --prompts prompts.jsonl --k 4 --temperature 1.0 --out candidates.jsonl"
    )]
    Sample(Sample),
    /// Rank sampled answers: a person at the terminal, or a simulated labeler
    #[command(
        after_help = "Examples:\n  nudge rank --candidates candidates.jsonl --out rankings.jsonl --repeat 0.1\n  nudge rank --candidates candidates.jsonl --out rankings.jsonl --reward one two three --limit 50\n  nudge rank --candidates candidates.jsonl --out rankings.jsonl --labeler happier"
    )]
    Rank(Rank),
    /// Files of records, in any format: inspect, convert, mix, split by prompt, merge labelers
    #[command(
        after_help = "Examples:\n  nudge data inspect alpaca.json\n  nudge data convert --to preference oasst_trees.jsonl.gz pairs.jsonl"
    )]
    Data(Data),
    /// Train a reward model on rankings or comparisons {"prompt","chosen","rejected"}
    #[command(after_help = "Example:\n  nudge reward --model builtin:sft --comparisons rankings.jsonl --out reward")]
    Reward(Reward),
    /// Measure a reward model on rankings: accuracy by margin and length, calibration
    #[command(after_help = "Example:\n  nudge calibrate --reward reward --comparisons heldout.jsonl")]
    Calibrate(Calibrate),
    /// How often labelers agree with themselves, on screens ranked twice, and with each other; preferences in a circle
    #[command(after_help = "Example:\n  nudge agreement --rankings mine.jsonl yours.jsonl")]
    Agreement(Agreement),
    /// Optimise a policy against a reward model, on a KL leash to where it started, with a value model (PPO)
    #[command(
        after_help = "Examples:\n  nudge ppo --policy builtin:sft --reward reward --prompts prompts.jsonl --out tuned --episodes 1024\n  nudge ppo --policy sft --reward one two three --ensemble min --prompts prompts.jsonl --out tuned"
    )]
    Ppo(Box<Ppo>),
    /// Optimise a policy against a reward model, each answer measured against its group (GRPO)
    #[command(
        after_help = "Example:\n  nudge grpo --policy builtin:sft --reward reward --prompts prompts.jsonl --out tuned --k 8"
    )]
    Grpo(Box<Grpo>),
    /// Optimise a policy against a reward model, each answer measured against the mean of its group's others (RLOO)
    #[command(
        after_help = "Example:\n  nudge rloo --policy builtin:sft --reward reward --prompts prompts.jsonl --out tuned --k 4"
    )]
    Rloo(Box<PolicyGradient>),
    /// Optimise a policy against a reward model, each answer measured against all earlier rewards (REINFORCE)
    #[command(
        after_help = "Example:\n  nudge reinforce --policy builtin:sft --reward reward --prompts prompts.jsonl --out tuned"
    )]
    Reinforce(Box<PolicyGradient>),
    /// Tune a policy on rankings or comparisons themselves, without reward model and sampling (DPO)
    #[command(after_help = "Example:\n  nudge dpo --policy builtin:sft --comparisons rankings.jsonl --out tuned")]
    Dpo(Dpo),
    /// Tune a policy on answers that are good or bad each by itself, as rankings say (KTO)
    #[command(after_help = "Example:\n  nudge kto --policy builtin:sft --comparisons rankings.jsonl --out tuned")]
    Kto(Kto),
    /// Tune a policy on rankings while it imitates the better answers, without a reference (ORPO)
    #[command(after_help = "Example:\n  nudge orpo --policy builtin:sft --comparisons rankings.jsonl --out tuned")]
    Orpo(Orpo),
    /// Draw n answers to each prompt and keep the one that a reward model likes best; nothing is trained
    #[command(
        after_help = "Example:\n  nudge best-of --n 8 --policy builtin:sft --reward reward --prompts prompts.jsonl --out best.jsonl"
    )]
    BestOf(BestOf),
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
    /// Measurements of the methods themselves
    #[command(after_help = "Example:\n  nudge lab methods --labelers happier --seeds 1 --quick")]
    Lab(Lab),
    /// Measure tokens per second of SFT, sampling, reward and PPO
    #[command(after_help = "Example:\n  nudge bench --size tiny small --phase sft ppo --repeats 7 --json")]
    Bench(Bench),
    /// Check that the device computes what it should: operations, a training step, log-probabilities
    #[command(after_help = "Example:\n  nudge self-check --device auto --json")]
    SelfCheck(SelfCheck),
}

/// Flags of every command that runs a model.
#[derive(Args)]
pub struct Common {
    /// Where to compute: auto, cpu, wgpu or cuda; auto takes the first of cuda, wgpu and cpu that can be opened
    #[arg(long, value_enum, hide_possible_values = true, default_value_t = DeviceChoice::Auto)]
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
    /// Log one JSON object a step to this file; training without it logs to log.jsonl in --out
    #[arg(long, value_name = "FILE.jsonl")]
    pub log: Option<PathBuf>,
}

/// Flags of commands that write what can be resumed.
#[derive(Args)]
pub struct Output {
    /// Where to write; it must not exist yet
    #[arg(long, value_name = "PATH")]
    pub out: PathBuf,
    /// Continue the run in --out; repeat the other options
    #[arg(long, conflicts_with = "force")]
    pub resume: bool,
    /// Replace what --out holds
    #[arg(long)]
    pub force: bool,
    /// Seconds between two checkpoints
    #[arg(long, value_name = "N", default_value_t = 60)]
    pub checkpoint_seconds: u64,
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

/// `nudge best-of`
#[derive(Args)]
pub struct BestOf {
    /// Policy that answers
    #[arg(long, value_name = "M")]
    pub policy: String,
    /// Reward model; several are an ensemble
    #[arg(long, required = true, num_args = 1.., value_name = "DIR")]
    pub reward: Vec<String>,
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
    pub options: BestOfFlags,
}

/// `nudge calibrate`
#[derive(Args)]
pub struct Calibrate {
    /// Reward model
    #[arg(long, value_name = "DIR")]
    pub reward: String,
    /// Rankings or comparisons that it has not learnt from
    #[arg(long, required = true, num_args = 1.., value_name = "FILE")]
    pub comparisons: Vec<PathBuf>,
    #[command(flatten)]
    pub reading: Reading,
    #[command(flatten)]
    pub common: Common,
}

/// `nudge agreement`
#[derive(Args)]
pub struct Agreement {
    /// Rankings
    #[arg(long, required = true, num_args = 1.., value_name = "FILE")]
    pub rankings: Vec<PathBuf>,
    /// Print one JSON object instead of text
    #[arg(long)]
    pub json: bool,
}

/// `nudge compare`
#[derive(Args)]
#[command(group(clap::ArgGroup::new("judge").required(true).args(["labeler", "reward"])))]
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
    #[arg(long, value_name = "NAME")]
    pub labeler: Option<String>,
    /// Reward model that judges
    #[arg(long, value_name = "DIR")]
    pub reward: Option<String>,
    /// Reward model that chooses among the answers of --a where --best-of is more than 1
    #[arg(long, value_name = "DIR")]
    pub best_of_reward: Option<String>,
    #[command(flatten)]
    pub steps: Steps,
    #[command(flatten)]
    pub common: Common,
    #[command(flatten)]
    pub options: CompareFlags,
    /// Write every pair of answers to this file; only a run that does so can be resumed
    #[arg(long, value_name = "FILE")]
    pub pairs: Option<PathBuf>,
    /// Continue the run that writes --pairs; repeat the other options
    #[arg(long, requires = "pairs", conflicts_with = "force")]
    pub resume: bool,
    /// Replace the file of --pairs
    #[arg(long)]
    pub force: bool,
    /// Seconds between two checkpoints of a run with --pairs
    #[arg(long, value_name = "N", default_value_t = 60, requires = "pairs")]
    pub checkpoint_seconds: u64,
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
    /// Where to compute: auto, cpu, wgpu or cuda; auto takes the first of cuda, wgpu and cpu that can be opened
    #[arg(long, value_enum, hide_possible_values = true, default_value_t = DeviceChoice::Auto)]
    pub device: DeviceChoice,
    #[command(flatten)]
    pub options: ChatFlags,
}

/// `nudge demo`
#[derive(Args)]
pub struct Demo {
    /// Model that answers and is tuned
    #[arg(long, value_name = "M", default_value = "builtin:sft")]
    pub model: String,
    /// Base model under which the report reads the answers
    #[arg(long, value_name = "M", default_value = "builtin:base")]
    pub base: String,
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
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,
    #[command(flatten)]
    pub common: Common,
}

/// Parses the names of the session's own choices.
fn one_of<T: Copy + Send + Sync + 'static>(
    choices: &'static [T],
    name: impl Fn(T) -> &'static str + Copy + Send + Sync + 'static,
) -> impl TypedValueParser<Value = T> {
    let names: Vec<&'static str> = choices.iter().map(|choice| name(*choice)).collect();
    let chosen = move |text: String| choices.iter().copied().find(|choice| name(*choice) == text);
    PossibleValuesParser::new(names).try_map(move |text| chosen(text).ok_or("not one of the choices"))
}

/// `nudge bench`
#[derive(Args)]
pub struct Bench {
    /// Shapes of the model: test (32 wide, 2 layers), tiny (128, 4), builtin (the built-in model's), small (256, 6),
    /// medium (SmolLM2-135M's)
    #[arg(long, alias = "sizes", num_args = 1.., value_delimiter = ',', hide_possible_values = true, default_value = "tiny",
        value_parser = one_of(&Size::ALL, Size::name))]
    pub size: Vec<Size>,
    /// What to measure: sft, reward, rollout, ppo (with its parts)
    #[arg(long, alias = "phases", num_args = 1.., value_delimiter = ',', hide_possible_values = true,
        default_values = ["sft", "reward", "rollout", "ppo"], value_parser = one_of(&Phase::ALL, Phase::name))]
    pub phase: Vec<Phase>,
    /// Steps of each phase before the measured ones
    #[arg(long, value_name = "N", default_value_t = 2)]
    pub warm_up: usize,
    /// Measured steps of each phase
    #[arg(long, value_name = "N", default_value_t = 5)]
    pub repeats: usize,
    /// Seed of weights and noise
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,
    #[command(flatten)]
    pub common: Common,
}

/// `nudge self-check`
#[derive(Args)]
pub struct SelfCheck {
    #[command(flatten)]
    pub common: Common,
}
