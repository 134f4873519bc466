//! Sampling completions of a batch of prompts: what sampling, PPO and comparisons have in common.
//!
//! Every completion has its own seed and its own generator, so it does not depend on which others are sampled
//! beside it.

use crate::SessionError;
use crate::finetuning::is_large;
use crate::folder::Folder;
use crate::options::declare::NEW_TOKENS;
use crate::readback::{self, read_tokens};
use futures_lite::future::{yield_now, zip};
use nudge_data::{Completion, Finish, PaddedBatch, Prompt, PromptStyle, Rng, Tokenizer, bucket};
use nudge_model::{Decoder, DecoderConfig, Frozen, Generation, HostGeneration, SamplingOptions};

/// Prompt widths are rounded up to this, so that few shapes occur.
const PROMPT_STEP: usize = 16;
/// Tokens sampled between two calls of [`Rollout::advance`], for those who read along.
const LOOK_EVERY: usize = 8;

/// The most completions of one prompt: all of them are sampled together.
const MOST_COMPLETIONS: usize = 1 << 16;

/// Checks how many completions of one prompt are asked for; `option` is what asks.
///
/// # Errors
/// [`SessionError::Option`] if they are more than anybody can hold.
pub fn check_completions(option: &str, count: usize) -> Result<(), SessionError> {
    match count <= MOST_COMPLETIONS {
        true => Ok(()),
        false => Err(SessionError::option(option, count, format!("at most {MOST_COMPLETIONS}"))),
    }
}

/// The temperature given, or that at which a model of this shape writes English. The story model's answers have 1.16 times
/// the nats of real stories at 0.6 and 1.09 at 0.5; those of SmolLM2-135M win 6.3 instead of 5.7 points of ten at 0.4
/// instead of 0.7 (`tests/README.md`).
pub fn temperature_of(given: Option<f32>, config: &DecoderConfig) -> f32 {
    given.unwrap_or(if is_large(config) { 0.4 } else { 0.5 })
}

/// The temperature given, or that at which a model of this shape explores. At 0.5 PPO finds less: of two tastes its policy won
/// 67 and 68 % over the story model, at 0.7 83 and 83 %, compared at 0.5 (`tests/README.md`).
pub fn exploring_temperature_of(given: Option<f32>, config: &DecoderConfig) -> f32 {
    given.unwrap_or(if is_large(config) { 0.4 } else { 0.7 })
}

/// A batch of completions being sampled.
pub struct Rollout {
    sampler: Sampler,
    rows: Vec<SampledCompletion>,
    max_new_tokens: usize,
    /// Tokens of each row that are not drawn.
    left: usize,
    /// Tokens that end a completion.
    ends: Vec<u32>,
}

/// What draws the tokens.
enum Sampler {
    /// Without tensors: tokens are known at once, and completions that have ended cost nothing.
    Host(Box<HostGeneration>),
    /// On a device, where looking at tokens means waiting: it keeps to itself which completions have ended.
    Device(Box<Generation>),
}

impl Sampler {
    fn new(
        model: &Frozen<Decoder>,
        prompts: &[Vec<u32>],
        tokenizer: &Tokenizer,
        max_new_tokens: usize,
        options: SamplingOptions,
    ) -> Self {
        if HostGeneration::fits(model) {
            return Self::Host(Box::new(HostGeneration::new(model, prompts, max_new_tokens, options)));
        }
        let longest = prompts.iter().map(Vec::len).max().unwrap_or(1);
        let room = model.config.max_position_embeddings - max_new_tokens;
        let batch = PaddedBatch::left(prompts, tokenizer.pad_id(), bucket(longest, PROMPT_STEP).min(room).max(longest));
        let (tokens, mask, rows, ends) = (&batch.tokens, &batch.mask, prompts.len(), tokenizer.end_ids());
        Self::Device(Box::new(Generation::new(model.clone(), tokens, mask, rows, max_new_tokens, &ends, options)))
    }
}

