//! The KL as a term of the loss: the estimators, the exact sum, and what their gradients are.

use burn::tensor::{Tensor, activation::log_softmax};
use nudge_rlhf::*;
use proptest::prelude::*;

use crate::common::*;
use crate::restated::{self, check, wide};

const ESTIMATORS: [KlEstimator; 3] = [KlEstimator::K1, KlEstimator::K2, KlEstimator::K3];

/// The penalty of tokens whose log-ratio is each of `differences`.
fn penalty(estimator: KlEstimator, differences: &[f32]) -> Vec<f32> {
    let (device, time) = (device(), differences.len());
    let nothing = tensor2(&vec![0.0; time], time, &device);
    let mask = mask2(&vec![true; time], time, &device);
    numbers(kl_penalty(estimator, tensor2(differences, time, &device), nothing, mask))
}

#[test]
fn estimates_by_hand() {
    let differences = [0.5, -1.0, 0.0, 2.0];
    assert_eq!(penalty(KlEstimator::K1, &differences), differences);
    assert_eq!(penalty(KlEstimator::K2, &differences), [0.125, 0.5, 0.0, 2.0]);
    // exp(-.5) - .5, e - 2, exp(-2) + 1
    let k3 = penalty(KlEstimator::K3, &differences);
    assert_all_close("k3", &k3, &[0.106_530_66, 0.718_281_8, 0.0, 1.135_335_3], 1e-6);
}

#[test]
fn penalties_are_the_estimates_of_the_host() {
    let differences: Vec<f32> = (-120..=120).map(|i| i as f32 * 0.05).collect();
    for estimator in ESTIMATORS {
        for (d, kl) in differences.iter().zip(penalty(estimator, &differences)) {
            let expected = estimator.estimate(*d, 0.0);
            assert!((kl - expected).abs() <= 1e-6 * expected.abs(), "{estimator:?} at {d}: {kl} is not {expected}");
        }
    }
}

#[test]
fn k3_keeps_its_digits_and_its_sign_near_zero() {
    for exponent in 0..18 {
        for d in [0.99 * 10f32.powi(-exponent), -0.99 * 10f32.powi(-exponent)] {
            let kl = f64::from(penalty(KlEstimator::K3, &[d])[0]);
            let exact = f64::from(d);
            // Below, the restated form has no digits of its own: the series is exact there.
            let expected = if exponent < 2 {
                restated::k3(exact)
            } else {
                exact * exact / 2.0 * (1.0 - exact / 3.0 + exact * exact / 12.0)
            };
            assert!(kl >= 0.0 && (kl / expected - 1.0).abs() < 1e-6, "{d}: {kl} is not {expected}");
        }
    }
    assert!((penalty(KlEstimator::K3, &[1e-4])[0] / 4.999_833_3e-9 - 1.0).abs() < 1e-6);
}

#[test]
fn penalties_and_their_gradients() {
    let logprobs = [-0.8, -0.7, -1.7, -0.1, -0.6, -3.1, -0.4, -0.9];
    let ref_logprobs = [-1.0, -0.5, -2.5, -0.1, -0.3, -1.2, -0.4001, -0.9];
    let mask = [true, true, true, false, true, true, true, false];
    let weights = [1.0, -2.0, 0.5, 3.0, 1.5, 0.7, 4.0, 1.0];
    let restatements: [fn(f64) -> f64; 3] = [restated::k1, restated::k2, restated::k3];
    for (estimator, restated) in ESTIMATORS.into_iter().zip(restatements) {
        check(
            "penalty",
            &logprobs,
            |logprobs, device| {
                let (ref_logprobs, mask) = (tensor2(&ref_logprobs, 4, device), mask2(&mask, 4, device));
                (kl_penalty(estimator, logprobs.reshape([2, 4]), ref_logprobs, mask) * tensor2(&weights, 4, device))
                    .sum()
            },
            |logprobs| {
                let (ref_logprobs, weights) = (wide(&ref_logprobs), wide(&weights));
                let token = |i: usize| weights[i] * restated(logprobs[i] - ref_logprobs[i]);
                (0..8).filter(|&i| mask[i]).map(token).sum()
            },
        );
    }
}

