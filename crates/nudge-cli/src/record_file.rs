//! A JSONL file that a run writes record by record: `FILE.partial` while it runs, `FILE` when it is whole,
//! `FILE.state/` with what lets it go on.

use crate::args::Output;
use crate::failure::tell;
use crate::files::{beside, io_error, recover_folder, remove, replace_folder};
use crate::log::Log;
use crate::report::{self, Aside};
use crate::runner::{Target, drive};
use anyhow::{Context, Result, bail};
use nudge_data::CandidatesRecord;
use nudge_session::{Command, Event, Files, Metrics, Session};
use serde_json::Map;
use std::fs::{self, File, OpenOptions};
use std::io::{Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The file of a checkpoint that says how much of `FILE.partial` belongs to it.
const WRITTEN: &str = "written.json";

/// A file of records being written.
pub struct RecordFile {
    path: PathBuf,
    /// Where records stand until the file is whole.
    pub partial: PathBuf,
    state: PathBuf,
    file: File,
    /// Records in the file.
    pub records: usize,
}

/// What was found at a path.
pub enum Opened {
    /// A file to write to, and the checkpoint to go on from.
    Ready(RecordFile, Option<Files>),
    /// The file is whole already.
    Finished,
}

impl RecordFile {
    /// Opens `path` for a new run, or for one that goes on. Nothing is overwritten without `force`.
    pub fn open(path: &Path, resume: bool, force: bool) -> Result<Opened> {
        let (partial, state) = (beside(path, ".partial"), beside(path, ".state"));
        // What a run with --force replaces stays until that run is whole, so both may be there.
        if path.exists() && !force && !(resume && partial.exists()) {
            if resume {
                remove(&state)?;
                return Ok(Opened::Finished);
            }
            bail!("{} exists; choose another name, or replace it with --force", path.display());
        }
        if partial.exists() && !resume && !force {
            bail!("{} is an unfinished run; go on with --resume, or start anew with --force", partial.display());
        }
        let mut checkpoint = None;
        if resume && partial.exists() {
            checkpoint = recover_folder(&state)?;
        } else {
            remove(&state)?;
        }
        let written = match &mut checkpoint {
            Some(files) => written(&state, files)?,
            None => 0,
        };
        let opened = OpenOptions::new().write(true).create(true).truncate(false).open(&partial);
        let mut file = opened.map_err(|error| io_error("write", &partial, error))?;
        let cut = file.set_len(written).and_then(|()| file.seek(SeekFrom::End(0)));
        cut.map_err(|error| io_error("write", &partial, error))?;
        let lines = fs::read(&partial).map_err(|error| io_error("read", &partial, error))?;
        let records = lines.iter().filter(|byte| **byte == b'\n').count();
        Ok(Opened::Ready(Self { path: path.into(), partial, state, file, records }, checkpoint))
    }

    /// Adds a record, one JSON object.
    pub fn write(&mut self, record: &str) -> Result<()> {
        self.records += 1;
        let written = self.file.write_all(format!("{record}\n").as_bytes());
        written.map_err(|error| io_error("write", &self.partial, error))
    }

    /// Stores a checkpoint that belongs to the records written so far.
    pub fn keep(&mut self, mut checkpoint: Files) -> Result<()> {
        let length = self.file.sync_data().and_then(|()| self.file.stream_position());
        let length = length.map_err(|error| io_error("write", &self.partial, error))?;
        checkpoint.insert(WRITTEN.into(), serde_json::json!({ "bytes": length }).to_string().into());
        replace_folder(&self.state, &checkpoint)
    }

    /// The file is whole: gives it its name.
    pub fn finish(self) -> Result<()> {
        self.file.sync_all().map_err(|error| io_error("write", &self.partial, error))?;
        fs::rename(&self.partial, &self.path).map_err(|error| io_error("write", &self.path, error))?;
        remove(&self.state)
    }
}

fn written(state: &Path, files: &mut Files) -> Result<u64> {
    let wrong = || format!("{} is damaged; start anew with --force", state.display());
    let bytes = files.remove(WRITTEN).with_context(wrong)?;
    let value: serde_json::Value = serde_json::from_slice(&bytes).with_context(wrong)?;
    value["bytes"].as_u64().with_context(wrong)
}

/// The target of runs that make records.
pub struct RecordTarget {
    /// Where records go; `None` where the user wants no file.
    pub file: Option<RecordFile>,
    /// Where steps are logged.
    pub log: Option<Log>,
    /// How often to store a checkpoint.
    every: Duration,
    /// Numbers of the last step.
    metrics: Metrics,
}

impl RecordTarget {
    /// A target that stores a checkpoint `every` so often.
    pub fn new(file: Option<RecordFile>, log: Option<Log>, every: Duration) -> Self {
        Self { file, log, every, metrics: Metrics::new() }
    }

    /// The log's part of an event.
    fn log(&mut self, event: &Event) -> Result<()> {
        match (&mut self.log, event) {
            (Some(log), Event::Started { step, .. }) => log.start(*step),
            (Some(log), Event::Progress { step, metrics, seconds, .. }) => log.step(*step, metrics, *seconds),
            _ => Ok(()),
        }
    }
}

impl RecordTarget {
    /// Gives the file its name and reports.
    fn finish(self, command: &str, out: &Path, as_json: bool) -> Result<()> {
        let records = self.file.as_ref().map_or(0, |file| file.records);
        self.file.map_or(Ok(()), RecordFile::finish)?;
        let out = out.display().to_string();
        let mut summary = serde_json::json!({ "command": command, "out": out, "records": records });
        let chosen = self.metrics.iter().filter(|(name, _)| name.starts_with("best_of_"));
        for (name, number) in chosen.clone() {
            summary[name] = (*number).into();
        }
        let lines: String = chosen.map(|(name, number)| format!("\n  {name} {number:.3}")).collect();
        report::result(as_json, &summary, || format!("{command}: {records} records -> {out}{lines}"))
    }
}

impl Target for RecordTarget {
    fn take(&mut self, event: Event) -> Result<()> {
        self.log(&event)?;
        if let Event::Progress { metrics, .. } = &event {
            self.metrics.clone_from(metrics);
        }
        let record = match event {
            Event::Ranked { record } => serde_json::to_string(&record)?,
            Event::Scored { record } => serde_json::to_string(&record)?,
            Event::Candidates { id, prompt, completions, .. } => {
                serde_json::to_string(&CandidatesRecord { id, prompt, completions, extra: Map::new() })?
            }
            Event::Pair { prompt, a, b, preference, scores, .. } => {
                serde_json::json!({ "prompt": prompt, "a": a, "b": b, "preference": preference, "scores": scores })
                    .to_string()
            }
            _ => return Ok(()),
        };
        self.file.as_mut().map_or(Ok(()), |file| file.write(&record))
    }

    fn keep(&mut self, checkpoint: Files) -> Result<()> {
        self.log.as_mut().map_or(Ok(()), Log::sync)?;
        self.file.as_mut().map_or(Ok(()), |file| file.keep(checkpoint))
    }

    fn checkpoint_every(&self) -> Option<Duration> {
        self.file.is_some().then_some(self.every)
    }
}

/// Runs `command` into the file of `output` and reports.
pub fn record(
    session: &Session,
    command: Command,
    name: &str,
    output: &Output,
    log: Option<&Path>,
    as_json: bool,
) -> Result<()> {
    match write(session, command, name, output, log)? {
        Some(target) => target.finish(name, &output.out, as_json),
        None => {
            already_finished(&output.out);
            Ok(())
        }
    }
}

/// The same as a part of another command, which reports itself.
pub fn record_quietly(
    session: &Session,
    command: Command,
    name: &str,
    output: &Output,
    log: Option<&Path>,
) -> Result<()> {
    match write(session, command, name, output, log)? {
        Some(target) => target.file.map_or(Ok(()), RecordFile::finish),
        None => Ok(()),
    }
}

/// Runs `command` into the file of `output`: checks it before a file is touched, goes on where it was cut off. Nothing
/// where the file is whole already.
fn write(
    session: &Session,
    command: Command,
    name: &str,
    output: &Output,
    log: Option<&Path>,
) -> Result<Option<RecordTarget>> {
    let mut run = session.start(command.clone(), None)?;
    let Opened::Ready(file, checkpoint) = RecordFile::open(&output.out, output.resume, output.force)? else {
        return Ok(None);
    };
    if let Some(files) = checkpoint {
        let resumed = session.start(command, Some(files));
        run = resumed.with_context(|| format!("cannot go on with {}", output.out.display()))?;
    }
    let log = log.map(|path| Log::new(path, output.resume, output.force)).transpose()?;
    let mut target = RecordTarget::new(Some(file), log, Duration::from_secs(output.checkpoint_seconds));
    drive(run, name, &mut target)?;
    Ok(Some(target))
}

/// Says that there is nothing left to do.
pub fn already_finished(path: &Path) {
    if Aside::is_on() {
        return tell("done before");
    }
    tell(&format!("{} is finished already; nothing to resume", path.display()));
}
