//! What the checks run on: a small decoder and a few rows of tokens, the same on every device.
//!
//! Sizes are odd where they can be, and rows differ in length: a kernel that is right only for whole tiles shows.

use crate::SessionError;
use crate::readback::read;
use burn::tensor::{Device, Tensor};
use nudge_data::{PaddedBatch, Rng};
use nudge_model::{Decoder, DecoderConfig, Parameters, TokenBatch};

/// Divides the logits wherever the checks look at log-probabilities, so that a place that forgets it shows.
pub(super) const TEMPERATURE: f32 = 0.8;
const VOCABULARY: usize = 101;
const PAD: u32 = 0;
const SEED: u64 = 7;

/// A decoder of two blocks whose two query heads share one key-value head.
///
/// Heads are as wide as the built-in models': on a GPU the programs that are compiled for the checks are those that
/// training runs.
///
/// Four times the usual initial weights: next-token distributions and attention are far from uniform, so a wrong
/// mask or position moves them by more than any rounding. The factor is exact in `f32`.
pub(super) fn model(device: &Device) -> Decoder {
    let mut config = DecoderConfig::new(VOCABULARY, 32, 2, 2, 44, 64);
    config.num_key_value_heads = 1;
    config.head_dim = 32;
    Decoder::init(&config, SEED, device).map_parameters(|parameter| parameter.mul_scalar(4.0))
}

/// Rows of different lengths, none with a pad token.
pub(super) fn rows() -> Vec<Vec<u32>> {
    let mut rng = Rng::new(SEED);
    let mut row = |length: usize| (0..length).map(|_| 1 + rng.below(VOCABULARY - 1) as u32).collect();
    vec![row(13), row(6), row(9)]
}

/// `rows` padded on the left, wider than the longest.
pub(super) fn left_padded(rows: &[Vec<u32>]) -> PaddedBatch {
    PaddedBatch::left(rows, PAD, width(rows))
}

/// `rows` padded on the right, wider than the longest.
pub(super) fn right_padded(rows: &[Vec<u32>]) -> PaddedBatch {
    PaddedBatch::right(rows, PAD, width(rows))
}

fn width(rows: &[Vec<u32>]) -> usize {
    rows.iter().map(Vec::len).max().unwrap_or(0) + 2
}

/// The batch on `device`, which is an autodiff device where `model` is tracked.
pub(super) fn token_batch(model: &Decoder, batch: &PaddedBatch, device: &Device) -> TokenBatch {
    TokenBatch::new(&batch.tokens, &batch.mask, batch.batch, batch.time, &model.config, device)
}

/// Log-probabilities of the real tokens, without the first of each row, which nothing predicts. One flat list.
pub(super) async fn logprobs(model: &Decoder, batch: &PaddedBatch, device: &Device) -> Result<Vec<f32>, SessionError> {
    let all = model.next_token_logprobs(&token_batch(model, batch, device), TEMPERATURE);
    let all = read(all.without_autodiff()).await?; // [batch, time - 1]
    let predicted = batch.mask.chunks(batch.time).flat_map(|row| row.windows(2).map(|pair| pair[0] && pair[1]));
    Ok(all.into_iter().zip(predicted).filter_map(|(logprob, real)| real.then_some(logprob)).collect())
}

/// The parameters of `model` without a graph, in their order.
pub(super) fn parameters(model: &Decoder) -> Vec<Tensor<2>> {
    model.parameters().into_iter().map(|(_, parameter)| parameter.clone().without_autodiff()).collect()
}
