//! Causal attention without the time x time matrix: a unit a query forward, a unit a query and a unit a key backward.
//!
//! A unit holds its own vectors in registers and walks over the keys it sees, or the queries that see it, with a
//! [running softmax](super::running_softmax). With `p` the weights and `D = Σ out dout` of a query:
//! `dv = Σ p dout`, `ds = p (dout v - D)`, `dq = Σ ds k`, `dk = Σ ds q` (Dao et al. 2022, appendix B).

use burn_cubecl::cubecl;
use burn_cubecl::cubecl::prelude::*;
use burn_cubecl::tensor::CubeTensor;

use super::launch::{buffer, empty, floats, integers, one_unit_each, sizes};
use super::running_softmax::{LOWEST, weigh, zeros};

/// Numbers that are saved of a query: its first key, `ln Σ exp(scores)`, and `D`, which backward fills in. They are one
/// buffer: WebGPU promises a kernel no more than eight, and a launch's own numbers are in one of them.
const SAVED: usize = 3;

/// Sizes. The kernels are compiled for `head_dim` alone.
struct Heads {
    heads: usize,
    kv_heads: usize,
    head_dim: usize,
}

/// `head_dim` elements from `at`, times `scale`, in registers.
#[cube]
fn load(from: &[f32], at: usize, scale: f32, #[comptime] head_dim: usize) -> Array<f32> {
    let mut own = Array::<f32>::new(head_dim);
    #[unroll]
    for d in 0..head_dim {
        own[d] = from[at + d] * scale;
    }
    own
}

#[cube]
fn dot(own: &Array<f32>, other: &[f32], at: usize, #[comptime] head_dim: usize) -> f32 {
    let mut sum = 0.0f32;
    #[unroll]
    for d in 0..head_dim {
        sum += own[d] * other[at + d];
    }
    sum
}

/// `sums += factor * other`.
#[cube]
fn accumulate(sums: &mut Array<f32>, factor: f32, other: &[f32], at: usize, #[comptime] head_dim: usize) {
    #[unroll]
    for d in 0..head_dim {
        sums[d] += factor * other[at + d];
    }
}

#[cube]
fn store(own: &Array<f32>, factor: f32, to: &mut [f32], at: usize, #[comptime] head_dim: usize) {
    #[unroll]
    for d in 0..head_dim {
        to[at + d] = own[d] * factor;
    }
}

/// Of this unit's query: its row of the batch, its place in the row, its key and value head, and where it begins.
#[cube]
fn own_query(time: usize, heads: usize, kv_heads: usize, #[comptime] head_dim: usize) -> (usize, usize, usize, usize) {
    let i = ABSOLUTE_POS % time;
    let head = ABSOLUTE_POS / time % heads;
    let row = ABSOLUTE_POS / (time * heads);
    let kv_head = head / (heads / kv_heads);
    let at = ((row * time + i) * heads + head) * head_dim;
    (row, i, kv_head, at)
}

#[cube(launch_unchecked)]
fn forward_queries(
    q: &[f32],
    k: &[f32],
    v: &[f32],
    first: &[i32],
    out: &mut [f32],
    saved: &mut [f32],
    queries: usize,
    time: usize,
    scale: f32,
    heads: usize,
    kv_heads: usize,
    #[comptime] head_dim: usize,
) {
    if ABSOLUTE_POS >= queries {
        terminate!();
    }
    let (row, i, kv_head, at) = own_query(time, heads, kv_heads, head_dim);
    let query = load(q, at, scale, head_dim);
    let mut sums = zeros(head_dim);
    let mut highest = f32::new(LOWEST);
    let mut total = 0.0f32;
    let first = first[row * time + i];
    for j in usize::cast_from(first)..i + 1 {
        let kv_at = ((row * time + j) * kv_heads + kv_head) * head_dim;
        let score = dot(&query, k, kv_at, head_dim);
        let (keep, weight) = weigh(score, &mut highest, &mut total);
        #[unroll]
        for d in 0..head_dim {
            sums[d] = sums[d] * keep + weight * v[kv_at + d];
        }
    }
    // A query that sees nothing gives 0; its weights backward are of no key.
    let mut factor = 0.0f32;
    let mut normaliser = 0.0f32;
    if total > 0.0 {
        factor = 1.0 / total;
        normaliser = highest + total.ln();
    }
    store(&sums, factor, out, at, head_dim);
    saved[ABSOLUTE_POS * SAVED] = f32::cast_from(first);
    saved[ABSOLUTE_POS * SAVED + 1] = normaliser;
}

#[cube(launch_unchecked)]
fn backward_queries(
    q: &[f32],
    k: &[f32],
    v: &[f32],
    saved: &mut [f32],
    out: &[f32],
    dout: &[f32],
    dq: &mut [f32],
    queries: usize,
    time: usize,
    scale: f32,
    heads: usize,
    kv_heads: usize,
    #[comptime] head_dim: usize,
) {
    if ABSOLUTE_POS >= queries {
        terminate!();
    }
    let (row, i, kv_head, at) = own_query(time, heads, kv_heads, head_dim);
    let query = load(q, at, scale, head_dim);
    let upstream = load(dout, at, 1.0, head_dim);
    let mut sums = zeros(head_dim);
    let own_delta = dot(&upstream, out, at, head_dim);
    let normaliser = saved[ABSOLUTE_POS * SAVED + 1];
    for j in usize::cast_from(saved[ABSOLUTE_POS * SAVED])..i + 1 {
        let kv_at = ((row * time + j) * kv_heads + kv_head) * head_dim;
        let weight = (dot(&query, k, kv_at, head_dim) - normaliser).exp();
        let dscore = weight * (dot(&upstream, v, kv_at, head_dim) - own_delta);
        accumulate(&mut sums, dscore, k, kv_at, head_dim);
    }
    store(&sums, scale, dq, at, head_dim);
    saved[ABSOLUTE_POS * SAVED + 2] = own_delta;
}

