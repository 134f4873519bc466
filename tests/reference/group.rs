//! GRPO and RLOO: advantages from a group of completions and the losses that use them, as in TRL's trainers.

use burn::tensor::Tensor;
use nudge_rlhf::{
    KlEstimator, LossAggregation, ScaleRewards, aggregate, broadcast, grpo_advantages, kl_penalty, policy_loss,
    rloo_advantages, sequence_policy_loss,
};
use serde::Deserialize;
use serde_json::Value;

use super::{
    assert_gradient, assert_value, assert_values, booleans, gradient, masked_leaf, number, read, rows, training_device,
    values,
};

const JSON: &str = include_str!("group.json");

#[test]
fn group_advantages_are_those_of_trl() {
    let reference = &read(JSON)["advantages"];
    let (rewards, group) = (values(&reference["rewards"]), number(&reference["group"]) as usize);
    for name in ["group", "batch", "none"] {
        let scale = ScaleRewards::deserialize(&Value::from(name)).expect("TRL's name");
        assert_values(name, &grpo_advantages(&rewards, group, scale), &reference["grpo"][name]);
    }
    assert_values("rloo", &rloo_advantages(&rewards, group), &reference["rloo"]);
}

#[test]
fn grpo_losses_are_those_of_trl_in_three_aggregations() {
    let reference = &read(JSON)["losses"];
    let (device, mask) = (training_device(), rows::<bool>(&reference["mask"]));
    let (time, mask) = (mask[0].len(), mask.concat());
    let advantages = broadcast(&values(&reference["advantages"]), &mask, time);
    for name in ["token_mean", "sequence_mean", "fixed_length"] {
        let aggregation = LossAggregation::deserialize(&Value::from(name)).expect("an aggregation");
        for (variant, kl_coef) in [("grpo", 0.0), ("grpo_with_kl", number(&reference["kl_coef"]))] {
            let new_logprobs = masked_leaf(&reference["new_logprobs"], &mask);
            let [logprobs, ref_logprobs] =
                ["logprobs", "ref_logprobs"].map(|name| masked_leaf(&reference[name], &mask));
            let on_device = || booleans(&reference["mask"], &device);
            let policy = policy_loss(
                new_logprobs.clone(),
                logprobs,
                Tensor::<1>::from_data(advantages.as_slice(), &device).reshape(new_logprobs.dims()),
                on_device(),
                number(&reference["cliprange"]),
                aggregation,
            );
            let kl = kl_penalty(KlEstimator::K3, new_logprobs.clone(), ref_logprobs, on_device());
            let loss = policy.loss + aggregate(kl, on_device(), aggregation).mul_scalar(kl_coef);
            let (what, expected) = (format!("{variant}, {name}"), &reference[variant][name]);
            assert_value(&what, loss.clone().inner(), &expected["loss"]);
            assert_gradient(&what, &gradient(&new_logprobs, &loss.backward()), &expected["gradient"]);
        }
    }
}

#[test]
fn the_rloo_loss_is_that_of_trl() {
    let reference = &read(JSON)["losses"];
    let (device, mask) = (training_device(), rows::<bool>(&reference["mask"]).concat());
    let new_logprobs = masked_leaf(&reference["new_logprobs"], &mask);
    let loss = sequence_policy_loss(
        new_logprobs.clone(),
        masked_leaf(&reference["logprobs"], &mask),
        super::tensor(&reference["advantages"], &device),
        booleans(&reference["mask"], &device),
        number(&reference["cliprange"]),
    )
    .loss;
    assert_value("rloo", loss.clone().inner(), &reference["rloo"]["loss"]);
    assert_gradient("rloo", &gradient(&new_logprobs, &loss.backward()), &reference["rloo"]["gradient"]);
}
