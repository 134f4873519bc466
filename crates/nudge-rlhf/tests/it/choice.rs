//! The reward losses that choose among several completions.

use nudge_rlhf::*;
use proptest::prelude::*;

use crate::common::*;
use crate::restated::{self, check};

/// Four completions, best first, as in the reference numbers of the pairwise loss.
const REWARDS: [f32; 4] = [2.0, 0.5, 0.4, -1.0];

/// A ranking without ties.
fn strict(order: &[usize]) -> Vec<Vec<usize>> {
    order.iter().map(|&completion| vec![completion]).collect()
}

fn loss(rewards: &[f32], batch: &ChoiceBatch) -> f32 {
    number(choice_loss(tensor1(rewards, &device()), batch))
}

/// Loss and gradient.
fn with_gradient(rewards: &[f32], batch: &ChoiceBatch) -> (f32, Vec<f32>) {
    let rewards = tensor1(rewards, &device().autodiff()).require_grad();
    let loss = choice_loss(rewards.clone(), batch);
    let gradient = rewards.grad(&loss.backward()).expect("a gradient");
    (number(loss), numbers(gradient))
}

#[test]
fn four_ranked_completions() {
    let rankings = [strict(&[0, 1, 2, 3])];
    let (best, gradient) = with_gradient(&REWARDS, &ChoiceBatch::best_of_k(&rankings));
    assert_close("best of K", best, 0.388_531_7, 1e-6);
    assert_all_close("gradient", &gradient, &[-0.321_948, 0.151_294, 0.136_896, 0.033_758], 1e-6);
    let (whole, gradient) = with_gradient(&REWARDS, &ChoiceBatch::plackett_luce(&rankings));
    assert_close("Plackett-Luce", whole, 1.364_116_5, 1e-6);
    assert_all_close("gradient", &gradient, &[-0.321_948, -0.378_774, 0.364_292, 0.336_43], 1e-6);
}

#[test]
fn ties_by_hand() {
    // The completions in three tiers, the tie at the top, in the middle, at the bottom.
    let [top, middle, bottom] = [[2, 1, 1], [1, 2, 1], [1, 1, 2]].map(|sizes: [usize; 3]| {
        let mut completions = 0..4;
        [sizes.map(|size| completions.by_ref().take(size).collect::<Vec<_>>()).to_vec()]
    });
    assert_close("top, best", loss(&REWARDS, &ChoiceBatch::best_of_k(&top)), 1.138_531_7, 1e-6);
    assert_close("top", loss(&REWARDS, &ChoiceBatch::plackett_luce(&top)), 2.497_480_8, 1e-6);
    assert_close("middle", loss(&REWARDS, &ChoiceBatch::plackett_luce(&middle)), 1.998_866_4, 1e-6);
    assert_close("bottom", loss(&REWARDS, &ChoiceBatch::plackett_luce(&bottom)), 1.143_699, 1e-6);
}

#[test]
fn rankings_are_averaged_whatever_their_length() {
    let rewards = [REWARDS.as_slice(), &[-0.2, 0.3, 7.0]].concat();
    let rankings = [strict(&[0, 1, 2, 3]), vec![vec![6]], strict(&[5, 4])];
    assert_close("best of K", loss(&rewards, &ChoiceBatch::best_of_k(&rankings)), 0.431_304_35, 1e-6);
    assert_close("Plackett-Luce", loss(&rewards, &ChoiceBatch::plackett_luce(&rankings)), 0.919_096_7, 1e-6);
}

#[test]
fn two_completions_are_bradley_terry() {
    let device = device();
    for gap in [-30.0, -2.5, 0.0, 0.1, 3.0, 12.0] {
        let rewards = [gap + 0.25, 0.25];
        let (winners, losers, weights) = pairs(&PairBatch::new(&[[(0, 1)]]), &device);
        let pair = pairwise_loss(tensor1(&rewards, &device), winners, losers, weights, None, 0.0);
        let pair = number(pair.loss);
        let rankings = [strict(&[0, 1])];
        assert_close("best of K", loss(&rewards, &ChoiceBatch::best_of_k(&rankings)), pair, 1e-6);
        assert_close("Plackett-Luce", loss(&rewards, &ChoiceBatch::plackett_luce(&rankings)), pair, 1e-6);
    }
}

