//! Functions that lose their digits, or overflow, when written down as they are read.

use burn::tensor::{Tensor, activation::softplus};

/// `ln σ(x)`, accurate in both tails.
///
/// As `-softplus(-x)`: `ln(1 + exp(-x))` overflows for very negative `x`, and rounds to 0 for large
/// `x` unless it is formed with `log1p`.
pub(crate) fn log_sigmoid<const D: usize>(x: Tensor<D>) -> Tensor<D> {
    softplus(x.neg(), 1.0).neg()
}

/// Up to here a series stands in for `exp(x) - 1 - x`; beyond, nothing cancels any more.
const SERIES_RADIUS: f32 = 0.5;
/// The last power of the series: `x⁹ / 9!` is below an f32's last digit within the radius.
const SERIES_DEGREE: u8 = 9;

/// `exp(x) - 1 - x`, never negative, to a few units of the last digit everywhere.
///
/// Near 0 the written-out form subtracts numbers near 1 to get one near `x² / 2`. Even `expm1(x) - x`
/// keeps only three digits at `x = 1e-4` in f32, so a series takes its place there.
pub(crate) fn exp_m1_minus_x<const D: usize>(x: Tensor<D>) -> Tensor<D> {
    let is_near = x.clone().abs().lower_elem(SERIES_RADIUS);
    // Each form sees 0 where the other one counts: an overflow in the unused one would make its
    // zero gradient NaN.
    let near = x.clone().mask_fill(is_near.clone().bool_not(), 0.0);
    let far = x.mask_fill(is_near.clone(), 0.0);

    // x² / 2 * (1 + x/3 * (1 + x/4 * (...)))
    let mut series = near.ones_like();
    for n in (3..=SERIES_DEGREE).rev() {
        series = (series * near.clone()).div_scalar(n).add_scalar(1.0);
    }
    let series = near.square().mul_scalar(0.5) * series;
    let written_out = far.clone().exp().sub_scalar(1.0) - far;
    written_out.mask_where(is_near, series)
}

/// `ln(1 - exp(x))` for `x < 0`: the logarithm of the probability of everything else.
///
/// Near 0 through `exp(x) - 1`, where `exp(x)` has rounded its distance from 1 away; far from 0
/// through `log1p`, where `1 - exp(x)` would round to 1 (Mächler 2012).
pub(crate) fn log1mexp<const D: usize>(x: Tensor<D>) -> Tensor<D> {
    let boundary = -std::f32::consts::LN_2;
    let is_near = x.clone().greater_elem(boundary);
    let near = x.clone().mask_fill(is_near.clone().bool_not(), boundary);
    let far = x.mask_fill(is_near.clone(), boundary);

    let near = (exp_m1_minus_x(near.clone()) + near).neg().log();
    let far = far.exp().neg().log1p();
    far.mask_where(is_near, near)
}
