//! The reward model's losses: TRL's pairwise loss over rankings, best-of-K, Plackett-Luce.

use burn::tensor::{Int, Tensor};
use nudge_rlhf::{ChoiceBatch, PairBatch, choice_loss, pairwise_loss};

use super::{assert_gradient, assert_value, gradient, leaf, number, read, tensor, training_device};

const JSON: &str = include_str!("reward.json");

fn indices(values: &[i32]) -> Tensor<1, Int> {
    Tensor::from_data(values, &training_device())
}

#[test]
fn pairwise_losses_are_those_of_trl() {
    let cases = read(JSON)["pairwise"].as_array().expect("a list of cases").clone();
    assert_eq!(cases.len(), 6);
    for case in &cases {
        let name = case["name"].as_str().expect("a name");
        let pairs: Vec<Vec<(usize, usize)>> = serde_json::from_value(case["pairs"].clone()).expect("pairs");
        let batch = PairBatch::new(&pairs);
        let device = training_device();
        let rewards = leaf::<1>(&case["rewards"]);
        let margins = &case["margins"];
        let terms = pairwise_loss(
            rewards.clone(),
            indices(&batch.winners),
            indices(&batch.losers),
            Tensor::from_data(batch.weights.as_slice(), &device),
            (!margins.is_null()).then(|| tensor(margins, &device)),
            number(&case["center_rewards_coefficient"]),
        );
        assert_value(&format!("{name}: loss"), terms.loss.clone().inner(), &case["loss"]);
        assert_value(&format!("{name}: accuracy"), terms.accuracy.inner(), &case["accuracy"]);
        assert_value(&format!("{name}: margin"), terms.margin.inner(), &case["margin"]);
        assert_gradient(name, &gradient(&rewards, &terms.loss.backward()), &case["gradient"]);
    }
}

#[test]
fn losses_over_whole_rankings_are_those_of_torch() {
    let reference = read(JSON);
    for name in ["best_of_k", "plackett_luce"] {
        let cases = reference[name].as_array().expect("a list of cases");
        assert_eq!(cases.len(), 2);
        for case in cases {
            let rankings: Vec<Vec<Vec<usize>>> = serde_json::from_value(case["rankings"].clone()).expect("rankings");
            let rewards = leaf::<1>(&case["rewards"]);
            let batch = match name {
                "best_of_k" => ChoiceBatch::best_of_k(&rankings),
                _ => ChoiceBatch::plackett_luce(&rankings),
            };
            let loss = choice_loss(rewards.clone(), &batch);
            assert_value(name, loss.clone().inner(), &case["loss"]);
            assert_gradient(name, &gradient(&rewards, &loss.backward()), &case["gradient"]);
        }
    }
}
