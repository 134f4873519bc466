//! DPO, direct preference optimisation (Rafailov et al. 2023): the policy is its own reward model. It learns that the
//! chosen answer has gained more over the reference than the rejected one.
//!
//! The loss is a function of that difference: sigmoid (the paper's), hinge (SLiC), squared (IPO, Azar et al. 2023, on
//! averages over tokens), or made robust to wrong labels (Chowdhury et al. 2024).

use crate::SessionError;
use crate::folder::Folder;
use crate::options::DpoOptions;
use crate::protocol::{Files, Stage};
use crate::stage::preference::{Measured, Method, Preference, Training};
use crate::stage::preference_batch::{AnswerLogprobs, PreferenceBatch};
use burn::tensor::{Device, Tensor};
use nudge_model::Decoder;
use nudge_rlhf::{DpoVariant, dpo_loss};

/// A DPO run.
pub type Dpo = Preference<Direct>;

/// What DPO makes of rankings.
pub struct Direct {
    loss: DpoVariant,
    beta: f32,
    label_smoothing: f32,
}

impl Direct {
    /// As the options have it.
    pub(crate) fn new(options: &DpoOptions) -> Self {
        let DpoOptions { loss, beta, label_smoothing, .. } = *options;
        Self { loss, beta, label_smoothing }
    }

    /// Summed over tokens, or averaged where the loss is IPO's.
    fn of(&self, logprobs: AnswerLogprobs) -> Tensor<1> {
        match self.loss {
            DpoVariant::Ipo => logprobs.mean,
            _ => logprobs.sum,
        }
    }
}

impl Method for Direct {
    const STAGE: Stage = Stage::Dpo;
    const NAME: &'static str = "DPO";

    fn loss(&self, policy: &Decoder, batch: &PreferenceBatch) -> Measured {
        let (policy, reference) = (batch.policy(policy), batch.reference());
        let rankings = batch.pairs.iter().map(|pairs| {
            let [chosen, rejected] =
                [&pairs.chosen, &pairs.rejected].map(|side| (policy.select(side), reference.select(side)));
            let logps = [&chosen, &rejected].map(|(policy, _)| policy.sum.clone().detach().mean());
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
            [terms.loss, terms.chosen_rewards, terms.rejected_rewards, terms.accuracy, logps_chosen, logps_rejected]
        });
        let [loss, chosen, rejected, accuracy, logps_chosen, logps_rejected] = mean_over_rankings(rankings);
        let measured = vec![
            ("rewards/margins", chosen.clone() - rejected.clone()),
            ("rewards/chosen", chosen),
            ("rewards/rejected", rejected),
            ("rewards/accuracies", accuracy),
            ("logps/chosen", logps_chosen),
            ("logps/rejected", logps_rejected),
        ];
        (loss, measured)
    }

    /// `beta * (logprob - ref_logprob)` (eq. 5).
    fn implicit_rewards(&self, policy: AnswerLogprobs, reference: Option<AnswerLogprobs>) -> Tensor<1> {
        let policy = self.of(policy);
        let reference = reference.map_or_else(|| policy.zeros_like(), |reference| self.of(reference));
        (policy - reference).mul_scalar(self.beta)
    }
}

/// Means over the pairs of each ranking, then over rankings, so that each ranking counts as much as any other.
pub(super) fn mean_over_rankings<const N: usize>(rankings: impl Iterator<Item = [Tensor<1>; N]>) -> [Tensor<1>; N] {
    let mut terms: [Vec<Tensor<1>>; N] = std::array::from_fn(|_| Vec::new());
    for ranking in rankings {
        terms.iter_mut().zip(ranking).for_each(|(term, number)| term.push(number));
    }
    terms.map(|rankings| Tensor::cat(rankings, 0).mean())
}

/// Starts a run.
pub fn start(
    folder: Folder,
    comparisons: &str,
    options: DpoOptions,
    fingerprint: String,
    resume: Option<Files>,
    device: &Device,
) -> Result<Dpo, SessionError> {
    check(&options)?;
    Dpo::new(folder, comparisons, Direct::new(&options), training(&options), fingerprint, resume, device)
}

/// What it shares with the other methods.
pub(crate) fn training(options: &DpoOptions) -> Training {
    let DpoOptions { epochs, batch_size, learning_rate, held_out, seed, .. } = *options;
    Training { epochs, batch_size, learning_rate, held_out, seed }
}

fn check(options: &DpoOptions) -> Result<(), SessionError> {
    let wrong = |option, value: f32, expected| Err(SessionError::Option { option, value: value.to_string(), expected });
    crate::checks::beta(options.beta)?;
    if !(0.0..0.5).contains(&options.label_smoothing) {
        return wrong("label_smoothing", options.label_smoothing, "at least 0 and less than 0.5");
    }
    let smooths = matches!(options.loss, DpoVariant::Sigmoid | DpoVariant::Robust);
    if options.label_smoothing > 0.0 && !smooths {
        return wrong("label_smoothing", options.label_smoothing, "0 unless loss is sigmoid or robust");
    }
    Ok(())
}
