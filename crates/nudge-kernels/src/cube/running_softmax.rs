//! The softmax of scores that come one after another, and the mean of values under it (Milakov & Gimelshein 2018).
//!
//! A unit begins with [`LOWEST`], a total of 0 and sums of 0, [`weigh`]s every key, and divides its
//! sums by the total.

use burn_cubecl::cubecl;
use burn_cubecl::cubecl::prelude::*;

/// Below every score.
pub(super) const LOWEST: f32 = -1e30;

/// No values yet.
#[cube]
pub(super) fn zeros(#[comptime] head_dim: usize) -> Array<f32> {
    let mut sums = Array::<f32>::new(head_dim);
    #[unroll]
    for d in 0..head_dim {
        sums[d] = 0.0;
    }
    sums
}

/// Takes in a score: what the sums so far are to be multiplied by, and the weight of the value that comes with it.
#[cube]
pub(super) fn weigh(score: f32, highest: &mut f32, total: &mut f32) -> (f32, f32) {
    let new_highest = max(*highest, score);
    let keep = (*highest - new_highest).exp();
    let weight = (score - new_highest).exp();
    *highest = new_highest;
    *total = *total * keep + weight;
    (keep, weight)
}
