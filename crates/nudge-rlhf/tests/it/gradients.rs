//! Value and gradient of the losses of the InstructGPT loop against their restatements.

use nudge_rlhf::*;

use crate::common::*;
use crate::restated::{self, bradley_terry, check, wide};

const MASK: [bool; 8] = [true, true, false, false, true, true, true, true];
const POINT: [f32; 8] = [-0.8, -0.7, -1.7, -0.1, -0.6, -1.1, -0.4, -0.9];

#[test]
fn sft() {
    check(
        "sft",
        &POINT,
        |logprobs, device| sft_loss(logprobs.reshape([2, 4]), mask2(&MASK, 4, device)),
        |logprobs| -restated::aggregate(logprobs, &MASK, 4, LossAggregation::TokenMean),
    );
}

#[test]
fn value() {
    let values = [0.1, 0.2, 0.3, 0.4, 0.0, -0.1, 0.2, 0.3];
    let returns = [1.37, 1.45, 1.5, 0.0, -0.68, -0.7, -0.76, -0.8];
    let new_values = [0.5, 0.1, 0.2, 0.9, 0.1, 0.3, 0.25, 0.05];
    check(
        "value",
        &new_values,
        |new_values, device| {
            value_loss(
                new_values.reshape([2, 4]),
                tensor2(&values, 4, device),
                tensor2(&returns, 4, device),
                mask2(&MASK, 4, device),
                0.2,
            )
            .loss
        },
        |new_values| {
            let token = |i: usize| {
                restated::clipped_value(new_values[i], wide(&values)[i], wide(&returns)[i], f64::from(0.2f32))
            };
            let tokens: Vec<f64> = (0..8).map(token).collect();
            restated::aggregate(&tokens, &MASK, 4, LossAggregation::TokenMean) / 2.0
        },
    );
}

#[test]
fn pairwise_with_margin_and_centring() {
    let rankings = [vec![(0, 1), (0, 2), (1, 2)], vec![(4, 3)]];
    let margins = [0.5, 1.0, 0.0, 0.25];
    let batch = PairBatch::new(&rankings).pad_to(6);
    check(
        "pairwise",
        &[0.3, -0.9, 1.2, 0.4, -0.5],
        |rewards, device| {
            let (winners, losers, weights) = pairs(&batch, device);
            let margins = tensor1(&[margins.as_slice(), &[0.0; 2]].concat(), device);
            pairwise_loss(rewards, winners, losers, weights, Some(margins), 0.01).loss
        },
        |rewards| {
            let pair = |((winner, loser), margin): (&(usize, usize), &f32)| {
                let (winner, loser) = (rewards[*winner], rewards[*loser]);
                bradley_terry(winner - loser - f64::from(*margin)) + 0.01 * (winner + loser).powi(2)
            };
            let ranking =
                |pairs: &[(usize, usize)], margins: &[f32]| restated::mean(pairs.iter().zip(margins).map(pair));
            (ranking(&rankings[0], &margins[..3]) + ranking(&rankings[1], &margins[3..])) / 2.0
        },
    );
}

#[test]
fn pairwise_far_out_keeps_a_gradient_and_stays_finite() {
    let device = device().autodiff();
    for (gap, expected) in [(-200.0, 0.5), (200.0, 0.0), (-30.0, 0.5), (15.0, 1.529_51e-7)] {
        let rewards = tensor1(&[gap / 2.0, -gap / 2.0, 0.0, 0.0], &device).require_grad();
        let (winners, losers, weights) = pairs(&PairBatch::new(&[[(0, 1)], [(2, 3)]]), &device);
        let loss = pairwise_loss(rewards.clone(), winners, losers, weights, None, 0.0).loss;
        let gradients = loss.clone().backward();
        let gradient = numbers(rewards.grad(&gradients).expect("a gradient"));
        assert!(number(loss).is_finite());
        assert!((gradient[1] - expected).abs() <= 1e-3 * expected, "{gap}: {gradient:?}");
    }
}

#[test]
fn entropy_of_logits() {
    check(
        "entropy",
        &[0.1, 0.9, -0.4, 1.3, 0.0, -2.0],
        |logits, _| entropy(logits.reshape([1, 2, 3])).sum(),
        |logits| logits.chunks(3).map(restated::entropy).sum(),
    );
}

#[test]
fn entropy_has_a_finite_gradient_beside_forbidden_tokens() {
    let device = device().autodiff();
    let logits = tensor1(&[0.5, f32::NEG_INFINITY, -0.5], &device).require_grad();
    let gradients = entropy(logits.clone().reshape([1, 1, 3])).sum().backward();
    let gradient = numbers(logits.grad(&gradients).expect("a gradient"));
    assert!(gradient.iter().all(|g| g.is_finite()), "{gradient:?}");
    assert!(gradient[0] < 0.0 && gradient[2] > 0.0, "{gradient:?}");
}
