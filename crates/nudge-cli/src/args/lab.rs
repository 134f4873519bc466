//! The arguments of `nudge lab`.

use super::{Common, one_of};
use crate::command::lab::{Contender, Learner};
use crate::device::DeviceChoice;
use crate::flags::Flags;
use crate::input::Reading;
use clap::builder::TypedValueParser;
use clap::{Args, Subcommand};
use nudge_session::method::Method;
use nudge_session::options::{RewardOptions, SftOptions};
use nudge_session::oracle;
use std::ops::Range;
use std::path::PathBuf;

/// `nudge lab`
#[derive(Args)]
pub struct Lab {
    /// What to measure.
    #[command(subcommand)]
    pub command: LabCommand,
}

/// The measurements.
#[derive(Subcommand)]
pub enum LabCommand {
    /// The same rankings, several ways to learn from them, several seeds: win rate, KL, seconds
    #[command(
        after_help = "Example:\n  nudge lab methods --labelers happier shorter more_dialogue --seeds 5 --out methods.jsonl"
    )]
    Methods(LabMethods),
    /// What the papers found, as twelve shapes that a small model must show too
    #[command(after_help = "Example:\n  nudge lab shapes --quick --only 2 6 12 --report shapes.html")]
    Shapes(LabShapes),
    /// What is gained for the KL that is spent, from logs: fits and peaks of Gao et al. 2022
    #[command(after_help = "Example:\n  nudge lab frontier --log tuned/log.jsonl")]
    Frontier(LabFrontier),
    /// A toy whose best policy is known exactly, several ways to train: how far from it they end
    #[command(after_help = "Example:\n  nudge lab oracle --method ppo dpo --beta 0.5 1.0 --json")]
    Oracle(LabOracle),
    /// What instruction tuning teaches, task by task, and what carries over to kinds of task held out
    #[command(
        after_help = "Example:\n  nudge lab instruct --stories stories.txt --held-out-stories heldout.txt --without reading+lists stories --seeds 5 --out instruct.jsonl"
    )]
    Instruct(LabInstruct),
    /// Rankings of people, learnt by a reward model and by a bag of words: accuracy on those held out
    #[command(
        after_help = "Example:\n  nudge lab preferences --comparisons oasst.jsonl --seeds 5 --out preferences.jsonl"
    )]
    Preferences(LabPreferences),
}

/// Flags of the measurements that take long: seeds, and a file that keeps them as they come.
#[derive(Args)]
pub struct Measurements {
    /// How many seeds
    #[arg(long, value_name = "N", default_value_t = 5)]
    pub seeds: u64,
    /// The first of them
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub first_seed: u64,
    /// Keep every measurement in this file as it comes
    #[arg(long, value_name = "FILE.jsonl")]
    pub out: Option<PathBuf>,
    /// Keep the measurements of --out and make those that are missing
    #[arg(long, requires = "out")]
    pub resume: bool,
    /// Measure nothing; print a command for each row, which measures it on whatever machine
    #[arg(long, conflicts_with_all = ["out", "lines", "from", "report"])]
    pub rows: bool,
    /// Print each row as one JSON line, for --from, in the place of the table
    #[arg(long, conflicts_with_all = ["from", "report"])]
    pub lines: bool,
    /// Measure nothing; make the table of the rows in these files, of which none may be missing
    #[arg(long, num_args = 1.., value_name = "FILE.jsonl", conflicts_with = "out")]
    pub from: Vec<PathBuf>,
}

impl Measurements {
    /// The seeds.
    pub fn seeds(&self) -> Range<u64> {
        self.first_seed..self.first_seed + self.seeds
    }
}

/// `nudge lab methods`
#[derive(Args)]
pub struct LabMethods {
    /// Model that answers and is tuned
    #[arg(long, value_name = "M", default_value = "builtin:sft")]
    pub model: String,
    /// Simulated labelers that rank and judge
    #[arg(long, value_name = "NAME", num_args = 1.., default_values = ["happier", "shorter", "more_dialogue"])]
    pub labelers: Vec<String>,
    /// Methods to compare
    #[arg(long, value_name = "METHOD", num_args = 1.., default_values = ["ppo", "dpo", "rloo", "grpo", "best-of"],
        value_parser = one_of(Contender::all().into_iter().map(|contender| (contender.name(), contender))))]
    pub methods: Vec<Contender>,
    /// Completions of a ranking; without it 8, with --quick 4
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u8).range(2..=16).map(usize::from))]
    pub completions: Option<usize>,
    /// A smaller loop, to see that it works
    #[arg(long)]
    pub quick: bool,
    #[command(flatten)]
    pub measurements: Measurements,
    /// Write the outcome to this file, one HTML page without scripts
    #[arg(long, value_name = "FILE.html")]
    pub report: Option<PathBuf>,
    /// Where to compute: auto, cpu, wgpu or cuda; auto takes the first of cuda, wgpu and cpu that can be opened
    #[arg(long, value_enum, hide_possible_values = true, default_value_t = DeviceChoice::Auto)]
    pub device: DeviceChoice,
    /// Print one JSON object instead of text
    #[arg(long)]
    pub json: bool,
}

