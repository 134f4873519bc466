//! Online DPO as in TRL's trainer: which completion is chosen, and the loss.

use nudge_rlhf::DpoVariant;
use nudge_session::method::online_dpo::{choices, pair_loss};
use serde_json::Value;

use super::{
    assert_gradient, assert_value, booleans, gradient, leaf, number, read, rows, tensor, training_device, values,
};

/// Rows of TRL's order, the first completion of every prompt and then the second of every prompt, as pairs.
fn as_pairs(rows: &Value) -> Value {
    let rows = rows.as_array().expect("rows");
    let prompts = rows.len() / 2;
    (0..prompts).flat_map(|prompt| [rows[prompt].clone(), rows[prompt + prompts].clone()]).collect()
}

#[test]
fn the_choice_and_the_loss_are_those_of_trl() {
    let reference = &read(include_str!("online_dpo.json"));
    let choices = choices(&values(&as_pairs(&reference["rewards"])));
    let prompts = choices.len() / 2;
    let chosen: Vec<usize> = (0..choices.len())
        .filter(|row| choices[*row] > 0.0)
        .map(|row| if row % 2 == 0 { row / 2 } else { prompts + row / 2 })
        .collect();
    assert_eq!(serde_json::json!(chosen), reference["chosen"]);

    let device = training_device();
    let logprobs = leaf::<2>(&as_pairs(&reference["logprobs"]));
    let ref_logprobs = tensor::<2>(&as_pairs(&reference["ref_logprobs"]), &device);
    let mask = booleans(&as_pairs(&reference["mask"]), &device);
    let beta = number(&reference["beta"]);
    let terms = pair_loss(logprobs.clone(), ref_logprobs, mask, &choices, beta, DpoVariant::Sigmoid);
    assert_value("loss", terms.loss.clone().inner(), &reference["loss"]);
    let gradients = terms.loss.backward();
    let expected = rows::<f32>(&as_pairs(&reference["gradient"])).concat();
    assert_gradient("log-probabilities", &gradient(&logprobs, &gradients), &serde_json::json!(expected));
}
