//! Sampling: `k` completions of each prompt, all at once, to be read, ranked or compared.
//!
//! 1. Encode every prompt and check that a completion fits.
//! 2. Take as many prompts as fit a batch; sample their completions together, a few tokens at a time.
//! 3. Report completions as they grow (if asked to).
//! 4. Of more completions than are wanted keep those that are worth ranking; report them.

use crate::SessionError;
use crate::finetuning::is_large;
use crate::folder::Folder;
use crate::options::{Options, SampleOptions};
use crate::protocol::{Event, Metrics, StageName};
use crate::rollout::{Rollout, SampledCompletion, check_completions, encode_prompts, temperature_of};
use crate::snapshot::Snapshot;
use crate::stage::{Stage, Standing, StepState, Told};
use crate::words::Words;
use crate::workflow::{Drawn, worth_ranking};
use burn::tensor::Device;
use nudge_data::{Completion, Prompt, Tokenizer};
use nudge_model::{Decoder, DecoderConfig, Frozen, SamplingOptions};
use std::ops::Range;

/// A sampling run.
pub struct Sample {
    model: Frozen<Decoder>,
    tokenizer: Tokenizer,
    /// Those that the model's corpus has, where it says so.
    words: Option<Words>,
    prompts: Vec<Prompt>,
    encoded: Vec<Vec<u32>>,
    options: SampleOptions,
    /// First prompt that is not answered.
    next_prompt: usize,
    /// Completions drawn of each prompt.
    draws: usize,
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
        let words = folder.words();
        let draws = draws(&options, &folder.config, words.is_some())?;
        // 1. Encode.
        let encoded = encode_prompts(&folder, &prompts, options.max_new_tokens)?;
        Ok(Self {
            model: folder.decoder(device)?.frozen(),
            words,
            tokenizer: folder.tokenizer,
            prompts,
            encoded,
            options,
            next_prompt: 0,
            draws,
            growing: None,
        })
    }

    /// Prompts of the batch that starts at the first unanswered one.
    fn batch(&self) -> Range<usize> {
        let prompts = (self.options.batch_size / self.draws).max(1);
        self.next_prompt..(self.next_prompt + prompts).min(self.prompts.len())
    }

    fn rollout(&self, batch: Range<usize>) -> Rollout {
        let first_seed = self.options.seed.wrapping_add((batch.start * self.draws) as u64);
        let rows: Vec<Vec<u32>> = batch.flat_map(|place| vec![self.encoded[place].clone(); self.draws]).collect();
        let seeds = (0..rows.len() as u64).map(|index| first_seed.wrapping_add(index));
        let SampleOptions { temperature, top_k, top_p, .. } = self.options;
        let temperature = temperature_of(temperature, &self.model.config);
        let sampling = SamplingOptions { temperature, top_k, top_p };
        Rollout::new(&self.model, &self.tokenizer, &rows, seeds, self.options.max_new_tokens, sampling)
    }

    // 3. Completions as they grow.
    fn tell_partial(&self, rollout: &Rollout, batch: Range<usize>, told: &mut Told) {
        for (index, row) in rollout.rows().iter().enumerate() {
            let (prompt, completion) = (batch.start + index / self.draws, index % self.draws);
            told.event(Event::Partial { prompt, completion, text: row.text(&self.tokenizer) });
        }
    }

    /// The completions of a prompt that are reported; all of them, where no more were drawn than are wanted.
    fn kept(&self, rows: &[SampledCompletion], prompt: &Prompt) -> Vec<Completion> {
        let all: Vec<Completion> = rows.iter().map(|row| row.completion(&self.tokenizer)).collect();
        let drawn: Vec<Drawn<'_>> = rows
            .iter()
            .zip(&all)
            .map(|(row, one)| Drawn { text: &one.text, ended: row.ended, length: row.tokens.len() })
            .collect();
        let places = worth_ranking(&drawn, self.options.k, &prompt.to_string(), self.words.as_ref());
        places.into_iter().map(|place| all[place].clone()).collect()
    }

    // 4. Whole completions.
    fn tell_whole(&self, rollout: &Rollout, batch: Range<usize>, told: &mut Told) {
        for (index, rows) in batch.zip(rollout.rows().chunks(self.draws)) {
            told.event(Event::Candidates {
                index,
                id: format!("{}-{index}", self.options.seed),
                prompt: self.prompts[index].clone(),
                completions: self.kept(rows, &self.prompts[index]),
            });
        }
        let tokens: usize = rollout.rows().iter().map(|row| row.tokens.len()).sum();
        let mean_length = tokens as f64 / rollout.rows().len() as f64;
        let metrics = Metrics::from([("completions/mean_length".into(), mean_length)]);
        told.progress(metrics, "tokens_per_second", tokens);
    }
}

/// How many completions of a prompt are drawn. Who reads along sees every one of them grow, and keeps them.
///
/// # Errors
/// If it does not fit `k`, or is too many.
pub fn draws(options: &SampleOptions, config: &DecoderConfig, has_words: bool) -> Result<usize, SessionError> {
    let SampleOptions { k, draws, stream, .. } = *options;
    check_completions("k", k)?;
    check_completions("draws", draws)?;
    let can_differ = k > 1 && !stream && temperature_of(options.temperature, config) > 0.0;
    match draws {
        0 if can_differ && is_large(config) => Ok(3 * k),
        0 if can_differ && has_words => Ok(2 * k),
        0 => Ok(k),
        _ if stream && draws != k => {
            Err(SessionError::option("draws", draws, "k or 0, where completions are told as they grow"))
        }
        _ if draws < k => Err(SessionError::option("draws", draws, "k or more, or 0")),
        _ => Ok(draws),
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
        let (first, draws) = (self.next_prompt, self.draws);
        if let (Some(rollout), true) = (&mut self.growing, prompt >= first && completion < draws) {
            rollout.stop((prompt - first) * draws + completion);
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_real_model_draws_three_times_what_is_kept() {
        let large = DecoderConfig { hidden_size: 2048, vocab_size: 50_000, ..DecoderConfig::test(16) };
        let small = DecoderConfig::test(16);
        let options = |draws, stream| SampleOptions { draws, stream, ..Default::default() };
        assert_eq!(draws(&options(0, false), &large, false).unwrap(), 12);
        assert_eq!(draws(&options(0, false), &small, false).unwrap(), 4);
        assert_eq!(draws(&options(0, false), &small, true).unwrap(), 8, "one that knows its words");
        assert_eq!(draws(&options(0, true), &large, false).unwrap(), 4, "who reads along keeps what was read");
        assert_eq!(draws(&options(16, false), &small, false).unwrap(), 16);
        assert!(draws(&options(3, false), &large, false).unwrap_err().to_string().contains("k or more"));
        assert!(draws(&options(1 << 40, false), &large, false).unwrap_err().to_string().contains("at most 65536"));
        assert!(draws(&options(8, true), &large, false).unwrap_err().to_string().contains("as they grow"));
    }
}
