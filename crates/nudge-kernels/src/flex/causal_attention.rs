//! Causal grouped-query attention without a `[time, time]` matrix between forward and backward.
//!
//! A strip of scores `[QUERIES, keys]` at a time, small enough for the cache. Forward keeps the log
//! of the sum of exponentials of every query, backward computes the strips again from it
//! (FlashAttention, Dao et al. 2022, algorithm 4). One batch row is one item of parallel work.

use burn::backend::Flex;
use burn::backend::autodiff::checkpoint::{base::Checkpointer, strategy::NoCheckpointing};
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};

use super::Tracked;
use super::attention_strips::{Head, QUERIES, Sizes, hide, softmax_gradient_row, strips, weights_row};
use super::gemm::{Matrix, Write, multiply};
use super::storage::{FlexTensor, contiguous, indices, tensor, values, values_mut};
use crate::platform;

/// The first key that each query sees; anything behind the query stands for none.
fn first_keys(first: FlexTensor) -> Vec<u32> {
    indices(first, i32::MAX as usize)
}

/// One batch row: `q, out: [time, heads, head_dim]`, `k, v: [time, kv_heads, head_dim]`, `log_sums: [heads, time]`.
fn forward_row(sizes: Sizes, q: &[f32], k: &[f32], v: &[f32], first: &[u32], out: &mut [f32], log_sums: &mut [f32]) {
    let (q_width, kv_width, head_dim) = (sizes.q_width(), sizes.kv_width(), sizes.head_dim);
    let mut scores = vec![0.0; QUERIES * sizes.time];
    for strip in strips(first) {
        for head in 0..sizes.heads {
            let at_q = strip.queries.start * q_width + head * head_dim;
            let at_kv = strip.keys.start * kv_width + head * sizes.kv_heads / sizes.heads * head_dim;
            let of_head = Head {
                queries: Matrix::rows(&q[at_q..], q_width),
                keys: Matrix::rows(&k[at_kv..], kv_width),
                values: Matrix::rows(&v[at_kv..], kv_width),
                shape: strip.shape(),
                head_dim,
            };
            let log_sums = &mut log_sums[head * sizes.time + strip.queries.start..];
            let log_sum = |i: usize, sum: f32| log_sums[i] = sum;
            of_head.attend(|i| strip.visible(i), &mut scores, &mut out[at_q..], q_width, log_sum);
        }
    }
}

fn forward(q: &FlexTensor, k: &FlexTensor, v: &FlexTensor, first: &[u32]) -> (FlexTensor, Vec<f32>) {
    let sizes = Sizes::of(q, k, v, first);
    let Sizes { batch, time, heads, head_dim, .. } = sizes;
    let (q_row, kv_row) = (time * sizes.q_width(), time * sizes.kv_width());
    let mut out = vec![0.0; batch * q_row];
    let mut log_sums = vec![0.0; batch * heads * time];
    let (q, k, v) = (values(q), values(k), values(v));
    let rows = out.chunks_mut(q_row).zip(log_sums.chunks_mut(heads * time)).enumerate().collect();
    platform::for_each(rows, |(b, (out, log_sums))| {
        let kv = b * kv_row..(b + 1) * kv_row;
        let (q, k, v) = (&q[b * q_row..(b + 1) * q_row], &k[kv.clone()], &v[kv]);
        forward_row(sizes, q, k, v, &first[b * time..(b + 1) * time], out, log_sums);
    });
    (tensor(out, [batch, time, heads, head_dim]), log_sums)
}

/// What backward reads of one batch row.
struct RowInputs<'a> {
    k: &'a [f32],
    v: &'a [f32],
    dy: &'a [f32],
    first: &'a [u32],
    log_sums: &'a [f32],
}

