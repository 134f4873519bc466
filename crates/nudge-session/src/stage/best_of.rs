//! Best-of-n: draw n completions of each prompt, keep the one that the reward model likes best. No training at all.
//!
//! 1. Encode every prompt and check that a completion fits.
//! 2. Sample n completions of as many prompts as fit a batch.
//! 3. Score them; keep the best of each prompt.
//! 4. Estimate, from the same n completions, what a smaller n would have given: without bias, over all subsets
//!    (Coste et al. 2023), beside the KL that it costs, ln n - (n - 1) / n (Stiennon et al. 2020, appendix G).
//!
//! The completions are stored with all scores.

use crate::SessionError;
use crate::batch::scored::CompletionBatch;
use crate::folder::Folder;
use crate::labeler::Labeler;
use crate::method::online::scores::{Normalizations, Scorer, normalizations, scores};
use crate::options::{BestOfOptions, Options};
use crate::protocol::{Event, Metrics, StageName};
use crate::readback::{finite, read_all};
use crate::rollout::{Rollout, SampledCompletion, check_completions, encode_prompts, temperature_of};
use crate::snapshot::Snapshot;
use crate::stage::{Stage, Standing, Told};
use burn::tensor::Device;
use nudge_data::{Prompt, Tokenizer};
use nudge_model::{Decoder, Frozen, SamplingOptions, ScalarModel};
use nudge_rlhf::{best_of_n_kl, best_of_n_score};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use std::ops::Range;

/// A best-of-n run.
pub struct BestOf {
    policy: Frozen<Decoder>,
    scorer: Scorer,
    tokenizer: Tokenizer,
    prompts: Vec<Prompt>,
    encoded: Vec<Vec<u32>>,
    gold: Option<Labeler>,
    options: BestOfOptions,
    state: State,
    device: Device,
}

/// What moves from batch to batch.
#[derive(Clone, Default, Serialize, Deserialize)]
pub struct State {
    /// First prompt that is not answered.
    next_prompt: usize,
    /// Scale of each member of an ensemble, fixed on the first batch.
    normalizations: Option<Normalizations>,
    /// Sums over prompts of what [`estimates`] gives.
    sums: Metrics,
}

impl BestOf {
    /// Loads the models and encodes the prompts.
    ///
    /// # Errors
    /// If an option is wrong, a prompt cannot be answered, there is no reward model, or one reads other tokens than
    /// the policy.
    pub fn new(
        policy: &Folder,
        rewards: &[Folder],
        prompts: Vec<Prompt>,
        options: BestOfOptions,
        device: &Device,
    ) -> Result<Self, SessionError> {
        options.check_ranges()?;
        check_completions("n", options.n)?;
        let gold = options.gold_labeler.as_deref().map(Labeler::find).transpose()?;
        if rewards.is_empty() {
            return Err(SessionError::Nothing("there is no reward model that chooses: `rewards` is empty".into()));
        }
        // 1. Encode.
        let encoded = encode_prompts(policy, &prompts, options.max_new_tokens)?;
        Ok(Self {
            policy: policy.decoder(device)?.frozen(),
            scorer: Scorer::open(policy, rewards, device)?,
            tokenizer: policy.tokenizer.clone(),
            prompts,
            encoded,
            gold,
            options,
            state: State::default(),
            device: device.clone(),
        })
    }

    async fn sample(&self, prompts: Range<usize>) -> Result<Vec<SampledCompletion>, SessionError> {
        let n = self.options.n;
        let first_seed = self.options.seed.wrapping_add((prompts.start * n) as u64);
        let rows: Vec<Vec<u32>> = prompts.flat_map(|index| vec![self.encoded[index].clone(); n]).collect();
        let seeds = (0..rows.len() as u64).map(|index| first_seed.wrapping_add(index));
        let temperature = temperature_of(self.options.temperature, &self.policy.config);
        let sampling = SamplingOptions { temperature, ..Default::default() };
        let max_new_tokens = self.options.max_new_tokens;
        Rollout::new(&self.policy, &self.tokenizer, &rows, seeds, max_new_tokens, sampling).finish().await
    }

    /// One score a completion: the reward model's own, or the ensemble's of members brought to one scale.
    async fn score(
        &mut self,
        prompts: Range<usize>,
        completions: &[SampledCompletion],
    ) -> Result<Vec<f32>, SessionError> {
        let n = self.options.n;
        let whole: Vec<Vec<u32>> = prompts
            .flat_map(|index| std::iter::repeat_n(&self.encoded[index], n))
            .zip(completions)
            .map(|(prompt, completion)| [prompt.as_slice(), &completion.tokens].concat())
            .collect();
        let members = self.scorer.members();
        let score = |member: &Frozen<ScalarModel>| {
            CompletionBatch::new(&whole, &self.tokenizer, &member.decoder, &self.device).rewards(member)
        };
        let raw_scores = read_all(members.iter().map(score).collect()).await?;
        let raw_scores =
            raw_scores.into_iter().map(|scores| finite("a reward", scores)).collect::<Result<Vec<_>, _>>()?;
        let several = members.len() > 1;
        let normalizations = self.state.normalizations.get_or_insert_with(|| normalizations(&raw_scores, several));
        Ok(scores(&raw_scores, normalizations, self.options.ensemble))
    }
}

