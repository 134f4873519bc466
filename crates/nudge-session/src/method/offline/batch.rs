//! A few rankings as tensors: every completion once, its log-probabilities, and which completions form a pair.

use crate::batch::demonstrations::DemonstrationBatch;
use crate::batch::preferences::Ranked;
use crate::trainer::training_device;
use burn::tensor::{Device, Int, Tensor};
use nudge_data::{EncodedDemonstration, Tokenizer, labels};
use nudge_model::{Decoder, DecoderConfig, Frozen};
use nudge_rlhf::loss::masked::{masked_row_mean, masked_row_sum};
use std::cell::OnceCell;

/// Log-probabilities of whole completions with their end tokens, in nats, `[completions]`.
#[derive(Clone)]
pub struct CompletionLogprobs {
    /// Summed over the tokens of a completion.
    pub sum: Tensor<1>,
    /// Averaged over them.
    pub mean: Tensor<1>,
}

impl CompletionLogprobs {
    /// Those of `model`, by one forward pass.
    pub(crate) fn new(batch: &DemonstrationBatch, model: &Decoder) -> Self {
        let logprobs = batch.token_logprobs(model);
        let mask = || batch.loss_mask.clone();
        Self { sum: masked_row_sum(logprobs.clone(), mask()), mean: masked_row_mean(logprobs, mask()) }
    }

    /// Those of several batches, one after the other.
    fn cat(parts: impl Iterator<Item = Self>) -> Self {
        let (sums, means) = parts.map(|part| (part.sum, part.mean)).unzip();
        Self { sum: Tensor::cat(sums, 0), mean: Tensor::cat(means, 0) }
    }

    fn map(self, map: impl Fn(Tensor<1>) -> Tensor<1>) -> Self {
        Self { sum: map(self.sum), mean: map(self.mean) }
    }

    /// Some of the completions.
    pub fn select(&self, places: &Tensor<1, Int>) -> Self {
        self.clone().map(|logprobs| logprobs.select(0, places.clone()))
    }
}

/// A ranking, and what the reference says of it. The reference does not move, so that it is asked once, and always about
/// one ranking: a resumed run gets the same numbers.
pub struct Referenced {
    /// The ranking.
    pub ranked: Ranked<EncodedDemonstration>,
    logprobs: OnceCell<CompletionLogprobs>,
}

impl From<Ranked<EncodedDemonstration>> for Referenced {
    fn from(ranked: Ranked<EncodedDemonstration>) -> Self {
        Self { ranked, logprobs: OnceCell::new() }
    }
}

impl Referenced {
    /// Its completions as rows.
    pub(super) fn batch(&self, tokenizer: &Tokenizer, config: &DecoderConfig, device: &Device) -> DemonstrationBatch {
        let rows: Vec<_> = self.ranked.rows.iter().collect();
        DemonstrationBatch::padded(&rows, tokenizer.pad_id(), config, device)
    }

    /// Log-probabilities of its completions under the reference.
    pub fn ref_logprobs(&self, reference: &Decoder, tokenizer: &Tokenizer, device: &Device) -> CompletionLogprobs {
        let ask = || CompletionLogprobs::new(&self.batch(tokenizer, &reference.config, device), reference);
        self.logprobs.get_or_init(ask).clone()
    }
}

/// A few rankings as tensors on an autodiff device.
pub struct PreferenceBatch {
    completions: DemonstrationBatch,
    reference: Option<CompletionLogprobs>,
    /// One entry a ranking.
    pub pairs: Vec<RankingPairs>,
    /// Completions that their record labels, or that win more pairs than they lose (`true`) or the other way round; the
    /// others are in no list.
    pub labels: Labels,
    mismatched: Option<(DemonstrationBatch, CompletionLogprobs)>,
}

/// Places of the chosen and the rejected completions of one ranking's pairs in the batch, `[pairs]` each.
pub struct RankingPairs {
    /// Winners.
    pub chosen: Tensor<1, Int>,
    /// Losers.
    pub rejected: Tensor<1, Int>,
}

/// Completions with a label of their own.
pub struct Labels {
    /// Places in the batch, `[labelled]`.
    pub places: Tensor<1, Int>,
    /// Whether each should be likelier.
    pub desirable: Vec<bool>,
}

