//! Masked statistics, whitening and advantages: TRL's functions.

use nudge_rlhf::{Variance, gae, masked_mean, masked_var, whiten};

use super::{assert_values, hidden, number, read, rows, values};

const JSON: &str = include_str!("advantages.json");

#[test]
fn masked_statistics_are_those_of_trl() {
    let reference = &read(JSON)["statistics"];
    let mask = rows::<bool>(&reference["mask"]).concat();
    let hidden = hidden(&values(&reference["values"]), &mask);
    assert_values("mean", &[masked_mean(&hidden, &mask)], &reference["mean"]);
    for (name, variance) in [("biased", Variance::Biased), ("unbiased", Variance::Unbiased)] {
        let expected = &reference[name];
        assert_values(name, &[masked_var(&hidden, &mask, variance)], &expected["variance"]);
        assert_values(name, &whiten(&hidden, &mask, variance, true), &expected["whitened"]);
        assert_values(name, &whiten(&hidden, &mask, variance, false), &expected["whitened_keeping_mean"]);
    }
}

#[test]
fn advantages_and_returns_are_those_of_trl() {
    let reference = &read(JSON)["gae"];
    let rows_of_mask = rows::<bool>(&reference["mask"]);
    let (mask, time) = (rows_of_mask.concat(), rows_of_mask[0].len());
    let [rewards, state_values] = ["rewards", "values"].map(|name| hidden(&values(&reference[name]), &mask));
    let cases = reference["cases"].as_array().expect("a list of cases");
    assert_eq!(cases.len(), 4);
    for case in cases {
        let (gamma, lambda) = (number(&case["gamma"]), number(&case["lambda"]));
        let found = gae(&rewards, &state_values, &mask, time, gamma, lambda);
        let what = format!("gamma {gamma}, lambda {lambda}");
        assert_values(&what, &found.advantages, &case["advantages"]);
        assert_values(&what, &found.returns, &case["returns"]);
    }
}
