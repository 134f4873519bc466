//! Causal attention in all shapes of rows: padding anywhere, packed segments, windows.
//!
//! The reference is a loop over the definition in f64; its gradients are differences of its values.

#![allow(clippy::disallowed_methods, clippy::unwrap_used, missing_docs)]

mod common;

use burn::tensor::{Int, Tensor};
use nudge_kernels as fused;
use nudge_kernels::primitive;

use common::{assert_close, assert_same, behind_padding, first_keys, host, random};

type Attention = fn(Tensor<4>, Tensor<4>, Tensor<4>, Tensor<2, Int>) -> Tensor<4>;

const BODIES: [(&str, Attention); 2] = [("fused", fused::causal_attention), ("composed", primitive::causal_attention)];

/// A row of segments, `(padding before it, tokens)` each, filled up with padding to `time`.
fn packed(segments: &[(usize, usize)], time: usize) -> Vec<usize> {
    let mut row = Vec::new();
    for &(padding, tokens) in segments {
        row.extend(vec![time; padding]);
        row.extend(vec![row.len(); tokens]);
    }
    assert!(row.len() <= time, "the segments do not fit");
    row.resize(time, time);
    row
}

/// Every query sees itself and up to `width - 1` keys before.
fn window(width: usize, time: usize) -> Vec<usize> {
    (0..time).map(|query| (query + 1).saturating_sub(width)).collect()
}

/// Rows of every kind, `[batch, time]`.
fn kinds_of_rows(time: usize) -> Vec<Vec<usize>> {
    let third = time / 3;
    let mut rows = vec![
        packed(&[(0, time)], time),
        packed(&[(third, time - third)], time),
        packed(&[(0, third)], time),
        packed(&vec![(0, 1); time], time),
        packed(&[], time),
        window(1 + third, time),
    ];
    if third > 1 {
        rows.push(packed(&[(0, third), (0, 1), (0, 2), (0, time - third - 3)], time));
        rows.push(packed(&[(1, third), (2, third)], time));
    }
    rows
}

/// The definition, one query at a time. `q: [time, heads, head_dim]`, `k, v: [time, kv_heads, head_dim]`.
fn by_definition(inputs: [&[f64]; 3], first: &[usize], [heads, kv_heads, head_dim]: [usize; 3]) -> Vec<f64> {
    let [q, k, v] = inputs;
    let head_of = |x: &'_ [f64], time: usize, count: usize, head: usize| -> Vec<f64> {
        x[(time * count + head) * head_dim..][..head_dim].to_vec()
    };
    let mut out = Vec::new();
    for (i, &first) in first.iter().enumerate() {
        for head in 0..heads {
            let (query, kv_head) = (head_of(q, i, heads, head), head * kv_heads / heads);
            let mut sums = vec![0.0; head_dim];
            let mut total = 0.0;
            for j in first..=i {
                let key = head_of(k, j, kv_heads, kv_head);
                let score: f64 = query.iter().zip(&key).map(|(q, k)| q * k).sum();
                let weight = (score / (head_dim as f64).sqrt()).exp();
                total += weight;
                for (sum, v) in sums.iter_mut().zip(head_of(v, j, kv_heads, kv_head)) {
                    *sum += weight * v;
                }
            }
            out.extend(sums.into_iter().map(|sum| if first <= i { sum / total } else { 0.0 }));
        }
    }
    out
}

fn wide<const D: usize>(x: &Tensor<D>) -> Vec<f64> {
    host(x.clone()).into_iter().map(f64::from).collect()
}

#[test]
fn is_the_definition_for_rows_of_every_kind() {
    let (heads, kv_heads, head_dim) = (4, 2, 6);
    for time in [1, 7, 70, 150] {
        for row in kinds_of_rows(time) {
            let q = random([1, time, heads, head_dim], 2.0);
            let [k, v] = [2.1, 1.0].map(|scale| random([1, time, kv_heads, head_dim], scale));
            let expected = by_definition([&wide(&q), &wide(&k), &wide(&v)], &row, [heads, kv_heads, head_dim]);
            let expected: Vec<f32> = expected.into_iter().map(|x| x as f32).collect();
            for (name, body) in BODIES {
                let out = host(body(q.clone(), k.clone(), v.clone(), first_keys(std::slice::from_ref(&row))));
                assert_close(&format!("{name}, first keys {row:?}"), &out, &expected, 1e-5);
            }
        }
    }
}

