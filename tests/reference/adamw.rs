//! AdamW behind clipping by the global norm: ten steps of torch.

use burn::tensor::Device;
use nudge_model::{Optimizer, OptimizerKind, OptimizerOptions, Parameters, Weight};
use serde_json::Value;

use super::{number, numbers, read, tensor, values};

const JSON: &str = include_str!("adamw.json");

/// The options of a torch optimizer in a JSON file.
pub fn options(value: &Value) -> OptimizerOptions {
    let option = |name: &str| number(&value[name]);
    OptimizerOptions {
        kind: OptimizerKind::AdamW,
        beta1: option("beta1"),
        beta2: option("beta2"),
        eps: option("eps"),
        weight_decay: option("weight_decay"),
        max_grad_norm: option("max_grad_norm"),
    }
}

/// A matrix and a vector, the two things that AdamW tells apart.
#[derive(Clone)]
struct Pair([Weight; 2]);

impl Parameters for Pair {
    fn weights(&self) -> Vec<&Weight> {
        self.0.iter().collect()
    }

    fn weights_mut(&mut self) -> Vec<&mut Weight> {
        self.0.iter_mut().collect()
    }
}

#[test]
fn ten_steps_of_adamw_are_those_of_torch() {
    let reference = read(JSON);
    let device = Device::flex();
    let start = |index: usize| tensor(&reference["start"][index], &device);
    let mut model =
        Pair([("q_proj.weight", 0), ("norm.weight", 1)].map(|(name, i)| Weight::new(name.into(), start(i))));
    let mut optimizer = Optimizer::new(options(&reference["options"]), &model);
    let steps = reference["steps"].as_array().expect("a list of steps");
    assert_eq!(steps.len(), 10);
    for (place, step) in steps.iter().enumerate() {
        // The gradient of the sum of `parameter * g` is `g`.
        let tracked = model.tracked();
        let terms = tracked.parameters().into_iter().enumerate().map(|(index, (_, parameter))| {
            let gradient = tensor(&step["gradients"][index], &device.clone().autodiff());
            (parameter.clone() * gradient).sum()
        });
        let loss = terms.reduce(|a, b| a + b).expect("two terms");
        let norm = numbers(optimizer.update(
            &mut model,
            &tracked,
            nudge_model::gradients(loss, &tracked),
            number(&step["lr"]),
        ))[0];
        let expected = number(&step["grad_norm"]);
        assert!((norm - expected).abs() < 1e-5 * expected, "step {place}: norm {norm}");
        for (index, (_, parameter)) in model.parameters().into_iter().enumerate() {
            let expected = values(&step["parameters"][index]);
            for (found, expected) in numbers(parameter.clone()).iter().zip(expected) {
                assert!((found - expected).abs() < 1e-5, "step {place}: {found} instead of {expected}");
            }
        }
    }
}
