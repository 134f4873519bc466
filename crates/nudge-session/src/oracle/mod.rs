//! Does training arrive where its mathematics says? On a toy whose completions can all be listed, the optimum is known
//! exactly, and so is the distribution of the trained policy. The distance of the two is one number.
//!
//! Reinforcement learning on a KL leash maximises `E[r] - beta * KL(policy || reference)`. The maximum is
//! `pi* = pi_ref exp(r / beta) / Z` (Ziegler et al. 2019, eq. 3; Rafailov et al. 2023, eq. 4): PPO, RLOO and REINFORCE
//! must reach it from samples and scores alone, DPO from preferences that follow Bradley-Terry with the same reward
//! (Rafailov et al. 2023, §5.1). GRPO maximises something else and has a fixed point of its own ([`grpo`]).
//!
//! What trains are the stages themselves: the same sampling, log-probabilities, rewards, advantages, losses, optimizer
//! and files as on real models. The only replacements are the reward model, by a table, and the prompts' text, by ids.
//! - [`tree`]: all completions of a small vocabulary;
//! - [`toy`]: a reference, a reward for each completion, and the exact distribution of a decoder;
//! - [`grpo`]: the fixed point of GRPO;
//! - `recipe`: the options of each run, and the run.
//!
//! A method that learns from its own completions knows only what it samples. Where the optimum is nearly one completion
//! (`beta` below about 0.4 on toy 1, rewards of deviation 1) PPO, RLOO and REINFORCE can drop a prefix whose best
//! completion they have not yet weighed; what they lose is that completion's share of the optimum, the same for all
//! three, and smaller steps or larger batches do not always help. Toy 1 at 0.2 and 0.3 is such a case (0.25, 0.21), and
//! toy 5 at 0.5 (0.09); DPO, which is shown every completion, and GRPO are not affected on toy 1. That is a property of
//! the methods, so the table starts above it.
//!
//! Deliberately absent: a copy of any formula that is on trial.

pub mod grpo;
mod recipe;
pub mod toy;
pub mod tree;

use crate::SessionError;
use crate::method::{Method, Target};
use crate::options::declare::POSITIVE;
use crate::protocol::Files;
use crate::run::Run;
use burn::tensor::Device;
use serde::Serialize;
use toy::Toy;

/// Prices of a nat of KL at which a table is made: from three quarters of the way to the best completion to near the
/// reference.
pub const BETAS: [f32; 4] = [0.5, 0.7, 1.0, 2.0];

/// How far from its target a policy may end, in total variation.
pub const TOLERANCE: f64 = 0.05;

/// The methods that can be put to the test: those whose end is known.
pub fn methods() -> Vec<Method> {
    Method::all().into_iter().filter(|method| method.target().is_some()).collect()
}

/// Where a method must arrive.
///
/// # Errors
/// If that is not known exactly.
fn target_of(method: &Method) -> Result<Target, SessionError> {
    method.target().ok_or_else(|| {
        let known: Vec<&str> = methods().iter().map(|method| method.info().name).collect();
        SessionError::option("method", method.info().name, format!("one whose end is known: {}", known.join(", ")))
    })
}

impl Target {
    /// In tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::Optimum => "pi_ref*exp(r/beta)/Z",
            Self::GrpoFixedPoint => "grpo fixed point",
        }
    }
}

/// One trained policy beside its target.
#[derive(Debug, Clone, Serialize)]
pub struct Measurement {
    /// Name of the method that trained it.
    pub method: &'static str,
    /// Price of a nat of KL.
    pub beta: f32,
    /// What it is compared with.
    pub target: Target,
    /// Total variation between policy and target.
    pub tv: f64,
    /// Total variation between reference and target: how far the way was.
    pub tv_reference: f64,
    /// `KL(policy || reference)`, in nats.
    pub kl: f64,
    /// Expected reward of the policy.
    pub reward: f64,
    /// Completions that there are.
    pub answers: usize,
}

/// A toy and what is known about it.
pub struct Oracle {
    toy: Toy,
    seed: u64,
}

impl Oracle {
    /// The toy of `seed`: its reference and its rewards.
    ///
    /// # Errors
    /// If the device gives no numbers back.
    pub async fn new(seed: u64, device: &Device) -> Result<Self, SessionError> {
        Ok(Self { toy: Toy::new(seed, device).await?, seed })
    }

    /// A training run of `method`, whose own options do not count. Its model belongs into [`Oracle::policy`].
    ///
    /// # Errors
    /// If `beta` is not a number above 0, or the method's end is not known.
    pub fn run(&self, method: &Method, beta: f32) -> Result<Run, SessionError> {
        check_beta(beta)?;
        recipe::method(method, beta, self.seed)?.start(&self.toy, &self.toy.device)
    }

