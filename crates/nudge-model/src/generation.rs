//! Sampling with a key-value cache: whole batches, fixed shapes, noise given from outside.
//!
//! One uniform number a row and step decides the next token (inverse of the cumulative distribution), so a
//! seeded host generator draws the same text on every device up to float rounding. Tokens stay on the device
//! until [`Generation::drain`]. On a GPU rows that have drawn an end token cost nothing any more; what they draw has no
//! meaning anywhere, and the caller cuts it.
//! Deliberately absent: beams, penalties, any readback.

use crate::next_token::{Layer, NextToken};
use crate::walk::Walk;
use crate::weights::Linear;
use crate::whole_rows::WholeRows;
use crate::{Decoder, Frozen, TokenBatch};
use burn::tensor::{Device, Int, Tensor, TensorData};
use nudge_kernels::decoding::{self, Drawn, KeyValueCache, LiveRows};
use nudge_kernels::host::Distribution;
use serde::{Deserialize, Serialize};

/// How a token is chosen from its distribution.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct SamplingOptions {
    /// Logits are divided by it; near 0 takes the likeliest token.
    pub temperature: f32,
    /// Only the likeliest `top_k` tokens can be drawn; 0 allows all.
    pub top_k: usize,
    /// Of those, only the smallest set of likeliest tokens whose probabilities sum to at least `top_p`, in (0, 1], can
    /// be drawn (the nucleus of Holtzman et al. 2020); 1 allows all. What is as likely as the last of them stays.
    pub top_p: f32,
}

impl Default for SamplingOptions {
    fn default() -> Self {
        Self { temperature: 1.0, top_k: 0, top_p: 1.0 }
    }
}

impl SamplingOptions {
    /// The same for the kernels, with a temperature to divide by.
    pub(crate) fn distribution(&self) -> Distribution {
        Distribution { temperature: self.temperature.max(1e-4), top_k: self.top_k, top_p: self.top_p }
    }
}

/// A batch of rows being continued.
pub struct Generation {
    options: SamplingOptions,
    device: Device,
    walk: Walk<NextToken>,
    unembedding: Linear,
    rows: NextToken,
    capacity: usize,
    logits: Tensor<2>, // [batch, vocab], of the next token, in the order of the rows that go on
    /// Steps that have been given out.
    drained: usize,
}

impl Generation {
    /// Reads left-padded prompts `[batch, time]` and makes room for `max_new_tokens` more. The tokens `ends` end a row.
    ///
    /// # Panics
    /// If the slices are not `[batch, time]` or the rows would outgrow the model's context.
    pub fn new(
        model: Frozen<Decoder>,
        tokens: &[u32],
        mask: &[bool],
        batch: usize,
        max_new_tokens: usize,
        ends: &[u32],
        options: SamplingOptions,
    ) -> Self {
        let time = tokens.len() / batch.max(1);
        let device = model.device();
        let capacity = time + max_new_tokens;
        assert!(
            capacity <= model.config.max_position_embeddings,
            "{time} prompt tokens and {max_new_tokens} new ones outgrow a context of {}",
            model.config.max_position_embeddings
        );
        let padding: Vec<i32> = mask.chunks(time).map(|row| row.iter().filter(|real| !**real).count() as i32).collect();
        let first = Tensor::from_data(TensorData::new(padding, [batch]), &device);
        let layers = Layer::all(&model.config, capacity, &device);
        let (caches, logits) = prefill_once(&model, tokens, mask, [batch, capacity], &device);
        let live = LiveRows::all(batch, ends, &device);
        let drawn = Drawn::none(batch, max_new_tokens, &device);
        let rows = NextToken { caches, filled: time, first, layers, live, drawn };
        let (walk, unembedding) = (model.walk(), model.unembedding());
        Self { options, device, walk, unembedding, rows, capacity, logits, drained: 0 }
    }

    /// Draws one token a row by `noise` (uniform in [0, 1), one a row) and reads it into the cache.
    ///
    /// # Panics
    /// If `noise` has not one number a row or the cache is full.
    pub fn step(&mut self, noise: &[f32]) {
        let [batch] = self.rows.first.dims();
        assert_eq!(noise.len(), batch, "one uniform number a row");
        assert!(self.rows.filled < self.capacity, "the cache holds {} tokens and is full", self.capacity);
        let noise = Tensor::from_data(TensorData::new(noise.to_vec(), [batch, 1]), &self.device);
        let NextToken { live, drawn, .. } = &mut self.rows;
        decoding::draw(self.logits.clone(), noise, self.options.distribution(), live, drawn);
        if self.rows.filled + 1 < self.capacity {
            let hidden = self.walk.hidden(&mut self.rows);
            let logits = self.rows.unembed(hidden, &self.unembedding);
            self.logits = logits.squeeze_dim(1);
        }
        self.rows.filled += 1;
    }

