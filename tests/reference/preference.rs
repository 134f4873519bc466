//! Learning from preferences without a reward model: DPO and its relatives, KTO and ORPO, as in TRL's trainers.

use burn::tensor::{Device, Tensor};
use nudge_rlhf::{DpoVariant, dpo_loss, kto_kl, kto_loss, orpo_loss};
use serde_json::Value;

use super::{assert_gradient, assert_value, gradient, leaf, number, numbers, read, tensor, training_device, values};

const JSON: &str = include_str!("preference.json");

/// Loss and both gradients of one variant, from `[chosen, rejected, ref_chosen, ref_rejected]`.
fn compare_dpo(reference: &Value, name: &str, inputs: [Value; 4], label_smoothing: f32, variant: DpoVariant) {
    let [chosen, rejected, ref_chosen, ref_rejected] = inputs.map(|values| leaf::<1>(&values));
    let beta = number(&reference["beta"]);
    let loss =
        dpo_loss(chosen.clone(), rejected.clone(), ref_chosen, ref_rejected, beta, label_smoothing, variant).loss;
    let expected = &reference[name];
    assert_value(name, loss.clone().inner(), &expected["loss"]);
    let gradients = loss.backward();
    assert_gradient(&format!("{name} in chosen"), &gradient(&chosen, &gradients), &expected["chosen_gradient"]);
    assert_gradient(&format!("{name} in rejected"), &gradient(&rejected, &gradients), &expected["rejected_gradient"]);
}

const NAMES: [&str; 4] = ["chosen", "rejected", "ref_chosen", "ref_rejected"];

#[test]
fn the_first_loss_of_dpo_is_the_logarithm_of_two() {
    let reference = &read(JSON)["dpo"];
    let inputs = ["chosen", "rejected", "chosen", "rejected"].map(|name| reference["logprobs"][name].clone());
    compare_dpo(reference, "first_step", inputs, 0.0, DpoVariant::Sigmoid);
}

#[test]
fn dpo_and_its_relatives_are_those_of_trl() {
    let reference = &read(JSON)["dpo"];
    let smoothing = number(&reference["label_smoothing"]);
    let inputs = || NAMES.map(|name| reference["logprobs"][name].clone());
    compare_dpo(reference, "sigmoid", inputs(), 0.0, DpoVariant::Sigmoid);
    compare_dpo(reference, "conservative", inputs(), smoothing, DpoVariant::Sigmoid);
    compare_dpo(reference, "hinge", inputs(), 0.0, DpoVariant::Hinge);
    compare_dpo(reference, "robust", inputs(), smoothing, DpoVariant::Robust);
}

#[test]
fn ipo_of_averages_over_tokens_is_that_of_trl() {
    let reference = &read(JSON)["dpo"];
    let lengths = ["chosen_lengths", "rejected_lengths"].map(|name| values(&reference["ipo"][name]));
    let mut of_completion = lengths.iter().cycle();
    let averages = NAMES.map(|name| {
        let sums = values(&reference["logprobs"][name]);
        let lengths = of_completion.next().expect("a cycle");
        sums.iter().zip(lengths).map(|(sum, length)| sum / length).collect::<Vec<f32>>().into()
    });
    compare_dpo(reference, "ipo", averages, 0.0, DpoVariant::Ipo);
}

#[test]
fn kto_and_its_point_of_reference_are_those_of_trl() {
    let reference = &read(JSON)["kto"];
    let device = training_device();
    let desirable: Vec<bool> = serde_json::from_value(reference["desirable"].clone()).expect("booleans");
    let cases = reference["cases"].as_array().expect("a list of cases");
    assert_eq!(cases.len(), 2, "a KL above and one below zero");
    for case in cases {
        let kl = kto_kl(leaf(&case["mismatched"]), tensor(&reference["ref_mismatched"], &device));
        assert_value("point of reference", kl.clone().inner(), &case["kl"]);
        let logprobs = leaf::<1>(&reference["logprobs"]);
        let loss = kto_loss(
            logprobs.clone(),
            tensor(&reference["ref_logprobs"], &device),
            &desirable,
            kl,
            number(&reference["beta"]),
            number(&reference["desirable_weight"]),
            number(&reference["undesirable_weight"]),
        )
        .loss;
        assert_value("loss", loss.clone().inner(), &case["loss"]);
        assert_gradient("KTO", &gradient(&logprobs, &loss.backward()), &case["gradient"]);
    }
}

#[test]
fn orpo_is_that_of_trl_also_for_nearly_certain_completions() {
    let cases = read(JSON)["orpo"].as_array().expect("a list of cases").clone();
    assert_eq!(cases.len(), 2);
    for case in &cases {
        let [chosen, rejected] = ["chosen", "rejected"].map(|name| leaf::<1>(&case[name]));
        let nll = Tensor::<1>::from_data([number(&case["nll"])], &Device::flex()).autodiff().require_grad();
        let terms = orpo_loss(chosen.clone(), rejected.clone(), nll.clone(), number(&case["beta"]));
        assert_value("loss", terms.loss.clone().inner(), &case["loss"]);
        assert_value("log odds ratio", terms.log_odds_ratio.inner(), &case["log_odds_ratio"]);
        // Opposite extremes cancel out to 0: the scale is that of log-odds, 1.
        let (found, expected) = (numbers(terms.log_odds_chosen.inner())[0], number(&case["log_odds_chosen"]));
        assert!((found - expected).abs() < 1e-5, "log odds {found} instead of {expected}");
        let gradients = terms.loss.backward();
        for (name, leaf) in [("chosen", chosen), ("rejected", rejected), ("nll", nll)] {
            assert_gradient(
                &format!("ORPO in {name}"),
                &gradient(&leaf, &gradients),
                &case[format!("{name}_gradient")],
            );
        }
    }
}
