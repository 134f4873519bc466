//! The KL to the reference model: estimators with their gradients, near zero, and over a whole vocabulary.

use burn::tensor::{Bool, Tensor, TensorData};
use nudge_rlhf::{KlEstimator, full_kl, kl_penalty, per_token_kl};
use serde_json::Value;

use super::{
    assert_close, assert_gradient, assert_values, gradient, hidden, leaf, masked_leaf, numbers, read, tensor,
    training_device, values,
};

const JSON: &str = include_str!("kl.json");
const ESTIMATORS: [(&str, KlEstimator); 3] =
    [("k1", KlEstimator::K1), ("k2", KlEstimator::K2), ("k3", KlEstimator::K3)];

/// Every third token is masked: the estimate there is 0.
fn mask() -> Vec<bool> {
    (0..8).map(|place| place % 3 != 1).collect()
}

/// Zero where masked.
fn kept(reference: &Value) -> Value {
    let kept = values(reference).into_iter().zip(mask()).map(|(value, counts)| if counts { value } else { 0.0 });
    kept.collect::<Vec<f32>>().into()
}

#[test]
fn estimators_on_the_host_are_those_of_trl() {
    let reference = &read(JSON)["estimators"];
    for (name, estimator) in ESTIMATORS {
        let mask = mask();
        let logprobs = hidden(&values(&reference["logprobs"]), &mask);
        let ref_logprobs = hidden(&values(&reference["ref_logprobs"]), &mask);
        assert_values(name, &per_token_kl(estimator, &logprobs, &ref_logprobs, &mask), &kept(&reference[name]["kl"]));
    }
}

#[test]
fn estimators_in_the_loss_have_the_gradients_of_torch() {
    let reference = &read(JSON)["estimators"];
    let device = training_device();
    for (name, estimator) in ESTIMATORS {
        let logprobs = masked_leaf(&reference["logprobs"], &mask());
        let ref_logprobs = masked_leaf(&reference["ref_logprobs"], &mask());
        let on_device = Tensor::<2, Bool>::from_data(TensorData::new(mask(), logprobs.dims()), &device);
        let kl = kl_penalty(estimator, logprobs.clone(), ref_logprobs, on_device);
        assert_values(name, &numbers(kl.clone().inner()), &kept(&reference[name]["kl"]));
        let gradients = (kl * tensor(&reference["upstream"], &device)).sum().backward();
        assert_gradient(name, &gradient(&logprobs, &gradients), &kept(&reference[name]["gradient"]));
    }
}

#[test]
fn k3_keeps_its_digits_near_zero() {
    let reference = &read(JSON)["k3_near_zero"];
    let (logprobs, device) = (values(&reference["logprobs"]), training_device());
    let one = |value: f32| Tensor::<2>::from_data([[value]], &device);
    for (place, logprob) in logprobs.into_iter().enumerate() {
        for (name, logprob, ref_logprob) in [("policy_below", logprob, 0.0), ("reference_below", 0.0, logprob)] {
            let in_loss =
                kl_penalty(KlEstimator::K3, one(logprob), one(ref_logprob), Tensor::from_data([[true]], &device));
            let found = [KlEstimator::K3.estimate(logprob, ref_logprob), numbers(in_loss.inner())[0]];
            // Each number for itself: beside a large one, a small one may be anything.
            for found in found {
                let expected = values(&reference[name])[place];
                assert_close(&format!("{name}, {logprob} and {ref_logprob}"), &[found], &[expected], 1e-5);
            }
        }
    }
}

#[test]
fn the_kl_over_the_vocabulary_is_that_of_torch() {
    let reference = &read(JSON)["full_vocabulary"];
    let device = training_device();
    let logits = leaf::<3>(&reference["logits"]);
    let kl = full_kl(logits.clone(), tensor(&reference["ref_logits"], &device));
    assert_values("KL", &numbers(kl.clone().inner()), &reference["kl"]);
    let gradients = (kl * tensor(&reference["upstream"], &device)).sum().backward();
    assert_gradient("KL", &gradient(&logits, &gradients), &reference["gradient"]);
}
