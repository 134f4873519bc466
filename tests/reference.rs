//! Nudge against the numbers of PyTorch, transformers and TRL, one module a topic.
//!
//! The numbers lie beside the modules as JSON, with the Python that made them (`cargo xtask reference`). A number may
//! differ by [`VALUE_TOLERANCE`] or [`GRADIENT_TOLERANCE`], relative to itself plus the mean size of the numbers around
//! it. What a mask hides is NaN in these tests, so that a mask that multiplies fails them.

mod adamw;
mod advantages;
mod best_of_n;
mod decoder;
mod families;
mod generation;
mod gguf_blocks;
mod group;
mod kernels;
mod kl;
mod lora;
mod online_dpo;
mod ppo_examples;
mod ppo_update;
mod preference;
mod qwen2;
mod reward;
mod simpo;

use std::collections::BTreeMap;

use burn::tensor::{Bool, Device, Gradients, Int, Tensor, TensorData};
use nudge_model::checkpoint::encode;
use nudge_model::{NamedData, Parameters, Precision, Tensors};
use serde::Deserialize;
use serde_json::Value;

/// For losses, log-probabilities, rewards, advantages.
const VALUE_TOLERANCE: f64 = 1e-5;
/// For gradients.
const GRADIENT_TOLERANCE: f64 = 1e-4;

/// The content of one of the JSON files.
fn read(json: &str) -> Value {
    let reference: Value = serde_json::from_str(json).expect("a JSON file");
    for package in ["numpy", "torch", "transformers", "trl"] {
        assert!(reference["versions"][package].is_string(), "which version of {package} made these numbers?");
    }
    reference
}

/// Nested lists as a tensor of any rank.
fn named_data(name: &str, value: &Value) -> NamedData {
    fn flatten(value: &Value, into: &mut Vec<f32>) {
        match value.as_array() {
            Some(list) => list.iter().for_each(|value| flatten(value, into)),
            None => into.push(number(value)),
        }
    }
    let (mut shape, mut level) = (Vec::new(), value);
    while let Some(list) = level.as_array() {
        shape.push(list.len());
        level = &list[0];
    }
    let mut values = Vec::new();
    flatten(value, &mut values);
    NamedData { name: name.into(), shape, values }
}

fn number(value: &Value) -> f32 {
    value.as_f64().unwrap_or_else(|| panic!("{value} is no number")) as f32
}

/// Nested lists of numbers, flat.
fn values(value: &Value) -> Vec<f32> {
    named_data("", value).values
}

/// The rows of a table.
fn rows<T: for<'a> Deserialize<'a>>(value: &Value) -> Vec<Vec<T>> {
    Vec::deserialize(value).unwrap_or_else(|error| panic!("{value}: {error}"))
}

fn tensor<const D: usize>(value: &Value, device: &Device) -> Tensor<D> {
    let NamedData { shape, values, .. } = named_data("", value);
    Tensor::from_data(TensorData::new(values, shape), device)
}

fn integers(value: &Value, device: &Device) -> Tensor<2, Int> {
    let rows = rows::<i32>(value);
    Tensor::from_data(TensorData::new(rows.concat(), [rows.len(), rows[0].len()]), device)
}

fn booleans(value: &Value, device: &Device) -> Tensor<2, Bool> {
    let rows = rows::<bool>(value);
    Tensor::from_data(TensorData::new(rows.concat(), [rows.len(), rows[0].len()]), device)
}

/// A device that records gradients.
fn training_device() -> Device {
    Device::flex().autodiff()
}

/// A tensor that asks for its gradient.
fn leaf<const D: usize>(value: &Value) -> Tensor<D> {
    tensor::<D>(value, &training_device()).require_grad()
}

/// [`leaf`] with NaN wherever `mask` is false.
fn masked_leaf(value: &Value, mask: &[bool]) -> Tensor<2> {
    let NamedData { shape, values, .. } = named_data("", value);
    Tensor::from_data(TensorData::new(hidden(&values, mask), shape), &training_device()).require_grad()
}

/// The values with NaN wherever `mask` is false.
fn hidden(values: &[f32], mask: &[bool]) -> Vec<f32> {
    assert_eq!(values.len(), mask.len(), "a mask of another size");
    values.iter().zip(mask).map(|(value, counts)| if *counts { *value } else { f32::NAN }).collect()
}

/// Weights by name, through the file format, as a model from outside arrives.
fn weights(value: &Value) -> Tensors {
    let weights = value.as_object().expect("weights by name");
    let data: Vec<NamedData> = weights.iter().map(|(name, value)| named_data(name, value)).collect();
    let file = encode(&data, Precision::F32).expect("plain tensors");
    Tensors::from_safetensors("model.safetensors", file.into()).expect("own output")
}

fn numbers<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.into_data().try_into_vec::<f32>().expect("f32 numbers")
}

fn gradient<const D: usize>(leaf: &Tensor<D>, gradients: &Gradients) -> Vec<f32> {
    numbers(leaf.grad(gradients).expect("a gradient"))
}

fn assert_close(what: &str, found: &[f32], expected: &[f32], tolerance: f64) {
    assert_eq!(found.len(), expected.len(), "{what}: another number of numbers");
    let mean = expected.iter().map(|value| f64::from(value.abs())).sum::<f64>() / expected.len() as f64;
    for (place, (found, expected)) in found.iter().zip(expected).enumerate() {
        let allowed = tolerance * (f64::from(expected.abs()) + mean);
        let error = (f64::from(*found) - f64::from(*expected)).abs();
        assert!(error <= allowed, "{what}, number {place}: {found} instead of {expected}");
    }
}

fn assert_values(what: &str, found: &[f32], expected: &Value) {
    assert_close(what, found, &values(expected), VALUE_TOLERANCE);
}

fn assert_gradient(what: &str, found: &[f32], expected: &Value) {
    assert_close(&format!("gradient of {what}"), found, &values(expected), GRADIENT_TOLERANCE);
}

/// A tensor of one number.
fn assert_value(what: &str, found: Tensor<1>, expected: &Value) {
    assert_values(what, &numbers(found), expected);
}

/// A gradient too large for the file.
#[derive(Deserialize)]
struct GradientSummary {
    norm: f64,
    /// Sum of `g_i cos(i)`: unlike a norm it sees signs and order.
    projection: f64,
}

/// Both numbers of the gradient of everything that trains, relative to its norm.
fn assert_summaries(what: &str, loss: Tensor<1>, tracked: &impl Parameters, expected: &Value) {
    let mut expected = BTreeMap::<String, GradientSummary>::deserialize(expected).expect("summaries by name");
    for ((name, _), gradient) in tracked.trainable().into_iter().zip(nudge_model::gradients(loss, tracked)) {
        let gradient = numbers(gradient.expect("a gradient"));
        let expected = expected.remove(&name).unwrap_or_else(|| panic!("{what}: transformers has no {name}"));
        let squares: f64 = gradient.iter().map(|g| f64::from(*g).powi(2)).sum();
        let projection: f64 = gradient.iter().enumerate().map(|(i, g)| f64::from(*g) * (i as f64).cos()).sum();
        let pairs = [("norm", squares.sqrt(), expected.norm), ("projection", projection, expected.projection)];
        for (kind, found, wanted) in pairs {
            let error = (found - wanted).abs() / expected.norm;
            assert!(error < GRADIENT_TOLERANCE, "{what}, {kind} of {name}: {found} instead of {wanted}");
        }
    }
    assert!(expected.is_empty(), "{what}: transformers has other parameters");
}
