//! One new token for a whole batch against the key and value cache: a cube a head, its units share the keys.
//!
//! Rotation, cache and attention are one launch. Every unit keeps the [running softmax](super::running_softmax) of its
//! keys, the cube puts them together: flash decoding (Dao et al. 2023).

use burn_cubecl::cubecl;
use burn_cubecl::cubecl::prelude::*;
use burn_cubecl::tensor::CubeTensor;

use super::launch::{buffer, empty, floats, integers, mutable, one_cube_each, sizes};
use super::running_softmax::{LOWEST, weigh, zeros};

/// Units that share the keys of a head: fewer for wide heads, whose sums must fit the memory that they share.
fn units(head_dim: usize) -> usize {
    (2048 / head_dim.max(1)).clamp(1, 32)
}

/// The `head_dim` elements from `at`, turned by the angles from `turn`, times `scale`.
#[cube]
fn rotated(
    from: &[f32],
    at: usize,
    angles: &[f32],
    turn: usize,
    scale: f32,
    #[comptime] head_dim: usize,
) -> Array<f32> {
    let half = comptime!(head_dim / 2);
    let mut out = Array::<f32>::new(head_dim);
    #[unroll]
    for i in 0..half {
        let cos = angles[turn + 2 * i];
        let sin = angles[turn + 2 * i + 1];
        let first = from[at + i];
        let second = from[at + half + i];
        out[i] = (first * cos - second * sin) * scale;
        out[half + i] = (second * cos + first * sin) * scale;
    }
    out
}

#[cube(launch_unchecked)]
fn one_token(
    qkv: &[f32],
    first: &[i32],
    angles: &[f32],
    keys: &mut [f32],
    values: &mut [f32],
    live: &[i32],
    out: &mut [f32],
    cubes: usize,
    capacity: usize,
    filled: usize,
    seen_from: usize,
    scale: f32,
    heads: usize,
    kv_heads: usize,
    #[comptime] head_dim: usize,
    #[comptime] units: usize,
) {
    let group = heads / kv_heads;
    let place = min(CUBE_POS, cubes - 1);
    let slot = place / heads;
    let row = usize::cast_from(live[1 + slot]);
    let lives = slot < usize::cast_from(live[0]);
    let head = place % heads;
    let kv_head = head / group;
    let unit = UNIT_POS as usize;
    // Only the device knows where rows begin, so nobody could check it before.
    let from = min(usize::cast_from(first[row]), filled);
    let turn = (filled - from) * head_dim;
    let token = slot * (heads + 2 * kv_heads) * head_dim;
    let query = rotated(qkv, token + head * head_dim, angles, turn, scale, head_dim);

    let mut sums = zeros(head_dim);
    let mut highest = f32::new(LOWEST);
    let mut total = 0.0f32;
    // All units meet at the barrier, so a row that has ended reads no keys instead of leaving early.
    let mut until = filled;
    if !lives {
        until = 0;
    }
    for j in range_stepped(max(from, seen_from) + unit, until, units) {
        let at = ((row * capacity + j) * kv_heads + kv_head) * head_dim;
        let mut score = 0.0f32;
        #[unroll]
        for d in 0..head_dim {
            score += query[d] * keys[at + d];
        }
        let (keep, weight) = weigh(score, &mut highest, &mut total);
        #[unroll]
        for d in 0..head_dim {
            sums[d] = sums[d] * keep + weight * values[at + d];
        }
    }

    // The new token: seen by the first unit, kept by the first head of its group.
    if unit == 0 && lives {
        let key_at = token + (heads + kv_head) * head_dim;
        let value_at = key_at + kv_heads * head_dim;
        let key = rotated(qkv, key_at, angles, turn, f32::new(1.0), head_dim);
        let mut score = 0.0f32;
        #[unroll]
        for d in 0..head_dim {
            score += query[d] * key[d];
        }
        let (keep, weight) = weigh(score, &mut highest, &mut total);
        #[unroll]
        for d in 0..head_dim {
            sums[d] = sums[d] * keep + weight * qkv[value_at + d];
        }
        if head % group == 0 {
            let at = ((row * capacity + filled) * kv_heads + kv_head) * head_dim;
            #[unroll]
            for d in 0..head_dim {
                keys[at + d] = key[d];
                values[at + d] = qkv[value_at + d];
            }
        }
    }

    let mut all_highest = Shared::<[f32]>::new_slice(units);
    let mut all_totals = Shared::<[f32]>::new_slice(units);
    let mut all_sums = Shared::<[f32]>::new_slice(comptime!(units * head_dim));
    all_highest[unit] = highest;
    all_totals[unit] = total;
    #[unroll]
    for d in 0..head_dim {
        all_sums[unit * head_dim + d] = sums[d];
    }
    sync_cube();
    let mut top = f32::new(LOWEST);
    for other in 0..units {
        top = max(top, all_highest[other]);
    }
    let mut width = 0usize;
    if lives {
        width += head_dim;
    }
    for d in range_stepped(unit, width, units) {
        let mut sum = 0.0f32;
        let mut normaliser = 0.0f32;
        for other in 0..units {
            let factor = (all_highest[other] - top).exp();
            sum += factor * all_sums[other * head_dim + d];
            normaliser += factor * all_totals[other];
        }
        out[place * head_dim + d] = sum / normaliser;
    }
}

/// The attended values `[batch, 1, heads * head_dim]` and the caches with one more token.
///
/// `qkv: [batch, 1, (heads + 2 kv_heads) * head_dim]`, `first: [batch]`, `angles: [capacity, head_dim / 2, 2]`, caches
/// `[batch, capacity, kv_heads, head_dim]` of which `filled` tokens count, `live: [1 + batch]`. Nobody sees what stands
/// before `seen_from`, `filled` at the latest.
pub(super) fn decode_attention(
    qkv: CubeTensor,
    first: CubeTensor,
    angles: CubeTensor,
    [keys, values]: [CubeTensor; 2],
    live: CubeTensor,
    [filled, seen_from]: [usize; 2],
) -> (CubeTensor, CubeTensor, CubeTensor) {
    let (qkv, first, angles, live) = (floats(qkv), integers(first), floats(angles), integers(live));
    let [keys, values] = [keys, values].map(|cache| mutable(floats(cache)));
    let [batch, capacity, kv_heads, head_dim] = sizes(&keys);
    let [_, _, width] = sizes(&qkv);
    let heads = width / head_dim - 2 * kv_heads;
    assert!(filled < capacity, "decode_attention: the caches hold {capacity} tokens and are full");
    let out = empty(&qkv, [batch, 1, heads * head_dim]);
    let (count, cube) = one_cube_each(&qkv, batch * heads, units(head_dim) as u32);
    // SAFETY: rows are taken to begin at `filled` at the latest, which is below the capacity; no two cubes write one
    // element.
    unsafe {
        one_token::launch_unchecked(
            &qkv.client,
            count,
            cube,
            buffer(&qkv),
            buffer(&first),
            buffer(&angles),
            buffer(&keys),
            buffer(&values),
            buffer(&live),
            buffer(&out),
            batch * heads,
            capacity,
            filled,
            seen_from.min(filled),
            1.0 / (head_dim as f32).sqrt(),
            heads,
            kv_heads,
            head_dim,
            units(head_dim),
        );
    }
    (out, keys, values)
}