#[test]
fn gradients_are_the_definitions_slopes() {
    const STEP: f64 = 1e-4;
    let (time, sizes) = (7, [2, 1, 2]);
    let [heads, kv_heads, head_dim] = sizes;
    let inputs = [
        random([1, time, heads, head_dim], 2.0),
        random([1, time, kv_heads, head_dim], 2.1),
        random([1, time, kv_heads, head_dim], 1.0),
    ];
    let upstream = random([1, time, heads, head_dim], 1.5);
    for row in kinds_of_rows(time) {
        let loss = |inputs: &[Vec<f64>; 3]| -> f64 {
            let out = by_definition([&inputs[0], &inputs[1], &inputs[2]], &row, sizes);
            out.iter().zip(wide(&upstream)).map(|(x, dy)| x * dy).sum()
        };
        let slope = |of: usize, at: usize| {
            let at_distance = |distance: f64| {
                let mut inputs = inputs.each_ref().map(wide);
                inputs[of][at] += distance;
                loss(&inputs)
            };
            ((at_distance(STEP) - at_distance(-STEP)) / (2.0 * STEP)) as f32
        };
        for (name, body) in BODIES {
            let [q, k, v] = inputs.clone().map(|x| x.detach().require_grad());
            let out = body(q.clone(), k.clone(), v.clone(), first_keys(std::slice::from_ref(&row)));
            let grads = (out * upstream.clone()).sum().backward();
            for (of, x) in [q, k, v].into_iter().enumerate() {
                let found = host(x.grad(&grads).unwrap());
                let expected: Vec<f32> = (0..found.len()).map(|at| slope(of, at)).collect();
                assert_close(&format!("{name}, input {of}, first keys {row:?}"), &found, &expected, 1e-4);
            }
        }
    }
}

#[test]
fn fused_matches_primitive() {
    // [time, heads, kv_heads, head_dim]
    for [time, heads, kv_heads, head_dim] in
        [[1, 1, 1, 2], [7, 2, 2, 6], [65, 6, 2, 8], [130, 4, 1, 32], [256, 6, 6, 32]]
    {
        let rows = kinds_of_rows(time);
        let q = random([rows.len(), time, heads, head_dim], 2.0);
        let k = random([rows.len(), time, kv_heads, head_dim], 2.1);
        let v = random([rows.len(), time, kv_heads, head_dim], 1.0);
        assert_same(
            &format!("causal_attention {time} {heads}/{kv_heads}"),
            [q, k, v],
            |[q, k, v]| fused::causal_attention(q, k, v, first_keys(&rows)),
            |[q, k, v]| primitive::causal_attention(q, k, v, first_keys(&rows)),
        );
    }
}

/// The output and the gradients of `q`, `k` and `v` for a fixed upstream gradient.
fn both_ways(body: Attention, inputs: [Tensor<4>; 4], first: Tensor<2, Int>) -> Vec<Vec<f32>> {
    let [q, k, v, upstream] = inputs;
    let [q, k, v] = [q, k, v].map(|x| x.detach().require_grad());
    let out = body(q.clone(), k.clone(), v.clone(), first);
    let grads = (out.clone() * upstream).sum().backward();
    [vec![host(out)], [q, k, v].map(|x| host(x.grad(&grads).unwrap())).to_vec()].concat()
}

#[test]
fn packed_segments_are_what_they_are_in_rows_of_their_own() {
    let lengths = [70, 1, 64, 5, 130];
    let (time, heads, head_dim) = (lengths.iter().sum(), 3, 8);
    let inputs = [2.0, 2.1, 1.0, 1.3].map(|scale| random([1, time, heads, head_dim], scale));
    let row = packed(&lengths.map(|length| (0, length)), time);
    for (name, body) in BODIES {
        let together = both_ways(body, inputs.clone(), first_keys(std::slice::from_ref(&row)));
        let mut apart = vec![Vec::new(); 4];
        let mut start = 0;
        for length in lengths {
            let part = inputs.clone().map(|x| x.narrow(1, start, length));
            let results = both_ways(body, part, behind_padding(&[0], length));
            apart.iter_mut().zip(results).for_each(|(all, part)| all.extend(part));
            start += length;
        }
        for (together, apart) in together.iter().zip(&apart) {
            assert_close(name, together, apart, 1e-6);
        }
        // The strips are the same, so the sums are formed in the same order.
        assert!(name != "fused" || together == apart, "fused: other bits");
    }
}

#[test]
fn no_gradient_reaches_padding() {
    let row = packed(&[(3, 70), (5, 30)], 150);
    let inputs = [2.0, 2.1, 1.0, 1.3].map(|scale| random([1, 150, 2, 4], scale));
    for (name, body) in BODIES {
        let results = both_ways(body, inputs.clone(), first_keys(std::slice::from_ref(&row)));
        for (t, _) in row.iter().enumerate().filter(|(t, first)| *first > t) {
            let mut token = results.iter().flat_map(|values| &values[t * 8..(t + 1) * 8]);
            assert!(token.all(|x| *x == 0.0), "{name}, padding at {t}");
        }
    }
}

#[test]
fn huge_scores_stay_finite() {
    let qkv = [1e8f32, 1.1e8, 1.0].map(|scale| random([2, 9, 2, 4], scale).require_grad());
    let [q, k, v] = qkv.clone();
    let out = fused::causal_attention(q, k, v, first_keys(&[packed(&[], 9), packed(&[(2, 4), (0, 3)], 9)]));
    let grads = out.clone().sum().backward();
    assert!(host(out).iter().all(|x| x.is_finite()));
    for x in qkv {
        assert!(host(x.grad(&grads).unwrap()).iter().all(|x| x.is_finite()));
    }
}

// A GPU could only tell by waiting for it.
#[cfg(not(feature = "wgpu"))]
#[test]
#[should_panic(expected = "index -1 is outside")]
fn a_first_key_before_the_row_is_refused() {
    let [q, k, v] = [1.0, 1.1, 1.2].map(|scale| random([1, 1, 1, 2], scale));
    fused::causal_attention(q, k, v, Tensor::from_data([[-1]], &common::device()));
}
