//! AdamW against PyTorch's formula in f64, and the sum of squares that clipping needs.

#![allow(clippy::disallowed_methods, clippy::unwrap_used, missing_docs)]

mod common;

use burn::tensor::{Tensor, TensorData};
use nudge_kernels as fused;
use nudge_kernels::{AdamWStep, primitive};

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
    assert_eq!(host(fused::sum_of_squares(x)), [1e8 + 99_999.0]);
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

#[test]
fn adamw_is_pytorchs() {
    let shape = [3, 19];
    let start = waves(shape, 1.0);
    let grads: Vec<Tensor<2>> = (1..=5).map(|i| waves(shape, 0.3 * i as f32)).collect();
    let options = AdamWStep { lr: 1e-2, beta1: 0.9, beta2: 0.95, eps: 1e-8, weight_decay: 0.1, step: 1 };
    let grad_scale = 0.7;
    for update in [fused::adamw_update, primitive::adamw_update] {
        let zeros = Tensor::<2>::zeros(shape, &plain_device());
        let mut state = (start.clone(), zeros.clone(), zeros);
        for (step, grad) in (1..).zip(&grads) {
            let (p, m, v) = state;
            state = update(p, grad.clone(), scale(grad_scale), m, v, &AdamWStep { step, ..options });
        }
        let grads: Vec<Vec<f32>> = grads.iter().cloned().map(host).collect();
        let expected = host(start.clone()).into_iter().enumerate().map(|(i, p)| {
            let grads: Vec<f64> = grads.iter().map(|grad| f64::from(grad[i])).collect();
            adamw_reference(f64::from(p), &grads, f64::from(grad_scale), &options)
        });
        let (p, (m, v)): (Vec<f32>, (Vec<f32>, Vec<f32>)) =
            expected.map(|(p, m, v)| (p as f32, (m as f32, v as f32))).unzip();
        assert_close("param", &host(state.0), &p, 1e-5);
        assert_close("m", &host(state.1), &m, 1e-5);
        assert_close("v", &host(state.2), &v, 1e-5);
    }
}

#[test]
fn adamw_leaves_tensors_that_others_hold_alone() {
    let param = waves([4, 4], 1.0);
    let before = host(param.clone());
    let zeros = Tensor::<2>::zeros([4, 4], &plain_device());
    let step = AdamWStep { lr: 0.1, beta1: 0.9, beta2: 0.99, eps: 1e-8, weight_decay: 0.0, step: 1 };
    let (after, m, _) =
        fused::adamw_update(param.clone(), param.clone(), scale(1.0), zeros.clone(), zeros.clone(), &step);
    assert_eq!(host(param), before);
    assert_ne!(host(after), before);
    assert_ne!(host(m), host(zeros));
}
