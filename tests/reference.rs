//! The decoder and AdamW against the numbers of transformers and torch (`reference/make_reference.py`).

use std::collections::BTreeMap;

use burn::tensor::{Device, Tensor, TensorData};
use nudge_model::checkpoint::{NamedTensors, encode};
use nudge_model::{
    Decoder, DecoderConfig, NamedData, Optimizer, OptimizerKind, OptimizerOptions, Parameters, Precision, TokenBatch,
};
use serde::Deserialize;
use serde_json::Value;

const DECODER: &str = include_str!("reference/decoder.json");
const ADAMW: &str = include_str!("reference/adamw.json");

#[derive(Deserialize)]
struct Reference {
    config: Value,
    weights: BTreeMap<String, Value>,
    tokens: Vec<Vec<u32>>,
    mask: Vec<Vec<bool>>,
    logits: Vec<Vec<Vec<f32>>>, // [batch, time, vocab]
    loss: f32,
    gradients: BTreeMap<String, GradientNumbers>,
}

#[derive(Deserialize)]
struct GradientNumbers {
    norm: f64,
    /// Sum of `g_i cos(i)`: unlike a norm it sees signs and order.
    projection: f64,
}

/// Nested lists as a tensor of any rank.
fn named_data(name: &str, value: &Value) -> NamedData {
    let (mut shape, mut level) = (Vec::new(), value);
    while let Some(list) = level.as_array() {
        shape.push(list.len());
        level = &list[0];
    }
    fn flatten(value: &Value, into: &mut Vec<f32>) {
        match value.as_array() {
            Some(list) => list.iter().for_each(|value| flatten(value, into)),
            None => into.push(value.as_f64().expect("a number") as f32),
        }
    }
    let mut values = Vec::new();
    flatten(value, &mut values);
    NamedData { name: name.into(), shape, values }
}

fn numbers<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.into_data().try_into_vec::<f32>().expect("f32 numbers")
}

/// The reference called `name`, as a model and its rows.
fn reference(name: &str) -> (Reference, Decoder) {
    let mut all: BTreeMap<String, Reference> = serde_json::from_str(DECODER).expect("decoder.json");
    let reference = all.remove(name).expect("a decoder of this name");
    let config = DecoderConfig::from_json(reference.config.to_string().as_bytes()).expect("a Llama configuration");
    let data: Vec<NamedData> = reference.weights.iter().map(|(name, value)| named_data(name, value)).collect();
    // Through the file format, as a model from outside arrives.
    let file = encode(&data, Precision::F32).expect("plain tensors");
    let tensors = NamedTensors::from_safetensors(&file).expect("own output");
    let model = Decoder::from_tensors(&config, &tensors, &Device::flex()).expect("transformers' names and shapes");
    (reference, model)
}

fn batch(reference: &Reference, config: &DecoderConfig, device: &Device) -> TokenBatch {
    let (rows, time) = (reference.tokens.len(), reference.tokens[0].len());
    TokenBatch::new(&reference.tokens.concat(), &reference.mask.concat(), rows, time, config, device)
}

#[test]
fn logits_are_those_of_transformers() {
    for name in ["untied", "tied"] {
        let (reference, model) = reference(name);
        let batch = batch(&reference, &model.config, &Device::flex());
        let logits = numbers(model.logits(model.hidden(&batch)));
        let expected = reference.logits.concat();
        let mut compared = 0;
        for ((place, logits), real) in logits.chunks(model.config.vocab_size).enumerate().zip(reference.mask.concat()) {
            let pairs = logits.iter().zip(&expected[place]).filter(|_| real);
            for (found, expected) in pairs {
                assert!((found - expected).abs() < 1e-5, "{name}, position {place}: {found} instead of {expected}");
                compared += 1;
            }
        }
        assert_eq!(compared, 18 * 19, "real tokens times vocabulary");
    }
}

