//! Products of a few rows with a frozen weight, read from its words once and never written down as numbers.
//!
//! A token reads every weight of a model, so what counts is how few bytes a weight has. A cube computes a few columns of
//! the result for a few rows: its units share the numbers of the weight's rows, and their sums are put together in the
//! end, in the order of the units.

use burn_cubecl::cubecl;
use burn_cubecl::cubecl::prelude::*;
use burn_cubecl::tensor::CubeTensor;

use super::encoding::{RUN, run};
use super::launch::{buffer, empty, floats, one_cube_each, sizes};
use super::packed::Packed;
use crate::encoding::Encoding;
use crate::packed::Form;

/// Rows up to which a product is computed here.
pub(super) const FEW: usize = 32;

/// Units of a cube.
const UNITS: usize = 32;

/// Columns of the result that a cube computes: each number of `x` is read once for all of them.
const COLUMNS: usize = 4;

/// Rows of the result that a cube computes at most: each number of the weight is read once for all of them.
const ROWS: usize = 8;

/// `x: [rows, depth]` and the `columns` of the result that begin at `first` of its `width`; a cube computes `own` rows.
#[cube(launch_unchecked)]
fn few_rows(
    x: &[f32],
    words: &[u32],
    out: &mut [f32],
    rows: usize,
    columns: usize,
    depth: usize,
    first: usize,
    width: usize,
    #[comptime] own: usize,
    #[comptime] encoding: Encoding,
) {
    let tiles = (columns + comptime!(COLUMNS - 1)) / COLUMNS;
    let row_tiles = (rows + comptime!(own - 1)) / own;
    let cube = min(CUBE_POS, tiles * row_tiles - 1);
    let first_column = cube % tiles * COLUMNS;
    let first_row = cube / tiles * own;
    let unit = UNIT_POS as usize;

    let mut sums = Array::<f32>::new(comptime!(own * COLUMNS));
    let mut of_x = Array::<f32>::new(comptime!(own * RUN));
    #[unroll]
    for i in 0..comptime!(own * COLUMNS) {
        sums[i] = 0.0;
    }
    for at in range_stepped(unit * RUN, depth, comptime!(UNITS * RUN)) {
        #[unroll]
        for i in 0..comptime!(RUN) {
            // Only numbers that stand by themselves may be other than a whole number of runs.
            let here = min(at + i, depth - 1);
            #[unroll]
            for row in 0..own {
                let mut value = x[min(first_row + row, rows - 1) * depth + here];
                if comptime!(encoding.block() == 1) {
                    if at + i >= depth {
                        value = 0.0;
                    }
                }
                of_x[row * RUN + i] = value;
            }
        }
        #[unroll]
        for column in 0..comptime!(COLUMNS) {
            let of_weight = min(first_column + column, columns - 1);
            let numbers = run(words, of_weight * depth + at, columns * depth, encoding);
            #[unroll]
            for i in 0..comptime!(RUN) {
                #[unroll]
                for row in 0..own {
                    sums[row * COLUMNS + column] += of_x[row * RUN + i] * numbers[i];
                }
            }
        }
    }

    let mut of_units = Shared::<[f32]>::new_slice(comptime!(UNITS * own * COLUMNS));
    #[unroll]
    for i in 0..comptime!(own * COLUMNS) {
        of_units[unit * comptime!(own * COLUMNS) + i] = sums[i];
    }
    sync_cube();
    for place in range_stepped(unit, comptime!(own * COLUMNS), UNITS) {
        let row = first_row + place / COLUMNS;
        let column = first_column + place % COLUMNS;
        if row < rows && column < columns {
            let mut sum = 0.0f32;
            for from in 0..UNITS {
                sum += of_units[from * comptime!(own * COLUMNS) + place];
            }
            out[row * width + first + column] = sum;
        }
    }
}

/// `x Wᵀ` of each weight, side by side: `x: [batch, time, columns]` to `[batch, time, rows of all]`. A launch a part of a
/// weight, each into its own columns.
pub(super) fn linears(x: CubeTensor, weights: &[Packed]) -> CubeTensor {
    let (x, width) = (floats(x), weights.iter().map(|weight| weight.form.rows).sum::<usize>());
    let [batch, time, depth] = sizes(&x);
    let (rows, out) = (batch * time, empty(&x, [batch, time, width]));
    let own = rows.next_power_of_two().min(ROWS);
    let mut first = 0;
    for weight in weights {
        let Form { encoding, columns, .. } = weight.form;
        assert_eq!(depth, columns, "a product of x {:?}", [batch, time, depth]);
        for part in weight.parts() {
            let cubes = part.rows.len().div_ceil(COLUMNS) * rows.div_ceil(own);
            let (count, cube) = one_cube_each(&x, cubes, UNITS as u32);
            // SAFETY: cubes beyond the last compute the last again; rows and columns beyond the last are read as the last
            // and not stored.
            unsafe {
                few_rows::launch_unchecked(
                    &x.client,
                    count,
                    cube,
                    buffer(&x),
                    buffer(&part.words),
                    buffer(&out),
                    rows,
                    part.rows.len(),
                    depth,
                    first + part.rows.start,
                    width,
                    own,
                    encoding,
                );
            }
        }
        first += weight.form.rows;
    }
    out
}
