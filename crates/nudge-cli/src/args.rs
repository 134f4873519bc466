//! The command line: what can be asked for, with an example for each command.

mod completions;
mod data;
mod export;
mod hand_over;
mod inspect;
mod lab;
mod manual;
mod measuring;
mod rank;
mod show;
mod side_by_side;
mod teach;
mod training;
mod tune;

pub use completions::{BestOf, Chat, Compare, Demo, Sample, Score};
pub use data::{Convert, Data, DataCommand, Inspect, Merge, Mix, Split};
pub use export::{Export, Form, Numbers};
pub use hand_over::HandOver;
pub use inspect::InspectModel;
pub use lab::{
    Lab, LabCommand, LabFrontier, LabInstruct, LabMethods, LabOracle, LabPreferences, LabShapes, Measurements,
};
pub use manual::{Completions, Man};
pub use measuring::{Agreement, Bench, Calibrate, Eval, SelfCheck};
pub use rank::{Choose, Rank};
pub use show::Show;
pub use side_by_side::{ReportFormat, SideBySide};
pub use teach::Teach;
pub use training::{Pretrain, Reward, Sft, Training};
#[cfg(test)]
pub use tune::subcommand_of;
pub use tune::{Material, Tune};

use crate::device::DeviceChoice;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, Parser, Subcommand};
use std::path::PathBuf;

const MODELS: &str = "A model M is a folder (config.json, model.safetensors, tokenizer.json, ...), a .gguf file (of several, the first), builtin:base, builtin:sft or hub:OWNER/NAME.\n\
    Records are read in any format of the field (`nudge data inspect FILE` shows what is understood), written as JSONL.";

/// Teach a small language model what you like: pretrain, instruct, rank, reward, PPO, compare.
#[derive(Parser)]
#[command(name = "nudge", version = crate::version::LONG, after_help = MODELS, arg_required_else_help = true)]
pub struct Arguments {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The commands.
#[derive(Subcommand)]
pub enum Command {
    /// From your prompts to a tuned model in one guided run: sample, rank, tune, judge before and after
    #[command(
        after_help = "Examples:\n  nudge teach --model builtin:sft --prompts prompts.jsonl --labeler happier --out taught\n  nudge teach --model SmolLM2.gguf --prompts mine.jsonl --out mine"
    )]
    Teach(Teach),
    /// Train a tokenizer and a base model on plain text (records end with <|endoftext|>)
    #[command(after_help = "Example:\n  nudge pretrain --text stories.txt --out base --epochs 4")]
    Pretrain(Pretrain),
    /// Instruction tuning: imitate demonstrations, in any format
    #[command(
        after_help = "Examples:\n  nudge sft --model base --data demonstrations.jsonl --out sft\n  nudge sft --model base --data demonstrations.jsonl --stories stories.txt --cap 400 --out sft"
    )]
    Sft(Sft),
    /// Sample k completions of each prompt {"prompt"}
    #[command(
        after_help = "Example:\n  nudge sample --model builtin:sft --prompts prompts.jsonl --k 4 --temperature 1.0 --out candidates.jsonl"
    )]
    Sample(Sample),
    /// Show what you want: write the answers that you would send to some of your prompts
    #[command(after_help = "Example:\n  nudge show --prompts prompts.jsonl --count 8 --out demonstrations.jsonl")]
    Show(Show),
    /// Rank sampled completions: a person at the terminal, or a simulated labeler
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
    /// One command for each method that tunes a policy.
    #[command(flatten)]
    Tune(Box<Tune>),
    /// Draw n completions of each prompt and keep the one that a reward model likes best; nothing is trained
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
    /// Training runs side by side: curves with seeds as bands, what was gained for the KL, what differs, before and after
    #[command(
        after_help = "Examples:\n  nudge report taught/runs/dpo again/runs/dpo --out report.html\n  nudge report ppo-1 ppo-2 ppo-3 grpo --format csv --out runs.csv"
    )]
    Report(SideBySide),
    /// Measure nats per token and per character of a text
    #[command(after_help = "Example:\n  nudge eval --model builtin:base --text heldout.txt --json")]
    Eval(Eval),
    /// Write a model for other programs: a GGUF for llama.cpp and Ollama, or a folder for transformers
    #[command(after_help = "Example:\n  nudge export --to gguf --precision q8_0 --model builtin:sft --out exported")]
    Export(Export),
    /// Give a run to a trainer with many GPUs: data in its schema, options in its words, a script that starts it
    #[command(
        after_help = "Examples:\n  nudge hand-over --to trl --method dpo --policy hub:OWNER/NAME --comparisons rankings.jsonl --out handed\n  nudge hand-over --to verl --method ppo --workflow taught --out handed"
    )]
    HandOver(HandOver),
    /// What a model is, and the memory that each stage would take here
    #[command(after_help = "Example:\n  nudge inspect SmolLM2-135M-Instruct.Q4_1.gguf")]
    Inspect(InspectModel),
    /// Talk to a model
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
    /// Print what a shell needs to complete commands and flags
    #[command(after_help = "Example:\n  nudge completions bash")]
    Completions(Completions),
    /// Write manual pages, one a command
    #[command(after_help = "Example:\n  nudge man pages")]
    Man(Man),
    /// Print the licences of everything that this program is built from
    #[command(alias = "licenses", after_help = "Example:\n  nudge licences")]
    Licences,
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

/// Parses one of some names into what bears it.
fn one_of<T: Clone + Send + Sync + 'static>(
    choices: impl IntoIterator<Item = (&'static str, T)>,
) -> impl TypedValueParser<Value = T> {
    let choices: Vec<(&str, T)> = choices.into_iter().collect();
    let names: Vec<&str> = choices.iter().map(|(name, _)| *name).collect();
    PossibleValuesParser::new(names).try_map(move |text| {
        let chosen = choices.iter().find(|(name, _)| *name == text).map(|(_, choice)| choice.clone());
        chosen.ok_or("not one of the choices")
    })
}
