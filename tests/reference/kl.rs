//! The KL to the reference model: estimators with their gradients, near zero, and over a whole vocabulary.

use nudge_rlhf::{KlEstimator, per_token_kl};
use serde_json::Value;

use super::{assert_close, assert_values, hidden, read, values};

const JSON: &str = include_str!("kl.json");
const ESTIMATORS: [(&str, KlEstimator); 3] =
    [("k1", KlEstimator::K1), ("k2", KlEstimator::K2), ("k3", KlEstimator::K3)];

/// Every third token is masked: the estimate there is 0.
fn masked(reference: &Value) -> (Vec<bool>, Value) {
    let kl = values(reference);
    let mask: Vec<bool> = (0..kl.len()).map(|place| place % 3 != 1).collect();
    let kept: Vec<f32> = kl.iter().zip(&mask).map(|(kl, counts)| if *counts { *kl } else { 0.0 }).collect();
    (mask, kept.into())
}

#[test]
fn estimators_on_the_host_are_those_of_trl() {
    let reference = &read(JSON)["estimators"];
    for (name, estimator) in ESTIMATORS {
        let (mask, expected) = masked(&reference[name]["kl"]);
        let logprobs = hidden(&values(&reference["logprobs"]), &mask);
        let ref_logprobs = hidden(&values(&reference["ref_logprobs"]), &mask);
        assert_values(name, &per_token_kl(estimator, &logprobs, &ref_logprobs, &mask), &expected);
    }
}

#[test]
fn k3_on_the_host_keeps_its_digits_near_zero() {
    let reference = &read(JSON)["k3_near_zero"];
    let logprobs = values(&reference["logprobs"]);
    for (place, logprob) in logprobs.iter().enumerate() {
        let found = [KlEstimator::K3.estimate(*logprob, 0.0), KlEstimator::K3.estimate(0.0, *logprob)];
        for (found, name) in found.into_iter().zip(["policy_below", "reference_below"]) {
            // Each number for itself: beside a large one, a small one may be anything.
            assert_close(&format!("{name} at {logprob}"), &[found], &[values(&reference[name])[place]], 1e-5);
        }
    }
}
