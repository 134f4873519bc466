//! The commands that tune a policy, by whatever method.

use super::Workplace;
use super::job::Job;
use super::own_completions::add_examples;
use crate::args::{Material, Tune};
use crate::files::read_texts;
use crate::input::{self, Places, Records};
use crate::options::{cuts, object, resolve_method, sourced};
use anyhow::Result;
use nudge_data::{PreferenceRecord, Prompt};
use nudge_session::Command;
use nudge_session::method::{LearnsFrom, Method};
use nudge_session::verdict::RankingCount;
use serde_json::{Map, Value};

/// Tunes into `--out`.
pub fn run(arguments: &Tune) -> Result<()> {
    let training = &arguments.training;
    let config = training.steps.config.as_deref();
    let method = resolve_method(&arguments.method, arguments.preset.as_deref(), &arguments.options, config)?;
    let texts = read_texts(&arguments.pretraining_text)?;
    let Read { rewards, prompts, mut preferences, places } = Read::new(arguments)?;
    let mut workplace = Workplace::open(training.common.device)?;
    workplace.load(&arguments.policy)?;
    rewards.iter().try_for_each(|name| workplace.load(name))?;
    let seed = options_of(&method)?.get("seed").and_then(Value::as_u64).unwrap_or(1);
    if let Material::Preferences(given) = &arguments.material {
        add_examples(&mut preferences, &given.examples, &training.reading, &workplace, (&arguments.policy, seed))?;
    }
    let cut = cuts(&options_of(&method)?);
    preferences.keep_fitting(&training.reading, cut, || Ok(workplace.session.room(&arguments.policy)?))?;
    let (preferences, places) = (preferences.all, places.before(preferences.places));
    let defaults = options_of(&arguments.method)?;
    let options = sourced(options_of(&method)?, &defaults, &arguments.options, config)?;
    let options = workplace.settled(options, &arguments.policy, true)?;
    let rankings = (!preferences.is_empty()).then(|| RankingCount::of(&preferences));
    let job = Job { name: method.info().name, training, options, workplace, places, rankings };
    let policy = arguments.policy.clone();
    job.run(Command::Tune { method, policy, rewards, prompts, preferences, pretraining_texts: texts })
}

/// What a method learns from.
struct Read {
    rewards: Vec<String>,
    prompts: Vec<Prompt>,
    preferences: Records<PreferenceRecord>,
    /// Where the prompts stand.
    places: Places,
}

impl Read {
    fn new(arguments: &Tune) -> Result<Self> {
        let reading = &arguments.training.reading;
        match &arguments.material {
            Material::Rewards(objective) => {
                let records = input::prompts(&objective.prompts, reading)?;
                let (rewards, prompts, places) = (objective.reward.clone(), records.all, records.places);
                Ok(Self { rewards, prompts, places, preferences: Records::none() })
            }
            Material::Preferences(given) => {
                let labels = arguments.method.info().learns_from == LearnsFrom::Labels;
                let preferences = input::preferences(&given.comparisons, labels, reading)?;
                Ok(Self { preferences, rewards: vec![], prompts: vec![], places: Places::default() })
            }
        }
    }
}

/// A method's options, without its name.
fn options_of(method: &Method) -> Result<Map<String, Value>> {
    match object(method)?.remove("options") {
        Some(Value::Object(options)) => Ok(options),
        _ => Ok(Map::new()),
    }
}
