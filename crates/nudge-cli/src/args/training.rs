//! The arguments of the commands that make a model: pretrain, sft, reward, ppo, dpo.

use super::{Common, Output, Steps};
use crate::flags::{DpoFlags, PpoAlgorithmFlags, PpoFlags, PretrainFlags, RewardFlags, SftFlags};
use clap::Args;
use nudge_rlhf::PpoPreset;
use std::path::PathBuf;

/// Flags of every command that makes a model.
#[derive(Args)]
pub struct Training {
    #[command(flatten)]
    pub output: Output,
    #[command(flatten)]
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
    #[arg(long, required_unless_present = "stories", num_args = 1.., value_name = "FILE")]
    pub data: Vec<PathBuf>,
    /// Raw stories (records end with <|endoftext|>); demonstrations mined from them by rule join those of --data
    #[arg(long, num_args = 1.., value_name = "FILE")]
    pub stories: Vec<PathBuf>,
    /// How many demonstrations to mine from --stories, at most
    #[arg(long, value_name = "N", default_value_t = 3000, requires = "stories")]
    pub mined: usize,
    #[command(flatten)]
    pub training: Training,
    #[command(flatten)]
    pub options: SftFlags,
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
    pub training: Training,
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
    /// Published options of the algorithm: instructgpt, stiennon, nplus, lm-human-preferences, trl, tab [default: tab]
    #[arg(long, value_name = "NAME", help_heading = "Algorithm")]
    pub preset: Option<PpoPreset>,
    #[command(flatten)]
    pub training: Training,
    #[command(flatten)]
    pub options: PpoFlags,
    #[command(flatten)]
    pub algorithm: PpoAlgorithmFlags,
}

/// `nudge dpo`
#[derive(Args)]
pub struct Dpo {
    /// Model to start from; also the reference
    #[arg(long, value_name = "M")]
    pub model: String,
    /// Rankings or comparisons
    #[arg(long, required = true, num_args = 1.., value_name = "FILE")]
    pub comparisons: Vec<PathBuf>,
    #[command(flatten)]
    pub training: Training,
    #[command(flatten)]
    pub options: DpoFlags,
}
