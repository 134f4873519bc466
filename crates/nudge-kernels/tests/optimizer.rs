//! AdamW against PyTorch's formula in f64, and the sum of squares that clipping needs.

#![allow(clippy::disallowed_methods, clippy::unwrap_used, missing_docs)]

mod common;

use burn::tensor::{Tensor, TensorData};
use nudge_kernels as fused;
use nudge_kernels::{AdamWState, AdamWStep, primitive};

use common::{assert_close, host, plain_device};

fn waves<const D: usize>(shape: [usize; D], scale: f32) -> Tensor<D> {
    let count: usize = shape.iter().product();
    let values: Vec<f32> = (0..count).map(|i| (i as f32 * 1.7 + scale).sin() * scale).collect();
    Tensor::from_data(TensorData::new(values, shape), &plain_device())
}

// The CPU adds in f64, which WebGPU does not have.
#[cfg(not(feature = "wgpu"))]
#[test]
fn sum_of_squares_keeps_small_terms() {
    // Added one by one in f32, ones vanish beside 1e8.
    let mut values = vec![1.0f32; 100_000];
    values[0] = 1e4;
    let x = Tensor::<2>::from_data(TensorData::new(values, [100, 1000]), &plain_device());
    assert_eq!(host(fused::sum_of_squares(vec![x]).0), [1e8 + 99_999.0]);
}

/// One number on the device.
fn scale(factor: f32) -> Tensor<1> {
    Tensor::from_data([factor], &plain_device())
}

/// PyTorch's `torch.optim.AdamW`, written out in f64 from its documentation.
fn adamw_reference(p: f64, grads: &[f64], grad_scale: f64, options: &AdamWStep) -> (f64, f64, f64) {
    let [lr, beta1, beta2, eps, decay] =
        [options.lr, options.beta1, options.beta2, options.eps, options.weight_decay].map(f64::from);
    let (mut p, mut m, mut v) = (p, 0.0, 0.0);
    for (t, grad) in (1..).zip(grads) {
        let grad = grad * grad_scale;
        p -= lr * decay * p;
        m = beta1 * m + (1.0 - beta1) * grad;
        v = beta2 * v + (1.0 - beta2) * grad * grad;
        let m_hat = m / (1.0 - beta1.powi(t));
        let v_hat = v / (1.0 - beta2.powi(t));
        p -= lr * m_hat / (v_hat.sqrt() + eps);
    }
    (p, m, v)
}

/// More tensors than one launch takes, of sizes that leave gaps between them.
const SHAPES: [[usize; 2]; 9] = [[3, 19], [1, 64], [64, 2], [1, 1], [5, 7], [16, 16], [2, 33], [1, 130], [4, 4]];

/// Parameters with zero moments.
fn fresh_state() -> AdamWState {
    let params: Vec<Tensor<2>> = SHAPES.iter().map(|&shape| waves(shape, 1.0)).collect();
    let zeros = || params.iter().map(Tensor::zeros_like).collect();
    AdamWState { m: zeros(), v: zeros(), params: params.clone() }
}

fn gradients(step: usize) -> Vec<Tensor<2>> {
    SHAPES.iter().map(|&shape| waves(shape, 0.3 * step as f32)).collect()
}

const OPTIONS: AdamWStep = AdamWStep { lr: 1e-2, beta1: 0.9, beta2: 0.95, eps: 1e-8, weight_decay: 0.1, step: 1 };

