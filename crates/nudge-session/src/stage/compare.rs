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
use crate::protocol::{Event, Files, Judge, Metrics, Preference, Stage, Verdict};
use crate::readback::read;
use crate::rollout::{Rollout, Row, encode_prompts};
use crate::session::Session;
use crate::snapshot::{Snapshot, SnapshotWriter};
use crate::stage::answered::Answered;
use crate::stage::best_of::best_place;
use crate::stage::online::experience::{Experience, Models};
use crate::stage::online::prompts::Answers;
use crate::stage::online::scores::Scorer;
use crate::stage::score::{AnswerBatch, encode_answer};
use burn::tensor::Device;
use nudge_data::Prompt;
use nudge_model::{Decoder, Frozen, SamplingOptions, ScalarModel};
use nudge_rlhf::{KlEstimator, PpoOptions};
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
    async fn scores(
        &self,
        prompt: &Prompt,
        answers: &[&str],
        device: &Device,
    ) -> Result<Option<Vec<f32>>, SessionError> {
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
    prompts: Vec<Prompt>,
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
    /// Sum over the first model's answers of its log-ratio to the second, in nats.
    kl_sum: f64,
    /// What was answered, by model.
    answered: [Answered; 2],
    /// Pairs that are judged but not told.
    waiting: VecDeque<Event>,
}

impl Compare {
    /// Loads both models and encodes the prompts for each. `chooser` is the reward model of `best_of`.
    #[allow(clippy::too_many_arguments)]
    pub fn new(
        folders: [Folder; 2],
        prompts: Vec<Prompt>,
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
        let kl = self.measures_kl().then(|| self.state.kl_sum / self.state.next_pair as f64);
        let verdict = Session::verdict(&self.state.preferences, &self.judge.name(), true);
        let [a, b] = self.state.answered.each_ref().map(|answered| Some(answered.statistics()));
        Ok(Some(Event::Verdict { verdict: Verdict { kl, a, b, ..verdict } }))
    }

    /// Whether the first model's answers say how far it is from the second: both must read the same tokens, and the
    /// answers must be drawn from it as it is.
    fn measures_kl(&self) -> bool {
        let [a, b] = &self.folders;
        self.chooser.is_none() && self.options.temperature > 0.0 && a.same_tokenizer(b).is_ok()
    }

    /// Sum over answers of `ln a - ln b`, in nats.
    async fn kl_of(&self, answers: Answers) -> Result<f64, SessionError> {
        let scorer = Scorer::Rule(Box::new(|_| 0.0));
        let models = Models { policy: &self.models[0], reference: &self.models[1], value: None, scorer: &scorer };
        let algorithm = PpoOptions {
            temperature: self.options.temperature,
            kl_estimator: KlEstimator::K1,
            ..PpoOptions::default()
        };
        let (time, tokenizer, count) = (self.options.max_new_tokens, &self.folders[0].tokenizer, answers.rows.len());
        let experience = Experience::collect(&models, &answers, time, &algorithm, tokenizer, &self.device).await?;
        Ok(f64::from(experience.mean_kl()) * count as f64)
    }

    /// Samples and judges one batch of pairs.
    async fn batch(&mut self) -> Result<(), SessionError> {
        let clock = Stopwatch::start();
        let each = self.options.pairs_per_prompt;
        let end = (self.state.next_pair + self.options.batch_size).min(self.total_pairs());
        let pairs: Vec<usize> = (self.state.next_pair..end).collect();
        let (a, kl) = self.first_answers(&pairs).await?;
        let b = self.answers(1, &pairs, 0).await?.rows;
        self.state.kl_sum += kl;
        self.state.answered[0].add(&a);
        self.state.answered[1].add(&b);
        let [a, b] = [(a, 0), (b, 1)].map(|(rows, which)| texts(&rows, &self.folders[which]));
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

    /// The first model's answers: of several drawn, the one that its reward model likes best. And the sum of their KL.
    async fn first_answers(&self, pairs: &[usize]) -> Result<(Vec<Row>, f64), SessionError> {
        let Some((folder, chooser)) = &self.chooser else {
            let answers = self.answers(0, pairs, 0).await?;
            let rows = answers.rows.clone();
            let kl = if self.measures_kl() { self.kl_of(answers).await? } else { 0.0 };
            return Ok((rows, kl));
        };
        let mut drawn = Vec::new();
        for draw in 0..self.options.best_of {
            // Behind the seeds of the second model: with one of its seeds the same answer would meet itself.
            drawn.push(self.answers(0, pairs, (draw + 1) * self.total_pairs()).await?.rows);
        }
        let mut best = Vec::new();
        for (at, pair) in pairs.iter().enumerate() {
            let prompt = &self.prompts[pair / self.options.pairs_per_prompt];
            let answers: Vec<String> = drawn.iter().map(|rows| rows[at].text(&folder.tokenizer)).collect();
            let answers: Vec<&str> = answers.iter().map(String::as_str).collect();
            let scores = rewards_of(folder, chooser, prompt, &answers, &self.device).await?;
            best.push(drawn[best_place(&scores)][at].clone());
        }
        Ok((best, 0.0))
    }

    /// One model's answers to some pairs. `later` moves the seeds, for further draws.
    async fn answers(&self, which: usize, pairs: &[usize], later: usize) -> Result<Answers, SessionError> {
        let places: Vec<usize> = pairs.iter().map(|pair| pair / self.options.pairs_per_prompt).collect();
        let prompts: Vec<Vec<u32>> = places.iter().map(|place| self.encoded[which][*place].clone()).collect();
        let seeds = pairs.iter().map(|pair| self.options.seed.wrapping_add((pair + later) as u64));
        let sampling = SamplingOptions { temperature: self.options.temperature, ..Default::default() };
        let (model, tokenizer) = (&self.models[which], &self.folders[which].tokenizer);
        let rollout = Rollout::new(model, tokenizer, &prompts, seeds, self.options.max_new_tokens, sampling);
        Ok(Answers { places, prompts, rows: rollout.finish().await? })
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

fn texts(rows: &[Row], folder: &Folder) -> Vec<String> {
    rows.iter().map(|row| row.text(&folder.tokenizer)).collect()
}

/// A reward model's number for each answer to one prompt.
async fn rewards_of(
    folder: &Folder,
    model: &Frozen<ScalarModel>,
    prompt: &Prompt,
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
