//! `nudge demo`: the whole loop on the built-in model or another, a simulated labeler in the person's place.
//!
//! 1. The instruct model answers prompts, several times each.
//! 2. The labeler ranks the answers.
//! 3. A reward model learns from the rankings.
//! 4. PPO tunes the model against it.
//! 5. Before and after answer prompts that nothing was learnt from; the labeler judges.
//! 6. A short report.
//!
//! Deliberately absent: a person, and so any claim about one.

use super::Workplace;
use super::demo_report::{self, Report};
use super::train::ties_everything;
use crate::args::Demo;
use crate::builtin;
use crate::failure::tell;
use crate::files::{create_folder, write_atomic};
use crate::record_file::candidates_line;
use crate::report;
use crate::runner::{Listen, drive};
use anyhow::{Context, Result, bail};
use nudge_data::{Rng, prompts_from};
use nudge_session::options::{CompareOptions, EvalOptions, PpoStageOptions, RewardOptions, SampleOptions};
use nudge_session::{Command, Event, Files, Judge, Labeler};
use std::fs;
use std::path::PathBuf;
use std::time::Instant;

const REWARD: &str = "reward";
const TUNED: &str = "tuned";

/// How much is done.
struct Plan {
    /// Rankings that the reward model learns from.
    rankings: usize,
    /// Rankings that it is measured on.
    held_out: usize,
    /// Answers in each: the most that InstructGPT had ranked at once is 9.
    answers: usize,
    episodes: usize,
    pairs_per_prompt: usize,
}

const FULL: Plan = Plan { rankings: 30, held_out: 60, answers: 8, episodes: 960, pairs_per_prompt: 4 };
const QUICK: Plan = Plan { rankings: 20, held_out: 10, answers: 4, episodes: 128, pairs_per_prompt: 1 };

impl Plan {
    fn prompts(&self) -> usize {
        self.rankings + self.held_out
    }
}

/// The loop being played.
struct Loop {
    workplace: Workplace,
    /// Name of the model that is tuned.
    sft: String,
    /// Name of the model under which answers are read.
    base: String,
    labeler: String,
    plan: Plan,
    seed: u64,
    out: Option<PathBuf>,
}

/// Plays the loop and reports.
pub fn run(arguments: &Demo) -> Result<()> {
    let clock = Instant::now();
    let labeler = Labeler::find(&arguments.labeler)?;
    if let Some(out) = &arguments.out {
        let used = fs::read_dir(out).is_ok_and(|mut entries| entries.next().is_some());
        if used && !arguments.force {
            bail!("{} is not empty; choose another --out, or write into it with --force", out.display());
        }
        create_folder(out)?;
    }
    let mut workplace = Workplace::open(arguments.common.device)?;
    workplace.load(&arguments.base)?;
    workplace.load(&arguments.model)?;
    let plan = if arguments.quick { QUICK } else { FULL };
    let name = labeler.name.to_string();
    let mut this = Loop {
        workplace,
        sft: arguments.model.clone(),
        base: arguments.base.clone(),
        labeler: name,
        plan,
        seed: arguments.seed,
        out: arguments.out.clone(),
    };
    let mut report = this.play()?;
    report.labeler = labeler.info();
    report.base = arguments.base.clone();
    report.seconds = clock.elapsed().as_secs_f64();
    this.store("report.json", &format!("{}\n", serde_json::to_string_pretty(&report)?))?;
    report::result(arguments.common.json, &report, || demo_report::text(&report))
}

impl Loop {
    fn play(&mut self) -> Result<Report> {
        let (train, held_out) = self.prompts()?;
        let candidates = self.sample(&train)?;
        let rankings = self.rank(candidates)?;
        let reward = self.reward(&rankings)?;
        let ppo = self.ppo(&train)?;
        let pairs = self.compare(&held_out)?;
        let mut report = Report::new(&reward, &ppo, &pairs)?;
        let answers = |tuned: bool| pairs.iter().filter_map(move |event| demo_report::answer(event, tuned));
        report.tuned.nats_per_char = self.nats_per_char("reading the tuned model's answers", answers(true))?;
        report.sft.nats_per_char = self.nats_per_char("reading the first model's answers", answers(false))?;
        report.rankings = self.plan.rankings;
        report.held_out_rankings = self.plan.held_out;
        report.answers_per_ranking = self.plan.answers;
        Ok(report)
    }

    /// Prompts to learn from and prompts to compare on, each in an order that the seed chooses.
    fn prompts(&self) -> Result<(Vec<String>, Vec<String>)> {
        let records = prompts_from("the built-in prompts", builtin::PROMPTS)?;
        let (train, held_out): (Vec<_>, Vec<_>) =
            records.into_iter().partition(|record| record.extra.get("split").is_some_and(|split| split == "train"));
        let shuffled = |records: Vec<nudge_data::PromptRecord>, stream| {
            let mut prompts: Vec<String> = records.into_iter().map(|record| record.prompt).collect();
            Rng::with_stream(self.seed, stream).shuffle(&mut prompts);
            prompts
        };
        Ok((shuffled(train, 0), shuffled(held_out, 1)))
    }

