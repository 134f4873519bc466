//! The folder of a training run: the model's files, `log.jsonl`, `run.json` and the model card, and `checkpoint/` while
//! it runs.
//!
//! Where the weights are and no checkpoint is, the run has finished.

use crate::args::Output;
use crate::failure::tell;
use crate::files::{create_folder, discard_folder, recover_folder, remove, replace_folder, write_atomic};
use crate::log::Log;
use crate::model_card::{CARD, Saved, card};
use crate::model_files::{MODEL_FILES, has_weights};
use crate::provenance::{RUN, Results, Resume, RunRecord, now};
use crate::runner::Target;
use anyhow::{Result, bail};
use nudge_session::folder::ADAPTER_CONFIG;
use nudge_session::{Event, Files, Metrics};
use serde_json::{Map, Value};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

const CHECKPOINT: &str = "checkpoint";

/// The target of runs that make a model.
pub struct TrainingFolder {
    folder: PathBuf,
    log: Log,
    log_path: PathBuf,
    /// What `run.json` says.
    pub record: RunRecord,
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
    Finished(Box<TrainingFolder>),
}

impl TrainingFolder {
    /// Opens `output.out` for a new run, or for one that goes on. Nothing is overwritten without `--force`.
    pub fn open(output: &Output, log: Option<&Path>, record: RunRecord) -> Result<Opened> {
        let folder = &output.out;
        if !output.resume && !output.force {
            refuse_used(folder)?;
        }
        create_folder(folder)?;
        let own_log = folder.join("log.jsonl");
        let log_path = log.unwrap_or(&own_log).to_path_buf();
        let mut checkpoint = None;
        let mut finished = false;
        if output.resume {
            checkpoint = recover_folder(&folder.join(CHECKPOINT))?;
            finished = checkpoint.is_none() && has_weights(folder);
            if checkpoint.is_none() && !finished && own_log.exists() {
                tell(&format!("{} holds no checkpoint; starting from the beginning", folder.display()));
            }
        } else {
            for file in MODEL_FILES.into_iter().chain([CHECKPOINT, RUN, CARD]) {
                remove(&folder.join(file))?;
            }
        }
        let log = Log::new(&log_path, output.resume, output.force)?;
        let every = Duration::from_secs(output.checkpoint_seconds);
        let (folder, metrics) = (folder.clone(), Metrics::new());
        let record = match RunRecord::read(&folder) {
            Some(before) if finished => before,
            Some(before) if checkpoint.is_some() => taken_up(before, record),
            _ => record,
        };
        let this = Self { folder, log, log_path, record, every, unproven: None, metrics, steps: 0, seconds: 0.0 };
        if finished {
            return Ok(Opened::Finished(Box::new(this)));
        }
        if checkpoint.is_none() {
            this.record.write(&this.folder)?;
        }
        Ok(Opened::Ready(Box::new(this), checkpoint))
    }

    /// What the steps logged, from the first on, in whatever process they were made.
    pub fn logged(&self) -> Vec<Metrics> {
        // A pipe has nothing to read again.
        let text = if self.log_path.is_file() { fs::read_to_string(&self.log_path) } else { Ok(String::new()) };
        let numbers = |line: &str| {
            let line: Map<String, Value> = serde_json::from_str(line).ok()?;
            // What is no number in JSON was infinite or none.
            Some(line.into_iter().map(|(name, value)| (name, value.as_f64().unwrap_or(f64::NAN))).collect())
        };
        text.unwrap_or_default().lines().filter_map(numbers).collect()
    }

    /// The run is over: `run.json` and the model card.
    pub fn conclude(&mut self, results: Results) -> Result<()> {
        self.record.finished_at = Some(now());
        self.record.results = Some(results);
        let saved = if self.folder.join(ADAPTER_CONFIG).exists() { Saved::Adapter } else { Saved::Model };
        let name = self.folder.file_name().map_or("model".into(), |name| name.to_string_lossy().into_owned());
        write_atomic(&self.folder.join(CARD), card(&self.record, saved, &name, "").as_bytes())?;
        self.record.write(&self.folder)
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
        discard_folder(&self.folder.join(CHECKPOINT))
    }
}

impl Target for TrainingFolder {
    fn take(&mut self, event: Event) -> Result<()> {
        match event {
            Event::Started { step, .. } => {
                self.steps = step;
                if let Some(resume) = self.record.resumes.last_mut().filter(|_| step > 0) {
                    resume.step = step;
                    self.record.write(&self.folder)?;
                }
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

/// The record of a run that goes on with what is given now.
fn taken_up(before: RunRecord, now_given: RunRecord) -> RunRecord {
    let resume = Resume { at: now(), step: 0, changed: before.changed(&now_given) };
    let RunRecord { started_at, command_line, mut resumes, .. } = before;
    resumes.push(resume);
    RunRecord { started_at, command_line, resumes, ..now_given }
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
    if has_weights(folder) {
        bail!("{name} holds a finished model; choose another --out, or replace it with --force");
    }
    if fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_some()) {
        bail!("{name} is not empty; choose another --out, go on with --resume, or write into it with --force");
    }
    Ok(())
}