type Rankings<'a> = [&'a Referenced];

impl PreferenceBatch {
    /// Lays out rankings. `mismatched` adds the completions of each ranking behind the prompt of the next.
    pub fn new(
        rankings: &Rankings<'_>,
        reference: Option<&Frozen<Decoder>>,
        mismatched: bool,
        tokenizer: &Tokenizer,
        config: &DecoderConfig,
        device: &Device,
    ) -> Self {
        let training = training_device(device);
        let (mut rows, mut pairs, mut labels) = (Vec::new(), Vec::new(), Vec::new());
        for Referenced { ranked, .. } in rankings {
            labels.extend(labels_of(ranked, rows.len()));
            pairs.push(RankingPairs::new(&ranked.pairs, rows.len(), &training));
            rows.extend(&ranked.rows);
        }
        let lay_out = |rows: &[&EncodedDemonstration], device: &Device| {
            DemonstrationBatch::padded(rows, tokenizer.pad_id(), config, device)
        };
        let completions = lay_out(&rows, &training);
        let of_ranking = |reference| rankings.iter().map(move |one| one.ref_logprobs(reference, tokenizer, device));
        let ref_logprobs = reference.map(|model| CompletionLogprobs::cat(of_ranking(model)).map(Tensor::autodiff));
        let mismatched = mismatched.then(|| mismatched_rows(rankings, config.max_position_embeddings));
        let mismatched = mismatched.zip(reference).map(|(rows, reference)| {
            let rows: Vec<_> = rows.iter().collect();
            let logprobs = CompletionLogprobs::new(&lay_out(&rows, device), reference);
            (lay_out(&rows, &training), logprobs.map(Tensor::autodiff))
        });
        Self { completions, reference: ref_logprobs, pairs, labels: Labels::new(&labels, &training), mismatched }
    }

    /// Real tokens in it.
    pub fn tokens(&self) -> usize {
        self.completions.tokens
    }

    /// Log-probabilities of all completions under `policy`.
    pub fn policy(&self, policy: &Decoder) -> CompletionLogprobs {
        CompletionLogprobs::new(&self.completions, policy)
    }

    /// Log-probabilities of all completions under the reference; no gradient.
    ///
    /// # Panics
    /// If the batch was laid out without one.
    pub fn reference(&self) -> &CompletionLogprobs {
        self.reference.as_ref().expect("a method that asks for the reference says that it has one")
    }

    /// The same of completions behind another prompt, without a graph: policy, reference.
    ///
    /// # Panics
    /// If the batch was laid out without them.
    pub fn mismatched(&self, policy: &Decoder) -> (Tensor<1>, Tensor<1>) {
        let (batch, reference) =
            self.mismatched.as_ref().expect("a method that asks for mismatched completions says so");
        (CompletionLogprobs::new(batch, policy).sum.detach(), reference.sum.clone())
    }
}

/// Means over the pairs of each ranking, then over rankings, so that each ranking counts as much as any other.
pub fn mean_over_rankings<const N: usize>(rankings: impl Iterator<Item = [Tensor<1>; N]>) -> [Tensor<1>; N] {
    let mut terms: [Vec<Tensor<1>>; N] = std::array::from_fn(|_| Vec::new());
    for ranking in rankings {
        terms.iter_mut().zip(ranking).for_each(|(term, number)| term.push(number));
    }
    terms.map(|rankings| Tensor::cat(rankings, 0).mean())
}

