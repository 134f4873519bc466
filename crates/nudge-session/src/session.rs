//! A session holds models by name on one device and starts runs on them.
//!
//! Deliberately absent: files and storage. A shell puts model files in and takes them out.

use crate::SessionError;
use crate::folder::{Folder, Kind};
use crate::labeler::{self, LabelerInfo};
use crate::protocol::{Command, Files, Preference, Verdict};
use crate::room::Room;
use crate::run::Run;
use crate::snapshot::fingerprint;
use crate::stage::{
    self, best_of::BestOf, calibrate::Calibrate, compare::Compare, dpo, eval::Eval, grpo, kto, orpo, ppo::Ppo,
    pretrain::Pretrain, rank::Rank, reinforce, reward::Reward, rloo, sample::Sample, score::Score, sft::Sft,
};
use burn::tensor::Device;
use nudge_rlhf::WinRate;
use serde::Serialize;
use std::collections::BTreeMap;

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
}

/// Models by name, on one device.
pub struct Session {
    device: Device,
    models: BTreeMap<String, Files>,
}

impl Session {
    /// An empty session on `device` (without autodiff; stages turn it on where they train).
    pub fn new(device: Device) -> Self {
        Self { device: device.without_autodiff(), models: BTreeMap::new() }
    }

    /// Takes a model in, after checking that its files fit together and hold finite numbers.
    pub fn put_model(&mut self, name: &str, files: Files) -> Result<ModelInfo, SessionError> {
        let folder = Folder::open(name, &files)?;
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
        };
        self.models.insert(name.into(), files);
        Ok(info)
    }

    /// The files of a model.
    pub fn model_files(&self, name: &str) -> Option<&Files> {
        self.models.get(name)
    }

    /// The device.
    pub fn device(&self) -> &Device {
        &self.device
    }

    /// What the model called `name` has room for.
    pub fn room(&self, name: &str) -> Result<Room, SessionError> {
        Room::of(self.open(name)?)
    }

    fn open(&self, name: &str) -> Result<Folder, SessionError> {
        let files = self.models.get(name).ok_or_else(|| SessionError::UnknownModel(name.into()))?;
        Folder::open(name, files)
    }

    /// A reward model and the other members of its ensemble.
    fn open_rewards(&self, reward: String, others: Vec<String>) -> Result<Vec<Folder>, SessionError> {
        std::iter::once(reward).chain(others).map(|name| self.open(&name)).collect()
    }

    /// Starts `command`, or goes on from a checkpoint of the same command.
    pub fn start(&self, command: Command, resume: Option<Files>) -> Result<Run, SessionError> {
        let mark = fingerprint(&command, command.models().into_iter().filter_map(|name| self.models.get(name)));
        let device = &self.device;
        Ok(match command {
            Command::Pretrain { texts, options } => Pretrain::new(&texts, options, mark, resume, device)?.into(),
            Command::Sft { model, demonstrations, options } => {
                Sft::new(self.open(&model)?, &demonstrations, options, mark, resume, device)?.into()
            }
            Command::Sample { model, prompts, options } => {
                Sample::new(self.open(&model)?, prompts, options, mark, resume, device)?.into()
            }
            Command::Rank { candidates, labeler } => Rank::new(&candidates, &labeler, mark, resume)?.into(),
            Command::Reward { model, comparisons, demonstrations, options } => {
                let model = self.open(&model)?;
                Reward::new(model, &comparisons, &demonstrations, options, mark, resume, device)?.into()
            }
            Command::Ppo { policy, reward, reward_ensemble, prompts, pretraining_texts, options } => {
                let (policy, rewards) = (self.open(&policy)?, self.open_rewards(reward, reward_ensemble)?);
                Ppo::new(&policy, &rewards, prompts, &pretraining_texts, options, mark, resume, device)?.into()
            }
            Command::Grpo { policy, reward, reward_ensemble, prompts, options } => {
                let (policy, rewards) = (self.open(&policy)?, self.open_rewards(reward, reward_ensemble)?);
                grpo::start(&policy, &rewards, prompts, options, mark, resume, device)?.into()
            }
            Command::Rloo { policy, reward, reward_ensemble, prompts, options } => {
                let (policy, rewards) = (self.open(&policy)?, self.open_rewards(reward, reward_ensemble)?);
                rloo::start(&policy, &rewards, prompts, options, mark, resume, device)?.into()
            }
            Command::Reinforce { policy, reward, reward_ensemble, prompts, options } => {
                let (policy, rewards) = (self.open(&policy)?, self.open_rewards(reward, reward_ensemble)?);
                reinforce::start(&policy, &rewards, prompts, options, mark, resume, device)?.into()
            }
            Command::Dpo { policy, comparisons, options } => {
                dpo::start(self.open(&policy)?, &comparisons, options, mark, resume, device)?.into()
            }
            Command::Kto { policy, comparisons, options } => {
                kto::start(self.open(&policy)?, &comparisons, options, mark, resume, device)?.into()
            }
            Command::Orpo { policy, comparisons, options } => {
                orpo::start(self.open(&policy)?, &comparisons, options, mark, resume, device)?.into()
            }
            Command::BestOf { policy, reward, reward_ensemble, prompts, options } => {
                let (policy, rewards) = (self.open(&policy)?, self.open_rewards(reward, reward_ensemble)?);
                BestOf::new(&policy, &rewards, prompts, options, mark, resume, device)?.into()
            }
            Command::Compare { a, b, prompts, judge, best_of_reward, options } => {
                let judge = stage::compare::open_judge(judge, |name| self.open(name), device)?;
                let chooser = best_of_reward.map(|name| self.open(&name)).transpose()?;
                let models = [self.open(&a)?, self.open(&b)?];
                Compare::new(models, prompts, judge, chooser, options, mark, resume, device)?.into()
            }
            Command::Calibrate { reward, comparisons } => {
                Calibrate::new(self.open(&reward)?, &comparisons, mark, resume, device)?.into()
            }
            Command::Score { reward, records } => {
                Score::new(self.open(&reward)?, &records, mark, resume, device)?.into()
            }
            Command::Eval { model, text, options } => {
                Eval::new(&self.open(&model)?, &text, options, mark, resume, device)?.into()
            }
        })
    }

    /// All simulated labelers.
    pub fn labelers() -> Vec<LabelerInfo> {
        labeler::all().iter().map(labeler::Labeler::info).collect()
    }

    /// Win rate of the first model over `preferences`, ties counting half, with its 95 % interval.
    pub fn verdict(preferences: &[Preference], judge: &str, simulated: bool) -> Verdict {
        let count = |wanted| preferences.iter().filter(|preference| **preference == wanted).count();
        let rate = WinRate::new(count(Preference::A), count(Preference::Tie), count(Preference::B));
        Verdict {
            wins: rate.wins,
            ties: rate.ties,
            losses: rate.losses,
            win_rate: rate.win_rate,
            low: rate.low,
            high: rate.high,
            kl: None,
            a: None,
            b: None,
            judge: judge.into(),
            simulated,
        }
    }
}