/// One batch row: replaces `q` by its gradient and adds to `dk` and `dv`.
///
/// With weights `P` and `dP = dy vᵀ`: `dS = P * (dP - Σ P dP) * scale`, `dq = dS k`, `dk = dSᵀ q`, `dv = Pᵀ dy`.
fn backward_row(sizes: Sizes, input: RowInputs, q: &mut [f32], dk: &mut [f32], dv: &mut [f32]) {
    let (q_width, kv_width, head_dim, scale) = (sizes.q_width(), sizes.kv_width(), sizes.head_dim, sizes.scale());
    let mut weights = vec![0.0; QUERIES * sizes.time];
    let mut dweights = vec![0.0; QUERIES * sizes.time];
    let mut done = 0;
    for strip in strips(input.first) {
        q[done * q_width..strip.queries.start * q_width].fill(0.0);
        done = strip.queries.end;
        let (rows, cols) = strip.shape();
        for head in 0..sizes.heads {
            let at_q = strip.queries.start * q_width + head * head_dim;
            let at_kv = strip.keys.start * kv_width + head * sizes.kv_heads / sizes.heads * head_dim;
            let keys = Matrix::rows(&input.k[at_kv..], kv_width);
            let dy = Matrix::rows(&input.dy[at_q..], q_width);
            let queries = Matrix::rows(&q[at_q..], q_width);
            let values = Matrix::rows(&input.v[at_kv..], kv_width);
            multiply([rows, cols, head_dim], scale, queries, keys.transposed(), Write::Replace, &mut weights, cols);
            multiply([rows, cols, head_dim], 1.0, dy, values.transposed(), Write::Replace, &mut dweights, cols);
            let log_sums = &input.log_sums[head * sizes.time + strip.queries.start..];
            let strip_rows = weights.chunks_exact_mut(cols).zip(dweights.chunks_exact_mut(cols)).take(rows);
            for (i, (weights, dweights)) in strip_rows.enumerate() {
                let seen = strip.visible(i);
                weights_row(&mut weights[seen.clone()], log_sums[i]);
                softmax_gradient_row(&weights[seen.clone()], &mut dweights[seen.clone()]);
                hide(weights, &seen);
                hide(dweights, &seen);
            }
            let (weights, dscores) = (Matrix::rows(&weights, cols), Matrix::rows(&dweights, cols));
            multiply([cols, head_dim, rows], 1.0, weights.transposed(), dy, Write::Add, &mut dv[at_kv..], kv_width);
            multiply(
                [cols, head_dim, rows],
                scale,
                dscores.transposed(),
                queries,
                Write::Add,
                &mut dk[at_kv..],
                kv_width,
            );
            multiply([rows, head_dim, cols], scale, dscores, keys, Write::Replace, &mut q[at_q..], q_width);
        }
    }
    q[done * q_width..].fill(0.0);
}

pub(super) fn untracked(q: FlexTensor, k: FlexTensor, v: FlexTensor, first: FlexTensor) -> FlexTensor {
    forward(&contiguous(q), &contiguous(k), &contiguous(v), &first_keys(first)).0
}

#[derive(Debug)]
struct CausalAttentionBackward;

#[derive(Clone, Debug)]
struct State {
    q: FlexTensor,
    k: FlexTensor,
    v: FlexTensor,
    first: Vec<u32>,
    log_sums: Vec<f32>,
}

impl State {
    /// The gradients of `q`, `k` and `v`.
    fn gradients(self, dy: &FlexTensor) -> [FlexTensor; 3] {
        let Self { mut q, k, v, first, log_sums } = self;
        let sizes = Sizes::of(&q, &k, &v, &first);
        let Sizes { batch, time, heads, kv_heads, head_dim } = sizes;
        let (q_row, kv_row) = (time * sizes.q_width(), time * sizes.kv_width());
        let mut dk = vec![0.0; batch * kv_row];
        let mut dv = vec![0.0; batch * kv_row];
        let (k, v, dy) = (values(&k), values(&v), values(dy));
        let outputs = values_mut(&mut q).chunks_mut(q_row).zip(dk.chunks_mut(kv_row)).zip(dv.chunks_mut(kv_row));
        let rows = outputs.enumerate().collect();
        platform::for_each(rows, |(b, ((q, dk), dv))| {
            let kv = b * kv_row..(b + 1) * kv_row;
            let input = RowInputs {
                k: &k[kv.clone()],
                v: &v[kv],
                dy: &dy[b * q_row..(b + 1) * q_row],
                first: &first[b * time..(b + 1) * time],
                log_sums: &log_sums[b * heads * time..(b + 1) * heads * time],
            };
            backward_row(sizes, input, q, dk, dv);
        });
        let kv_shape = [batch, time, kv_heads, head_dim];
        [q, tensor(dk, kv_shape), tensor(dv, kv_shape)]
    }
}

impl Backward<Flex, 3> for CausalAttentionBackward {
    type State = State;

    fn backward(self, ops: Ops<Self::State, 3>, grads: &mut Gradients, _: &mut Checkpointer) {
        let dy = contiguous(grads.consume::<Flex>(&ops.node));
        let gradients = ops.state.gradients(&dy);
        for (node, gradient) in ops.parents.into_iter().zip(gradients) {
            if let Some(node) = node {
                grads.register::<Flex>(node.id, gradient);
            }
        }
    }
}

pub(super) fn tracked(q: Tracked, k: Tracked, v: Tracked, first: FlexTensor) -> Tracked {
    let nodes = [q.node(), k.node(), v.node()];
    let [q, k, v] = [q, k, v].map(|x| contiguous(x.into_primitive()));
    let first = first_keys(first);
    let (out, log_sums) = forward(&q, &k, &v, &first);
    match CausalAttentionBackward.prepare::<NoCheckpointing>(nodes).compute_bound().stateful() {
        OpsKind::Tracked(prep) => prep.finish(State { q, k, v, first, log_sums }, out),
        OpsKind::UnTracked(prep) => prep.finish(out),
    }
}
