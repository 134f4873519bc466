//! A product of matrices for WebAssembly, where it is about 1.5 times as fast as the `gemm` crate.
//!
//! Both factors are packed, 256 terms of each sum at a time: columns of the right one into panels of 8, rows of the left
//! one into strips of 4, so that the inner loop reads both from front to back. A tile of 4 rows and 8 columns of the
//! product stays in registers: a browser on x86 has sixteen of four numbers.
//!
//! Every element is summed over `k` in order, 256 terms at a time, whatever is computed beside it: how a product is cut
//! into parts does not change its bits. Other platforms run it in tests alone.

use std::cell::RefCell;
use std::ops::Range;

use super::four::Four;
use super::gemm::{Destination, Matrix, Write};

/// Columns of a panel.
const COLUMNS: usize = 8;
/// Rows of a strip.
const ROWS: usize = 4;
/// Terms that are summed in registers before their sum goes to memory.
const DEPTH: usize = 256;
/// Columns of the right factor that are packed at a time: 256 KiB.
const PACKED_COLUMNS: usize = 256;
/// Rows of the left factor that are packed at a time: 128 KiB.
const PACKED_ROWS: usize = 128;

/// The packed parts of both factors.
#[derive(Default)]
struct Packed {
    panels: Vec<[f32; COLUMNS]>,
    strips: Vec<[f32; ROWS]>,
}

thread_local! {
    /// Room for them.
    static PACKED: RefCell<Packed> = RefCell::default();
}

/// `out (+)= scale * lhs * rhs`, `lhs: [m, k]`, `rhs: [k, n]`.
///
/// # Safety
/// No size is 0, and the factors hold all their elements. The elements `[m, n]` of the destination belong to the caller
/// alone; those that are added to hold numbers.
#[allow(unsafe_code)]
pub(super) unsafe fn product(
    [m, n, k]: [usize; 3],
    scale: f32,
    lhs: Matrix,
    rhs: Matrix,
    write: Write,
    out: Destination,
) {
    PACKED.with_borrow_mut(|Packed { panels, strips }| {
        for columns in ranges(n, PACKED_COLUMNS) {
            for depth in ranges(k, DEPTH) {
                pack(rhs, &depth, &columns, panels);
                let write = if depth.start == 0 { write } else { Write::Add };
                for rows in ranges(m, PACKED_ROWS) {
                    pack(lhs.transposed(), &depth, &rows, strips);
                    let out = out.from(rows.start, columns.start);
                    // SAFETY: the rows and columns are within the product.
                    unsafe { block(panels, strips, depth.len(), [rows.len(), columns.len()], scale, write, out) };
                }
            }
        }
    });
}

/// The product of some packed rows with some packed columns, tile by tile: a panel stays in the first cache while all
/// strips pass.
///
/// # Safety
/// As [`product`], for a product `[m, n]`.
#[allow(unsafe_code)]
unsafe fn block(
    panels: &[[f32; COLUMNS]],
    strips: &[[f32; ROWS]],
    depth: usize,
    [m, n]: [usize; 2],
    scale: f32,
    write: Write,
    out: Destination,
) {
    for (panel, column) in panels.chunks_exact(depth).zip((0..n).step_by(COLUMNS)) {
        for (strip, row) in strips.chunks_exact(depth).zip((0..m).step_by(ROWS)) {
            let (rows, width) = (ROWS.min(m - row), COLUMNS.min(n - column));
            // SAFETY: the tile is within the product.
            unsafe { put(&tile(panel, strip)[..rows], scale, write, out.from(row, column), width) };
        }
    }
}

/// `0..length` in ranges of `size`, the last one shorter.
fn ranges(length: usize, size: usize) -> impl Iterator<Item = Range<usize>> {
    (0..length).step_by(size).map(move |start| start..(start + size).min(length))
}

