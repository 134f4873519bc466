//! A command that makes a model: one run into one folder, checked before anything is written, with its report.

use super::Workplace;
use crate::args::Training;
use crate::input::Places;
use crate::progress::TELLING;
use crate::record_file::already_finished;
use crate::report;
use crate::runner::drive;
use crate::training_folder::{Opened, RunRecord, TrainingFolder};
use anyhow::{Context, Result};
use nudge_session::{Command, SessionError};
use serde_json::{Map, Value};

/// What such commands have in common.
pub struct Job<'a> {
    /// The command's name.
    pub name: &'static str,
    /// Where it goes.
    pub training: &'a Training,
    /// For `options.json`.
    pub options: Map<String, Value>,
    /// The device, with the models that the command names.
    pub workplace: Workplace,
    /// Where the records of the command stand, for messages.
    pub places: Places,
}

impl Job<'_> {
    /// Runs `command` to its end.
    pub fn run(self, command: Command) -> Result<()> {
        let record = RunRecord {
            command: self.name,
            command_line: std::env::args().collect(),
            options: &self.options,
            device: self.workplace.device,
            nudge: env!("CARGO_PKG_VERSION"),
        };
        // The command is checked before the folder is touched.
        let checked = self.workplace.session.start(command.clone(), None);
        let located = |error| self.places.locate(error);
        let fresh = checked.map_err(anyhow::Error::from).map_err(located)?;
        let (mut folder, checkpoint) =
            match TrainingFolder::open(&self.training.output, self.training.steps.log.as_deref(), &record)? {
                Opened::Ready(folder, checkpoint) => (folder, checkpoint),
                Opened::Finished => {
                    already_finished(&self.training.output.out);
                    return Ok(());
                }
            };
        let run = match checkpoint {
            None => fresh,
            Some(files) => {
                drop(fresh);
                let resumed = self.workplace.session.start(command, Some(files));
                resumed.with_context(|| format!("cannot go on in {}", self.training.output.out.display()))?
            }
        };
        drive(run, self.name, folder.as_mut()).map_err(located).map_err(|error| match error.downcast_ref() {
            Some(SessionError::Diverged { .. }) => anyhow::anyhow!("{error}. {}", folder.way_on()),
            _ => error,
        })?;
        self.report(&folder)
    }

    fn report(&self, folder: &TrainingFolder) -> Result<()> {
        let mut summary = Map::new();
        summary.insert("command".into(), self.name.into());
        summary.insert("out".into(), self.training.output.out.display().to_string().into());
        summary.insert("steps".into(), folder.steps.into());
        summary.extend(folder.metrics.iter().map(|(name, value)| (name.clone(), Value::from(*value))));
        summary.insert("seconds".into(), folder.seconds.into());
        report::result(self.training.common.json, &summary, || {
            let numbers = TELLING.iter().filter_map(|name| Some(format!(", {name} {:.3}", folder.metrics.get(*name)?)));
            format!(
                "{}: {} steps in {}{} -> {}",
                self.name,
                folder.steps,
                report::duration(folder.seconds),
                numbers.collect::<String>(),
                self.training.output.out.display()
            )
        })
    }
}
