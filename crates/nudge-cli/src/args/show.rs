//! The arguments of `nudge show`.

use super::Output;
use clap::Args;
use nudge_session::workflow::EXAMPLES;
use std::path::PathBuf;

/// `nudge show`
#[derive(Args)]
pub struct Show {
    /// Prompts of your work, in any format; the first of them are shown
    #[arg(long, value_name = "FILE")]
    pub prompts: PathBuf,
    /// Prompts that you are asked to answer
    #[arg(long, value_name = "N", default_value_t = EXAMPLES)]
    pub count: usize,
    #[command(flatten, next_help_heading = "Output")]
    pub output: Output,
    /// Print one JSON object instead of text
    #[arg(long)]
    pub json: bool,
}
