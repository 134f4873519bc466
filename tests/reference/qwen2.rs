//! Qwen2: logits, loss, gradients and greedy text of transformers, with biases that its configuration does not mention.

use nudge_model::{DecoderConfig, Parameters};
use serde_json::{Value, json};

use super::decoder::{assert_logits, assert_loss_and_gradients, decoder};
use super::generation::Fixture;
use super::read;

const JSON: &str = include_str!("qwen2.json");

#[test]
fn logits_and_gradients_are_those_of_transformers() {
    let reference = &read(JSON)["forward"];
    let model = decoder(reference);
    assert_eq!(model.config.model_type, "qwen2");
    assert_logits("qwen2", reference, &model);
    assert_loss_and_gradients("qwen2", reference, &model);
}

#[test]
fn a_window_that_slides_is_refused_and_every_weight_is_counted() {
    let reference = read(JSON)["forward"].clone();
    let model = decoder(&reference);
    let numbers: usize = model.parameters().iter().map(|(_, weight)| weight.dims().iter().product::<usize>()).sum();
    assert_eq!(numbers, model.config.parameter_count());
    let written: Value = serde_json::from_slice(&model.config.to_json("ForCausalLM", 1, 0)).expect("own output");
    assert_eq!((&written["architectures"][0], &written["model_type"]), (&json!("Qwen2ForCausalLM"), &json!("qwen2")));
    let mut config = reference["config"].clone();
    config["use_sliding_window"] = true.into();
    let error = DecoderConfig::from_json(config.to_string().as_bytes()).expect_err("a window that slides");
    assert!(error.to_string().contains("use_sliding_window is true"), "{error}");
}

#[test]
fn greedy_text_is_that_of_transformers_with_a_cache_and_on_the_host() {
    let reference = read(JSON);
    let fixture = Fixture::new(reference["generation"].clone(), decoder(&reference["forward"]));
    fixture.assert_continued();
    fixture.assert_continued_on_the_host();
}