/// One completion as it was sampled.
#[derive(Debug, Clone)]
pub struct SampledCompletion {
    /// Seed of its generator.
    pub seed: u64,
    /// Its tokens so far, the end token included.
    pub tokens: Vec<u32>,
    /// Log-probability of each, as sampled.
    pub logprobs: Vec<f32>,
    /// Whether its last token is the end token, or somebody stopped it.
    pub ended: bool,
    stopped: bool,
    rng: Rng,
}

impl SampledCompletion {
    /// Nothing is sampled yet.
    fn new(seed: u64) -> Self {
        Self { seed, tokens: vec![], logprobs: vec![], ended: false, stopped: false, rng: Rng::new(seed) }
    }

    /// A completion that was sampled elsewhere; nobody knows how likely it was.
    pub fn given(tokens: Vec<u32>, ended: bool) -> Self {
        Self { logprobs: vec![0.0; tokens.len()], tokens, ended, ..Self::new(0) }
    }

    /// The record of it.
    pub fn completion(&self, tokenizer: &Tokenizer) -> Completion {
        Completion {
            seed: Some(self.seed),
            logprob: Some(self.logprobs.iter().sum()),
            finish: Some(match (self.stopped, self.ended) {
                (true, _) => Finish::Stopped,
                (_, true) => Finish::Eos,
                _ => Finish::Length,
            }),
            ..Completion::from_text(self.text(tokenizer))
        }
    }

    /// The text without its end token.
    pub fn text(&self, tokenizer: &Tokenizer) -> String {
        tokenizer.decode(&self.tokens).trim().to_string()
    }
}

impl Rollout {
    /// Reads `prompts`, one row and one seed each.
    pub fn new(
        model: &Frozen<Decoder>,
        tokenizer: &Tokenizer,
        prompts: &[Vec<u32>],
        seeds: impl IntoIterator<Item = u64>,
        max_new_tokens: usize,
        options: SamplingOptions,
    ) -> Self {
        let sampler = Sampler::new(model, prompts, tokenizer, max_new_tokens, options);
        let rows: Vec<SampledCompletion> = seeds.into_iter().map(SampledCompletion::new).collect();
        assert_eq!(rows.len(), prompts.len(), "one seed a prompt");
        Self { sampler, rows, max_new_tokens, left: max_new_tokens, ends: tokenizer.end_ids() }
    }

    /// No token ends a completion: for measurements of a fixed shape.
    pub(crate) fn at_full_length(self) -> Self {
        let sampler = match self.sampler {
            Sampler::Device(generation) => Sampler::Device(Box::new(generation.at_full_length())),
            host => host,
        };
        Self { ends: vec![], sampler, ..self }
    }

    /// Samples a few tokens more. Gives whether all completions are whole.
    pub async fn advance(&mut self) -> Result<bool, SessionError> {
        // A device works ahead of what is read: otherwise it would stand still meanwhile.
        if self.left == self.max_new_tokens && matches!(self.sampler, Sampler::Device(_)) {
            self.draw(LOOK_EVERY);
        }
        self.sample(LOOK_EVERY).await
    }

    /// Samples to the end; waits for a device once.
    pub async fn finish(mut self) -> Result<Vec<SampledCompletion>, SessionError> {
        while !self.sample(usize::MAX).await? {}
        Ok(self.rows)
    }

    /// Samples `steps` tokens, or as many as are left. A device draws them while those before are read.
    ///
    /// # Errors
    /// If a device fails, or the model gives no probabilities: it draws tokens all the same, always the same ones.
    async fn sample(&mut self, steps: usize) -> Result<bool, SessionError> {
        match &mut self.sampler {
            Sampler::Host(_) => {
                let mut left = steps;
                while left > 0 && self.left > 0 && self.rows.iter().any(|row| !row.ended) {
                    self.draw(LOOK_EVERY.min(left));
                    left = left.saturating_sub(LOOK_EVERY);
                    // Whoever pulls may drop the rollout here.
                    yield_now().await;
                }
                readback::counted();
            }
            Sampler::Device(generation) => {
                let before = generation.drain();
                let read = async {
                    match before {
                        Some((tokens, logprobs)) => read_tokens(tokens, logprobs).await,
                        None => Ok(Default::default()),
                    }
                };
                // Asked for first, so that the device hands them over before it begins with these.
                let (before, ()) = zip(read, async { self.draw(steps) }).await;
                self.take(before?);
            }
        }
        if self.rows.iter().flat_map(|row| &row.logprobs).any(|logprob| logprob.is_nan()) {
            return Err(SessionError::NotFinite { what: "a logit" });
        }
        Ok(self.rows.iter().all(|row| row.ended || row.tokens.len() == self.max_new_tokens))
    }

