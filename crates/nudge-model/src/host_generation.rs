//! Sampling on the CPU: every row has a cache of its own, finished rows cost nothing, equal prompts are read once.
//!
//! The draws are those of [`crate::Generation`]: one uniform number a row and token. Rows are spread over the threads,
//! each with whole tokens, so threads meet once a token. A row's answer does not depend on the rows beside it.

use crate::host_decoder::{HostCache, HostDecoder, in_whole_blocks};
use crate::{Decoder, Frozen, SamplingOptions};
use nudge_kernels::host::{self, Distribution};
use nudge_kernels::is_flex;

/// Rows that share a pass over the weights at least; fewer read them for too little.
const FEWEST_ROWS: usize = 6;

/// Rows being continued.
pub struct HostGeneration {
    model: HostDecoder,
    distribution: Distribution,
    rows: Vec<Row>,
    left: usize,
}

struct Row {
    cache: HostCache,
    logits: Vec<f32>, // of the next token
    drawn: (u32, f32),
    noise: f32,
}

impl HostGeneration {
    /// Whether the model lives where this works.
    pub fn fits(model: &Frozen<Decoder>) -> bool {
        is_flex(&model.device())
    }

    /// Reads the prompts and makes room for `max_new_tokens` more.
    ///
    /// # Panics
    /// If a prompt is empty or would outgrow the model's context, or the model is not on the CPU.
    pub fn new(model: &Frozen<Decoder>, prompts: &[Vec<u32>], max_new_tokens: usize, options: SamplingOptions) -> Self {
        assert!(Self::fits(model), "sampling on the CPU wants a model there");
        let context = model.config.max_position_embeddings;
        for prompt in prompts {
            let length = prompt.len();
            assert!(
                0 < length && length + max_new_tokens <= context,
                "{length} prompt tokens and {max_new_tokens} new ones do not fit a context of {context}"
            );
        }
        let longest = prompts.iter().map(Vec::len).max().unwrap_or(0) + max_new_tokens;
        let model = HostDecoder::new(model, longest);
        let rows = read_prompts(&model, prompts, max_new_tokens);
        Self { model, distribution: options.distribution(), rows, left: max_new_tokens }
    }

    /// Draws one token for every row that has noise, uniform in `[0, 1)`; gives token and log-probability of each row,
    /// meaningless where there is no noise.
    ///
    /// # Panics
    /// If `noise` has not one entry a row, or all tokens are drawn.
    pub fn step(&mut self, noise: &[Option<f32>]) -> Vec<(u32, f32)> {
        assert_eq!(noise.len(), self.rows.len(), "one entry a row");
        assert!(self.left > 0, "there is no room for another token");
        self.left -= 1;
        let (model, distribution, last) = (&self.model, self.distribution, self.left == 0);
        let mut active: Vec<&mut Row> = Vec::new();
        for (row, noise) in self.rows.iter_mut().zip(noise) {
            if let Some(noise) = noise {
                row.noise = *noise;
                active.push(row);
            }
        }
        let threads = if model.spreads_products() { 1 } else { host::threads() };
        let size = active.len().div_ceil(threads).max(FEWEST_ROWS);
        host::for_each(active.chunks_mut(size).collect(), |rows: &mut [&mut Row]| {
            for row in rows.iter_mut() {
                row.drawn = host::draw(&mut row.logits, row.noise, distribution);
            }
            if !last {
                advance(model, rows);
            }
        });
        self.rows.iter().map(|row| row.drawn).collect()
    }
}

/// Reads the drawn tokens.
fn advance(model: &HostDecoder, rows: &mut [&mut Row]) {
    let tokens: Vec<u32> = rows.iter().map(|row| row.drawn.0).collect();
    let mut caches: Vec<&mut HostCache> = rows.iter_mut().map(|row| &mut row.cache).collect();
    let logits = model.read(&tokens, &mut caches);
    for (row, logits) in rows.iter_mut().zip(logits.chunks_exact(model.config.vocab_size)) {
        row.logits.clear();
        row.logits.extend_from_slice(logits);
    }
}

