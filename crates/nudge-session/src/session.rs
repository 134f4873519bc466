//! A session holds models by name on one device and starts runs on them.
//!
//! Deliberately absent: files and storage. A shell puts model files in and takes them out.

use crate::SessionError;
use crate::folder::{Bases, Folder, Kind, adapter, faithful::Origin};
use crate::labeler::{self, LabelerInfo};
use crate::memory::{self, Needs};
use crate::method::dpo::DpoOptions;
use crate::method::{LearnsFrom, Loaded, Method, MethodInfo};
use crate::prequential::Readings;
use crate::protocol::{Command, Files, Verdict, Winner};
use crate::rollout::{exploring_temperature_of, temperature_of};
use crate::room::Room;
use crate::run::Run;
use crate::snapshot::{Snapshot, fingerprint};
use crate::stage::compare::{self, Compare};
use crate::stage::pretrain::{self, Pretrain};
use crate::stage::{
    best_of::BestOf, calibrate::Calibrate, eval::Eval, rank::Rank, review::Review, reward::Reward, sample::Sample,
    score::Score, sft::Sft,
};
use burn::tensor::Device;
use nudge_rlhf::Comparison;
use serde::Serialize;
use std::cell::RefCell;
use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::rc::Rc;

/// What a model is, for the shell to show.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ModelInfo {
    /// `decoder` or `reward`.
    pub kind: &'static str,
    /// Number of trainable numbers.
    pub parameters: usize,
    /// Rows of the embedding.
    pub vocab_size: usize,
    /// Longest sequence in tokens.
    pub max_position_embeddings: usize,
    /// Whether prompts go through a chat template.
    pub chat: bool,
    /// What is done where its files say nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<&'static str>,
}

/// Models by name, on one device.
pub struct Session {
    device: Device,
    models: BTreeMap<String, Held>,
    /// Their weights.
    bases: Bases,
    /// Bytes that a run may take, where the shell knows.
    memory: Option<u64>,
}

/// The files of one model.
struct Held {
    /// As they were put in: an adapter's alone, or a whole model's.
    own: Files,
    /// With those of the base under an adapter.
    whole: Files,
    /// What these say, but for the weights.
    folder: Folder,
    /// The rankings that it has read.
    readings: Rc<RefCell<Readings>>,
}

impl Session {
    /// An empty session on `device` (without autodiff; stages turn it on where they train).
    pub fn new(device: Device) -> Self {
        Self { device: device.without_autodiff(), models: BTreeMap::new(), bases: Bases::default(), memory: None }
    }

    /// Takes a model in, after checking that its files fit together and hold finite numbers. An adapter alone finds
    /// its base among the models that are there.
    pub fn put_model(&mut self, name: &str, files: Files) -> Result<ModelInfo, SessionError> {
        let whole = self.with_base(name, &files)?;
        let folder = Folder::open(name, &whole)?.beside(&self.bases);
        match folder.kind {
            Kind::Decoder => folder.decoder(&self.device).map(drop)?,
            Kind::Reward => folder.scalar(&self.device).map(drop)?,
        }
        let info = ModelInfo {
            kind: match folder.kind {
                Kind::Decoder => "decoder",
                Kind::Reward => "reward",
            },
            parameters: folder.config.parameter_count(),
            vocab_size: folder.config.vocab_size,
            max_position_embeddings: folder.config.max_position_embeddings,
            chat: folder.tokenizer.chat().is_some(),
            note: folder.note(),
        };
        self.models.insert(name.into(), Held { own: files, whole, folder, readings: Rc::default() });
        self.forget_bases();
        Ok(info)
    }

    /// Lets go of a model.
    pub fn forget_model(&mut self, name: &str) {
        self.models.remove(name);
        self.forget_bases();
    }

    /// Lets go of weights that no model here has.
    fn forget_bases(&self) {
        self.bases.retain(|weights| self.models.values().any(|held| held.folder.lies_in(weights)));
    }

    /// The files of a whole model: an adapter alone lies on its base.
    fn with_base(&self, name: &str, files: &Files) -> Result<Files, SessionError> {
        let Some(base) = adapter::missing_base(name, files)? else { return Ok(files.clone()) };
        // The one that it names first: a hash of a large model takes a while.
        let named = base.name.as_ref().and_then(|name| self.models.get_key_value(name));
        let found =
            named.into_iter().chain(&self.models).find(|(other, held)| adapter::is_base(&base, other, &held.whole));
        let missing = || SessionError::NoBase {
            name: name.into(),
            base: base.name.clone().unwrap_or_else(|| "a model that it does not name".into()),
        };
        Ok(adapter::on_base(&found.ok_or_else(missing)?.1.whole, files.clone()))
    }

