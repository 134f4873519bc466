//! Where scores come from: one reward model, several of them, or a rule over tokens that is known exactly.
//!
//! A reward model's zero and scale are arbitrary. Both are fixed on the first rollout, while the policy is still the
//! reference, for each member of an ensemble by itself. Deliberately absent: when a score falls into a reward.

use crate::SessionError;
use crate::folder::Folder;
use crate::rollout::SampledCompletion;
use burn::tensor::{Device, Int, Tensor};
use nudge_model::{Frozen, ScalarModel, TokenBatch};
use nudge_rlhf::{EnsembleRule, RewardNormalization, Variance};

/// A rule over a completion.
pub type Rule = Box<dyn Fn(&SampledCompletion) -> f32>;

/// Who scores a completion.
pub enum Scorer {
    /// Reward models, one or more.
    RewardModels(Vec<Frozen<ScalarModel>>),
    /// A reward that is known exactly, as the oracle's is.
    Rule(Rule),
}

impl Scorer {
    /// Loads reward models that share `policy`'s tokenizer.
    pub fn open(policy: &Folder, rewards: &[Folder], device: &Device) -> Result<Self, SessionError> {
        let open = |reward: &Folder| {
            policy.same_tokenizer(reward)?;
            Ok(reward.scalar(device)?.frozen())
        };
        Ok(Self::RewardModels(rewards.iter().map(open).collect::<Result<_, SessionError>>()?))
    }

    /// The reward models; none where a rule scores.
    pub fn members(&self) -> &[Frozen<ScalarModel>] {
        match self {
            Self::RewardModels(members) => members,
            Self::Rule(_) => &[],
        }
    }

    /// The numbers of each reward model at the last token of each row, as tensors `[rows, 1]`.
    pub fn on_device(&self, rows: impl Fn(&ScalarModel) -> TokenBatch, last: &Tensor<1, Int>) -> Vec<Tensor<2>> {
        let count = last.dims()[0];
        self.members().iter().map(|member| member.score_at(&rows(member), last.clone()).reshape([count, 1])).collect()
    }

    /// What a rule says of each completion; nothing where reward models score.
    pub fn on_host(&self, completions: &[SampledCompletion]) -> Option<Vec<f32>> {
        match self {
            Self::Rule(rule) => Some(completions.iter().map(rule).collect()),
            Self::RewardModels(_) => None,
        }
    }
}

/// Gain and bias of each reward model, fixed once.
pub type Normalizations = Vec<RewardNormalization>;

/// Brings each member's numbers on the first rollout to mean 0 and variance 1, or leaves them.
pub fn normalizations(raw_scores: &[Vec<f32>], normalize: bool) -> Normalizations {
    let of = |scores: &Vec<f32>| match normalize {
        true => RewardNormalization::unit_variance(scores, Variance::Unbiased),
        false => RewardNormalization::default(),
    };
    raw_scores.iter().map(of).collect()
}

/// One score a completion: each member normalised, then the ensemble's rule.
pub fn scores(raw_scores: &[Vec<f32>], normalizations: &[RewardNormalization], rule: EnsembleRule) -> Vec<f32> {
    let members: Vec<Vec<f32>> = raw_scores
        .iter()
        .zip(normalizations)
        .map(|(scores, normalization)| scores.iter().map(|score| normalization.apply(*score)).collect())
        .collect();
    nudge_rlhf::ensemble_scores(&members, rule)
}
