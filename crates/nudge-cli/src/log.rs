//! The log of a run: one JSON object a step, metrics by their published names, flat, with `step` and `seconds`.
//!
//! After a resume it has no gap and no repeat: lines beyond the checkpoint's step, and a line cut off, are removed.

use crate::files::{io_error, write_atomic};
use anyhow::{Result, bail};
use nudge_session::Metrics;
use serde_json::{Map, Value};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// A log being written.
pub struct Log {
    path: PathBuf,
    file: Option<File>,
}

impl Log {
    /// A log at `path`. It must not hold lines already, unless the run is resumed or may replace them.
    pub fn new(path: &Path, resume: bool, force: bool) -> Result<Self> {
        let lines = fs::metadata(path).is_ok_and(|file| file.is_file() && file.len() > 0);
        if lines && !resume && !force {
            bail!(
                "the log {} exists; choose another --log, go on with --resume, or replace it with --force",
                path.display()
            );
        }
        Ok(Self { path: path.into(), file: None })
    }

    /// The run stands at `step`: keeps the lines up to it and opens the file behind them.
    pub fn start(&mut self, step: usize) -> Result<()> {
        if fs::metadata(&self.path).is_ok_and(|file| file.is_file()) {
            let text = fs::read(&self.path).map_err(|error| io_error("read", &self.path, error))?;
            let text = String::from_utf8_lossy(&text);
            let kept = lines_up_to(&text, step);
            if kept.len() != text.len() {
                write_atomic(&self.path, kept.as_bytes())?;
            }
        }
        let opened = OpenOptions::new().append(true).create(true).open(&self.path);
        self.file = Some(opened.map_err(|error| io_error("open", &self.path, error))?);
        Ok(())
    }

    /// Adds a step.
    pub fn step(&mut self, step: usize, metrics: &Metrics, seconds: f64) -> Result<()> {
        let mut line = Map::from_iter([("step".to_string(), Value::from(step))]);
        line.extend(metrics.iter().map(|(name, value)| (name.clone(), Value::from(*value))));
        line.insert("seconds".into(), seconds.into());
        self.write(&format!("{}\n", Value::Object(line))).map_err(|error| io_error("write", &self.path, error))
    }

    /// Waits until the lines are on the disk, so that no checkpoint is ahead of its log.
    pub fn sync(&mut self) -> Result<()> {
        let synced = self.file.as_mut().map_or(Ok(()), |file| file.sync_data());
        match synced {
            // A pipe or a device has nothing to wait for.
            Err(error) if error.kind() != io::ErrorKind::InvalidInput => Err(io_error("write", &self.path, error)),
            _ => Ok(()),
        }
    }

    fn write(&mut self, line: &str) -> io::Result<()> {
        self.file.as_mut().map_or(Ok(()), |file| file.write_all(line.as_bytes()))
    }
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
        let mut log = Log::new(&path, false, false).unwrap();
        log.start(0).unwrap();
        for step in 1..=3 {
            log.step(step, &Metrics::from([("loss".into(), 0.5)]), 0.0).unwrap();
        }
        assert!(Log::new(&path, false, false).is_err());
        let mut log = Log::new(&path, true, false).unwrap();
        log.start(2).unwrap();
        log.step(3, &Metrics::new(), 0.0).unwrap();
        let text = fs::read_to_string(&path).unwrap();
        let steps: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(steps.iter().map(|line| line["step"].as_u64().unwrap()).collect::<Vec<_>>(), [1, 2, 3]);
        assert_eq!(steps[1]["loss"], 0.5);
    }
}
