//! Evaluation: nats per token and per character of a text that the model has not seen.
//!
//! Each record stands on its own: an end token before it as context, its tokens, an end token after it, which is
//! scored. A record longer than the context is read in windows that overlap by half; every token is scored once,
//! in the window where it has the most context.

use crate::SessionError;
use crate::folder::Folder;
use crate::options::{EvalOptions, Options};
use crate::protocol::{Evaluation, Event, Metrics, StageName};
use crate::readback::{finite, read};
use crate::snapshot::Snapshot;
use crate::stage::{Stage, Standing, Told};
use burn::tensor::Device;
use nudge_data::{PaddedBatch, bucket, split_records};
use nudge_model::{Decoder, Frozen, TokenBatch};
use serde::{Deserialize, Serialize};

/// Widths of batches of windows are multiples of this, twice that of rows that are trained on: an evaluation is one
/// pass, in which preparing a GPU's kernels for another width takes longer than the padding.
const WINDOW_STEP: usize = 64;

/// An evaluation run.
pub struct Eval {
    model: Frozen<Decoder>,
    windows: Vec<Window>,
    batch_size: usize,
    pad: u32,
    chars: usize,
    state: State,
    device: Device,
}

/// What moves from batch to batch.
#[derive(Clone, Default, Serialize, Deserialize)]
pub struct State {
    next_window: usize,
    nats: f64,
    tokens: usize,
}

struct Window {
    tokens: Vec<u32>,
    /// Index of the first token that this window scores.
    first_scored: usize,
}

impl Eval {
    /// Cuts the text into windows.
    ///
    /// # Errors
    /// If an option is wrong, or the text holds no record.
    pub fn new(folder: &Folder, text: &str, options: EvalOptions, device: &Device) -> Result<Self, SessionError> {
        options.check_ranges()?;
        let model = folder.decoder(device)?.frozen();
        let records = split_records(text);
        if records.is_empty() {
            return Err(SessionError::Nothing("the text holds no record; there is nothing to evaluate on".into()));
        }
        let context = model.config.max_position_embeddings;
        let eos = folder.tokenizer.eos_id();
        let windows = records.iter().flat_map(|record| windows_of(&folder.tokenizer.encode(record), eos, context));
        Ok(Self {
            windows: windows.collect(),
            model,
            batch_size: options.batch_size,
            pad: folder.tokenizer.pad_id(),
            chars: records.iter().map(|record| record.chars().count()).sum(),
            state: State::default(),
            device: device.clone(),
        })
    }

    fn nats_per_token(&self) -> f64 {
        self.state.nats / self.state.tokens as f64
    }
}

impl Stage for Eval {
    type State = State;

    const NAME: StageName = StageName::Eval;

    fn standing(&self) -> Standing {
        Standing {
            step: self.state.next_window.div_ceil(self.batch_size),
            total_steps: self.windows.len().div_ceil(self.batch_size),
            parameters: self.model.config.parameter_count(),
        }
    }

    /// One batch of windows.
    async fn advance(&mut self, told: &mut Told) -> Result<(), SessionError> {
        let end = (self.state.next_window + self.batch_size).min(self.windows.len());
        let windows = &self.windows[self.state.next_window..end];
        let (nats, tokens) = score(&self.model, windows, self.pad, &self.device).await?;
        self.state.nats += nats;
        self.state.tokens += tokens;
        self.state.next_window = end;
        let metrics = Metrics::from([("nats_per_token".into(), self.nats_per_token())]);
        told.progress(metrics, "tokens_per_second", tokens);
        Ok(())
    }

    async fn end(&mut self) -> Result<Vec<Event>, SessionError> {
        let evaluation = Evaluation {
            nats_per_token: self.nats_per_token(),
            nats_per_char: self.state.nats / self.chars as f64,
            tokens: self.state.tokens,
            chars: self.chars,
        };
        Ok(vec![Event::Evaluated { evaluation }])
    }

    fn state(&self) -> State {
        self.state.clone()
    }

    fn restore(&mut self, state: State, _: &Snapshot) -> Result<(), SessionError> {
        self.state = state;
        Ok(())
    }
}

/// Windows over one record: `context` tokens each, half of them context after the first.
fn windows_of(record: &[u32], eos: u32, context: usize) -> Vec<Window> {
    let mut tokens = vec![eos];
    tokens.extend(record);
    tokens.push(eos);
    let stride = (context / 2).max(1);
    let mut windows = Vec::new();
    let (mut start, mut scored) = (0, 1);
    while scored < tokens.len() {
        let end = (start + context).min(tokens.len());
        windows.push(Window { tokens: tokens[start..end].to_vec(), first_scored: scored - start });
        scored = end;
        start += stride;
    }
    windows
}

/// Sum of the negative log-likelihoods and number of scored tokens.
async fn score(
    model: &Frozen<Decoder>,
    windows: &[Window],
    pad: u32,
    device: &Device,
) -> Result<(f64, usize), SessionError> {
    let rows: Vec<Vec<u32>> = windows.iter().map(|window| window.tokens.clone()).collect();
    let longest = rows.iter().map(Vec::len).max().unwrap_or(2);
    let time = bucket(longest, WINDOW_STEP).min(model.config.max_position_embeddings).max(longest);
    let batch = PaddedBatch::right(&rows, pad, time);
    let batch = TokenBatch::new(&batch.tokens, &batch.mask, rows.len(), time, &model.config, device);
    let logprobs = finite("a log-probability", read(model.next_token_logprobs(&batch, 1.0)).await?)?;
    let (mut nats, mut tokens) = (0.0, 0);
    for (row, window) in windows.iter().enumerate() {
        // Entry t is the log-probability of token t + 1.
        let scored = &logprobs[row * (time - 1)..][window.first_scored - 1..window.tokens.len() - 1];
        nats -= scored.iter().map(|logprob| f64::from(*logprob)).sum::<f64>();
        tokens += scored.len();
    }
    Ok((nats, tokens))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_token_is_scored_once_whatever_the_length() {
        for length in [0, 1, 5, 8, 9, 30, 31] {
            let record: Vec<u32> = (10..10 + length).collect();
            let windows = windows_of(&record, 1, 8);
            let scored: Vec<u32> =
                windows.iter().flat_map(|window| window.tokens[window.first_scored..].to_vec()).collect();
            let expected: Vec<u32> = record.iter().copied().chain([1]).collect();
            assert_eq!(scored, expected, "a record of {length} tokens");
            assert!(windows.iter().all(|window| window.tokens.len() <= 8 && window.first_scored >= 1));
        }
    }
}
