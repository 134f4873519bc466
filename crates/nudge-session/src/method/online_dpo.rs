//! Online DPO (Guo et al. 2024): the policy writes two completions of a prompt, the reward model says which is better,
//! and DPO's loss learns from that pair at once. What DPO learns from ages while the policy moves; these pairs do not.
//!
//! The seven phases are those of [`super::online::policy_gradient`], with the reward model's choice in the place of an
//! advantage and DPO's loss in the place of the clipped ratio. The leash is DPO's `beta`; `kl_coef` is 0.

use super::online::policy_gradient::{GroupMethod, PolicyGradient};
use super::online::{Minibatch, OnlineOptions, Surrogate};
use super::{LearnsFrom, Material, TuningMethod};
use crate::options::declare::POSITIVE;
use crate::{Run, SessionError, options};
use burn::tensor::{Bool, Device, Int, Tensor};
use nudge_rlhf::loss::masked::masked_row_sum;
use nudge_rlhf::{DpoLoss, DpoVariant, LossAggregation, PolicyLoss, dpo_loss, policy_loss};

options! {
    /// Options of online DPO.
    OnlineDpoOptions {
        /// Function of the difference of implicit rewards; sigmoid is the paper's
        loss: DpoVariant = DpoVariant::Sigmoid;
        /// Weight of the KL to the reference in the objective that the loss solves (Guo et al. 2024 take 0.1)
        beta: f32 = 0.1, POSITIVE;
        ..online: OnlineOptions =
            OnlineOptions { kl_coef: 0.0, adaptive_kl: None, num_iterations: 1, ..Default::default() };
    }
}

impl TuningMethod for OnlineDpoOptions {
    const NAME: &'static str = "online_dpo";
    const TITLE: &'static str = "online DPO";
    const ABOUT: &'static str = "Tune a policy on pairs of its own completions that a reward model orders (online DPO)";
    const SOURCE: &'static str = "Guo et al. 2024";
    const LEARNS_FROM: LearnsFrom = LearnsFrom::Rewards;

    fn check(&self) -> Result<(), SessionError> {
        if !matches!(self.loss, DpoVariant::Sigmoid | DpoVariant::Hinge) {
            let expected = "sigmoid or hinge: the others want averages over tokens, or labels that may be wrong";
            return Err(SessionError::option("loss", serde_json::json!(self.loss), expected));
        }
        if !(self.online.batch_size / self.online.num_mini_batches.max(1)).is_multiple_of(PAIR) {
            let expected = "a divisor of batch_size that leaves pairs whole: a minibatch holds both of a prompt";
            return Err(SessionError::option("num_mini_batches", self.online.num_mini_batches, expected));
        }
        self.online.check(PAIR)
    }

    fn start(self, material: &dyn Material, device: &Device) -> Result<Run, SessionError> {
        PolicyGradient::new(self, material, device).map(Run::from)
    }
}

/// Completions of each prompt.
const PAIR: usize = 2;

impl GroupMethod for OnlineDpoOptions {
    type Own = ();

    fn online(&self) -> &OnlineOptions {
        &self.online
    }

    fn k(&self) -> usize {
        PAIR
    }

    fn together(&self) -> usize {
        PAIR
    }

    fn advantages(&self, _own: &mut (), rewards: &[f32], _k: usize) -> Vec<f32> {
        choices(rewards)
    }

    fn surrogate(&self, new_logprobs: Tensor<2>, batch: &Minibatch) -> Surrogate {
        let mask = || batch.mask.clone();
        let (old, advantages) = (batch.old_logprobs.clone(), batch.advantages.clone());
        // For what it measures of how far the policy has moved; nothing is clipped.
        let moved =
            policy_loss(new_logprobs.clone(), old, advantages, mask(), f32::INFINITY, LossAggregation::TokenMean);
        let reference = batch.ref_logprobs.clone();
        let terms = pair_loss(new_logprobs, reference, mask(), &batch.completion_advantages, self.beta, self.loss);
        let numbers = vec![
            ("rewards/margins", terms.chosen_rewards.clone() - terms.rejected_rewards.clone()),
            ("rewards/chosen", terms.chosen_rewards),
            ("rewards/rejected", terms.rejected_rewards),
            ("rewards/accuracies", terms.accuracy),
        ];
        Surrogate { terms: PolicyLoss { loss: terms.loss, ..moved }, numbers }
    }
}

/// 1 for the better of two completions that stand side by side and -1 for the other; the first of equal ones is chosen.
pub fn choices(rewards: &[f32]) -> Vec<f32> {
    rewards.chunks(PAIR).flat_map(|pair| if pair[0] >= pair[1] { [1.0, -1.0] } else { [-1.0, 1.0] }).collect()
}

/// DPO's loss of pairs that stand side by side, from log-probabilities `[rows, time]`; `choices` has one number a row.
pub fn pair_loss(
    logprobs: Tensor<2>,
    ref_logprobs: Tensor<2>,
    mask: Tensor<2, Bool>,
    choices: &[f32],
    beta: f32,
    variant: DpoVariant,
) -> DpoLoss {
    let sums = [logprobs, ref_logprobs].map(|logprobs| masked_row_sum(logprobs, mask.clone())); // [rows] each
    let places = |chosen: bool| -> Tensor<1, Int> {
        let rows = choices.iter().enumerate().filter(|(_, choice)| (**choice > 0.0) == chosen);
        Tensor::from_data(rows.map(|(row, _)| row as i32).collect::<Vec<_>>().as_slice(), &sums[0].device())
    };
    let [chosen, rejected] =
        [places(true), places(false)].map(|places| sums.each_ref().map(|sums| sums.clone().select(0, places.clone())));
    let ([chosen, ref_chosen], [rejected, ref_rejected]) = (chosen, rejected);
    dpo_loss(chosen, rejected, ref_chosen, ref_rejected, beta, 0.0, variant)
}
