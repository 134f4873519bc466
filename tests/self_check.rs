//! The whole self-check on the CPU, against itself: every check is there, is ok, and would fail on a wrong number.

use burn::tensor::Device;
use futures_lite::future::block_on;
use nudge_session::self_check::{Check, Report, quick, run};

/// In the order in which they run.
const NAMES: [&str; 35] = [
    "matrix product",
    "softmax",
    "gather",
    "sum over odd sizes",
    "maximum over odd sizes",
    "mean over odd sizes",
    "kernel linear",
    "kernel linear onto",
    "kernel RMS norm",
    "kernel SwiGLU",
    "kernel rotary",
    "kernel attention",
    "kernel token logprobs",
    "kernel embedding",
    "kernel entropy",
    "kernel AdamW",
    "kernel norm of gradients",
    "kernel decoding",
    "kernel products of a token",
    "kernel drawing",
    "kernel packed products",
    "kernel packed log-probabilities",
    "kernel packed rows",
    "training step: loss",
    "training step: parameters without a gradient",
    "training step: gradients",
    "training step: update",
    "training step: loss after the update",
    "learning rate 0: weights changed",
    "learning rate 0: log-ratio",
    "log-probabilities",
    "first PPO ratio",
    "sampling log-probabilities",
    "rows that end",
    "left padding",
];

/// What holds bit for bit on any device.
const EXACT: [&str; 7] = [
    "gather",
    "maximum over odd sizes",
    "training step: parameters without a gradient",
    "learning rate 0: weights changed",
    "learning rate 0: log-ratio",
    "first PPO ratio",
    "rows that end",
];

fn names(report: &Report) -> Vec<&str> {
    report.checks.iter().map(|check| check.name).collect()
}

#[test]
fn all_checks_pass_on_the_cpu_with_room_to_spare() {
    let report = block_on(run(&Device::flex(), &Device::flex())).expect("the CPU gives numbers back");
    assert!(report.ok, "{:?}", report.checks);
    assert_eq!(names(&report), NAMES);
    for Check { name, value, limit, .. } in &report.checks {
        assert_eq!(*limit == 0.0, EXACT.contains(name), "{name}: the limit is {limit}");
        assert!(value.abs() <= 0.1 * limit, "{name}: {value} comes close to {limit}");
    }
}

#[test]
fn the_short_check_is_a_training_step_and_sampling() {
    let report = block_on(quick(&Device::flex(), &Device::flex())).expect("the CPU gives numbers back");
    assert!(report.ok, "{:?}", report.checks);
    assert_eq!(names(&report), [&NAMES[23..28], &NAMES[32..34]].concat());
}
