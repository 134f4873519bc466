//! The folder of a training run: the model's files, `log.jsonl`, `run.json` and the model card, and `checkpoint/` while
//! it runs. What it replaces (`--force`) stays until it is whole.
//!
//! Where the weights are and no checkpoint is, the run has finished.

use crate::args::Output;
use crate::disk::{Checkpoints, LOCK, Lock, Replacement, create_folder, remove, write_atomic};
use crate::failure::tell;
use crate::files::io_error;
use crate::log::Log;
use crate::model_card::{CARD, Saved, card};
use crate::model_files::{MODEL_FILES, has_weights};
use crate::provenance::{RUN, Results, RunRecord};
use crate::runner::Target;
use anyhow::{Result, bail};
use nudge_session::folder::ADAPTER_CONFIG;
use nudge_session::{Event, Files, Metrics};
use serde_json::{Map, Value};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

const CHECKPOINT: &str = "checkpoint";

/// A run's own log.
pub const LOG: &str = "log.jsonl";

/// Whether a run writes a file of this name.
pub fn is_own(name: &str) -> bool {
    let own = MODEL_FILES.into_iter().chain([LOG, RUN, CARD, LOCK]).any(|own| own == name);
    own || name == CHECKPOINT || name.starts_with("checkpoint.")
}

/// The target of runs that make a model.
pub struct TrainingFolder {
    /// Where it is made: `--out`, or beside it where `--out` holds what will be replaced.
    folder: PathBuf,
    out: PathBuf,
    replacement: Option<Replacement>,
    checkpoints: Checkpoints,
    log: Log,
    log_path: PathBuf,
    /// What `run.json` says.
    pub record: RunRecord,
    every: Duration,
    /// A checkpoint whose next step has not been made. Its weights are good when that step's numbers are finite.
    unproven: Option<Files>,
    /// What was trained, until it is stored.
    model: Option<Files>,
    /// The last step's numbers, and the last value of those that not every step has.
    pub metrics: Metrics,
    /// Steps made, in all.
    pub steps: usize,
    /// Seconds of this process.
    pub seconds: f64,
    _lock: Lock,
}

/// What was found at a path.
pub enum Opened {
    /// A folder to write to, and the checkpoint to go on from.
    Ready(Box<TrainingFolder>, Option<Files>),
    /// The run has finished already.
    Finished(Box<TrainingFolder>),
}

