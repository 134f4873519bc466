//! ORPO, odds ratio preference optimisation (Hong et al. 2024): instruction tuning on the chosen completions, with a
//! second term that makes their odds larger than those of the rejected ones. It has no reference.
//!
//! Log-probabilities are averages over the tokens of a completion. The likelihood term reads the chosen completions only; TRL
//! also counts the tokens of their prompts.

use super::offline::{
    CompletionLogprobs, Offline, OfflineMethod, OfflineOptions, PreferenceBatch, mean_over_rankings, pair_metrics,
};
use super::{LearnsFrom, Material, TuningMethod};
use crate::options::declare::POSITIVE;
use crate::trainer::Measured;
use crate::{Run, SessionError, options};
use burn::tensor::{Device, Tensor};
use nudge_model::Decoder;
use nudge_rlhf::orpo_loss;

options! {
    /// Options of ORPO.
    OrpoOptions {
        /// Weight of the odds ratio beside the likelihood of the chosen completions: lambda of the paper (Hong et al.
        /// 2024), beta in TRL
        beta: f32 = 0.1, POSITIVE;
        ..offline: OfflineOptions = OfflineOptions::default();
    }
}

impl TuningMethod for OrpoOptions {
    const NAME: &'static str = "orpo";
    const TITLE: &'static str = "ORPO";
    const ABOUT: &'static str =
        "Tune a policy on rankings while it imitates the better completions, without a reference (ORPO)";
    const SOURCE: &'static str = "Hong et al. 2024";
    const LEARNS_FROM: LearnsFrom = LearnsFrom::Rankings;

    fn start(self, material: &dyn Material, device: &Device) -> Result<Run, SessionError> {
        Offline::new(self, material, device).map(Run::from)
    }
}

impl OfflineMethod for OrpoOptions {
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
            let nll = chosen.mean.clone().mean().neg();
            let terms = orpo_loss(chosen.mean, rejected.mean, nll.clone(), self.beta);
            [
                terms.loss,
                nll.detach(),
                terms.log_odds_ratio,
                terms.log_odds_chosen,
                terms.chosen_rewards,
                terms.rejected_rewards,
                terms.accuracy,
                chosen.sum.detach().mean(),
                rejected.sum.detach().mean(),
            ]
        });
        let [loss, nll, ratio, odds, of_pairs @ ..] = mean_over_rankings(rankings);
        let own = [("nll_loss", nll), ("log_odds_ratio", ratio), ("log_odds_chosen", odds)];
        Measured::new(loss, own.into_iter().chain(pair_metrics(of_pairs)))
    }

    /// `beta` times the mean log-probability, as TRL has it: a larger one has larger odds.
    fn implicit_rewards(&self, policy: CompletionLogprobs, _reference: Option<CompletionLogprobs>) -> Tensor<1> {
        policy.mean.mul_scalar(self.beta)
    }
}
