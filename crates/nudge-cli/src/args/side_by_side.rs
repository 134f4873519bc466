//! The arguments of `nudge report`.

use clap::{Args, ValueEnum};
use std::path::PathBuf;

/// `nudge report`
#[derive(Args)]
pub struct SideBySide {
    /// Folders of training runs of one stage; those that differ in their seed alone become one band
    #[arg(required = true, value_name = "RUN")]
    pub runs: Vec<PathBuf>,
    /// File to write, a folder for svg and tensorboard; it must not exist yet
    #[arg(long, value_name = "PATH")]
    pub out: PathBuf,
    /// html: everything on one page; svg: a file a picture; csv: every number of every step; tensorboard: event files
    #[arg(long, value_enum, default_value_t = ReportFormat::Html)]
    pub format: ReportFormat,
    /// Print one JSON object instead of text
    #[arg(long)]
    pub json: bool,
}

/// What a report is written for.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ReportFormat {
    /// A browser.
    Html,
    /// A drawing program, a paper.
    Svg,
    /// A spreadsheet, pandas.
    Csv,
    /// TensorBoard, and what reads its event files.
    Tensorboard,
}
