//! The operations of a Llama one by one, in their fused and in their composed form.

use burn::tensor::{Device, Gradients, Int, Tensor, TensorData};
use nudge_kernels::decoding::{self, KeyValueCache, LiveRows};
use nudge_kernels::{self as fused, primitive};
use serde_json::Value;

use super::{
    assert_gradient, assert_values, gradient, integers, leaf, number, numbers, read, rows, tensor, training_device,
};

const JSON: &str = include_str!("kernels.json");

/// One operation of the file, in one of its forms.
struct Case {
    name: String,
    reference: Value,
}

/// The operation called `name` in its fused and its composed form.
fn cases<F>(name: &str, [fused, composed]: [F; 2]) -> [(Case, F); 2] {
    [("fused", fused), ("composed", composed)].map(|(form, operation)| {
        (Case { name: format!("{form} {name}"), reference: read(JSON)[name].clone() }, operation)
    })
}

impl Case {
    fn leaf<const D: usize>(&self, name: &str) -> Tensor<D> {
        leaf(&self.reference["inputs"][name])
    }

    fn constant<const D: usize>(&self, name: &str, device: &Device) -> Tensor<D> {
        tensor(&self.reference["inputs"][name], device)
    }

    /// Compares the output and sends `upstream` back through it.
    fn backward<const D: usize>(&self, output: Tensor<D>) -> Gradients {
        assert_values(&self.name, &numbers(output.clone().inner()), &self.reference["output"]);
        (output * tensor(&self.reference["upstream"], &training_device())).sum().backward()
    }

    fn compare<const D: usize>(&self, name: &str, leaf: &Tensor<D>, gradients: &Gradients) {
        let expected = &self.reference["gradients"][name];
        assert_gradient(&format!("{} in {name}", self.name), &gradient(leaf, gradients), expected);
    }
}

#[test]
fn rms_norm_is_that_of_transformers() {
    for (case, rms_norm) in cases("rms_norm", [fused::rms_norm, primitive::rms_norm]) {
        let (x, weight) = (case.leaf::<3>("x"), case.leaf::<1>("weight"));
        let gradients = case.backward(rms_norm(x.clone(), weight.clone(), number(&case.reference["eps"])));
        case.compare("x", &x, &gradients);
        case.compare("weight", &weight, &gradients);
    }
}

#[test]
fn rotary_positions_are_those_of_transformers() {
    for (case, rotary) in cases("rotary", [fused::rotary, primitive::rotary]) {
        let (x, device) = (case.leaf::<4>("x"), training_device());
        let gradients = case.backward(rotary(x.clone(), case.constant("cos", &device), case.constant("sin", &device)));
        case.compare("x", &x, &gradients);
    }
}

/// What attention takes instead of torch's mask of real tokens.
fn first_keys(mask: &[Vec<bool>]) -> Tensor<2, Int> {
    let time = mask[0].len();
    let first_real = |row: &Vec<bool>| row.iter().position(|real| *real).expect("a row has a token");
    let of_row = |row: &Vec<bool>| -> Vec<i32> {
        let first = first_real(row);
        row.iter().map(|&real| if real { first as i32 } else { time as i32 }).collect()
    };
    let first: Vec<i32> = mask.iter().flat_map(of_row).collect();
    Tensor::from_data(TensorData::new(first, [mask.len(), time]), &training_device())
}

#[test]
fn causal_attention_behind_left_padding_is_that_of_torch() {
    for (case, causal_attention) in cases("causal_attention", [fused::causal_attention, primitive::causal_attention]) {
        let [q, k, v] = ["q", "k", "v"].map(|name| case.leaf::<4>(name));
        let first = first_keys(&rows::<bool>(&case.reference["mask"]));
        let gradients = case.backward(causal_attention(q.clone(), k.clone(), v.clone(), first));
        for (name, leaf) in [("q", q), ("k", k), ("v", v)] {
            case.compare(name, &leaf, &gradients);
        }
    }
}

#[test]
fn one_token_against_the_cache_attends_as_in_torch() {
    type Decode = fn(Tensor<3>, Tensor<1, Int>, Tensor<3>, &mut KeyValueCache, usize) -> Tensor<3>;
    let fused: Decode = |qkv, first, angles, cache, filled| {
        let live = LiveRows::all(qkv.dims()[0], &[], &qkv.device());
        decoding::attention(qkv, first, angles, cache, filled, &live)
    };
    for (case, decode_attention) in cases("decode_attention", [fused, primitive::decode_attention]) {
        let device = Device::flex();
        let [keys, values] = ["k_cache", "v_cache"].map(|name| case.constant::<4>(name, &device));
        let [qkv, angles] = ["qkv", "angles"].map(|name| case.constant::<3>(name, &device));
        let first = integers(&case.reference["first"], &device).squeeze_dim::<1>(0);
        let filled = number(&case.reference["filled"]) as usize;
        let mut cache = KeyValueCache { keys, values };
        let output = decode_attention(qkv, first, angles, &mut cache, filled);
        assert_values(&case.name, &numbers(output), &case.reference["output"]);
        assert_values(&case.name, &numbers(cache.keys), &case.reference["keys"]);
        assert_values(&case.name, &numbers(cache.values), &case.reference["values"]);
    }
}

#[test]
fn swiglu_is_that_of_torch() {
    for (case, swiglu) in cases("swiglu", [fused::swiglu, primitive::swiglu]) {
        let (gate, up) = (case.leaf::<3>("gate"), case.leaf::<3>("up"));
        let gradients = case.backward(swiglu(gate.clone(), up.clone()));
        case.compare("gate", &gate, &gradients);
        case.compare("up", &up, &gradients);
    }
}

#[test]
fn tempered_token_logprobs_are_torchs_cross_entropy() {
    for (case, token_logprobs) in cases("token_logprobs", [fused::token_logprobs, primitive::token_logprobs]) {
        let logits = case.leaf::<3>("logits");
        let tempered = logits.clone().div_scalar(number(&case.reference["temperature"]));
        let targets = integers(&case.reference["targets"], &training_device());
        let gradients = case.backward(token_logprobs(tempered, targets));
        case.compare("logits", &logits, &gradients);
    }
}

#[test]
fn embedding_collects_the_gradients_of_repeated_tokens_as_torch_does() {
    for (case, embedding) in cases("embedding", [fused::embedding, primitive::embedding]) {
        let weight = case.leaf::<2>("weight");
        let ids = integers(&case.reference["ids"], &training_device());
        let gradients = case.backward(embedding(weight.clone(), ids));
        case.compare("weight", &weight, &gradients);
    }
}

#[test]
fn linear_is_that_of_torch() {
    for (case, linear) in cases("linear", [fused::linear, primitive::linear]) {
        let (x, weight) = (case.leaf::<3>("x"), case.leaf::<2>("weight"));
        let gradients = case.backward(linear(x.clone(), weight.clone()));
        case.compare("x", &x, &gradients);
        case.compare("weight", &weight, &gradients);
    }
}
