//! The steps of the loop with a simulated labeler in the person's place, by any method: what `nudge demo` and
//! `nudge lab methods` play.

use super::Workplace;
use crate::builtin;
use crate::disk::{create_folder, write_atomic};
use anyhow::{Context, Result, bail};
use nudge_data::{
    CandidatesRecord, PreferenceRecord, Prompt, PromptRecord, RankingRecord, Rng, prompts_from, write_jsonl,
};
use nudge_session::method::{LearnsFrom, Method};
use nudge_session::options::{CompareOptions, RewardOptions, SampleOptions};
use nudge_session::{Command, Event, Judge};
use serde::Serialize;
use serde_json::json;
use std::path::PathBuf;

const REWARD: &str = "reward";
const TUNED: &str = "tuned";
const ROUND_REWARD: &str = "reward of a round";
/// Completions among which best-of-n chooses.
pub const BEST_OF: usize = 8;

/// How much is done.
#[derive(Clone, Copy, Serialize)]
pub struct Plan {
    /// Rankings that the reward model learns from.
    pub rankings: usize,
    /// Rankings that it is measured on.
    pub held_out: usize,
    /// Completions in each: the most that InstructGPT had ranked at once is 9.
    pub completions: usize,
    episodes: usize,
    pairs_per_prompt: usize,
}

/// As measured in the README.
pub const FULL: Plan = Plan { rankings: 30, held_out: 60, completions: 8, episodes: 960, pairs_per_prompt: 4 };
/// To see that it works.
pub const QUICK: Plan = Plan { rankings: 20, held_out: 10, completions: 4, episodes: 128, pairs_per_prompt: 1 };

impl Plan {
    fn prompts(&self) -> usize {
        self.rankings + self.held_out
    }

    /// Completions that a method samples in one of two rounds: no more than half, in whole rollouts.
    fn episodes_of_a_round(&self, method: &Method) -> Result<usize> {
        let options = serde_json::to_value(method)?;
        let rollout = options["options"]["batch_size"].as_u64().context("the method samples rollouts")? as usize;
        Ok(self.episodes / 2 / rollout * rollout)
    }
}

/// What is compared with the model as it was.
#[derive(Debug, Clone, PartialEq)]
pub enum Contender {
    /// The model, tuned.
    Tuned(Box<Method>),
    /// The model, tuned by PPO in two rounds: half of the screens show the completions of the model that the first tuned.
    Rounds,
    /// The model as it was, with the reward model to choose among [`BEST_OF`] completions.
    BestOf,
}

impl Contender {
    /// All of them, with the methods' own defaults.
    pub fn all() -> Vec<Self> {
        Method::all().into_iter().map(Box::new).map(Self::Tuned).chain([Self::Rounds, Self::BestOf]).collect()
    }

