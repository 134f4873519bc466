//! Reference numbers of single losses, worked out by hand.

use nudge_rlhf::*;

use crate::common::*;

fn one_pair(margin: Option<f32>, center_rewards_coefficient: f32) -> f32 {
    let device = device();
    let (winners, losers, weights) = pairs(&PairBatch::new(&[[(0, 1)]]), &device);
    let loss = pairwise_loss(
        tensor1(&[2.0, 0.5], &device),
        winners,
        losers,
        weights,
        margin.map(|margin| tensor1(&[margin], &device)),
        center_rewards_coefficient,
    );
    assert_eq!(number(loss.accuracy), 1.0);
    assert_eq!(number(loss.margin), 1.5);
    number(loss.loss)
}

#[test]
fn one_pair_with_margin_and_centring() {
    assert_close("plain", one_pair(None, 0.0), 0.201_413, 1e-6);
    assert_close("margin", one_pair(Some(1.0), 0.0), 0.474_077, 1e-6);
    assert_close("centred", one_pair(None, 0.01), 0.263_913, 1e-6);
}

#[test]
fn four_ranked_completions_are_one_batch_element() {
    let device = device().autodiff();
    let rewards = tensor1(&[2.0, 0.5, 0.4, -1.0], &device).require_grad();
    let ranking = [(0, 1), (0, 2), (0, 3), (1, 2), (1, 3), (2, 3)];
    let (winners, losers, weights) = pairs(&PairBatch::new(&[ranking]), &device);
    let loss = pairwise_loss(rewards.clone(), winners, losers, weights, None, 0.0).loss;
    assert_close("loss", number(loss.clone()), 0.250_021_45, 1e-6);
    let gradients = loss.backward();
    let gradient = numbers(rewards.grad(&gradients).expect("a gradient"));
    let expected = [-0.066_306, -0.079_17, 0.074_198, 0.071_278];
    assert_all_close("gradient", &gradient, &expected, 1e-6);
    assert_close("sum of the gradient", gradient.iter().sum(), 0.0, 1e-6);
}

#[test]
fn sft_loss_is_the_mean_over_the_completions_tokens() {
    let device = device();
    let losses = [-1.0, -2.0, 0.0, -3.0, -4.0, -5.0, -7.0, 0.0, 0.0];
    let mask = [true, true, false, true, true, true, true, false, false];
    let loss = sft_loss(tensor2(&losses, 3, &device), mask2(&mask, 3, &device));
    assert_close("loss", number(loss), 22.0 / 6.0, 1e-6);
}

#[test]
fn entropy_of_known_distributions() {
    let device = device();
    // Uniform over 4, uniform over 2 with two forbidden, (1/2, 1/4, 1/8, 1/8), almost certain.
    let ln2 = std::f32::consts::LN_2;
    let no = f32::NEG_INFINITY;
    let logits = [
        [7.0, 7.0, 7.0, 7.0],
        [1.0, no, 1.0, no],
        [-ln2, -2.0 * ln2, -3.0 * ln2, -3.0 * ln2],
        [500.0, 0.0, -500.0, no],
    ]
    .concat();
    let entropy = entropy(tensor2(&logits, 4, &device).reshape([2, 2, 4]));
    assert_eq!(entropy.dims(), [2, 2]);
    assert_all_close("entropy", &numbers(entropy), &[2.0 * ln2, ln2, 1.75 * ln2, 0.0], 1e-5);
}
