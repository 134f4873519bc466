//! Every fused operation against the same operation composed from burn's own: values and gradients.

#![allow(clippy::disallowed_methods, clippy::unwrap_used, missing_docs)]

mod common;

use burn::tensor::{Device, Int, Tensor, TensorData};
use nudge_kernels as fused;
use nudge_kernels::primitive;

use common::{assert_close, assert_same, behind_padding, device, host, plain_device, random};

fn ids(shape: [usize; 2], end: usize) -> Tensor<2, Int> {
    let values: Vec<i64> = (0..shape[0] * shape[1]).map(|i| ((i * 7 + i * i * 3) % end) as i64).collect();
    Tensor::from_data(TensorData::new(values, shape), &device())
}

#[test]
fn linear() {
    for [batch, time, width, out] in [[1, 1, 1, 1], [3, 7, 33, 5], [2, 130, 96, 256]] {
        let (x, weight) = (random([batch * time, width], 1.0), random([out, width], 0.5));
        let shape = [batch, time, width];
        assert_same(
            "linear",
            [x, weight],
            |[x, w]| fused::linear(x.reshape(shape), w),
            |[x, w]| primitive::linear(x.reshape(shape), w),
        );
    }
}

/// In one piece, in pieces of one row, and with a last piece that is shorter than the others.
#[test]
fn unembedded_logprobs() {
    let (batch, time, width, vocab) = (3, 7, 33, 40);
    let targets = ids([batch, time], vocab);
    for held in [usize::MAX, 1, 5 * vocab] {
        assert_same(
            "unembedded_logprobs",
            [random([batch, time, width], 1.0), random([1, vocab, width], 2.0)],
            |[x, w]| fused::unembedded_logprobs(x, w.squeeze_dim(0), targets.clone(), held),
            |[x, w]| primitive::token_logprobs(primitive::linear(x, w.squeeze_dim(0)), targets.clone()),
        );
    }
}

#[test]
fn linear_of_strided_views() {
    let (x, weight) = (random([33, 3, 7], 1.0), random([5, 1, 33], 0.5));
    assert_same(
        "linear",
        [x, weight],
        |[x, w]| fused::linear(x.permute([1, 2, 0]), w.squeeze_dim(1)),
        |[x, w]| primitive::linear(x.permute([1, 2, 0]), w.squeeze_dim(1)),
    );
}

#[test]
fn swiglu() {
    for (shape, scale) in [([1, 1, 1], 1.0), ([3, 5, 37], 8.0), ([2, 70, 512], 60.0)] {
        let inputs = [random(shape, scale), random([shape[0], shape[2], shape[1]], 1.0).swap_dims(1, 2)];
        assert_same("swiglu", inputs, |[g, u]| fused::swiglu(g, u), |[g, u]| primitive::swiglu(g, u));
    }
}

#[test]
fn rms_norm() {
    for (shape, scale) in [([1, 1, 3], 1.0), ([3, 5, 37], 1e-3), ([2, 100, 192], 30.0)] {
        let weight = random([1, 1, shape[2]], 2.0);
        assert_same(
            "rms_norm",
            [random(shape, scale), weight],
            |[x, w]| fused::rms_norm(x, w.flatten(0, 2), 1e-5),
            |[x, w]| primitive::rms_norm(x, w.flatten(0, 2), 1e-5),
        );
    }
}

#[test]
fn rotary() {
    for [batch, time, heads, head_dim] in [[1, 1, 1, 2], [3, 5, 3, 6], [2, 70, 6, 32]] {
        let angle = random([batch, time, head_dim / 2], 3.0);
        let (cos, sin) = (angle.clone().cos(), angle.sin());
        assert_same(
            "rotary",
            [random([batch, time, heads, head_dim], 1.0)],
            |[x]| fused::rotary(x, cos.clone(), sin.clone()),
            |[x]| primitive::rotary(x, cos.clone(), sin.clone()),
        );
    }
}

#[test]
fn embedding() {
    let ids = ids([3, 29], 11);
    assert_same(
        "embedding",
        [random([11, 37], 1.0)],
        |[w]| fused::embedding(w, ids.clone()),
        |[w]| primitive::embedding(w, ids.clone()),
    );
}

#[test]
fn token_logprobs() {
    for (shape, scale) in [([1, 1, 1], 1.0), ([3, 5, 37], 4.0), ([2, 70, 600], 20.0)] {
        let targets = ids([shape[0], shape[1]], shape[2]);
        assert_same(
            "token_logprobs",
            [random(shape, scale)],
            |[x]| fused::token_logprobs(x, targets.clone()),
            |[x]| primitive::token_logprobs(x, targets.clone()),
        );
    }
}

