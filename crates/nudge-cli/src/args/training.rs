//! The arguments of the commands that make a model; those of the methods that tune one are in [`super::tune`].

use super::{Common, Output, Steps};
use crate::flags::Flags;
use crate::input::Reading;
use clap::Args;
use nudge_session::options::{PretrainOptions, RewardOptions, SftOptions};
use std::path::PathBuf;

/// Flags of every command that makes a model.
#[derive(Args)]
pub struct Training {
    #[command(flatten)]
    pub reading: Reading,
    #[command(flatten, next_help_heading = "Output")]
    pub output: Output,
    #[command(flatten, next_help_heading = "Output")]
    pub steps: Steps,
    #[command(flatten)]
    pub common: Common,
}

/// `nudge pretrain`
#[derive(Args)]
pub struct Pretrain {
    /// Text files
    #[arg(long, required = true, num_args = 1.., value_name = "FILE")]
    pub text: Vec<PathBuf>,
    #[command(flatten)]
    pub training: Training,
    #[command(flatten, next_help_heading = "Training")]
    pub options: Flags<PretrainOptions>,
}

/// `nudge sft`
#[derive(Args)]
pub struct Sft {
    /// Model to start from
    #[arg(long, value_name = "M")]
    pub model: String,
    /// Demonstrations
    #[arg(long, required_unless_present = "stories", num_args = 1.., value_name = "FILE")]
    pub data: Vec<PathBuf>,
    /// Raw stories (records end with <|endoftext|>); demonstrations mined from them by rule join those of --data
    #[arg(long, num_args = 1.., value_name = "FILE")]
    pub stories: Vec<PathBuf>,
    /// Most mined demonstrations of a task, so that no task drowns the others (examples-proportional mixing, FLAN)
    #[arg(long, value_name = "N", default_value_t = 400, requires = "stories")]
    pub cap: usize,
    /// Tasks, or whole clusters of tasks, that are not mined
    #[arg(long, num_args = 1.., value_name = "NAME", requires = "stories")]
    pub without: Vec<String>,
    /// Most mined demonstrations in all [default: what the cap allows]
    #[arg(long, value_name = "N", requires = "stories")]
    pub mined: Option<usize>,
    #[command(flatten)]
    pub training: Training,
    #[command(flatten, next_help_heading = "Training")]
    pub options: Flags<SftOptions>,
}

/// `nudge reward`
#[derive(Args)]
pub struct Reward {
    /// Model to start from
    #[arg(long, value_name = "M")]
    pub model: String,
    /// Rankings or comparisons
    #[arg(long, required_unless_present = "examples", num_args = 1.., value_name = "FILE")]
    pub comparisons: Vec<PathBuf>,
    /// Prompts with the answers that you would give; each is ranked above the model's own completions (DITTO)
    #[arg(long, num_args = 1.., value_name = "FILE")]
    pub examples: Vec<PathBuf>,
    /// Demonstrations whose mean score shall be 0; without them the zero is arbitrary
    #[arg(long, num_args = 1.., value_name = "FILE")]
    pub demonstrations: Vec<PathBuf>,
    #[command(flatten)]
    pub training: Training,
    #[command(flatten, next_help_heading = "Training")]
    pub options: Flags<RewardOptions>,
}
