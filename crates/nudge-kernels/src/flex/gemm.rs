//! Matrix products on slices: a safe door to the `gemm` crate, which burn's CPU backend uses too.
//!
//! burn's own `matmul` is not called because it allocates each result, cannot add to one, and
//! loops over the batch when a weight is broadcast.

use crate::platform;

/// Below this many multiplications a product is not worth a second thread.
const PARALLEL_THRESHOLD: usize = 1 << 20;

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

    fn holds(&self, rows: usize, cols: usize) -> bool {
        (rows - 1) * self.row_stride + (cols - 1) * self.col_stride < self.data.len()
    }
}

/// What happens to the old content of the destination.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Write {
    /// It is overwritten.
    Replace,
    /// The product is added to it.
    Add,
}

/// `out (+)= scale * lhs * rhs` on one thread, `lhs: [m, k]`, `rhs: [k, n]`, rows of `out` `out_row_stride` apart.
pub(super) fn multiply(
    [m, n, k]: [usize; 3],
    scale: f32,
    lhs: Matrix,
    rhs: Matrix,
    write: Write,
    out: &mut [f32],
    out_row_stride: usize,
) {
    call([m, n, k], scale, lhs, rhs, write, out, out_row_stride, gemm::Parallelism::None);
}

/// `lhs * rhs` as a new row-major matrix, on all threads if it is large.
pub(super) fn product([m, n, k]: [usize; 3], lhs: Matrix, rhs: Matrix) -> Vec<f32> {
    let mut out = vec![0.0; m * n];
    let threads = if m * n * k < PARALLEL_THRESHOLD { gemm::Parallelism::None } else { platform::gemm_threads() };
    call([m, n, k], 1.0, lhs, rhs, Write::Replace, &mut out, n, threads);
    out
}

#[allow(unsafe_code)]
fn call(
    [m, n, k]: [usize; 3],
    scale: f32,
    lhs: Matrix,
    rhs: Matrix,
    write: Write,
    out: &mut [f32],
    out_row_stride: usize,
    threads: gemm::Parallelism,
) {
    if m == 0 || n == 0 || k == 0 {
        return;
    }
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
            out.as_mut_ptr(),
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
            threads,
        );
    }
}
