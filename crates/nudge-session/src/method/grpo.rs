//! GRPO, group relative policy optimisation (Shao et al. 2024): a completion is as good as it is above the mean of the
//! completions of the same prompt.
//!
//! The paper divides by the group's deviation, clips the ratio of every token, averages tokens within a completion
//! first, and has the KL (k3) in the loss. Dr. GRPO (Liu et al. 2025) divides by nothing and by one fixed length.

use super::online::policy_gradient::{GroupMethod, GroupOptions, PolicyGradient};
use super::online::{Minibatch, OnlineOptions, Surrogate};
use super::{LearnsFrom, Material, Target, TuningMethod};
use crate::{Run, SessionError, options};
use burn::tensor::{Device, Tensor};
use nudge_rlhf::{KlEstimator, KlPlacement, LossAggregation, ScaleRewards, grpo_advantages, policy_loss};

options! {
    /// Options of GRPO: its KL estimator and where the KL stands are the paper's.
    GrpoOptions {
        /// What the difference to the group's mean is divided by; none is Dr. GRPO
        scale_rewards: ScaleRewards = ScaleRewards::Group;
        /// How tokens make up the loss: sequence_mean is the paper's, token_mean DAPO's, fixed_length Dr. GRPO's
        loss_aggregation: LossAggregation = LossAggregation::SequenceMean;
        ..group: GroupOptions = GroupOptions {
            k: 8,
            online: OnlineOptions {
                kl_estimator: KlEstimator::K3,
                kl_placement: KlPlacement::Loss,
                ..Default::default()
            },
            ..Default::default()
        };
    }
}

impl TuningMethod for GrpoOptions {
    const NAME: &'static str = "grpo";
    const TITLE: &'static str = "GRPO";
    const ABOUT: &'static str =
        "Optimise a policy against a reward model, each completion measured against its group (GRPO)";
    const SOURCE: &'static str = "Shao et al. 2024";
    const LEARNS_FROM: LearnsFrom = LearnsFrom::Rewards;
    const TARGET: Option<Target> = Some(Target::GrpoFixedPoint);

    fn check(&self) -> Result<(), SessionError> {
        self.group.check(2, "2 or more: a completion is compared with the others of its prompt")
    }

    fn start(self, material: &dyn Material, device: &Device) -> Result<Run, SessionError> {
        PolicyGradient::new(self, material, device).map(Run::from)
    }
}

impl GroupMethod for GrpoOptions {
    type Own = ();

    fn online(&self) -> &OnlineOptions {
        &self.group.online
    }

    fn k(&self) -> usize {
        self.group.k
    }

    fn aggregation(&self) -> LossAggregation {
        self.loss_aggregation
    }

    fn advantages(&self, _own: &mut (), rewards: &[f32], k: usize) -> Vec<f32> {
        grpo_advantages(rewards, k, self.scale_rewards)
    }

    fn surrogate(&self, new_logprobs: Tensor<2>, batch: &Minibatch) -> Surrogate {
        let (old, advantages, mask) = (batch.old_logprobs.clone(), batch.advantages.clone(), batch.mask.clone());
        policy_loss(new_logprobs, old, advantages, mask, self.group.cliprange, self.loss_aggregation).into()
    }
}
