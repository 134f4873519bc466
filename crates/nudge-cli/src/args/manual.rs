//! The arguments of `nudge completions` and `nudge man`.

use clap::Args;
use clap_complete::Shell;
use std::path::PathBuf;

/// `nudge completions`
#[derive(Args)]
pub struct Completions {
    /// bash, zsh, fish, elvish or powershell
    #[arg(value_name = "SHELL", hide_possible_values = true)]
    pub shell: Shell,
}

/// `nudge man`
#[derive(Args)]
pub struct Man {
    /// Folder for the pages
    #[arg(value_name = "DIR")]
    pub dir: PathBuf,
}
