//! Comparison: two models answer the same prompts, a judge prefers, the win rate comes with its interval.
//!
//! Both models get the same noise, so equal models give equal completions and ties. A person judges in a shell:
//! then pairs come without a preference. Deliberately absent: hiding which is which; the shell shuffles.

use crate::SessionError;
use crate::batch::scored::{CompletionBatch, encode_completion};
use crate::completion_statistics::CompletionTally;
use crate::folder::Folder;
use crate::labeler::Labeler;
use crate::method::online::Completions;
use crate::method::online::experience::{Collected, Collecting, Models};
use crate::method::online::scores::Scorer;
use crate::options::{CompareOptions, Options};
use crate::protocol::{Event, Judge, StageName, Verdict, Winner};
use crate::readback::{finite, read};
use crate::rollout::{Rollout, SampledCompletion, encode_prompts, temperature_of};
use crate::session::Session;
use crate::snapshot::Snapshot;
use crate::stage::best_of::best_place;
use crate::stage::{Stage, Standing, Told};
use burn::tensor::Device;
use nudge_data::Prompt;
use nudge_model::{Decoder, Frozen, SamplingOptions, ScalarModel};
use nudge_rlhf::KlEstimator;
use serde::{Deserialize, Serialize};

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
///
/// # Errors
/// If nobody and nothing is called so.
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

    /// The judge's number for each completion; nothing where a person judges.
    async fn scores(
        &self,
        prompt: &Prompt,
        completions: &[&str],
        device: &Device,
    ) -> Result<Option<Vec<f32>>, SessionError> {
        match self {
            OpenJudge::Labeler(labeler) => {
                let prompt = prompt.to_string();
                Ok(Some(completions.iter().map(|text| labeler.score(&prompt, text)).collect()))
            }
            OpenJudge::Person => Ok(None),
            OpenJudge::Reward(reward) => {
                let (folder, model) = reward.as_ref();
                rewards_of(folder, model, prompt, completions, device).await.map(Some)
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
    /// Chooses among the first model's completions.
    chooser: Option<(Folder, Frozen<ScalarModel>)>,
    options: CompareOptions,
    state: State,
    device: Device,
}

/// What moves from batch to batch.
#[derive(Clone, Default, Serialize, Deserialize)]
pub struct State {
    /// First pair that is not sampled; pairs of one prompt stand together.
    next_pair: usize,
    preferences: Vec<Winner>,
    /// Sum over the first model's completions of its log-ratio to the second, in nats.
    kl_sum: f64,
    /// What was written, by model.
    written: [CompletionTally; 2],
}

impl Compare {
    /// Loads both models and encodes the prompts for each. `chooser` is the reward model of `best_of`.
    ///
    /// # Errors
    /// If an option is wrong, or a prompt cannot be answered by one of the models.
    pub fn new(
        folders: [Folder; 2],
        prompts: Vec<Prompt>,
        judge: OpenJudge,
        chooser: Option<Folder>,
        options: CompareOptions,
        device: &Device,
    ) -> Result<Self, SessionError> {
        options.check_ranges()?;
        let chooser = open_chooser(chooser, &options, device)?;
        let encode = |folder| encode_prompts(folder, &prompts, options.max_new_tokens);
        let encoded = [encode(&folders[0])?, encode(&folders[1])?];
        let models = [folders[0].decoder(device)?.frozen(), folders[1].decoder(device)?.frozen()];
        let (state, device) = (State::default(), device.clone());
        Ok(Self { folders, models, prompts, encoded, judge, chooser, options, state, device })
    }

    /// One for both models.
    fn temperature(&self) -> f32 {
        temperature_of(self.options.temperature, &self.models[1].config)
    }

    /// Mean over the pairs so far, where it is measured.
    fn kl(&self) -> Option<f64> {
        self.measures_kl().then(|| self.state.kl_sum / self.state.next_pair as f64)
    }

    fn total_pairs(&self) -> usize {
        self.prompts.len() * self.options.pairs_per_prompt
    }

    /// Whether the first model's completions say how far it is from the second: both must read the same tokens, and
    /// the completions must be drawn from it as it is.
    fn measures_kl(&self) -> bool {
        let [a, b] = &self.folders;
        self.chooser.is_none() && self.temperature() > 0.0 && a.same_tokenizer(b).is_ok()
    }

    /// Sum over completions of `ln a - ln b`, in nats.
    async fn kl_of(&self, completions: Completions) -> Result<f64, SessionError> {
        let scorer = Scorer::Rule(Box::new(|_| 0.0));
        let models = Models { policy: &self.models[0], reference: &self.models[1], value: None, scorer: &scorer };
        let collecting = Collecting {
            time: self.options.max_new_tokens,
            temperature: self.temperature(),
            kl_estimator: KlEstimator::K1,
        };
        let pad = self.folders[0].tokenizer.pad_id();
        let collected = Collected::new(&models, completions, collecting, pad, &self.device).await?;
        Ok(f64::from(collected.mean_kl()) * collected.len() as f64)
    }

    /// The first model's completions: of several drawn, the one that its reward model likes best. And the sum of their
    /// KL.
    async fn first_completions(&self, pairs: &[usize]) -> Result<(Vec<SampledCompletion>, f64), SessionError> {
        let Some((folder, chooser)) = &self.chooser else {
            let sampled = self.completions(0, pairs, 0).await?;
            let completions = sampled.completions.clone();
            let kl = if self.measures_kl() { self.kl_of(sampled).await? } else { 0.0 };
            return Ok((completions, kl));
        };
        let mut drawn = Vec::new();
        for draw in 0..self.options.best_of {
            // Behind the seeds of the second model: with one of its seeds the same completion would meet itself.
            drawn.push(self.completions(0, pairs, (draw + 1) * self.total_pairs()).await?.completions);
        }
        let mut best = Vec::new();
        for (at, pair) in pairs.iter().enumerate() {
            let prompt = &self.prompts[pair / self.options.pairs_per_prompt];
            let texts: Vec<String> = drawn.iter().map(|draw| draw[at].text(&folder.tokenizer)).collect();
            let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
            let scores = rewards_of(folder, chooser, prompt, &texts, &self.device).await?;
            best.push(drawn[best_place(&scores)][at].clone());
        }
        Ok((best, 0.0))
    }

    /// One model's completions of some pairs. `later` moves the seeds, for further draws.
    async fn completions(&self, which: usize, pairs: &[usize], later: usize) -> Result<Completions, SessionError> {
        let places: Vec<usize> = pairs.iter().map(|pair| pair / self.options.pairs_per_prompt).collect();
        let prompts: Vec<Vec<u32>> = places.iter().map(|place| self.encoded[which][*place].clone()).collect();
        let seeds = pairs.iter().map(|pair| self.options.seed.wrapping_add((pair + later) as u64));
        let sampling = SamplingOptions { temperature: self.temperature(), ..Default::default() };
        let (model, tokenizer) = (&self.models[which], &self.folders[which].tokenizer);
        let rollout = Rollout::new(model, tokenizer, &prompts, seeds, self.options.max_new_tokens, sampling);
        Ok(Completions { places, prompts, completions: rollout.finish().await? })
    }
}

impl Stage for Compare {
    type State = State;

    const NAME: StageName = StageName::Compare;

    fn standing(&self) -> Standing {
        Standing {
            step: self.state.next_pair,
            total_steps: self.total_pairs(),
            parameters: self.models[0].config.parameter_count(),
        }
    }

    /// Samples and judges one batch of pairs.
    async fn advance(&mut self, told: &mut Told) -> Result<(), SessionError> {
        let end = (self.state.next_pair + self.options.batch_size).min(self.total_pairs());
        let pairs: Vec<usize> = (self.state.next_pair..end).collect();
        let (a, kl) = self.first_completions(&pairs).await?;
        let b = self.completions(1, &pairs, 0).await?.completions;
        self.state.kl_sum += kl;
        self.state.written[0].add(&a);
        self.state.written[1].add(&b);
        let [a, b] = [(a, 0), (b, 1)].map(|(completions, which)| texts(&completions, &self.folders[which]));
        for ((pair, a), b) in pairs.iter().zip(a).zip(b) {
            let index = pair / self.options.pairs_per_prompt;
            let prompt = self.prompts[index].clone();
            let scores =
                self.judge.scores(&prompt, &[&a, &b], &self.device).await?.map(|scores| (scores[0], scores[1]));
            let preference = scores.map(prefer);
            self.state.preferences.extend(preference);
            told.event(Event::Pair { index, prompt, a, b, preference, scores });
        }
        self.state.next_pair = end;
        told.progress(
            self.kl().map(|kl| ("objective/kl".into(), kl)).into_iter().collect(),
            "pairs_per_second",
            pairs.len(),
        );
        Ok(())
    }

    /// The verdict, unless a person judges.
    async fn end(&mut self) -> Result<Vec<Event>, SessionError> {
        if matches!(self.judge, OpenJudge::Person) {
            return Ok(vec![]);
        }
        let kl = self.kl();
        let verdict = Session::verdict(&self.state.preferences, &self.judge.name(), true);
        let [a, b] = self.state.written.each_ref().map(|written| Some(written.statistics()));
        Ok(vec![Event::Verdict { verdict: Verdict { kl, a, b, ..verdict } }])
    }

    fn state(&self) -> State {
        self.state.clone()
    }

    fn restore(&mut self, state: State, _: &Snapshot) -> Result<(), SessionError> {
        self.state = state;
        Ok(())
    }
}

fn texts(completions: &[SampledCompletion], folder: &Folder) -> Vec<String> {
    completions.iter().map(|completion| completion.text(&folder.tokenizer)).collect()
}

/// A reward model's number for each completion of one prompt.
async fn rewards_of(
    folder: &Folder,
    model: &Frozen<ScalarModel>,
    prompt: &Prompt,
    completions: &[&str],
    device: &Device,
) -> Result<Vec<f32>, SessionError> {
    let encode = |completion: &&str| Ok(encode_completion(folder, prompt, completion, 0)?.tokens);
    let rows = completions.iter().map(encode).collect::<Result<Vec<_>, SessionError>>()?;
    let batch = CompletionBatch::new(&rows, &folder.tokenizer, &model.decoder, device);
    finite("a reward", read(batch.rewards(model)).await?)
}

/// The reward model of `best_of`; it must be there exactly where there is something to choose.
fn open_chooser(
    chooser: Option<Folder>,
    options: &CompareOptions,
    device: &Device,
) -> Result<Option<(Folder, Frozen<ScalarModel>)>, SessionError> {
    let wrong = |expected| Err(SessionError::option("best_of", options.best_of, expected));
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
fn prefer((a, b): (f32, f32)) -> Winner {
    match a.total_cmp(&b) {
        std::cmp::Ordering::Greater => Winner::A,
        std::cmp::Ordering::Less => Winner::B,
        std::cmp::Ordering::Equal => Winner::Tie,
    }
}
