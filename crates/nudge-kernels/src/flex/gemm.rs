//! Matrix products on slices: a safe door to the `gemm` crate, which burn's CPU backend uses too.
//!
//! burn's own `matmul` is not called because it allocates each result, cannot add to one, and
//! loops over the batch when a weight is broadcast.

use std::mem::MaybeUninit;

use crate::platform;

/// Below this many multiplications a product is not worth a second thread.
const PARALLEL_THRESHOLD: usize = 1 << 20;

/// Rows of a product below which a thread would spend its time on bringing the other factor into shape.
const ROWS_OF_A_THREAD: usize = 48;

/// A read-only matrix in a slice: element `(i, j)` at `i * row_stride + j * col_stride`.
#[derive(Clone, Copy)]
pub(super) struct Matrix<'a> {
    data: &'a [f32],
    row_stride: usize,
    col_stride: usize,
}

impl<'a> Matrix<'a> {
    /// Rows of consecutive elements, `row_stride` apart.
    pub(super) fn rows(data: &'a [f32], row_stride: usize) -> Self {
        Self { data, row_stride, col_stride: 1 }
    }

    /// The same elements with rows and columns exchanged.
    pub(super) fn transposed(self) -> Self {
        Self { row_stride: self.col_stride, col_stride: self.row_stride, ..self }
    }

    /// Without its first `rows`.
    fn without_rows(self, rows: usize) -> Self {
        Self { data: &self.data[rows * self.row_stride..], ..self }
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
        call(sizes, scale, lhs, rhs, write, as_memory(out), out_row_stride);
    }
}

/// `lhs * rhs` as a new row-major matrix, on all threads if it is large.
///
/// Every thread multiplies rows of its own: one start and one end, where the library's threads meet around every block
/// they pack. The order of each sum is that of one thread.
#[allow(unsafe_code)]
pub(super) fn product([m, n, k]: [usize; 3], lhs: Matrix, rhs: Matrix) -> Vec<f32> {
    if [m, n, k].contains(&0) {
        return vec![0.0; m * n];
    }
    let mut out = Vec::with_capacity(m * n);
    let threads = if m * n * k < PARALLEL_THRESHOLD { 1 } else { platform::threads() };
    let rows = m.div_ceil(threads).max(ROWS_OF_A_THREAD);
    let parts: Vec<_> = out.spare_capacity_mut()[..m * n].chunks_mut(rows * n).enumerate().collect();
    platform::for_each(parts, |(part, out)| {
        call([out.len() / n, n, k], 1.0, lhs.without_rows(part * rows), rhs, Write::Replace, out, n);
    });
    // SAFETY: the parts are all of the rows, and replacing writes every element of them.
    unsafe { out.set_len(m * n) };
    out
}

/// `lhs * rhs` into the columns of `out` from `first` on, whose rows are `out_row_stride` apart, on all threads if it is
/// large.
pub(super) fn product_onto(
    [m, n, k]: [usize; 3],
    lhs: Matrix,
    rhs: Matrix,
    write: Write,
    out: &mut [f32],
    first: usize,
    out_row_stride: usize,
) {
    let threads = if m * n * k < PARALLEL_THRESHOLD { 1 } else { platform::threads() };
    let rows = m.div_ceil(threads).max(ROWS_OF_A_THREAD);
    let parts: Vec<_> = out.chunks_mut(rows * out_row_stride).enumerate().collect();
    platform::for_each(parts, |(part, out)| {
        let sizes = [out.len() / out_row_stride, n, k];
        multiply(sizes, 1.0, lhs.without_rows(part * rows), rhs, write, &mut out[first..], out_row_stride);
    });
}

/// Numbers as memory that holds some.
#[allow(unsafe_code)]
fn as_memory(numbers: &mut [f32]) -> &mut [MaybeUninit<f32>] {
    // SAFETY: the layouts are equal, and `call` writes nothing but numbers.
    unsafe { std::slice::from_raw_parts_mut(numbers.as_mut_ptr().cast(), numbers.len()) }
}

/// No size is 0. Memory that is added to holds numbers.
#[allow(unsafe_code)]
fn call(
    [m, n, k]: [usize; 3],
    scale: f32,
    lhs: Matrix,
    rhs: Matrix,
    write: Write,
    out: &mut [MaybeUninit<f32>],
    out_row_stride: usize,
) {
    assert!(lhs.holds(m, k) && rhs.holds(k, n), "a factor of the product {m}x{n}x{k} is too short");
    assert!(n <= out_row_stride || m == 1, "rows of the product overlap");
    assert!((m - 1) * out_row_stride + n <= out.len(), "the destination of the product is too short");
    // SAFETY: the assertions above keep every element that gemm reads or writes inside its slice;
    // `out` is borrowed mutably, so it overlaps neither factor, and its rows do not overlap.
    unsafe {
        gemm::gemm(
            m,
            n,
            k,
            out.as_mut_ptr().cast::<f32>(),
            1,
            out_row_stride as isize,
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
