//! Matrix products on slices: a safe door to the `gemm` crate, which burn's CPU backend uses too, and in a browser to
//! products of our own (`tiles.rs`).
//!
//! burn's own `matmul` is not called because it allocates each result, cannot add to one, and
//! loops over the batch when a weight is broadcast.

use std::ops::Range;

use crate::platform;

/// Below this many multiplications a product is not worth a second thread.
const PARALLEL_THRESHOLD: usize = 1 << 20;

/// The columns of a part are a multiple of this, which every kernel of the library divides or nearly so.
const COLUMNS: usize = 64;

/// A part has as many rows at least: it brings its columns of the right factor into shape, whatever its rows.
const FEWEST_ROWS: usize = 192;

/// From so many rows on another part repeats that work at little cost.
const MANY_ROWS: usize = 512;

/// A read-only matrix in a slice: element `(i, j)` at `i * row_stride + j * col_stride`.
#[derive(Clone, Copy)]
pub(crate) struct Matrix<'a> {
    pub(super) data: &'a [f32],
    pub(super) row_stride: usize,
    pub(super) col_stride: usize,
}

impl<'a> Matrix<'a> {
    /// Rows of consecutive elements, `row_stride` apart.
    pub(crate) fn rows(data: &'a [f32], row_stride: usize) -> Self {
        Self { data, row_stride, col_stride: 1 }
    }

    /// The same elements with rows and columns exchanged.
    pub(crate) fn transposed(self) -> Self {
        Self { row_stride: self.col_stride, col_stride: self.row_stride, ..self }
    }

    /// Without its first `rows` and `columns`.
    pub(super) fn from(self, rows: usize, columns: usize) -> Self {
        Self { data: &self.data[rows * self.row_stride + columns * self.col_stride..], ..self }
    }

    /// An element.
    #[cfg(test)]
    pub(super) fn at(&self, row: usize, column: usize) -> f32 {
        self.data[row * self.row_stride + column * self.col_stride]
    }

    fn holds(&self, rows: usize, cols: usize) -> bool {
        (rows - 1) * self.row_stride + (cols - 1) * self.col_stride < self.data.len()
    }
}

/// What happens to the old content of the destination.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Write {
    /// It is overwritten.
    Replace,
    /// The product is added to it.
    Add,
}

/// `out (+)= scale * lhs * rhs` on one thread, `lhs: [m, k]`, `rhs: [k, n]`, rows of `out` `out_row_stride` apart.
#[allow(unsafe_code)]
pub(super) fn multiply(
    sizes: [usize; 3],
    scale: f32,
    lhs: Matrix,
    rhs: Matrix,
    write: Write,
    out: &mut [f32],
    out_row_stride: usize,
) {
    if !sizes.contains(&0) {
        assert_fits(sizes, out.len(), out_row_stride);
        let out = Destination { start: out.as_mut_ptr(), row_stride: out_row_stride };
        // SAFETY: the product fits `out`, which is borrowed mutably and holds numbers.
        unsafe { call(sizes, scale, lhs, rhs, write, out) };
    }
}

/// `lhs * rhs` as a new row-major matrix, on all threads if it is large.
#[allow(unsafe_code)]
pub(super) fn product([m, n, k]: [usize; 3], lhs: Matrix, rhs: Matrix) -> Vec<f32> {
    if [m, n, k].contains(&0) {
        return vec![0.0; m * n];
    }
    let mut out = Vec::with_capacity(m * n);
    // SAFETY: there is room for `[m, n]`, and replacing writes every element of it.
    unsafe {
        in_parts([m, n, k], lhs, rhs, Write::Replace, Destination { start: out.as_mut_ptr(), row_stride: n });
        out.set_len(m * n);
    }
    out
}

/// `lhs * rhs` into the columns of `out` from `first` on, whose rows are `out_row_stride` apart, on all threads if it is
/// large.
#[allow(unsafe_code)]
pub(super) fn product_onto(
    sizes: [usize; 3],
    lhs: Matrix,
    rhs: Matrix,
    write: Write,
    out: &mut [f32],
    first: usize,
    out_row_stride: usize,
) {
    if !sizes.contains(&0) {
        let out = &mut out[first..];
        assert_fits(sizes, out.len(), out_row_stride);
        let out = Destination { start: out.as_mut_ptr(), row_stride: out_row_stride };
        // SAFETY: the product fits `out`, which is borrowed mutably and holds numbers.
        unsafe { in_parts(sizes, lhs, rhs, write, out) };
    }
}

/// One product part by part: a part has one start and one end, where the library's threads meet around every block they
/// pack.
///
/// The library sums in an order of its own for every shape, so the parts follow from the shape alone: then the bits are
/// the same on any number of threads.
///
/// # Safety
/// As [`call`].
#[allow(unsafe_code)]
unsafe fn in_parts([m, n, k]: [usize; 3], lhs: Matrix, rhs: Matrix, write: Write, out: Destination) {
    let work = |(rows, columns): (Range<usize>, Range<usize>)| {
        let sizes = [rows.len(), columns.len(), k];
        let out = out.from(rows.start, columns.start);
        // SAFETY: the parts do not overlap, and none is empty.
        unsafe { call(sizes, 1.0, lhs.from(rows.start, 0), rhs.from(0, columns.start), write, out) };
    };
    match m * n * k {
        ..PARALLEL_THRESHOLD => work((0..m, 0..n)),
        _ => platform::for_each(parts(m, n), work),
    }
}