    /// On the command line and in tables.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Tuned(method) => method.info().name,
            Self::Rounds => "rounds",
            Self::BestOf => "best-of",
        }
    }
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
        let shuffled = |records: Vec<PromptRecord>, stream| {
            let mut prompts: Vec<Prompt> = records.into_iter().map(|record| record.prompt).collect();
            Rng::with_stream(self.seed, stream).shuffle(&mut prompts);
            prompts
        };
        Ok((shuffled(train, 0), shuffled(held_out, 1)))
    }

    /// 1. Completions.
    pub fn sample(&self, label: &str, prompts: &[Prompt]) -> Result<Vec<CandidatesRecord>> {
        let candidates = self.completed(label, &self.sft, &prompts[..self.plan.prompts().min(prompts.len())])?;
        self.store("candidates.jsonl", &write_jsonl(&candidates))?;
        Ok(candidates)
    }

    fn completed(&self, label: &str, model: &str, prompts: &[Prompt]) -> Result<Vec<CandidatesRecord>> {
        let options = SampleOptions { k: self.plan.completions, seed: self.seed, ..Default::default() };
        self.workplace.candidates(label, model, prompts.to_vec(), options)
    }

    /// 2. Rankings; those that tie everything teach nothing.
    pub fn rank(&self, label: &str, candidates: Vec<CandidatesRecord>) -> Result<Vec<PreferenceRecord>> {
        let mut rankings = self.ranked(label, candidates)?;
        self.store("rankings.jsonl", &write_jsonl(&rankings))?;
        rankings.retain(|ranking| !ranking.ties_everything());
        if rankings.is_empty() {
            bail!("labeler `{}` ties all completions of this model; choose another --labeler or --seed", self.labeler);
        }
        Ok(rankings.into_iter().map(PreferenceRecord::Ranking).collect())
    }

    fn ranked(&self, label: &str, candidates: Vec<CandidatesRecord>) -> Result<Vec<RankingRecord>> {
        let events = self.workplace.pull(label, Command::Rank { candidates, labeler: self.labeler.clone() })?;
        let records = events.into_iter().filter_map(|event| match event {
            Event::Ranked { record } => Some(record),
            _ => None,
        });
        Ok(records.collect())
    }

    /// 3. The reward model.
    pub fn reward(&mut self, label: &str, rankings: &[PreferenceRecord]) -> Result<Vec<Event>> {
        let events = self.learnt(label, rankings, self.held_out())?;
        self.take_model(REWARD, &events)?;
        Ok(events)
    }

    fn learnt(&self, label: &str, rankings: &[PreferenceRecord], held_out: f32) -> Result<Vec<Event>> {
        let options = RewardOptions { held_out, seed: self.seed, ..Default::default() };
        let (model, preferences) = (self.sft.clone(), rankings.to_vec());
        self.workplace.pull(label, Command::Reward { model, preferences, demonstrations: vec![], options })
    }

    /// 4. The tuned model, by a method with the options that it comes with.
    pub fn tune(
        &mut self,
        label: &str,
        method: &Method,
        prompts: &[Prompt],
        rankings: &[PreferenceRecord],
    ) -> Result<Vec<Event>> {
        let command = self.tuning(method.clone(), prompts, rankings)?;
        let events = self.workplace.pull(label, command)?;
        self.take_model(TUNED, &events)?;
        Ok(events)
    }

    /// Step 4 in two rounds, each with half of the screens and of the completions that PPO samples (InstructGPT ranked the
    /// completions of its best policy again, section 3.1). The second round's screens show what the first round's policy
    /// writes, its reward model learns from both, and tuning goes on from that policy. `rankings` are those of the
    /// model as it was, of which the first round has the first.
    pub fn tune_in_rounds(&mut self, label: &str, prompts: &[Prompt], rankings: &[PreferenceRecord]) -> Result<()> {
        let screens = self.plan.rankings / 2;
        let (first, rest) = prompts.split_at(screens.min(prompts.len()));
        let is_first = |record: &&PreferenceRecord| match record {
            PreferenceRecord::Ranking(ranking) => first.contains(&ranking.prompt),
            _ => false,
        };
        let mut learnt: Vec<PreferenceRecord> = rankings.iter().filter(is_first).cloned().collect();
        self.round(&format!("{label} 1"), &self.sft.clone(), prompts, &learnt)?;
        let again = &rest[..screens.min(rest.len())];
        let candidates = self.completed(&format!("{label} 2: sample"), TUNED, again)?;
        let ranked = self.ranked(&format!("{label} 2: rank"), candidates)?;
        learnt.extend(ranked.into_iter().filter(|one| !one.ties_everything()).map(PreferenceRecord::Ranking));
        self.round(&format!("{label} 2"), TUNED, prompts, &learnt)
    }

    /// One of two rounds, from a policy that is [`TUNED`] when it ends.
    fn round(&mut self, label: &str, from: &str, prompts: &[Prompt], learnt: &[PreferenceRecord]) -> Result<()> {
        if learnt.is_empty() {
            bail!(
                "labeler `{}` ties all completions of {label}; choose other --labelers or --first-seed",
                self.labeler
            );
        }
        let reward = self.learnt(&format!("{label}: reward"), learnt, 0.0)?;
        self.workplace.keep(ROUND_REWARD, &reward)?;
        let mut method = Method::named("ppo").context("there is PPO")?;
        for (name, value) in [
            ("episodes", json!(self.plan.episodes_of_a_round(&method)?)),
            ("gold_labeler", json!(self.labeler)),
            ("seed", json!(self.seed)),
        ] {
            method.set(name, value)?;
        }
        let (policy, rewards) = (from.to_string(), vec![ROUND_REWARD.to_string()]);
        let (prompts, preferences, pretraining_texts) = (prompts.to_vec(), vec![], vec![]);
        let command = Command::Tune { method, policy, rewards, prompts, preferences, pretraining_texts };
        let events = self.workplace.pull(&format!("{label}: ppo"), command)?;
        self.take_model(TUNED, &events)
    }

    /// What tunes by `method`: of its options the loop sets those that all methods must share.
    fn tuning(&self, mut method: Method, prompts: &[Prompt], rankings: &[PreferenceRecord]) -> Result<Command> {
        let shared = [
            ("episodes", json!(self.plan.episodes)),
            ("gold_labeler", json!(self.labeler)),
            ("held_out", json!(self.held_out())),
            ("seed", json!(self.seed)),
        ];
        for (name, value) in shared {
            if method.has(name) {
                method.set(name, value).with_context(|| method.info().name)?;
            }
        }
        let (policy, pretraining_texts) = (self.sft.clone(), vec![]);
        let (rewards, prompts, preferences) = match method.info().learns_from {
            LearnsFrom::Rewards => (vec![REWARD.to_string()], prompts.to_vec(), vec![]),
            LearnsFrom::Rankings | LearnsFrom::Labels => (vec![], vec![], rankings.to_vec()),
        };
        Ok(Command::Tune { method, policy, rewards, prompts, preferences, pretraining_texts })
    }

    /// 5. Before and after, on prompts that nothing was learnt from.
    pub fn compare(&self, label: &str, contender: &Contender, prompts: &[Prompt]) -> Result<Vec<Event>> {
        let (a, best_of, best_of_reward) = match contender {
            Contender::Tuned(_) | Contender::Rounds => (TUNED.to_string(), 1, None),
            Contender::BestOf => (self.sft.clone(), BEST_OF, Some(REWARD.to_string())),
        };
        let (pairs_per_prompt, seed) = (self.plan.pairs_per_prompt, self.seed);
        let options = CompareOptions { pairs_per_prompt, best_of, seed, ..Default::default() };
        let judge = Judge::Labeler { name: self.labeler.clone() };
        let (b, prompts) = (self.sft.clone(), prompts.to_vec());
        let events = self.workplace.pull(label, Command::Compare { a, b, prompts, judge, best_of_reward, options })?;
        let pairs: Vec<&Event> = events.iter().filter(|event| matches!(event, Event::Pair { .. })).collect();
        self.store("pairs.jsonl", &write_jsonl(&pairs))?;
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_round_is_whole_rollouts_and_no_more_than_half() {
        let ppo = Method::named("ppo").unwrap();
        let rounds = [FULL, QUICK].map(|plan| plan.episodes_of_a_round(&ppo).unwrap());
        assert_eq!(rounds, [448, 64]);
    }
}
