//! The toy: one prompt, four tokens, completions of at most three and a reward for each, a small decoder as reference.
//!
//! Token 0 is the id that fills batches. Here the policy may also choose it: masks that asked for ids and not for
//! lengths would show.

use super::tree::CompletionTree;
use crate::SessionError;
use crate::error::named;
use crate::folder::WEIGHTS;
use crate::protocol::Files;
use crate::readback::read;
use burn::tensor::Device;
use nudge_data::{EncodedDemonstration, PaddedBatch, Rng, Tokenizer, tokenizer::MIN_VOCAB_SIZE};
use nudge_model::{Decoder, DecoderConfig, Parameters, Tensors, TokenBatch};

/// Tokens to choose from at each step, the end token among them.
pub const VOCABULARY: usize = 4;
/// Tokens of the longest completion.
pub const LONGEST: usize = 3;
/// The prompt: the end token, which stands before a text as well. It is the one token that no unfinished completion
/// holds: behind a prompt of `a`, attention with relative positions cannot tell the prefix `a` from the prefix `a a`.
pub const PROMPT: [u32; 1] = [1];

/// Twice the usual initial weights: completions are up to 40 times as likely as others.
const INITIAL_SCALE: f32 = 2.0;

/// The toy.
pub struct Toy {
    /// All completions.
    pub tree: CompletionTree,
    /// The reward of each, independent draws from the standard normal distribution. Each is a number in `f32`.
    pub rewards: Vec<f64>,
    /// The probability of each under the reference.
    pub reference: Vec<f64>,
    /// The same by token, one number a place of the tree.
    pub reference_tokens: Vec<f64>,
    /// The reference.
    pub start: Decoder,
    /// For its pad and end token alone: its vocabulary is larger than the model's.
    pub tokenizer: Tokenizer,
    /// Where everything is computed.
    pub device: Device,
}

impl Toy {
    /// The toy of `seed`.
    pub async fn new(seed: u64, device: &Device) -> Result<Self, SessionError> {
        let tokenizer = Tokenizer::train(["."].into_iter(), MIN_VOCAB_SIZE)?;
        let tree = CompletionTree::new(VOCABULARY, LONGEST, tokenizer.eos_id());
        let shape = DecoderConfig::new(VOCABULARY, 32, 1, 2, 64, PROMPT.len() + LONGEST);
        let config = DecoderConfig { tie_word_embeddings: false, ..shape };
        let start =
            Decoder::init(&config, seed, device).map_parameters(|parameter| parameter.mul_scalar(INITIAL_SCALE));
        let mut rng = Rng::with_stream(seed, 1);
        let rewards = tree.completions.iter().map(|_| f64::from(rng.normal())).collect();
        let device = device.clone();
        let mut this = Self { tree, rewards, reference: vec![], reference_tokens: vec![], start, tokenizer, device };
        this.reference_tokens = this.token_probabilities(&this.start).await?;
        this.reference = this.tree.distribution(&this.reference_tokens);
        Ok(this)
    }

    /// Each completion behind the prompt, as the stages that learn from given completions read it.
    pub fn rows(&self) -> Vec<EncodedDemonstration> {
        let row = |completion: &Vec<u32>| EncodedDemonstration {
            tokens: [&PROMPT, completion.as_slice()].concat(),
            loss_mask: [vec![false; PROMPT.len()], vec![true; completion.len()]].concat(),
        };
        self.tree.completions.iter().map(row).collect()
    }

    /// The exact distribution over completions of a model in a stage's files.
    pub async fn policy(&self, model: &Files) -> Result<Vec<f64>, SessionError> {
        let weights = model.get(WEIGHTS).ok_or_else(|| SessionError::MissingFile {
            folder: "policy".into(),
            file: WEIGHTS.into(),
            kind: "model folder",
        })?;
        let tensors =
            Tensors::from_safetensors(WEIGHTS, weights.clone()).map_err(|error| named("policy")(error.into()))?;
        let policy = Decoder::from_tensors(&self.start.config, &tensors, &self.device).map_err(named("policy"))?;
        Ok(self.tree.distribution(&self.token_probabilities(&policy).await?))
    }

    /// The probability of every token behind every prefix, one number a place of the tree: one forward pass over all
    /// completions.
    async fn token_probabilities(&self, model: &Decoder) -> Result<Vec<f64>, SessionError> {
        let rows: Vec<Vec<u32>> = self.rows().into_iter().map(|row| row.tokens).collect();
        let time = PROMPT.len() + LONGEST;
        let padded = PaddedBatch::right(&rows, self.tokenizer.pad_id(), time);
        let batch = TokenBatch::new(&padded.tokens, &padded.mask, padded.batch, time, &model.config, &self.device);
        let logprobs = read(model.next_token_logprobs(&batch, 1.0)).await?; // [completions, time - 1]
        let of_one = |(logprobs, completion): (&[f32], &Vec<u32>)| {
            let of_one = logprobs[PROMPT.len() - 1..].iter().take(completion.len());
            of_one.map(|logprob| f64::from(*logprob).exp()).collect()
        };
        let by_token: Vec<Vec<f64>> = logprobs.chunks(time - 1).zip(&self.tree.completions).map(of_one).collect();
        Ok(self.tree.by_place(&by_token))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_lite::future::block_on;

    #[test]
    fn the_reference_is_a_distribution_and_not_flat() {
        for seed in 1..5 {
            let toy = block_on(Toy::new(seed, &Device::flex())).unwrap();
            assert!((toy.reference.iter().sum::<f64>() - 1.0).abs() < 1e-5);
            for tokens in toy.reference_tokens.chunks(VOCABULARY) {
                assert!((tokens.iter().sum::<f64>() - 1.0).abs() < 1e-5, "{tokens:?}");
            }
            let (low, high) = toy.reference.iter().fold((1.0f64, 0.0f64), |(low, high), p| (low.min(*p), high.max(*p)));
            assert!(high > 10.0 * low && high < 0.5, "seed {seed}: {low} to {high}");
        }
    }
}
