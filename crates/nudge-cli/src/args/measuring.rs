//! The arguments of the commands that measure models, labelers and devices.

use super::{Common, Steps, one_of};
use crate::flags::Flags;
use crate::input::Reading;
use clap::Args;
use nudge_session::bench::{Phase, Size};
use nudge_session::options::EvalOptions;
use std::path::PathBuf;

/// `nudge calibrate`
#[derive(Args)]
pub struct Calibrate {
    /// Reward model
    #[arg(long, value_name = "DIR")]
    pub reward: String,
    /// Rankings or comparisons that it has not learnt from
    #[arg(long, required = true, num_args = 1.., value_name = "FILE")]
    pub comparisons: Vec<PathBuf>,
    /// Write the outcome to this file, one HTML page without scripts
    #[arg(long, value_name = "FILE.html")]
    pub report: Option<PathBuf>,
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
    #[command(flatten, next_help_heading = "Measuring")]
    pub options: Flags<EvalOptions>,
}

/// `nudge bench`
#[derive(Args)]
pub struct Bench {
    /// Shapes of the model: test (32 wide, 2 layers), tiny (128, 4), builtin (the built-in model's), small (256, 6),
    /// medium (SmolLM2-135M's)
    #[arg(long, alias = "sizes", num_args = 1.., value_delimiter = ',', hide_possible_values = true, default_value = "tiny",
        value_parser = one_of(Size::ALL.map(|size| (size.name(), size))))]
    pub size: Vec<Size>,
    /// What to measure: sft, reward, rollout, ppo (with its parts)
    #[arg(long, alias = "phases", num_args = 1.., value_delimiter = ',', hide_possible_values = true,
        default_values = ["sft", "reward", "rollout", "ppo"], value_parser = one_of(Phase::ALL.map(|phase| (phase.name(), phase))))]
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
    /// Write the outcome to this file, one HTML page without scripts
    #[arg(long, value_name = "FILE.html")]
    pub report: Option<PathBuf>,
    #[command(flatten)]
    pub common: Common,
}

/// `nudge self-check`
#[derive(Args)]
pub struct SelfCheck {
    #[command(flatten)]
    pub common: Common,
}