impl Stage for BestOf {
    type State = State;

    const NAME: StageName = StageName::BestOf;

    fn standing(&self) -> Standing {
        Standing {
            step: self.state.next_prompt,
            total_steps: self.prompts.len(),
            parameters: self.policy.config.parameter_count(),
        }
    }

    // 2. to 4. As many prompts as fit a batch.
    async fn advance(&mut self, told: &mut Told) -> Result<(), SessionError> {
        let n = self.options.n;
        let first = self.state.next_prompt;
        let end = (first + (self.options.batch_size / n).max(1)).min(self.prompts.len());
        let completions = self.sample(first..end).await?;
        let scores = self.score(first..end, &completions).await?;
        for ((index, completions), scores) in (first..end).zip(completions.chunks(n)).zip(scores.chunks(n)) {
            let texts: Vec<String> = completions.iter().map(|completion| completion.text(&self.tokenizer)).collect();
            let prompt = self.prompts[index].to_string();
            let gold: Option<Vec<f32>> =
                self.gold.map(|gold| texts.iter().map(|text| gold.score(&prompt, text)).collect());
            for (name, number) in estimates(scores, gold.as_deref()) {
                *self.state.sums.entry(name).or_default() += number;
            }
            told.event(Event::Scored { record: record(&self.prompts[index], &texts, scores) });
        }
        self.state.next_prompt = end;
        let answered = end as f64;
        let mut metrics: Metrics = self.state.sums.iter().map(|(name, sum)| (name.clone(), sum / answered)).collect();
        metrics.insert("objective/kl".into(), best_of_n_kl(n));
        let tokens = completions.iter().map(|completion| completion.tokens.len()).sum();
        told.progress(metrics, "tokens_per_second", tokens);
        Ok(())
    }

    fn state(&self) -> State {
        self.state.clone()
    }

    fn restore(&mut self, state: State, _: &Snapshot) -> Result<(), SessionError> {
        self.state = state;
        Ok(())
    }
}

/// What the best of 1, 2, 4, ... completions would score, on average over all ways to choose them, and what it costs.
fn estimates(scores: &[f32], gold: Option<&[f32]>) -> Vec<(String, f64)> {
    let sizes = std::iter::successors(Some(1), |n| Some(n * 2)).take_while(|n| *n <= scores.len());
    let of = |n: usize| {
        let own = [
            (format!("best_of_{n}/score"), best_of_n_score(scores, scores, n)),
            (format!("best_of_{n}/kl"), best_of_n_kl(n)),
        ];
        let gold = gold.map(|gold| (format!("best_of_{n}/gold_score"), best_of_n_score(scores, gold, n)));
        own.into_iter().chain(gold).collect::<Vec<_>>()
    };
    sizes.flat_map(of).collect()
}

/// The prompt, the completion that was kept, and all completions with their scores.
fn record(prompt: &Prompt, texts: &[String], scores: &[f32]) -> Map<String, Value> {
    let best = best_place(scores);
    let fields = [
        ("prompt", json!(prompt)),
        ("completion", json!(texts[best])),
        ("score", json!(scores[best])),
        ("completions", json!(texts)),
        ("scores", json!(scores)),
    ];
    fields.map(|(name, value)| (name.to_string(), value)).into_iter().collect()
}

/// The first place of the highest score.
pub fn best_place(scores: &[f32]) -> usize {
    (0..scores.len()).rev().max_by(|a, b| scores[*a].total_cmp(&scores[*b])).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_of_equal_scores_is_kept() {
        assert_eq!(best_place(&[0.5, 2.0, -1.0, 2.0]), 1);
        let record = record(&"p".into(), &["a".into(), "b".into()], &[0.0, 1.0]);
        assert_eq!((&record["completion"], &record["score"]), (&"b".into(), &1.0.into()));
    }

    #[test]
    fn smaller_numbers_of_completions_are_estimated_from_the_same_completions() {
        let found = estimates(&[0.0, 1.0, 2.0], Some(&[5.0, 3.0, 1.0]));
        let expected = [
            ("best_of_1/score", 1.0),
            ("best_of_1/kl", 0.0),
            ("best_of_1/gold_score", 3.0),
            ("best_of_2/score", 5.0 / 3.0),
            ("best_of_2/kl", 2f64.ln() - 0.5),
            ("best_of_2/gold_score", 5.0 / 3.0),
        ];
        assert_eq!(found.len(), expected.len());
        for ((name, number), (expected_name, expected)) in found.iter().zip(expected) {
            assert_eq!(name, expected_name);
            assert!((number - expected).abs() < 1e-9, "{name} is {number}");
        }
    }
}
