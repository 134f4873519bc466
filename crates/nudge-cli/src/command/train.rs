//! The commands that make a model. They differ in what they read; the rest is one run into one folder.

use super::{Workplace, mined};
use crate::args::{Dpo, Grpo, Kto, Objective, Orpo, PolicyGradient, Ppo, Preferences, Pretrain, Reward, Sft, Training};
use crate::failure::tell;
use crate::files::read_text;
use crate::input::{self, Reading, Records};
use crate::options::{resolve, resolve_both, resolve_ppo};
use crate::progress::TELLING;
use crate::record_file::already_finished;
use crate::report;
use crate::runner::drive;
use crate::training_folder::{Opened, RunRecord, TrainingFolder};
use anyhow::{Context, Result, bail};
use nudge_data::format::Wanted;
use nudge_data::sitting::is_repeat;
use nudge_data::{DataError, Format, Prompt, RankingRecord};
use nudge_session::options::{
    DpoOptions, GrpoOptions, KtoOptions, OrpoOptions, PretrainOptions, ReinforceOptions, RewardOptions, RlooOptions,
    SftOptions,
};
use nudge_session::{Command, SessionError};
use serde::Serialize;
use serde_json::{Map, Value};
use std::path::PathBuf;

/// What they have in common.
struct Job<'a, O> {
    name: &'static str,
    training: &'a Training,
    options: &'a O,
    workplace: Workplace,
    /// Where the records of the command stand, for messages.
    records: Option<Records>,
}

/// Trains a tokenizer and a base model.
pub fn pretrain(arguments: &Pretrain) -> Result<()> {
    let options: PretrainOptions = resolve(&arguments.options, arguments.training.steps.config.as_deref())?;
    let texts = arguments.text.iter().map(|path| read_text(path)).collect::<Result<Vec<_>>>()?;
    let job = Job {
        name: "pretrain",
        training: &arguments.training,
        options: &options,
        workplace: Workplace::open(arguments.training.common.device)?,
        records: None,
    };
    job.run(Command::Pretrain { texts, options: options.clone() })
}

/// Instruction tuning.
pub fn sft(arguments: &Sft) -> Result<()> {
    let options: SftOptions = resolve(&arguments.options, arguments.training.steps.config.as_deref())?;
    let reading = &arguments.training.reading;
    let mut records = Records::read(&arguments.data, Wanted::Demonstrations, reading)?;
    let mut workplace = Workplace::open(arguments.training.common.device)?;
    workplace.load(&arguments.model)?;
    mined::add(&mut records, arguments, options.seed, &workplace.session)?;
    let command =
        Command::Sft { model: arguments.model.clone(), demonstrations: records.text.clone(), options: options.clone() };
    let job = Job { name: "sft", training: &arguments.training, options: &options, workplace, records: Some(records) };
    job.run(command)
}

/// Reward modelling.
pub fn reward(arguments: &Reward) -> Result<()> {
    let options: RewardOptions = resolve(&arguments.options, arguments.training.steps.config.as_deref())?;
    let reading = &arguments.training.reading;
    let comparisons = comparisons(&arguments.comparisons, reading)?;
    let mut workplace = Workplace::open(arguments.training.common.device)?;
    workplace.load(&arguments.model)?;
    let demonstrations = Records::read(&arguments.demonstrations, Wanted::Demonstrations, reading)?;
    let command = Command::Reward {
        model: arguments.model.clone(),
        comparisons: comparisons.text.clone(),
        demonstrations: demonstrations.text,
        options: options.clone(),
    };
    let job =
        Job { name: "reward", training: &arguments.training, options: &options, workplace, records: Some(comparisons) };
    job.run(command)
}

/// PPO.
pub fn ppo(arguments: &Ppo) -> Result<()> {
    let config = arguments.training.steps.config.as_deref();
    let options = resolve_ppo(arguments.preset, &arguments.options, &arguments.algorithm, config)?;
    let texts = arguments.pretraining_text.iter().map(|path| read_text(path)).collect::<Result<Vec<_>>>()?;
    online("ppo", &arguments.objective, &arguments.training, &options, |online| Command::Ppo {
        policy: online.policy,
        reward: online.reward,
        reward_ensemble: online.reward_ensemble,
        prompts: online.prompts,
        pretraining_texts: texts,
        options: options.clone(),
    })
}

/// GRPO.
pub fn grpo(arguments: &Grpo) -> Result<()> {
    let config = arguments.training.steps.config.as_deref();
    let options: GrpoOptions = resolve_both(&arguments.options, &arguments.algorithm, config)?;
    online("grpo", &arguments.objective, &arguments.training, &options, |online| Command::Grpo {
        policy: online.policy,
        reward: online.reward,
        reward_ensemble: online.reward_ensemble,
        prompts: online.prompts,
        options: options.clone(),
    })
}

/// RLOO.
pub fn rloo(arguments: &PolicyGradient) -> Result<()> {
    let options: RlooOptions = resolve(&arguments.options, arguments.training.steps.config.as_deref())?;
    online("rloo", &arguments.objective, &arguments.training, &options, |online| Command::Rloo {
        policy: online.policy,
        reward: online.reward,
        reward_ensemble: online.reward_ensemble,
        prompts: online.prompts,
        options: options.clone(),
    })
}

/// REINFORCE.
pub fn reinforce(arguments: &PolicyGradient) -> Result<()> {
    let options: ReinforceOptions = resolve(&arguments.options, arguments.training.steps.config.as_deref())?;
    online("reinforce", &arguments.objective, &arguments.training, &options, |online| Command::Reinforce {
        policy: online.policy,
        reward: online.reward,
        reward_ensemble: online.reward_ensemble,
        prompts: online.prompts,
        options: options.clone(),
    })
}

