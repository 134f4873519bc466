//! Attention of one new token a row over the key and value cache: two passes over the cache, no products of matrices.

use super::storage::{FlexTensor, contiguous, dims, flags, tensor, values};
use super::vector::{self, dot, exp, vectorised};
use crate::platform;

/// A cache `[batch, time, kv_heads, head_dim]` read in place, even as a slice of a longer one.
struct Cache<'a> {
    data: &'a [f32],
    batch_stride: usize,
    time_stride: usize,
}

/// Leaves the cache where it is if each token's keys are consecutive; copies it otherwise.
fn readable(cache: FlexTensor) -> FlexTensor {
    let [_, _, _, head_dim] = dims(&cache);
    let strides = cache.layout().strides();
    let in_place = strides[3] == 1 && strides[2] == head_dim as isize && strides[0] >= 0 && strides[1] >= 0;
    if in_place { cache } else { contiguous(cache) }
}

impl<'a> Cache<'a> {
    fn of(cache: &'a FlexTensor) -> Self {
        let layout = cache.layout();
        Self {
            data: &cache.storage::<f32>()[layout.start_offset()..],
            batch_stride: layout.strides()[0] as usize,
            time_stride: layout.strides()[1] as usize,
        }
    }

    /// `[kv_heads, head_dim]` of one token.
    fn token(&self, batch: usize, time: usize, width: usize) -> &'a [f32] {
        let start = batch * self.batch_stride + time * self.time_stride;
        &self.data[start..start + width]
    }
}

vectorised! {
    /// Adds the scaled scores of one cached token under every query head, `time` apart in `scores`.
    fn score_token(q: &[f32], key: &[f32], group: usize, head_dim: usize, scale: f32, scores: &mut [f32], time: usize) {
        let heads = q.chunks_exact(group * head_dim).zip(key.chunks_exact(head_dim));
        for (kv_head, (group_q, key)) in heads.enumerate() {
            for (i, q) in group_q.chunks_exact(head_dim).enumerate() {
                scores[(kv_head * group + i) * time] = dot(q, key) * scale;
            }
        }
    }
}

vectorised! {
    /// Softmax of one head's scores; hidden ones stand as minus infinity and one at least does not.
    fn softmax(scores: &mut [f32]) {
        let largest = vector::max(scores);
        for score in scores.iter_mut() {
            *score = exp(*score - largest);
        }
        let inverse = 1.0 / vector::sum(scores);
        for score in scores.iter_mut() {
            *score *= inverse;
        }
    }
}

vectorised! {
    /// Adds one cached token's values to the output of every query head, by its weight.
    fn add_token(out: &mut [f32], value: &[f32], group: usize, head_dim: usize, weights: &[f32], time: usize) {
        let heads = out.chunks_exact_mut(group * head_dim).zip(value.chunks_exact(head_dim));
        for (kv_head, (group_out, value)) in heads.enumerate() {
            for (i, out) in group_out.chunks_exact_mut(head_dim).enumerate() {
                let weight = weights[(kv_head * group + i) * time];
                for (out, &value) in out.iter_mut().zip(value) {
                    *out += weight * value;
                }
            }
        }
    }
}

pub(super) fn decode(q: FlexTensor, k_cache: FlexTensor, v_cache: FlexTensor, mask: FlexTensor) -> FlexTensor {
    let [batch, one, heads, head_dim] = dims(&q);
    let [_, time, kv_heads, _] = dims(&k_cache);
    let cache_shape = [batch, time, kv_heads, head_dim];
    assert!(
        one == 1 && dims(&k_cache) == cache_shape && dims(&v_cache) == cache_shape && heads % kv_heads == 0,
        "decode_attention: q {:?}, keys {:?}, values {:?}",
        dims::<4>(&q),
        dims::<4>(&k_cache),
        dims::<4>(&v_cache),
    );
    let (q, k_cache, v_cache, mask) = (contiguous(q), readable(k_cache), readable(v_cache), flags(mask));
    assert_eq!(mask.len(), batch * time, "decode_attention: the mask does not fit the cache {cache_shape:?}");
    let (keys, cached_values) = (Cache::of(&k_cache), Cache::of(&v_cache));
    let (width, kv_width, group) = (heads * head_dim, kv_heads * head_dim, heads / kv_heads);
    let scale = 1.0 / (head_dim as f32).sqrt();

    let mut out = vec![0.0; batch * width];
    let rows = out.chunks_mut(width).zip(values(&q).chunks(width)).enumerate().collect();
    platform::for_each(rows, |(b, (out, q))| {
        let visible: Vec<usize> = (0..time).filter(|&t| mask[b * time + t]).collect();
        if visible.is_empty() {
            return;
        }
        // Visible tokens stand side by side, `[heads, visible]`.
        let count = visible.len();
        let mut scores = vec![0.0; heads * count];
        for (i, &t) in visible.iter().enumerate() {
            score_token(q, keys.token(b, t, kv_width), group, head_dim, scale, &mut scores[i..], count);
        }
        scores.chunks_exact_mut(count).for_each(softmax);
        for (i, &t) in visible.iter().enumerate() {
            add_token(out, cached_values.token(b, t, kv_width), group, head_dim, &scores[i..], count);
        }
    });
    tensor(out, [batch, 1, heads, head_dim])
}