#[test]
fn adamw_is_pytorchs() {
    let grad_scale = 0.7;
    for (update, beside) in [
        (fused::adamw_update as fn(_, _, _, &_) -> _, true),
        (fused::adamw_update, false),
        (primitive::adamw_update, false),
    ] {
        let mut state = fresh_state();
        for step in 1..=5 {
            let grads = gradients(step);
            let grads = if beside { fused::sum_of_squares(grads).1 } else { grads };
            state = update(state, grads, scale(grad_scale), &AdamWStep { step, ..OPTIONS });
        }
        for (index, &shape) in SHAPES.iter().enumerate() {
            let grads: Vec<Vec<f32>> = (1..=5).map(|step| host(gradients(step).swap_remove(index))).collect();
            let expected = host(waves(shape, 1.0)).into_iter().enumerate().map(|(i, p)| {
                let grads: Vec<f64> = grads.iter().map(|grad| f64::from(grad[i])).collect();
                adamw_reference(f64::from(p), &grads, f64::from(grad_scale), &OPTIONS)
            });
            let (p, (m, v)): (Vec<f32>, (Vec<f32>, Vec<f32>)) =
                expected.map(|(p, m, v)| (p as f32, (m as f32, v as f32))).unzip();
            assert_close("param", &host(state.params[index].clone()), &p, 1e-5);
            assert_close("m", &host(state.m[index].clone()), &m, 1e-5);
            assert_close("v", &host(state.v[index].clone()), &v, 1e-5);
        }
    }
}

#[test]
fn adamw_leaves_tensors_that_others_hold_alone() {
    let mut state = fresh_state();
    for step in 1..=3 {
        // Of the second step on the tensors are neighbours in one buffer; one that is held holds them all.
        let held = [state.params[2].clone(), state.m[5].clone(), state.v[8].clone()];
        let before = held.clone().map(host);
        state = fused::adamw_update(state, gradients(step), scale(1.0), &AdamWStep { step, ..OPTIONS });
        assert_eq!(held.map(host), before);
        assert_ne!(host(state.params[2].clone()), before[0]);
        assert_ne!(host(state.m[5].clone()), before[1]);
        assert_ne!(host(state.v[8].clone()), before[2]);
    }
}

#[test]
fn what_lies_side_by_side_is_used_like_any_other_tensor() {
    let (sum, grads) = fused::sum_of_squares(gradients(1));
    let expected = gradients(1).into_iter().map(host);
    let squares: f64 = expected.clone().flatten().map(|x| f64::from(x) * f64::from(x)).sum();
    assert_close("sum of squares", &host(sum), &[squares as f32], 1e-5);
    for (grad, expected) in grads.into_iter().zip(expected) {
        assert_eq!(host(grad.clone()), expected);
        let doubled: Vec<f32> = expected.iter().map(|x| 2.0 * x).collect();
        assert_eq!(host(grad.clone() * 2.0), doubled);
        let [rows, columns] = grad.dims();
        let transposed: Vec<f32> = (0..rows * columns).map(|i| expected[i % rows * columns + i / rows]).collect();
        assert_eq!(host(grad.clone().transpose()), transposed);
        assert_eq!(host(Tensor::cat(vec![grad.clone(), grad], 0)), [expected.clone(), expected].concat());
    }
}

#[test]
fn a_different_order_or_a_part_of_what_lies_side_by_side_is_recognised() {
    let mut state = fresh_state();
    state = fused::adamw_update(state, gradients(1), scale(1.0), &OPTIONS);
    // A part: the first three; another order: the last three, reversed.
    for range in [0..3, 6..9] {
        let part = |of: fn(&AdamWState) -> &Vec<Tensor<2>>| {
            let mut list = of(&state)[range.clone()].to_vec();
            if range.start > 0 {
                list.reverse();
            }
            list
        };
        let part = AdamWState { params: part(|s| &s.params), m: part(|s| &s.m), v: part(|s| &s.v) };
        let grads: Vec<Tensor<2>> = part.params.iter().map(|x| waves(x.dims(), 0.5)).collect();
        let step = AdamWStep { step: 2, ..OPTIONS };
        let expected = primitive::adamw_update(part.clone(), grads.clone(), scale(1.0), &step);
        let found = fused::adamw_update(part, grads, scale(1.0), &step);
        for (found, expected) in found.params.into_iter().zip(expected.params) {
            assert_close("param", &host(found), &host(expected), 1e-5);
        }
    }
}
