//! Sampling: `k` answers to each prompt, all at once, to be read, ranked or compared.
//!
//! 1. Encode every prompt and check that an answer fits.
//! 2. Take as many prompts as fit a batch; sample their answers together, a few tokens at a time.
//! 3. Report answers as they grow (if asked to) and whole.
//!
//! Deliberately absent: ranking, scores.

use crate::SessionError;
use crate::checks;
use crate::folder::Folder;
use crate::options::SampleOptions;
use crate::platform::Stopwatch;
use crate::protocol::{Event, Files, Metrics, Stage};
use crate::rollout::{Rollout, encode_prompts};
use crate::snapshot::{Snapshot, SnapshotWriter};
use burn::tensor::Device;
use nudge_data::{Prompt, Tokenizer};
use nudge_model::{Decoder, Frozen, SamplingOptions};
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;

/// A sampling run.
pub struct Sample {
    model: Frozen<Decoder>,
    tokenizer: Tokenizer,
    prompts: Vec<Prompt>,
    encoded: Vec<Vec<u32>>,
    options: SampleOptions,
    /// The batch being sampled, its first prompt and its clock.
    growing: Option<(Rollout, Stopwatch)>,
    state: State,
    fingerprint: String,
    clock: Stopwatch,
}

#[derive(Default, Serialize, Deserialize)]
struct State {
    /// First prompt that is not answered.
    next_prompt: usize,
    /// What was sampled but not told.
    waiting: VecDeque<Event>,
}

impl Sample {
    /// Checks options and prompts.
    pub fn new(
        folder: Folder,
        prompts: Vec<Prompt>,
        options: SampleOptions,
        fingerprint: String,
        resume: Option<Files>,
        device: &Device,
    ) -> Result<Self, SessionError> {
        checks::at_least_one([("k", options.k), ("batch_size", options.batch_size)])?;
        checks::temperature(options.temperature)?;
        checks::top_p(options.top_p)?;
        // 1. Encode.
        let encoded = encode_prompts(&folder, &prompts, options.max_new_tokens)?;
        let state = match resume {
            Some(files) => Snapshot::<State>::open(files, &fingerprint)?.state,
            None => State::default(),
        };
        Ok(Self {
            model: folder.decoder(device)?.frozen(),
            tokenizer: folder.tokenizer,
            prompts,
            encoded,
            options,
            growing: None,
            state,
            fingerprint,
            clock: Stopwatch::start(),
        })
    }

    /// What the shell is told first.
    pub fn started(&self) -> Event {
        Event::Started {
            stage: Stage::Sample,
            step: self.state.next_prompt,
            total_steps: self.prompts.len(),
            parameters: self.model.config.parameter_count(),
        }
    }

    /// Some tokens more, or whole answers, or nothing more.
    pub async fn next(&mut self) -> Result<Option<Event>, SessionError> {
        loop {
            if let Some(event) = self.state.waiting.pop_front() {
                return Ok(Some(event));
            }
            if self.state.next_prompt >= self.prompts.len() {
                return Ok(None);
            }
            self.grow().await?;
        }
    }

    /// Prompts of the batch that starts at the first unanswered one.
    fn batch(&self) -> std::ops::Range<usize> {
        let prompts = (self.options.batch_size / self.options.k).max(1);
        self.state.next_prompt..(self.state.next_prompt + prompts).min(self.prompts.len())
    }

    // 2. A few tokens more.
    async fn grow(&mut self) -> Result<(), SessionError> {
        let batch = self.batch();
        let (mut rollout, clock) = match self.growing.take() {
            Some(growing) => growing,
            None => (self.rollout(batch.clone()), Stopwatch::start()),
        };
        let complete = rollout.advance().await?;
        if self.options.stream {
            for (index, row) in rollout.rows().iter().enumerate() {
                let (prompt, answer) = (batch.start + index / self.options.k, index % self.options.k);
                self.state.waiting.push_back(Event::Partial { prompt, answer, text: row.text(&self.tokenizer) });
            }
        }
        if complete {
            self.report(&rollout, batch, clock.seconds());
        } else {
            self.growing = Some((rollout, clock));
        }
        Ok(())
    }

    fn rollout(&self, batch: std::ops::Range<usize>) -> Rollout {
        let k = self.options.k;
        let rows: Vec<Vec<u32>> = batch.clone().flat_map(|i| vec![self.encoded[i].clone(); k]).collect();
        let first_seed = self.options.seed.wrapping_add((batch.start * k) as u64);
        let seeds = (0..rows.len() as u64).map(|index| first_seed.wrapping_add(index));
        let SampleOptions { temperature, top_k, top_p, .. } = self.options;
        let sampling = SamplingOptions { temperature, top_k, top_p };
        Rollout::new(&self.model, &self.tokenizer, &rows, seeds, self.options.max_new_tokens, sampling)
    }

    // 3. Whole answers.
    fn report(&mut self, rollout: &Rollout, batch: std::ops::Range<usize>, seconds: f64) {
        let k = self.options.k;
        let tokens: usize = rollout.rows().iter().map(|row| row.tokens.len()).sum();
        let metrics = Metrics::from([
            ("tokens_per_second".into(), tokens as f64 / seconds),
            ("completions/mean_length".into(), tokens as f64 / rollout.rows().len() as f64),
        ]);
        for (index, rows) in batch.clone().zip(rollout.rows().chunks(k)) {
            self.state.waiting.push_back(Event::Candidates {
                index,
                id: format!("{}-{index}", self.options.seed),
                prompt: self.prompts[index].clone(),
                completions: rows.iter().map(|row| row.answer(&self.tokenizer)).collect(),
            });
        }
        self.state.next_prompt = batch.end;
        let (step, total_steps) = (batch.end, self.prompts.len());
        self.state.waiting.push_back(Event::Progress { stage: Stage::Sample, step, total_steps, metrics, seconds });
    }

    /// A checkpoint; a batch that is still growing is sampled again after it.
    pub async fn save(&self) -> Result<Files, SessionError> {
        SnapshotWriter::default().finish(&self.fingerprint, &self.state).await
    }

    /// What the shell is told last.
    pub fn finished(&self) -> Event {
        Event::Finished { stage: Stage::Sample, seconds: self.clock.seconds() }
    }
}