/// Rows and columns of the parts of a product `[m, n]`, about [`platform::PARTS`] of them.
///
/// Bringing the right factor into shape is most of what a part costs beside its multiplications, so columns are cut
/// rather than rows. The cuts of rows are a power of two: the parts come out even on an even number of threads.
fn parts(m: usize, n: usize) -> Vec<(Range<usize>, Range<usize>)> {
    let floor = |parts: usize| 1 << parts.max(1).ilog2();
    let row_parts = floor((m / MANY_ROWS).min(platform::PARTS));
    let wanted = platform::PARTS / row_parts;
    let column_parts = cut(n, (n / wanted / COLUMNS).max(1) * COLUMNS);
    let wanted = platform::PARTS.div_ceil(column_parts.len());
    let row_parts = row_parts.max(floor((m / FEWEST_ROWS).min(wanted)));
    let row_parts = cut(m, m / row_parts);
    let beside = |columns: Range<usize>| row_parts.iter().map(move |rows| (rows.clone(), columns.clone()));
    column_parts.into_iter().flat_map(beside).collect()
}

/// `0..length` in ranges of `size`; what is left over belongs to the last one.
fn cut(length: usize, size: usize) -> Vec<Range<usize>> {
    let count = (length / size).max(1);
    (0..count).map(|part| part * size..if part + 1 == count { length } else { (part + 1) * size }).collect()
}

/// Panics unless a product of these sizes fits a slice of `length`, its rows `row_stride` apart.
fn assert_fits([m, n, _]: [usize; 3], length: usize, row_stride: usize) {
    assert!(n <= row_stride || m == 1, "rows of the product overlap");
    assert!((m - 1) * row_stride + n <= length, "the destination of the product is too short");
}

/// Where a product goes: element `(i, j)` at `i * row_stride + j`.
///
/// Not a slice, because parts that share rows lie in between each other.
#[derive(Clone, Copy)]
pub(super) struct Destination {
    pub(super) start: *mut f32,
    pub(super) row_stride: usize,
}

// SAFETY: whoever writes through it promises that nobody else has the same elements (`call`).
#[allow(unsafe_code)]
unsafe impl Send for Destination {}
// SAFETY: as above.
#[allow(unsafe_code)]
unsafe impl Sync for Destination {}

impl Destination {
    /// Without its first `rows` and `columns`.
    pub(super) fn from(self, rows: usize, columns: usize) -> Self {
        Self { start: self.start.wrapping_add(rows * self.row_stride + columns), ..self }
    }
}

/// # Safety
/// No size is 0. The elements `[m, n]` of the destination belong to the caller alone; those that are added to hold
/// numbers.
#[allow(unsafe_code)]
unsafe fn call([m, n, k]: [usize; 3], scale: f32, lhs: Matrix, rhs: Matrix, write: Write, out: Destination) {
    assert!(lhs.holds(m, k) && rhs.holds(k, n), "a factor of the product {m}x{n}x{k} is too short");
    // SAFETY: the assertion keeps every element that is read inside its slice, the caller every one that is written.
    #[cfg(target_family = "wasm")]
    unsafe {
        super::tiles::product([m, n, k], scale, lhs, rhs, write, out);
    }
    // SAFETY: as above.
    #[cfg(not(target_family = "wasm"))]
    unsafe {
        gemm::gemm(
            m,
            n,
            k,
            out.start,
            1,
            out.row_stride as isize,
            write == Write::Add,
            lhs.data.as_ptr(),
            lhs.col_stride as isize,
            lhs.row_stride as isize,
            rhs.data.as_ptr(),
            rhs.col_stride as isize,
            rhs.row_stride as isize,
            1.0,
            scale,
            false,
            false,
            false,
            gemm::Parallelism::None,
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parts_are_the_whole_product_once() {
        let sizes = [1, 2, 15, 16, 63, 64, 65, 191, 192, 193, 383, 384, 576, 1023, 1025, 2049, 9001];
        for (m, n) in sizes.iter().flat_map(|m| sizes.map(|n| (*m, n))) {
            let parts = parts(m, n);
            let covered: usize = parts.iter().map(|(rows, columns)| rows.len() * columns.len()).sum();
            assert_eq!(covered, m * n, "{m}x{n}");
            for (index, (rows, columns)) in parts.iter().enumerate() {
                assert!(rows.end <= m && columns.end <= n && !rows.is_empty() && !columns.is_empty(), "{m}x{n}");
                let apart = |(other_rows, other_columns): &(Range<usize>, Range<usize>)| {
                    rows.end <= other_rows.start
                        || columns.end <= other_columns.start
                        || other_rows.end <= rows.start
                        || other_columns.end <= columns.start
                };
                assert!(parts[..index].iter().all(apart), "parts of {m}x{n} overlap");
            }
        }
    }
}
