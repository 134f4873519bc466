//! What the tests of operations share: inputs, and the comparison of a fused body with a composed one.

#![allow(dead_code)] // Each test takes what it needs.

use burn::tensor::{Device, Int, Tensor, TensorData};

/// The CPU; with the feature `wgpu` the machine's GPU.
pub fn plain_device() -> Device {
    #[cfg(feature = "wgpu")]
    let device = Device::wgpu(burn::tensor::DeviceKind::DefaultDevice);
    #[cfg(not(feature = "wgpu"))]
    let device = Device::flex();
    device
}

pub fn device() -> Device {
    plain_device().autodiff()
}

pub fn random<const D: usize>(shape: [usize; D], scale: f32) -> Tensor<D> {
    // Filled from the host, so that parallel tests do not share burn's generator.
    let count: usize = shape.iter().product();
    let mut state = (count as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ u64::from(scale.to_bits());
    let values: Vec<f32> = (0..count)
        .map(|_| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            ((state >> 40) as f32 / (1 << 23) as f32 - 1.0) * scale
        })
        .collect();
    Tensor::from_data(TensorData::new(values, shape), &device())
}

/// The first key that each query sees, one list a row.
pub fn first_keys(rows: &[Vec<usize>]) -> Tensor<2, Int> {
    let values: Vec<i64> = rows.iter().flatten().map(|&key| key as i64).collect();
    Tensor::from_data(TensorData::new(values, [rows.len(), rows[0].len()]), &device())
}

/// The same of rows that are one sequence behind `padding[b]` padding tokens.
pub fn behind_padding(padding: &[usize], time: usize) -> Tensor<2, Int> {
    let row = |&pad: &usize| (0..time).map(|t| if t < pad { time } else { pad }).collect();
    first_keys(&padding.iter().map(row).collect::<Vec<_>>())
}

pub fn host<const D: usize>(x: Tensor<D>) -> Vec<f32> {
    x.into_data().try_to_vec().unwrap()
}

/// What a GPU may add to an element that is zero in exact arithmetic: its `exp` is a little coarser.
const ABSOLUTE: f32 = if cfg!(feature = "wgpu") { 1e-6 } else { 0.0 };

/// Elements agree to `tolerance`, relative to themselves plus the mean size of all.
pub fn assert_close(name: &str, actual: &[f32], expected: &[f32], tolerance: f32) {
    assert_eq!(actual.len(), expected.len(), "{name}: sizes");
    let mean = expected.iter().map(|x| x.abs()).sum::<f32>() / expected.len().max(1) as f32;
    for (i, (a, e)) in actual.iter().zip(expected).enumerate() {
        assert!((a - e).abs() <= tolerance * (e.abs() + mean) + ABSOLUTE, "{name}[{i}]: {a} against {e}");
    }
}

/// The values and the gradients of both bodies under one random projection to a scalar.
pub fn assert_same<const N: usize, const D: usize, const R: usize>(
    name: &str,
    inputs: [Tensor<D>; N],
    fused: impl Fn([Tensor<D>; N]) -> Tensor<R>,
    primitive: impl Fn([Tensor<D>; N]) -> Tensor<R>,
) {
    let run = |body: &dyn Fn([Tensor<D>; N]) -> Tensor<R>| {
        let inputs = inputs.clone().map(|x| x.detach().require_grad());
        let out = body(inputs.clone());
        let loss = (out.clone() * random(out.dims(), 1.0)).sum();
        let grads = loss.backward();
        let grads: Vec<Vec<f32>> = inputs.iter().map(|x| host(x.grad(&grads).unwrap())).collect();
        (host(out), grads)
    };
    let (actual, actual_grads) = run(&fused);
    let (expected, expected_grads) = run(&primitive);
    assert_close(name, &actual, &expected, 1e-5);
    for (i, (actual, expected)) in actual_grads.iter().zip(&expected_grads).enumerate() {
        assert_close(&format!("{name}, gradient {i}"), actual, expected, 1e-4);
    }
    let untracked = host(fused(inputs.map(|x| x.inner())));
    assert_eq!(untracked, actual, "{name}: without autodiff");
}