#[test]
fn k3_of_a_token_that_the_policy_dropped_has_its_gradient() {
    let device = device().autodiff();
    let logprobs = tensor2(&[-40.0, -0.2], 2, &device).require_grad();
    let kl = kl_penalty(
        KlEstimator::K3,
        logprobs.clone(),
        tensor2(&[-20.0, -0.2], 2, &device),
        mask2(&[true; 2], 2, &device),
    );
    let gradient = numbers(logprobs.grad(&kl.sum().backward()).expect("a gradient"));
    assert!((gradient[0] / (1.0 - 20f32.exp()) - 1.0).abs() < 1e-6, "{gradient:?}");
    assert_eq!(gradient[1], 0.0);
}

const LOGITS: [f32; 4] = [0.3, 1.1, -0.7, 0.0];
const REF_LOGITS: [f32; 4] = [0.9, 0.2, -0.1, -1.4];

/// Probabilities of logits.
fn softmax(logits: &[f32]) -> Vec<f32> {
    numbers(log_softmax(tensor1(logits, &device()), 0).exp())
}

#[test]
fn as_a_loss_k2_has_the_gradient_of_the_kl_and_k3_that_of_the_other_direction() {
    let (probs, ref_probs) = (softmax(&LOGITS), softmax(&REF_LOGITS));
    let log_ratios: Vec<f32> = probs.iter().zip(&ref_probs).map(|(p, q)| (p / q).ln()).collect();
    let kl: f32 = probs.iter().zip(&log_ratios).map(|(p, log_ratio)| p * log_ratio).sum();
    // With respect to the logits: of nothing, of KL(policy || reference), of KL(reference || policy).
    let forward: Vec<f32> = probs.iter().zip(&log_ratios).map(|(p, log_ratio)| p * (log_ratio - kl)).collect();
    let other: Vec<f32> = probs.iter().zip(&ref_probs).map(|(p, q)| p - q).collect();
    let device = device().autodiff();
    for (estimator, expected) in ESTIMATORS.into_iter().zip([&vec![0.0; 4], &forward, &other]) {
        // The mean over what the policy samples: every token once, weighed by its probability.
        let logits = tensor2(&LOGITS, 4, &device).require_grad();
        let logprobs = log_softmax(logits.clone(), 1);
        let ref_logprobs = log_softmax(tensor2(&REF_LOGITS, 4, &device), 1);
        let penalty = kl_penalty(estimator, logprobs, ref_logprobs, mask2(&[true; 4], 4, &device));
        let gradients = (penalty * tensor2(&probs, 4, &device)).sum().backward();
        let gradient = numbers(logits.grad(&gradients).expect("a gradient"));
        assert_all_close(&format!("{estimator:?}"), &gradient, expected, 1e-6);
    }
    let logits = tensor2(&LOGITS, 4, &device).require_grad();
    let exact = full_kl(logits.clone().reshape([1, 1, 4]), tensor2(&REF_LOGITS, 4, &device).reshape([1, 1, 4]));
    assert_close("KL", numbers(exact.clone())[0], kl, 1e-6);
    let gradient = numbers(logits.grad(&exact.sum().backward()).expect("a gradient"));
    assert_all_close("full", &gradient, &forward, 1e-6);
}

/// The KL of rows of `vocabulary` logits, `[rows, 1, vocabulary]`.
fn exact(logits: &[f32], ref_logits: &[f32], vocabulary: usize) -> Vec<f32> {
    let tensor = |values: &[f32]| -> Tensor<3> {
        tensor2(values, vocabulary, &device()).reshape([values.len() / vocabulary, 1, vocabulary])
    };
    numbers(full_kl(tensor(logits), tensor(ref_logits)))
}

#[test]
fn the_exact_kl_by_hand() {
    let (ln2, no) = (std::f32::consts::LN_2, f32::NEG_INFINITY);
    // (1/2, 1/4, 1/4) from (1/4, 1/4, 1/2); the same the other way round; from itself.
    let (p, q) = ([-ln2, -2.0 * ln2, -2.0 * ln2], [-2.0 * ln2, -2.0 * ln2, -ln2]);
    assert_all_close("KL", &exact(&[p, q, p].concat(), &[q, p, p].concat(), 3), &[ln2 / 4.0, ln2 / 4.0, 0.0], 1e-6);
    // A token that the policy never takes adds nothing, whatever the reference thinks of it.
    let forbidden = exact(&[[1.0, 1.0, no]; 2].concat(), &[[7.0, 7.0, 7.0], [7.0, 7.0, no]].concat(), 3);
    assert_all_close("forbidden", &forbidden, &[1.5f32.ln(), 0.0], 1e-6);
    // One that only the reference forbids makes the distance infinite.
    assert_eq!(exact(&[1.0, 1.0], &[1.0, no], 2), [f32::INFINITY]);
}