#[test]
fn loss_and_gradients_are_those_of_transformers() {
    for name in ["untied", "tied"] {
        let (reference, model) = reference(name);
        let device = Device::flex().autodiff();
        let tracked = model.tracked();
        let logprobs = tracked.next_token_logprobs(&batch(&reference, &model.config, &device), 1.0);
        // A next token counts where it and the token before it are real.
        let scored: Vec<f32> = reference
            .mask
            .iter()
            .flat_map(|row| row.windows(2).map(|pair| f32::from(u8::from(pair[0] && pair[1]))))
            .collect();
        let count: f32 = scored.iter().sum();
        let scored = Tensor::<2>::from_data(TensorData::new(scored, logprobs.dims()), &device);
        let loss = (logprobs * scored).sum().neg().div_scalar(count);
        let found = numbers(loss.clone().inner())[0];
        assert!((found - reference.loss).abs() < 1e-5, "{name}: loss {found} instead of {}", reference.loss);
        let gradients = loss.backward();
        for (parameter, tensor) in tracked.parameters() {
            let gradient = numbers(tensor.grad(&gradients).expect("a gradient"));
            let expected = &reference.gradients[&parameter];
            let squares: f64 = gradient.iter().map(|g| f64::from(*g).powi(2)).sum();
            let projection: f64 = gradient.iter().enumerate().map(|(i, g)| f64::from(*g) * (i as f64).cos()).sum();
            let pairs = [("norm", squares.sqrt(), expected.norm), ("projection", projection, expected.projection)];
            for (what, found, wanted) in pairs {
                let error = (found - wanted).abs() / expected.norm;
                assert!(error < 1e-4, "{name}, {what} of {parameter}: {found} instead of {wanted}");
            }
        }
        assert_eq!(tracked.parameters().len(), reference.gradients.len(), "{name}: transformers has other parameters");
    }
}

#[derive(Deserialize)]
struct AdamW {
    options: AdamWOptions,
    start: Vec<Value>,
    steps: Vec<Step>,
}

#[derive(Deserialize)]
struct AdamWOptions {
    beta1: f32,
    beta2: f32,
    eps: f32,
    weight_decay: f32,
    max_grad_norm: f32,
}

#[derive(Deserialize)]
struct Step {
    lr: f32,
    gradients: Vec<Value>,
    grad_norm: f32,
    parameters: Vec<Value>,
}

/// A matrix and a vector, the two things that AdamW tells apart.
#[derive(Clone)]
struct Pair([Tensor<2>; 2]);

impl Parameters for Pair {
    fn parameters(&self) -> Vec<(String, &Tensor<2>)> {
        ["q_proj.weight", "norm.weight"].map(String::from).into_iter().zip(&self.0).collect()
    }

    fn parameters_mut(&mut self) -> Vec<&mut Tensor<2>> {
        self.0.iter_mut().collect()
    }
}

fn matrix(value: &Value, device: &Device) -> Tensor<2> {
    let NamedData { shape, values, .. } = named_data("", value);
    Tensor::from_data(TensorData::new(values, shape), device)
}

#[test]
fn ten_steps_of_adamw_are_those_of_torch() {
    let reference: AdamW = serde_json::from_str(ADAMW).expect("adamw.json");
    let AdamWOptions { beta1, beta2, eps, weight_decay, max_grad_norm } = reference.options;
    let options = OptimizerOptions { kind: OptimizerKind::AdamW, beta1, beta2, eps, weight_decay, max_grad_norm };
    let device = Device::flex();
    let mut model = Pair([0, 1].map(|index| matrix(&reference.start[index], &device)));
    let mut optimizer = Optimizer::new(options, &model);
    assert_eq!(reference.steps.len(), 10);
    for (number, step) in reference.steps.iter().enumerate() {
        // The gradient of the sum of `parameter * g` is `g`.
        let tracked = model.tracked();
        let loss = tracked
            .0
            .iter()
            .zip(&step.gradients)
            .map(|(parameter, gradient)| (parameter.clone() * matrix(gradient, &device.clone().autodiff())).sum());
        let loss = loss.reduce(|a, b| a + b).expect("two terms");
        let norm = numbers(optimizer.update(&mut model, &tracked, loss.backward(), step.lr))[0];
        assert!((norm - step.grad_norm).abs() < 1e-5 * step.grad_norm, "step {number}: norm {norm}");
        for (parameter, expected) in model.0.iter().zip(&step.parameters) {
            let expected = named_data("", expected).values;
            for (found, expected) in numbers(parameter.clone()).iter().zip(expected) {
                assert!((found - expected).abs() < 1e-5, "step {number}: {found} instead of {expected}");
            }
        }
    }
}
