//! Sampling: `k` completions of each prompt, all at once, to be read, ranked or compared.
//!
//! 1. Encode every prompt and check that a completion fits.
//! 2. Take as many prompts as fit a batch; sample their completions together, a few tokens at a time.
//! 3. Report completions as they grow (if asked to) and whole.

use crate::SessionError;
use crate::folder::Folder;
use crate::options::{Options, SampleOptions};
use crate::protocol::{Event, Metrics, StageName};
use crate::rollout::{Rollout, encode_prompts};
use crate::snapshot::Snapshot;
use crate::stage::{Stage, Standing, StepState, Told};
use burn::tensor::Device;
use nudge_data::{Prompt, Tokenizer};
use nudge_model::{Decoder, Frozen, SamplingOptions};
use std::ops::Range;

/// A sampling run.
pub struct Sample {
    model: Frozen<Decoder>,
    tokenizer: Tokenizer,
    prompts: Vec<Prompt>,
    encoded: Vec<Vec<u32>>,
    options: SampleOptions,
    /// First prompt that is not answered.
    next_prompt: usize,
    /// The batch being sampled. No checkpoint holds it: it is sampled again after one.
    growing: Option<Rollout>,
}

impl Sample {
    /// Checks options and prompts.
    ///
    /// # Errors
    /// If an option is wrong, or a prompt cannot be answered.
    pub fn new(
        folder: Folder,
        prompts: Vec<Prompt>,
        options: SampleOptions,
        device: &Device,
    ) -> Result<Self, SessionError> {
        options.check_ranges()?;
        // 1. Encode.
        let encoded = encode_prompts(&folder, &prompts, options.max_new_tokens)?;
        Ok(Self {
            model: folder.decoder(device)?.frozen(),
            tokenizer: folder.tokenizer,
            prompts,
            encoded,
            options,
            next_prompt: 0,
            growing: None,
        })
    }

    /// Prompts of the batch that starts at the first unanswered one.
    fn batch(&self) -> Range<usize> {
        let prompts = (self.options.batch_size / self.options.k).max(1);
        self.next_prompt..(self.next_prompt + prompts).min(self.prompts.len())
    }

    fn rollout(&self, batch: Range<usize>) -> Rollout {
        let k = self.options.k;
        let first_seed = self.options.seed.wrapping_add((batch.start * k) as u64);
        let rows: Vec<Vec<u32>> = batch.flat_map(|place| vec![self.encoded[place].clone(); k]).collect();
        let seeds = (0..rows.len() as u64).map(|index| first_seed.wrapping_add(index));
        let SampleOptions { temperature, top_k, top_p, .. } = self.options;
        let sampling = SamplingOptions { temperature, top_k, top_p };
        Rollout::new(&self.model, &self.tokenizer, &rows, seeds, self.options.max_new_tokens, sampling)
    }

    // 3. Completions as they grow.
    fn tell_partial(&self, rollout: &Rollout, batch: Range<usize>, told: &mut Told) {
        for (index, row) in rollout.rows().iter().enumerate() {
            let (prompt, completion) = (batch.start + index / self.options.k, index % self.options.k);
            told.event(Event::Partial { prompt, completion, text: row.text(&self.tokenizer) });
        }
    }

    // 3. Whole completions.
    fn tell_whole(&self, rollout: &Rollout, batch: Range<usize>, told: &mut Told) {
        for (index, rows) in batch.zip(rollout.rows().chunks(self.options.k)) {
            told.event(Event::Candidates {
                index,
                id: format!("{}-{index}", self.options.seed),
                prompt: self.prompts[index].clone(),
                completions: rows.iter().map(|row| row.completion(&self.tokenizer)).collect(),
            });
        }
        let tokens: usize = rollout.rows().iter().map(|row| row.tokens.len()).sum();
        let mean_length = tokens as f64 / rollout.rows().len() as f64;
        let metrics = Metrics::from([("completions/mean_length".into(), mean_length)]);
        told.progress(metrics, "tokens_per_second", tokens);
    }
}

impl Stage for Sample {
    type State = StepState;

    const NAME: StageName = StageName::Sample;

    fn standing(&self) -> Standing {
        Standing {
            step: self.next_prompt,
            total_steps: self.prompts.len(),
            parameters: self.model.config.parameter_count(),
        }
    }

    // 2. A few tokens more.
    async fn advance(&mut self, told: &mut Told) -> Result<(), SessionError> {
        let batch = self.batch();
        let mut rollout = self.growing.take().unwrap_or_else(|| self.rollout(batch.clone()));
        let complete = rollout.advance().await?;
        if self.options.stream {
            self.tell_partial(&rollout, batch.clone(), told);
        }
        if complete {
            self.next_prompt = batch.end;
            self.tell_whole(&rollout, batch, told);
        } else {
            self.growing = Some(rollout);
        }
        Ok(())
    }

    fn stop(&mut self, prompt: usize, completion: usize) {
        let (first, k) = (self.next_prompt, self.options.k);
        if let (Some(rollout), true) = (&mut self.growing, prompt >= first && completion < k) {
            rollout.stop((prompt - first) * k + completion);
        }
    }

    fn state(&self) -> StepState {
        StepState { step: self.next_prompt }
    }

    fn restore(&mut self, state: StepState, _: &Snapshot) -> Result<(), SessionError> {
        self.next_prompt = state.step;
        Ok(())
    }
}
