//! A JSONL file that a run writes record by record: `FILE.partial` while it runs, `FILE` when it is whole,
//! `FILE.state/` with what lets it go on.

use crate::args::Output;
use crate::disk::{Appended, Checkpoints, Lock, beside, rename};
use crate::failure::tell;
use crate::files::read_text;
use crate::interrupt;
use crate::live_records::Audience;
use crate::log::Log;
use crate::provenance::{Results, RunRecord};
use crate::report::{self, Aside, times};
use crate::runner::{Target, drive};
use anyhow::{Context, Result, bail};
use nudge_data::CandidatesRecord;
use nudge_session::verdict::Finding;
use nudge_session::{Command, Event, Files, Metrics, Session};
use serde_json::{Map, Value, json};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// A file of records being written.
pub struct RecordFile {
    path: PathBuf,
    /// Where records stand until the file is whole.
    pub partial: PathBuf,
    state: Checkpoints,
    file: Appended,
    /// Records in the file.
    pub records: usize,
    _lock: Lock,
}

/// What was found at a path.
pub enum Opened {
    /// A file to write to, the checkpoint to go on from, and what was noted with it.
    Ready(Box<RecordFile>, Option<Files>, Value),
    /// The file is whole already.
    Finished,
}

impl RecordFile {
    /// Opens `path` for a new run, or for one that goes on. Nothing is overwritten without `force`, and a file that is
    /// whole not before the new one is.
    pub fn open(path: &Path, resume: bool, force: bool) -> Result<Opened> {
        let lock = Lock::file(path)?;
        let (partial, state) = (beside(path, ".partial"), Checkpoints::at(beside(path, ".state")));
        // What a run with --force replaces stays until that run is whole, so both may be there.
        if path.exists() && !force && !(resume && partial.exists()) {
            if resume {
                state.discard()?;
                return Ok(Opened::Finished);
            }
            bail!("{} exists; choose another name, or replace it with --force", path.display());
        }
        if partial.exists() && !resume && !force {
            bail!("{} is an unfinished run; go on with --resume, or start anew with --force", partial.display());
        }
        let kept = if resume && partial.exists() { state.recover()? } else { None };
        if kept.is_none() {
            state.discard()?;
        }
        let (checkpoint, note) = kept.map_or((None, Value::Null), |kept| (Some(kept.files), kept.note));
        let mut file = Appended::open(&partial)?;
        let lines = file.cut(note["bytes"].as_u64().unwrap_or_default())?;
        let records = lines.iter().filter(|byte| **byte == b'\n').count();
        let this = Self { path: path.into(), partial, state, file, records, _lock: lock };
        Ok(Opened::Ready(Box::new(this), checkpoint, note))
    }

    /// Adds a record, one JSON object.
    pub fn write(&mut self, record: &str) -> Result<()> {
        self.records += 1;
        self.file.add(format!("{record}\n").as_bytes())
    }

    /// Stores a checkpoint that belongs to the records written so far, with a note of the log and of what makes them.
    pub fn keep(&mut self, checkpoint: Files, log: Value, run: &RunRecord) -> Result<()> {
        let bytes = self.file.sync()?;
        self.state.store(checkpoint, json!({ "bytes": bytes, "log": log, "run": run }))
    }

    /// The file is whole: gives it its name, behind what made it.
    pub fn finish(mut self, run: &RunRecord) -> Result<()> {
        self.file.sync()?;
        run.write_beside(&self.path)?;
        rename(&self.partial, &self.path)?;
        self.state.discard()
    }
}

/// The target of runs that make records.
pub struct RecordTarget {
    /// Where records go; `None` where the user wants no file.
    pub file: Option<Box<RecordFile>>,
    /// Where steps are logged.
    pub log: Option<Log>,
    /// What makes them.
    run: RunRecord,
    /// How often to store a checkpoint.
    every: Duration,
    /// Steps made, in all.
    steps: usize,
    /// Numbers of the last step.
    metrics: Metrics,
    /// Who reads records while others are made.
    audience: Option<Audience>,
}

impl RecordTarget {
    /// A target that stores a checkpoint `every` so often. `note` is that of the checkpoint that the run goes on from.
    pub fn new(file: Option<Box<RecordFile>>, log: Option<Log>, run: RunRecord, note: &Value, every: Duration) -> Self {
        let Ok(mut before) = serde_json::from_value::<RunRecord>(note["run"].clone()) else {
            return Self { file, log, run, every, steps: 0, metrics: Metrics::new(), audience: None };
        };
        let Results { steps, metrics, .. } = before.results.take().unwrap_or_default();
        Self { file, log, run: before.taken_up(run, steps), every, steps, metrics, audience: None }
    }

    /// The log's part of an event.
    fn log(&mut self, event: &Event) -> Result<()> {
        if let Event::Progress { step, .. } = event {
            self.steps = *step;
        }
        match (&mut self.log, event) {
            (Some(log), Event::Started { step, .. }) => log.start(*step),
            (Some(log), Event::Progress { step, metrics, seconds, .. }) => log.step(*step, metrics, *seconds),
            _ => Ok(()),
        }
    }
}

