//! How causal attention is cut into strips of scores, and what happens to one row of a strip.

use std::ops::Range;

use super::gemm::{Matrix, Write, multiply};
use super::storage::{FlexTensor, dims};
use super::vector::{self, dot, exp, vectorised};

/// Queries in one strip of scores.
pub(crate) const QUERIES: usize = 64;

#[derive(Clone, Copy, Debug)]
pub(super) struct Sizes {
    pub(super) batch: usize,
    pub(super) time: usize,
    pub(super) heads: usize,
    pub(super) kv_heads: usize,
    pub(super) head_dim: usize,
}

impl Sizes {
    pub(super) fn of(q: &FlexTensor, k: &FlexTensor, v: &FlexTensor, first: &[u32]) -> Self {
        let [batch, time, heads, head_dim] = dims(q);
        let [_, _, kv_heads, _] = dims::<4>(k);
        let cache = [batch, time, kv_heads, head_dim];
        assert!(
            dims(k) == cache && dims(v) == cache && heads % kv_heads == 0 && first.len() == batch * time,
            "causal_attention: q {:?}, k {:?}, v {:?}, first of {} elements",
            dims::<4>(q),
            dims::<4>(k),
            dims::<4>(v),
            first.len(),
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

/// One strip: a run of queries, and all keys that one of them sees.
pub(super) struct Strip<'a> {
    pub(super) queries: Range<usize>,
    pub(super) keys: Range<usize>,
    first: &'a [u32],
}

impl Strip<'_> {
    pub(super) fn shape(&self) -> (usize, usize) {
        (self.queries.len(), self.keys.len())
    }

    /// Keys that query `i` of the strip sees, as columns of the strip; empty for a query that sees nothing.
    pub(super) fn visible(&self, i: usize) -> Range<usize> {
        let query = self.queries.start + i;
        let end = query + 1 - self.keys.start;
        let start = self.first[query] as usize;
        if start <= query { start - self.keys.start..end } else { end..end }
    }
}

/// The strips of one batch row, where query `i` sees the keys from `first[i]` to `i`.
///
/// A strip begins at a query that sees something and ends before the next that sees itself alone: there a segment
/// begins, and so packed segments cost what they cost in rows of their own, and give the same bits. Padding is
/// skipped, but for what stands behind a segment in its last strip.
pub(super) fn strips(first: &[u32]) -> impl Iterator<Item = Strip<'_>> {
    let time = first.len();
    let mut next = 0;
    std::iter::from_fn(move || {
        let start = (next..time).find(|&query| first[query] as usize <= query)?;
        let limit = (start + QUERIES).min(time);
        let end = (start + 1..limit).find(|&query| first[query] as usize == query).unwrap_or(limit);
        next = end;
        let seen_from = first[start..end].iter().min().map_or(start, |&key| key as usize);
        Some(Strip { queries: start..end, keys: seen_from..end, first })
    })
}

/// One head of a run of queries, and the keys and values that one of them sees.
pub(crate) struct Head<'a> {
    /// `[rows, head_dim]`.
    pub(crate) queries: Matrix<'a>,
    /// `[cols, head_dim]`.
    pub(crate) keys: Matrix<'a>,
    /// `[cols, head_dim]`.
    pub(crate) values: Matrix<'a>,
    /// Queries and keys.
    pub(crate) shape: (usize, usize),
    pub(crate) head_dim: usize,
}

impl Head<'_> {
    /// `softmax(q kᵀ / sqrt(head_dim)) v` into `out`, whose rows are `out_stride` apart.
    ///
    /// `visible` says which columns a query sees, `log_sum` is told the log of the sum of exponentials of each query that
    /// sees any; `scores` is room for `[rows, cols]`.
    pub(crate) fn attend(
        &self,
        visible: impl Fn(usize) -> Range<usize>,
        scores: &mut [f32],
        out: &mut [f32],
        out_stride: usize,
        mut log_sum: impl FnMut(usize, f32),
    ) {
        let Self { queries, keys, values, shape: (rows, cols), head_dim } = *self;
        let scale = 1.0 / (head_dim as f32).sqrt();
        multiply([rows, cols, head_dim], scale, queries, keys.transposed(), Write::Replace, scores, cols);
        for (i, row) in scores.chunks_exact_mut(cols).take(rows).enumerate() {
            let seen = visible(i);
            hide(row, &seen);
            if !seen.is_empty() {
                log_sum(i, softmax_row(&mut row[seen]));
            }
        }
        let weights = Matrix::rows(scores, cols);
        multiply([rows, head_dim, cols], 1.0, weights, values, Write::Replace, out, out_stride);
    }
}

/// Takes the keys that a query does not see out of its row of a strip.
pub(super) fn hide(row: &mut [f32], seen: &Range<usize>) {
    row[..seen.start].fill(0.0);
    row[seen.end..].fill(0.0);
}

vectorised! {
    /// Turns a row of scores into softmax weights; returns the log of the sum of exponentials.
    pub(super) fn softmax_row(scores: &mut [f32]) -> f32 {
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
    pub(super) fn weights_row(scores: &mut [f32], log_sum_exp: f32) {
        for score in scores.iter_mut() {
            *score = exp(*score - log_sum_exp);
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
