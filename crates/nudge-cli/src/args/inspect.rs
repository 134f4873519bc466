//! The arguments of `nudge inspect`.

use super::Common;
use clap::Args;

/// `nudge inspect`
#[derive(Args)]
pub struct InspectModel {
    /// Model
    #[arg(value_name = "M")]
    pub model: String,
    /// Tokens of a record, with its prompt, for the memory and the time of each stage
    #[arg(long, value_name = "N", default_value_t = 256)]
    pub tokens: usize,
    /// Rank of the adapters
    #[arg(long, value_name = "N", default_value_t = 16)]
    pub lora_r: usize,
    /// Device and form of the output.
    #[command(flatten)]
    pub common: Common,
}
