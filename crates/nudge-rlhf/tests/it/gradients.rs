//! Every differentiable loss against finite differences.

use burn::tensor::{Device, Tensor};
use nudge_rlhf::*;

use crate::common::*;

/// Step of the central difference. The losses are of order one in f32: a smaller step drowns in
/// rounding, a larger one in curvature.
const STEP: f32 = 5e-3;
const TOLERANCE: f32 = 5e-4;

/// Compares the gradient of `loss` at `point` with central differences.
fn check(name: &str, point: &[f32], loss: impl Fn(Tensor<1>, &Device) -> Tensor<1>) {
    let device = device().autodiff();
    let leaf = tensor1(point, &device).require_grad();
    let gradients = loss(leaf.clone(), &device).backward();
    let actual = numbers(leaf.grad(&gradients).expect("a gradient"));

    let plain = crate::common::device();
    let at = |i: usize, step: f32| {
        let mut moved = point.to_vec();
        moved[i] += step;
        number(loss(tensor1(&moved, &plain), &plain))
    };
    let expected: Vec<f32> = (0..point.len()).map(|i| (at(i, STEP) - at(i, -STEP)) / (2.0 * STEP)).collect();
    assert!(expected.iter().any(|g| g.abs() > 10.0 * TOLERANCE), "{name}: nothing to compare");
    assert_all_close(name, &actual, &expected, TOLERANCE);
}

const MASK: [bool; 8] = [true, true, false, false, true, true, true, true];
const POINT: [f32; 8] = [-0.8, -0.7, -1.7, -0.1, -0.6, -1.1, -0.4, -0.9];

#[test]
fn sft() {
    check("sft", &POINT, |logprobs, device| sft_loss(logprobs.reshape([2, 4]), mask2(&MASK, 4, device)));
}

#[test]
fn policy() {
    // Ratios inside and outside the clip range, with advantages of both signs.
    let logprobs = [-1.0, -0.5, -2.0, -0.1, -0.3, -1.2, -0.7, -0.9];
    let advantages = [1.4, 1.38, 3.0, 3.0, -0.54, -0.46, -0.82, -0.96];
    check("policy", &POINT, |new_logprobs, device| {
        policy_loss(
            new_logprobs.reshape([2, 4]),
            tensor2(&logprobs, 4, device),
            tensor2(&advantages, 4, device),
            mask2(&MASK, 4, device),
            0.2,
        )
        .loss
    });
}

#[test]
fn policy_gradient_at_ratio_one_is_the_plain_policy_gradient() {
    let device = device().autodiff();
    let logprobs = tensor2(&POINT, 4, &device);
    let new_logprobs = logprobs.clone().require_grad();
    let advantages = [1.4, 1.38, 3.0, 3.0, -0.54, -0.46, -0.82, -0.96];
    let loss =
        policy_loss(new_logprobs.clone(), logprobs, tensor2(&advantages, 4, &device), mask2(&MASK, 4, &device), 0.2);
    let gradients = loss.loss.backward();
    let actual = numbers(new_logprobs.grad(&gradients).expect("a gradient"));
    let expected: Vec<f32> =
        advantages.iter().zip(MASK).map(|(advantage, counts)| if counts { -advantage / 6.0 } else { 0.0 }).collect();
    assert_all_close("gradient", &actual, &expected, 1e-6);
}

#[test]
fn value() {
    let values = [0.1, 0.2, 0.3, 0.4, 0.0, -0.1, 0.2, 0.3];
    let returns = [1.37, 1.45, 1.5, 0.0, -0.68, -0.7, -0.76, -0.8];
    let new_values = [0.5, 0.1, 0.2, 0.9, 0.1, 0.3, 0.25, 0.05];
    check("value", &new_values, |new_values, device| {
        value_loss(
            new_values.reshape([2, 4]),
            tensor2(&values, 4, device),
            tensor2(&returns, 4, device),
            mask2(&MASK, 4, device),
            0.2,
        )
        .loss
    });
}

#[test]
fn pairwise_with_margin_and_centring() {
    let batch = PairBatch::new(&[vec![(0, 1), (0, 2), (1, 2)], vec![(4, 3)]]).pad_to(6);
    check("pairwise", &[0.3, -0.9, 1.2, 0.4, -0.5], |rewards, device| {
        let (winners, losers, weights) = pairs(&batch, device);
        let margins = tensor1(&[0.5, 1.0, 0.0, 0.25, 0.0, 0.0], device);
        pairwise_loss(rewards, winners, losers, weights, Some(margins), 0.01).loss
    });
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
fn dpo() {
    for label_smoothing in [0.0, 0.2] {
        check("dpo", &[-3.0, -4.0, -5.0, -3.5], |logprobs, device| {
            dpo_loss(
                logprobs.clone().slice(0..2),
                logprobs.slice(2..4),
                tensor1(&[-3.5, -3.0], device),
                tensor1(&[-4.0, -4.0], device),
                0.5,
                label_smoothing,
            )
            .loss
        });
    }
}

#[test]
fn entropy_of_logits() {
    check("entropy", &[0.1, 0.9, -0.4, 1.3, 0.0, -2.0], |logits, _| entropy(logits.reshape([1, 2, 3])).sum());
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
