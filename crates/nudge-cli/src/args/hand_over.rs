//! The arguments of `nudge hand-over`.

use crate::input::Reading;
use clap::Args;
use std::path::PathBuf;

/// `nudge hand-over`
#[derive(Args)]
pub struct HandOver {
    /// Trainer that takes over: trl, openrlhf, verl or nemo-rl
    #[arg(long, value_name = "TRAINER")]
    pub to: String,
    /// What is trained there: reward, or the name of a method, such as dpo
    #[arg(long, value_name = "NAME", default_value = "dpo")]
    pub method: String,
    /// A folder of `nudge teach`: its model, rankings, prompts and reward model
    #[arg(long, value_name = "DIR", conflicts_with_all = ["comparisons", "prompts"])]
    pub workflow: Option<PathBuf>,
    /// Model to start from
    #[arg(long, value_name = "M", required_unless_present = "workflow")]
    pub policy: Option<String>,
    /// Rankings or comparisons, for reward models and for methods that learn from them
    #[arg(long, num_args = 1.., value_name = "FILE")]
    pub comparisons: Vec<PathBuf>,
    /// Prompts, for methods that sample
    #[arg(long, value_name = "FILE")]
    pub prompts: Option<PathBuf>,
    /// Reward model, for methods that sample
    #[arg(long, value_name = "M")]
    pub reward: Option<String>,
    /// Options of the run: a TOML file, or the run.json of a run that is to be repeated on more
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    #[command(flatten)]
    pub reading: Reading,
    /// Folder to write; it must not exist yet
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
}
