//! SimPO, simple preference optimisation (Meng et al. 2024): a completion's reward is its log-probability a token, and
//! the chosen one shall lie a margin above the rejected one. It has no reference: nothing but the margin and the
//! learning rate holds the policy where it was.

use super::offline::{
    CompletionLogprobs, Offline, OfflineMethod, OfflineOptions, PreferenceBatch, mean_over_rankings, pair_metrics,
};
use super::{LearnsFrom, Material, TuningMethod};
use crate::options::declare::{NON_NEGATIVE, POSITIVE};
use crate::trainer::Measured;
use crate::{Run, SessionError, options};
use burn::tensor::{Device, Tensor};
use nudge_model::Decoder;
use nudge_rlhf::loss::simpo::simpo_loss;

options! {
    /// Options of SimPO.
    SimpoOptions {
        /// Scale of the reward, the mean log-probability of a token (Meng et al. 2024 take 2 to 10)
        beta: f32 = 2.0, POSITIVE;
        /// Margin by which a chosen completion's reward shall lie above the rejected one's; about half of beta there
        simpo_gamma: f32 = 1.0, NON_NEGATIVE;
        ..offline: OfflineOptions = OfflineOptions::default();
    }
}

impl TuningMethod for SimpoOptions {
    const NAME: &'static str = "simpo";
    const TITLE: &'static str = "SimPO";
    const ABOUT: &'static str = "Tune a policy on rankings by the likelihood of a token, without a reference (SimPO)";
    const SOURCE: &'static str = "Meng et al. 2024";
    const LEARNS_FROM: LearnsFrom = LearnsFrom::Rankings;

    fn start(self, material: &dyn Material, device: &Device) -> Result<Run, SessionError> {
        Offline::new(self, material, device).map(Run::from)
    }
}

impl OfflineMethod for SimpoOptions {
    fn offline(&self) -> &OfflineOptions {
        &self.offline
    }

    fn has_reference(&self) -> bool {
        false
    }

    fn loss(&self, policy: &Decoder, batch: &PreferenceBatch) -> Measured {
        let policy = batch.policy(policy);
        let rankings = batch.pairs.iter().map(|pairs| {
            let (chosen, rejected) = (policy.select(&pairs.chosen), policy.select(&pairs.rejected));
            let terms = simpo_loss(chosen.mean.clone(), rejected.mean.clone(), self.beta, self.simpo_gamma);
            let logps = [chosen.mean, rejected.mean].map(|logprobs| logprobs.detach().mean());
            let [logps_chosen, logps_rejected] = logps;
            [terms.loss, terms.chosen_rewards, terms.rejected_rewards, terms.accuracy, logps_chosen, logps_rejected]
        });
        let [loss, of_pairs @ ..] = mean_over_rankings(rankings);
        Measured::new(loss, pair_metrics(of_pairs))
    }

    /// `beta` times the mean log-probability (eq. 4).
    fn implicit_rewards(&self, policy: CompletionLogprobs, _reference: Option<CompletionLogprobs>) -> Tensor<1> {
        policy.mean.mul_scalar(self.beta)
    }
}