impl TrainingFolder {
    /// Opens `output.out` for a new run, or for one that goes on. Nothing is overwritten without `--force`, and a model
    /// or an unfinished run not before the new model is whole.
    pub fn open(output: &Output, log: Option<&Path>, record: RunRecord) -> Result<Opened> {
        let out = output.out.clone();
        if out.is_file() {
            bail!("{} is a file; --out names a folder", out.display());
        }
        create_folder(&out)?;
        let lock = Lock::folder(&out)?;
        if !output.resume && !output.force {
            refuse_used(&out)?;
        }
        let replacement = replacement(output)?;
        let folder = replacement.as_ref().map_or(out.as_path(), Replacement::path).to_path_buf();
        let checkpoints = Checkpoints::at(folder.join(CHECKPOINT));
        let kept = if output.resume { checkpoints.recover()? } else { None };
        let finished = kept.is_none() && output.resume && has_weights(&folder);
        if kept.is_none() && !finished && folder.join(LOG).exists() {
            tell(&format!("{} holds no checkpoint; starting from the beginning", folder.display()));
        }
        let (checkpoint, note) = kept.map_or((None, Value::Null), |kept| (Some(kept.files), kept.note));
        let own_log = folder.join(LOG);
        let (log, log_path) = match log {
            Some(path) => (Log::given(path, &note, output.resume, output.force)?, path.to_path_buf()),
            None => (Log::own(&own_log), own_log),
        };
        let record = match RunRecord::read(&folder) {
            Some(before) if finished => before,
            Some(before) if checkpoint.is_some() => before.taken_up(record, 0),
            _ => record,
        };
        let every = Duration::from_secs(output.checkpoint_seconds);
        let (metrics, unproven, steps, seconds) = (Metrics::new(), None, 0, 0.0);
        let this = Self {
            folder,
            out,
            replacement,
            checkpoints,
            log,
            log_path,
            record,
            every,
            unproven,
            model: None,
            metrics,
            steps,
            seconds,
            _lock: lock,
        };
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

    /// The run is over: the model card, `run.json`, the model's files with its weights last, and the checkpoints go. What
    /// it replaces goes, too.
    pub fn conclude(&mut self, results: Results) -> Result<()> {
        self.log.sync()?;
        self.record.end(results);
        let model = self.model.take();
        let saved = match &model {
            Some(files) => Saved::with(files.get(ADAPTER_CONFIG).map(|config| config.as_ref())),
            None => Saved::in_folder(&self.folder),
        };
        if let Err(error) = self.store(&saved, model.as_ref()) {
            // A card speaks of a model that is there.
            if !has_weights(&self.folder) {
                let _ = remove(&self.folder.join(CARD));
            }
            return Err(error);
        }
        self.checkpoints.discard()?;
        self.publish()
    }

    fn store(&self, saved: &Saved, model: Option<&Files>) -> Result<()> {
        let name = self.out.file_name().map_or("model".into(), |name| name.to_string_lossy().into_owned());
        write_atomic(&self.folder.join(CARD), card(&self.record, saved, &name, "").as_bytes())?;
        self.record.write(&self.folder)?;
        let mut files = MODEL_FILES.into_iter().filter_map(|file| Some((file, model?.get(file)?)));
        files.try_for_each(|(file, bytes)| write_atomic(&self.folder.join(file), bytes))
    }

    /// A model that is whole takes the place of the one that it replaces.
    pub fn publish(&mut self) -> Result<()> {
        self.replacement.take().map_or(Ok(()), Replacement::publish)
    }

    /// Stores the checkpoint that was kept. A run that diverges thus leaves one from before it did.
    fn store_checkpoint(&mut self) -> Result<()> {
        let Some(checkpoint) = self.unproven.take() else { return Ok(()) };
        self.log.sync()?;
        self.checkpoints.store(checkpoint, self.log.note())
    }

    /// What somebody can do whose run has diverged.
    pub fn way_on(&self) -> String {
        let checkpoint = self.checkpoints.path();
        match checkpoint.exists() {
            true => format!(
                "{} is from before that: repeat the command with --resume and a smaller learning rate",
                checkpoint.display()
            ),
            false => "No checkpoint was made before that: start anew with --force and a smaller learning rate".into(),
        }
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
            Event::Model { files, .. } => {
                self.model = Some(files);
                Ok(())
            }
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

/// Where a run works whose `--out` holds what it replaces: a folder beside that; nothing for other runs.
fn replacement(output: &Output) -> Result<Option<Replacement>> {
    let before = Replacement::recover(&output.out)?;
    if output.resume {
        return Ok(before);
    }
    before.map_or(Ok(()), Replacement::discard)?;
    let checkpoints = Checkpoints::at(output.out.join(CHECKPOINT));
    if has_weights(&output.out) || checkpoints.exist() {
        return Replacement::begin(&output.out).map(Some);
    }
    // What a run leaves that made nothing.
    for file in MODEL_FILES.into_iter().chain([LOG, RUN, CARD]) {
        remove(&output.out.join(file))?;
    }
    checkpoints.discard()?;
    Ok(None)
}

/// An error if the folder holds anything but the lock of whoever holds it now.
fn refuse_used(folder: &Path) -> Result<()> {
    let name = folder.display();
    if Checkpoints::at(folder.join(CHECKPOINT)).exist() || Replacement::recover(folder)?.is_some() {
        bail!("{name} holds an unfinished run; go on with --resume, choose another --out, or start anew with --force");
    }
    if has_weights(folder) {
        bail!("{name} holds a finished model; choose another --out, or replace it with --force");
    }
    let entries = fs::read_dir(folder).map_err(|error| io_error("read", folder, error))?;
    if entries.filter_map(Result::ok).any(|entry| entry.file_name() != LOCK) {
        bail!("{name} is not empty; choose another --out, go on with --resume, or write into it with --force");
    }
    Ok(())
}
