//! The reward model's losses that choose one completion among several.
//!
//! A choice says: this completion is the best of these. Its loss is the softmax cross-entropy of the
//! rewards, `logsumexp(r) - r_chosen`. With two completions that is Bradley-Terry's `-ln σ(r_w - r_l)`
//! ([`super::pairwise`]); with K there are two ways to read a ranking, and both are here.
//!
//! No margins and no centring: these losses do not change when all rewards of a ranking shift.

use burn::tensor::{Bool, Int, Tensor, TensorData};
use serde::{Deserialize, Serialize};

/// How a ranking of K completions becomes the loss of the reward model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RewardLoss {
    /// Every pair of the ranking, averaged ([`super::pairwise`]; InstructGPT, eq. 1).
    #[default]
    BradleyTerry,
    /// The best completion among all K; the order of the others is not used (Ziegler et al. 2019, eq. 1).
    BestOfK,
    /// The best among all, then the best among the rest, and so on: the likelihood of the whole
    /// ranking (Plackett 1975; Luce 1959).
    PlackettLuce,
}

/// The choices of a batch of rankings, ready to become tensors.
///
/// Completions of all rankings stand in one flat list of rewards, so rankings may differ in length.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ChoiceBatch {
    /// Index of the completion chosen, `[choices]`.
    pub chosen: Vec<i32>,
    /// Indices of the completions it was chosen among, itself included, `[choices, width]`.
    pub among: Vec<i32>,
    /// `true` where `among` holds a completion, `false` where it is padding, `[choices, width]`.
    pub mask: Vec<bool>,
    /// How much each choice counts, `[choices]`. They sum to 1 for [`Self::best_of_k`]; for
    /// [`Self::plackett_luce`] each is `1 / rankings`, because a ranking's choices are summed.
    pub weights: Vec<f32>,
    /// The most completions that any choice is among.
    pub width: usize,
}

impl ChoiceBatch {
    /// The best completion of each ranking, chosen among all its completions; averaged over rankings.
    ///
    /// A ranking is a list of tiers, best first; a tier is a list of tied completions, as indices into
    /// the flat rewards. Several tied best completions share the weight of their ranking. A ranking with
    /// one tier says nothing and is not counted.
    pub fn best_of_k(rankings: &[Vec<Vec<usize>>]) -> Self {
        let rankings = ordered(rankings);
        let mut choices = Vec::new();
        for tiers in &rankings {
            let weight = 1.0 / (tiers[0].len() * rankings.len()) as f64;
            choices.extend(best_among(tiers, weight));
        }
        Self::new(&choices)
    }

    /// Every ranking read from the top, each completion chosen among those not yet placed; summed over
    /// the choices of a ranking, averaged over rankings.
    ///
    /// The loss is the negative log-likelihood of a ranking, so a longer ranking weighs more, and the
    /// weights sum to more than 1. Rankings are given as in [`Self::best_of_k`]. Ties follow
    /// Breslow's rule: each completion of a tier is chosen among its whole tier and all later ones. The
    /// last tier makes no choice.
    pub fn plackett_luce(rankings: &[Vec<Vec<usize>>]) -> Self {
        let rankings = ordered(rankings);
        let weight = 1.0 / rankings.len() as f64;
        let mut choices = Vec::new();
        for tiers in &rankings {
            for first in 0..tiers.len() - 1 {
                choices.extend(best_among(&tiers[first..], weight));
            }
        }
        Self::new(&choices)
    }

    /// Number of choices.
    pub fn len(&self) -> usize {
        self.chosen.len()
    }

    /// Whether there is no choice to learn from.
    pub fn is_empty(&self) -> bool {
        self.chosen.is_empty()
    }

    fn new(choices: &[Choice]) -> Self {
        let width = choices.iter().map(|choice| choice.among.len()).max().unwrap_or(0);
        let mut batch = Self { width, ..Self::default() };
        for choice in choices {
            batch.chosen.push(choice.chosen as i32);
            batch.weights.push(choice.weight as f32);
            for column in 0..width {
                // Padding repeats the chosen completion: no choice reads a reward that is not its own.
                let completion = choice.among.get(column).unwrap_or(&choice.chosen);
                batch.among.push(*completion as i32);
                batch.mask.push(column < choice.among.len());
            }
        }
        batch
    }

    /// Panics unless every choice has `width` places and its chosen completion stands on one of them.
    fn check(&self) {
        let (choices, width) = (self.len(), self.width);
        let slots = choices * width;
        assert!(
            self.weights.len() == choices && self.among.len() == slots && self.mask.len() == slots,
            "{choices} choices of width {width} have {} weights, {} completions and {} mask values",
            self.weights.len(),
            self.among.len(),
            self.mask.len()
        );
        for (choice, &chosen) in self.chosen.iter().enumerate() {
            let row = choice * width..(choice + 1) * width;
            let stands =
                self.among[row.clone()].iter().zip(&self.mask[row]).any(|(&at, &counts)| counts && at == chosen);
            assert!(stands, "choice {choice} takes completion {chosen}, which is not among its completions");
        }
    }
}

/// One completion chosen among several, before rows are padded to one width.
struct Choice {
    chosen: usize,
    among: Vec<usize>,
    weight: f64,
}

