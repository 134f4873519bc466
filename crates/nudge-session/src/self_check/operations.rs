//! Single operations against the same in `f64` on the host.
//!
//! The reference is written out here and shares nothing with any backend, so this part also checks the CPU.

use super::report::{Check, largest};
use crate::SessionError;
use crate::readback::read_all;
use burn::tensor::{Device, Int, Tensor, TensorData, activation::softmax};
use nudge_data::Rng;
use nudge_kernels::linear;

/// A GPU may multiply `f32` in TF32, whose mantissa of 10 bits rounds each factor by up to `2^-11`.
const PRODUCT_LIMIT: f64 = 1e-3;
/// Rounding of `f32` over sums of a thousand numbers, and of a GPU's `exp`, which WGSL lets be off by many units.
const ROUNDING_LIMIT: f64 = 1e-5;
/// Numbers are moved, not computed.
const EXACT: f64 = 0.0;

/// Matrices `[rows, inner] x [inner, columns]`: a vector, odd sizes, more than one tile.
const PRODUCTS: [[usize; 3]; 4] = [[1, 37, 1], [5, 1, 3], [37, 53, 29], [130, 192, 257]];
/// Lengths of the dimension worked on: a single number, less and more than a work group.
const LENGTHS: [usize; 6] = [1, 3, 33, 127, 257, 1025];
/// Length of the other dimension.
const ROWS: usize = 5;

/// What a device should give.
#[derive(Clone)]
struct Reference {
    expected: Vec<f64>,
    /// The magnitude of the numbers that went into each result, by which its error is divided.
    scale: Vec<f64>,
}

impl Reference {
    /// Where errors count as they are.
    fn absolute(expected: Vec<f64>) -> Self {
        Self { scale: vec![1.0; expected.len()], expected }
    }

    /// The largest error in units of the scale; NaN if a number is NaN or missing.
    fn error(&self, found: &[f32]) -> f64 {
        if found.len() != self.expected.len() {
            return f64::NAN;
        }
        let numbers = found.iter().zip(&self.expected).zip(&self.scale);
        largest(numbers.map(|((found, expected), scale)| (f64::from(*found) - expected) / scale))
    }
}

/// One operation at several sizes: what the device gives, still on the device, and what it should give.
#[derive(Default)]
struct Cases {
    found: Vec<Tensor<1>>,
    references: Vec<Reference>,
}

impl Cases {
    fn push<const D: usize>(&mut self, found: Tensor<D>, reference: Reference) {
        let count = found.dims().iter().product::<usize>();
        self.found.push(found.reshape([count]));
        self.references.push(reference);
    }

    /// Reads everything in one wait.
    async fn check(self, name: &'static str, limit: f64) -> Result<Check, SessionError> {
        let found = read_all(self.found).await?;
        let errors = self.references.iter().zip(&found).map(|(reference, found)| reference.error(found));
        Ok(Check::new(name, largest(errors), limit))
    }
}

/// Matrix product, softmax, gather, and reductions over odd sizes.
pub(super) async fn checks(device: &Device) -> Result<Vec<Check>, SessionError> {
    Ok(vec![
        products(device).check("matrix product", PRODUCT_LIMIT).await?,
        softmaxes(device).check("softmax", ROUNDING_LIMIT).await?,
        gathers(device).check("gather", EXACT).await?,
        reductions(Reduction::Sum, device).check("sum over odd sizes", ROUNDING_LIMIT).await?,
        reductions(Reduction::Max, device).check("maximum over odd sizes", EXACT).await?,
        reductions(Reduction::Mean, device).check("mean over odd sizes", ROUNDING_LIMIT).await?,
    ])
}

fn normal(rng: &mut Rng, count: usize) -> Vec<f32> {
    (0..count).map(|_| rng.normal()).collect()
}

fn on<const D: usize>(device: &Device, values: &[f32], shape: [usize; D]) -> Tensor<D> {
    Tensor::from_data(TensorData::new(values.to_vec(), shape), device)
}

