//! How fast Nudge is beside its peers, from one run: `nudge bench`, the scripts of `tests/bench/peers`, a table of ratios.
//!
//! A busy machine slows whatever happens to run. So each size is measured as nudge, peers, nudge, and a number of
//! nudge's is the median over both turns. One failure ends nothing: the table shows what there is, then the command
//! fails.

mod browser;
mod measurements;
mod table;

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::process::{run, run_lines};
use crate::python;
use crate::workspace::Workspace;
use measurements::Measurement;

/// What `tests/bench/peers/pytorch.py` knows.
const PEER_SIZES: [&str; 4] = ["test", "tiny", "small", "medium"];
const PEER_PHASES: [&str; 4] = ["sft", "reward", "rollout", "ppo"];

/// What to measure.
#[derive(clap::Args)]
pub struct Options {
    /// Measure PyTorch, transformers and TRL too (installs 6 GB of Python packages).
    #[arg(long)]
    peers: bool,
    /// Measure the page, TensorFlow.js and jax-js in Chromium instead, at the sizes of their own.
    #[arg(long, conflicts_with_all = ["peers", "sizes", "phases"])]
    browser: bool,
    /// Shapes of the model, as `nudge bench --size` names them.
    #[arg(long, num_args = 1.., value_name = "SIZE", default_values = ["tiny", "small"])]
    sizes: Vec<String>,
    /// Phases, as `nudge bench --phase` names them.
    #[arg(long, num_args = 1.., value_name = "PHASE", default_values = PEER_PHASES)]
    phases: Vec<String>,
    /// Measured steps of each phase in each turn.
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..))]
    repeats: u32,
    /// Let the peers' threads sleep while they wait: fairer to them on a machine that does other work too.
    #[arg(long, requires = "peers")]
    passive: bool,
    /// Write all rows to this file, one JSON object a line, in the order they were measured.
    #[arg(long, value_name = "FILE.jsonl")]
    json: Option<PathBuf>,
}

/// Measures and prints the table.
///
/// # Errors
/// When a program failed, after the table of what the others measured.
pub fn bench(workspace: &Workspace, options: &Options) -> Result<()> {
    let mut bench = Bench::new(options.json.as_deref())?;
    if options.browser {
        browser::measure(workspace, options.repeats, &mut bench)?;
    } else {
        native(workspace, options, &mut bench)?;
    }
    bench.finish()
}

/// Nudge, and its peers in Python.
fn native(workspace: &Workspace, options: &Options, bench: &mut Bench) -> Result<()> {
    run(workspace.cargo().args(["build", "--release", "--package", "nudge-cli"]))?;
    let scripts = workspace.root.join("tests/bench/peers");
    let python = if options.peers { Some(python::environment(workspace, "bench-python", &scripts)?) } else { None };
    for size in &options.sizes {
        bench.turn(&mut nudge(workspace, options, size));
        if let Some(mut peers) = python.as_ref().and_then(|python| pytorch(python, &scripts, options, size)) {
            bench.turn(&mut peers);
            bench.turn(&mut nudge(workspace, options, size));
        }
    }
    Ok(())
}

fn nudge(workspace: &Workspace, options: &Options, size: &str) -> Command {
    let program = workspace.target.join("release").join("nudge").with_extension(std::env::consts::EXE_EXTENSION);
    let mut command = Command::new(program);
    command.args(["bench", "--json", "--device", "cpu", "--size", size, "--repeats", &options.repeats.to_string()]);
    command.arg("--phase").args(&options.phases);
    command
}

/// The peers' script; nothing where they know neither the size nor any phase.
fn pytorch(python: &Path, scripts: &Path, options: &Options, size: &str) -> Option<Command> {
    let phases: Vec<_> = options.phases.iter().filter(|phase| PEER_PHASES.contains(&phase.as_str())).collect();
    if !PEER_SIZES.contains(&size) || phases.is_empty() {
        println!("No peer measures {} at {size}.", options.phases.join(", "));
        return None;
    }
    let mut command = Command::new(python);
    command.arg(scripts.join("pytorch.py")).args(["--sizes", size, "--repeats", &options.repeats.to_string()]);
    command.arg("--phases").args(phases).args(options.passive.then_some("--passive"));
    Some(command)
}

/// What was measured so far, and what went wrong.
struct Bench {
    rows: Vec<Measurement>,
    file: Option<File>,
    failures: Vec<String>,
}

impl Bench {
    fn new(file: Option<&Path>) -> Result<Self> {
        let create = |path: &Path| File::create(path).with_context(|| format!("cannot write {}", path.display()));
        Ok(Self { rows: Vec::new(), file: file.map(create).transpose()?, failures: Vec::new() })
    }

    /// Runs a program and keeps the rows it prints.
    fn turn(&mut self, command: &mut Command) {
        if let Err(error) = run_lines(command, |line| self.line(line)) {
            eprintln!("{error:#}");
            self.failures.push(format!("{error:#}"));
        }
    }

    /// Keeps a row and shows it; what is none is shown as it stands.
    fn line(&mut self, line: &str) -> Result<()> {
        if !line.starts_with('{') {
            println!("{line}");
            return Ok(());
        }
        let row = Measurement::parse(line)?;
        println!("  {row}");
        if let Some(file) = &mut self.file {
            writeln!(file, "{}", row.json)?;
        }
        self.rows.push(row);
        Ok(())
    }

    fn finish(self) -> Result<()> {
        println!("\n{}", table::table(&measurements::medians(&self.rows)));
        if !self.failures.is_empty() {
            bail!("not everything was measured: {}", self.failures.join("; "));
        }
        Ok(())
    }
}
