//! Comparison: two models answer the same prompts, a judge prefers, the win rate comes with its interval.
//!
//! Both models get the same noise, so equal models give equal answers and ties. A person judges in a shell:
//! then pairs come without a preference. Deliberately absent: hiding which is which; the shell shuffles.

use crate::SessionError;
use crate::checks;
use crate::folder::Folder;
use crate::labeler::Labeler;
use crate::options::CompareOptions;
use crate::platform::Stopwatch;
use crate::protocol::{Event, Files, Judge, Metrics, Preference, Stage};
use crate::readback::read;
use crate::rollout::{Rollout, encode_prompts};
use crate::session::Session;
use crate::snapshot::{Snapshot, SnapshotWriter};
use crate::stage::best_of::best_place;
use crate::stage::score::{AnswerBatch, encode_answer};
use burn::tensor::Device;
use nudge_model::{Decoder, Frozen, SamplingOptions, ScalarModel};
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;

/// A judge ready to judge.
pub enum OpenJudge {
    /// A rule.
    Labeler(Labeler),
    /// A reward model.
    Reward(Box<(Folder, Frozen<ScalarModel>)>),
    /// Somebody at the shell.
    Person,
}

/// Finds the labeler or loads the reward model.
pub fn open_judge(
    judge: Judge,
    open: impl Fn(&str) -> Result<Folder, SessionError>,
    device: &Device,
) -> Result<OpenJudge, SessionError> {
    Ok(match judge {
        Judge::Labeler { name } => OpenJudge::Labeler(Labeler::find(&name)?),
        Judge::Reward { model } => {
            let folder = open(&model)?;
            let reward_model = folder.scalar(device)?.frozen();
            OpenJudge::Reward(Box::new((folder, reward_model)))
        }
        Judge::Person => OpenJudge::Person,
    })
}

impl OpenJudge {
    fn name(&self) -> String {
        match self {
            OpenJudge::Labeler(labeler) => format!("simulated:{}", labeler.name),
            OpenJudge::Reward(reward) => format!("reward model {}", reward.0.name),
            OpenJudge::Person => "person".into(),
        }
    }

    /// The judge's number for each answer; nothing where a person judges.
    async fn scores(&self, prompt: &str, answers: &[&str], device: &Device) -> Result<Option<Vec<f32>>, SessionError> {
        match self {
            OpenJudge::Labeler(labeler) => Ok(Some(answers.iter().map(|answer| labeler.score(answer)).collect())),
            OpenJudge::Person => Ok(None),
            OpenJudge::Reward(reward) => {
                let (folder, model) = reward.as_ref();
                rewards_of(folder, model, prompt, answers, device).await.map(Some)
            }
        }
    }
}

/// A comparison run.
pub struct Compare {
    folders: [Folder; 2],
    models: [Frozen<Decoder>; 2],
    prompts: Vec<String>,
    encoded: [Vec<Vec<u32>>; 2],
    judge: OpenJudge,
    /// Chooses among the first model's answers.
    chooser: Option<(Folder, Frozen<ScalarModel>)>,
    options: CompareOptions,
    state: State,
    fingerprint: String,
    device: Device,
    clock: Stopwatch,
    told: bool,
}

#[derive(Default, Serialize, Deserialize)]
struct State {
    /// First pair that is not sampled; pairs of one prompt stand together.
    next_pair: usize,
    preferences: Vec<Preference>,
    /// Pairs that are judged but not told.
    waiting: VecDeque<Event>,
}

impl Compare {
    /// Loads both models and encodes the prompts for each. `chooser` is the reward model of `best_of`.
    #[allow(clippy::too_many_arguments)]
    pub fn new(
        folders: [Folder; 2],
        prompts: Vec<String>,
        judge: OpenJudge,
        chooser: Option<Folder>,
        options: CompareOptions,
        fingerprint: String,
        resume: Option<Files>,
        device: &Device,
    ) -> Result<Self, SessionError> {
        checks::temperature(options.temperature)?;
        checks::at_least_one([
            ("batch_size", options.batch_size),
            ("pairs_per_prompt", options.pairs_per_prompt),
            ("best_of", options.best_of),
        ])?;
        let chooser = open_chooser(chooser, &options, device)?;
        let encode = |folder| encode_prompts(folder, &prompts, options.max_new_tokens);
        let encoded = [encode(&folders[0])?, encode(&folders[1])?];
        let models = [folders[0].decoder(device)?.frozen(), folders[1].decoder(device)?.frozen()];
        let state = match resume {
            Some(files) => Snapshot::<State>::open(files, &fingerprint)?.state,
            None => State::default(),
        };
        let (device, clock) = (device.clone(), Stopwatch::start());
        Ok(Self {
            folders,
            models,
            prompts,
            encoded,
            judge,
            chooser,
            options,
            state,
            fingerprint,
            device,
            clock,
            told: false,
        })
    }

    fn total_pairs(&self) -> usize {
        self.prompts.len() * self.options.pairs_per_prompt
    }

    /// What the shell is told first.
    pub fn started(&self) -> Event {
        Event::Started {
            stage: Stage::Compare,
            step: self.state.next_pair,
            total_steps: self.total_pairs(),
            parameters: self.models[0].config.parameter_count(),
        }
    }

