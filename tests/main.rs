//! Tests that belong to no single crate.

mod adapters;
mod bad_input;
mod batching;
mod containers;
mod dpo;
#[path = "fuzz/src/lib.rs"]
mod fuzz;
mod fuzzing;
mod layers;
mod licences;
mod look;
mod methods;
mod metrics;
mod oracle;
mod passes;
mod ppo;
mod prequential;
mod protocol;
mod reference;
mod resume;
mod reward;
mod sampling;
mod self_check;
mod support;
