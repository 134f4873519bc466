//! The commands that make a model, but for the methods that tune one ([`super::tune`]). They differ in what they read.

use super::job::Job;
use super::own_completions::add_examples;
use super::{Workplace, mined};
use crate::args::{Pretrain, Reward, Sft};
use crate::failure::tell;
use crate::files::read_texts;
use crate::input::{self, Places};
use crate::options::{cuts, object, resolve, sourced_of};
use crate::report::times;
use anyhow::Result;
use nudge_session::Command;
use nudge_session::imitation::Imitation;
use nudge_session::options::{PretrainOptions, RewardOptions, SftOptions};
use nudge_session::verdict::RankingCount;

/// Trains a tokenizer and a base model.
pub fn pretrain(arguments: &Pretrain) -> Result<()> {
    let training = &arguments.training;
    let options: PretrainOptions = resolve(&arguments.options, training.steps.config.as_deref())?;
    let texts = read_texts(&arguments.text)?;
    let workplace = Workplace::open(training.common.device)?;
    let job = Job {
        name: "pretrain",
        training,
        options: sourced_of(&options, &arguments.options.given, training.steps.config.as_deref())?,
        workplace,
        places: Places::default(),
        rankings: None,
    };
    job.run(Command::Pretrain { texts, options })
}

/// Instruction tuning.
pub fn sft(arguments: &Sft) -> Result<()> {
    let training = &arguments.training;
    let options: SftOptions = resolve(&arguments.options, training.steps.config.as_deref())?;
    let mut records = input::demonstrations(&arguments.data, &training.reading)?;
    let mut workplace = Workplace::open(training.common.device)?;
    workplace.load(&arguments.model)?;
    records.keep_fitting(&training.reading, cuts(&object(&options)?), || {
        Ok(workplace.session.room(&arguments.model)?)
    })?;
    mined::add(&mut records, arguments, options.seed, &workplace.session)?;
    let config = workplace.session.open(&arguments.model)?.config;
    let Imitation { steps, batch_size } = Imitation::of(records.all.len(), &options, &config);
    let count = times(records.all.len(), "demonstration", "demonstrations");
    tell(&format!("{count}: {} of {batch_size}", times(steps, "step", "steps")));
    let sourced = sourced_of(&options, &arguments.options.given, training.steps.config.as_deref())?;
    let job = Job { name: "sft", training, options: sourced, workplace, places: records.places, rankings: None };
    job.run(Command::Sft { model: arguments.model.clone(), demonstrations: records.all, options })
}

/// Reward modelling.
pub fn reward(arguments: &Reward) -> Result<()> {
    let training = &arguments.training;
    let options: RewardOptions = resolve(&arguments.options, training.steps.config.as_deref())?;
    let mut preferences = input::preferences(&arguments.comparisons, false, &training.reading)?;
    let mut workplace = Workplace::open(training.common.device)?;
    workplace.load(&arguments.model)?;
    let model = (arguments.model.as_str(), options.seed);
    add_examples(&mut preferences, &arguments.examples, &training.reading, &workplace, model)?;
    let room = || Ok(workplace.session.room(&arguments.model)?);
    let cut = cuts(&object(&options)?);
    preferences.keep_fitting(&training.reading, cut, room)?;
    let mut demonstrations = input::demonstrations(&arguments.demonstrations, &training.reading)?;
    demonstrations.keep_fitting(&training.reading, cut, room)?;
    let (model, places) = (arguments.model.clone(), preferences.places.before(demonstrations.places));
    let rankings = Some(RankingCount::of(&preferences.all));
    let sourced = sourced_of(&options, &arguments.options.given, training.steps.config.as_deref())?;
    let job = Job { name: "reward", training, options: sourced, workplace, places, rankings };
    let (preferences, demonstrations) = (preferences.all, demonstrations.all);
    job.run(Command::Reward { model, preferences, demonstrations, options })
}