    // 1. Answers.
    fn sample(&self, prompts: &[String]) -> Result<String> {
        let options = SampleOptions { k: self.plan.answers, seed: self.seed, ..Default::default() };
        let prompts = prompts.iter().take(self.plan.prompts()).cloned().collect();
        let events = self.pull("1/5 sample", Command::Sample { model: self.sft.clone(), prompts, options })?;
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

    // 2. Rankings; those that tie everything teach nothing.
    fn rank(&self, candidates: String) -> Result<String> {
        let events = self.pull("2/5 rank", Command::Rank { candidates, labeler: self.labeler.clone() })?;
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

    // 3. The reward model.
    fn reward(&mut self, rankings: &str) -> Result<Vec<Event>> {
        let held_out = self.plan.held_out as f32 / self.plan.prompts() as f32;
        let options = RewardOptions { held_out, seed: self.seed, ..Default::default() };
        let command = Command::Reward {
            model: self.sft.clone(),
            comparisons: rankings.into(),
            demonstrations: String::new(),
            options,
        };
        let events = self.pull("3/5 reward", command)?;
        self.take_model(REWARD, &events)?;
        Ok(events)
    }

    // 4. PPO against it.
    fn ppo(&mut self, prompts: &[String]) -> Result<Vec<Event>> {
        let options = PpoStageOptions {
            episodes: self.plan.episodes,
            gold_labeler: Some(self.labeler.clone()),
            seed: self.seed,
            ..Default::default()
        };
        let command = Command::Ppo {
            policy: self.sft.clone(),
            reward: REWARD.into(),
            reward_ensemble: vec![],
            prompts: prompts.to_vec(),
            pretraining_texts: vec![],
            options,
        };
        let events = self.pull("4/5 ppo", command)?;
        self.take_model(TUNED, &events)?;
        Ok(events)
    }

    // 5. Before and after.
    fn compare(&self, prompts: &[String]) -> Result<Vec<Event>> {
        let options =
            CompareOptions { pairs_per_prompt: self.plan.pairs_per_prompt, seed: self.seed, ..Default::default() };
        let judge = Judge::Labeler { name: self.labeler.clone() };
        let command = Command::Compare {
            a: TUNED.into(),
            b: self.sft.clone(),
            prompts: prompts.to_vec(),
            judge,
            best_of_reward: None,
            options,
        };
        let events = self.pull("5/5 compare", command)?;
        let pairs = events.iter().filter(|event| matches!(event, Event::Pair { .. }));
        let lines = pairs.map(|pair| Ok(format!("{}\n", serde_json::to_string(pair)?))).collect::<Result<String>>()?;
        self.store("pairs.jsonl", &lines)?;
        Ok(events)
    }

    /// What the base model thinks of answers: how far they are from the text it has learnt. Nothing if all are empty.
    fn nats_per_char<'a>(&self, label: &str, answers: impl Iterator<Item = &'a str>) -> Result<Option<f64>> {
        let answers: Vec<&str> = answers.filter(|answer| !answer.trim().is_empty()).collect();
        if answers.is_empty() {
            return Ok(None);
        }
        let command = Command::Eval {
            model: self.base.clone(),
            text: answers.join("<|endoftext|>"),
            options: EvalOptions::default(),
        };
        let events = self.pull(label, command)?;
        Ok(events.iter().find_map(|event| match event {
            Event::Evaluated { evaluation } => Some(evaluation.nats_per_char),
            _ => None,
        }))
    }

    /// Runs a command to its end.
    fn pull(&self, label: &str, command: Command) -> Result<Vec<Event>> {
        let clock = Instant::now();
        let mut events = Vec::new();
        let run = self.workplace.session.start(command, None)?;
        let mut listen = Listen(|event| {
            events.push(event);
            Ok(())
        });
        drive(run, label, &mut listen)?;
        tell(&format!("{label}: {}", report::duration(clock.elapsed().as_secs_f64())));
        Ok(events)
    }

    /// Puts a stage's model into the session and into the folder.
    fn take_model(&mut self, name: &str, events: &[Event]) -> Result<()> {
        let model = events.iter().find_map(|event| match event {
            Event::Model { files, .. } => Some(files),
            _ => None,
        });
        let files: &Files = model.context("the stage ended without a model")?;
        if let Some(out) = &self.out {
            create_folder(&out.join(name))?;
            for (file, bytes) in files {
                write_atomic(&out.join(name).join(file), bytes)?;
            }
        }
        self.workplace.session.put_model(name, files.clone())?;
        Ok(())
    }

    fn store(&self, file: &str, text: &str) -> Result<()> {
        match &self.out {
            Some(out) => write_atomic(&out.join(file), text.as_bytes()),
            None => Ok(()),
        }
    }
}
