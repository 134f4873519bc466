//! Best-of-n: its score over all subsets, and its KL.

use nudge_rlhf::{best_of_n_kl, best_of_n_score};

use super::{assert_values, read, values};

const JSON: &str = include_str!("best_of_n.json");

#[test]
fn the_estimate_is_the_mean_over_all_subsets() {
    let reference = read(JSON);
    let (proxy, gold) = (values(&reference["proxy"]), values(&reference["gold"]));
    let found: Vec<f32> = (1..=proxy.len()).map(|n| best_of_n_score(&proxy, &gold, n) as f32).collect();
    assert_values("expected score", &found, &reference["expected_score"]);
}

#[test]
fn the_kl_is_that_of_the_distribution_of_the_best() {
    let reference = read(JSON);
    let ns = serde_json::from_value::<Vec<usize>>(reference["n"].clone()).expect("whole numbers");
    let found: Vec<f32> = ns.into_iter().map(|n| best_of_n_kl(n) as f32).collect();
    assert_values("KL", &found, &reference["kl"]);
}
