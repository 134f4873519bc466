//! How each method is run on the toy: its stage with a table as the reward, and options that leave nothing but the
//! method: a fixed `kl_coef`, scores as they are, no rule for missing end tokens, temperature 1, a learning rate that
//! falls to 0.
//!
//! Deliberately absent: tuning by beta. One recipe a method serves all of them.

use super::Method;
use super::grpo::GROUP;
use super::toy::{LONGEST, PROMPT, Toy};
use crate::SessionError;
use crate::options::{DpoOptions, GrpoOptions, PpoStageOptions, ReinforceOptions, RlooOptions};
use crate::rollout::Row;
use crate::run::Run;
use crate::stage::dpo::{self, Direct, Dpo};
use crate::stage::grpo::{GroupRelative, Grpo};
use crate::stage::online::prompts::Prompts;
use crate::stage::online::scores::Scorer;
use crate::stage::ppo::Ppo;
use crate::stage::rankings::Ranked;
use crate::stage::reinforce::{Reinforce, RunningMean};
use crate::stage::rloo::{LeaveOneOut, Rloo};
use nudge_model::ScalarModel;
use nudge_rlhf::{Decay, MissingEos, PpoOptions};
use std::collections::BTreeMap;

/// Rollouts of a run, answers of a rollout, and the peak learning rate.
///
/// Slow and in large batches: an answer whose probability falls to less than one in a rollout before its worth is known
/// is not seen again, and its share of the optimum is lost.
const STEPS: usize = 400;
const BATCH_SIZE: usize = 512;
const LEARNING_RATE: f32 = 1e-3;

/// Steps of DPO, each on all pairs.
const DPO_STEPS: f32 = 200.0;
/// Times that each pair of answers is compared: as often as Bradley-Terry says the one wins, up to rounding.
const COMPARISONS: usize = 100;

/// A run of `method` at the price `beta` of a nat of KL.
pub fn run(toy: &Toy, method: Method, beta: f32, seed: u64) -> Result<Run, SessionError> {
    Ok(match method {
        Method::Ppo => ppo(toy, beta, seed)?.into(),
        Method::Rloo => rloo(toy, beta, seed)?.into(),
        Method::Reinforce => reinforce(toy, beta, seed)?.into(),
        Method::Dpo => dpo(toy, beta, seed).into(),
        Method::Grpo => grpo(toy, beta, seed)?.into(),
    })
}

fn ppo(toy: &Toy, kl_coef: f32, seed: u64) -> Result<Ppo, SessionError> {
    let ppo = PpoOptions {
        kl_coef,
        adaptive_kl: None,
        missing_eos: MissingEos::Off,
        temperature: 1.0,
        num_ppo_epochs: 2,
        num_mini_batches: 1,
        lr_decay: Decay::Linear,
        ..PpoOptions::default()
    };
    let options = PpoStageOptions {
        episodes: STEPS * BATCH_SIZE,
        batch_size: BATCH_SIZE,
        learning_rate: LEARNING_RATE,
        value_learning_rate: 3.0 * LEARNING_RATE,
        max_new_tokens: LONGEST,
        ppo,
        normalize_scores: false,
        seed,
        ..PpoStageOptions::default()
    };
    // A head of zeros: there is no reward model to start from.
    let value = ScalarModel::on(&toy.start, seed).scaled(0.0);
    let (start, device) = (toy.start.clone(), &toy.device);
    Ppo::assemble(start, value, scorer(toy), prompts(toy, seed), None, options, String::new(), device)
}

/// The options that the methods without a value model share, over the default of the options' own type.
macro_rules! without_value_model {
    ($options:ident, $kl_coef:expr, $seed:expr $(, $field:ident: $value:expr)*) => {
        $options {
            episodes: STEPS * BATCH_SIZE,
            batch_size: BATCH_SIZE,
            learning_rate: LEARNING_RATE,
            kl_coef: $kl_coef,
            adaptive_kl: None,
            missing_eos: MissingEos::Off,
            normalize_scores: false,
            temperature: 1.0,
            max_new_tokens: LONGEST,
            num_iterations: 1,
            num_mini_batches: 1,
            lr_decay: Decay::Linear,
            seed: $seed,
            $($field: $value,)*
            ..$options::default()
        }
    };
}

fn rloo(toy: &Toy, kl_coef: f32, seed: u64) -> Result<Rloo, SessionError> {
    let options = without_value_model!(RlooOptions, kl_coef, seed);
    let (method, common, start) = (LeaveOneOut::new(&options), options.common(), toy.start.clone());
    Rloo::assemble(start, scorer(toy), prompts(toy, seed), method, common, String::new(), &toy.device)
}

fn reinforce(toy: &Toy, kl_coef: f32, seed: u64) -> Result<Reinforce, SessionError> {
    let options = without_value_model!(ReinforceOptions, kl_coef, seed);
    let (method, common, start) = (RunningMean::new(&options), options.common(), toy.start.clone());
    Reinforce::assemble(start, scorer(toy), prompts(toy, seed), method, common, String::new(), &toy.device)
}

fn grpo(toy: &Toy, kl_coef: f32, seed: u64) -> Result<Grpo, SessionError> {
    let options = without_value_model!(GrpoOptions, kl_coef, seed, k: GROUP);
    let (method, common, start) = (GroupRelative::new(&options), options.common(), toy.start.clone());
    Grpo::assemble(start, scorer(toy), prompts(toy, seed), method, common, String::new(), &toy.device)
}

fn dpo(toy: &Toy, beta: f32, seed: u64) -> Dpo {
    let options =
        DpoOptions { beta, epochs: DPO_STEPS, batch_size: 1, learning_rate: 5e-3, seed, ..Default::default() };
    let ranked =
        Ranked { rows: toy.rows(), pairs: comparisons(&toy.rewards), tiers: vec![], margin: None, label: None };
    let (method, training, tokenizer) = (Direct::new(&options), dpo::training(&options), toy.tokenizer.clone());
    Dpo::assemble(toy.start.clone(), tokenizer, vec![ranked], vec![], method, training, String::new(), &toy.device)
}

/// All pairs of answers, `(winner, loser)`, in both orders, as often as each wins by Bradley-Terry.
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

/// The reward of each answer out of the table.
fn scorer(toy: &Toy) -> Scorer {
    let rewards = toy.rewards.iter().map(|reward| *reward as f32);
    let table: BTreeMap<Vec<u32>, f32> = toy.tree.answers.iter().cloned().zip(rewards).collect();
    // An answer that is not in the tree fails the run as a NaN.
    Scorer::Rule(Box::new(move |row: &Row| table.get(&row.tokens).copied().unwrap_or(f32::NAN)))
}

fn prompts(toy: &Toy, seed: u64) -> Prompts {
    let (tokenizer, temperature) = (toy.tokenizer.clone(), 1.0);
    Prompts::encoded(vec!["the prompt".into()], vec![PROMPT.to_vec()], tokenizer, LONGEST, temperature, seed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oracle::{Target, optimum, total_variation};
    use crate::protocol::Event;
    use burn::tensor::Device;
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
        assert_eq!(Method::Rloo.target(), Target::Optimum);
        let toy = block_on(Toy::new(1, &Device::flex())).unwrap();
        let policy = trained(&toy, rloo(&toy, -1.0, 1).unwrap().into());
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
