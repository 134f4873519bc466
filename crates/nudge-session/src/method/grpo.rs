//! GRPO, group relative policy optimisation (Shao et al. 2024): an answer is as good as it is above the mean of the
//! answers to the same prompt.
//!
//! The paper divides by the group's deviation, clips the ratio of every token, averages tokens within an answer first,
//! and has the KL (k3) in the loss. Dr. GRPO (Liu et al. 2025) divides by nothing and by one fixed length.

use crate::SessionError;
use crate::folder::Folder;
use crate::options::GrpoOptions;
use crate::protocol::{Files, Stage};
use crate::stage::online::minibatch::Minibatch;
use crate::stage::policy_gradient::{Method, PolicyGradient};
use burn::tensor::{Device, Tensor};
use nudge_data::Prompt;
use nudge_rlhf::{LossAggregation, PolicyLoss, ScaleRewards, grpo_advantages, policy_loss};
use serde::{Deserialize, Serialize};

/// A GRPO run.
pub type Grpo = PolicyGradient<GroupRelative>;

/// What GRPO makes of a rollout.
#[derive(Clone, Serialize, Deserialize)]
pub struct GroupRelative {
    scale_rewards: ScaleRewards,
    aggregation: LossAggregation,
    cliprange: f32,
}

impl GroupRelative {
    /// As the options have it.
    pub(crate) fn new(options: &GrpoOptions) -> Self {
        let GrpoOptions { scale_rewards, loss_aggregation, cliprange, .. } = *options;
        Self { scale_rewards, aggregation: loss_aggregation, cliprange }
    }
}

impl Method for GroupRelative {
    const STAGE: Stage = Stage::Grpo;
    const NAME: &'static str = "GRPO";
    const FEWEST: (usize, &'static str) = (2, "2 or more: an answer is compared with the others to its prompt");

    fn aggregation(&self) -> LossAggregation {
        self.aggregation
    }

    fn advantages(&mut self, rewards: &[f32], k: usize) -> Vec<f32> {
        grpo_advantages(rewards, k, self.scale_rewards)
    }

    fn surrogate(&self, new_logprobs: Tensor<2>, batch: &Minibatch) -> PolicyLoss {
        let (old, advantages, mask) = (batch.old_logprobs.clone(), batch.advantages.clone(), batch.mask.clone());
        policy_loss(new_logprobs, old, advantages, mask, self.cliprange, self.aggregation)
    }
}

/// Starts a run.
pub fn start(
    policy: &Folder,
    rewards: &[Folder],
    prompts: Vec<Prompt>,
    options: GrpoOptions,
    fingerprint: String,
    resume: Option<Files>,
    device: &Device,
) -> Result<Grpo, SessionError> {
    let method = GroupRelative::new(&options);
    Grpo::new(policy, rewards, prompts, method, options.common(), fingerprint, resume, device)
}
