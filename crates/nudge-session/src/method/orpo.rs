//! ORPO, odds ratio preference optimisation (Hong et al. 2024): instruction tuning on the chosen answers, with a
//! second term that makes their odds larger than those of the rejected ones. It has no reference.
//!
//! Log-probabilities are averages over the tokens of an answer. The likelihood term reads the chosen answers only; TRL
//! also counts the tokens of their prompts.

use crate::SessionError;
use crate::folder::Folder;
use crate::options::OrpoOptions;
use crate::protocol::{Files, Stage};
use crate::stage::dpo::mean_over_rankings;
use crate::stage::preference::{Measured, Method, Preference, Training};
use crate::stage::preference_batch::{AnswerLogprobs, PreferenceBatch};
use burn::tensor::{Device, Tensor};
use nudge_model::Decoder;
use nudge_rlhf::orpo_loss;

/// An ORPO run.
pub type Orpo = Preference<OddsRatio>;

/// What ORPO makes of rankings.
pub struct OddsRatio {
    beta: f32,
}

impl Method for OddsRatio {
    const STAGE: Stage = Stage::Orpo;
    const NAME: &'static str = "ORPO";
    const HAS_REFERENCE: bool = false;

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
        let [loss, nll, ratio, odds, chosen, rejected, accuracy, logps_chosen, logps_rejected] =
            mean_over_rankings(rankings);
        let measured = vec![
            ("nll_loss", nll),
            ("log_odds_ratio", ratio),
            ("log_odds_chosen", odds),
            ("rewards/margins", chosen.clone() - rejected.clone()),
            ("rewards/chosen", chosen),
            ("rewards/rejected", rejected),
            ("rewards/accuracies", accuracy),
            ("logps/chosen", logps_chosen),
            ("logps/rejected", logps_rejected),
        ];
        (loss, measured)
    }

    /// `beta` times the mean log-probability, as TRL has it: a larger one has larger odds.
    fn implicit_rewards(&self, policy: AnswerLogprobs, _reference: Option<AnswerLogprobs>) -> Tensor<1> {
        policy.mean.mul_scalar(self.beta)
    }
}

/// Starts a run.
pub fn start(
    folder: Folder,
    comparisons: &str,
    options: OrpoOptions,
    fingerprint: String,
    resume: Option<Files>,
    device: &Device,
) -> Result<Orpo, SessionError> {
    crate::checks::beta(options.beta)?;
    let OrpoOptions { beta, epochs, batch_size, learning_rate, held_out, seed } = options;
    let training = Training { epochs, batch_size, learning_rate, held_out, seed };
    Orpo::new(folder, comparisons, OddsRatio { beta }, training, fingerprint, resume, device)
}
