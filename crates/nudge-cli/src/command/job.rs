//! A command that makes a model: one run into one folder, checked before anything is written, with its report.

use super::Workplace;
use crate::args::Training;
use crate::failure::tell;
use crate::input::Places;
use crate::progress::TELLING;
use crate::provenance::{Results, RunRecord};
use crate::record_file::already_finished;
use crate::report;
use crate::runner::drive;
use crate::training_folder::{Opened, TrainingFolder};
use crate::usage::given;
use crate::verdicts::{Verdicts, doubts_about, into_json};
use anyhow::{Context, Result, anyhow, bail};
use nudge_session::verdict::{Evidence, Finding, Next, RankingCount};
use nudge_session::{Command, Metrics, Run, SessionError};
use serde_json::{Map, Value};

/// What such commands have in common.
pub struct Job<'a> {
    /// The command's name.
    pub name: &'static str,
    /// Where it goes.
    pub training: &'a Training,
    /// Options with where they come from, for `run.json`.
    pub options: Map<String, Value>,
    /// The device, with the models that the command names.
    pub workplace: Workplace,
    /// Where the records of the command stand, for messages.
    pub places: Places,
    /// What is learnt from, where that is rankings or pairs.
    pub rankings: Option<RankingCount>,
}

/// What is held against the reward models that the command names.
fn doubts() -> Vec<Finding> {
    let given = given();
    given.flags.get("reward").into_iter().flatten().flat_map(|name| doubts_about(name)).collect()
}

impl Job<'_> {
    /// Runs `command` to its end.
    pub fn run(self, command: Command) -> Result<()> {
        let record = RunRecord::begin(&given(), self.options.clone(), self.workplace.device, &self.places.counts())?;
        // The command is checked before the folder is touched.
        let checked = self.workplace.session.start(command.clone(), None);
        let located = |error| self.places.locate(error);
        let fresh = checked.map_err(anyhow::Error::from).map_err(located)?;
        let (output, log) = (&self.training.output, self.training.steps.log.as_deref());
        let (mut folder, checkpoint) = match TrainingFolder::open(output, log, record)? {
            Opened::Ready(folder, checkpoint) => (folder, checkpoint),
            Opened::Finished(mut folder) => {
                already_finished(&output.out);
                // A process that was killed between its weights and its words.
                return if folder.record.results.is_none() {
                    self.conclude(&mut folder).map(drop)
                } else {
                    folder.publish()
                };
            }
        };
        let run = match checkpoint {
            None => fresh,
            Some(files) => {
                drop(fresh);
                self.resumed(self.workplace.session.start(command, Some(files)), &folder)?
            }
        };
        doubts().iter().for_each(|doubt| tell(&format!("warning: {}", doubt.sentence)));
        drive(run, self.name, folder.as_mut()).map_err(located).map_err(|error| match error.downcast_ref() {
            Some(SessionError::Diverged { .. } | SessionError::DivergedWeights { .. }) => {
                anyhow!("{error}. {}", folder.way_on())
            }
            _ => error,
        })?;
        let verdicts = self.conclude(&mut folder)?;
        if verdicts.diverged() {
            let out = output.out.display();
            bail!(
                "the training diverged; {out} holds what came of it. Start anew with --force and a smaller learning rate"
            );
        }
        self.report(&folder, &verdicts)
    }

    /// The run that goes on; why it cannot, with the options that are not what they were.
    fn resumed(&self, run: Result<Run, SessionError>, folder: &TrainingFolder) -> Result<Run> {
        let changed: Vec<String> = folder.record.resumes.last().map_or(vec![], |resume| {
            let words =
                |(name, values): (&String, &Value)| format!("{name} was {} and is {}", values["from"], values["to"]);
            resume.changed.iter().map(words).collect()
        });
        let changed = if changed.is_empty() { String::new() } else { format!(" ({})", changed.join(", ")) };
        run.with_context(|| format!("cannot go on in {}{changed}", self.training.output.out.display()))
    }

    /// Judges what was trained, says so, and writes `run.json` and the model card.
    fn conclude(&self, folder: &mut TrainingFolder) -> Result<Verdicts> {
        let steps = folder.logged();
        let mut metrics = Metrics::new();
        steps.iter().for_each(|step| metrics.extend(step.clone()));
        let evidence = Evidence {
            task: self.name.into(),
            steps,
            options: folder.record.values(),
            rankings: self.rankings.clone(),
            ..Evidence::default()
        };
        let usual = if self.name == "reward" { Next::Calibrate } else { Next::Compare };
        let usual = (self.name != "pretrain").then_some(usual);
        let verdicts = Verdicts::new(&evidence, &given(), usual).and(doubts());
        let findings = verdicts.findings.clone();
        folder.record.settle_rate(&evidence.steps);
        // What cannot be stored is not judged.
        folder.conclude(Results { steps: evidence.steps.len(), metrics, findings })?;
        verdicts.tell();
        Ok(verdicts)
    }

    fn report(&self, folder: &TrainingFolder, verdicts: &Verdicts) -> Result<()> {
        let mut summary = Map::new();
        summary.insert("command".into(), self.name.into());
        summary.insert("out".into(), self.training.output.out.display().to_string().into());
        summary.insert("steps".into(), folder.steps.into());
        summary.extend(folder.metrics.iter().map(|(name, value)| (name.clone(), Value::from(*value))));
        summary.insert("seconds".into(), folder.seconds.into());
        report::result(self.training.common.json, &into_json(&summary, verdicts)?, || {
            let numbers = TELLING.iter().filter_map(|name| Some(format!(", {name} {:.3}", folder.metrics.get(*name)?)));
            format!(
                "{}: {} in {}{} -> {}",
                self.name,
                report::times(folder.steps, "step", "steps"),
                report::duration(folder.seconds),
                numbers.collect::<String>(),
                self.training.output.out.display()
            )
        })
    }
}
