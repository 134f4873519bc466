//! Tensors in and numbers out.

use burn::tensor::{Bool, Device, Int, Tensor, TensorData};
use nudge_rlhf::PairBatch;

pub fn device() -> Device {
    Device::flex()
}

pub fn tensor1(values: &[f32], device: &Device) -> Tensor<1> {
    Tensor::from_data(TensorData::new(values.to_vec(), [values.len()]), device)
}

pub fn tensor2(values: &[f32], time: usize, device: &Device) -> Tensor<2> {
    Tensor::from_data(TensorData::new(values.to_vec(), [values.len() / time, time]), device)
}

pub fn mask2(values: &[bool], time: usize, device: &Device) -> Tensor<2, Bool> {
    Tensor::from_data(TensorData::new(values.to_vec(), [values.len() / time, time]), device)
}

pub fn indices(values: &[i32], device: &Device) -> Tensor<1, Int> {
    Tensor::from_data(TensorData::new(values.to_vec(), [values.len()]), device)
}

/// `winners, losers, weights` as tensors.
pub fn pairs(batch: &PairBatch, device: &Device) -> (Tensor<1, Int>, Tensor<1, Int>, Tensor<1>) {
    (indices(&batch.winners, device), indices(&batch.losers, device), tensor1(&batch.weights, device))
}

#[expect(clippy::disallowed_methods, reason = "a test on the CPU may wait for its numbers")]
pub fn numbers<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.into_data().try_to_vec().expect("f32 tensor")
}

pub fn number(tensor: Tensor<1>) -> f32 {
    let values = numbers(tensor);
    assert_eq!(values.len(), 1, "not a single number");
    values[0]
}

#[track_caller]
pub fn assert_close(name: &str, actual: f32, expected: f32, tolerance: f32) {
    assert!((actual - expected).abs() <= tolerance, "{name}: {actual} is not {expected}");
}

#[track_caller]
pub fn assert_all_close(name: &str, actual: &[f32], expected: &[f32], tolerance: f32) {
    assert_eq!(actual.len(), expected.len(), "{name}");
    for (a, e) in actual.iter().zip(expected) {
        assert!((a - e).abs() <= tolerance, "{name}: {actual:?} is not {expected:?}");
    }
}
