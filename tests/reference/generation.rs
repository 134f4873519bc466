//! Sampling with a cache: transformers' greedy continuations, and their log-probabilities three ways.
//!
//! With the cache behind left padding, with the cache and no padding, and by one full forward pass.

use burn::tensor::Device;
use nudge_model::generation::GREEDY;
use nudge_model::{Decoder, Generation, HostGeneration, SamplingOptions, TokenBatch};
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

/// Prompts and how a model continues them.
pub struct Fixture {
    json: Value,
    model: Decoder,
    prompts: Vec<Vec<u32>>,
    mask: Vec<Vec<bool>>,
    tokens: Vec<Vec<u32>>,
    noise: Vec<Vec<f32>>,
}

impl Fixture {
    /// What transformers' `generate` gave for `model`.
    pub fn new(json: Value, model: Decoder) -> Self {
        Self {
            model,
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

    /// The tokens that the noise draws, and those of greed, with a cache behind left padding.
    pub fn assert_continued(&self) {
        let options = SamplingOptions::default();
        let (tokens, logprobs) = continued(&self.model, &self.prompts, &self.mask, &self.noise, options);
        assert_eq!(tokens, self.tokens.concat(), "drawn by the noise");
        assert_values("log-probabilities", &logprobs, &self.json["logprobs"]);
        let other = |row: &Vec<f32>| row.iter().map(|u| (u + 0.5) % 1.0).collect();
        let other_noise: Vec<Vec<f32>> = self.noise.iter().map(other).collect();
        let (tokens, _) = continued(&self.model, &self.prompts, &self.mask, &other_noise, GREEDY);
        assert_eq!(tokens, self.tokens.concat(), "the likeliest");
    }

    /// The same on host slices.
    pub fn assert_continued_on_the_host(&self) {
        let prompts: Vec<Vec<u32>> = (0..self.prompts.len()).map(|row| self.prompt(row)).collect();
        let steps = self.noise[0].len();
        let mut generation = HostGeneration::new(&self.model.frozen(), &prompts, steps, SamplingOptions::default());
        let drawn: Vec<Vec<(u32, f32)>> = (0..steps)
            .map(|step| generation.step(&self.noise.iter().map(|row| Some(row[step])).collect::<Vec<_>>()))
            .collect();
        let by_row = |row: usize| drawn.iter().map(move |drawn| drawn[row]);
        let (tokens, logprobs): (Vec<u32>, Vec<f32>) = (0..prompts.len()).flat_map(by_row).unzip();
        assert_eq!(tokens, self.tokens.concat(), "drawn by the noise on the host");
        assert_values("log-probabilities on the host", &logprobs, &self.json["logprobs"]);
    }

    /// Every row alone, and by one full forward pass.
    pub fn assert_rows_alone(&self) {
        for row in 0..self.prompts.len() {
            self.assert_alone(row);
            self.assert_one_pass(row);
        }
    }

    fn assert_alone(&self, row: usize) {
        let (prompt, noise) = (self.prompt(row), self.noise[row].clone());
        let mask = vec![true; prompt.len()];
        let (tokens, logprobs) = continued(&self.model, &[prompt], &[mask], &[noise], SamplingOptions::default());
        assert_eq!(tokens, self.tokens[row], "row {row}");
        assert_values(&format!("row {row}"), &logprobs, &self.json["logprobs"][row]);
    }

    fn assert_one_pass(&self, row: usize) {
        let (steps, config) = (self.tokens[0].len(), &self.model.config);
        let tokens = [self.prompt(row), self.tokens[row].clone()].concat();
        let mask = vec![true; tokens.len()];
        let batch = TokenBatch::new(&tokens, &mask, 1, tokens.len(), config, &Device::flex());
        let logprobs = numbers(self.model.next_token_logprobs(&batch, 1.0));
        let expected = &self.json["logprobs"][row];
        assert_values(&format!("one pass of row {row}"), &logprobs[logprobs.len() - steps..], expected);
    }
}

fn llama() -> Fixture {
    Fixture::new(read(JSON), reference("untied").1)
}

#[test]
fn left_padded_rows_continue_as_in_transformers() {
    llama().assert_continued();
}

#[test]
fn rows_on_the_host_continue_as_in_transformers() {
    llama().assert_continued_on_the_host();
}

#[test]
fn a_row_alone_continues_as_it_does_behind_padding_and_a_full_forward_pass_agrees() {
    llama().assert_rows_alone();
}