/// Reads every different prompt once, and once what all of them begin with; the others copy what it left.
fn read_prompts(model: &HostDecoder, prompts: &[Vec<u32>], max_new_tokens: usize) -> Vec<Row> {
    let firsts: Vec<usize> =
        prompts.iter().map(|prompt| prompts.iter().position(|other| other == prompt).unwrap_or(0)).collect();
    let shared = shared_tokens(prompts);
    let mut begun = HostCache::new(&model.config, shared);
    model.read_blocks(prompts.first().map_or(&[], Vec::as_slice), 0..shared, &mut begun);
    let mut read: Vec<Option<Row>> = prompts.iter().map(|_| None).collect();
    let work = read.iter_mut().enumerate().filter(|(index, _)| firsts[*index] == *index).collect();
    host::for_each(work, |(index, row): (usize, &mut Option<Row>)| {
        let prompt = &prompts[index];
        let mut cache = begun.copy(&model.config, prompt.len() + max_new_tokens);
        let logits = model.read_prompt(prompt, shared, &mut cache);
        *row = Some(Row { cache, logits, drawn: (0, 0.0), noise: 0.0 });
    });
    for index in 0..prompts.len() {
        if let (None, Some(first)) = (&read[index], &read[firsts[index]]) {
            let cache = first.cache.copy(&model.config, prompts[index].len() + max_new_tokens);
            read[index] = Some(Row { cache, logits: first.logits.clone(), drawn: (0, 0.0), noise: 0.0 });
        }
    }
    read.into_iter().flatten().collect()
}

