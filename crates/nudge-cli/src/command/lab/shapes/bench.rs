//! What the shapes are made of: completions that a simulated labeler ranked, reward models, policies, and their numbers.

use crate::args::LabShapes;
use crate::builtin;
use crate::command::Workplace;
use crate::command::lab::preferences::records;
use anyhow::{Context, Result, bail};
use nudge_data::{
    CandidatesRecord, Comparison, DemonstrationRecord, PreferenceRecord, Prompt, PromptRecord, Rng, prompts_from,
};
use nudge_session::method::Method;
use nudge_session::options::{CompareOptions, RewardOptions, SampleOptions};
use nudge_session::{Command, Event, Judge, Metrics};
use serde::Serialize;
use serde_json::{Map, Value, json};

/// The policy that was tuned last.
pub const TUNED: &str = "tuned";
/// The reward model of all rankings to learn from.
pub const PROXY: &str = "proxy";
/// How much is done.
#[derive(Clone, Copy, Serialize)]
pub struct Size {
    /// Rankings to learn from.
    pub rankings: usize,
    /// Rankings to measure on.
    pub held_out: usize,
    /// Completions of a run of PPO.
    pub episodes: usize,
    /// Prompts on which two models are compared.
    pub compared: usize,
}

impl Size {
    /// What is claimed.
    pub const FULL: Self = Self { rankings: 64, held_out: 60, episodes: 640, compared: 60 };
    /// To see that it works.
    pub const QUICK: Self = Self { rankings: 32, held_out: 24, episodes: 256, compared: 24 };
}

/// A seed's workplace.
pub struct Bench {
    pub workplace: Workplace,
    pub model: String,
    pub size: Size,
    pub seed: u64,
    prompts: Vec<Prompt>,
    /// Of other prompts: what is compared.
    others: Vec<Prompt>,
    candidates: Vec<CandidatesRecord>,
    /// The rule that ranks and judges.
    labeler: &'static str,
    rankings: Vec<Comparison>,
    /// Whether [`PROXY`] is that of these rankings.
    has_proxy: bool,
}

/// A number of every step of a run.
pub struct Run(Vec<Metrics>);

impl Run {
    /// One of its numbers, by step.
    pub fn numbers(&self, name: &str) -> Vec<f64> {
        self.0.iter().filter_map(|metrics| metrics.get(name).copied()).collect()
    }

    /// The same with the numbers of their steps.
    pub fn by_step(&self, name: &str) -> impl Iterator<Item = (f64, f64)> {
        (1..).map(f64::from).zip(self.numbers(name))
    }

    /// Means of the four quarters of a number.
    pub fn quarters(&self, name: &str) -> Vec<f64> {
        let numbers = self.numbers(name);
        let size = numbers.len().div_ceil(4).max(1);
        numbers.chunks(size).map(|part| part.iter().sum::<f64>() / part.len() as f64).collect()
    }

    /// Mean of its last quarter.
    pub fn last(&self, name: &str) -> f64 {
        self.quarters(name).last().copied().unwrap_or(f64::NAN)
    }
}

impl Bench {
    /// Samples and ranks what all shapes share.
    pub fn open(arguments: &LabShapes, size: Size, seed: u64) -> Result<Self> {
        let mut workplace = Workplace::open(arguments.device)?;
        workplace.load(&arguments.model)?;
        let records = prompts_from("the built-in prompts", builtin::PROMPTS)?;
        let (train, held_out): (Vec<_>, Vec<_>) =
            records.into_iter().partition(|record| record.extra.get("split").is_some_and(|split| split == "train"));
        let shuffled = |records: Vec<PromptRecord>, stream| {
            let mut prompts: Vec<Prompt> = records.into_iter().map(|record| record.prompt).collect();
            Rng::with_stream(seed, stream).shuffle(&mut prompts);
            prompts
        };
        let (prompts, mut others) = (shuffled(train, 0), shuffled(held_out, 1));
        others.truncate(size.compared);
        let model = arguments.model.clone();
        let mut bench = Self {
            workplace,
            model,
            size,
            seed,
            prompts,
            others,
            candidates: vec![],
            labeler: "",
            rankings: vec![],
            has_proxy: false,
        };
        let asked = bench.prompts.iter().take(size.rankings + size.held_out).cloned().collect();
        bench.candidates = bench.sample(&bench.model, asked, 4)?;
        Ok(bench)
    }