/// `nudge lab shapes`
#[derive(Args)]
pub struct LabShapes {
    /// Model that answers and is tuned
    #[arg(long, value_name = "M", default_value = "builtin:sft")]
    pub model: String,
    /// Some of the shapes, by number
    #[arg(long, value_name = "N", num_args = 1..)]
    pub only: Vec<u32>,
    /// Fewer rankings and shorter runs, to see that it works
    #[arg(long)]
    pub quick: bool,
    #[command(flatten)]
    pub measurements: Measurements,
    /// Write everything with pictures as one HTML file
    #[arg(long, value_name = "FILE.html")]
    pub report: Option<PathBuf>,
    /// Where to compute: auto, cpu, wgpu or cuda; auto takes the first of cuda, wgpu and cpu that can be opened
    #[arg(long, value_enum, hide_possible_values = true, default_value_t = DeviceChoice::Auto)]
    pub device: DeviceChoice,
    /// Print one JSON object a shape instead of text
    #[arg(long)]
    pub json: bool,
}

/// `nudge lab frontier`
#[derive(Args)]
pub struct LabFrontier {
    /// Logs of methods that learn from their own completions (log.jsonl in --out) or of best-of (--log)
    #[arg(long, required = true, num_args = 1.., value_name = "FILE.jsonl")]
    pub log: Vec<PathBuf>,
    /// Write the outcome to this file, one HTML page without scripts
    #[arg(long, value_name = "FILE.html")]
    pub report: Option<PathBuf>,
    /// Print one JSON object instead of text
    #[arg(long)]
    pub json: bool,
}

/// `nudge lab oracle`
#[derive(Args)]
pub struct LabOracle {
    /// Methods to train with; all of them without it
    #[arg(long, num_args = 1.., value_name = "METHOD",
        value_parser = one_of(oracle::methods().into_iter().map(|method| (method.info().name, method))))]
    pub method: Vec<Method>,
    /// Prices of a nat of KL; several without it
    #[arg(long, num_args = 1.., value_name = "X")]
    pub beta: Vec<f32>,
    /// Seed of the toy and of the training
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,
    /// Write the outcome to this file, one HTML page without scripts
    #[arg(long, value_name = "FILE.html")]
    pub report: Option<PathBuf>,
    #[command(flatten)]
    pub common: Common,
}

/// `nudge lab instruct`
#[derive(Args)]
pub struct LabInstruct {
    /// Model to start from
    #[arg(long, value_name = "M", default_value = "builtin:base")]
    pub model: String,
    /// Raw stories to mine demonstrations from (records end with <|endoftext|>)
    #[arg(long, required = true, num_args = 1.., value_name = "FILE")]
    pub stories: Vec<PathBuf>,
    /// Other stories to mine questions from
    #[arg(long, required = true, num_args = 1.., value_name = "FILE")]
    pub held_out_stories: Vec<PathBuf>,
    /// Written demonstrations
    #[arg(long, num_args = 1.., value_name = "FILE")]
    pub data: Vec<PathBuf>,
    /// Written questions; those without a `check` are not asked
    #[arg(long, num_args = 1.., value_name = "FILE")]
    pub held_out_data: Vec<PathBuf>,
    /// Some of the rows: base (not trained), nothing (nothing left out), or clusters as --without has them
    #[arg(long, num_args = 1.., value_name = "NAME")]
    pub only: Vec<String>,
    /// Clusters to leave out of a training run of its own, several joined by +
    #[arg(long, num_args = 1.., value_name = "A+B")]
    pub without: Vec<String>,
    /// Most demonstrations of a task (examples-proportional mixing, FLAN)
    #[arg(long, value_name = "N", default_value_t = 400)]
    pub cap: usize,
    /// Questions of a task
    #[arg(long, value_name = "N", default_value_t = 60)]
    pub questions: usize,
    /// Logits are divided by it; 0 takes the likeliest token
    #[arg(long, value_name = "X", default_value_t = 0.7)]
    pub temperature: f32,
    #[command(flatten)]
    pub measurements: Measurements,
    /// Write the outcome to this file, one HTML page without scripts
    #[arg(long, value_name = "FILE.html")]
    pub report: Option<PathBuf>,
    #[command(flatten)]
    pub common: Common,
    #[command(flatten, next_help_heading = "Training")]
    pub options: Flags<SftOptions>,
}

/// `nudge lab preferences`
#[derive(Args)]
pub struct LabPreferences {
    /// Model to start from
    #[arg(long, value_name = "M", default_value = "builtin:sft")]
    pub model: String,
    /// Rankings or comparisons; every file is measured by itself
    #[arg(long, required = true, num_args = 1.., value_name = "FILE")]
    pub comparisons: Vec<PathBuf>,
    #[command(flatten)]
    pub reading: Reading,
    /// Ways to learn
    #[arg(long, value_name = "LEARNER", num_args = 1.., value_enum, default_values = ["bag-of-words", "reward-model"])]
    pub learners: Vec<Learner>,
    #[command(flatten)]
    pub measurements: Measurements,
    /// Write the outcome to this file, one HTML page without scripts
    #[arg(long, value_name = "FILE.html")]
    pub report: Option<PathBuf>,
    #[command(flatten)]
    pub common: Common,
    #[command(flatten, next_help_heading = "Training")]
    pub options: Flags<RewardOptions>,
}
