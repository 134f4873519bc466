//! The four published variants of PPO on two completions of four tokens: from log-probabilities to both losses.

use burn::tensor::Tensor;
use nudge_rlhf::{
    KlEstimator, LossAggregation, ScoreIndex, Variance, gae, per_token_kl, policy_loss, shaped_rewards, value_loss,
    whiten,
};
use serde::Deserialize;
use serde_json::Value;

use super::{
    assert_gradient, assert_value, assert_values, booleans, gradient, hidden, masked_leaf, number, read, rows, tensor,
    training_device, values,
};

const JSON: &str = include_str!("ppo_examples.json");
const TIME: usize = 4;

/// What a variant chooses.
struct Choices {
    score_index: ScoreIndex,
    variance: Variance,
    estimator: KlEstimator,
}

impl Choices {
    fn of(variant: &Value) -> Self {
        let problem = "a published choice";
        Self {
            score_index: ScoreIndex::deserialize(&variant["score_index"]).expect(problem),
            variance: Variance::deserialize(&variant["whiten_variance"]).expect(problem),
            estimator: KlEstimator::deserialize(&variant["kl_estimator"]).expect(problem),
        }
    }
}

#[test]
fn the_published_variants_come_out_number_for_number() {
    let reference = read(JSON);
    let variants = reference["variants"].as_array().expect("a list of variants");
    assert_eq!(variants.len(), 4);
    for variant in variants {
        let advantages = experience(&reference, variant);
        losses(&reference, variant, &advantages);
    }
}

/// Rewards, returns, advantages. Gives the whitened advantages.
fn experience(reference: &Value, variant: &Value) -> Vec<f32> {
    let (inputs, options, choices) = (&reference["inputs"], &reference["options"], Choices::of(variant));
    let mask = rows::<bool>(&variant["mask"]).concat();
    let reward_mask = choices.score_index.reward_mask(&mask, TIME);
    assert_eq!(reward_mask, rows::<bool>(&variant["reward_mask"]).concat());

    let [logprobs, ref_logprobs] = ["logprobs", "ref_logprobs"].map(|name| hidden(&values(&inputs[name]), &mask));
    let kl = per_token_kl(choices.estimator, &logprobs, &ref_logprobs, &mask);
    assert_values("KL", &kl, &variant["kl"]);
    let kl_coef = number(&options["kl_coef"]);
    let rewards = shaped_rewards(&kl, &values(&inputs["scores"]), &mask, TIME, kl_coef, choices.score_index);
    assert_values("rewards", &rewards, &variant["rewards"]);
    let before = hidden(&values(&inputs["values"]), &reward_mask);
    let found = gae(&rewards, &before, &reward_mask, TIME, number(&options["gamma"]), number(&options["lam"]));
    assert_values("raw advantages", &found.advantages, &variant["raw_advantages"]);
    assert_values("returns", &found.returns, &variant["returns"]);
    let whitened = whiten(&found.advantages, &mask, choices.variance, true);
    assert_values("advantages", &whitened, &variant["advantages"]);
    whitened
}

/// Both losses, and the gradient of the policy's.
fn losses(reference: &Value, variant: &Value, advantages: &[f32]) {
    let (inputs, options, device) = (&reference["inputs"], &reference["options"], training_device());
    let (mask, reward_mask) = (rows::<bool>(&variant["mask"]).concat(), rows::<bool>(&variant["reward_mask"]).concat());
    let new_logprobs = masked_leaf(&inputs["new_logprobs"], &mask);
    let shape = new_logprobs.dims();
    let policy = policy_loss(
        new_logprobs.clone(),
        masked_leaf(&inputs["logprobs"], &mask),
        Tensor::<1>::from_data(advantages, &device).reshape(shape),
        booleans(&variant["mask"], &device),
        number(&options["cliprange"]),
        LossAggregation::TokenMean,
    );
    assert_value("policy loss", policy.loss.clone().inner(), &variant["policy_loss"]);
    assert_value("clipfrac", policy.clipfrac.inner(), &variant["clipfrac"]);
    assert_gradient(
        "policy loss",
        &gradient(&new_logprobs, &policy.loss.clone().backward()),
        &variant["policy_gradient"],
    );

    let value = value_loss(
        masked_leaf(&inputs["new_values"], &reward_mask),
        masked_leaf(&inputs["values"], &reward_mask),
        tensor(&variant["returns"], &device),
        booleans(&variant["reward_mask"], &device),
        number(&options["cliprange_value"]),
    );
    assert_value("value loss", value.loss.clone().inner(), &variant["value_loss"]);
    let loss = policy.loss.inner() + value.loss.inner().mul_scalar(number(&options["vf_coef"]));
    assert_value("loss", loss, &variant["loss"]);
}
