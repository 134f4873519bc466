//! A decoder under a one-number head, as `AutoModelForSequenceClassification` with one label saves it.
//!
//! Reward models and value models are both of this kind; which it is, is the caller's business.

use crate::{Decoder, Frozen, Parameters, TokenBatch, Weight, weights::Noise};
use burn::tensor::{Int, Tensor, TensorData};

/// The head's name in `model.safetensors`.
pub const SCORE: &str = "score.weight";

/// A decoder with `score.weight`, one number a position.
#[derive(Debug, Clone)]
pub struct ScalarModel {
    /// The trunk; its unembedding is not used.
    pub decoder: Decoder,
    score: Weight, // [1, hidden]
    /// Added to every number; not trained.
    bias: f32,
}

impl ScalarModel {
    /// A head from N(0, 1 / sqrt(hidden + 1)) on a copy of `decoder` (Stiennon et al. 2020, lm-human-preferences).
    pub fn on(decoder: &Decoder, seed: u64) -> Self {
        let hidden = decoder.config.hidden_size;
        let deviation = 1.0 / (hidden as f32 + 1.0).sqrt();
        let mut noise = Noise(seed);
        let values: Vec<f32> = (0..hidden).map(|_| noise.normal() * deviation).collect();
        let score = Tensor::from_data(TensorData::new(values, [1, hidden]), &decoder.device());
        Self::with_score(decoder.clone(), score)
    }

    /// `decoder` under the head `score: [1, hidden]`.
    pub fn with_score(decoder: Decoder, score: Tensor<2>) -> Self {
        let score = Weight::new(SCORE.into(), score);
        let held = decoder.tape.as_ref().map(|tape| tape.held); // On a tape of its own.
        Self { decoder: decoder.without_unembedding().recomputing(held), score, bias: 0.0 }
    }

    /// The same head on another trunk.
    ///
    /// # Errors
    /// That of `map`.
    pub fn try_map_decoder<E>(self, map: impl FnOnce(Decoder) -> Result<Decoder, E>) -> Result<Self, E> {
        Ok(Self { decoder: map(self.decoder)?, ..self })
    }

    /// The head, `[1, hidden]`.
    pub fn score(&self) -> &Tensor<2> {
        self.score.dense()
    }

    /// One number a position, `[batch, time]`.
    pub fn values(&self, batch: &TokenBatch) -> Tensor<2> {
        let [rows, time] = batch.tokens.dims();
        let values =
            nudge_kernels::linear(self.decoder.hidden(batch), self.score.dense().clone()).reshape([rows, time]);
        if self.bias == 0.0 { values } else { values.add_scalar(self.bias) }
    }

    /// The number at one position of each row, `[batch]`; `last` holds the index of the last real token, `[batch]`.
    pub fn score_at(&self, batch: &TokenBatch, last: Tensor<1, Int>) -> Tensor<1> {
        let rows = batch.tokens.dims()[0];
        self.values(batch).gather(1, last.reshape([rows, 1])).reshape([rows])
    }

    /// The head multiplied by `gain`: scores change their scale, not their order.
    pub fn scaled(mut self, gain: f32) -> Self {
        self.score = self.score.map(|score| score.mul_scalar(gain));
        self.bias *= gain;
        self
    }

    /// The same model with `bias` added to every number.
    pub fn with_bias(self, bias: f32) -> Self {
        Self { bias, ..self }
    }

    /// The same network with its weights frozen.
    pub fn frozen(&self) -> Frozen<Self> {
        Frozen::new(self.clone())
    }
}

impl Parameters for ScalarModel {
    fn weights(&self) -> Vec<&Weight> {
        self.decoder.weights().into_iter().chain([&self.score]).collect()
    }

    fn weights_mut(&mut self) -> Vec<&mut Weight> {
        self.decoder.weights_mut().into_iter().chain([&mut self.score]).collect()
    }

    fn decoder(&self) -> Option<&Decoder> {
        Some(&self.decoder)
    }
}