#[cube(launch_unchecked)]
fn backward_keys(
    q: &[f32],
    k: &[f32],
    v: &[f32],
    saved: &[f32],
    dout: &[f32],
    dk: &mut [f32],
    dv: &mut [f32],
    keys: usize,
    time: usize,
    scale: f32,
    heads: usize,
    kv_heads: usize,
    #[comptime] head_dim: usize,
) {
    if ABSOLUTE_POS >= keys {
        terminate!();
    }
    let group = heads / kv_heads;
    let j = ABSOLUTE_POS % time;
    let kv_head = ABSOLUTE_POS / time % kv_heads;
    let row = ABSOLUTE_POS / (time * kv_heads);
    let at = ((row * time + j) * kv_heads + kv_head) * head_dim;
    let key = load(k, at, scale, head_dim);
    let value = load(v, at, 1.0, head_dim);
    let mut dkey = zeros(head_dim);
    let mut dvalue = zeros(head_dim);
    for i in j..time {
        let any_head = (row * heads + kv_head * group) * time + i;
        if usize::cast_from(saved[any_head * SAVED]) <= j {
            for in_group in 0..group {
                let head = kv_head * group + in_group;
                let of_query = (row * heads + head) * time + i;
                let q_at = ((row * time + i) * heads + head) * head_dim;
                let weight = (dot(&key, q, q_at, head_dim) - saved[of_query * SAVED + 1]).exp();
                let dscore = weight * (dot(&value, dout, q_at, head_dim) - saved[of_query * SAVED + 2]);
                accumulate(&mut dvalue, weight, dout, q_at, head_dim);
                accumulate(&mut dkey, dscore, q, q_at, head_dim);
            }
        }
    }
    store(&dkey, scale, dk, at, head_dim);
    store(&dvalue, 1.0, dv, at, head_dim);
}

fn heads_of(q: &CubeTensor, k: &CubeTensor) -> ([usize; 2], Heads) {
    let [batch, time, heads, head_dim] = sizes(q);
    let [_, _, kv_heads, _] = sizes(k);
    assert_eq!([batch, time, kv_heads, head_dim], sizes(k), "attention: q is {:?}", [batch, time, heads, head_dim]);
    ([batch, time], Heads { heads, kv_heads, head_dim })
}

/// The attended values, and what backward needs, `[batch, heads, time, SAVED]`.
pub(super) fn forward(q: CubeTensor, k: CubeTensor, v: CubeTensor, first: CubeTensor) -> (CubeTensor, CubeTensor) {
    let (q, k, v, first) = (floats(q), floats(k), floats(v), integers(first));
    let ([batch, time], heads) = heads_of(&q, &k);
    assert_eq!([batch, time], sizes(&first), "attention: first keys of other rows");
    let queries = batch * time * heads.heads;
    let out = empty(&q, [batch, time, heads.heads, heads.head_dim]);
    let saved = empty(&q, [batch, heads.heads, time, SAVED]);
    let scale = 1.0 / (heads.head_dim as f32).sqrt();
    let (count, cube) = one_unit_each(&q, queries);
    // SAFETY: units beyond the queries end at once; first keys are not negative, keys end at the query.
    unsafe {
        forward_queries::launch_unchecked(
            &q.client,
            count,
            cube,
            buffer(&q),
            buffer(&k),
            buffer(&v),
            buffer(&first),
            buffer(&out),
            buffer(&saved),
            queries,
            time,
            scale,
            heads.heads,
            heads.kv_heads,
            heads.head_dim,
        );
    }
    (out, saved)
}

/// The gradients of `q`, `k` and `v`.
pub(super) fn backward(
    [q, k, v]: [CubeTensor; 3],
    [out, saved, dout]: [CubeTensor; 3],
) -> (CubeTensor, CubeTensor, CubeTensor) {
    let [q, k, v, out, saved, dout] = [q, k, v, out, saved, dout].map(floats);
    let ([batch, time], heads) = heads_of(&q, &k);
    let (queries, keys) = (batch * time * heads.heads, batch * time * heads.kv_heads);
    let scale = 1.0 / (heads.head_dim as f32).sqrt();
    let [dq, dk, dv] = [&q, &k, &v].map(|x| empty(x, x.meta.shape().clone()));
    let (count, cube) = one_unit_each(&q, queries);
    let (key_count, _) = one_unit_each(&q, keys);
    // SAFETY: as forward; keys are seen by queries from their own to the last. Nobody else reads what was saved, and its
    // third numbers are the same however often they are written.
    unsafe {
        backward_queries::launch_unchecked(
            &q.client,
            count,
            cube,
            buffer(&q),
            buffer(&k),
            buffer(&v),
            buffer(&saved),
            buffer(&out),
            buffer(&dout),
            buffer(&dq),
            queries,
            time,
            scale,
            heads.heads,
            heads.kv_heads,
            heads.head_dim,
        );
        backward_keys::launch_unchecked(
            &q.client,
            key_count,
            cube,
            buffer(&q),
            buffer(&k),
            buffer(&v),
            buffer(&saved),
            buffer(&dout),
            buffer(&dk),
            buffer(&dv),
            keys,
            time,
            scale,
            heads.heads,
            heads.kv_heads,
            heads.head_dim,
        );
    }
    (dq, dk, dv)
}
