//! Building blocks of the inner loops: written so that the compiler turns them into vector code.
//!
//! Everything is `inline(always)`, so that it takes on the instruction set of the
//! [`vectorised!`] function it ends up in.

use std::array;

#[cfg(target_family = "wasm")]
use super::four::Four;

/// Compiles a function for several instruction sets and picks one when the program runs.
///
/// WebAssembly has no such choice: there the build turns `simd128` on for everything.
macro_rules! vectorised {
    ($($item:tt)*) => {
        #[multiversion::multiversion(targets(
            "x86_64+avx512f+avx512bw+avx512dq+avx512vl+avx2+fma",
            "x86_64+avx2+fma",
        ))]
        $($item)*
    };
}
pub(crate) use vectorised;

/// Independent partial results of a reduction: two AVX-512 registers, or eight of WebAssembly's.
const LANES: usize = 32;

/// `exp(x)` within 2 units in the last place for `-87.3 <= x <= 88.3`; 0 below, the last value above, NaN for NaN.
///
/// `x = n ln 2 + r`, then a polynomial in `r` (Cephes `expf`), then `n` is put into the exponent bits.
#[inline(always)]
pub(crate) fn exp(x: f32) -> f32 {
    const LOWEST: f32 = -87.3;
    const HIGHEST: f32 = 88.3;
    // Adding 1.5 * 2^23 rounds to an integer, which then stands in the low bits.
    const ROUND: f32 = 12_582_912.0;
    // ln 2 in two parts, the first with zeros at its end, so that n times it is exact.
    const LN_2_HIGH: f32 = 0.693_359_4;
    const LN_2_LOW: f32 = -2.121_944_4e-4;

    let clamped = x.clamp(LOWEST, HIGHEST);
    let shifted = clamped * std::f32::consts::LOG2_E + ROUND;
    let n = shifted - ROUND;
    let r = (clamped - n * LN_2_HIGH) - n * LN_2_LOW;
    let mut p = 1.987_569_2e-4;
    p = p * r + 1.398_2e-3;
    p = p * r + 8.333_452e-3;
    p = p * r + 4.166_579_6e-2;
    p = p * r + 1.666_666_5e-1;
    p = p * r + 0.5;
    let fraction = p * r * r + r + 1.0;
    let power_of_two = f32::from_bits((shifted.to_bits() << 23).wrapping_add(1.0f32.to_bits()));
    if x < LOWEST { 0.0 } else { fraction * power_of_two }
}

/// The logistic function.
#[inline(always)]
pub(crate) fn sigmoid(x: f32) -> f32 {
    1.0 / (1.0 + exp(-x))
}

/// Halves again and again, which vectorises; one after another would wait for each addition.
#[inline(always)]
pub(crate) fn fold<const N: usize>(mut lanes: [f32; N], combine: impl Fn(f32, f32) -> f32) -> f32 {
    let mut half = N / 2;
    while half > 0 {
        for i in 0..half {
            lanes[i] = combine(lanes[i], lanes[i + half]);
        }
        half /= 2;
    }
    lanes[0]
}

/// Sum of all elements, in a fixed order.
#[inline(always)]
pub(crate) fn sum(x: &[f32]) -> f32 {
    let mut lanes = [0.0; LANES];
    let (blocks, rest) = x.as_chunks::<LANES>();
    for block in blocks {
        add(&mut lanes, block);
    }
    rest.iter().fold(fold(lanes, |a, b| a + b), |sum, x| sum + x)
}

/// Sum of `term(x)`, in a fixed order.
///
/// The terms go through a buffer: computed and added in one loop they are not vectorised.
#[inline(always)]
pub(crate) fn sum_of(x: &[f32], term: impl Fn(f32) -> f32) -> f32 {
    let mut terms = [0.0; 512];
    let mut total = 0.0;
    for block in x.chunks(terms.len()) {
        let terms = &mut terms[..block.len()];
        for (slot, &x) in terms.iter_mut().zip(block) {
            *slot = term(x);
        }
        total += sum(terms);
    }
    total
}