    /// Draws `steps` tokens a row, or as many as are left. Those of a device are not known yet.
    fn draw(&mut self, steps: usize) {
        for _ in 0..steps.min(self.left) {
            let noise: Vec<Option<f32>> =
                self.rows.iter_mut().map(|row| (!row.ended).then(|| row.rng.uniform())).collect();
            if noise.iter().all(Option::is_none) {
                break;
            }
            self.left -= 1;
            match &mut self.sampler {
                Sampler::Host(generation) => {
                    for (row, (token, logprob)) in self.rows.iter_mut().zip(generation.step(&noise)) {
                        row.take(&[token], &[logprob], &self.ends);
                    }
                }
                // What an ended row draws is cut off.
                Sampler::Device(generation) => {
                    generation.step(&noise.iter().map(|noise| noise.unwrap_or(0.0)).collect::<Vec<_>>());
                }
            }
        }
    }

    /// Gives the rows what a device has drawn, some steps of each.
    fn take(&mut self, (tokens, logprobs): (Vec<u32>, Vec<f32>)) {
        let steps = tokens.len() / self.rows.len();
        if steps == 0 {
            return;
        }
        let drawn = tokens.chunks(steps).zip(logprobs.chunks(steps));
        for (row, (tokens, logprobs)) in self.rows.iter_mut().zip(drawn) {
            row.take(tokens, logprobs, &self.ends);
        }
    }

    /// Ends a completion where it stands; nothing happens to one that has ended. The others do not notice.
    pub fn stop(&mut self, row: usize) {
        if let Some(row) = self.rows.get_mut(row).filter(|row| !row.ended) {
            (row.ended, row.stopped) = (true, true);
        }
    }

    /// The completions as they stand.
    pub fn rows(&self) -> &[SampledCompletion] {
        &self.rows
    }
}

impl SampledCompletion {
    /// Appends tokens up to the end token.
    fn take(&mut self, tokens: &[u32], logprobs: &[f32], ends: &[u32]) {
        for (token, logprob) in tokens.iter().zip(logprobs) {
            if self.ended {
                return;
            }
            self.tokens.push(*token);
            self.logprobs.push(*logprob);
            self.ended = ends.contains(token);
        }
    }
}

