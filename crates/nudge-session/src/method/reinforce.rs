//! REINFORCE (Williams 1992) with the mean of all earlier rewards as its baseline (Ahmadian et al. 2024, eq. 5 with
//! b_MA): the simplest method that learns from its own completions.
//!
//! The whole completion is one action. In the first pass over a rollout the ratio is 1 and the gradient is that of
//! `-A ln π`; the clipped ratio matters only in further passes. The KL is part of the reward.

use super::online::policy_gradient::{GroupMethod, GroupOptions, PolicyGradient};
use super::online::{Minibatch, OnlineOptions, Surrogate};
use super::{LearnsFrom, Material, Target, TuningMethod};
use crate::{Run, SessionError, options};
use burn::tensor::{Device, Tensor};
use nudge_rlhf::RewardBaseline;

options! {
    /// Options of REINFORCE.
    ReinforceOptions {
        ..group: GroupOptions =
            GroupOptions { k: 1, online: OnlineOptions { num_iterations: 1, ..Default::default() }, ..Default::default() };
    }
}

impl TuningMethod for ReinforceOptions {
    const NAME: &'static str = "reinforce";
    const TITLE: &'static str = "REINFORCE";
    const ABOUT: &'static str =
        "Optimise a policy against a reward model, each completion against all earlier rewards (REINFORCE)";
    const SOURCE: &'static str = "Williams 1992";
    const LEARNS_FROM: LearnsFrom = LearnsFrom::Rewards;
    const TARGET: Option<Target> = Some(Target::Optimum);

    fn check(&self) -> Result<(), SessionError> {
        self.group.check(1, "1 or more")
    }

    fn start(self, material: &dyn Material, device: &Device) -> Result<Run, SessionError> {
        PolicyGradient::new(self, material, device).map(Run::from)
    }
}

impl GroupMethod for ReinforceOptions {
    type Own = RewardBaseline;

    fn online(&self) -> &OnlineOptions {
        &self.group.online
    }

    fn k(&self) -> usize {
        self.group.k
    }

    fn advantages(&self, baseline: &mut RewardBaseline, rewards: &[f32], _k: usize) -> Vec<f32> {
        baseline.advantages(rewards)
    }

    fn surrogate(&self, new_logprobs: Tensor<2>, batch: &Minibatch) -> Surrogate {
        batch.sequence_surrogate(new_logprobs, self.group.cliprange).into()
    }
}
