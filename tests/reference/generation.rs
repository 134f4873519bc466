//! Sampling with a cache: transformers' greedy continuations, and their log-probabilities three ways.
//!
//! With the cache behind left padding, with the cache and no padding, and by one full forward pass.

use burn::tensor::Device;
use nudge_model::generation::GREEDY;
use nudge_model::{Decoder, Generation, SamplingOptions, TokenBatch};
use serde_json::Value;

use super::decoder::reference;
use super::{assert_values, numbers, read, rows};

const JSON: &str = include_str!("generation.json");

/// Tokens and log-probabilities drawn with the noise of the file, `[batch, steps]`.
fn continued(
    model: &Decoder,
    prompts: &[Vec<u32>],
    mask: &[Vec<bool>],
    noise: &[Vec<f32>],
    options: SamplingOptions,
) -> (Vec<u32>, Vec<f32>) {
    let steps = noise[0].len();
    let (tokens, mask) = (prompts.concat(), mask.concat());
    let mut generation = Generation::new(model.frozen(), &tokens, &mask, prompts.len(), steps, &[], options);
    for step in 0..steps {
        generation.step(&noise.iter().map(|row| row[step]).collect::<Vec<_>>());
    }
    let (tokens, logprobs) = generation.drain().expect("tokens were drawn");
    let tokens = tokens.into_data().convert::<i32>().try_into_vec::<i32>().expect("whole numbers");
    (tokens.into_iter().map(|token| token as u32).collect(), numbers(logprobs))
}

struct Fixture {
    json: Value,
    model: Decoder,
    prompts: Vec<Vec<u32>>,
    mask: Vec<Vec<bool>>,
    tokens: Vec<Vec<u32>>,
    noise: Vec<Vec<f32>>,
}

impl Fixture {
    fn new() -> Self {
        let json = read(JSON);
        Self {
            model: reference("untied").1,
            prompts: rows(&json["prompts"]),
            mask: rows(&json["mask"]),
            tokens: rows(&json["tokens"]),
            noise: rows(&json["noise"]),
            json,
        }
    }

    /// The prompt of a row without its padding.
    fn prompt(&self, row: usize) -> Vec<u32> {
        self.prompts[row].iter().zip(&self.mask[row]).filter(|(_, real)| **real).map(|(token, _)| *token).collect()
    }
}

#[test]
fn left_padded_rows_continue_as_in_transformers() {
    let of = Fixture::new();
    let (tokens, logprobs) = continued(&of.model, &of.prompts, &of.mask, &of.noise, SamplingOptions::default());
    assert_eq!(tokens, of.tokens.concat(), "drawn by the noise");
    assert_values("log-probabilities", &logprobs, &of.json["logprobs"]);
}

#[test]
fn greedy_tokens_are_those_of_transformers() {
    let of = Fixture::new();
    let other_noise: Vec<Vec<f32>> = of.noise.iter().map(|row| row.iter().map(|u| (u + 0.5) % 1.0).collect()).collect();
    assert_eq!(continued(&of.model, &of.prompts, &of.mask, &other_noise, GREEDY).0, of.tokens.concat());
}

#[test]
fn a_row_alone_continues_as_it_does_behind_padding() {
    let of = Fixture::new();
    for row in 0..of.prompts.len() {
        let (prompt, noise) = (of.prompt(row), of.noise[row].clone());
        let mask = vec![true; prompt.len()];
        let (tokens, logprobs) = continued(&of.model, &[prompt], &[mask], &[noise], SamplingOptions::default());
        assert_eq!(tokens, of.tokens[row], "row {row}");
        assert_values(&format!("row {row}"), &logprobs, &of.json["logprobs"][row]);
    }
}

#[test]
fn a_full_forward_pass_gives_the_log_probabilities_of_the_cache() {
    let of = Fixture::new();
    let steps = of.tokens[0].len();
    for row in 0..of.prompts.len() {
        let tokens = [of.prompt(row), of.tokens[row].clone()].concat();
        let mask = vec![true; tokens.len()];
        let batch = TokenBatch::new(&tokens, &mask, 1, tokens.len(), &of.model.config, &Device::flex());
        let logprobs = numbers(of.model.next_token_logprobs(&batch, 1.0));
        assert_values(&format!("row {row}"), &logprobs[logprobs.len() - steps..], &of.json["logprobs"][row]);
    }
}