    /// Has the completions ranked by this rule from now on.
    ///
    /// # Errors
    /// If it ties too many of them.
    pub fn by_rule(&mut self, labeler: &'static str) -> Result<()> {
        if self.labeler == labeler {
            return Ok(());
        }
        let rank = Command::Rank { candidates: self.candidates.clone(), labeler: labeler.into() };
        let records = self.workplace.pull("rank", rank)?.into_iter().filter_map(|event| match event {
            Event::Ranked { record } if !record.ties_everything() => Some(PreferenceRecord::Ranking(record)),
            _ => None,
        });
        let read = records.filter_map(|record| record.comparison().transpose());
        self.rankings = read.collect::<Result<_, String>>().map_err(anyhow::Error::msg)?;
        (self.labeler, self.has_proxy) = (labeler, false);
        if self.rankings.len() < 3 * self.size.held_out / 2 {
            bail!("labeler `{labeler}` ties too many completions of {}; choose another --model", self.model);
        }
        Ok(())
    }

    /// Rankings to learn from.
    pub fn train(&self) -> &[Comparison] {
        &self.rankings[self.size.held_out..]
    }

    /// Rankings to measure on, of other prompts.
    pub fn held_out(&self) -> &[Comparison] {
        &self.rankings[..self.size.held_out]
    }

    /// What the model wrote, as demonstrations.
    pub fn demonstrations(&self) -> Vec<DemonstrationRecord> {
        let first = |record: &CandidatesRecord| DemonstrationRecord {
            prompt: record.prompt.clone(),
            completion: record.completions[0].text.clone(),
            task: None,
            split: None,
            extra: Map::new(),
        };
        self.candidates.iter().take(self.size.held_out).map(first).collect()
    }

    /// Completions of prompts.
    pub fn sample(&self, model: &str, prompts: Vec<Prompt>, k: usize) -> Result<Vec<CandidatesRecord>> {
        let options = SampleOptions { k, seed: self.seed, ..Default::default() };
        self.workplace.candidates("sample", model, prompts, options)
    }

    /// The prompts on which models are compared.
    pub fn others(&self) -> Vec<Prompt> {
        self.others.clone()
    }

    /// Makes [`PROXY`], which several shapes need, once.
    pub fn proxy(&mut self) -> Result<()> {
        if !self.has_proxy {
            self.reward(PROXY, self.train().to_vec(), |_| ())?;
            self.has_proxy = true;
        }
        Ok(())
    }

    /// A reward model that learns from `rankings`.
    pub fn reward(&mut self, name: &str, rankings: Vec<Comparison>, set: impl Fn(&mut RewardOptions)) -> Result<()> {
        self.reward_with(name, rankings, vec![], set)
    }

    /// The same, brought to mean 0 on demonstrations.
    pub fn reward_with(
        &mut self,
        name: &str,
        rankings: Vec<Comparison>,
        demonstrations: Vec<DemonstrationRecord>,
        set: impl Fn(&mut RewardOptions),
    ) -> Result<()> {
        let mut options = RewardOptions { held_out: 0.0, seed: self.seed, ..Default::default() };
        set(&mut options);
        let (model, preferences) = (self.model.clone(), records(&rankings));
        let events = self.workplace.pull(name, Command::Reward { model, preferences, demonstrations, options })?;
        self.workplace.keep(name, &events).map(|_| ())
    }