/// Token ids of prompts as `folder`'s model reads them, each checked: not empty, with room for a completion.
pub fn encode_prompts(
    folder: &Folder,
    prompts: &[Prompt],
    max_new_tokens: usize,
) -> Result<Vec<Vec<u32>>, SessionError> {
    if prompts.is_empty() {
        return Err(SessionError::Nothing("there is no prompt".into()));
    }
    let context = folder.config.max_position_embeddings;
    if max_new_tokens == 0 || max_new_tokens >= context {
        return Err(SessionError::option("max_new_tokens", max_new_tokens, NEW_TOKENS.words));
    }
    let room = context - max_new_tokens;
    let encode = |(index, prompt): (usize, &Prompt)| {
        let wrong = |reason: String| SessionError::Prompt { index: index + 1, reason };
        // A base model continues nothing at all as well as a text.
        if folder.style() == PromptStyle::Chat {
            prompt.check().map_err(wrong)?;
        }
        let tokens = folder.tokenizer.encode_prompt(&prompt.trim_end(), folder.style())?;
        if tokens.len() > room {
            return Err(wrong(format!(
                "it has {} tokens, but a context of {context} leaves {room} beside {max_new_tokens} new ones. Shorten it or lower max_new_tokens",
                tokens.len()
            )));
        }
        Ok(tokens)
    };
    prompts.iter().enumerate().map(encode).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::Device;
    use futures_lite::future::block_on;
    use nudge_model::{DecoderConfig, Parameters};

    const NEW_TOKENS: usize = 21;

    /// Rows of equal and of different prompts, some of which end early.
    fn rollout(on_device: bool) -> Rollout {
        let model = Decoder::init(&DecoderConfig::test(24), 3, &Device::flex()).frozen();
        let prompts: Vec<Vec<u32>> = vec![vec![1, 2, 3], vec![4, 5], vec![1, 2, 3], vec![7, 8, 9], vec![4, 5]];
        let (ends, options) = (vec![6], SamplingOptions::default());
        let sampler = if on_device {
            let batch = PaddedBatch::left(&prompts, 0, 4);
            let (tokens, mask) = (&batch.tokens, &batch.mask);
            Sampler::Device(Box::new(Generation::new(model, tokens, mask, prompts.len(), NEW_TOKENS, &ends, options)))
        } else {
            Sampler::Host(Box::new(HostGeneration::new(&model, &prompts, NEW_TOKENS, options)))
        };
        let rows = (0..prompts.len() as u64).map(SampledCompletion::new).collect();
        Rollout { sampler, rows, max_new_tokens: NEW_TOKENS, left: NEW_TOKENS, ends }
    }

    #[test]
    fn a_device_that_works_ahead_gives_the_completions_of_the_host() {
        let expected = block_on(rollout(false).finish()).unwrap();
        assert!(expected.iter().any(|row| row.ended && row.tokens.len() < LOOK_EVERY));
        assert!(expected.iter().any(|row| !row.ended));
        let tokens = |rows: &[SampledCompletion]| rows.iter().map(|row| row.tokens.clone()).collect::<Vec<_>>();
        assert_eq!(tokens(&block_on(rollout(true).finish()).unwrap()), tokens(&expected));

        let mut growing = rollout(true);
        let mut looks = 0;
        while !block_on(growing.advance()).unwrap() {
            looks += 1;
            let seen = growing.rows()[..].iter().map(|row| row.tokens.len()).max().unwrap();
            assert_eq!(seen, (LOOK_EVERY * looks).min(NEW_TOKENS), "a look shows what was drawn before it");
        }
        assert_eq!(tokens(growing.rows()), tokens(&expected));
    }

    #[test]
    fn a_completion_that_is_stopped_ends_there_and_the_others_go_on() {
        for on_device in [false, true] {
            let expected = block_on(rollout(on_device).finish()).unwrap();
            let longest = (0..expected.len()).max_by_key(|row| expected[*row].tokens.len()).unwrap();
            let mut growing = rollout(on_device);
            assert!(!block_on(growing.advance()).unwrap());
            let shown = growing.rows()[longest].tokens.clone();
            growing.stop(longest);
            let rows = block_on(growing.finish()).unwrap();
            assert_eq!(rows[longest].tokens, shown);
            assert!(rows[longest].stopped);
            for (index, (row, expected)) in rows.iter().zip(&expected).enumerate().filter(|(row, _)| *row != longest) {
                assert_eq!((&row.tokens, row.stopped), (&expected.tokens, false), "{index}");
            }
        }
    }

    #[test]
    fn a_model_without_probabilities_samples_nothing() {
        let model = Decoder::init(&DecoderConfig::test(24), 3, &Device::flex()).map_parameters(|p| p.mul_scalar(1e18));
        let prompts = [vec![1, 2, 3]];
        let sampler = HostGeneration::new(&model.frozen(), &prompts, NEW_TOKENS, SamplingOptions::default());
        let (rows, ends) = (vec![SampledCompletion::new(0)], vec![]);
        let sampler = Sampler::Host(Box::new(sampler));
        let rollout = Rollout { sampler, rows, max_new_tokens: NEW_TOKENS, left: NEW_TOKENS, ends };
        assert!(matches!(block_on(rollout.finish()), Err(SessionError::NotFinite { .. })));
    }

    #[test]
    fn completions_that_have_all_ended_stop_the_device() {
        let mut growing = rollout(true);
        growing.ends = (0..24).collect();
        assert!(block_on(growing.advance()).unwrap());
        assert!(growing.rows().iter().all(|row| row.tokens.len() == 1));
        assert!(growing.left >= NEW_TOKENS - 2 * LOOK_EVERY);
    }
}
