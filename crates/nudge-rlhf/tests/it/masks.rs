//! What lies under a mask reaches neither a loss, nor a statistic, nor a gradient.

use burn::tensor::{Device, Tensor};
use nudge_rlhf::loss::masked::{masked_mean, masked_row_mean, masked_row_sum};
use nudge_rlhf::*;

use crate::common::*;

const MASK: [bool; 6] = [true, true, false, true, false, false];
const GARBAGE: [f32; 4] = [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, 1e30];

/// `values` with the masked ones replaced.
fn spoilt(values: [f32; 6], garbage: f32) -> [f32; 6] {
    std::array::from_fn(|i| if MASK[i] { values[i] } else { garbage })
}

/// Runs `losses` on clean and on spoilt inputs and compares every number and the first input's
/// gradient, bit for bit.
fn check(inputs: &[[f32; 6]], losses: impl Fn(&[Tensor<2>], &Device) -> Vec<Tensor<1>>) {
    let device = device().autodiff();
    let run = |garbage: f32| {
        let tensors: Vec<Tensor<2>> =
            inputs.iter().map(|values| tensor2(&spoilt(*values, garbage), 3, &device).require_grad()).collect();
        let losses = losses(&tensors, &device);
        let gradients = losses[0].backward();
        let gradient = numbers(tensors[0].grad(&gradients).expect("a gradient"));
        for data in &tensors[1..] {
            assert!(data.grad(&gradients).is_none(), "a gradient flows into data");
        }
        (losses.into_iter().map(number).collect::<Vec<_>>(), gradient)
    };
    let clean = run(0.0);
    assert!(clean.1.iter().zip(MASK).all(|(g, counts)| counts == (*g != 0.0)), "{:?}", clean.1);
    for garbage in GARBAGE {
        assert_eq!(run(garbage), clean, "with {garbage} under the mask");
    }
}

#[test]
fn sft() {
    check(&[[-0.5, -1.5, 0.0, -2.0, 0.0, 0.0]], |inputs, device| {
        vec![sft_loss(inputs[0].clone(), mask2(&MASK, 3, device))]
    });
}

#[test]
fn policy() {
    let new_logprobs = [-0.5, -1.5, 0.0, -2.0, 0.0, 0.0];
    let logprobs = [-0.55, -1.4, 0.0, -2.1, 0.0, 0.0];
    let advantages = [0.5, -1.5, 0.0, 2.0, 0.0, 0.0];
    check(&[new_logprobs, logprobs, advantages], |inputs, device| {
        let [new_logprobs, logprobs, advantages] = [0, 1, 2].map(|i| inputs[i].clone());
        let mask = mask2(&MASK, 3, device);
        let of = |aggregation| {
            let [new_logprobs, logprobs, advantages] = [&new_logprobs, &logprobs, &advantages].map(Tensor::clone);
            policy_loss(new_logprobs, logprobs, advantages, mask.clone(), 0.2, aggregation)
        };
        let out = of(LossAggregation::TokenMean);
        let others = [LossAggregation::SequenceMean, LossAggregation::FixedLength].map(|other| of(other).loss);
        [vec![out.loss, out.ratio, out.approx_kl, out.clipfrac], others.to_vec()].concat()
    });
}

#[test]
fn sequence_policy() {
    let new_logprobs = [-0.5, -1.5, 0.0, -2.0, 0.0, 0.0];
    let logprobs = [-0.55, -1.4, 0.0, -2.1, 0.0, 0.0];
    check(&[new_logprobs, logprobs], |inputs, device| {
        let [new_logprobs, logprobs] = [0, 1].map(|i| inputs[i].clone());
        let (advantages, mask) = (tensor1(&[0.5, -1.5], device), mask2(&MASK, 3, device));
        let out = sequence_policy_loss(new_logprobs, logprobs, advantages, mask, 0.2);
        vec![out.loss, out.ratio, out.approx_kl, out.clipfrac]
    });
}

