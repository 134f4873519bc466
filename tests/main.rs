//! Tests that belong to no single crate.

mod bad_input;
mod layers;
mod ppo;
mod protocol;
mod resume;
mod reference;
mod reward;
mod support;
