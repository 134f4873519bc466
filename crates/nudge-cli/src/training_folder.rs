//! The folder of a training run: the model's files, `log.jsonl`, `options.json`, and `checkpoint/` while it runs.
//!
//! Where the weights are and no checkpoint is, the run has finished.

use crate::args::Output;
use crate::failure::tell;
use crate::files::{create_folder, recover_folder, remove, replace_folder, write_atomic};
use crate::log::Log;
use crate::model_files::MODEL_FILES;
use crate::runner::Target;
use anyhow::{Result, bail};
use nudge_session::folder::WEIGHTS;
use nudge_session::{Event, Files, Metrics};
use serde::Serialize;
use serde_json::{Map, Value};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

const CHECKPOINT: &str = "checkpoint";
const OPTIONS: &str = "options.json";

/// What `options.json` says of a run.
#[derive(Serialize)]
pub struct RunRecord<'a> {
    /// The command's name.
    pub command: &'a str,
    /// The words it was started with.
    pub command_line: Vec<String>,
    /// Options after flags, file and defaults.
    pub options: &'a Map<String, Value>,
    /// `cpu`, `wgpu` or `cuda`.
    pub device: &'a str,
    /// Version of the program.
    pub nudge: &'a str,
}

/// The target of runs that make a model.
pub struct TrainingFolder {
    folder: PathBuf,
    log: Log,
    every: Duration,
    /// A checkpoint whose next step has not been made. Its weights are good when that step's numbers are finite.
    unproven: Option<Files>,
    /// The last step's numbers, and the last value of those that not every step has.
    pub metrics: Metrics,
    /// Steps made, in all.
    pub steps: usize,
    /// Seconds of this process.
    pub seconds: f64,
}

/// What was found at a path.
pub enum Opened {
    /// A folder to write to, and the checkpoint to go on from.
    Ready(Box<TrainingFolder>, Option<Files>),
    /// The run has finished already.
    Finished,
}

impl TrainingFolder {
    /// Opens `output.out` for a new run, or for one that goes on. Nothing is overwritten without `--force`.
    pub fn open(output: &Output, log: Option<&Path>, record: &RunRecord) -> Result<Opened> {
        let folder = &output.out;
        if !output.resume && !output.force {
            refuse_used(folder)?;
        }
        create_folder(folder)?;
        let mut checkpoint = None;
        if output.resume {
            checkpoint = recover_folder(&folder.join(CHECKPOINT))?;
            if checkpoint.is_none() && folder.join(WEIGHTS).exists() {
                return Ok(Opened::Finished);
            }
            if checkpoint.is_none() {
                tell(&format!("{} holds no checkpoint; starting from the beginning", folder.display()));
            }
        } else {
            for file in MODEL_FILES.into_iter().chain([CHECKPOINT]) {
                remove(&folder.join(file))?;
            }
        }
        let own_log = folder.join("log.jsonl");
        let log = Log::new(log.unwrap_or(&own_log), output.resume, output.force)?;
        if checkpoint.is_none() {
            write_atomic(&folder.join(OPTIONS), format!("{}\n", serde_json::to_string_pretty(record)?).as_bytes())?;
        }
        let every = Duration::from_secs(output.checkpoint_seconds);
        let folder = folder.clone();
        let this = Self { folder, log, every, unproven: None, metrics: Metrics::new(), steps: 0, seconds: 0.0 };
        Ok(Opened::Ready(Box::new(this), checkpoint))
    }

    /// Stores the checkpoint that was kept. A run that diverges thus leaves one from before it did.
    fn store_checkpoint(&mut self) -> Result<()> {
        let Some(checkpoint) = self.unproven.take() else { return Ok(()) };
        self.log.sync()?;
        replace_folder(&self.folder.join(CHECKPOINT), &checkpoint)
    }

    /// What somebody can do whose run has diverged.
    pub fn way_on(&self) -> String {
        let checkpoint = self.folder.join(CHECKPOINT);
        match checkpoint.exists() {
            true => format!(
                "{} is from before that: repeat the command with --resume and a smaller learning rate",
                checkpoint.display()
            ),
            false => "No checkpoint was made before that: start anew with --force and a smaller learning rate".into(),
        }
    }

    /// The model's files, weights last, then the checkpoint goes.
    fn store_model(&self, files: &Files) -> Result<()> {
        for file in MODEL_FILES {
            if let Some(bytes) = files.get(file) {
                write_atomic(&self.folder.join(file), bytes)?;
            }
        }
        remove(&self.folder.join(CHECKPOINT))
    }
}

impl Target for TrainingFolder {
    fn take(&mut self, event: Event) -> Result<()> {
        match event {
            Event::Started { step, .. } => {
                self.steps = step;
                self.log.start(step)
            }
            Event::Progress { step, metrics, seconds, .. } => {
                self.log.step(step, &metrics, seconds)?;
                self.metrics.extend(metrics);
                self.steps = step;
                self.store_checkpoint()
            }
            Event::Model { files, .. } => self.store_model(&files),
            Event::Finished { seconds, .. } => {
                self.seconds = seconds;
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn keep(&mut self, checkpoint: Files) -> Result<()> {
        self.unproven = Some(checkpoint);
        Ok(())
    }

    fn interrupted(&mut self) -> Result<()> {
        self.store_checkpoint()
    }

    fn checkpoint_every(&self) -> Option<Duration> {
        Some(self.every)
    }
}

/// An error if the folder holds anything.
fn refuse_used(folder: &Path) -> Result<()> {
    let name = folder.display();
    if folder.is_file() {
        bail!("{name} is a file; --out names a folder");
    }
    if folder.join(CHECKPOINT).exists() {
        bail!("{name} holds an unfinished run; go on with --resume, choose another --out, or start anew with --force");
    }
    if folder.join(WEIGHTS).exists() {
        bail!("{name} holds a finished model; choose another --out, or replace it with --force");
    }
    if fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_some()) {
        bail!("{name} is not empty; choose another --out, go on with --resume, or write into it with --force");
    }
    Ok(())
}