#[test]
fn token_logprobs_of_huge_logits_are_finite() {
    let logits = Tensor::<3>::from_data([[[1e30f32, -1e30, 0.0], [-1e30, -1e30, -2e30]]], &device()).require_grad();
    let targets = Tensor::<2, Int>::from_data([[0, 1]], &device());
    let logprobs = fused::token_logprobs(logits.clone(), targets);
    let grads = logprobs.clone().sum().backward();
    assert_close("logprobs", &host(logprobs), &[0.0, -(2f32.ln())], 1e-5);
    assert_close("gradient", &host(logits.grad(&grads).unwrap()), &[0.0, 0.0, 0.0, -0.5, 0.5, 0.0], 1e-5);
}

#[test]
fn entropy() {
    for (shape, scale) in [([1, 1, 1], 1.0), ([3, 5, 37], 4.0), ([2, 70, 1100], 20.0)] {
        let logits = random(shape, scale).inner();
        assert_close("entropy", &host(fused::entropy(logits.clone())), &host(primitive::entropy(logits)), 1e-5);
    }
    let forbidden = Tensor::<3>::from_data([[[0.0f32, f32::NEG_INFINITY, 0.0, 0.0]]], &plain_device());
    assert_close("entropy", &host(fused::entropy(forbidden.clone())), &[3f32.ln()], 1e-5);
    assert_close("entropy", &host(primitive::entropy(forbidden)), &[3f32.ln()], 1e-5);
}

#[test]
fn linear_onto_is_linear_and_a_sum() {
    let shape = [2, 9, 33];
    assert_same(
        "linear_onto",
        [random([18, 33], 1.0), random([5, 33], 0.5), random([18, 5], 0.7)],
        |[x, w, added]| fused::linear_onto(x.reshape(shape), w, added.reshape([2, 9, 5])),
        |[x, w, added]| primitive::linear(x.reshape(shape), w) + added.reshape([2, 9, 5]),
    );
}

#[test]
fn tensors_without_autodiff_are_constants_beside_tracked_ones() {
    let (frozen, tracked) = (random([1, 3, 4], 1.0).inner(), random([5, 4], 1.0).require_grad());
    let grads = fused::linear(frozen.clone(), tracked.clone()).sum().backward();
    let columns = frozen.sum_dim(1).reshape([1, 4]).repeat_dim(0, 5);
    assert_close("weight", &host(tracked.grad(&grads).unwrap()), &host(columns), 1e-5);

    let (tracked, frozen) = (random([1, 3, 4], 1.0).require_grad(), random([5, 4], 1.0).inner());
    let grads = fused::linear(tracked.clone(), frozen.clone()).sum().backward();
    let rows = frozen.sum_dim(0).repeat_dim(0, 3);
    assert_close("x", &host(tracked.grad(&grads).unwrap()), &host(rows), 1e-5);
}

#[test]
fn gradients_add_up_when_an_input_is_used_twice() {
    let first = behind_padding(&[0, 4], 9);
    let (cos, sin) = (random([2, 9, 2], 1.0), random([2, 9, 2], 0.5));
    assert_same(
        "shared inputs",
        [random([2, 9, 3, 4], 1.0)],
        |[x]| {
            let turned = fused::rotary(x.clone(), cos.clone(), sin.clone());
            let y = fused::causal_attention(turned.clone(), turned, x.clone(), first.clone());
            let flat = |x: Tensor<4>| x.reshape([2, 9, 12]);
            fused::swiglu(flat(y.clone()), flat(x)) + flat(y)
        },
        |[x]| {
            let turned = primitive::rotary(x.clone(), cos.clone(), sin.clone());
            let y = primitive::causal_attention(turned.clone(), turned, x.clone(), first.clone());
            let flat = |x: Tensor<4>| x.reshape([2, 9, 12]);
            primitive::swiglu(flat(y.clone()), flat(x)) + flat(y)
        },
    );
}

// A GPU could only tell by waiting for it.
#[cfg(not(feature = "wgpu"))]
#[test]
#[should_panic(expected = "index 5 is outside 0..5")]
fn a_target_outside_the_vocabulary_is_refused() {
    let targets = Tensor::<2, Int>::from_data([[5]], &device());
    fused::token_logprobs(random([1, 1, 5], 1.0), targets);
}

#[test]
fn flex_is_seen_through_autodiff() {
    assert!(fused::is_flex(&Device::flex()));
    assert!(fused::is_flex(&Device::flex().autodiff()));
}
