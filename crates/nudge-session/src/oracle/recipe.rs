//! How a method is run on the toy: options that leave nothing but the method (a fixed `kl_coef`, scores as they are, no
//! rule for missing end tokens, temperature 1, a learning rate that falls to 0), and the toy in the place of models and
//! data.
//!
//! Deliberately absent: tuning by beta. One recipe a kind of method serves all of them.

use super::grpo::GROUP;
use super::toy::{LONGEST, PROMPT, Toy};
use crate::SessionError;
use crate::batch::preferences::Ranked;
use crate::finetuning::FinetuningOptions;
use crate::method::offline::OfflineOptions;
use crate::method::online::prompts::Prompts;
use crate::method::online::scores::Scorer;
use crate::method::{LearnsFrom, Material, Method, Target};
use crate::rollout::SampledCompletion;
use burn::tensor::Device;
use nudge_data::{EncodedDemonstration, Tokenizer};
use nudge_model::{Decoder, ScalarModel};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Rollouts of a run, completions of a rollout, and the peak learning rate.
///
/// Slow and in large batches: a completion whose probability falls to less than one in a rollout before its worth is
/// known is not seen again, and its share of the optimum is lost.
const STEPS: usize = 400;
const BATCH_SIZE: usize = 512;
const LEARNING_RATE: f32 = 1e-3;

/// Steps of methods that learn from rankings, each on all pairs.
const OFFLINE_STEPS: f32 = 200.0;
/// Times that each pair of completions is compared: as often as Bradley-Terry says the one wins, up to rounding.
const COMPARISONS: usize = 100;

/// `method` at the price `beta` of a nat of KL.
///
/// # Errors
/// If an option of the recipe is of another kind than the method's.
pub fn method(method: &Method, beta: f32, seed: u64) -> Result<Method, SessionError> {
    let mut options = match method.info().learns_from {
        LearnsFrom::Rewards => online(beta),
        LearnsFrom::Rankings | LearnsFrom::Labels => offline(beta),
    };
    options.push(("seed", json!(seed)));
    if method.has("k") {
        // A value model wants a second pass over a rollout; without one, one is enough.
        options.push(("num_iterations", json!(1)));
    }
    if method.target() == Some(Target::GrpoFixedPoint) {
        options.push(("k", json!(GROUP)));
    }
    let mut method = method.clone();
    for (name, value) in options {
        if method.has(name) {
            method.set(name, value).map_err(|error| SessionError::Nothing(error.to_string()))?;
        }
    }
    Ok(method)
}

fn online(kl_coef: f32) -> Vec<(&'static str, Value)> {
    vec![
        ("episodes", json!(STEPS * BATCH_SIZE)),
        ("batch_size", json!(BATCH_SIZE)),
        ("learning_rate", json!(LEARNING_RATE)),
        ("value_learning_rate", json!(3.0 * LEARNING_RATE)),
        // A head of zeros: there is no reward model to start from.
        ("value_init", json!("zero_head")),
        ("max_new_tokens", json!(LONGEST)),
        ("kl_coef", json!(kl_coef)),
        ("adaptive_kl", Value::Null),
        ("missing_eos", json!("off")),
        ("normalize_scores", json!(false)),
        ("temperature", json!(1.0)),
        ("num_mini_batches", json!(1)),
        ("lr_decay", json!("linear")),
    ]
}

fn offline(beta: f32) -> Vec<(&'static str, Value)> {
    vec![
        ("beta", json!(beta)),
        ("epochs", json!(OFFLINE_STEPS)),
        ("batch_size", json!(1)),
        ("learning_rate", json!(5e-3)),
        ("held_out", json!(0.0)),
    ]
}

impl Material for Toy {
    fn policy(&self, _: &FinetuningOptions, _: u64, _device: &Device) -> Result<Decoder, SessionError> {
        Ok(self.start.clone())
    }

    fn tokenizer(&self) -> &Tokenizer {
        &self.tokenizer
    }

    /// The reward of each completion out of the table.
    fn scorer(&self, _device: &Device) -> Result<Scorer, SessionError> {
        let rewards = self.rewards.iter().map(|reward| *reward as f32);
        let table: BTreeMap<Vec<u32>, f32> = self.tree.completions.iter().cloned().zip(rewards).collect();
        // A completion that is not in the tree fails the run as a NaN.
        let rule = move |completion: &SampledCompletion| table.get(&completion.tokens).copied().unwrap_or(f32::NAN);
        Ok(Scorer::Rule(Box::new(rule)))
    }

    fn reward_model(&self, _: &FinetuningOptions, _: u64, _device: &Device) -> Result<ScalarModel, SessionError> {
        Err(SessionError::Nothing("the toy has a table of rewards and no reward model".into()))
    }

    fn prompts(&self, _max_new_tokens: usize) -> Result<Prompts, SessionError> {
        Ok(Prompts::encoded(vec!["the prompt".into()], vec![PROMPT.to_vec()], self.tokenizer.clone()))
    }

    fn rankings(
        &self,
        _labels: bool,
        _options: &OfflineOptions,
    ) -> Result<crate::method::EncodedRankings, SessionError> {
        let rows: Vec<EncodedDemonstration> = self.rows();
        let ranked = Ranked { rows, pairs: comparisons(&self.rewards), tiers: vec![], margin: None, label: None };
        Ok((vec![ranked], vec![]))
    }

    fn pretraining_texts(&self) -> &[String] {
        &[]
    }
}

/// All pairs of completions, `(winner, loser)`, in both orders, as often as each wins by Bradley-Terry.
fn comparisons(rewards: &[f64]) -> Vec<(usize, usize)> {
    let mut pairs = Vec::new();
    for a in 0..rewards.len() {
        for b in 0..a {
            let wins = COMPARISONS as f64 / (1.0 + (rewards[b] - rewards[a]).exp());
            let wins = wins.round() as usize;
            pairs.extend(std::iter::repeat_n((a, b), wins));
            pairs.extend(std::iter::repeat_n((b, a), COMPARISONS - wins));
        }
    }
    pairs
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::method::TuningMethod;
    use crate::oracle::{optimum, total_variation};
    use crate::protocol::Event;
    use crate::run::Run;
    use futures_lite::future::block_on;

    fn trained(toy: &Toy, mut run: Run) -> Vec<f64> {
        loop {
            if let Event::Model { files, .. } = block_on(run.next()).unwrap().expect("a run gives a model") {
                return block_on(toy.policy(&files)).unwrap();
            }
        }
    }

    #[test]
    fn a_leash_that_pushes_is_far_from_the_optimum() {
        let toy = block_on(Toy::new(1, &Device::flex())).unwrap();
        let Ok(Method::Rloo(options)) = method(&Method::named("rloo").unwrap(), -1.0, 1) else { unreachable!() };
        // Not through the method's own start, which refuses such a price.
        let policy = trained(&toy, options.start(&toy, &toy.device).unwrap());
        let distance = total_variation(&policy, &optimum(&toy.reference, &toy.rewards, 1.0));
        assert!(distance > 0.5, "{distance}");
    }

    #[test]
    fn comparisons_follow_bradley_terry_in_both_orders() {
        // σ(ln 3) = 3 / 4.
        let pairs = comparisons(&[3f64.ln(), 0.0]);
        let wins = |pair| pairs.iter().filter(|known| **known == pair).count();
        assert_eq!((wins((0, 1)), wins((1, 0)), pairs.len()), (75, 25, COMPARISONS));
        assert_eq!(comparisons(&[0.0; 5]).len(), 10 * COMPARISONS);
    }
}
