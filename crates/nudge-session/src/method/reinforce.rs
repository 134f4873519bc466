//! REINFORCE (Williams 1992) with the mean of all earlier rewards as its baseline (Ahmadian et al. 2024): the simplest
//! method that learns from its own answers.
//!
//! The whole answer is one action. In the first pass over a rollout the ratio is 1 and the gradient is that of
//! `-A ln π`; the clipped ratio matters only in further passes. The KL is part of the reward.

use crate::SessionError;
use crate::folder::Folder;
use crate::options::ReinforceOptions;
use crate::protocol::{Files, Stage};
use crate::stage::online::minibatch::Minibatch;
use crate::stage::policy_gradient::{Method, PolicyGradient};
use burn::tensor::{Device, Tensor};
use nudge_data::Prompt;
use nudge_rlhf::{PolicyLoss, RewardBaseline};
use serde::{Deserialize, Serialize};

/// A REINFORCE run.
pub type Reinforce = PolicyGradient<RunningMean>;

/// What REINFORCE makes of a rollout.
#[derive(Clone, Serialize, Deserialize)]
pub struct RunningMean {
    baseline: RewardBaseline,
    cliprange: f32,
}

impl RunningMean {
    /// As the options have it, before the first reward.
    pub(crate) fn new(options: &ReinforceOptions) -> Self {
        Self { baseline: RewardBaseline::default(), cliprange: options.cliprange }
    }
}

impl Method for RunningMean {
    const STAGE: Stage = Stage::Reinforce;
    const NAME: &'static str = "REINFORCE";

    fn advantages(&mut self, rewards: &[f32], _k: usize) -> Vec<f32> {
        self.baseline.advantages(rewards)
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
    options: ReinforceOptions,
    fingerprint: String,
    resume: Option<Files>,
    device: &Device,
) -> Result<Reinforce, SessionError> {
    let method = RunningMean::new(&options);
    Reinforce::new(policy, rewards, prompts, method, options.common(), fingerprint, resume, device)
}
