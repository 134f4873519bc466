//! Products of a few rows with a frozen weight where it lies: every row of the weight is unpacked once, into registers,
//! and multiplied with all rows.
//!
//! A token reads every weight of a model once, so what counts is how few bytes a weight has. The sum of every element
//! is formed in the same order whatever the rows beside it and whatever the number of threads.

use std::array;

use multiversion::target::target_cfg_f;

use crate::encoding::{self, Encoding, bfloat, half};
use crate::flex::gemm::Write;
use crate::flex::packed::FlexWords;
use crate::flex::{self, vector, vectorised};
use crate::packed::{Form, PackedWeight};
use crate::platform;

/// Rows multiplied together, so that sums of all of them stay in registers: a browser has sixteen of four numbers.
const ROWS: usize = if cfg!(target_family = "wasm") { 2 } else { 4 };
/// Partial sums of one product.
const LANES: usize = 16;
/// Below this many multiplications a product is not worth a second thread.
const PARALLEL_THRESHOLD: usize = 1 << 17;
/// Numbers that plain encodings are read by.
const PLAIN: usize = 32;

/// A frozen weight `[outputs, inputs]` on the CPU; it shares the memory of the [`PackedWeight`] it was made of.
#[derive(Clone)]
pub struct PackedRows {
    words: FlexWords,
    form: Form,
}

impl PackedRows {
    /// The weight where it lies; nothing on other devices, or where its rows are not whole groups of 32 numbers.
    pub fn of(weight: &PackedWeight) -> Option<Self> {
        let (parts, form) = weight.words()?;
        let words = FlexWords::of(&parts[0])?;
        form.columns.is_multiple_of(PLAIN).then_some(Self { words, form })
    }

    /// Rows of the weight.
    pub fn outputs(&self) -> usize {
        self.form.rows
    }

    /// Numbers of a row that it multiplies.
    pub fn inputs(&self) -> usize {
        self.form.columns
    }

    /// Row `index` of the weight, `[inputs]`.
    pub fn row(&self, index: usize, out: &mut [f32]) {
        let width = self.form.row_bytes();
        self.form.encoding.decode(&self.words.bytes()[index * width..][..width], out);
    }

    /// `y = x Wᵀ`, or `y += x Wᵀ` with `add`, of many rows: the weight is unpacked into memory, a piece at a time.
    ///
    /// # Panics
    /// If the slices are not those of [`PackedRows::multiply`].
    pub fn multiply_many(&self, x: &[f32], y: &mut [f32], add: bool) {
        self.assert_rows(x, y);
        flex::packed::multiply(x, self.words.bytes(), self.form, y, if add { Write::Add } else { Write::Replace });
    }

    /// Panics if these are not rows of in- and outputs; gives their number.
    fn assert_rows(&self, x: &[f32], y: &[f32]) -> usize {
        let Form { rows: outputs, columns: inputs, .. } = self.form;
        let rows = x.len() / inputs;
        assert!(
            x.len() == rows * inputs && y.len() == rows * outputs,
            "product of {} numbers with [{outputs}, {inputs}] into {}",
            x.len(),
            y.len()
        );
        rows
    }

    /// `y = x Wᵀ`, or `y += x Wᵀ` with `add`: `x: [rows, inputs]`, `y: [rows, outputs]`.
    ///
    /// # Panics
    /// If the slices have other lengths.
    pub fn multiply(&self, x: &[f32], y: &mut [f32], add: bool) {
        let Form { encoding, rows: outputs, columns: inputs, .. } = self.form;
        let rows = self.assert_rows(x, y);
        let bytes = &self.words.bytes()[..outputs * self.form.row_bytes()];
        let threads = if rows * outputs * inputs < PARALLEL_THRESHOLD { 1 } else { platform::threads() };
        let at_once = outputs.div_ceil(threads);
        let parts: Vec<&[u8]> = bytes.chunks(at_once * self.form.row_bytes()).collect();
        // Of each part `[outputs of the part, rows]`.
        let products = platform::map(parts, |bytes| {
            let mut products = vec![0.0; bytes.len() / self.form.row_bytes() * rows];
            multiply(encoding, bytes, inputs, x, &mut products);
            products
        });
        let columns = products.iter().flat_map(|part| part.chunks_exact(rows));
        for (output, column) in columns.enumerate() {
            for (y, product) in y[output..].iter_mut().step_by(outputs).zip(column) {
                *y = if add { *y + product } else { *product };
            }
        }
    }
}