/// Each completion of the first tier, chosen among the completions of all `tiers`.
fn best_among(tiers: &[&[usize]], weight: f64) -> impl Iterator<Item = Choice> {
    let among = tiers.concat();
    tiers[0].iter().map(move |&chosen| Choice { chosen, among: among.clone(), weight })
}

/// The rankings that put something above something else, without empty tiers.
fn ordered(rankings: &[Vec<Vec<usize>>]) -> Vec<Vec<&[usize]>> {
    let filled = rankings.iter().map(|tiers| tiers.iter().map(Vec::as_slice).filter(|tier| !tier.is_empty()).collect());
    filled.filter(|tiers: &Vec<&[usize]>| tiers.len() > 1).collect()
}

/// Stands where there is no completion: far below any reward, yet finite.
const NO_COMPLETION: f32 = -1e30;

/// `Σ weight * (logsumexp(rewards among which it was chosen) - reward of the chosen)`.
///
/// - `rewards`: one reward a completion, `[completions]`
/// - `batch`: the choices, with indices into `rewards`
///
/// A batch without choices has loss 0.
///
/// # Panics
/// If the parts of `batch` do not fit together, or a choice takes a completion that it was not among.
pub fn choice_loss(rewards: Tensor<1>, batch: &ChoiceBatch) -> Tensor<1> {
    batch.check();
    let device = rewards.device();
    if batch.is_empty() {
        // Zero with a graph, whatever the rewards hold.
        let nothing = Tensor::<1, Bool>::full(rewards.dims(), true, &device);
        return rewards.mask_fill(nothing, 0.0).sum();
    }
    let shape = [batch.len(), batch.width];
    let chosen = Tensor::<1, Int>::from_data(batch.chosen.as_slice(), &device);
    let among = Tensor::<1, Int>::from_data(batch.among.as_slice(), &device);
    let mask = Tensor::<2, Bool>::from_data(TensorData::new(batch.mask.clone(), shape), &device);
    let weights = Tensor::<1>::from_data(batch.weights.as_slice(), &device);

    let chosen_rewards = rewards.clone().select(0, chosen); // [choices]
    let among_rewards = rewards.select(0, among).reshape(shape); // [choices, width]
    ((masked_logsumexp(among_rewards, mask) - chosen_rewards) * weights).sum()
}

/// `ln Σ exp(values)` over the unmasked values of each row, `[rows, width]` to `[rows]`.
///
/// Every row has an unmasked value.
fn masked_logsumexp(values: Tensor<2>, mask: Tensor<2, Bool>) -> Tensor<1> {
    let values = values.mask_fill(mask.bool_not(), NO_COMPLETION);
    // The largest value cancels out of the result, and so out of the gradient.
    let largest = values.clone().detach().max_dim(1); // [rows, 1]
    let sums = (values - largest.clone()).exp().sum_dim(1);
    (sums.log() + largest).squeeze_dim(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One ranking 2 > {0, 3} > 1, one of two completions, and two that say nothing.
    fn rankings() -> Vec<Vec<Vec<usize>>> {
        vec![vec![vec![2], vec![0, 3], vec![1]], vec![vec![4, 5]], vec![vec![], vec![7], vec![6], vec![]], vec![]]
    }

    #[test]
    fn the_best_is_chosen_among_all() {
        let batch = ChoiceBatch::best_of_k(&rankings());
        assert_eq!(batch.chosen, [2, 7]);
        assert_eq!(batch.width, 4);
        assert_eq!(batch.among, [2, 0, 3, 1, 7, 6, 7, 7]);
        assert_eq!(batch.mask, [true, true, true, true, true, true, false, false]);
        assert_eq!(batch.weights, [0.5, 0.5]);
        assert_eq!((batch.len(), batch.is_empty()), (2, false));
    }

    #[test]
    fn tied_best_completions_share_their_ranking() {
        let batch = ChoiceBatch::best_of_k(&[vec![vec![1, 2], vec![0]], vec![vec![4], vec![3]]]);
        assert_eq!(batch.chosen, [1, 2, 4]);
        assert_eq!(batch.among, [1, 2, 0, 1, 2, 0, 4, 3, 4]);
        assert_eq!(batch.weights, [0.25, 0.25, 0.5]);
    }

    #[test]
    fn a_ranking_is_read_from_the_top() {
        let batch = ChoiceBatch::plackett_luce(&rankings());
        // 2 among all; 0 and 3 each among {0, 3, 1}; 1 is left over. Then 7 among {7, 6}.
        assert_eq!(batch.chosen, [2, 0, 3, 7]);
        assert_eq!(batch.among, [2, 0, 3, 1, 0, 3, 1, 0, 0, 3, 1, 3, 7, 6, 7, 7]);
        let lengths: Vec<usize> =
            batch.mask.chunks(4).map(|row| row.iter().filter(|counts| **counts).count()).collect();
        assert_eq!(lengths, [4, 3, 3, 2]);
        assert_eq!(batch.weights, [0.5; 4]);
    }

    #[test]
    fn rankings_without_an_order_make_no_choice() {
        let tied = [vec![vec![0, 1, 2]], vec![vec![3], vec![]], vec![]];
        assert!(ChoiceBatch::best_of_k(&tied).is_empty());
        assert_eq!(ChoiceBatch::plackett_luce(&tied), ChoiceBatch::default());
    }
}
