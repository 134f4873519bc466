//! How causal attention is cut into strips of scores, and what happens to one row of a strip.

use std::ops::Range;

use super::storage::{FlexTensor, dims};
use super::vector::{self, dot, exp, vectorised};

/// Queries in one strip of scores.
pub(super) const QUERIES: usize = 64;

#[derive(Clone, Copy, Debug)]
pub(super) struct Sizes {
    pub(super) batch: usize,
    pub(super) time: usize,
    pub(super) heads: usize,
    pub(super) kv_heads: usize,
    pub(super) head_dim: usize,
}

impl Sizes {
    pub(super) fn of(q: &FlexTensor, k: &FlexTensor, v: &FlexTensor, mask: &[bool]) -> Self {
        let [batch, time, heads, head_dim] = dims(q);
        let [_, _, kv_heads, _] = dims::<4>(k);
        let cache = [batch, time, kv_heads, head_dim];
        assert!(
            dims(k) == cache && dims(v) == cache && heads % kv_heads == 0 && mask.len() == batch * time,
            "causal_attention: q {:?}, k {:?}, v {:?}, mask of {} elements",
            dims::<4>(q),
            dims::<4>(k),
            dims::<4>(v),
            mask.len(),
        );
        Self { batch, time, heads, kv_heads, head_dim }
    }

    /// Elements of one token's queries.
    pub(super) fn q_width(&self) -> usize {
        self.heads * self.head_dim
    }

    /// Elements of one token's keys.
    pub(super) fn kv_width(&self) -> usize {
        self.kv_heads * self.head_dim
    }

    pub(super) fn scale(&self) -> f32 {
        1.0 / (self.head_dim as f32).sqrt()
    }
}

/// One strip: a run of queries, and the keys from the first real token to the last query.
pub(super) struct Strip<'a> {
    pub(super) queries: Range<usize>,
    pub(super) keys: Range<usize>,
    mask: &'a [bool],
}

impl Strip<'_> {
    pub(super) fn shape(&self) -> (usize, usize) {
        (self.queries.len(), self.keys.len())
    }

    /// Keys that query `i` of the strip sees, as an end in the strip's row; nothing for a padding query.
    pub(super) fn visible(&self, i: usize) -> usize {
        let query = self.queries.start + i;
        if self.mask[query] { query + 1 - self.keys.start } else { 0 }
    }
}

/// The strips of one batch row. Padding before the first real token is skipped.
pub(super) fn strips(mask: &[bool]) -> impl Iterator<Item = Strip<'_>> {
    let time = mask.len();
    let first = mask.iter().position(|&real| real).unwrap_or(time);
    (first..time).step_by(QUERIES).map(move |start| {
        let end = (start + QUERIES).min(time);
        Strip { queries: start..end, keys: first..end, mask }
    })
}

vectorised! {
    /// Turns a row of scores into softmax weights; returns the log of the sum of exponentials.
    pub(super) fn softmax_row(scores: &mut [f32], mask: &[bool]) -> f32 {
        for (score, &real) in scores.iter_mut().zip(mask) {
            *score = if real { *score } else { f32::NEG_INFINITY };
        }
        let largest = vector::max(scores);
        for score in scores.iter_mut() {
            *score = exp(*score - largest);
        }
        let sum = vector::sum(scores);
        let inverse = 1.0 / sum;
        for score in scores.iter_mut() {
            *score *= inverse;
        }
        largest + sum.ln()
    }
}

vectorised! {
    /// Turns a row of scores into the softmax weights of the forward pass.
    pub(super) fn weights_row(scores: &mut [f32], mask: &[bool], log_sum_exp: f32) {
        for (score, &real) in scores.iter_mut().zip(mask) {
            *score = if real { exp(*score - log_sum_exp) } else { 0.0 };
        }
    }
}

vectorised! {
    /// Gradient of softmax: replaces `dweights` by `weights * (dweights - Σ weights * dweights)`.
    pub(super) fn softmax_gradient_row(weights: &[f32], dweights: &mut [f32]) {
        let projection = dot(weights, dweights);
        for (dweight, &weight) in dweights.iter_mut().zip(weights) {
            *dweight = weight * (*dweight - projection);
        }
    }
}
