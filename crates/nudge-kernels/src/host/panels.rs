//! Products of a few rows with one weight, again and again: the weight is laid out once, in panels that the inner loop
//! reads from front to back.
//!
//! A general product packs its factors at every call, which costs as much as the product itself when there are few
//! rows. The sum of every element is formed in the same order whatever the rows beside it, so an answer does not
//! depend on its neighbours or on the number of threads.

use multiversion::target::target_cfg_f;

use crate::flex::vectorised;
use crate::platform;

/// Outputs of a panel: two AVX2 registers, one of AVX-512, four of WebAssembly's.
const PANEL: usize = 16;
/// Rows multiplied together, so that sums of all of them stay in registers: a browser has sixteen of four numbers.
const ROWS: usize = if cfg!(target_family = "wasm") { 2 } else { 6 };
/// Rows of one item of work.
const ROWS_OF_ITEM: usize = 24;

/// A weight `[outputs, inputs]` as panels `[inputs, 16]`, the last one filled up with zeros.
#[derive(Clone)]
pub struct PanelMatrix {
    panels: Vec<f32>,
    outputs: usize,
    inputs: usize,
}

impl PanelMatrix {
    /// Lays out weights `[outputs, inputs]` row-major, those of `weights` one below the other.
    ///
    /// # Panics
    /// If a weight is not a number of rows of `inputs`.
    pub fn new(weights: &[&[f32]], inputs: usize) -> Self {
        assert!(weights.iter().all(|weight| weight.len().is_multiple_of(inputs)), "weights are not rows of {inputs}");
        let rows: Vec<&[f32]> = weights.iter().flat_map(|weight| weight.chunks_exact(inputs)).collect();
        let mut panels = vec![0.0; rows.len().div_ceil(PANEL) * PANEL * inputs];
        for (panel, rows) in panels.chunks_exact_mut(PANEL * inputs).zip(rows.chunks(PANEL)) {
            for (column, row) in rows.iter().enumerate() {
                panel.iter_mut().skip(column).step_by(PANEL).zip(*row).for_each(|(slot, value)| *slot = *value);
            }
        }
        Self { panels, outputs: rows.len(), inputs }
    }

    /// Rows of the weights together.
    pub fn outputs(&self) -> usize {
        self.outputs
    }

    /// Numbers of a row that it multiplies.
    pub fn inputs(&self) -> usize {
        self.inputs
    }

    /// `y = x Wᵀ`, or `y += x Wᵀ` with `add`: `x: [rows, inputs]`, `y: [rows, outputs]`.
    ///
    /// # Panics
    /// If the slices have other lengths.
    pub fn multiply(&self, x: &[f32], y: &mut [f32], add: bool) {
        let rows = x.len() / self.inputs;
        assert!(
            x.len() == rows * self.inputs && y.len() == rows * self.outputs,
            "product of {} numbers with [{}, {}] into {}",
            x.len(),
            self.outputs,
            self.inputs,
            y.len()
        );
        let items = x.chunks(ROWS_OF_ITEM * self.inputs).zip(y.chunks_mut(ROWS_OF_ITEM * self.outputs));
        platform::for_each(items.collect(), |(x, y)| multiply(&self.panels, self.inputs, self.outputs, x, y, add));
    }
}

vectorised! {
    /// Panel by panel, a few rows at a time: the panel stays in the first cache while all rows pass.
    fn multiply(panels: &[f32], inputs: usize, outputs: usize, x: &[f32], y: &mut [f32], add: bool) {
        let fused = target_cfg_f!(any(target_feature = "fma", target_feature = "avx512f"));
        for (index, panel) in panels.chunks_exact(PANEL * inputs).enumerate() {
            let first = index * PANEL;
            let width = PANEL.min(outputs - first);
            let blocks = x.chunks(ROWS * inputs).zip(y.chunks_mut(ROWS * outputs));
            for (x, y) in blocks {
                let rows = x.len() / inputs;
                let sums = if fused {
                    sums_of_block::<true>(panel, x, inputs, rows)
                } else {
                    sums_of_block::<false>(panel, x, inputs, rows)
                };
                for (row, sums) in y.chunks_exact_mut(outputs).zip(&sums) {
                    for (y, sum) in row[first..first + width].iter_mut().zip(sums) {
                        *y = if add { *y + *sum } else { *sum };
                    }
                }
            }
        }
    }
}

