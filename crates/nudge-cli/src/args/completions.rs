//! The arguments of the commands whose models complete prompts, and of those that judge completions.

use super::{Common, Output, Steps};
use crate::device::DeviceChoice;
use crate::flags::{Flags, Shown};
use clap::Args;
use nudge_session::options::{BestOfOptions, CompareOptions, SampleOptions};
use std::path::PathBuf;

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
    #[command(flatten, next_help_heading = "Sampling")]
    pub options: Flags<SampleOptions, Whole>,
}

/// `nudge sample` writes completions when they are whole.
pub struct Whole;

impl Shown for Whole {
    const HIDDEN: &'static [&'static str] = &["stream"];
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
    #[command(flatten, next_help_heading = "Sampling")]
    pub options: Flags<BestOfOptions>,
}

/// `nudge compare`
#[derive(Args)]
#[command(group(clap::ArgGroup::new("judge").required(true).args(["labeler", "reward", "judge_command"])))]
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
    /// Who judges: me, blind and in an order that the seed shuffles, or a simulated labeler
    #[arg(long, value_name = "NAME")]
    pub labeler: Option<String>,
    /// Program that judges: a line {"prompt","completions"} in, a line {"scores"} or {"ranking"} out
    #[arg(long, value_name = "CMD")]
    pub judge_command: Option<String>,
    /// Seconds that --judge-command may take for one pair
    #[arg(long, value_name = "N", default_value_t = 60, requires = "judge_command")]
    pub judge_timeout: u64,
    /// Judge line by line, for screen readers; so it is too where standard input or error is no terminal
    #[arg(long)]
    pub plain: bool,
    /// Reward model that judges
    #[arg(long, value_name = "DIR")]
    pub reward: Option<String>,
    /// Reward model that chooses among the completions of --a where --best-of is more than 1
    #[arg(long, value_name = "DIR")]
    pub best_of_reward: Option<String>,
    #[command(flatten)]
    pub steps: Steps,
    #[command(flatten)]
    pub common: Common,
    /// Write the outcome to this file, one HTML page without scripts
    #[arg(long, value_name = "FILE.html")]
    pub report: Option<PathBuf>,
    /// Write every pair of completions to this file; only a run that does so can be resumed
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
    #[command(flatten, next_help_heading = "Sampling")]
    pub options: Flags<CompareOptions>,
}

/// `nudge chat`
#[derive(Args)]
pub struct Chat {
    /// Model to talk to
    #[arg(long, value_name = "M", default_value = "builtin:sft")]
    pub model: String,
    /// Who the model shall be: the system's turn of the conversation
    #[arg(long, value_name = "TEXT")]
    pub system: Option<String>,
    /// Every line is a prompt of its own; nothing is remembered
    #[arg(long)]
    pub single: bool,
    /// Where to compute: auto, cpu, wgpu or cuda; auto takes the first of cuda, wgpu and cpu that can be opened
    #[arg(long, value_enum, hide_possible_values = true, default_value_t = DeviceChoice::Auto)]
    pub device: DeviceChoice,
    #[command(flatten, next_help_heading = "Sampling")]
    pub options: Flags<SampleOptions, OneByOne>,
}

/// `nudge chat` asks for one completion at a time.
pub struct OneByOne;

impl Shown for OneByOne {
    const HIDDEN: &'static [&'static str] = &["k", "batch_size", "stream"];
}

/// `nudge demo`
#[derive(Args)]
pub struct Demo {
    /// Model that answers and is tuned
    #[arg(long, value_name = "M", default_value = "builtin:sft")]
    pub model: String,
    /// Base model under which the report reads the completions
    #[arg(long, value_name = "M", default_value = "builtin:base")]
    pub base: String,
    /// Simulated labeler that ranks and judges
    #[arg(long, value_name = "NAME", default_value = "happier")]
    pub labeler: String,
    /// Completions of each ranking, as a person sees four [default: 8, 4 with --quick]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(2..=26))]
    pub completions: Option<u16>,
    /// Folder for everything that is made
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Write the outcome to this file, one HTML page without scripts
    #[arg(long, value_name = "FILE.html")]
    pub report: Option<PathBuf>,
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