    /// No token ends a row: for measurements of a fixed shape. Before the first step.
    pub fn at_full_length(mut self) -> Self {
        let [batch] = self.rows.first.dims();
        self.rows.live = LiveRows::all(batch, &[], &self.device);
        self
    }

    /// Tokens and their log-probabilities drawn since the last call, `[batch, steps]`, for one readback.
    pub fn drain(&mut self) -> Option<(Tensor<2, Int>, Tensor<2>)> {
        let drawn = &self.rows.drawn;
        let (from, steps) = (self.drained, drawn.steps - self.drained);
        self.drained = drawn.steps;
        (steps > 0)
            .then(|| (drawn.tokens.clone().narrow(1, from, steps), drawn.logprobs.clone().narrow(1, from, steps)))
    }
}

/// Runs every different prompt once and gives its keys, values and logits to all rows that have it.
fn prefill_once(
    model: &Frozen<Decoder>,
    tokens: &[u32],
    mask: &[bool],
    [batch, capacity]: [usize; 2],
    device: &Device,
) -> (Vec<KeyValueCache>, Tensor<2>) {
    let time = tokens.len() / batch;
    let prompts: Vec<_> = tokens.chunks(time).zip(mask.chunks(time)).collect();
    let mut different = Vec::new();
    let places: Vec<i32> = prompts
        .iter()
        .map(|prompt| {
            let place = different.iter().position(|other| other == prompt).unwrap_or(different.len());
            if place == different.len() {
                different.push(*prompt);
            }
            place as i32
        })
        .collect();
    let (tokens, masks): (Vec<&[u32]>, Vec<&[bool]>) = different.iter().copied().unzip();
    let rows = different.len();
    let read = TokenBatch::new(&tokens.concat(), &masks.concat(), rows, time, &model.config, device);
    let (mut caches, logits) = prefill(model, &read, capacity);
    if rows == batch {
        return (caches, logits);
    }
    let places = Tensor::<1, Int>::from_data(places.as_slice(), device);
    for cache in &mut caches {
        for half in [&mut cache.keys, &mut cache.values] {
            half.inplace(|half| half.select(0, places.clone()));
        }
    }
    (caches, logits.select(0, places))
}

/// Runs the prompts, keeps their keys and values, gives the logits of the next token `[batch, vocab]`.
fn prefill(model: &Frozen<Decoder>, rows: &TokenBatch, capacity: usize) -> (Vec<KeyValueCache>, Tensor<2>) {
    let mut rows = WholeRows::prompts(rows, &model.config, capacity);
    let hidden = model.walk().hidden(&mut rows);
    (rows.into_caches(), model.logits(hidden).squeeze_dim(1))
}

/// Greedy continuation is sampling at this temperature.
pub const GREEDY: SamplingOptions = SamplingOptions { temperature: 1e-4, top_k: 1, top_p: 1.0 };

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{DecoderConfig, Parameters};

    fn logprobs_of(model: &Decoder, row: &[u32]) -> Vec<f32> {
        let batch = TokenBatch::new(row, &vec![true; row.len()], 1, row.len(), &model.config, &model.device());
        model.next_token_logprobs(&batch, 0.8).to_data().try_to_vec().unwrap()
    }

    #[test]
    fn cached_decoding_equals_the_full_forward_also_behind_left_padding() {
        let device = Device::flex();
        let mut config = DecoderConfig::test(20);
        config.num_key_value_heads = 1;
        let model = Decoder::init(&config, 5, &device).map_parameters(|p| p.mul_scalar(4.0));
        let frozen = model.frozen();
        let prompts = [0, 0, 3, 4, 5, 6, 7, 8];
        let mask = [false, false, true, true, true, true, true, true];
        let options = SamplingOptions { temperature: 0.8, ..Default::default() };
        let mut generation = Generation::new(frozen, &prompts, &mask, 2, 5, &[], options);
        for step in 0..5 {
            generation.step(&[0.13 + 0.2 * step as f32, 0.97 - 0.2 * step as f32]);
        }
        let (tokens, logprobs) = generation.drain().unwrap();
        let tokens: Vec<i32> = tokens.to_data().convert::<i32>().try_to_vec().unwrap();
        let logprobs: Vec<f32> = logprobs.to_data().try_to_vec().unwrap();
        for (row, start) in [(0, 2), (1, 0)] {
            let mut full: Vec<u32> = prompts[row * 4 + start..row * 4 + 4].to_vec();
            full.extend(tokens[row * 5..row * 5 + 5].iter().map(|&token| token as u32));
            let expected = logprobs_of(&model, &full);
            for (a, b) in expected[expected.len() - 5..].iter().zip(&logprobs[row * 5..]) {
                assert!((a - b).abs() < 1e-4, "row {row}: {a} against {b}");
            }
        }
    }
}
