//! The steps of the loop with a simulated labeler in the person's place, by any method: what `nudge demo` and
//! `nudge lab methods` play.
//!
//! Deliberately absent: reports.

use super::Workplace;
use super::train::ties_everything;
use crate::builtin;
use crate::files::{create_folder, write_atomic};
use crate::record_file::candidates_line;
use anyhow::{Result, bail};
use clap::ValueEnum;
use nudge_data::{Prompt, Rng, prompts_from};
use nudge_session::options::{
    CompareOptions, DpoOptions, GrpoOptions, KtoOptions, OrpoOptions, PpoStageOptions, ReinforceOptions, RewardOptions,
    RlooOptions, SampleOptions,
};
use nudge_session::{Command, Event, Judge};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

const REWARD: &str = "reward";
const TUNED: &str = "tuned";
/// Answers among which best-of-n chooses.
pub const BEST_OF: usize = 8;

/// How much is done.
#[derive(Clone, Copy)]
pub struct Plan {
    /// Rankings that the reward model learns from.
    pub rankings: usize,
    /// Rankings that it is measured on.
    pub held_out: usize,
    /// Answers in each: the most that InstructGPT had ranked at once is 9.
    pub answers: usize,
    episodes: usize,
    pairs_per_prompt: usize,
}

/// As measured in the README.
pub const FULL: Plan = Plan { rankings: 30, held_out: 60, answers: 8, episodes: 960, pairs_per_prompt: 4 };
/// To see that it works.
pub const QUICK: Plan = Plan { rankings: 20, held_out: 10, answers: 4, episodes: 128, pairs_per_prompt: 1 };

impl Plan {
    fn prompts(&self) -> usize {
        self.rankings + self.held_out
    }
}

/// How the model is tuned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Method {
    /// Against the reward model, with a value model.
    Ppo,
    /// Against the reward model, by groups.
    Grpo,
    /// Against the reward model, leaving one out.
    Rloo,
    /// Against the reward model, with a running mean.
    Reinforce,
    /// On the rankings.
    Dpo,
    /// On answers that are good or bad each by itself.
    Kto,
    /// On the rankings, without a reference.
    Orpo,
    /// Not at all: the reward model chooses among eight answers.
    BestOf,
}

/// The loop being played.
pub struct TuningLoop {
    /// Device and models.
    pub workplace: Workplace,
    /// Name of the model that is tuned.
    pub sft: String,
    /// Who ranks and judges.
    pub labeler: String,
    /// How much is done.
    pub plan: Plan,
    /// Seed of everything.
    pub seed: u64,
    /// Folder for everything that is made.
    pub out: Option<PathBuf>,
}

impl TuningLoop {
    /// Share of the rankings that nothing learns from.
    fn held_out(&self) -> f32 {
        self.plan.held_out as f32 / self.plan.prompts() as f32
    }

    /// Prompts to learn from and prompts to compare on, each in an order that the seed chooses.
    pub fn prompts(&self) -> Result<(Vec<Prompt>, Vec<Prompt>)> {
        let records = prompts_from("the built-in prompts", builtin::PROMPTS)?;
        let (train, held_out): (Vec<_>, Vec<_>) =
            records.into_iter().partition(|record| record.extra.get("split").is_some_and(|split| split == "train"));
        let shuffled = |records: Vec<nudge_data::PromptRecord>, stream| {
            let mut prompts: Vec<Prompt> = records.into_iter().map(|record| record.prompt).collect();
            Rng::with_stream(self.seed, stream).shuffle(&mut prompts);
            prompts
        };
        Ok((shuffled(train, 0), shuffled(held_out, 1)))
    }

    /// 1. Answers.
    pub fn sample(&self, label: &str, prompts: &[Prompt]) -> Result<String> {
        let options = SampleOptions { k: self.plan.answers, seed: self.seed, ..Default::default() };
        let prompts = prompts.iter().take(self.plan.prompts()).cloned().collect();
        let events = self.workplace.pull(label, Command::Sample { model: self.sft.clone(), prompts, options })?;
        let mut candidates = String::new();
        for event in &events {
            if let Event::Candidates { id, prompt, completions, .. } = event {
                candidates += &candidates_line(id, prompt, completions)?;
                candidates.push('\n');
            }
        }
        self.store("candidates.jsonl", &candidates)?;
        Ok(candidates)
    }

    /// 2. Rankings; those that tie everything teach nothing.
    pub fn rank(&self, label: &str, candidates: String) -> Result<String> {
        let events = self.workplace.pull(label, Command::Rank { candidates, labeler: self.labeler.clone() })?;
        let records = events.iter().filter_map(|event| match event {
            Event::Ranked { record } => Some(format!("{record}\n")),
            _ => None,
        });
        let rankings: String = records.collect();
        self.store("rankings.jsonl", &rankings)?;
        let telling: String =
            rankings.lines().filter(|line| !ties_everything(line)).map(|line| format!("{line}\n")).collect();
        if telling.is_empty() {
            bail!("the labeler `{}` ties all answers of this model; choose another --labeler or --seed", self.labeler);
        }
        Ok(telling)
    }

