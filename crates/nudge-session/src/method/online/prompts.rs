//! Which prompts a step completes, and the completions.
//!
//! Prompts come in epochs, each a new order of all of them.

use crate::SessionError;
use crate::batch::epoch_places;
use crate::folder::Folder;
use crate::labeler::Labeler;
use crate::protocol::{Event, Metrics};
use crate::rollout::{Rollout, SampledCompletion, encode_prompts};
use nudge_data::{Prompt, Rng, Tokenizer};
use nudge_model::{Decoder, Frozen, SamplingOptions};
use nudge_rlhf::distinct_n;

/// Completions of each step that are shown to be read along.
const SHOWN_COMPLETIONS: usize = 4;

/// The prompts of a run.
pub struct Prompts {
    texts: Vec<Prompt>,
    encoded: Vec<Vec<u32>>,
    tokenizer: Tokenizer,
    at_full_length: bool,
}

/// The completions of one step.
#[derive(Clone)]
pub struct Completions {
    /// Place of each completion's prompt among all prompts.
    pub places: Vec<usize>,
    /// Tokens of each completion's prompt.
    pub prompts: Vec<Vec<u32>>,
    /// The completions.
    pub completions: Vec<SampledCompletion>,
}

impl Prompts {
    /// Checks and encodes the prompts as `folder`'s model reads them.
    ///
    /// # Errors
    /// If there is none, or one leaves no room for `max_new_tokens` more.
    pub fn of_folder(folder: &Folder, texts: Vec<Prompt>, max_new_tokens: usize) -> Result<Self, SessionError> {
        let encoded = encode_prompts(folder, &texts, max_new_tokens)?;
        Ok(Self::encoded(texts, encoded, folder.tokenizer.clone()))
    }

    /// Prompts that are token ids already, `encoded`, and what they are called where they are shown, `texts`.
    pub fn encoded(texts: Vec<Prompt>, encoded: Vec<Vec<u32>>, tokenizer: Tokenizer) -> Self {
        Self { texts, encoded, tokenizer, at_full_length: false }
    }

    /// Every completion gets all its tokens, end token or not: for measurements of a fixed shape.
    pub(crate) fn at_full_length(self) -> Self {
        Self { at_full_length: true, ..self }
    }

    /// The tokenizer of policy, reference and reward models.
    pub fn tokenizer(&self) -> &Tokenizer {
        &self.tokenizer
    }

    /// Step number `step` (from 0): `k` completions of each of `count` prompts, those of one prompt side by side.
    ///
    /// # Errors
    /// If the device fails.
    #[allow(clippy::too_many_arguments)]
    pub async fn complete(
        &self,
        policy: &Frozen<Decoder>,
        step: usize,
        count: usize,
        k: usize,
        sampling: SamplingOptions,
        max_new_tokens: usize,
        seed: u64,
        rng: &mut Rng,
    ) -> Result<Completions, SessionError> {
        let chosen = epoch_places(self.encoded.len(), step * count, count, seed);
        let places: Vec<usize> = chosen.into_iter().flat_map(|place| std::iter::repeat_n(place, k)).collect();
        let prompts: Vec<Vec<u32>> = places.iter().map(|place| self.encoded[*place].clone()).collect();
        let seeds: Vec<u64> = places.iter().map(|_| rng.next_u64()).collect();
        let rollout = Rollout::new(policy, &self.tokenizer, &prompts, seeds, max_new_tokens, sampling);
        let rollout = if self.at_full_length { rollout.at_full_length() } else { rollout };
        Ok(Completions { places, prompts, completions: rollout.finish().await? })
    }

    /// What is asked at a place.
    pub fn text_of(&self, place: usize) -> &Prompt {
        &self.texts[place]
    }

    /// The texts of the completions: their variety goes into `metrics`, with the gold labeler's mean score if there is
    /// one, and a few of them into events to be read along.
    pub fn tell(
        &self,
        completions: &Completions,
        gold: Option<Labeler>,
        metrics: &mut Metrics,
        score_and_kl: impl Fn(usize) -> (f32, f32),
    ) -> Vec<Event> {
        let texts: Vec<String> =
            completions.completions.iter().map(|completion| completion.text(&self.tokenizer)).collect();
        if let Some(gold) = gold {
            let asked = completions.places.iter().map(|place| &self.texts[*place]);
            let sum: f64 =
                asked.zip(&texts).map(|(prompt, text)| f64::from(gold.score(&prompt.to_string(), text))).sum();
            let mean = sum / texts.len() as f64;
            metrics.insert("objective/gold_score".into(), mean);
        }
        let tokens: Vec<Vec<u32>> =
            completions.completions.iter().map(|completion| completion.tokens.clone()).collect();
        for n in [1, 2] {
            metrics.insert(format!("completions/distinct_{n}"), distinct_n(&tokens, n));
        }
        let shown = texts.into_iter().enumerate().take(SHOWN_COMPLETIONS).map(|(index, completion)| {
            let (score, kl) = score_and_kl(index);
            Event::Completion { prompt: self.texts[completions.places[index]].clone(), completion, score, kl }
        });
        shown.collect()
    }
}