/// The metrics of a loss on pairs: implicit rewards and log-probabilities, chosen before rejected, around the accuracy.
pub fn pair_metrics(
    [chosen, rejected, accuracy, logps_chosen, logps_rejected]: [Tensor<1>; 5],
) -> [(&'static str, Tensor<1>); 6] {
    [
        ("rewards/margins", chosen.clone() - rejected.clone()),
        ("rewards/chosen", chosen),
        ("rewards/rejected", rejected),
        ("rewards/accuracies", accuracy),
        ("logps/chosen", logps_chosen),
        ("logps/rejected", logps_rejected),
    ]
}

impl RankingPairs {
    fn new(pairs: &[(usize, usize)], offset: usize, device: &Device) -> Self {
        let places = |side: fn(&(usize, usize)) -> usize| {
            let places: Vec<i32> = pairs.iter().map(|pair| (side(pair) + offset) as i32).collect();
            Tensor::from_data(places.as_slice(), device)
        };
        Self { chosen: places(|pair| pair.0), rejected: places(|pair| pair.1) }
    }
}

impl Labels {
    fn new(labels: &[(usize, bool)], device: &Device) -> Self {
        let places: Vec<i32> = labels.iter().map(|(place, _)| *place as i32).collect();
        Self {
            places: Tensor::from_data(places.as_slice(), device),
            desirable: labels.iter().map(|(_, desirable)| *desirable).collect(),
        }
    }
}

/// Which completions of a ranking are good and which bad: those that win more pairs than they lose, and the reverse.
fn labels_of(ranked: &Ranked<EncodedDemonstration>, offset: usize) -> Vec<(usize, bool)> {
    let labels = labels(ranked.label, &ranked.pairs, ranked.rows.len());
    labels.into_iter().map(|(one, wanted)| (one + offset, wanted)).collect()
}

/// The completions of each ranking behind the prompt of the next, cut to `context` tokens.
fn mismatched_rows(rankings: &Rankings<'_>, context: usize) -> Vec<EncodedDemonstration> {
    let prompt_of = |ranking: &Referenced| {
        let row = &ranking.ranked.rows[0];
        row.tokens[..completion_start(row)].to_vec()
    };
    let behind = |(place, ranking): (usize, &&Referenced)| {
        let prompt = prompt_of(rankings[(place + 1) % rankings.len()]);
        ranking.ranked.rows.iter().map(move |row| joined(&prompt, row, context)).collect::<Vec<_>>()
    };
    rankings.iter().enumerate().flat_map(behind).collect()
}

fn joined(prompt: &[u32], completion: &EncodedDemonstration, context: usize) -> EncodedDemonstration {
    let start = completion_start(completion);
    let mut tokens = [prompt, &completion.tokens[start..]].concat();
    let mut loss_mask = [vec![false; prompt.len()], completion.loss_mask[start..].to_vec()].concat();
    tokens.truncate(context);
    loss_mask.truncate(context);
    EncodedDemonstration { tokens, loss_mask }
}

/// Place of the first token of the completion.
fn completion_start(row: &EncodedDemonstration) -> usize {
    row.loss_mask.iter().position(|counts| *counts).unwrap_or(row.tokens.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(tokens: &[u32], prompt: usize) -> EncodedDemonstration {
        let loss_mask = (0..tokens.len()).map(|at| at >= prompt).collect();
        EncodedDemonstration { tokens: tokens.to_vec(), loss_mask }
    }

    #[test]
    fn a_completion_is_good_if_it_wins_more_than_it_loses() {
        // 0 beats 1, 2, 3; 1 beats 3; 2 beats 3; 1 and 2 tie.
        let pairs = vec![(0, 1), (0, 2), (0, 3), (1, 3), (2, 3)];
        let ranked = Ranked { rows: vec![row(&[1], 0); 4], pairs, tiers: vec![], margin: None, label: None };
        assert_eq!(labels_of(&ranked, 10), [(10, true), (13, false)]);
        // A record's own label needs no pair.
        let labelled =
            Ranked { rows: vec![row(&[1], 0)], pairs: vec![], tiers: vec![], margin: None, label: Some(false) };
        assert_eq!(labels_of(&labelled, 4), [(4, false)]);
    }

    #[test]
    fn mismatched_completions_stand_behind_the_next_prompt() {
        let ranked = |rows: Vec<EncodedDemonstration>| {
            Referenced::from(Ranked { rows, pairs: vec![], tiers: vec![], margin: None, label: None })
        };
        let one = ranked(vec![row(&[1, 2, 7], 2), row(&[1, 2, 8, 9], 2)]);
        let other = ranked(vec![row(&[3, 5], 1)]);
        let rows = mismatched_rows(&[&one, &other], 3);
        let tokens: Vec<&[u32]> = rows.iter().map(|row| row.tokens.as_slice()).collect();
        assert_eq!(tokens, [&[3, 7][..], &[3, 8, 9], &[1, 2, 5]]);
        assert_eq!(rows[1].loss_mask, [false, true, true]);
    }
}
