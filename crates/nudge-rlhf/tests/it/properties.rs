//! What must hold for any numbers: order, padding and names do not matter, shifts cancel.

use nudge_rlhf::*;
use proptest::prelude::*;

use crate::common::*;

const TIME: usize = 5;

/// A batch of completions with their per-token numbers. Completions have at least one token.
#[derive(Debug, Clone)]
struct Batch {
    lengths: Vec<usize>,
    kl: Vec<f32>,
    values: Vec<f32>,
    scores: Vec<f32>,
}

fn batches() -> impl Strategy<Value = Batch> {
    (1usize..6).prop_flat_map(|batch| {
        let tokens = || prop::collection::vec(-2.0f32..2.0, batch * TIME);
        let lengths = prop::collection::vec(1..=TIME, batch);
        let scores = prop::collection::vec(-2.0f32..2.0, batch);
        (lengths, tokens(), tokens(), scores).prop_map(|(lengths, kl, values, scores)| Batch {
            lengths,
            kl,
            values,
            scores,
        })
    })
}

impl Batch {
    fn mask(&self, time: usize) -> Vec<bool> {
        self.lengths.iter().flat_map(|&length| (0..time).map(move |t| t < length)).collect()
    }

    /// Raw advantages and whitened ones, with rows of `time >= TIME`.
    fn advantages(&self, time: usize, score_index: ScoreIndex) -> (Advantages, Vec<f32>) {
        let widen = |values: &[f32]| -> Vec<f32> {
            let row = |row: &[f32]| (0..time).map(|t| row.get(t).copied().unwrap_or(f32::NAN)).collect::<Vec<_>>();
            values.chunks_exact(TIME).flat_map(row).collect()
        };
        let mask = self.mask(time);
        let rewards = shaped_rewards(&widen(&self.kl), &self.scores, &mask, time, 0.1, score_index);
        let reward_mask = score_index.reward_mask(&mask, time);
        let out = gae(&rewards, &widen(&self.values), &reward_mask, time, 1.0, 0.95);
        let white = whiten(&out.advantages, &mask, Variance::Unbiased, true);
        (out, white)
    }

    fn reversed(&self) -> Self {
        let reverse = |values: &[f32]| values.chunks_exact(TIME).rev().flatten().copied().collect();
        Self {
            lengths: self.lengths.iter().rev().copied().collect(),
            kl: reverse(&self.kl),
            values: reverse(&self.values),
            scores: self.scores.iter().rev().copied().collect(),
        }
    }
}

/// Pairs of one ranking of `rewards.len()` completions, best first as given by `order`.
fn ranking_of(order: &[usize]) -> Vec<(usize, usize)> {
    (0..order.len())
        .flat_map(|i| (i + 1..order.len()).map(move |j| (i, j)))
        .map(|(i, j)| (order[i], order[j]))
        .collect()
}

/// Rewards and the person's order of the same completions.
fn rankings() -> impl Strategy<Value = (Vec<f32>, Vec<usize>)> {
    (2usize..7).prop_flat_map(|k| {
        let order: Vec<usize> = (0..k).collect();
        (prop::collection::vec(-4.0f32..4.0, k), Just(order).prop_shuffle())
    })
}

