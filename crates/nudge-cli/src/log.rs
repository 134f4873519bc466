//! The log of a run: one JSON object a step, metrics by their published names, flat, with `step` and `seconds`.
//!
//! After a resume it has no gap and no repeat: lines beyond the checkpoint's step, and a line cut off, are removed. Lines
//! that are not known to be this run's are never cut: their file is moved aside.

use crate::disk::{Appended, Lock, set_aside, write_atomic};
use crate::failure::tell;
use crate::files::io_error;
use anyhow::{Result, bail};
use nudge_session::Metrics;
use serde_json::{Map, Value};
use std::fs;
use std::path::{Path, PathBuf};

/// A log being written.
pub struct Log {
    path: PathBuf,
    /// Whether what is there is this run's own.
    own: bool,
    file: Option<Appended>,
    /// On a path that somebody gave; a run's own log lies in a folder that is locked.
    _lock: Option<Lock>,
}

impl Log {
    /// A log at `path` that is this run's `own`, whatever it holds.
    pub fn own(path: &Path) -> Self {
        Self { path: path.into(), own: true, file: None, _lock: None }
    }

    /// A log at a path that somebody gave. It must not hold lines already, unless the run goes on or replaces. Those that
    /// were noted in the run's checkpoint are its own; others will be moved aside. Of two runs the second is refused.
    pub fn given(path: &Path, noted: &Value, resume: bool, force: bool) -> Result<Self> {
        let lock = is_or_will_be_a_file(path).then(|| Lock::file(path)).transpose()?;
        if holds_lines(path) && !resume && !force {
            bail!(
                "the log {} exists; choose another --log, go on with --resume, or move it aside with --force",
                path.display()
            );
        }
        Ok(Self { path: path.into(), own: *noted == note(path), file: None, _lock: lock })
    }

    /// What a checkpoint notes, to know the log again.
    pub fn note(&self) -> Value {
        note(&self.path)
    }

    /// The run stands at `step`: keeps the lines up to it and opens the file behind them.
    pub fn start(&mut self, step: usize) -> Result<()> {
        if holds_lines(&self.path) {
            if self.own {
                self.cut(step)?;
            } else {
                let aside = set_aside(&self.path)?;
                tell(&format!("the log {} was there before; it is now {}", self.path.display(), aside.display()));
            }
        }
        self.file = Some(Appended::open(&self.path)?);
        Ok(())
    }

    fn cut(&self, step: usize) -> Result<()> {
        let text = fs::read(&self.path).map_err(|error| io_error("read", &self.path, error))?;
        let text = String::from_utf8_lossy(&text);
        let kept = lines_up_to(&text, step);
        if kept.len() == text.len() { Ok(()) } else { write_atomic(&self.path, kept.as_bytes()) }
    }

    /// Adds a step.
    pub fn step(&mut self, step: usize, metrics: &Metrics, seconds: f64) -> Result<()> {
        let mut line = Map::from_iter([("step".to_string(), Value::from(step))]);
        line.extend(metrics.iter().map(|(name, value)| (name.clone(), Value::from(*value))));
        line.insert("seconds".into(), seconds.into());
        let text = format!("{}\n", Value::Object(line));
        self.file.as_mut().map_or(Ok(()), |file| file.add(text.as_bytes()))
    }

    /// Waits until the lines are on the disk, so that no checkpoint is ahead of its log.
    pub fn sync(&mut self) -> Result<()> {
        self.file.as_mut().map_or(Ok(()), |file| file.sync().map(drop))
    }
}

/// A pipe or a device holds none.
fn holds_lines(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|file| file.is_file() && file.len() > 0)
}

/// A pipe or a device may be shared.
fn is_or_will_be_a_file(path: &Path) -> bool {
    fs::metadata(path).map_or(true, |file| file.is_file())
}

fn note(path: &Path) -> Value {
    std::path::absolute(path).unwrap_or(path.into()).display().to_string().into()
}

/// The whole lines of steps 1 to `step`.
fn lines_up_to(text: &str, step: usize) -> String {
    let keeps = |line: &&str| {
        let value: Option<Value> = line.strip_suffix('\n').and_then(|line| serde_json::from_str(line).ok());
        value.and_then(|value| value["step"].as_u64()).is_some_and(|logged| logged <= step as u64)
    };
    text.split_inclusive('\n').filter(keeps).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_beyond_the_step_and_torn_lines_go() {
        let text = "{\"step\":1}\n{\"step\":2}\n{\"step\":3}\n{\"ste";
        assert_eq!(lines_up_to(text, 2), "{\"step\":1}\n{\"step\":2}\n");
        assert_eq!(lines_up_to(text, 0), "");
        assert_eq!(lines_up_to("{\"step\":1}", 1), "", "a line without its end is not whole");
    }

    #[test]
    fn a_resumed_log_goes_on_behind_the_step() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("log.jsonl");
        let given = |noted: &Value, resume| Log::given(&path, noted, resume, false);
        let mut log = given(&Value::Null, false).unwrap();
        log.start(0).unwrap();
        for step in 1..=3 {
            log.step(step, &Metrics::from([("loss".into(), 0.5)]), 0.0).unwrap();
        }
        let note = log.note();
        let second = given(&note, true).map(|_| ()).unwrap_err().to_string();
        assert!(second.contains("is being written by process"), "{second}");
        drop(log);
        assert!(given(&Value::Null, false).is_err());
        let mut log = given(&note, true).unwrap();
        log.start(2).unwrap();
        log.step(3, &Metrics::new(), 0.0).unwrap();
        let text = fs::read_to_string(&path).unwrap();
        let steps: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(steps.iter().map(|line| line["step"].as_u64().unwrap()).collect::<Vec<_>>(), [1, 2, 3]);
        assert_eq!(steps[1]["loss"], 0.5);
        drop(log);
        // Without a checkpoint that notes it, nobody knows whose it is.
        given(&Value::Null, true).unwrap().start(0).unwrap();
        assert_eq!(fs::read_to_string(place.path().join("log.jsonl.1")).unwrap(), text);
        assert_eq!(fs::read_to_string(&path).unwrap(), "");
    }
}