    /// Share of the pairs of `rankings` that a reward model puts in order.
    pub fn accuracy(&self, reward: &str, rankings: &[Comparison]) -> Result<f64> {
        let preferences = records(rankings);
        let events = self.workplace.pull("calibrate", Command::Calibrate { reward: reward.into(), preferences })?;
        let found = events.into_iter().find_map(|event| match event {
            Event::Calibrated { calibration } => Some(calibration.overall.accuracy),
            _ => None,
        });
        found.context("the measurement ended without numbers")
    }

    /// PPO against reward models, with some options set; the policy is [`TUNED`].
    pub fn ppo(&mut self, rewards: &[&str], set: &[(&str, Value)], pretraining_texts: Vec<String>) -> Result<Run> {
        let mut method = Method::named("ppo").context("there is PPO")?;
        let shared = [
            ("episodes", json!(self.size.episodes)),
            ("gold_labeler", json!(self.labeler)),
            ("seed", json!(self.seed)),
        ];
        for (name, value) in shared.iter().chain(set) {
            method.set(name, value.clone())?;
        }
        let rewards = rewards.iter().map(|name| (*name).to_string()).collect();
        let (policy, prompts) = (self.model.clone(), self.prompts.clone());
        let command = Command::Tune { method, policy, rewards, prompts, preferences: vec![], pretraining_texts };
        let events = self.workplace.pull("ppo", command)?;
        self.workplace.keep(TUNED, &events)?;
        let metrics = events.into_iter().filter_map(|event| match event {
            Event::Progress { metrics, .. } => Some(metrics),
            _ => None,
        });
        Ok(Run(metrics.collect()))
    }

    /// How often `a` wins over `b` by the labeler's rule.
    pub fn win_rate(&self, a: &str, b: &str) -> Result<f64> {
        let options = CompareOptions { pairs_per_prompt: 2, seed: self.seed, ..Default::default() };
        let judge = Judge::Labeler { name: self.labeler.into() };
        let (a, b, prompts) = (a.into(), b.into(), self.others());
        let command = Command::Compare { a, b, prompts, judge, best_of_reward: None, options };
        let found = self.workplace.pull("compare", command)?.into_iter().find_map(|event| match event {
            Event::Verdict { verdict } => Some(verdict.win_rate),
            _ => None,
        });
        found.context("the comparison ended without a verdict")
    }

    /// Rewards of completions.
    pub fn scores<'a>(&self, reward: &str, pairs: impl Iterator<Item = (&'a Prompt, &'a str)>) -> Result<Vec<f64>> {
        let record = |(prompt, completion): (&Prompt, &str)| {
            Map::from_iter([("prompt".to_string(), json!(prompt)), ("completion".to_string(), json!(completion))])
        };
        let records = pairs.map(record).collect();
        let events = self.workplace.pull("score", Command::Score { reward: reward.into(), records })?;
        let scores = events.into_iter().filter_map(|event| match event {
            Event::Scored { record } => record.get("scores")?.get(0)?.as_f64(),
            _ => None,
        });
        Ok(scores.collect())
    }

    /// Nats per character of a text under a model.
    pub fn nats_per_char(&self, model: &str, text: String) -> Result<f64> {
        let command = Command::Eval { model: model.into(), text, options: Default::default() };
        let found = self.workplace.pull("eval", command)?.into_iter().find_map(|event| match event {
            Event::Evaluated { evaluation } => Some(evaluation.nats_per_char),
            _ => None,
        });
        found.context("the measurement ended without numbers")
    }
}

/// PPO without its leash, and in a hurry: what over-optimisation needs.
pub fn unleashed() -> Vec<(&'static str, Value)> {
    vec![("kl_coef", json!(0.0)), ("adaptive_kl", Value::Null), ("learning_rate", json!(2e-4))]
}

pub fn mean(numbers: &[f64]) -> f64 {
    numbers.iter().sum::<f64>() / numbers.len() as f64
}