fn pair_loss(rewards: &[f32], batch: &PairBatch) -> f32 {
    let device = device();
    let (winners, losers, weights) = pairs(batch, &device);
    number(pairwise_loss(tensor1(rewards, &device), winners, losers, weights, None, 0.0).loss)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(64) })]

    #[test]
    fn padding_changes_nothing(batch in batches(), extra in 1usize..4) {
        let wide = TIME + extra;
        let (short_raw, short) = batch.advantages(TIME, ScoreIndex::OnEos);
        let (long_raw, long) = batch.advantages(wide, ScoreIndex::OnEos);
        let cut = |values: &[f32]| -> Vec<f32> {
            values.chunks_exact(wide).flat_map(|row| row[..TIME].to_vec()).collect()
        };
        prop_assert_eq!(cut(&long_raw.advantages), short_raw.advantages);
        prop_assert_eq!(cut(&long_raw.returns), short_raw.returns);
        prop_assert_eq!(cut(&long), short);
    }

    #[test]
    fn the_order_of_a_batch_does_not_matter(batch in batches()) {
        for score_index in [ScoreIndex::OnEos, ScoreIndex::AfterEos] {
            let (raw, white) = batch.advantages(TIME, score_index);
            let (raw_reversed, white_reversed) = batch.reversed().advantages(TIME, score_index);
            let back = |values: &[f32]| -> Vec<f32> {
                values.chunks_exact(TIME).rev().flatten().copied().collect()
            };
            prop_assert_eq!(back(&raw_reversed.advantages), raw.advantages);
            for (a, b) in back(&white_reversed).iter().zip(&white) {
                prop_assert!((a - b).abs() < 1e-4);
            }
        }
    }

    #[test]
    fn whitened_advantages_have_mean_zero_and_variance_one(batch in batches()) {
        let (raw, white) = batch.advantages(TIME, ScoreIndex::OnEos);
        let mask = batch.mask(TIME);
        prop_assume!(masked_var(&raw.advantages, &mask, Variance::Unbiased) > 1e-3);
        prop_assert!(masked_mean(&white, &mask).abs() < 1e-5);
        prop_assert!((masked_var(&white, &mask, Variance::Unbiased) - 1.0).abs() < 1e-3);
    }

    #[test]
    fn without_discount_rewards_are_neither_made_nor_lost(batch in batches()) {
        // With lambda 1 the first return is the sum of the completion's rewards, whatever the values.
        let mask = batch.mask(TIME);
        let rewards = shaped_rewards(&batch.kl, &batch.scores, &mask, TIME, 0.1, ScoreIndex::OnEos);
        let out = gae(&rewards, &batch.values, &mask, TIME, 1.0, 1.0);
        for (rewards, returns) in rewards.chunks_exact(TIME).zip(out.returns.chunks_exact(TIME)) {
            prop_assert!((rewards.iter().sum::<f32>() - returns[0]).abs() < 1e-4);
        }
    }

    #[test]
    fn shifting_all_rewards_leaves_the_pairwise_loss((rewards, order) in rankings(), shift in -8.0f32..8.0) {
        let batch = PairBatch::new(&[ranking_of(&order)]);
        let shifted: Vec<f32> = rewards.iter().map(|reward| reward + shift).collect();
        prop_assert!((pair_loss(&rewards, &batch) - pair_loss(&shifted, &batch)).abs() < 1e-5);
    }

    #[test]
    fn relabelling_completions_leaves_the_pairwise_loss((rewards, order) in rankings()) {
        // Completion i takes the place k - 1 - i, in the rewards and in the ranking.
        let k = rewards.len();
        let relabelled: Vec<f32> = rewards.iter().rev().copied().collect();
        let relabelled_order: Vec<usize> = order.iter().map(|completion| k - 1 - completion).collect();
        let one = pair_loss(&rewards, &PairBatch::new(&[ranking_of(&order)]));
        let other = pair_loss(&relabelled, &PairBatch::new(&[ranking_of(&relabelled_order)]));
        prop_assert!((one - other).abs() < 1e-5);
    }

    #[test]
    fn a_batch_of_rankings_is_the_mean_of_its_rankings(
        (first, first_order) in rankings(),
        (second, second_order) in rankings(),
        padding in 0usize..5,
    ) {
        let both: Vec<f32> = first.iter().chain(&second).copied().collect();
        let later: Vec<usize> = second_order.iter().map(|completion| completion + first.len()).collect();
        let batch = PairBatch::new(&[ranking_of(&first_order), ranking_of(&later)]);
        let pairs = batch.len();
        let mean = (pair_loss(&first, &PairBatch::new(&[ranking_of(&first_order)]))
            + pair_loss(&second, &PairBatch::new(&[ranking_of(&second_order)]))) / 2.0;
        prop_assert!((pair_loss(&both, &batch.pad_to(pairs + padding)) - mean).abs() < 1e-5);
    }

    #[test]
    fn the_person_and_the_reverse_of_the_person((rewards, order) in rankings()) {
        let pairs = ranking_of(&order);
        let reversed: Vec<_> = pairs.iter().map(|&(winner, loser)| (loser, winner)).collect();
        let accuracy = pairwise_accuracy(&rewards, &pairs).win_rate;
        prop_assert!((accuracy + pairwise_accuracy(&rewards, &reversed).win_rate - 1.0).abs() < 1e-12);
    }

    #[test]
    fn an_interval_holds_its_rate(wins in 0usize..200, ties in 0usize..200, losses in 0usize..200) {
        let rate = WinRate::new(wins, ties, losses);
        prop_assert!(0.0 <= rate.low && rate.low <= rate.win_rate + 1e-12);
        prop_assert!(rate.win_rate <= rate.high + 1e-12 && rate.high <= 1.0);
    }

    #[test]
    fn k2_and_k3_are_never_negative(logprob in -30.0f32..0.0, ref_logprob in -30.0f32..0.0) {
        prop_assert!(KlEstimator::K2.estimate(logprob, ref_logprob) >= 0.0);
        prop_assert!(KlEstimator::K3.estimate(logprob, ref_logprob) >= 0.0);
    }
}