#[test]
fn value_and_gradient() {
    // Ties at the top, in the middle and at the bottom; completions in no order; widths 4, 3 and 2.
    let rankings = [
        vec![vec![2], vec![0, 3], vec![1]],
        vec![vec![5, 6], vec![4]],
        vec![vec![8], vec![7]],
        vec![vec![10], vec![11, 9]],
    ];
    let rewards = [0.3, -0.9, 1.2, 0.4, -0.5, 2.0, -1.5, 0.0, 0.7, -0.1, 0.2, 0.9];
    let (best, whole) = (ChoiceBatch::best_of_k(&rankings), ChoiceBatch::plackett_luce(&rankings));
    check("best of K", &rewards, |r, _| choice_loss(r, &best), |r| restated::best_of_k(r, &rankings));
    check("Plackett-Luce", &rewards, |r, _| choice_loss(r, &whole), |r| restated::plackett_luce(r, &rankings));
}

#[test]
fn far_apart_rewards_stay_finite() {
    for (rewards, expected, slope) in [([-500.0, 500.0, 0.0], 1000.0, -1.0), ([500.0, -500.0, 0.0], 0.0, 0.0)] {
        let (loss, gradient) = with_gradient(&rewards, &ChoiceBatch::best_of_k(&[strict(&[0, 1, 2])]));
        assert_eq!(loss, expected);
        assert_eq!(gradient[0], slope);
        assert!(gradient.iter().all(|g| g.is_finite()));
    }
}

#[test]
fn a_completion_in_no_choice_may_hold_anything() {
    let rankings = [strict(&[1, 0, 2]), vec![vec![3, 4]], strict(&[6, 5])];
    for batch in [ChoiceBatch::best_of_k(&rankings), ChoiceBatch::plackett_luce(&rankings)] {
        let clean = with_gradient(&[0.1, 0.7, -0.3, 0.0, 0.0, 1.0, 2.0], &batch);
        for garbage in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
            let spoilt = with_gradient(&[0.1, 0.7, -0.3, garbage, garbage, 1.0, 2.0], &batch);
            assert_eq!(spoilt, clean, "with {garbage}");
        }
        assert_eq!(clean.1[3..5], [0.0, 0.0]);
    }
}

#[test]
fn what_stands_under_the_mask_may_hold_anything() {
    let mut batch = ChoiceBatch::best_of_k(&[strict(&[0, 1, 2]), strict(&[3, 4])]);
    let clean = with_gradient(&[0.1, 0.7, -0.3, 1.0, 2.0, 0.0], &batch);
    assert_eq!(batch.mask, [true, true, true, true, true, false]);
    batch.among[5] = 5;
    for garbage in [f32::NAN, f32::INFINITY, 1e9] {
        assert_eq!(with_gradient(&[0.1, 0.7, -0.3, 1.0, 2.0, garbage], &batch), clean, "with {garbage}");
    }
}

#[test]
fn no_choice_is_zero_not_nan() {
    let batch = ChoiceBatch::plackett_luce(&[vec![vec![0, 1]]]);
    assert_eq!(with_gradient(&[f32::NAN, 1.0], &batch), (0.0, vec![0.0, 0.0]));
}

#[test]
#[should_panic(expected = "choice 1 takes completion 3, which is not among its completions")]
fn a_choice_from_nowhere_is_named() {
    let mut batch = ChoiceBatch::best_of_k(&[strict(&[0, 1, 2]), strict(&[3, 4])]);
    batch.mask[3] = false;
    loss(&[0.0; 5], &batch);
}

