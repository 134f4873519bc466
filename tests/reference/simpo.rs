//! SimPO as in TRL's CPO trainer.

use nudge_rlhf::loss::simpo::simpo_loss;

use super::{assert_gradient, assert_value, gradient, leaf, number, read};

#[test]
fn simpo_is_that_of_trl() {
    let reference = &read(include_str!("simpo.json"));
    let [chosen, rejected] = ["chosen", "rejected"].map(|name| leaf::<1>(&reference[name]));
    let terms = simpo_loss(chosen.clone(), rejected.clone(), number(&reference["beta"]), number(&reference["gamma"]));
    assert_value("loss", terms.loss.clone().inner(), &reference["loss"]);
    assert_value("chosen rewards", terms.chosen_rewards.inner(), &reference["chosen_rewards"]);
    assert_value("rejected rewards", terms.rejected_rewards.inner(), &reference["rejected_rewards"]);
    let gradients = terms.loss.backward();
    assert_gradient("chosen", &gradient(&chosen, &gradients), &reference["chosen_gradient"]);
    assert_gradient("rejected", &gradient(&rejected, &gradients), &reference["rejected_gradient"]);
}