#[test]
fn the_exact_kl_and_its_gradient() {
    let logits = [[0.1, 0.9, -0.4, 1.3], [0.0, -2.0, 0.5, 0.5], [3.0, -3.0, 1.0, 0.0]].concat();
    let ref_logits = [[0.4, 0.2, -0.4, 1.0], [1.0, -1.0, 0.0, 0.5], [-3.0, 3.0, 1.0, 0.5]].concat();
    let weights = [1.0, -2.0, 0.5];
    check(
        "full KL",
        &logits,
        |logits, device| {
            let ref_logits = tensor2(&ref_logits, 4, device).reshape([1, 3, 4]);
            (full_kl(logits.reshape([1, 3, 4]), ref_logits) * tensor2(&weights, 3, device)).sum()
        },
        |logits| {
            let position = |((l, r), w): ((&[f64], &[f64]), &f32)| f64::from(*w) * restated::kl(l, r);
            logits.chunks(4).zip(wide(&ref_logits).chunks(4)).zip(&weights).map(position).sum()
        },
    );
}

#[test]
fn the_exact_kl_has_a_finite_gradient_beside_forbidden_tokens() {
    let device = device().autodiff();
    let no = f32::NEG_INFINITY;
    for ref_logits in [[0.1, 2.0, 0.3], [0.1, no, 0.3]] {
        let logits = tensor1(&[0.5, no, -0.5], &device).require_grad();
        let ref_logits = tensor1(&ref_logits, &device).require_grad();
        let kl = full_kl(logits.clone().reshape([1, 1, 3]), ref_logits.clone().reshape([1, 1, 3]));
        let gradients = kl.sum().backward();
        let gradient = numbers(logits.grad(&gradients).expect("a gradient"));
        assert!(gradient.iter().all(|g| g.is_finite()), "{gradient:?}");
        assert!(gradient[0] > 0.0 && gradient[1] == 0.0 && gradient[2] < 0.0, "{gradient:?}");
        assert!(ref_logits.grad(&gradients).is_none(), "a gradient flows into data");
    }
}

#[test]
#[should_panic(expected = "ref_logits has shape [1, 2, 1] but logits has shape [1, 1, 2]")]
fn a_wrong_shape_is_named() {
    let logits = tensor1(&[0.0, 0.0], &device());
    full_kl(logits.clone().reshape([1, 1, 2]), logits.reshape([1, 2, 1]));
}

#[test]
#[should_panic(expected = "the KL estimator `full` needs the logits of both models")]
fn the_exact_kl_is_no_penalty_of_sampled_tokens() {
    penalty(KlEstimator::Full, &[0.0]);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(64) })]

    #[test]
    fn k2_and_k3_are_never_negative(differences in prop::collection::vec(-8.0f32..8.0, 1..12), scale in -9i32..1) {
        let differences: Vec<f32> = differences.iter().map(|d| d * 10f32.powi(scale)).collect();
        for estimator in [KlEstimator::K2, KlEstimator::K3] {
            prop_assert!(penalty(estimator, &differences).iter().all(|kl| *kl >= 0.0));
        }
    }

    #[test]
    fn the_exact_kl_knows_neither_offsets_nor_names(
        logits in prop::collection::vec(-5.0f32..5.0, 6),
        ref_logits in prop::collection::vec(-5.0f32..5.0, 6),
        shift in -9.0f32..9.0,
    ) {
        let kl = exact(&logits, &ref_logits, 6)[0];
        prop_assert!(kl >= -1e-6);
        let shifted: Vec<f32> = logits.iter().map(|logit| logit + shift).collect();
        prop_assert!((exact(&shifted, &ref_logits, 6)[0] - kl).abs() < 1e-5 * kl.max(1.0));
        let back = |values: &[f32]| -> Vec<f32> { values.iter().rev().copied().collect() };
        prop_assert!((exact(&back(&logits), &back(&ref_logits), 6)[0] - kl).abs() < 1e-5 * kl.max(1.0));
    }
}
