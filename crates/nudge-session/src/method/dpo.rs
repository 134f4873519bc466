//! DPO, direct preference optimisation (Rafailov et al. 2023): the policy is its own reward model. It learns that the
//! chosen completion has gained more over the reference than the rejected one.
//!
//! The loss is a function of that difference: sigmoid (the paper's, or Tülu 3's on averages over tokens), hinge (SLiC),
//! squared (IPO, Azar et al. 2023, on averages as well), or made robust to wrong labels (Chowdhury et al. 2024). RPO
//! (Pang et al. 2024) lets the policy imitate the chosen completion beside it.

use super::offline::{
    CompletionLogprobs, Offline, OfflineMethod, OfflineOptions, PreferenceBatch, mean_over_rankings, pair_metrics,
};
use super::{LearnsFrom, Material, Target, TuningMethod};
use crate::finetuning::is_large;
use crate::options::declare::{BELOW_HALF, NON_NEGATIVE, POSITIVE};
use crate::trainer::Measured;
use crate::{Run, SessionError, options};
use burn::tensor::{Device, Tensor};
use nudge_model::{Decoder, DecoderConfig};
use nudge_rlhf::{DpoVariant, dpo_loss};

options! {
    /// Options of DPO.
    DpoOptions {
        /// Function of the difference of implicit rewards; sigmoid is the paper's
        loss: DpoVariant = DpoVariant::Sigmoid;
        /// Weight of the KL to the reference in the objective that the loss solves (Rafailov et al. 2023, appendix B)
        beta: f32 = 0.1, POSITIVE;
        /// Assumed share of pairs ranked the wrong way round; sigmoid (Mitchell 2023) and robust only
        label_smoothing: f32 = 0.0, BELOW_HALF;
        /// Weight of imitation beside the loss: of the negative log-probability of a token of the chosen completions
        /// (RPO, Pang et al. 2024; 1 there). Off: 0, 1 for a model above 20 M parameters
        rpo_alpha: Option<f32> = None, NON_NEGATIVE;
        ..offline: OfflineOptions = OfflineOptions::default();
    }
}

impl TuningMethod for DpoOptions {
    const NAME: &'static str = "dpo";
    const TITLE: &'static str = "DPO";
    const ABOUT: &'static str =
        "Tune a policy on rankings or comparisons themselves, without reward model and sampling (DPO)";
    const SOURCE: &'static str = "Rafailov et al. 2023";
    const LEARNS_FROM: LearnsFrom = LearnsFrom::Rankings;
    const TARGET: Option<Target> = Some(Target::Optimum);

    fn check(&self) -> Result<(), SessionError> {
        let smooths = matches!(self.loss, DpoVariant::Sigmoid | DpoVariant::Robust);
        if self.label_smoothing > 0.0 && !smooths {
            let expected = "0 unless loss is sigmoid or robust";
            return Err(SessionError::option("label_smoothing", self.label_smoothing, expected));
        }
        Ok(())
    }

    fn start(self, material: &dyn Material, device: &Device) -> Result<Run, SessionError> {
        Offline::new(self, material, device).map(Run::from)
    }
}

impl DpoOptions {
    /// Summed over tokens, or averaged where the loss asks for it.
    fn of(&self, logprobs: CompletionLogprobs) -> Tensor<1> {
        match self.loss {
            DpoVariant::Ipo | DpoVariant::SigmoidNorm => logprobs.mean,
            _ => logprobs.sum,
        }
    }

    /// A real model keeps its sentences by it: without, what it writes of a product is lists of repeated numbers at the
    /// same share of wins (`tests/README.md`).
    pub(crate) fn rpo_alpha(&self, config: &DecoderConfig) -> f32 {
        self.rpo_alpha.unwrap_or(if is_large(config) { 1.0 } else { 0.0 })
    }
}

impl OfflineMethod for DpoOptions {
    fn offline(&self) -> &OfflineOptions {
        &self.offline
    }

    fn loss(&self, policy: &Decoder, batch: &PreferenceBatch) -> Measured {
        let rpo_alpha = self.rpo_alpha(&policy.config);
        let (policy, reference) = (batch.policy(policy), batch.reference());
        let rankings = batch.pairs.iter().map(|pairs| {
            let [chosen, rejected] =
                [&pairs.chosen, &pairs.rejected].map(|side| (policy.select(side), reference.select(side)));
            let logps = [&chosen, &rejected].map(|(policy, _)| policy.sum.clone().detach().mean());
            let nll = chosen.0.mean.clone().mean().neg();
            let terms = dpo_loss(
                self.of(chosen.0),
                self.of(rejected.0),
                self.of(chosen.1),
                self.of(rejected.1),
                self.beta,
                self.label_smoothing,
                self.loss,
            );
            let [logps_chosen, logps_rejected] = logps;
            // L = L_DPO + rpo_alpha * NLL (Pang et al. 2024, eq. 1).
            let loss = if rpo_alpha > 0.0 { terms.loss + nll.clone().mul_scalar(rpo_alpha) } else { terms.loss };
            [
                loss,
                nll.detach(),
                terms.chosen_rewards,
                terms.rejected_rewards,
                terms.accuracy,
                logps_chosen,
                logps_rejected,
            ]
        });
        let [loss, nll, of_pairs @ ..] = mean_over_rankings(rankings);
        let imitation = (rpo_alpha > 0.0).then_some(("nll_loss", nll));
        Measured::new(loss, imitation.into_iter().chain(pair_metrics(of_pairs)))
    }

    /// `beta * (logprob - ref_logprob)` (eq. 5).
    fn implicit_rewards(&self, policy: CompletionLogprobs, reference: Option<CompletionLogprobs>) -> Tensor<1> {
        let policy = self.of(policy);
        let reference = reference.map_or_else(|| policy.zeros_like(), |reference| self.of(reference));
        (policy - reference).mul_scalar(self.beta)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_real_model_imitates_beside_dpo_unless_told_otherwise() {
        let small = DecoderConfig::test(24);
        let large = DecoderConfig { vocab_size: 1 << 24, ..small.clone() };
        let alphas = |given| {
            [&small, &large].map(|config| DpoOptions { rpo_alpha: given, ..Default::default() }.rpo_alpha(config))
        };
        assert_eq!(alphas(None), [0.0, 1.0]);
        assert_eq!(alphas(Some(0.0)), [0.0, 0.0]);
    }
}
