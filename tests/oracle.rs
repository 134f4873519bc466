//! Training by the stages themselves arrives at the distribution that mathematics says, on a toy of 40 completions; and a
//! leash of another strength would be noticed.
//!
//! One beta a method. The table over all of them is printed by `nudge lab oracle`.

use crate::support::{model_of, pull};
use burn::tensor::Device;
use futures_lite::future::block_on;
use nudge_session::Method;
use nudge_session::method::Target;
use nudge_session::oracle::{Measurement, Oracle, TOLERANCE, methods};

/// A difference that no noise makes.
const CLEARLY: f64 = 2.0 * TOLERANCE;

fn method(name: &str) -> Method {
    Method::named(name).expect("a method")
}

fn oracle() -> Oracle {
    block_on(Oracle::new(1, &Device::flex())).expect("the CPU gives numbers back")
}

fn trained(oracle: &Oracle, method: &Method, beta: f32) -> Vec<f64> {
    let events = pull(oracle.run(method, beta).expect("the run starts")).expect("the run ends well");
    block_on(oracle.policy(model_of(&events))).expect("the model is whole")
}

/// The policy is at its target, was not there before, and is not at the target of half or twice the beta.
fn arrives(name: &str, beta: f32) -> Measurement {
    let (oracle, method) = (oracle(), &method(name));
    let policy = trained(&oracle, method, beta);
    assert!((policy.iter().sum::<f64>() - 1.0).abs() < 1e-5, "{policy:?}");
    let row = |beta| oracle.measure(method, beta, &policy).expect("the target is found");
    let here = row(beta);
    assert!(here.tv < TOLERANCE, "{here:?}");
    assert!(here.tv_reference > CLEARLY, "{here:?}");
    for other in [beta / 2.0, beta * 2.0] {
        assert!(row(other).tv > CLEARLY, "{:?} instead of {here:?}", row(other));
    }
    here
}

#[test]
fn ppo() {
    arrives("ppo", 1.0);
}

#[test]
fn rloo() {
    arrives("rloo", 1.0);
}

#[test]
fn reinforce() {
    arrives("reinforce", 1.0);
}

#[test]
fn dpo() {
    arrives("dpo", 1.0);
}

#[test]
fn grpo_arrives_elsewhere() {
    let row = arrives("grpo", 0.5);
    assert_eq!(row.target, Target::GrpoFixedPoint);
    let oracle = oracle();
    let targets = ["grpo", "rloo"].map(|name| oracle.target(&method(name), 0.5).expect("the target is found"));
    let distance: f64 = targets[0].iter().zip(&targets[1]).map(|(p, q)| (p - q).abs() / 2.0).sum();
    assert!(distance > CLEARLY, "{distance}");
}

#[test]
fn the_targets_lie_where_they_must() {
    let oracle = oracle();
    for method in methods() {
        let name = method.info().name;
        let target = |beta| oracle.target(&method, beta).expect("the target is found");
        let row = |beta| oracle.measure(&method, beta, &target(beta)).expect("the target is found");
        for beta in [0.2, 1.0, 5.0, 25.0] {
            assert!((target(beta).iter().sum::<f64>() - 1.0).abs() < 1e-5, "{name} {beta}");
            let (here, looser) = (row(beta), row(beta / 2.0));
            assert!(looser.kl > here.kl && looser.reward > here.reward, "{looser:?} {here:?}");
        }
        assert!(row(1000.0).tv_reference < 0.01, "{name}: a short leash holds the policy at the reference");
    }
    // The optimum has the largest E[r] - beta KL of all policies.
    let value = |row: &Measurement| row.reward - 0.5 * row.kl;
    let of = |name| {
        let method = method(name);
        oracle.measure(&method, 0.5, &oracle.target(&method, 0.5).expect("found")).expect("found")
    };
    assert!(value(&of("ppo")) > value(&of("grpo")));
}

#[test]
fn a_beta_that_is_no_price_is_refused() {
    for beta in [0.0, -1.0, f32::NAN] {
        let error = oracle().run(&method("ppo"), beta).err().expect("no price").to_string();
        assert!(error.starts_with("beta is "), "{error}");
    }
}