/// Lays some columns of a matrix out in panels `[depth, W]`, one behind the other, the last one filled up with zeros.
fn pack<const W: usize>(matrix: Matrix, depth: &Range<usize>, columns: &Range<usize>, panels: &mut Vec<[f32; W]>) {
    panels.clear();
    panels.resize(columns.len().div_ceil(W) * depth.len(), [0.0; W]);
    for (panel, first) in panels.chunks_exact_mut(depth.len()).zip(columns.clone().step_by(W)) {
        let matrix = matrix.from(depth.start, first);
        let width = columns.end - first;
        if width >= W && matrix.col_stride == 1 {
            for (row, panel) in panel.iter_mut().enumerate() {
                panel.copy_from_slice(&matrix.data[row * matrix.row_stride..][..W]);
            }
        } else if width >= W && matrix.row_stride == 1 {
            pack_transposed(matrix, panel);
        } else {
            for (row, panel) in panel.iter_mut().enumerate() {
                for (column, slot) in panel.iter_mut().enumerate().take(width) {
                    *slot = matrix.data[row * matrix.row_stride + column * matrix.col_stride];
                }
            }
        }
    }
}

/// A whole panel of a matrix whose columns are consecutive, four by four numbers at a time.
fn pack_transposed<const W: usize>(matrix: Matrix, panel: &mut [[f32; W]]) {
    let depth = panel.len();
    for column in (0..W).step_by(4) {
        let four: [&[f32]; 4] = std::array::from_fn(|i| &matrix.data[(column + i) * matrix.col_stride..][..depth]);
        let [a, b, c, d] = four.map(|column| column.as_chunks::<4>().0);
        let blocks = a.iter().zip(b).zip(c).zip(d).zip(panel.chunks_exact_mut(4));
        for ((((a, b), c), d), rows) in blocks {
            let transposed = Four::transposed([a, b, c, d].map(Four::load));
            for (row, four) in rows.iter_mut().zip(transposed) {
                four.store(&mut row.as_chunks_mut().0[column / 4]);
            }
        }
        for row in depth / 4 * 4..depth {
            for (i, four) in four.iter().enumerate() {
                panel[row][column + i] = four[row];
            }
        }
    }
}

/// The products of the rows of a strip with a panel.
#[inline(always)]
fn tile(panel: &[[f32; COLUMNS]], strip: &[[f32; ROWS]]) -> [[Four; COLUMNS / 4]; ROWS] {
    let mut sums = [[Four::splat(0.0); COLUMNS / 4]; ROWS];
    for (weights, factors) in panel.iter().zip(strip) {
        let (weights, _) = weights.as_chunks::<4>();
        let weights: [Four; COLUMNS / 4] = std::array::from_fn(|i| Four::load(&weights[i]));
        for (factor, sums) in factors.iter().zip(&mut sums) {
            for (sum, weights) in sums.iter_mut().zip(weights) {
                *sum = sum.plus_product(Four::splat(*factor), weights);
            }
        }
    }
    sums
}

/// Writes the first `width` columns of a tile.
///
/// # Safety
/// They belong to the caller alone, and hold numbers where they are added to.
#[allow(unsafe_code)]
#[inline(always)]
unsafe fn put(tile: &[[Four; COLUMNS / 4]], scale: f32, write: Write, out: Destination, width: usize) {
    for (row, sums) in tile.iter().enumerate() {
        // SAFETY: as the caller promises.
        let out = unsafe { std::slice::from_raw_parts_mut(out.from(row, 0).start, width) };
        for (out, sum) in out.iter_mut().zip(numbers::<_, COLUMNS>(*sums)) {
            *out = if write == Write::Add { *out + scale * sum } else { scale * sum };
        }
    }
}

/// Columns of a panel of [`rows_by_panel`].
pub(crate) const WIDE: usize = 16;

/// The inner products of rows with a panel `[inputs, 16]`, the rows read where they lie.
///
/// # Panics
/// If a row is shorter than the panel.
#[allow(unsafe_code)]
#[inline(always)]
pub(crate) fn rows_by_panel<const R: usize>(panel: &[[f32; WIDE]], rows: [&[f32]; R]) -> [[f32; WIDE]; R] {
    assert!(rows.iter().all(|row| row.len() >= panel.len()), "a row is shorter than a panel of {} rows", panel.len());
    let mut sums = [[Four::splat(0.0); WIDE / 4]; R];
    for (i, weights) in panel.iter().enumerate() {
        let (weights, _) = weights.as_chunks::<4>();
        let weights: [Four; WIDE / 4] = std::array::from_fn(|i| Four::load(&weights[i]));
        for (row, sums) in rows.iter().zip(&mut sums) {
            // SAFETY: the assertion.
            let factor = Four::splat(unsafe { *row.get_unchecked(i) });
            for (sum, weights) in sums.iter_mut().zip(weights) {
                *sum = sum.plus_product(factor, weights);
            }
        }
    }
    sums.map(numbers)
}

