//! The loss of the reward model: what a person ranked higher shall score higher.
//!
//! One ranking of K completions is one batch element. Its completions are scored once, all its pairs are
//! compared, and the ranking counts as much as any other (InstructGPT, §3.5, eq. 1). Pairs treated as
//! separate examples would show each completion K-1 times in an epoch, which overfits.

use burn::tensor::{Int, Tensor};

use super::{log_sigmoid, weighted_accuracy};

/// The pairs of a batch of rankings, ready to become tensors.
///
/// Completions of all rankings stand in one flat list of rewards, so rankings may differ in length.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct PairBatch {
    /// Index of the preferred completion of each pair, `[pairs]`.
    pub winners: Vec<i32>,
    /// Index of the other completion of each pair, `[pairs]`.
    pub losers: Vec<i32>,
    /// `1 / (pairs of the ranking) / (rankings with a pair)`, `[pairs]`; sums to 1.
    pub weights: Vec<f32>,
}

impl PairBatch {
    /// Collects `(winner, loser)` pairs, one slice a ranking, as indices into the flat rewards.
    ///
    /// Ties make no pair. A ranking without a pair says nothing and is not counted.
    pub fn new<R: AsRef<[(usize, usize)]>>(rankings: &[R]) -> Self {
        let counted = rankings.iter().filter(|pairs| !pairs.as_ref().is_empty()).count();
        let mut batch = Self::default();
        for pairs in rankings.iter().map(AsRef::as_ref) {
            let weight = 1.0 / (pairs.len() * counted) as f64;
            for &(winner, loser) in pairs {
                batch.push(winner, loser, weight as f32);
            }
        }
        batch
    }

    /// Adds pairs of weight 0 up to `pairs`, so that every batch has the same shape.
    ///
    /// # Panics
    /// If there are more than `pairs` already.
    pub fn pad_to(mut self, pairs: usize) -> Self {
        assert!(self.len() <= pairs, "{} pairs do not fit in {pairs}", self.len());
        while self.len() < pairs {
            self.push(0, 0, 0.0);
        }
        self
    }

    /// Number of pairs, padding included.
    pub fn len(&self) -> usize {
        self.weights.len()
    }

    /// Whether there is no pair to learn from.
    pub fn is_empty(&self) -> bool {
        self.weights.is_empty()
    }

    fn push(&mut self, winner: usize, loser: usize, weight: f32) {
        self.winners.push(winner as i32);
        self.losers.push(loser as i32);
        self.weights.push(weight);
    }
}

/// The loss of a batch of rankings, with its statistics.
#[derive(Debug, Clone)]
pub struct PairwiseLoss {
    /// The loss, differentiable.
    pub loss: Tensor<1>,
    /// Share of pairs in the person's order, equal rewards counting half. Detached.
    pub accuracy: Tensor<1>,
    /// Mean of winner's minus loser's reward. Detached.
    pub margin: Tensor<1>,
}

/// `-ln σ(r_winner - r_loser - margin) + center_rewards_coefficient * (r_winner + r_loser)²`,
/// averaged over the pairs of each ranking, then over rankings.
///
/// - `rewards`: one reward a completion, `[completions]`
/// - `winners`, `losers`: indices into `rewards`, `[pairs]`
/// - `weights`: from [`PairBatch`], `[pairs]`; a pair of weight 0 is padding
/// - `margins`: how far apart the rewards of each pair should lie at least, `[pairs]` (Llama 2)
/// - `center_rewards_coefficient`: pulls rewards to mean 0 (Eisenstein et al. 2023, eq. 2); 0 is off,
///   0.01 is usual
pub fn pairwise_loss(
    rewards: Tensor<1>,
    winners: Tensor<1, Int>,
    losers: Tensor<1, Int>,
    weights: Tensor<1>,
    margins: Option<Tensor<1>>,
    center_rewards_coefficient: f32,
) -> PairwiseLoss {
    assert!(
        winners.dims() == losers.dims() && winners.dims() == weights.dims(),
        "winners {:?}, losers {:?} and weights {:?} must all be [pairs]",
        winners.dims(),
        losers.dims(),
        weights.dims()
    );
    let winner_rewards = rewards.clone().select(0, winners); // [pairs]
    let loser_rewards = rewards.select(0, losers); // [pairs]
    let differences = winner_rewards.clone() - loser_rewards.clone();

    let separation = match margins {
        Some(margins) => differences.clone() - margins,
        None => differences.clone(),
    };
    let mut pair_losses = log_sigmoid(separation).neg();
    if center_rewards_coefficient != 0.0 {
        let sums = winner_rewards + loser_rewards;
        pair_losses = pair_losses + sums.square().mul_scalar(center_rewards_coefficient);
    }
    PairwiseLoss {
        loss: (pair_losses * weights.clone()).sum(),
        accuracy: weighted_accuracy(differences.clone(), weights.clone()),
        margin: (differences.detach() * weights).sum(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_ranking_weighs_the_same() {
        let batch = PairBatch::new(&[vec![(0, 1), (0, 2), (1, 2)], vec![], vec![(4, 3)]]);
        assert_eq!(batch.winners, [0, 0, 1, 4]);
        assert_eq!(batch.losers, [1, 2, 2, 3]);
        assert_eq!(batch.weights, [1.0 / 6.0, 1.0 / 6.0, 1.0 / 6.0, 0.5]);
    }

    #[test]
    fn padding_has_no_weight() {
        let batch = PairBatch::new(&[[(1, 0)]]).pad_to(3);
        assert_eq!(batch.weights, [1.0, 0.0, 0.0]);
        assert_eq!((batch.len(), batch.is_empty()), (3, false));
        assert!(PairBatch::new::<Vec<(usize, usize)>>(&[]).is_empty());
    }
}