    /// The files of a model as they were put in.
    pub fn model_files(&self, name: &str) -> Option<&Files> {
        self.models.get(name).map(|held| &held.own)
    }

    /// The files of a model, with those of the base under an adapter.
    fn whole(&self, name: &str) -> Option<&Files> {
        self.models.get(name).map(|held| &held.whole)
    }

    /// The rankings that a model has read, for [`crate::prequential`].
    pub(crate) fn readings(&self, name: &str) -> Result<Rc<RefCell<Readings>>, SessionError> {
        Ok(self.held(name)?.readings.clone())
    }

    /// The device.
    pub fn device(&self) -> &Device {
        &self.device
    }

    /// What the model called `name` has room for.
    pub fn room(&self, name: &str) -> Result<Room, SessionError> {
        Room::of(self.open(name)?)
    }

    /// What an option becomes that nobody gives, where the model called `name` decides that before a run begins. A method
    /// that learns from its own completions `explores`.
    ///
    /// # Errors
    /// If the session does not hold the model.
    pub fn decided_by_model(&self, name: &str, option: &str, explores: bool) -> Result<Option<f32>, SessionError> {
        let config = &self.held(name)?.folder.config;
        Ok(match option {
            "temperature" if explores => Some(exploring_temperature_of(None, config)),
            "temperature" => Some(temperature_of(None, config)),
            "rpo_alpha" => Some(DpoOptions::default().rpo_alpha(config)),
            _ => None,
        })
    }

    /// Refuses from now on to start what takes more than `bytes`.
    pub fn limit_memory(&mut self, bytes: Option<u64>) {
        self.memory = bytes;
    }

    fn refuse_beyond_memory(&self, command: &Command) -> Result<(), SessionError> {
        let (Some(free), Some(needs)) = (self.memory, self.needs(command)?) else { return Ok(()) };
        match needs.surely() > free as usize {
            true => Err(SessionError::Memory {
                needed: gib(needs.total()),
                free: gib(free as usize),
                advice: needs.advice(),
            }),
            false => Ok(()),
        }
    }

    /// How much memory `command` takes, about; nothing for a command that neither trains nor samples.
    ///
    /// # Errors
    /// If it names a model that the session does not hold.
    pub fn needs(&self, command: &Command) -> Result<Option<Needs>, SessionError> {
        let Some(model) = command.models().into_iter().next() else { return Ok(None) };
        let folder = &self.held(model)?.folder;
        Ok(memory::usage(command, &folder.config).map(|usage| Needs::of(folder, &usage)))
    }

    /// The model called `name`. An adapter lies on its base.
    pub fn open(&self, name: &str) -> Result<Folder, SessionError> {
        Ok(self.held(name)?.folder.clone())
    }

    fn held(&self, name: &str) -> Result<&Held, SessionError> {
        self.models.get(name).ok_or_else(|| SessionError::UnknownModel(name.into()))
    }