/// `a b` with `b` by its columns, which is how linear layers multiply, and with that as a transposed view.
fn products(device: &Device) -> Cases {
    let (mut rng, mut cases) = (Rng::new(1), Cases::default());
    for [rows, inner, columns] in PRODUCTS {
        let (a, b) = (normal(&mut rng, rows * inner), normal(&mut rng, inner * columns));
        let b_transposed: Vec<f32> =
            (0..columns * inner).map(|index| b[index % inner * columns + index / inner]).collect();
        let reference = product(&a, &b, [rows, inner, columns]);
        let a = on(device, &a, [rows, inner]);
        let times = |right: Tensor<2>| linear(a.clone().unsqueeze(), right).squeeze_dim::<2>(0);
        cases.push(times(on(device, &b_transposed, [columns, inner])), reference.clone());
        cases.push(times(on(device, &b, [inner, columns]).transpose()), reference);
    }
    cases
}

/// `a b`, each entry beside the sum of its terms' absolute values.
fn product(a: &[f32], b: &[f32], [rows, inner, columns]: [usize; 3]) -> Reference {
    let entry = |row: usize, column: usize| {
        let term = |k: usize| f64::from(a[row * inner + k]) * f64::from(b[k * columns + column]);
        ((0..inner).map(term).sum::<f64>(), (0..inner).map(|k| term(k).abs()).sum::<f64>())
    };
    let (expected, scale) = (0..rows * columns).map(|index| entry(index / columns, index % columns)).unzip();
    Reference { expected, scale }
}

/// Over logits that overflow `exp` unless the largest is subtracted, one of them masked as attention masks.
fn softmaxes(device: &Device) -> Cases {
    let (mut rng, mut cases) = (Rng::new(2), Cases::default());
    for length in LENGTHS {
        let mut logits: Vec<f32> = (0..ROWS * length).map(|_| 90.0 + 10.0 * rng.normal()).collect();
        logits[0] = -1e30;
        let expected = logits.chunks(length).flat_map(probabilities).collect();
        cases.push(softmax(on(device, &logits, [ROWS, length]), 1), Reference::absolute(expected));
    }
    cases
}

fn probabilities(logits: &[f32]) -> Vec<f64> {
    let highest = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let weights: Vec<f64> = logits.iter().map(|logit| (f64::from(*logit) - f64::from(highest)).exp()).collect();
    let total: f64 = weights.iter().sum();
    weights.into_iter().map(|weight| weight / total).collect()
}

/// One entry of each row of `[batch, time, vocabulary]`, as the log-probabilities of targets are taken.
fn gathers(device: &Device) -> Cases {
    const BATCH: usize = 3;
    let (mut rng, mut cases) = (Rng::new(3), Cases::default());
    for vocabulary in LENGTHS {
        let values = normal(&mut rng, BATCH * ROWS * vocabulary);
        let targets: Vec<usize> = (0..BATCH * ROWS).map(|_| rng.below(vocabulary)).collect();
        let expected = values.chunks(vocabulary).zip(&targets).map(|(row, target)| f64::from(row[*target])).collect();
        let indices: Vec<i32> = targets.iter().map(|target| *target as i32).collect();
        let indices: Tensor<3, Int> = Tensor::from_data(TensorData::new(indices, [BATCH, ROWS, 1]), device);
        let found = on(device, &values, [BATCH, ROWS, vocabulary]).gather(2, indices);
        cases.push(found, Reference::absolute(expected));
    }
    cases
}

#[derive(Clone, Copy)]
enum Reduction {
    Sum,
    Max,
    Mean,
}

impl Reduction {
    fn of(self, values: &[f64]) -> f64 {
        match self {
            Self::Sum => values.iter().sum(),
            Self::Max => values.iter().copied().fold(f64::NEG_INFINITY, f64::max),
            Self::Mean => values.iter().sum::<f64>() / values.len() as f64,
        }
    }

    /// One number for each part of `parts`, beside the same reduction of the absolute values.
    fn reference(self, parts: &[&[f64]]) -> Reference {
        let absolute = |part: &[f64]| part.iter().map(|value| value.abs()).collect::<Vec<_>>();
        Reference {
            expected: parts.iter().map(|part| self.of(part)).collect(),
            scale: parts.iter().map(|part| self.of(&absolute(part))).collect(),
        }
    }

    fn along<const D: usize>(self, values: Tensor<D>, dim: usize) -> Tensor<D> {
        match self {
            Self::Sum => values.sum_dim(dim),
            Self::Max => values.max_dim(dim),
            Self::Mean => values.mean_dim(dim),
        }
    }

    fn whole<const D: usize>(self, values: Tensor<D>) -> Tensor<1> {
        match self {
            Self::Sum => values.sum(),
            Self::Max => values.max(),
            Self::Mean => values.mean(),
        }
    }
}

