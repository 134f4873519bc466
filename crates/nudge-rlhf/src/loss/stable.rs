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
    // The series sees 0 where it does not count: overflowing there would make its zero gradient NaN.
    let near = x.clone().mask_fill(is_near.clone().bool_not(), 0.0);

    // x² / 2 * (1 + x/3 * (1 + x/4 * (...)))
    let mut series = near.ones_like();
    for n in (3..=SERIES_DEGREE).rev() {
        series = (series * near.clone()).div_scalar(n).add_scalar(1.0);
    }
    let series = near.square().mul_scalar(0.5) * series;
    let written_out = x.clone().exp().sub_scalar(1.0) - x;
    written_out.mask_where(is_near, series)
}

/// `ln(1 - exp(x))` for `x < 0`: the logarithm of the probability of everything else.
///
/// Near 0 through `exp(x) - 1`, where `exp(x)` has rounded its distance from 1 away; far from 0
/// through `log1p`, where `1 - exp(x)` would round to 1 (Mächler 2012).
pub(crate) fn log1mexp<const D: usize>(x: Tensor<D>) -> Tensor<D> {
    let boundary = -std::f32::consts::LN_2;
    let is_near = x.clone().greater_elem(boundary);
    // Each form sees the boundary where it does not count, for the same reason.
    let near = x.clone().mask_fill(is_near.clone().bool_not(), boundary);
    let far = x.mask_fill(is_near.clone(), boundary);

    let near = (exp_m1_minus_x(near.clone()) + near).neg().log();
    let far = far.exp().neg().log1p();
    far.mask_where(is_near, near)
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;

    use super::*;

    /// Value and slope at `x`.
    #[expect(clippy::disallowed_methods, reason = "a test on the CPU may wait for its numbers")]
    fn at(x: f32, function: impl Fn(Tensor<1>) -> Tensor<1>) -> (f64, f64) {
        let leaf = Tensor::<1>::from_data([x], &Device::flex().autodiff()).require_grad();
        let value = function(leaf.clone());
        let slope = leaf.grad(&value.backward()).expect("a gradient");
        (f64::from(value.into_scalar::<f32>()), f64::from(slope.into_scalar::<f32>()))
    }

    #[track_caller]
    fn near(name: &str, actual: f64, expected: f64) {
        assert!(actual == expected || (actual / expected - 1.0).abs() < 1e-5, "{name}: {actual} is not {expected}");
    }

    #[test]
    fn exp_m1_minus_x_is_the_series_near_zero_and_the_formula_far_away() {
        for x in [-1e-15, -1e-6, 1e-4, -1e-4, 1e-3, 0.1, -0.49, 0.51, -0.51, 3.0, -3.0, -40.0, -1e9f32] {
            let exact = f64::from(x);
            let series = exact * exact / 2.0 * (1.0 + exact / 3.0 + exact * exact / 12.0);
            let value = if x.abs() < 2e-3 { series } else { exact.exp_m1() - exact };
            let (actual, slope) = at(x, exp_m1_minus_x);
            near(&format!("value at {x}"), actual, value);
            near(&format!("slope at {x}"), slope, exact.exp_m1());
        }
    }

    #[test]
    fn log1mexp_is_right_from_certain_to_impossible() {
        for x in [-1e-30, -1e-8, -1e-6, -1e-3, -0.1, -0.6, -0.69, -0.7, -1.5, -5.0, -6.9, -20.0, -80.0f32] {
            let exact = f64::from(x);
            let value = if x > -0.5 { (-exact.exp_m1()).ln() } else { (-exact.exp()).ln_1p() };
            let (actual, slope) = at(x, log1mexp);
            near(&format!("value at {x}"), actual, value);
            near(&format!("slope at {x}"), slope, exact.exp() / exact.exp_m1());
        }
        assert_eq!(at(f32::NEG_INFINITY, log1mexp), (0.0, 0.0));
    }
}
