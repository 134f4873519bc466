//! Attention of one query over the keys and values before it.

use crate::flex::vector::{self, dot, exp};
use crate::flex::vectorised;

/// Attention of one token over a cache that ends with it.
///
/// `q, out: [heads, head_dim]`, `keys, values: [time, kv_heads, head_dim]`; `scores` is room to work in, at least
/// `[time]`.
///
/// # Panics
/// If the heads do not divide or the cache is empty.
pub fn attend(
    q: &[f32],
    keys: &[f32],
    values: &[f32],
    kv_heads: usize,
    head_dim: usize,
    scores: &mut Vec<f32>,
    out: &mut [f32],
) {
    let kv_width = kv_heads * head_dim;
    let time = keys.len() / kv_width;
    assert!(
        time > 0 && values.len() == keys.len() && q.len() == out.len() && q.len().is_multiple_of(kv_width),
        "attend: {} query numbers against keys of [{time}, {kv_heads}, {head_dim}]",
        q.len()
    );
    scores.resize(time, 0.0);
    let group = q.len() / kv_width;
    for (head, (q, out)) in q.chunks_exact(head_dim).zip(out.chunks_exact_mut(head_dim)).enumerate() {
        let at = head / group * head_dim;
        attend_head(q, &keys[at..], &values[at..], kv_width, scores, out);
    }
}

vectorised! {
    /// One head; keys and values of one token stand `stride` apart.
    fn attend_head(q: &[f32], keys: &[f32], values: &[f32], stride: usize, scores: &mut [f32], out: &mut [f32]) {
        let head_dim = q.len();
        let scale = 1.0 / (head_dim as f32).sqrt();
        for (score, key) in scores.iter_mut().zip(keys.chunks(stride)) {
            *score = dot(q, &key[..head_dim]) * scale;
        }
        let largest = vector::max(scores);
        for score in scores.iter_mut() {
            *score = exp(*score - largest);
        }
        let inverse = 1.0 / vector::sum(scores);
        out.fill(0.0);
        for (weight, value) in scores.iter().zip(values.chunks(stride)) {
            let weight = weight * inverse;
            for (out, value) in out.iter_mut().zip(value) {
                *out += weight * value;
            }
        }
    }
}