/// How many tokens different prompts begin with alike, in whole blocks, each with at least one token behind them; none
/// where all are one prompt.
fn shared_tokens(prompts: &[Vec<u32>]) -> usize {
    let Some((first, others)) = prompts.split_first() else { return 0 };
    if others.iter().all(|other| other == first) {
        return 0;
    }
    let alike = |other: &Vec<u32>| first.iter().zip(other).take_while(|(a, b)| a == b).count();
    let shortest = prompts.iter().map(|prompt| prompt.len() - 1).min().unwrap_or(0);
    in_whole_blocks(others.iter().map(alike).min().unwrap_or(0).min(shortest))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host_decoder::BLOCK;
    use crate::{DecoderConfig, Generation, Parameters};
    use burn::tensor::Device;

    fn model(config: &DecoderConfig) -> Frozen<Decoder> {
        Decoder::init(config, 5, &Device::flex()).map_parameters(|p| p.mul_scalar(4.0)).frozen()
    }

    fn noise(row: usize, step: usize) -> f32 {
        (0.37 + 0.61 * row as f32 + 0.29 * step as f32).fract()
    }

    #[test]
    fn tokens_and_logprobs_are_those_of_sampling_with_tensors() {
        let mut config = DecoderConfig::test(300);
        config.num_key_value_heads = 1;
        let model = model(&config);
        let prompts: Vec<Vec<u32>> = vec![vec![7, 8, 9, 10], vec![3, 4, 5, 6], vec![7, 8, 9, 10]];
        let all = [(0.8, 0, 1.0), (1.3, 5, 1.0), (1.3, 0, 0.6), (0.9, 20, 0.8)];
        for (temperature, top_k, top_p) in all {
            let options = SamplingOptions { temperature, top_k, top_p };
            let tokens: Vec<u32> = prompts.concat();
            let mut with_tensors = Generation::new(model.clone(), &tokens, &[true; 12], 3, 6, &[], options);
            let mut here = HostGeneration::new(&model, &prompts, 6, options);
            let mut drawn = Vec::new();
            for step in 0..6 {
                let noise: Vec<f32> = (0..3).map(|row| noise(row, step)).collect();
                with_tensors.step(&noise);
                drawn.push(here.step(&noise.iter().copied().map(Some).collect::<Vec<_>>()));
            }
            let (tokens, logprobs) = with_tensors.drain().unwrap();
            let tokens: Vec<i32> = tokens.to_data().convert::<i32>().try_to_vec().unwrap();
            let logprobs: Vec<f32> = logprobs.to_data().try_to_vec().unwrap();
            for (place, (token, logprob)) in tokens.iter().zip(&logprobs).enumerate() {
                let (row, step) = (place / 6, place % 6);
                assert_eq!(drawn[step][row].0 as i32, *token, "row {row}, step {step}");
                assert!((drawn[step][row].1 - logprob).abs() < 1e-4, "row {row}, step {step}");
            }
        }
    }

    #[test]
    fn prompts_that_begin_alike_have_the_answers_they_have_alone() {
        let mut config = DecoderConfig::test(50);
        config.max_position_embeddings = 12 * BLOCK;
        config.num_key_value_heads = 1;
        let model = model(&config);
        let behind = |begun: usize, last: u32, length: usize| -> Vec<u32> {
            let begun = (0..begun as u32).map(|i| 3 + i * i % 41);
            begun.chain((0..length as u32).map(|i| 3 + (i + last) % 40)).collect()
        };
        let prompt = |last: u32, length: usize| behind(2 * BLOCK, last, length);
        // Two blocks alike and a few tokens; two blocks and nothing; one prompt twice.
        let prompts = [prompt(1, 5), prompt(2, 70), prompt(1, 5), prompt(4, 0)];
        assert_eq!(shared_tokens(&prompts), BLOCK, "the last token of a prompt is read by itself");
        assert_eq!(shared_tokens(&prompts[..2]), 2 * BLOCK);
        assert_eq!(shared_tokens(&[prompts[0].clone(), prompts[2].clone()]), 0);
        let steps = |generation: &mut HostGeneration, rows: usize| -> Vec<Vec<(u32, f32)>> {
            (0..4).map(|step| generation.step(&vec![Some(noise(7, step)); rows])).collect()
        };
        let options = SamplingOptions::default();
        // Blocks grow: of nine alike eight are shared, and of the one that goes on three behind them are read together.
        let long = [behind(9 * BLOCK, 1, 20), behind(9 * BLOCK, 2, 2 * BLOCK)];
        assert_eq!(shared_tokens(&long), 8 * BLOCK);
        for prompts in [&prompts[..], &long] {
            let rows = prompts.len();
            let together = steps(&mut HostGeneration::new(&model, prompts, 4, options), rows);
            for row in 0..rows {
                let alone = steps(&mut HostGeneration::new(&model, &prompts[row..=row], 4, options), 1);
                for (alone, together) in alone.iter().zip(&together) {
                    assert_eq!(alone[0], together[row], "row {row}");
                }
            }
        }
    }

    #[test]
    fn an_answer_is_the_same_whoever_stands_beside_it_and_whenever_they_end() {
        let model = model(&DecoderConfig::test(50));
        let prompts: Vec<Vec<u32>> = (0..9).map(|row| (0..row + 2).map(|i| (3 + i) as u32).collect()).collect();
        let options = SamplingOptions::default();
        let mut together = HostGeneration::new(&model, &prompts, 8, options);
        let all: Vec<Vec<(u32, f32)>> = (0..8)
            .map(|step| together.step(&(0..9).map(|row| (step < row).then(|| noise(row, step))).collect::<Vec<_>>()))
            .collect();
        for row in [2, 8] {
            let mut alone = HostGeneration::new(&model, &prompts[row..=row], 8, options);
            for (step, all) in all.iter().enumerate().take(row.min(8)) {
                assert_eq!(alone.step(&[Some(noise(row, step))])[0], all[row]);
            }
        }
    }
}
