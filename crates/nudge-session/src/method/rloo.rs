//! RLOO, REINFORCE leave-one-out (Kool et al. 2019; Ahmadian et al. 2024): the baseline of a completion is the mean
//! reward of the other completions of the same prompt.
//!
//! The whole completion is one action: one ratio, one advantage. The KL is part of the reward.

use super::online::policy_gradient::{GroupMethod, GroupOptions, PolicyGradient};
use super::online::{Minibatch, OnlineOptions, Surrogate};
use super::{LearnsFrom, Material, Target, TuningMethod};
use crate::{Run, SessionError, options};
use burn::tensor::{Device, Tensor};
use nudge_rlhf::rloo_advantages;

options! {
    /// Options of RLOO.
    RlooOptions {
        ..group: GroupOptions = GroupOptions::default();
    }
}

impl TuningMethod for RlooOptions {
    const NAME: &'static str = "rloo";
    const TITLE: &'static str = "RLOO";
    const ABOUT: &'static str =
        "Optimise a policy against a reward model, each completion against the mean of its group's others (RLOO)";
    const SOURCE: &'static str = "Ahmadian et al. 2024";
    const LEARNS_FROM: LearnsFrom = LearnsFrom::Rewards;
    const TARGET: Option<Target> = Some(Target::Optimum);

    fn check(&self) -> Result<(), SessionError> {
        self.group.check(2, "2 or more: the baseline of a completion is the mean of the others")
    }

    fn start(self, material: &dyn Material, device: &Device) -> Result<Run, SessionError> {
        PolicyGradient::new(self, material, device).map(Run::from)
    }
}

impl GroupMethod for RlooOptions {
    type Own = ();

    fn online(&self) -> &OnlineOptions {
        &self.group.online
    }

    fn k(&self) -> usize {
        self.group.k
    }

    fn advantages(&self, _own: &mut (), rewards: &[f32], k: usize) -> Vec<f32> {
        rloo_advantages(rewards, k)
    }

    fn surrogate(&self, new_logprobs: Tensor<2>, batch: &Minibatch) -> Surrogate {
        batch.sequence_surrogate(new_logprobs, self.group.cliprange).into()
    }
}
