//! Tests that belong to no single crate.

mod layers;
