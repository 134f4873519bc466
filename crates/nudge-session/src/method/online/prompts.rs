//! Which prompts a step answers, and the answers.
//!
//! Prompts come in epochs, each a new order of all of them. Deliberately absent: scores.

use crate::SessionError;
use crate::folder::Folder;
use crate::labeler::Labeler;
use crate::protocol::{Event, Metrics};
use crate::rollout::{Rollout, Row, encode_prompts};
use crate::stage::epoch_places;
use nudge_data::{Prompt, Rng, Tokenizer};
use nudge_model::{Decoder, Frozen, SamplingOptions};
use nudge_rlhf::distinct_n;

/// Rollouts of each step that are shown to be read along.
const SHOWN_ROLLOUTS: usize = 4;

/// The prompts of a run and how they are answered.
pub struct Prompts {
    texts: Vec<Prompt>,
    encoded: Vec<Vec<u32>>,
    tokenizer: Tokenizer,
    seed: u64,
    max_new_tokens: usize,
    sampling: SamplingOptions,
    at_full_length: bool,
}

/// The answers of one step.
pub struct Answers {
    /// Place of each answer's prompt among all prompts.
    pub places: Vec<usize>,
    /// Tokens of each answer's prompt.
    pub prompts: Vec<Vec<u32>>,
    /// The answers.
    pub rows: Vec<Row>,
}

impl Prompts {
    /// Checks and encodes the prompts as `folder`'s model reads them.
    pub fn new(
        folder: &Folder,
        texts: Vec<Prompt>,
        max_new_tokens: usize,
        temperature: f32,
        seed: u64,
    ) -> Result<Self, SessionError> {
        let encoded = encode_prompts(folder, &texts, max_new_tokens)?;
        Ok(Self::encoded(texts, encoded, folder.tokenizer.clone(), max_new_tokens, temperature, seed))
    }

    /// Prompts that are token ids already, `encoded`, and what they are called where they are shown, `texts`.
    pub(crate) fn encoded(
        texts: Vec<Prompt>,
        encoded: Vec<Vec<u32>>,
        tokenizer: Tokenizer,
        max_new_tokens: usize,
        temperature: f32,
        seed: u64,
    ) -> Self {
        let sampling = SamplingOptions { temperature, ..Default::default() };
        Self { texts, encoded, tokenizer, seed, max_new_tokens, sampling, at_full_length: false }
    }

    /// Every answer gets all its tokens, end token or not: for measurements of a fixed shape.
    pub(crate) fn at_full_length(self) -> Self {
        Self { at_full_length: true, ..self }
    }

    /// The tokenizer of policy, reference and reward models.
    pub fn tokenizer(&self) -> &Tokenizer {
        &self.tokenizer
    }

    /// Step number `step` (from 0): `k` answers to each of `count` prompts, those of one prompt side by side.
    pub async fn answer(
        &self,
        policy: &Frozen<Decoder>,
        step: usize,
        count: usize,
        k: usize,
        rng: &mut Rng,
    ) -> Result<Answers, SessionError> {
        let chosen = epoch_places(self.encoded.len(), step * count, count, self.seed);
        let places: Vec<usize> = chosen.into_iter().flat_map(|place| std::iter::repeat_n(place, k)).collect();
        let prompts: Vec<Vec<u32>> = places.iter().map(|place| self.encoded[*place].clone()).collect();
        let seeds: Vec<u64> = places.iter().map(|_| rng.next_u64()).collect();
        let rollout = Rollout::new(policy, &self.tokenizer, &prompts, seeds, self.max_new_tokens, self.sampling);
        let rollout = if self.at_full_length { rollout.at_full_length() } else { rollout };
        Ok(Answers { places, prompts, rows: rollout.finish().await? })
    }

    /// The texts of the answers: their variety goes into `metrics`, with the gold labeler's mean score if there is
    /// one, and a few of them into events to be read along.
    pub fn tell(
        &self,
        answers: &Answers,
        gold: Option<Labeler>,
        metrics: &mut Metrics,
        score_and_kl: impl Fn(usize) -> (f32, f32),
    ) -> Vec<Event> {
        let texts: Vec<String> = answers.rows.iter().map(|row| row.text(&self.tokenizer)).collect();
        if let Some(gold) = gold {
            let mean = texts.iter().map(|text| f64::from(gold.score(text))).sum::<f64>() / texts.len() as f64;
            metrics.insert("objective/gold_score".into(), mean);
        }
        let tokens: Vec<Vec<u32>> = answers.rows.iter().map(|row| row.tokens.clone()).collect();
        for n in [1, 2] {
            metrics.insert(format!("completions/distinct_{n}"), distinct_n(&tokens, n));
        }
        let shown = texts.into_iter().enumerate().take(SHOWN_ROLLOUTS).map(|(index, answer)| {
            let (score, kl) = score_and_kl(index);
            Event::Rollout { prompt: self.texts[answers.places[index]].clone(), answer, score, kl }
        });
        shown.collect()
    }
}