/// The products of up to [`ROWS`] rows with one panel.
#[inline(always)]
fn sums_of_block<const FUSED: bool>(panel: &[f32], x: &[f32], inputs: usize, rows: usize) -> [[f32; PANEL]; ROWS] {
    let mut all = [[0.0; PANEL]; ROWS];
    match rows {
        6 => put(&mut all, sums::<6, FUSED>(panel, x, inputs)),
        5 => put(&mut all, sums::<5, FUSED>(panel, x, inputs)),
        4 => put(&mut all, sums::<4, FUSED>(panel, x, inputs)),
        3 => put(&mut all, sums::<3, FUSED>(panel, x, inputs)),
        2 => put(&mut all, sums::<2, FUSED>(panel, x, inputs)),
        _ => put(&mut all, sums::<1, FUSED>(panel, x, inputs)),
    }
    all
}

/// Writes the first rows of all.
#[inline(always)]
fn put<const R: usize>(all: &mut [[f32; PANEL]; ROWS], rows: [[f32; PANEL]; R]) {
    all.iter_mut().zip(rows).for_each(|(all, row)| *all = row);
}

#[cfg(target_family = "wasm")]
#[inline(always)]
fn sums<const R: usize, const FUSED: bool>(panel: &[f32], x: &[f32], inputs: usize) -> [[f32; PANEL]; R] {
    crate::flex::tiles::rows_by_panel(panel.as_chunks().0, rows_of(x, inputs))
}

#[cfg(not(target_family = "wasm"))]
#[inline(always)]
fn sums<const R: usize, const FUSED: bool>(panel: &[f32], x: &[f32], inputs: usize) -> [[f32; PANEL]; R] {
    let mut sums = [[0.0f32; PANEL]; R];
    let rows: [&[f32]; R] = rows_of(x, inputs);
    let (columns, _) = panel.as_chunks::<PANEL>();
    for (i, column) in columns.iter().take(inputs).enumerate() {
        for row in 0..R {
            let factor = rows[row][i];
            for (sum, weight) in sums[row].iter_mut().zip(column) {
                *sum = if FUSED { factor.mul_add(*weight, *sum) } else { *sum + factor * weight };
            }
        }
    }
    sums
}

/// The first `R` rows of `x`.
#[inline(always)]
fn rows_of<const R: usize>(x: &[f32], inputs: usize) -> [&[f32]; R] {
    std::array::from_fn(|row| &x[row * inputs..(row + 1) * inputs])
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Small whole numbers, so that every order of adding is exact.
    fn whole(count: usize, step: usize) -> Vec<f32> {
        (0..count).map(|i| (i * step % 11) as f32 - 5.0).collect()
    }

    #[test]
    fn a_product_is_that_of_the_definition_for_every_number_of_rows() {
        for (rows, inputs, above, below) in
            [(1, 3, 1, 0), (5, 7, 16, 1), (6, 8, 20, 13), (13, 5, 3, 30), (32, 33, 40, 0)]
        {
            let (x, first, second) = (whole(rows * inputs, 3), whole(above * inputs, 5), whole(below * inputs, 7));
            let weight: Vec<f32> = [first.clone(), second.clone()].concat();
            let packed = PanelMatrix::new(&[&first, &second], inputs);
            let outputs = packed.outputs();
            assert_eq!(outputs, above + below);
            let dot = |row: usize, output: usize| -> f32 {
                (0..inputs).map(|i| x[row * inputs + i] * weight[output * inputs + i]).sum()
            };
            let expected: Vec<f32> = (0..rows * outputs).map(|at| dot(at / outputs, at % outputs)).collect();
            let mut y = vec![9.0; rows * outputs];
            packed.multiply(&x, &mut y, false);
            assert_eq!(y, expected);
            packed.multiply(&x, &mut y, true);
            assert!(y.iter().zip(&expected).all(|(y, expected)| *y == 2.0 * expected));
        }
    }

    #[test]
    fn a_row_does_not_depend_on_its_neighbours() {
        let x: Vec<f32> = (0..7 * 40).map(|i| (i as f32 * 0.37).sin()).collect();
        let weight: Vec<f32> = (0..24 * 40).map(|i| (i as f32 * 0.11).cos()).collect();
        let packed = PanelMatrix::new(&[&weight], 40);
        let (mut together, mut alone) = (vec![0.0; 7 * 24], vec![0.0; 24]);
        packed.multiply(&x, &mut together, false);
        for row in 0..7 {
            packed.multiply(&x[row * 40..(row + 1) * 40], &mut alone, false);
            assert_eq!(alone, together[row * 24..(row + 1) * 24]);
        }
    }
}