/// Along the last dimension, along the first, and of everything.
fn reductions(reduction: Reduction, device: &Device) -> Cases {
    let (mut rng, mut cases) = (Rng::new(4), Cases::default());
    for length in LENGTHS {
        // Negative throughout: a maximum that starts from 0, or reads a 0 beyond the end, shows.
        let values: Vec<f32> = (0..ROWS * length).map(|_| -0.5 - rng.uniform()).collect();
        let rows = on(device, &values, [ROWS, length]);
        let values: Vec<f64> = values.into_iter().map(f64::from).collect();
        let by_row = reduction.reference(&values.chunks(length).collect::<Vec<_>>());
        cases.push(reduction.along(rows.clone(), 1), by_row.clone());
        cases.push(reduction.along(rows.clone().transpose(), 0), by_row);
        cases.push(reduction.whole(rows), reduction.reference(&[&values]));
    }
    cases
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_lite::future::block_on;

    /// All operations with the name and the limit under which they are checked.
    fn all() -> [(fn() -> Cases, f64); 6] {
        [
            (|| products(&Device::flex()), PRODUCT_LIMIT),
            (|| softmaxes(&Device::flex()), ROUNDING_LIMIT),
            (|| gathers(&Device::flex()), EXACT),
            (|| reductions(Reduction::Sum, &Device::flex()), ROUNDING_LIMIT),
            (|| reductions(Reduction::Max, &Device::flex()), EXACT),
            (|| reductions(Reduction::Mean, &Device::flex()), ROUNDING_LIMIT),
        ]
    }

    /// The check of an operation after `wrong` has been done to every one of its results in turn.
    fn failures(cases: fn() -> Cases, limit: f64, wrong: impl Fn(Tensor<1>) -> Tensor<1>) -> Vec<bool> {
        let sizes = cases().found.len();
        let failed = |size: usize| {
            let mut cases = cases();
            cases.found[size] = wrong(cases.found[size].clone());
            !block_on(cases.check("a check", limit)).unwrap().ok
        };
        (0..sizes).map(failed).collect()
    }

    #[test]
    fn the_host_works_out_what_a_hand_does() {
        // [1 2; 3 4] x [5 -6; 7 8]
        let reference = product(&[1.0, 2.0, 3.0, 4.0], &[5.0, -6.0, 7.0, 8.0], [2, 2, 2]);
        assert_eq!(reference.expected, [19.0, 10.0, 43.0, 14.0]);
        assert_eq!(reference.scale, [19.0, 22.0, 43.0, 50.0]);
        let probabilities = probabilities(&[0.0, 3.0f32.ln(), -1e30]);
        for (found, expected) in probabilities.iter().zip([0.25, 0.75, 0.0]) {
            assert!((found - expected).abs() < 1e-7, "{probabilities:?}");
        }
        let parts: [&[f64]; 2] = [&[-1.0, -2.0, -6.0], &[4.0]];
        for (reduction, expected, scale) in [
            (Reduction::Sum, [-9.0, 4.0], [9.0, 4.0]),
            (Reduction::Max, [-1.0, 4.0], [6.0, 4.0]),
            (Reduction::Mean, [-3.0, 4.0], [3.0, 4.0]),
        ] {
            let reference = reduction.reference(&parts);
            assert_eq!((reference.expected, reference.scale), (expected.to_vec(), scale.to_vec()));
        }
    }

    #[test]
    fn a_wrong_result_of_any_size_fails_its_check() {
        for (cases, limit) in all() {
            assert!(block_on(cases().check("a check", limit)).unwrap().ok);
            let not_a_number = failures(cases, limit, |found| found.mul_scalar(f32::NAN));
            assert!(not_a_number.iter().all(|failed| *failed), "NaN: {not_a_number:?}");
            // What a program that was skipped leaves behind.
            let zeros = failures(cases, limit, |found| found.zeros_like());
            assert!(zeros.iter().all(|failed| *failed), "zeros: {zeros:?}");
            let off = failures(cases, limit, |found| found.add_scalar(0.5));
            assert!(off.iter().all(|failed| *failed), "off: {off:?}");
            let cut = failures(cases, limit, |found| Tensor::cat(vec![found.clone(), found], 0));
            assert!(cut.iter().all(|failed| *failed), "of another length: {cut:?}");
        }
    }
}
