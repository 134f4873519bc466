//! The decoder: logits, loss and gradients of transformers' Llama.

use burn::tensor::{Device, Tensor, TensorData};
use nudge_model::{Decoder, DecoderConfig, Parameters, TokenBatch};
use serde_json::Value;

use super::{assert_summaries, number, numbers, read, rows, values, weights};

const JSON: &str = include_str!("decoder.json");

/// The reference called `name`, as a model and its rows.
pub fn reference(name: &str) -> (Value, Decoder) {
    let reference = read(JSON)[name].clone();
    let model = decoder(&reference);
    (reference, model)
}

/// A model of transformers by its configuration and weights.
pub fn decoder(reference: &Value) -> Decoder {
    let config = DecoderConfig::from_json(reference["config"].to_string().as_bytes()).expect("a known configuration");
    let model = Decoder::from_tensors(&config, &weights(&reference["weights"]), &Device::flex());
    model.expect("transformers' names and shapes")
}

fn batch(reference: &Value, config: &DecoderConfig, device: &Device) -> TokenBatch {
    let (tokens, mask) = (rows::<u32>(&reference["tokens"]), rows::<bool>(&reference["mask"]));
    TokenBatch::new(&tokens.concat(), &mask.concat(), tokens.len(), tokens[0].len(), config, device)
}

/// Compares the logits at all real tokens.
pub fn assert_logits(name: &str, reference: &Value, model: &Decoder) {
    let batch = batch(reference, &model.config, &Device::flex());
    let logits = numbers(model.logits(model.hidden(&batch)));
    let (expected, real) = (values(&reference["logits"]), rows::<bool>(&reference["mask"]).concat());
    let vocab = model.config.vocab_size;
    let mut compared = 0;
    for (place, (found, expected)) in logits.iter().zip(&expected).enumerate().filter(|(p, _)| real[p / vocab]) {
        assert!((found - expected).abs() < 1e-5, "{name}, position {place}: {found} instead of {expected}");
        compared += 1;
    }
    assert_eq!(compared, 18 * 19, "real tokens times vocabulary");
}

/// Compares the loss, and the gradient of every parameter.
pub fn assert_loss_and_gradients(name: &str, reference: &Value, model: &Decoder) {
    let device = Device::flex().autodiff();
    let tracked = model.tracked();
    let logprobs = tracked.next_token_logprobs(&batch(reference, &model.config, &device), 1.0);
    // A next token counts where it and the token before it are real.
    let scored: Vec<f32> = rows::<bool>(&reference["mask"])
        .iter()
        .flat_map(|row| row.windows(2).map(|pair| f32::from(u8::from(pair[0] && pair[1]))))
        .collect();
    let count: f32 = scored.iter().sum();
    let scored = Tensor::<2>::from_data(TensorData::new(scored, logprobs.dims()), &device);
    let loss = (logprobs * scored).sum().neg().div_scalar(count);
    let (found, expected) = (numbers(loss.clone().inner())[0], number(&reference["loss"]));
    assert!((found - expected).abs() < 1e-5, "{name}: loss {found} instead of {expected}");
    assert_summaries(name, loss, &tracked, &reference["gradients"]);
}

#[test]
fn logits_are_those_of_transformers() {
    for name in ["untied", "tied"] {
        let (reference, model) = reference(name);
        assert_logits(name, &reference, &model);
    }
}

#[test]
fn loss_and_gradients_are_those_of_transformers() {
    for name in ["untied", "tied"] {
        let (reference, model) = reference(name);
        assert_loss_and_gradients(name, &reference, &model);
    }
}