#[test]
fn losses_have_their_names_in_files() {
    let names = ["\"bradley_terry\"", "\"best_of_k\"", "\"plackett_luce\""];
    let losses = [RewardLoss::BradleyTerry, RewardLoss::BestOfK, RewardLoss::PlackettLuce];
    assert_eq!(losses.map(|loss| serde_json::to_string(&loss).expect("plain data")), names);
    assert_eq!(RewardLoss::default(), RewardLoss::BradleyTerry);
}

/// Rewards of two to six completions, and a ranking of them with ties.
fn rankings() -> impl Strategy<Value = (Vec<f32>, Vec<Vec<usize>>)> {
    (2usize..7).prop_flat_map(|k| {
        let order = Just((0..k).collect::<Vec<_>>()).prop_shuffle();
        let ties = prop::collection::vec(prop::bool::weighted(0.3), k);
        (prop::collection::vec(-4.0f32..4.0, k), order, ties).prop_map(|(rewards, order, ties)| {
            let mut tiers: Vec<Vec<usize>> = Vec::new();
            for (completion, tied) in order.into_iter().zip(ties) {
                match tiers.last_mut() {
                    Some(tier) if tied => tier.push(completion),
                    _ => tiers.push(vec![completion]),
                }
            }
            (rewards, tiers)
        })
    })
}

/// Both losses.
fn losses(rewards: &[f32], rankings: &[Vec<Vec<usize>>]) -> [f32; 2] {
    [ChoiceBatch::best_of_k(rankings), ChoiceBatch::plackett_luce(rankings)].map(|batch| loss(rewards, &batch))
}

fn renamed(tiers: &[Vec<usize>], name: impl Fn(usize) -> usize) -> Vec<Vec<usize>> {
    tiers.iter().map(|tier| tier.iter().map(|&completion| name(completion)).collect()).collect()
}

fn near(a: [f32; 2], b: [f32; 2]) -> bool {
    a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-5 * b.abs().max(1.0))
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(64) })]

    #[test]
    fn shifting_all_rewards_changes_nothing((rewards, tiers) in rankings(), shift in -8.0f32..8.0) {
        let shifted: Vec<f32> = rewards.iter().map(|reward| reward + shift).collect();
        let rankings = [tiers];
        let (one, other) = (losses(&rewards, &rankings), losses(&shifted, &rankings));
        prop_assert!(near(one, other), "{one:?} {other:?}");
    }

    #[test]
    fn names_and_the_order_within_a_tie_change_nothing((rewards, tiers) in rankings()) {
        let k = rewards.len();
        let mut other_tiers = renamed(&tiers, |completion| k - 1 - completion);
        other_tiers.iter_mut().for_each(|tier| tier.reverse());
        let other_rewards: Vec<f32> = rewards.iter().rev().copied().collect();
        let (one, other) = (losses(&rewards, &[tiers]), losses(&other_rewards, &[other_tiers]));
        prop_assert!(near(one, other), "{one:?} {other:?}");
    }

    #[test]
    fn a_batch_is_the_mean_of_its_rankings((first, top) in rankings(), (second, bottom) in rankings()) {
        prop_assume!(top.len() > 1 && bottom.len() > 1);
        let both: Vec<f32> = first.iter().chain(&second).copied().collect();
        let later = renamed(&bottom, |completion| completion + first.len());
        let (one, other) = (losses(&first, std::slice::from_ref(&top)), losses(&second, &[bottom]));
        let mean = [0, 1].map(|i| (one[i] + other[i]) / 2.0);
        let there = losses(&both, &[top.clone(), later.clone()]);
        let back = losses(&both, &[later, vec![], top]);
        prop_assert!(near(there, mean), "{there:?} {mean:?}");
        prop_assert!(near(back, mean), "{back:?} {mean:?}");
    }

    #[test]
    fn the_likelihoods_of_all_orders_sum_to_one(rewards in prop::collection::vec(-3.0f32..3.0, 3)) {
        let orders = [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]];
        let likelihood = |order: &[usize; 3]| (-losses(&rewards, &[strict(order)])[1]).exp();
        prop_assert!((orders.iter().map(likelihood).sum::<f32>() - 1.0).abs() < 1e-5);
    }
}
