//! The arguments of `nudge data`.

use crate::input;
use clap::{Args, Subcommand};
use nudge_data::Format;
use std::path::PathBuf;

/// `nudge data`
#[derive(Args)]
pub struct Data {
    /// What to do.
    #[command(subcommand)]
    pub command: DataCommand,
}

/// What can be done with files of records.
#[derive(Subcommand)]
pub enum DataCommand {
    /// Show what is understood of a file: format, counts, lengths, repeats, examples, and what is dropped and why
    #[command(after_help = "Example:\n  nudge data inspect ultrafeedback.parquet")]
    Inspect(Inspect),
    /// Write the records of a file in another format; .gz and .zst compress, .json and .csv are other layouts
    #[command(after_help = "Example:\n  nudge data convert --to preference oasst_trees.jsonl.gz pairs.jsonl")]
    Convert(Convert),
    /// Mix demonstrations of many tasks, none above a cap; mine them from stories, or from records by templates
    #[command(
        after_help = "Example:\n  nudge data mix --stories stories.txt --data dolly.jsonl --cap 400 --without reading --out mixture.jsonl"
    )]
    Mix(Mix),
    /// Records to train on and records to measure on, without a prompt in common
    #[command(
        after_help = "Example:\n  nudge data split --data rankings.jsonl --held-out 0.2 --seed 1 --train train.jsonl --test test.jsonl"
    )]
    Split(Split),
    /// Several labelers' rankings of the same screens as one ranking each (Kemeny's median)
    #[command(after_help = "Example:\n  nudge data merge --rankings mine.jsonl yours.jsonl --out merged.jsonl")]
    Merge(Merge),
}

/// `nudge data inspect`
#[derive(Args)]
pub struct Inspect {
    /// Records: JSONL, JSON, CSV, TSV, Parquet or text, also as .gz or .zst
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// Format, where it is not told from the fields: alpaca, sharegpt, oasst-trees, ...
    #[arg(long, value_name = "NAME", value_parser = input::format)]
    pub format: Option<Format>,
    /// Stop at the first record that cannot be used
    #[arg(long)]
    pub strict: bool,
    /// Print one JSON object instead of text
    #[arg(long)]
    pub json: bool,
}

/// `nudge data convert`
#[derive(Args)]
pub struct Convert {
    /// Format to write: preference, prompt-completion, conversation, ranking, ...
    #[arg(long, value_name = "NAME", value_parser = input::format)]
    pub to: Format,
    /// Records
    #[arg(value_name = "IN")]
    pub input: PathBuf,
    /// Where to write; it must not exist yet
    #[arg(value_name = "OUT")]
    pub out: PathBuf,
    /// Format of IN, where it is not told from the fields
    #[arg(long, value_name = "NAME", value_parser = input::format)]
    pub format: Option<Format>,
    /// Stop at the first record that cannot be used, and write nothing
    #[arg(long)]
    pub strict: bool,
    /// Replace OUT
    #[arg(long)]
    pub force: bool,
    /// Print one JSON object instead of text
    #[arg(long)]
    pub json: bool,
}

/// `nudge data mix`
#[derive(Args)]
pub struct Mix {
    /// Demonstrations in any format; records without a `task` have the name of their file
    #[arg(long, required_unless_present_any = ["stories", "records"], num_args = 1.., value_name = "FILE")]
    pub data: Vec<PathBuf>,
    /// Raw stories to mine demonstrations from (records end with <|endoftext|>)
    #[arg(long, num_args = 1.., value_name = "FILE")]
    pub stories: Vec<PathBuf>,
    /// Task definitions beside the built-in ones
    #[arg(long, num_args = 1.., value_name = "FILE.toml")]
    pub tasks: Vec<PathBuf>,
    /// Records with the fields that the tasks of --tasks ask for
    #[arg(long, num_args = 1.., value_name = "FILE", requires = "tasks")]
    pub records: Vec<PathBuf>,
    /// Most demonstrations for which a task counts, K (FLAN)
    #[arg(long, value_name = "N", default_value_t = 400)]
    pub cap: usize,
    /// Demonstrations wanted [default: all, up to the cap of each task]
    #[arg(long, value_name = "N")]
    pub size: Option<usize>,
    /// Tasks, or whole clusters of tasks, to leave out
    #[arg(long, num_args = 1.., value_name = "NAME")]
    pub without: Vec<String>,
    /// Seed of the draw and of the order
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,
    /// Where to write
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
    /// Where to write the demonstrations left out
    #[arg(long, value_name = "FILE")]
    pub held_out: Option<PathBuf>,
    /// Replace the files of --out and --held-out
    #[arg(long)]
    pub force: bool,
    /// Print one JSON object instead of text
    #[arg(long)]
    pub json: bool,
}

/// `nudge data split`
#[derive(Args)]
pub struct Split {
    /// Rankings, candidates, comparisons, demonstrations, prompts, conversations or texts
    #[arg(long, required = true, num_args = 1.., value_name = "FILE")]
    pub data: Vec<PathBuf>,
    /// Share of the prompts that is held out
    #[arg(long, value_name = "X", default_value_t = 0.2)]
    pub held_out: f32,
    /// Seed of the choice
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,
    /// Where to write what is trained on
    #[arg(long, value_name = "FILE")]
    pub train: PathBuf,
    /// Where to write what is held out
    #[arg(long, value_name = "FILE")]
    pub test: PathBuf,
    /// Replace the files of --train and --test
    #[arg(long)]
    pub force: bool,
    /// Print one JSON object instead of text
    #[arg(long)]
    pub json: bool,
}

/// `nudge data merge`
#[derive(Args)]
pub struct Merge {
    /// Rankings
    #[arg(long, required = true, num_args = 1.., value_name = "FILE")]
    pub rankings: Vec<PathBuf>,
    /// Where to write
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
    /// Replace the file of --out
    #[arg(long)]
    pub force: bool,
    /// Print one JSON object instead of text
    #[arg(long)]
    pub json: bool,
}
