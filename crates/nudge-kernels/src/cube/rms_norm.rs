//! Root-mean-square norm: a cube a row; the gradient of the weight in a second launch.
//!
//! With `r = 1 / rms(x)` and `h = dy * weight`: `dx = r h - x r³ mean(h x)`, `dweight = Σ dy x r`.

use burn_cubecl::cubecl;
use burn_cubecl::cubecl::prelude::*;
use burn_cubecl::tensor::CubeTensor;

use super::launch::{buffer, empty, floats, one_cube_each, sizes};
use super::reduce::sum_of_units;

/// Units that share a row.
const UNITS: u32 = 32;

/// Columns of a cube that sums the gradient of the weight, and the groups that share its rows.
const COLUMNS: u32 = 32;
const GROUPS: u32 = 8;

#[cube(launch_unchecked)]
fn forward_rows(x: &[f32], weight: &[f32], out: &mut [f32], rows: usize, width: usize, eps: f32) {
    let at = min(CUBE_POS, rows - 1) * width;
    let unit = UNIT_POS as usize;
    let mut squares = 0.0f32;
    for i in range_stepped(unit, width, UNITS as usize) {
        let value = x[at + i];
        squares += value * value;
    }
    let r = 1.0 / (sum_of_units(squares, UNITS) / f32::cast_from(width) + eps).sqrt();
    for i in range_stepped(unit, width, UNITS as usize) {
        out[at + i] = x[at + i] * r * weight[i];
    }
}

#[cube(launch_unchecked)]
fn backward_rows(
    x: &[f32],
    weight: &[f32],
    dy: &[f32],
    dx: &mut [f32],
    inverse_rms: &mut [f32],
    rows: usize,
    width: usize,
    eps: f32,
) {
    let row = min(CUBE_POS, rows - 1);
    let at = row * width;
    let unit = UNIT_POS as usize;
    let mut squares = 0.0f32;
    let mut projection = 0.0f32;
    for i in range_stepped(unit, width, UNITS as usize) {
        let value = x[at + i];
        squares += value * value;
        projection += value * dy[at + i] * weight[i];
    }
    let r = 1.0 / (sum_of_units(squares, UNITS) / f32::cast_from(width) + eps).sqrt();
    let factor = sum_of_units(projection, UNITS) * r * r * r / f32::cast_from(width);
    for i in range_stepped(unit, width, UNITS as usize) {
        dx[at + i] = dy[at + i] * weight[i] * r - x[at + i] * factor;
    }
    if UNIT_POS == 0 {
        inverse_rms[row] = r;
    }
}

#[cube(launch_unchecked)]
fn backward_weight(x: &[f32], dy: &[f32], inverse_rms: &[f32], dweight: &mut [f32], rows: usize, width: usize) {
    let column = CUBE_POS_X as usize * COLUMNS as usize + UNIT_POS_X as usize;
    let mut sum = 0.0f32;
    if column < width {
        for row in range_stepped(UNIT_POS_Y as usize, rows, GROUPS as usize) {
            sum += dy[row * width + column] * x[row * width + column] * inverse_rms[row];
        }
    }
    let mut sums = Shared::<[f32]>::new_slice((COLUMNS * GROUPS) as usize);
    sums[UNIT_POS as usize] = sum;
    sync_cube();
    if UNIT_POS_Y == 0 && column < width {
        let mut total = 0.0f32;
        for group in 0..GROUPS {
            total += sums[(group * COLUMNS + UNIT_POS_X) as usize];
        }
        dweight[column] = total;
    }
}

pub(super) fn forward(x: CubeTensor, weight: CubeTensor, eps: f32) -> CubeTensor {
    let (x, weight) = (floats(x), floats(weight));
    let [batch, time, width] = sizes(&x);
    assert_eq!([width], sizes(&weight), "rms_norm: x is {:?}", [batch, time, width]);
    let rows = batch * time;
    let out = empty(&x, [batch, time, width]);
    let (count, cube) = one_cube_each(&x, rows, UNITS);
    // SAFETY: every row is below `rows`, every column below `width`.
    unsafe {
        forward_rows::launch_unchecked(
            &x.client,
            count,
            cube,
            buffer(&x),
            buffer(&weight),
            buffer(&out),
            rows,
            width,
            eps,
        );
    }
    out
}

/// The gradients of `x` and of `weight`.
pub(super) fn backward(x: CubeTensor, weight: CubeTensor, dy: CubeTensor, eps: f32) -> (CubeTensor, CubeTensor) {
    let (x, weight, dy) = (floats(x), floats(weight), floats(dy));
    let [batch, time, width] = sizes(&x);
    let rows = batch * time;
    let dx = empty(&x, [batch, time, width]);
    let inverse_rms = empty(&x, [rows]);
    let dweight = empty(&x, [width]);
    let (count, cube) = one_cube_each(&x, rows, UNITS);
    // SAFETY: every row is below `rows`, every column below `width`.
    unsafe {
        backward_rows::launch_unchecked(
            &x.client,
            count,
            cube,
            buffer(&x),
            buffer(&weight),
            buffer(&dy),
            buffer(&dx),
            buffer(&inverse_rms),
            rows,
            width,
            eps,
        );
        backward_weight::launch_unchecked(
            &x.client,
            CubeCount::Static((width as u32).div_ceil(COLUMNS), 1, 1),
            CubeDim::new_2d(COLUMNS, GROUPS),
            buffer(&x),
            buffer(&dy),
            buffer(&inverse_rms),
            buffer(&dweight),
            rows,
            width,
        );
    }
    (dx, dweight)
}
