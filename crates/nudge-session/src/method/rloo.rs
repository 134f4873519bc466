//! RLOO, REINFORCE leave-one-out (Kool et al. 2019; Ahmadian et al. 2024): the baseline of an answer is the mean
//! reward of the other answers to the same prompt.
//!
//! The whole answer is one action: one ratio, one advantage. The KL is part of the reward.

use crate::SessionError;
use crate::folder::Folder;
use crate::options::RlooOptions;
use crate::protocol::{Files, Stage};
use crate::stage::online::minibatch::Minibatch;
use crate::stage::policy_gradient::{Method, PolicyGradient};
use burn::tensor::{Device, Tensor};
use nudge_data::Prompt;
use nudge_rlhf::{PolicyLoss, rloo_advantages};
use serde::{Deserialize, Serialize};

/// An RLOO run.
pub type Rloo = PolicyGradient<LeaveOneOut>;

/// What RLOO makes of a rollout.
#[derive(Clone, Serialize, Deserialize)]
pub struct LeaveOneOut {
    cliprange: f32,
}

impl LeaveOneOut {
    /// As the options have it.
    pub(crate) fn new(options: &RlooOptions) -> Self {
        Self { cliprange: options.cliprange }
    }
}

impl Method for LeaveOneOut {
    const STAGE: Stage = Stage::Rloo;
    const NAME: &'static str = "RLOO";
    const FEWEST: (usize, &'static str) = (2, "2 or more: the baseline of an answer is the mean of the others");

    fn advantages(&mut self, rewards: &[f32], k: usize) -> Vec<f32> {
        rloo_advantages(rewards, k)
    }

    fn surrogate(&self, new_logprobs: Tensor<2>, batch: &Minibatch) -> PolicyLoss {
        batch.sequence_surrogate(new_logprobs, self.cliprange)
    }
}

/// Starts a run.
pub fn start(
    policy: &Folder,
    rewards: &[Folder],
    prompts: Vec<Prompt>,
    options: RlooOptions,
    fingerprint: String,
    resume: Option<Files>,
    device: &Device,
) -> Result<Rloo, SessionError> {
    let method = LeaveOneOut::new(&options);
    Rloo::new(policy, rewards, prompts, method, options.common(), fingerprint, resume, device)
}