impl RecordTarget {
    /// Gives the file its name, behind its log and what made it.
    pub fn name(&mut self, findings: &[Finding]) -> Result<()> {
        self.log.as_mut().map_or(Ok(()), Log::sync)?;
        let (steps, metrics, findings) = (self.steps, self.metrics.clone(), findings.to_vec());
        self.run.end(Results { steps, metrics, findings });
        self.file.take().map_or(Ok(()), |file| file.finish(&self.run))?;
        self.audience.iter_mut().for_each(Audience::end);
        Ok(())
    }

    /// Gives the file its name and reports.
    fn finish(mut self, command: &str, out: &Path, as_json: bool) -> Result<()> {
        let records = self.file.as_ref().map_or(0, |file| file.records);
        self.name(&[])?;
        let out = out.display().to_string();
        let mut summary = json!({ "command": command, "out": out, "records": records });
        let chosen = self.metrics.iter().filter(|(name, _)| name.starts_with("best_of_"));
        for (name, number) in chosen.clone() {
            summary[name] = (*number).into();
        }
        let lines: String = chosen.map(|(name, number)| format!("\n  {name} {number:.3}")).collect();
        report::result(as_json, &summary, || {
            format!("{command}: {} -> {out}{lines}", times(records, "record", "records"))
        })
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
                json!({ "prompt": prompt, "a": a, "b": b, "preference": preference, "scores": scores }).to_string()
            }
            _ => return Ok(()),
        };
        self.file.as_mut().map_or(Ok(()), |file| file.write(&record))?;
        self.audience.iter_mut().for_each(|audience| audience.hold(&record));
        Ok(())
    }

    fn keep(&mut self, checkpoint: Files) -> Result<()> {
        self.log.as_mut().map_or(Ok(()), Log::sync)?;
        let log = self.log.as_ref().map_or(Value::Null, Log::note);
        let (steps, metrics) = (self.steps, self.metrics.clone());
        self.run.results = Some(Results { steps, metrics, ..Results::default() });
        self.file.as_mut().map_or(Ok(()), |file| file.keep(checkpoint, log, &self.run))?;
        self.audience.iter_mut().for_each(Audience::show);
        Ok(())
    }

    fn checkpoint_every(&self) -> Option<Duration> {
        // What somebody reads must be on the disk.
        let every = if self.audience.is_some() { Duration::ZERO } else { self.every };
        self.file.is_some().then_some(every)
    }

    fn is_asked_to_stop(&self) -> bool {
        interrupt::requested() || self.audience.as_ref().is_some_and(Audience::has_left)
    }

    fn is_watched(&self) -> bool {
        self.audience.is_none()
    }
}

/// Runs `command` into the file of `output` and reports.
pub fn record(
    session: &Session,
    command: Command,
    run: RunRecord,
    output: &Output,
    log: Option<&Path>,
    as_json: bool,
) -> Result<()> {
    let name = run.command.clone();
    match write(session, command, run, output, log, None)? {
        Some(target) => target.finish(&name, &output.out, as_json),
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
    run: RunRecord,
    output: &Output,
    log: Option<&Path>,
) -> Result<()> {
    match write(session, command, run, output, log, None)? {
        Some(mut target) => target.name(&[]),
        None => Ok(()),
    }
}

/// The same for somebody who reads each record as soon as it is on the disk, those of a run before this one first.
pub fn record_for(
    session: &Session,
    command: Command,
    run: RunRecord,
    output: &Output,
    log: Option<&Path>,
    audience: Audience,
) -> Result<()> {
    let mut late = audience.clone();
    match write(session, command, run, output, log, Some(audience))? {
        Some(mut target) => target.name(&[]),
        None => {
            late.show_file(&read_text(&output.out)?);
            late.end();
            Ok(())
        }
    }
}

/// Runs `command` into the file of `output`: checks it before a file is touched, goes on where it was cut off. Nothing
/// where the file is whole already.
fn write(
    session: &Session,
    command: Command,
    record: RunRecord,
    output: &Output,
    log: Option<&Path>,
    audience: Option<Audience>,
) -> Result<Option<RecordTarget>> {
    let name = record.command.clone();
    let mut run = session.start(command.clone(), None)?;
    let Opened::Ready(file, checkpoint, note) = RecordFile::open(&output.out, output.resume, output.force)? else {
        return Ok(None);
    };
    if let Some(files) = checkpoint {
        let resumed = session.start(command, Some(files));
        run = resumed.with_context(|| format!("cannot go on with {}", output.out.display()))?;
    }
    let log = log.map(|path| Log::given(path, &note["log"], output.resume, output.force)).transpose()?;
    let every = Duration::from_secs(output.checkpoint_seconds);
    let kept = audience.as_ref().map(|_| read_text(&file.partial)).transpose()?;
    let mut target = RecordTarget::new(Some(file), log, record, &note, every);
    target.audience = audience;
    target.audience.iter_mut().zip(kept).for_each(|(audience, kept)| audience.show_file(&kept));
    drive(run, &name, &mut target)?;
    Ok(Some(target))
}

/// Says that there is nothing left to do.
pub fn already_finished(path: &Path) {
    if Aside::is_on() {
        return tell("done before");
    }
    tell(&format!("{} is finished already; nothing to resume", path.display()));
}
