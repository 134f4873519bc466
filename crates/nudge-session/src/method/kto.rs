//! KTO, Kahneman-Tversky optimisation (Ethayarajh et al. 2024): each answer is good or bad by itself; its value is how
//! far it has moved from the reference, measured from where the policy as a whole has moved to.
//!
//! Records may say it (`{"prompt","completion","label"}`); of a ranking, answers that win more pairs than they lose are
//! good, those that lose more are bad. The policy's own move, the KL, is measured on answers behind the prompt of
//! another record, and no gradient flows through it. Deliberately absent: weights of good and bad that follow their
//! counts.

use crate::SessionError;
use crate::folder::Folder;
use crate::options::KtoOptions;
use crate::protocol::{Files, Stage};
use crate::stage::preference::{Measured, Method, Preference, Training};
use crate::stage::preference_batch::{AnswerLogprobs, PreferenceBatch};
use burn::tensor::{Device, Tensor};
use nudge_model::Decoder;
use nudge_rlhf::{kto_kl, kto_loss};

/// A KTO run.
pub type Kto = Preference<Prospect>;

/// What KTO makes of rankings.
pub struct Prospect {
    beta: f32,
    desirable_weight: f32,
    undesirable_weight: f32,
}

impl Method for Prospect {
    const STAGE: Stage = Stage::Kto;
    const NAME: &'static str = "KTO";
    const READS_LABELS: bool = true;
    const HAS_MISMATCHED: bool = true;

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
        let measured = vec![
            ("rewards/margins", terms.chosen_rewards.clone() - terms.rejected_rewards.clone()),
            ("rewards/chosen", terms.chosen_rewards),
            ("rewards/rejected", terms.rejected_rewards),
            ("kl", kl),
        ];
        (terms.loss, measured)
    }

    /// `beta * (logprob - ref_logprob)`.
    fn implicit_rewards(&self, policy: AnswerLogprobs, reference: Option<AnswerLogprobs>) -> Tensor<1> {
        let reference = reference.map_or_else(|| policy.sum.zeros_like(), |reference| reference.sum);
        (policy.sum - reference).mul_scalar(self.beta)
    }
}

/// Starts a run.
pub fn start(
    folder: Folder,
    comparisons: &str,
    options: KtoOptions,
    fingerprint: String,
    resume: Option<Files>,
    device: &Device,
) -> Result<Kto, SessionError> {
    check(&options)?;
    let KtoOptions { beta, desirable_weight, undesirable_weight, epochs, batch_size, learning_rate, held_out, seed } =
        options;
    let training = Training { epochs, batch_size, learning_rate, held_out, seed };
    let method = Prospect { beta, desirable_weight, undesirable_weight };
    Kto::new(folder, comparisons, method, training, fingerprint, resume, device)
}

fn check(options: &KtoOptions) -> Result<(), SessionError> {
    let wrong = |option, value: String, expected| Err(SessionError::Option { option, value, expected });
    crate::checks::beta(options.beta)?;
    let weights = [("desirable_weight", options.desirable_weight), ("undesirable_weight", options.undesirable_weight)];
    for (option, weight) in weights {
        if !(weight >= 0.0 && weight.is_finite()) {
            return wrong(option, weight.to_string(), "0 or more");
        }
    }
    if options.batch_size < 2 {
        let expected = "2 or more: the KL is measured on answers to the prompt of another ranking";
        return wrong("batch_size", options.batch_size.to_string(), expected);
    }
    Ok(())
}