    /// 3. The reward model.
    pub fn reward(&mut self, label: &str, rankings: &str) -> Result<Vec<Event>> {
        let options = RewardOptions { held_out: self.held_out(), seed: self.seed, ..Default::default() };
        let command = Command::Reward {
            model: self.sft.clone(),
            comparisons: rankings.into(),
            demonstrations: String::new(),
            options,
        };
        let events = self.workplace.pull(label, command)?;
        self.take_model(REWARD, &events)?;
        Ok(events)
    }

    /// 4. The tuned model. Best-of-n trains nothing.
    pub fn tune(&mut self, label: &str, method: Method, prompts: &[Prompt], rankings: &str) -> Result<Vec<Event>> {
        let Some(command) = self.command(method, prompts, rankings) else { return Ok(vec![]) };
        let events = self.workplace.pull(label, command)?;
        self.take_model(TUNED, &events)?;
        Ok(events)
    }

    /// What tunes by `method`, with its own defaults.
    fn command(&self, method: Method, prompts: &[Prompt], rankings: &str) -> Option<Command> {
        let (policy, reward, seed) = (self.sft.clone(), REWARD.to_string(), self.seed);
        let (reward_ensemble, prompts, comparisons) = (vec![], prompts.to_vec(), rankings.to_string());
        let (gold_labeler, episodes) = (Some(self.labeler.clone()), self.plan.episodes);
        let held_out = self.held_out();
        Some(match method {
            Method::Ppo => {
                let options = PpoStageOptions { episodes, gold_labeler, seed, ..Default::default() };
                Command::Ppo { policy, reward, reward_ensemble, prompts, pretraining_texts: vec![], options }
            }
            Method::Grpo => {
                let options = GrpoOptions { episodes, gold_labeler, seed, ..Default::default() };
                Command::Grpo { policy, reward, reward_ensemble, prompts, options }
            }
            Method::Rloo => {
                let options = RlooOptions { episodes, gold_labeler, seed, ..Default::default() };
                Command::Rloo { policy, reward, reward_ensemble, prompts, options }
            }
            Method::Reinforce => {
                let options = ReinforceOptions { episodes, gold_labeler, seed, ..Default::default() };
                Command::Reinforce { policy, reward, reward_ensemble, prompts, options }
            }
            Method::Dpo => {
                let options = DpoOptions { held_out, seed, ..Default::default() };
                Command::Dpo { policy, comparisons, options }
            }
            Method::Kto => {
                let options = KtoOptions { held_out, seed, ..Default::default() };
                Command::Kto { policy, comparisons, options }
            }
            Method::Orpo => {
                let options = OrpoOptions { held_out, seed, ..Default::default() };
                Command::Orpo { policy, comparisons, options }
            }
            Method::BestOf => return None,
        })
    }

    /// 5. Before and after, on prompts that nothing was learnt from.
    pub fn compare(&self, label: &str, method: Method, prompts: &[Prompt]) -> Result<Vec<Event>> {
        let best_of = if method == Method::BestOf { BEST_OF } else { 1 };
        let (pairs_per_prompt, seed) = (self.plan.pairs_per_prompt, self.seed);
        let options = CompareOptions { pairs_per_prompt, best_of, seed, ..Default::default() };
        let judge = Judge::Labeler { name: self.labeler.clone() };
        let (a, best_of_reward) = match method {
            Method::BestOf => (self.sft.clone(), Some(REWARD.to_string())),
            _ => (TUNED.to_string(), None),
        };
        let command =
            Command::Compare { a, b: self.sft.clone(), prompts: prompts.to_vec(), judge, best_of_reward, options };
        let events = self.workplace.pull(label, command)?;
        let pairs = events.iter().filter(|event| matches!(event, Event::Pair { .. }));
        let lines = pairs.map(|pair| Ok(format!("{}\n", serde_json::to_string(pair)?))).collect::<Result<String>>()?;
        self.store("pairs.jsonl", &lines)?;
        Ok(events)
    }

    /// Puts a stage's model into the session and into the folder.
    fn take_model(&mut self, name: &str, events: &[Event]) -> Result<()> {
        let files = self.workplace.keep(name, events)?;
        if let Some(out) = &self.out {
            create_folder(&out.join(name))?;
            for (file, bytes) in files {
                write_atomic(&out.join(name).join(file), bytes)?;
            }
        }
        Ok(())
    }

    /// A file in the folder, where there is one.
    pub fn store(&self, file: &str, text: &str) -> Result<()> {
        match &self.out {
            Some(out) => write_atomic(&out.join(file), text.as_bytes()),
            None => Ok(()),
        }
    }
}