/// Inner product of two slices of one length, in a fixed order.
#[inline(always)]
pub(crate) fn dot(x: &[f32], y: &[f32]) -> f32 {
    let mut lanes = [0.0; LANES];
    let (x_blocks, x_rest) = x.as_chunks::<LANES>();
    let (y_blocks, y_rest) = y.as_chunks::<LANES>();
    for (x, y) in x_blocks.iter().zip(y_blocks) {
        add_products::<_, false>(&mut lanes, x, y);
    }
    x_rest.iter().zip(y_rest).fold(fold(lanes, |a, b| a + b), |sum, (&x, &y)| sum + x * y)
}

/// `sums[i] += x[i]`
#[inline(always)]
fn add<const N: usize>(sums: &mut [f32; N], x: &[f32; N]) {
    #[cfg(not(target_family = "wasm"))]
    {
        *sums = array::from_fn(|i| sums[i] + x[i]);
    }
    // In WebAssembly the compiler makes no vectors of arrays by itself.
    #[cfg(target_family = "wasm")]
    for (sums, x) in sums.as_chunks_mut().0.iter_mut().zip(x.as_chunks().0) {
        Four::load(sums).plus(Four::load(x)).store(sums);
    }
}

/// `sums[i] += x[i] * y[i]`, rounded once where `FUSED` and the platform has it.
#[inline(always)]
pub(crate) fn add_products<const N: usize, const FUSED: bool>(sums: &mut [f32; N], x: &[f32; N], y: &[f32; N]) {
    #[cfg(not(target_family = "wasm"))]
    {
        *sums = array::from_fn(|i| match FUSED {
            true => x[i].mul_add(y[i], sums[i]),
            false => sums[i] + x[i] * y[i],
        });
    }
    #[cfg(target_family = "wasm")]
    for ((sums, x), y) in sums.as_chunks_mut().0.iter_mut().zip(x.as_chunks().0).zip(y.as_chunks().0) {
        Four::load(sums).plus_product(Four::load(x), Four::load(y)).store(sums);
    }
}

/// Largest element; minus infinity for none.
#[inline(always)]
pub(crate) fn max(x: &[f32]) -> f32 {
    let larger = |a: f32, b: f32| if a > b { a } else { b };
    let mut lanes = [f32::NEG_INFINITY; LANES];
    let (blocks, rest) = x.as_chunks::<LANES>();
    for block in blocks {
        lanes = array::from_fn(|i| larger(block[i], lanes[i]));
    }
    rest.iter().copied().fold(fold(lanes, larger), larger)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exp_is_within_two_units_in_the_last_place() {
        let mut worst = 0.0f64;
        for step in -87_000..88_000 {
            let x = step as f32 * 1e-3;
            let exact = f64::from(x).exp();
            let relative = (f64::from(exp(x)) - exact).abs() / exact;
            worst = worst.max(relative / f64::from(f32::EPSILON));
        }
        assert!(worst < 2.0, "worst error {worst} units");
    }

    #[test]
    fn exp_at_the_ends() {
        assert_eq!(exp(0.0), 1.0);
        assert_eq!(exp(f32::NEG_INFINITY), 0.0);
        assert_eq!(exp(-1e30), 0.0);
        assert!(exp(f32::INFINITY).is_finite());
        assert!(exp(f32::NAN).is_nan());
    }

    #[test]
    fn reductions_take_every_element_of_odd_lengths() {
        for length in [0, 1, 31, 32, 33, 100, 1000] {
            // Small whole numbers, so that every order of adding is exact.
            let x: Vec<f32> = (0..length).map(|i| (i % 10) as f32 - 7.0).collect();
            assert_eq!(sum(&x), x.iter().sum::<f32>());
            assert_eq!(sum_of(&x, |x| 2.0 * x), 2.0 * x.iter().sum::<f32>());
            assert_eq!(dot(&x, &x), x.iter().map(|x| x * x).sum::<f32>());
            assert_eq!(max(&x), x.iter().copied().fold(f32::NEG_INFINITY, f32::max));
        }
    }
}