#[test]
fn kl() {
    let logprobs = [-0.5, -1.5, 0.0, -2.0, 0.0, 0.0];
    let ref_logprobs = [-0.55, -1.4, 0.0, -3.1, 0.0, 0.0];
    for estimator in [KlEstimator::K1, KlEstimator::K2, KlEstimator::K3] {
        check(&[logprobs, ref_logprobs], |inputs, device| {
            let [logprobs, ref_logprobs] = [0, 1].map(|i| inputs[i].clone());
            let penalty = kl_penalty(estimator, logprobs, ref_logprobs, mask2(&MASK, 3, device));
            vec![penalty.clone().sum(), penalty.slice([1..2, 1..3]).abs().sum()]
        });
    }
}

#[test]
fn row_mean() {
    check(&[[-0.5, -1.5, 0.0, -2.0, 0.0, 0.0]], |inputs, device| {
        vec![masked_row_mean(inputs[0].clone(), mask2(&MASK, 3, device)).square().sum()]
    });
}

#[test]
fn value() {
    let new_values = [0.5, 1.5, 0.0, 2.0, 0.0, 0.0];
    let values = [0.45, 1.4, 0.0, 2.1, 0.0, 0.0];
    let returns = [0.5625, -1.5, 0.0, 2.25, 0.0, 0.0];
    check(&[new_values, values, returns], |inputs, device| {
        let [new_values, values, returns] = [0, 1, 2].map(|i| inputs[i].clone());
        let out = value_loss(new_values, values, returns, mask2(&MASK, 3, device), 0.2);
        vec![out.loss, out.clipfrac]
    });
}

#[test]
fn nan_under_the_mask_of_a_mean() {
    let device = device();
    let values = tensor2(&[1.0, 2.0, f32::NAN, 4.0], 4, &device);
    let mask = mask2(&[true, false, false, true], 4, &device);
    assert_eq!(number(masked_mean(values.clone(), mask.clone())), 2.5);
    assert_eq!(numbers(masked_row_sum(values, mask)), [5.0]);
}

#[test]
fn an_empty_batch_is_zero_not_nan() {
    let device = device();
    let (values, mask) = (tensor2(&[1.0; 4], 2, &device), mask2(&[false; 4], 2, &device));
    assert_eq!(number(sft_loss(values.clone(), mask.clone())), 0.0);
    let policy = policy_loss(values.clone(), values.clone(), values.clone(), mask, 0.2, LossAggregation::TokenMean);
    assert_eq!([policy.loss, policy.ratio, policy.clipfrac].map(number), [0.0; 3]);
}

#[test]
fn equal_policies_have_a_ratio_of_exactly_one() {
    let device = device();
    let logprobs = tensor2(&[-0.1, -7.3, -1e-6, -0.333, -12.9, -88.0], 3, &device);
    let advantages = tensor2(&[0.5, -1.5, 9.0, 2.0, 9.0, 9.0], 3, &device);
    let out =
        policy_loss(logprobs.clone(), logprobs, advantages, mask2(&MASK, 3, &device), 0.2, LossAggregation::TokenMean);
    assert_eq!(number(out.ratio), 1.0);
    assert_eq!(number(out.approx_kl), 0.0);
    assert_eq!(number(out.clipfrac), 0.0);
    assert_close("loss", number(out.loss), -1.0 / 3.0, 1e-6);
}

#[test]
#[should_panic(expected = "advantages has shape [1, 2] but new_logprobs has shape [2, 1]")]
fn a_wrong_shape_is_named() {
    let device = device();
    let values = tensor2(&[0.0, 0.0], 1, &device);
    let mask = mask2(&[true, true], 1, &device);
    policy_loss(values.clone(), values, tensor2(&[0.0, 0.0], 2, &device), mask, 0.2, LossAggregation::TokenMean);
}
