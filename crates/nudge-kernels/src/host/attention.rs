//! Attention over the keys and values of a cache: of its last token, or of its last tokens together.

use crate::flex::attention_strips::{Head, QUERIES};
use crate::flex::gemm::Matrix;
use crate::flex::vector::{self, dot, exp};
use crate::flex::vectorised;
use crate::platform;

/// Attention of the last tokens of a cache, each over the `window` tokens that end with it, on all threads.
///
/// `q: [tokens, heads, head_dim]` with tokens `q_stride` apart, `keys, values: [time, kv_heads, head_dim]`, `out` as `q`
/// without anything between tokens.
///
/// # Panics
/// If there are more queries than the cache has tokens, or the heads do not divide.
pub fn attend_together(
    q: &[f32],
    q_stride: usize,
    [keys, values]: [&[f32]; 2],
    kv_heads: usize,
    head_dim: usize,
    window: usize,
    out: &mut [f32],
) {
    let kv_width = kv_heads * head_dim;
    let (time, tokens) = (keys.len() / kv_width, q.len().div_ceil(q_stride));
    let q_width = out.len() / tokens;
    assert!(
        tokens <= time && values.len() == keys.len() && q_width.is_multiple_of(kv_width),
        "attend_together: {tokens} queries of {q_width} numbers against keys of [{time}, {kv_heads}, {head_dim}]"
    );
    let strips = q.chunks(QUERIES * q_stride).zip(out.chunks_mut(QUERIES * q_width)).enumerate();
    platform::for_each(strips.collect(), |(strip, (q, out))| {
        let rows = out.len() / q_width;
        // Places in the cache: of the first query, behind the last, and of the first key that any of them sees.
        let first = time - tokens + strip * QUERIES;
        let (end, seen_from) = (first + rows, (first + 1).saturating_sub(window));
        let visible = |row: usize| (first + row + 1).saturating_sub(window) - seen_from..first + row + 1 - seen_from;
        let mut scores = vec![0.0; rows * (end - seen_from)];
        for head in 0..q_width / head_dim {
            let at_kv = seen_from * kv_width + head * kv_width / q_width * head_dim;
            let of_head = Head {
                queries: Matrix::rows(&q[head * head_dim..], q_stride),
                keys: Matrix::rows(&keys[at_kv..], kv_width),
                values: Matrix::rows(&values[at_kv..], kv_width),
                shape: (rows, end - seen_from),
                head_dim,
            };
            of_head.attend(visible, &mut scores, &mut out[head * head_dim..], q_width, |_, _| ());
        }
    });
}

/// Below this many numbers of keys one thread is enough.
const PARALLEL_THRESHOLD: usize = 1 << 16;

/// Attention of the last token of a cache over the `window` tokens that end with it, on all threads if they are many.
///
/// `q, out: [heads, head_dim]`, `keys, values: [time, kv_heads, head_dim]`.
///
/// # Panics
/// If the heads do not divide or the cache is empty.
pub fn attend(
    q: &[f32],
    [keys, values]: [&[f32]; 2],
    kv_heads: usize,
    head_dim: usize,
    window: usize,
    out: &mut [f32],
) {
    let kv_width = kv_heads * head_dim;
    let time = keys.len() / kv_width;
    assert!(
        time > 0 && values.len() == keys.len() && q.len() == out.len() && q.len().is_multiple_of(kv_width),
        "attend: {} query numbers against keys of [{time}, {kv_heads}, {head_dim}]",
        q.len()
    );
    let unseen = time.saturating_sub(window) * kv_width;
    let (keys, values) = (&keys[unseen..], &values[unseen..]);
    let of_group = q.len() / kv_heads;
    let groups = q.chunks_exact(of_group).zip(out.chunks_exact_mut(of_group)).enumerate();
    let work = |(group, (q, out)): (usize, (&[f32], &mut [f32]))| {
        let mut scores = vec![0.0; keys.len() / kv_width];
        let at = group * head_dim;
        for (q, out) in q.chunks_exact(head_dim).zip(out.chunks_exact_mut(head_dim)) {
            attend_head(q, &keys[at..], &values[at..], kv_width, &mut scores, out);
        }
    };
    match keys.len() {
        ..PARALLEL_THRESHOLD => groups.for_each(work),
        _ => platform::for_each(groups.collect(), work),
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

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(count: usize, step: f32) -> Vec<f32> {
        (0..count).map(|i| (i as f32 * step).sin()).collect()
    }

    #[test]
    fn tokens_together_see_what_each_sees_alone() {
        let (heads, kv_heads, head_dim) = (6, 2, 8);
        let (kv_width, width) = (kv_heads * head_dim, heads * head_dim);
        // Tokens in the cache, tokens of them that ask, window.
        for (time, tokens, window) in [(1, 1, 9), (5, 2, 9), (150, 150, usize::MAX), (213, 149, 70), (130, 65, 3)] {
            let stride = width + 5;
            let q = numbers(tokens * stride, 0.37);
            let (keys, values) = (numbers(time * kv_width, 0.11), numbers(time * kv_width, 0.23));
            let mut together = vec![9.0; tokens * width];
            attend_together(&q, stride, [&keys, &values], kv_heads, head_dim, window, &mut together);
            for token in 0..tokens {
                let seen = (time - tokens + token + 1) * kv_width;
                let mut alone = vec![9.0; width];
                let cache = [&keys[..seen], &values[..seen]];
                attend(&q[token * stride..][..width], cache, kv_heads, head_dim, window, &mut alone);
                let off = alone.iter().zip(&together[token * width..]).map(|(a, b)| (a - b).abs());
                assert!(off.fold(0.0, f32::max) < 1e-5, "token {token} of {tokens} in {time} with window {window}");
            }
        }
    }
}
