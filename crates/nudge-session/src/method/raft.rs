//! RAFT (Dong et al. 2023): best of n, distilled. The policy writes `k` completions of each prompt, the reward model
//! picks the best, and the policy imitates that one by cross-entropy, as in supervised fine-tuning. What best-of-n pays
//! for with every answer is paid once.
//!
//! The phases are those of [`super::online::policy_gradient`]. The pick stands in the place of an advantage: 1 for the
//! completion that is imitated, 0 for the others of its prompt, which cost no update. The end token belongs to what is
//! imitated. With `kl_coef` the reward is the paper's `r - beta ln(pi / pi_ref)`, so that of two good completions the one
//! nearer to the reference is picked. Sampling and loss share one temperature: what is imitated is as it was sampled.

use super::online::policy_gradient::{GroupMethod, PolicyGradient};
use super::online::{Minibatch, OnlineOptions, Surrogate};
use super::{LearnsFrom, Material, TuningMethod};
use crate::options::declare::AT_LEAST_ONE;
use crate::stage::best_of::best_place;
use crate::{Run, SessionError, options};
use burn::tensor::{Device, Tensor};
use nudge_rlhf::{LossAggregation, PolicyLoss, policy_loss, sft_loss};

options! {
    /// Options of RAFT.
    RaftOptions {
        /// Completions of each prompt of a rollout
        k: usize = 8, AT_LEAST_ONE;
        ..online: OnlineOptions = OnlineOptions { num_mini_batches: 2, ..Default::default() };
    }
}

impl TuningMethod for RaftOptions {
    const NAME: &'static str = "raft";
    const TITLE: &'static str = "RAFT";
    const ABOUT: &'static str =
        "Imitate the best of several completions that a reward model picks: best of n, distilled (RAFT)";
    const SOURCE: &'static str = "Dong et al. 2023";
    const LEARNS_FROM: LearnsFrom = LearnsFrom::Rewards;

    fn check(&self) -> Result<(), SessionError> {
        if self.k < 2 {
            return Err(SessionError::option("k", self.k, "2 or more: there is nothing to pick from one"));
        }
        self.online.check(self.k)?;
        if !(self.online.batch_size / self.k).is_multiple_of(self.online.num_mini_batches) {
            let expected = format!(
                "a divisor of batch_size / k, here {}: one completion of each prompt is learnt from",
                self.online.batch_size / self.k
            );
            return Err(SessionError::option("num_mini_batches", self.online.num_mini_batches, expected));
        }
        Ok(())
    }

    fn start(self, material: &dyn Material, device: &Device) -> Result<Run, SessionError> {
        PolicyGradient::new(self, material, device).map(Run::from)
    }
}

impl GroupMethod for RaftOptions {
    type Own = ();

    fn online(&self) -> &OnlineOptions {
        &self.online
    }

    fn k(&self) -> usize {
        self.k
    }

    fn advantages(&self, _own: &mut (), rewards: &[f32], k: usize) -> Vec<f32> {
        picks(rewards, k)
    }

    fn learns_from(&self, advantage: f32) -> bool {
        advantage > 0.0
    }

    fn surrogate(&self, new_logprobs: Tensor<2>, batch: &Minibatch) -> Surrogate {
        let mask = || batch.mask.clone();
        let (old, advantages) = (batch.old_logprobs.clone(), batch.advantages.clone());
        // For what it measures of how far the policy has moved; nothing is clipped.
        let moved =
            policy_loss(new_logprobs.clone(), old, advantages, mask(), f32::INFINITY, LossAggregation::TokenMean);
        let loss = sft_loss(new_logprobs, mask());
        Surrogate { numbers: vec![("nll_loss", loss.clone())], terms: PolicyLoss { loss, ..moved } }
    }
}

/// 1 for the best of each `k` completions that stand side by side, the first of equal ones, and 0 for the others.
pub fn picks(rewards: &[f32], k: usize) -> Vec<f32> {
    let pick = |group: &[f32]| {
        let best = best_place(group);
        (0..group.len()).map(move |place| if place == best { 1.0 } else { 0.0 })
    };
    rewards.chunks(k).flat_map(pick).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_of_the_best_of_each_prompt_is_picked() {
        let rewards = [0.5, 2.0, 2.0, -1.0, -3.0, -2.0];
        assert_eq!(picks(&rewards, 3), [0.0, 1.0, 0.0, 1.0, 0.0, 0.0]);
    }

    #[test]
    fn minibatches_divide_the_picks() {
        let with = |k, num_mini_batches| RaftOptions {
            k,
            online: OnlineOptions { batch_size: 16, episodes: 16, num_mini_batches, ..Default::default() },
        };
        assert!(with(4, 2).check().is_ok());
        for (k, num_mini_batches, part) in
            [(1, 1, "2 or more"), (4, 3, "batch_size"), (8, 4, "here 2"), (3, 1, "multiple of k")]
        {
            let refused = with(k, num_mini_batches).check().expect_err("is refused").to_string();
            assert!(refused.contains(part), "{refused}");
        }
    }
}