    /// The probability of each completion under the model that a run has given.
    ///
    /// # Errors
    /// If the files hold another model, or the device gives no numbers back.
    pub async fn policy(&self, model: &Files) -> Result<Vec<f64>, SessionError> {
        self.toy.policy(model).await
    }

    /// The probability of each completion where nothing was trained.
    pub fn reference(&self) -> &[f64] {
        &self.toy.reference
    }

    /// The probability of each completion that `method` must reach.
    ///
    /// # Errors
    /// If `beta` is not a number above 0, or so small that GRPO's fixed point is not found.
    pub fn target(&self, method: &Method, beta: f32) -> Result<Vec<f64>, SessionError> {
        check_beta(beta)?;
        let Toy { reference, rewards, .. } = &self.toy;
        match target_of(method)? {
            Target::Optimum => Ok(optimum(reference, rewards, beta.into())),
            Target::GrpoFixedPoint => {
                let fixed = grpo::fixed_point(&self.toy.tree, &self.toy.reference_tokens, rewards, beta.into());
                fixed.ok_or_else(|| SessionError::option("beta", beta, "larger: the fixed point of GRPO was not found"))
            }
        }
    }

    /// A policy beside its target.
    ///
    /// # Errors
    /// As [`Oracle::target`].
    pub fn measure(&self, method: &Method, beta: f32, policy: &[f64]) -> Result<Measurement, SessionError> {
        let (target, reference) = (self.target(method, beta)?, self.reference());
        Ok(Measurement {
            method: method.info().name,
            beta,
            target: target_of(method)?,
            tv: total_variation(policy, &target),
            tv_reference: total_variation(reference, &target),
            kl: policy.iter().zip(reference).map(|(p, q)| if *p > 0.0 { p * (p / q).ln() } else { 0.0 }).sum(),
            reward: policy.iter().zip(&self.toy.rewards).map(|(p, r)| p * r).sum(),
            answers: policy.len(),
        })
    }
}

/// The price of a nat is a number above 0.
fn check_beta(beta: f32) -> Result<(), SessionError> {
    match POSITIVE.holds(beta.into()) {
        true => Ok(()),
        false => Err(SessionError::option("beta", beta, POSITIVE.words)),
    }
}

/// `reference * exp(rewards / beta) / Z`.
fn optimum(reference: &[f64], rewards: &[f64], beta: f64) -> Vec<f64> {
    let highest = rewards.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let weights: Vec<f64> =
        reference.iter().zip(rewards).map(|(p, reward)| p * ((reward - highest) / beta).exp()).collect();
    let partition: f64 = weights.iter().sum();
    weights.into_iter().map(|weight| weight / partition).collect()
}

/// Half the sum of absolute differences: the largest difference in probability that any set of completions can have.
///
/// # Panics
/// If the lists differ in length.
pub fn total_variation(p: &[f64], q: &[f64]) -> f64 {
    assert_eq!(p.len(), q.len(), "two distributions over {} and {} completions", p.len(), q.len());
    0.5 * p.iter().zip(q).map(|(p, q)| (p - q).abs()).sum::<f64>()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_optimum_of_two_completions_is_a_logistic_function() {
        // Odds of 1 to 3, and a reward higher by 1 at beta 0.5: e^2 / 3.
        let policy = optimum(&[0.25, 0.75], &[1.5, 0.5], 0.5);
        let odds = 2f64.exp() / 3.0;
        assert!((policy[0] - odds / (1.0 + odds)).abs() < 1e-12 && (policy[0] + policy[1] - 1.0).abs() < 1e-12);
        // Far from overflow and underflow.
        assert_eq!(optimum(&[0.5, 0.5], &[1000.0, 0.0], 0.1), [1.0, 0.0]);
    }

    #[test]
    fn total_variation_is_the_mass_that_has_to_move() {
        assert_eq!(total_variation(&[0.5, 0.5, 0.0], &[0.25, 0.5, 0.25]), 0.25);
        assert_eq!(total_variation(&[1.0, 0.0], &[0.0, 1.0]), 1.0);
    }

    #[test]
    fn targets_are_called_the_same_in_tables_and_files() {
        for method in methods() {
            let target = target_of(&method).unwrap();
            assert_eq!(serde_json::json!(target), target.name());
        }
        let kto = Method::named("kto").unwrap();
        let error = target_of(&kto).unwrap_err().to_string();
        assert_eq!(error, "method is kto, but must be one whose end is known: ppo, grpo, rloo, reinforce, dpo");
    }
}
