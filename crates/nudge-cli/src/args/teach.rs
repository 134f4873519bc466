//! The arguments of `nudge teach`.

use super::Common;
use clap::Args;
use nudge_session::workflow::HELD_OUT;
use std::path::PathBuf;

/// `nudge teach`
#[derive(Args)]
pub struct Teach {
    /// Model that is taught
    #[arg(long, value_name = "M")]
    pub model: String,
    /// Prompts of your work, in any format; a share is held out to compare on
    #[arg(long, value_name = "FILE")]
    pub prompts: PathBuf,
    /// Workflow: the folder for everything; the same command goes on where it was stopped
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
    /// Examples that it imitates first: prompts with the answers that you would send
    #[arg(long, value_name = "FILE", conflicts_with = "examples")]
    pub demonstrations: Option<PathBuf>,
    /// Prompts that you answer yourself first [default: 8 at a terminal, else 0]
    #[arg(long, value_name = "N")]
    pub examples: Option<usize>,
    /// Prompts whose completions are ranked; with examples 0 is allowed
    #[arg(long, value_name = "N", default_value_t = 30)]
    pub rankings: usize,
    /// Completions of each prompt that is ranked
    #[arg(long, value_name = "N", default_value_t = 4)]
    pub completions: usize,
    /// Method that tunes: dpo, kto, orpo, simpo, ppo, grpo, rloo, reinforce, online-dpo, raft
    #[arg(long, value_name = "NAME", default_value = "dpo")]
    pub method: String,
    /// TOML file of the method's options; without one, every ranking teaches (held_out is 0)
    #[arg(long, value_name = "FILE.toml")]
    pub options: Option<PathBuf>,
    /// Who ranks and judges: me, or a simulated labeler
    #[arg(long, value_name = "NAME", default_value = "me")]
    pub labeler: String,
    /// Program that ranks and judges: a line {"prompt","completions"} in, a line {"scores"} or {"ranking"} out, and
    /// optionally {"usable"} and {"edit"}
    #[arg(long, value_name = "CMD", conflicts_with = "labeler")]
    pub judge_command: Option<String>,
    /// Share of the prompts that nothing is learnt from
    #[arg(long, value_name = "X", default_value_t = HELD_OUT)]
    pub held_out: f32,
    /// Most prompts that are compared on
    #[arg(long, value_name = "N", default_value_t = 30)]
    pub compared: usize,
    /// Longest completion, in tokens; one that is cut off teaches little [default: 160]
    #[arg(long, value_name = "N")]
    pub max_new_tokens: Option<usize>,
    /// Rank and judge line by line, for screen readers
    #[arg(long)]
    pub plain: bool,
    /// Seed of everything
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,
    /// Seconds between two checkpoints
    #[arg(long, value_name = "N", default_value_t = 60)]
    pub checkpoint_seconds: u64,
    /// Where the report goes, as one HTML file [default: report.html in --out]
    #[arg(long, value_name = "FILE.html")]
    pub report: Option<PathBuf>,
    #[command(flatten)]
    pub common: Common,
}
