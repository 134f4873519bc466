//! Formulas without a gradient, on host slices.
//!
//! Sums run in `f64` and results are `f32`: a rollout is small, and the exact answer is cheap.

pub mod accuracy;
pub mod agreement;
pub mod best_of_n;
pub mod calibration;
pub mod comparison;
pub mod cycles;
pub mod ensemble;
pub mod gae;
pub mod group;
pub mod kemeny;
pub mod kl;
pub mod linear_reward;
pub mod normalize;
pub mod overoptimization;
pub mod rewards;
pub mod schedule;
pub mod stats;
pub mod text;
pub mod whiten;

/// Panics unless both slices cover the same tokens.
#[track_caller]
pub(crate) fn assert_same_len(name: &str, len: usize, other_name: &str, other: usize) {
    assert!(len == other, "{name} has {len} values but {other_name} has {other}; both must be [batch, time]");
}

/// Panics unless `len` values split into whole rows of `time`.
#[track_caller]
pub(crate) fn assert_rows(name: &str, len: usize, time: usize) {
    assert!(
        time > 0 && len.is_multiple_of(time),
        "{name} has {len} values, which is not a whole number of rows of time {time}"
    );
}