#[inline(always)]
fn numbers<const N: usize, const W: usize>(row: [Four; N]) -> [f32; W] {
    let mut numbers = [0.0; W];
    numbers.as_chunks_mut().0.iter_mut().zip(row).for_each(|(numbers, four)| four.store(numbers));
    numbers
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Small whole numbers, so that every order of adding is exact.
    fn whole(count: usize, step: usize) -> Vec<f32> {
        (0..count).map(|i| (i * step % 11) as f32 - 5.0).collect()
    }

    #[allow(unsafe_code)]
    fn check(sizes: [usize; 3], lhs: Matrix, rhs: Matrix, write: Write) {
        let [m, n, k] = sizes;
        let stride = n + 3;
        let old = whole(m * stride, 3);
        let mut out = old.clone();
        // SAFETY: `out` has room for the product, and the factors are as large as it says.
        unsafe { product(sizes, 2.0, lhs, rhs, write, Destination { start: out.as_mut_ptr(), row_stride: stride }) };
        for (row, (out, old)) in out.chunks(stride).zip(old.chunks(stride)).enumerate() {
            for (column, (out, old)) in out.iter().zip(old).enumerate() {
                let sum = || -> f32 { (0..k).map(|i| lhs.at(row, i) * rhs.at(i, column)).sum() };
                let expected = match (column < n, write) {
                    (false, _) => *old,
                    (true, Write::Replace) => 2.0 * sum(),
                    (true, Write::Add) => old + 2.0 * sum(),
                };
                assert_eq!(*out, expected, "element {row}, {column} of {sizes:?}");
            }
        }
    }

    #[test]
    fn a_product_is_that_of_the_definition_in_every_layout() {
        for sizes in [[1, 1, 1], [2, 16, 4], [3, 17, 5], [5, 31, 257], [7, 33, 259], [4, 257, 6], [1, 300, 513]] {
            let [m, n, k] = sizes;
            let (left, right) = (whole(m * k, 3), whole(k * n, 7));
            let lhs = [Matrix::rows(&left, k), Matrix::rows(&left, m).transposed()];
            let rhs = [Matrix::rows(&right, n), Matrix::rows(&right, k).transposed()];
            for (lhs, rhs) in lhs.into_iter().flat_map(|lhs| rhs.map(|rhs| (lhs, rhs))) {
                check(sizes, lhs, rhs, Write::Replace);
                check(sizes, lhs, rhs, Write::Add);
            }
        }
    }

    #[test]
    #[allow(unsafe_code)]
    fn a_part_has_the_bits_of_the_whole() {
        let [m, n, k] = [5, 70, 300];
        let left: Vec<f32> = (0..m * k).map(|i| (i as f32 * 0.37).sin()).collect();
        let right: Vec<f32> = (0..k * n).map(|i| (i as f32 * 0.11).cos()).collect();
        let (lhs, rhs) = (Matrix::rows(&left, k), Matrix::rows(&right, n));
        let whole = |lhs: Matrix, rhs: Matrix, m: usize, n: usize| {
            let mut out = vec![0.0; m * n];
            let to = Destination { start: out.as_mut_ptr(), row_stride: n };
            // SAFETY: `out` has room for the product.
            unsafe { product([m, n, k], 1.0, lhs, rhs, Write::Replace, to) };
            out
        };
        let all = whole(lhs, rhs, m, n);
        let part = whole(lhs.from(1, 0), rhs.from(0, 19), 3, 40);
        for (row, part) in part.chunks(40).enumerate() {
            assert_eq!(part, &all[(row + 1) * n + 19..][..40]);
        }
        let mut panels = vec![];
        pack(rhs, &(0..DEPTH), &(0..WIDE), &mut panels);
        let rows = [&left[..DEPTH], &left[k..k + DEPTH]];
        let [first, second] = rows_by_panel(&panels, rows);
        let [alone] = rows_by_panel(&panels, [rows[1]]);
        assert_eq!(second, alone);
        let exact = |row: &[f32], j: usize| -> f64 {
            row.iter().enumerate().map(|(i, x)| f64::from(*x) * f64::from(right[i * n + j])).sum()
        };
        assert!((f64::from(first[3]) - exact(rows[0], 3)).abs() < 1e-4);
    }
}