    /// A pair, or the verdict, or nothing more.
    pub async fn next(&mut self) -> Result<Option<Event>, SessionError> {
        if self.state.waiting.is_empty() && self.state.next_pair < self.total_pairs() {
            self.batch().await?;
        }
        if let Some(event) = self.state.waiting.pop_front() {
            return Ok(Some(event));
        }
        if self.told || matches!(self.judge, OpenJudge::Person) {
            return Ok(None);
        }
        self.told = true;
        Ok(Some(Event::Verdict { verdict: Session::verdict(&self.state.preferences, &self.judge.name(), true) }))
    }

    /// Samples and judges one batch of pairs.
    async fn batch(&mut self) -> Result<(), SessionError> {
        let clock = Stopwatch::start();
        let each = self.options.pairs_per_prompt;
        let end = (self.state.next_pair + self.options.batch_size).min(self.total_pairs());
        let pairs: Vec<usize> = (self.state.next_pair..end).collect();
        let a = self.first_answers(&pairs).await?;
        let b = self.answers(1, &pairs, 0).await?;
        for ((pair, a), b) in pairs.iter().zip(a).zip(b) {
            let index = pair / each;
            let prompt = self.prompts[index].clone();
            let scores =
                self.judge.scores(&prompt, &[&a, &b], &self.device).await?.map(|scores| (scores[0], scores[1]));
            let preference = scores.map(prefer);
            self.state.preferences.extend(preference);
            self.state.waiting.push_back(Event::Pair { index, prompt, a, b, preference, scores });
        }
        self.state.next_pair = end;
        let (step, total_steps, seconds) = (end, self.total_pairs(), clock.seconds());
        self.state.waiting.push_back(Event::Progress {
            stage: Stage::Compare,
            step,
            total_steps,
            metrics: Metrics::from([("pairs_per_second".into(), pairs.len() as f64 / seconds)]),
            seconds,
        });
        Ok(())
    }

    /// The first model's answers: of several drawn, the one that its reward model likes best.
    async fn first_answers(&self, pairs: &[usize]) -> Result<Vec<String>, SessionError> {
        let Some((folder, chooser)) = &self.chooser else {
            return self.answers(0, pairs, 0).await;
        };
        let mut drawn = Vec::new();
        for draw in 0..self.options.best_of {
            drawn.push(self.answers(0, pairs, draw * self.total_pairs()).await?);
        }
        let mut best = Vec::new();
        for (at, pair) in pairs.iter().enumerate() {
            let prompt = &self.prompts[pair / self.options.pairs_per_prompt];
            let answers: Vec<&str> = drawn.iter().map(|answers| answers[at].as_str()).collect();
            let scores = rewards_of(folder, chooser, prompt, &answers, &self.device).await?;
            best.push(answers[best_place(&scores)].to_string());
        }
        Ok(best)
    }

    /// One model's answers to some pairs. `later` moves the seeds, for further draws.
    async fn answers(&self, which: usize, pairs: &[usize], later: usize) -> Result<Vec<String>, SessionError> {
        let each = self.options.pairs_per_prompt;
        let tokenizer = &self.folders[which].tokenizer;
        let prompts: Vec<Vec<u32>> = pairs.iter().map(|pair| self.encoded[which][pair / each].clone()).collect();
        let seeds = pairs.iter().map(|pair| self.options.seed.wrapping_add((pair + later) as u64));
        let sampling = SamplingOptions { temperature: self.options.temperature, top_k: 0 };
        let rollout =
            Rollout::new(&self.models[which], tokenizer, &prompts, seeds, self.options.max_new_tokens, sampling);
        Ok(rollout.finish().await?.iter().map(|row| row.text(tokenizer)).collect())
    }

    /// A checkpoint between two batches.
    pub async fn save(&self) -> Result<Files, SessionError> {
        SnapshotWriter::default().finish(&self.fingerprint, &self.state).await
    }

    /// What the shell is told last.
    pub fn finished(&self) -> Event {
        Event::Finished { stage: Stage::Compare, seconds: self.clock.seconds() }
    }
}

/// A reward model's number for each answer to one prompt.
async fn rewards_of(
    folder: &Folder,
    model: &Frozen<ScalarModel>,
    prompt: &str,
    answers: &[&str],
    device: &Device,
) -> Result<Vec<f32>, SessionError> {
    let encode = |answer: &&str| Ok(encode_answer(folder, prompt, answer)?.tokens);
    let rows = answers.iter().map(encode).collect::<Result<Vec<_>, SessionError>>()?;
    let batch = AnswerBatch::new(&rows, &folder.tokenizer, model, device);
    read(batch.rewards(model)).await
}

/// The reward model of `best_of`; it must be there exactly where there is something to choose.
fn open_chooser(
    chooser: Option<Folder>,
    options: &CompareOptions,
    device: &Device,
) -> Result<Option<(Folder, Frozen<ScalarModel>)>, SessionError> {
    let wrong =
        |expected| Err(SessionError::Option { option: "best_of", value: options.best_of.to_string(), expected });
    match (chooser, options.best_of) {
        (None, 1) => Ok(None),
        (None, _) => wrong("1 unless a reward model chooses (best_of_reward)"),
        (Some(_), 1) => wrong("2 or more where a reward model chooses (best_of_reward)"),
        (Some(folder), _) => {
            let model = folder.scalar(device)?.frozen();
            Ok(Some((folder, model)))
        }
    }
}

/// The higher score wins, equal scores tie.
fn prefer((a, b): (f32, f32)) -> Preference {
    match a.total_cmp(&b) {
        std::cmp::Ordering::Greater => Preference::A,
        std::cmp::Ordering::Less => Preference::B,
        std::cmp::Ordering::Equal => Preference::Tie,
    }
}