vectorised! {
    /// The products of some rows of a weight with rows `x: [rows, inputs]`, `[outputs, rows]`.
    fn multiply(encoding: Encoding, bytes: &[u8], inputs: usize, x: &[f32], out: &mut [f32]) {
        let fused = target_cfg_f!(any(target_feature = "fma", target_feature = "avx512f"));
        match encoding {
            Encoding::F32 => products(fused, bytes, inputs, x, out, |bytes: &[u8; 4 * PLAIN], out: &mut [f32; PLAIN]| {
                for (out, bytes) in out.iter_mut().zip(bytes.as_chunks::<4>().0) {
                    *out = f32::from_le_bytes(*bytes);
                }
            }),
            Encoding::F16 => products(fused, bytes, inputs, x, out, |bytes: &[u8; 2 * PLAIN], out: &mut [f32; PLAIN]| {
                for (out, bytes) in out.iter_mut().zip(bytes.as_chunks::<2>().0) {
                    *out = half(bytes, 0);
                }
            }),
            Encoding::BF16 => products(fused, bytes, inputs, x, out, |bytes: &[u8; 2 * PLAIN], out: &mut [f32; PLAIN]| {
                for (out, bytes) in out.iter_mut().zip(bytes.as_chunks::<2>().0) {
                    *out = bfloat(bytes, 0);
                }
            }),
            Encoding::Q8_0 => products(fused, bytes, inputs, x, out, encoding::q8_0),
            Encoding::Q4_0 => products(fused, bytes, inputs, x, out, encoding::q4_0),
            Encoding::Q4_1 => products(fused, bytes, inputs, x, out, encoding::q4_1),
            Encoding::Q5_0 => products(fused, bytes, inputs, x, out, encoding::q5_0),
            Encoding::Q5_1 => products(fused, bytes, inputs, x, out, encoding::q5_1),
            Encoding::Q4_K => products(fused, bytes, inputs, x, out, encoding::q4_k),
            Encoding::Q5_K => products(fused, bytes, inputs, x, out, encoding::q5_k),
            Encoding::Q6_K => products(fused, bytes, inputs, x, out, encoding::q6_k),
        }
    }
}

/// Weight row by weight row, a few rows of `x` at a time.
#[inline(always)]
fn products<const BYTES: usize, const NUMBERS: usize>(
    fused: bool,
    bytes: &[u8],
    inputs: usize,
    x: &[f32],
    out: &mut [f32],
    decode: impl Fn(&[u8; BYTES], &mut [f32; NUMBERS]),
) {
    let rows = x.len() / inputs;
    let (blocks, _) = bytes.as_chunks::<BYTES>();
    for (blocks, out) in blocks.chunks_exact(inputs / NUMBERS).zip(out.chunks_exact_mut(rows)) {
        for (x, out) in x.chunks(ROWS * inputs).zip(out.chunks_mut(ROWS)) {
            match (x.len() / inputs, fused) {
                (4, true) => dots::<4, true, _, _>(blocks, inputs, x, out, &decode),
                (3, true) => dots::<3, true, _, _>(blocks, inputs, x, out, &decode),
                (2, true) => dots::<2, true, _, _>(blocks, inputs, x, out, &decode),
                (_, true) => dots::<1, true, _, _>(blocks, inputs, x, out, &decode),
                (4, false) => dots::<4, false, _, _>(blocks, inputs, x, out, &decode),
                (3, false) => dots::<3, false, _, _>(blocks, inputs, x, out, &decode),
                (2, false) => dots::<2, false, _, _>(blocks, inputs, x, out, &decode),
                (_, false) => dots::<1, false, _, _>(blocks, inputs, x, out, &decode),
            }
        }
    }
}

/// The inner products of one row of the weight with `R` rows.
#[inline(always)]
fn dots<const R: usize, const FUSED: bool, const BYTES: usize, const NUMBERS: usize>(
    blocks: &[[u8; BYTES]],
    inputs: usize,
    x: &[f32],
    out: &mut [f32],
    decode: impl Fn(&[u8; BYTES], &mut [f32; NUMBERS]),
) {
    let mut sums = [[0.0f32; LANES]; R];
    let rows: [&[[f32; NUMBERS]]; R] =
        array::from_fn(|row| x[row * inputs..(row + 1) * inputs].as_chunks::<NUMBERS>().0);
    for (i, block) in blocks.iter().enumerate() {
        let mut numbers = [0.0; NUMBERS];
        decode(block, &mut numbers);
        for (row, sums) in rows.iter().zip(&mut sums) {
            for (x, weights) in row[i].as_chunks::<LANES>().0.iter().zip(numbers.as_chunks::<LANES>().0) {
                vector::add_products::<LANES, FUSED>(sums, x, weights);
            }
        }
    }
    out.iter_mut().zip(&sums).for_each(|(out, sums)| *out = total(sums));
}

/// The sum of partial sums, by halves.
///
/// A function of its own: inside the loop the compiler would lay out the partial sums for this addition, in registers of
/// two numbers.
#[inline(never)]
fn total(sums: &[f32; LANES]) -> f32 {
    vector::fold(*sums, |a, b| a + b)
}
