//! The arguments of the commands that make a model.

use super::{Common, Output, Steps};
use crate::flags::{
    DpoFlags, GrpoFlags, KtoFlags, OrpoFlags, PolicyGradientFlags, PpoAlgorithmFlags, PpoFlags, PretrainFlags,
    RewardFlags, SftFlags,
};
use crate::input::Reading;
use clap::Args;
use nudge_rlhf::PpoPreset;
use std::path::PathBuf;

/// Flags of every command that makes a model.
#[derive(Args)]
pub struct Training {
    #[command(flatten)]
    pub reading: Reading,
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
    /// Most mined demonstrations of a task, so that no task drowns the others (examples-proportional mixing, FLAN)
    #[arg(long, value_name = "N", default_value_t = 400, requires = "stories")]
    pub cap: usize,
    /// Most mined demonstrations in all [default: what the cap allows]
    #[arg(long, value_name = "N", requires = "stories")]
    pub mined: Option<usize>,
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
    /// Demonstrations whose mean score shall be 0; without them the zero is arbitrary
    #[arg(long, num_args = 1.., value_name = "FILE")]
    pub demonstrations: Vec<PathBuf>,
    #[command(flatten)]
    pub training: Training,
    #[command(flatten)]
    pub options: RewardFlags,
}

/// What is optimised against what, on which prompts.
#[derive(Args)]
pub struct Objective {
    /// Policy to start from; also the reference
    #[arg(long, value_name = "M")]
    pub policy: String,
    /// Reward model; several are an ensemble
    #[arg(long, required = true, num_args = 1.., value_name = "DIR")]
    pub reward: Vec<String>,
    /// Prompts
    #[arg(long, value_name = "FILE")]
    pub prompts: PathBuf,
}

/// What is tuned, on which rankings.
#[derive(Args)]
pub struct Preferences {
    /// Policy to start from
    #[arg(long, value_name = "M")]
    pub policy: String,
    /// Rankings or comparisons
    #[arg(long, required = true, num_args = 1.., value_name = "FILE")]
    pub comparisons: Vec<PathBuf>,
}

/// `nudge ppo`
#[derive(Args)]
pub struct Ppo {
    #[command(flatten)]
    pub objective: Objective,
    /// Plain text that the policy must not forget, for --ptx-coef (PPO-ptx)
    #[arg(long, num_args = 1.., value_name = "FILE")]
    pub pretraining_text: Vec<PathBuf>,
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

/// `nudge grpo`
#[derive(Args)]
pub struct Grpo {
    #[command(flatten)]
    pub objective: Objective,
    #[command(flatten)]
    pub training: Training,
    #[command(flatten)]
    pub options: PolicyGradientFlags,
    #[command(flatten)]
    pub algorithm: GrpoFlags,
}

/// `nudge rloo`, `nudge reinforce`
#[derive(Args)]
pub struct PolicyGradient {
    #[command(flatten)]
    pub objective: Objective,
    #[command(flatten)]
    pub training: Training,
    #[command(flatten)]
    pub options: PolicyGradientFlags,
}

/// `nudge dpo`
#[derive(Args)]
pub struct Dpo {
    #[command(flatten)]
    pub preferences: Preferences,
    #[command(flatten)]
    pub training: Training,
    #[command(flatten)]
    pub options: DpoFlags,
}

/// `nudge kto`
#[derive(Args)]
pub struct Kto {
    #[command(flatten)]
    pub preferences: Preferences,
    #[command(flatten)]
    pub training: Training,
    #[command(flatten)]
    pub options: KtoFlags,
}

/// `nudge orpo`
#[derive(Args)]
pub struct Orpo {
    #[command(flatten)]
    pub preferences: Preferences,
    #[command(flatten)]
    pub training: Training,
    #[command(flatten)]
    pub options: OrpoFlags,
}
