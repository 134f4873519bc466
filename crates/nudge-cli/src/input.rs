//! JSONL files of the user, checked line by line and joined, with the place of every record kept for messages.

use crate::files::read_text;
use anyhow::{Result, bail};
use nudge_data::{DataError, Prompt};
use nudge_session::SessionError;
use std::path::PathBuf;

/// The records of some files as one text.
pub struct Records {
    /// One record a line, blank lines dropped.
    pub text: String,
    places: Vec<String>,
}

impl Records {
    /// Reads `paths` in order; `check` gets each file's name and text.
    pub fn read<T>(paths: &[PathBuf], check: impl Fn(&str, &str) -> Result<T, DataError>) -> Result<(Self, Vec<T>)> {
        let (mut records, mut checked) = (Self { text: String::new(), places: vec![] }, vec![]);
        for path in paths {
            let (name, text) = (path.display().to_string(), read_text(path)?);
            checked.push(check(&name, &text)?);
            for (index, line) in text.trim_start_matches('\u{feff}').lines().enumerate() {
                if line.trim().is_empty() {
                    continue;
                }
                records.text.push_str(line);
                records.text.push('\n');
                records.places.push(format!("{name}, line {}", index + 1));
            }
        }
        Ok((records, checked))
    }

    /// Adds JSON lines that come from no file of records; messages call each one `source`.
    pub fn append(&mut self, lines: &str, source: &str) {
        self.text.push_str(lines);
        self.places.extend((1..=lines.lines().count()).map(|number| format!("{source}, number {number}")));
    }

    /// Names the file and line of the record that an error is about.
    pub fn locate(&self, error: anyhow::Error) -> anyhow::Error {
        match error.downcast_ref::<SessionError>() {
            Some(SessionError::Prompt { index, reason }) => match self.places.get(index.wrapping_sub(1)) {
                Some(place) => anyhow::anyhow!("{place}: {reason}"),
                None => error,
            },
            _ => error,
        }
    }

    /// Number of records.
    pub fn len(&self) -> usize {
        self.places.len()
    }

    /// Keeps the lines for which `keep` holds.
    pub fn retain(&mut self, keep: impl Fn(&str) -> bool) {
        let lines = self.text.lines().zip(self.places.iter()).filter(|(line, _)| keep(line));
        let (text, places) = lines.map(|(line, place)| (format!("{line}\n"), place.clone())).unzip();
        (self.text, self.places) = (text, places);
    }

    /// Checks every record; an error names its place.
    pub fn check<T>(&self, check: impl Fn(&str, &str) -> Result<T, DataError>) -> Result<()> {
        for (line, place) in self.text.lines().zip(&self.places) {
            match check(place, line) {
                Err(DataError::Line { source_name, reason, .. }) => bail!("{source_name}: {reason}"),
                checked => drop(checked?),
            }
        }
        Ok(())
    }
}

/// The prompts of a file.
pub fn prompts(path: &PathBuf) -> Result<(Records, Vec<Prompt>)> {
    let (records, prompts) = Records::read(std::slice::from_ref(path), nudge_data::prompts_from)?;
    Ok((records, prompts.into_iter().flatten().map(|record| record.prompt).collect()))
}
