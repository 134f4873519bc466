//! KTO, Kahneman-Tversky optimisation (Ethayarajh et al. 2024): each completion is good or bad by itself; its value is how
//! far it has moved from the reference, measured from where the policy as a whole has moved to.
//!
//! Records may say it (`{"prompt","completion","label"}`); of a ranking, completions that win more pairs than they lose are
//! good, those that lose more are bad. The policy's own move, the KL, is measured on completions behind the prompt of
//! another record, and no gradient flows through it. Deliberately absent: weights of good and bad that follow their
//! counts.

use super::offline::{CompletionLogprobs, Offline, OfflineMethod, OfflineOptions, PreferenceBatch};
use super::{LearnsFrom, Material, TuningMethod};
use crate::options::declare::{NON_NEGATIVE, POSITIVE};
use crate::trainer::Measured;
use crate::{Run, SessionError, options};
use burn::tensor::{Device, Tensor};
use nudge_model::Decoder;
use nudge_rlhf::{kto_kl, kto_loss};

options! {
    /// Options of KTO.
    KtoOptions {
        /// Weight of the log-ratio to the reference in the value of a completion (Ethayarajh et al. 2024)
        beta: f32 = 0.1, POSITIVE;
        /// Weight of a completion that should be likelier
        desirable_weight: f32 = 1.0, NON_NEGATIVE;
        /// Weight of a completion that should be less likely
        undesirable_weight: f32 = 1.0, NON_NEGATIVE;
        ..offline: OfflineOptions = OfflineOptions::default();
    }
}

impl TuningMethod for KtoOptions {
    const NAME: &'static str = "kto";
    const TITLE: &'static str = "KTO";
    const ABOUT: &'static str =
        "Tune a policy on completions that are good or bad each by itself, as labels or rankings say (KTO)";
    const SOURCE: &'static str = "Ethayarajh et al. 2024";
    const LEARNS_FROM: LearnsFrom = LearnsFrom::Labels;

    fn check(&self) -> Result<(), SessionError> {
        if self.offline.batch_size < 2 {
            let expected = "2 or more: the KL is measured on completions of the prompt of another ranking";
            return Err(SessionError::option("batch_size", self.offline.batch_size, expected));
        }
        Ok(())
    }

    fn start(self, material: &dyn Material, device: &Device) -> Result<Run, SessionError> {
        Offline::new(self, material, device).map(Run::from)
    }
}

impl OfflineMethod for KtoOptions {
    const HAS_MISMATCHED: bool = true;

    fn offline(&self) -> &OfflineOptions {
        &self.offline
    }

    fn loss(&self, policy: &Decoder, batch: &PreferenceBatch) -> Measured {
        let (other, ref_other) = batch.mismatched(policy);
        let kl = kto_kl(other, ref_other);
        let labelled = &batch.labels.places;
        let terms = kto_loss(
            batch.policy(policy).select(labelled).sum,
            batch.reference().select(labelled).sum,
            &batch.labels.desirable,
            kl.clone(),
            self.beta,
            self.desirable_weight,
            self.undesirable_weight,
        );
        let measured = [
            ("rewards/margins", terms.chosen_rewards.clone() - terms.rejected_rewards.clone()),
            ("rewards/chosen", terms.chosen_rewards),
            ("rewards/rejected", terms.rejected_rewards),
            ("kl", kl),
        ];
        Measured::new(terms.loss, measured)
    }

    /// `beta * (logprob - ref_logprob)`.
    fn implicit_rewards(&self, policy: CompletionLogprobs, reference: Option<CompletionLogprobs>) -> Tensor<1> {
        let reference = reference.map_or_else(|| policy.sum.zeros_like(), |reference| reference.sum);
        (policy.sum - reference).mul_scalar(self.beta)
    }
}
