//! The arguments of `nudge rank`.

use super::Output;
use crate::device::DeviceChoice;
use clap::Args;
use std::path::PathBuf;

/// `nudge rank`
#[derive(Args)]
pub struct Rank {
    /// Sampled completions
    #[arg(long, value_name = "FILE")]
    pub candidates: PathBuf,
    /// Simulated labeler that ranks in the place of a person; me is you
    #[arg(long, value_name = "NAME")]
    pub labeler: Option<String>,
    /// Program that ranks in the place of a person: a line {"prompt","completions"} in, a line {"scores"} or {"ranking"}
    /// out
    #[arg(long, value_name = "CMD", conflicts_with_all = ["labeler", "labeler_name", "plain"])]
    pub judge_command: Option<String>,
    /// Seconds that --judge-command may take for one prompt
    #[arg(long, value_name = "N", default_value_t = 60, requires = "judge_command")]
    pub judge_timeout: u64,
    /// Name that a person's rankings bear [default: $USER, else person]
    #[arg(long, value_name = "NAME")]
    pub labeler_name: Option<String>,
    /// Seed of the order in which a person sees completions, of --repeat and of --choose random
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,
    /// Share of the screens that a person sees again later, in another order: how sure they are (see agreement)
    #[arg(long, value_name = "X", default_value_t = 0.0)]
    pub repeat: f32,
    /// Which prompts come first: those on whose completions the reward models of --reward disagree most (disagreement,
    /// Christiano et al. 2017), or any by --seed (random) [default: disagreement with --reward, else the file's order]
    #[arg(long, value_name = "RULE", value_enum, hide_possible_values = true)]
    pub choose: Option<Choose>,
    /// Reward models that score the completions before the first screen; with --choose disagreement two or more
    #[arg(long, num_args = 1.., value_name = "DIR")]
    pub reward: Vec<String>,
    /// Where to compute the scores of --reward: auto, cpu, wgpu or cuda
    #[arg(long, value_enum, hide_possible_values = true, default_value_t = DeviceChoice::Auto)]
    pub device: DeviceChoice,
    /// Rank only the first N
    #[arg(long, value_name = "N")]
    pub limit: Option<usize>,
    /// Ask line by line, for screen readers; so it is too where standard input or error is no terminal
    #[arg(long)]
    pub plain: bool,
    #[command(flatten, next_help_heading = "Output")]
    pub output: Output,
    /// Print one JSON object instead of text
    #[arg(long)]
    pub json: bool,
}

/// How `nudge rank` chooses what comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Choose {
    /// Where reward models disagree most.
    Disagreement,
    /// By seed.
    Random,
}