    fn open_all<'a>(&self, names: impl IntoIterator<Item = &'a String>) -> Result<Vec<Folder>, SessionError> {
        names.into_iter().map(|name| self.open(name)).collect()
    }

    /// Starts `command`, or goes on from a checkpoint of the same command.
    ///
    /// # Errors
    /// If the command names what the session does not hold, an option is wrong, the data hold nothing to work on, or
    /// another command made the checkpoint.
    pub fn start(&self, command: Command, resume: Option<Files>) -> Result<Run, SessionError> {
        self.refuse_beyond_memory(&command)?;
        let mark = fingerprint(&command, command.models().into_iter().filter_map(|name| self.whole(name)));
        let snapshot = resume.map(|files| Snapshot::open(files, &mark)).transpose()?;
        let origin = self.origin(&command);
        Ok(self.run(command, snapshot.as_ref())?.of_command(mark, snapshot)?.keeping(origin))
    }

    /// What the model that `command` tunes came with.
    fn origin(&self, command: &Command) -> Option<Origin> {
        let name = match command {
            Command::Sft { model, .. } | Command::Reward { model, .. } => model,
            Command::Tune { policy, .. } => policy,
            _ => return None,
        };
        self.models.get(name).map(|held| held.folder.origin().clone())
    }

    /// `command` at its start. What is too dear to be made twice comes out of a checkpoint.
    fn run(&self, command: Command, snapshot: Option<&Snapshot>) -> Result<Run, SessionError> {
        let device = &self.device;
        Ok(match command {
            Command::Pretrain { texts, options } => {
                let tokenizer = snapshot.map(pretrain::tokenizer_of).transpose()?;
                Pretrain::new(&texts, tokenizer, options, device)?.into()
            }
            Command::Sft { model, demonstrations, options } => {
                Sft::new(self.open(&model)?, &demonstrations, options, device)?.into()
            }
            Command::Sample { model, prompts, options } => {
                Sample::new(self.open(&model)?, prompts, options, device)?.into()
            }
            Command::Rank { candidates, labeler } => Rank::new(candidates, &labeler)?.into(),
            Command::Reward { model, preferences, demonstrations, options } => {
                Reward::new(self.open(&model)?, &preferences, &demonstrations, options, device)?.into()
            }
            Command::Tune { method, policy, rewards, prompts, preferences, pretraining_texts } => {
                let mut rewards = self.open_all(std::iter::once(&policy).chain(&rewards))?;
                let policy = rewards.remove(0);
                let material = Loaded { policy, rewards, prompts, preferences, pretraining_texts };
                check_material(&method, &material)?;
                method.start(&material, device)?
            }
            Command::BestOf { policy, rewards, prompts, options } => {
                let folders = self.open_all(std::iter::once(&policy).chain(&rewards))?;
                BestOf::new(&folders[0], &folders[1..], prompts, options, device)?.into()
            }
            Command::Compare { a, b, prompts, judge, best_of_reward, options } => {
                let judge = compare::open_judge(judge, |name| self.open(name), device)?;
                let chooser = best_of_reward.map(|name| self.open(&name)).transpose()?;
                let sides = self.open_all([&a, &b])?.try_into().expect("two names, two models");
                Compare::new(sides, prompts, judge, chooser, options, device)?.into()
            }
            Command::Score { reward, records } => Score::new(self.open(&reward)?, records, device)?.into(),
            Command::Calibrate { reward, preferences } => {
                Calibrate::new(self.open(&reward)?, &preferences, device)?.into()
            }
            Command::Review { reward, preferences, options } => {
                Review::new(self.open(&reward)?, &preferences, &options, device)?.into()
            }
            Command::Eval { model, text, options } => Eval::new(&self.open(&model)?, &text, options, device)?.into(),
        })
    }

    /// All methods that tune a policy, with their options.
    pub fn methods() -> Vec<MethodInfo> {
        Method::all().iter().map(Method::info).collect()
    }

    /// The simulated labelers of the built-in model's prompts.
    pub fn labelers() -> Vec<LabelerInfo> {
        labeler::of_stories().map(labeler::Labeler::info).collect()
    }

    /// All simulated labelers, first those that read the prompt too: for an assistant, on anybody's prompts.
    pub fn all_labelers() -> Vec<LabelerInfo> {
        labeler::of_work().chain(labeler::of_stories()).map(labeler::Labeler::info).collect()
    }

    /// Who won where each of `preferences` is of another prompt.
    pub fn verdict(preferences: &[Winner], judge: &str, simulated: bool) -> Verdict {
        let judged: Vec<(usize, Winner)> = preferences.iter().copied().enumerate().collect();
        Self::verdict_over_prompts(&judged, judge, simulated)
    }

    /// Who won: preferences, each with the number of its prompt. Ties count half; the interval and the sign test are over
    /// prompts.
    pub fn verdict_over_prompts(judged: &[(usize, Winner)], judge: &str, simulated: bool) -> Verdict {
        let outcome = |winner| match winner {
            Winner::A => Ordering::Greater,
            Winner::Tie => Ordering::Equal,
            Winner::B => Ordering::Less,
        };
        let outcomes: Vec<_> = judged.iter().map(|(prompt, winner)| (*prompt, outcome(*winner))).collect();
        let Comparison { rate, p } = Comparison::new(&outcomes);
        Verdict {
            wins: rate.wins,
            ties: rate.ties,
            losses: rate.losses,
            win_rate: rate.win_rate,
            low: rate.low,
            high: rate.high,
            p: Some(p),
            kl: None,
            a: None,
            b: None,
            usable: None,
            judge: judge.into(),
            simulated,
        }
    }
}

fn gib(bytes: usize) -> f64 {
    bytes as f64 / (1u64 << 30) as f64
}

/// Whether there is what the method learns from; what is missing is named.
fn check_material(method: &Method, material: &Loaded) -> Result<(), SessionError> {
    let MethodInfo { title, learns_from, .. } = method.info();
    let needed = match learns_from {
        LearnsFrom::Rewards => vec![
            (material.rewards.is_empty(), "reward model", "rewards"),
            (material.prompts.is_empty(), "prompt", "prompts"),
        ],
        LearnsFrom::Rankings => vec![(material.preferences.is_empty(), "ranking or pair", "preferences")],
        LearnsFrom::Labels => {
            vec![(material.preferences.is_empty(), "ranking, pair or labelled completion", "preferences")]
        }
    };
    match needed.into_iter().find(|(missing, ..)| *missing) {
        None => Ok(()),
        Some((_, what, field)) => {
            let none = format!("there is no {what}, which {title} learns from; give it in `{field}`");
            Err(SessionError::Nothing(none))
        }
    }
}