/// DPO.
pub fn dpo(arguments: &Dpo) -> Result<()> {
    let options: DpoOptions = resolve(&arguments.options, arguments.training.steps.config.as_deref())?;
    offline("dpo", comparisons, &arguments.preferences, &arguments.training, &options, |policy, comparisons| {
        Command::Dpo { policy, comparisons, options: options.clone() }
    })
}

/// KTO.
pub fn kto(arguments: &Kto) -> Result<()> {
    let options: KtoOptions = resolve(&arguments.options, arguments.training.steps.config.as_deref())?;
    offline("kto", judgements, &arguments.preferences, &arguments.training, &options, |policy, comparisons| {
        Command::Kto { policy, comparisons, options: options.clone() }
    })
}

/// ORPO.
pub fn orpo(arguments: &Orpo) -> Result<()> {
    let options: OrpoOptions = resolve(&arguments.options, arguments.training.steps.config.as_deref())?;
    offline("orpo", comparisons, &arguments.preferences, &arguments.training, &options, |policy, comparisons| {
        Command::Orpo { policy, comparisons, options: options.clone() }
    })
}

/// What a method that samples reads.
struct Online {
    policy: String,
    reward: String,
    reward_ensemble: Vec<String>,
    prompts: Vec<Prompt>,
}

/// A method that learns from its own answers.
fn online<O: Serialize>(
    name: &'static str,
    objective: &Objective,
    training: &Training,
    options: &O,
    command: impl FnOnce(Online) -> Command,
) -> Result<()> {
    let (records, prompts) = input::prompts(&objective.prompts, &training.reading)?;
    let mut workplace = Workplace::open(training.common.device)?;
    workplace.load(&objective.policy)?;
    objective.reward.iter().try_for_each(|name| workplace.load(name))?;
    let (reward, reward_ensemble) = ensemble(&objective.reward);
    let command = command(Online { policy: objective.policy.clone(), reward, reward_ensemble, prompts });
    Job { name, training, options, workplace, records: Some(records) }.run(command)
}

/// A method that learns from rankings as they are.
fn offline<O: Serialize>(
    name: &'static str,
    read: fn(&[PathBuf], &Reading) -> Result<Records>,
    preferences: &Preferences,
    training: &Training,
    options: &O,
    command: impl FnOnce(String, String) -> Command,
) -> Result<()> {
    let records = read(&preferences.comparisons, &training.reading)?;
    let mut workplace = Workplace::open(training.common.device)?;
    workplace.load(&preferences.policy)?;
    let command = command(preferences.policy.clone(), records.text.clone());
    Job { name, training, options, workplace, records: Some(records) }.run(command)
}

/// The first reward model and the other members of its ensemble.
pub fn ensemble(names: &[String]) -> (String, Vec<String>) {
    let (first, others) = names.split_first().map_or_else(Default::default, |(first, others)| (first.clone(), others));
    (first, others.to_vec())
}

impl<O: Serialize> Job<'_, O> {
    fn run(self, command: Command) -> Result<()> {
        let record = RunRecord {
            command: self.name,
            command_line: std::env::args().collect(),
            options: self.options,
            device: self.workplace.device,
            nudge: env!("CARGO_PKG_VERSION"),
        };
        // The command is checked before the folder is touched.
        let checked = self.workplace.session.start(command.clone(), None);
        let located = |error| match &self.records {
            Some(records) => records.locate(error),
            None => error,
        };
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

/// The rankings and comparisons that say something. A ranking that ties everything is valid but teaches nothing.
pub fn comparisons(paths: &[PathBuf], reading: &Reading) -> Result<Records> {
    telling(Records::read(paths, Wanted::Comparisons, reading)?, nudge_data::comparisons_from)
}

/// The same with answers among them that are wanted or not by themselves.
fn judgements(paths: &[PathBuf], reading: &Reading) -> Result<Records> {
    let wanted = |format| if format == Format::Unpaired { Wanted::Unpaired } else { Wanted::Comparisons };
    telling(Records::read_by_format(paths, wanted, reading)?, nudge_data::judgements_from)
}

/// Those of `records` that something can be learnt from, each checked; what is left out is counted.
fn telling<T>(mut records: Records, check: fn(&str, &str) -> Result<T, DataError>) -> Result<Records> {
    let all = records.len() + records.tied;
    if records.len() == 0 && all > 0 {
        bail!(
            "all {all} rankings tie everything; there is no preference to learn from. Rank again and put some answers above others"
        );
    }
    if records.tied > 0 {
        tell(&format!("{} of {all} rankings tie everything and are left out", records.tied));
    }
    let before = records.len();
    records.retain(|line| !repeats_a_screen(line));
    if records.len() < before {
        tell(&format!("{} of {before} rankings repeat a screen and are left out", before - records.len()));
    }
    records.check(check)?;
    Ok(records)
}

/// A repeat measures how sure a labeler is (`nudge agreement`); the first ranking of the screen is learnt from.
fn repeats_a_screen(line: &str) -> bool {
    let record = serde_json::from_str::<RankingRecord>(line);
    record.is_ok_and(|record| record.validate().is_ok() && is_repeat(&record.extra))
}

pub fn ties_everything(line: &str) -> bool {
    let ranking = serde_json::from_str::<RankingRecord>(line);
    ranking.is_ok_and(|record| record.completions.len() > 1 && record.validate().is_ok() && record.ranking.len() == 1)
}
