//! Matrix products of `x Wᵀ` and its gradients: a unit computes a square of the result in registers.
//!
//! The matrices of a small model fit the caches, so nothing is staged in shared memory: that costs barriers and, where
//! a GPU is computed on the CPU, twice the time. Deliberately absent: a choice of programs by measuring. A first step
//! that tries a dozen of them costs more than any of them saves.

use burn::backend::ops::FloatTensorOps;
use burn::tensor::Shape;
use burn_cubecl::CubeBackend;
use burn_cubecl::cubecl;
use burn_cubecl::cubecl::prelude::*;
use burn_cubecl::tensor::CubeTensor;

use super::launch::{buffer, empty, floats, sizes};
use crate::platform;

/// Units of a cube in each direction.
pub(super) const SIDE: u32 = 8;

/// Units from which on each computes the larger part.
const BUSY: usize = 2048;

/// How a kernel is compiled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Plan {
    /// Rows and columns of the result that one unit computes.
    own: usize,
    /// Whether the left matrix lies in memory by its columns, `[depth, rows]`.
    left_by_columns: bool,
    /// Whether the right matrix lies in memory by its columns, `[columns, depth]`.
    right_by_columns: bool,
    /// Whether something is added to the product.
    adds: bool,
}

/// Where the unit's lanes begin, rows of the left or columns of the right matrix. Lanes beyond the last are the last:
/// what they compute is not stored.
#[cube]
pub(super) fn lane_starts(
    first: usize,
    lanes: usize,
    depth: usize,
    #[comptime] by_lanes: bool,
    #[comptime] own: usize,
) -> Array<usize> {
    let mut starts = Array::<usize>::new(own);
    #[unroll]
    for i in 0..own {
        let lane = min(first + i, lanes - 1);
        if by_lanes {
            starts[i] = lane * depth;
        } else {
            starts[i] = lane;
        }
    }
    starts
}

/// The square of the result that belongs to the unit.
#[cube]
fn square(
    left: &[f32],
    right: &[f32],
    added: &[f32],
    out: &mut [f32],
    rows: usize,
    columns: usize,
    depth: usize,
    #[comptime] plan: Plan,
) {
    let own = comptime!(plan.own);
    let first_row = ABSOLUTE_POS_Y as usize * own;
    let first_column = ABSOLUTE_POS_X as usize * own;
    let left_starts = lane_starts(first_row, rows, depth, comptime!(!plan.left_by_columns), own);
    let right_starts = lane_starts(first_column, columns, depth, plan.right_by_columns, own);
    let mut left_step = 1usize;
    if plan.left_by_columns {
        left_step = rows;
    }
    let mut right_step = columns;
    if plan.right_by_columns {
        right_step = 1usize;
    }
    let mut sums = Array::<f32>::new(comptime!(own * own));
    #[unroll]
    for i in 0..comptime!(own * own) {
        sums[i] = 0.0;
    }
    let mut of_row = Array::<f32>::new(own);
    for at in 0..depth {
        #[unroll]
        for i in 0..own {
            of_row[i] = left[left_starts[i] + at * left_step];
        }
        #[unroll]
        for j in 0..own {
            let of_column = right[right_starts[j] + at * right_step];
            #[unroll]
            for i in 0..own {
                sums[i * own + j] += of_row[i] * of_column;
            }
        }
    }
    #[unroll]
    for i in 0..own {
        let row = first_row + i;
        #[unroll]
        for j in 0..own {
            let column = first_column + j;
            if row < rows && column < columns {
                let at = row * columns + column;
                if plan.adds {
                    out[at] = sums[i * own + j] + added[at];
                } else {
                    out[at] = sums[i * own + j];
                }
            }
        }
    }
}

#[cube(launch_unchecked)]
fn product(
    left: &[f32],
    right: &[f32],
    added: &[f32],
    out: &mut [f32],
    rows: usize,
    columns: usize,
    depth: usize,
    #[comptime] plan: Plan,
) {
    square(left, right, added, out, rows, columns, depth, plan);
}

/// Both gradients of `x Wᵀ`, by the two planes of cubes: `dx = dy W`, `dweight = dyᵀ x`, with `x: [rows, width]`,
/// `dy: [rows, columns]`.
#[cube(launch_unchecked)]
fn both_gradients(
    x: &[f32],
    weight: &[f32],
    dy: &[f32],
    dx: &mut [f32],
    dweight: &mut [f32],
    rows: usize,
    width: usize,
    columns: usize,
    #[comptime] of_x: Plan,
    #[comptime] of_weight: Plan,
) {
    if CUBE_POS_Z == 0 {
        if (CUBE_POS_Y * SIDE) as usize * comptime!(of_x.own) < rows
            && (CUBE_POS_X * SIDE) as usize * comptime!(of_x.own) < width
        {
            square(dy, weight, dy, dx, rows, width, columns, of_x);
        }
    } else if (CUBE_POS_Y * SIDE) as usize * comptime!(of_weight.own) < columns
        && (CUBE_POS_X * SIDE) as usize * comptime!(of_weight.own) < width
    {
        square(dy, x, dy, dweight, columns, width, rows, of_weight);
    }
}

impl Plan {
    /// For a result of these sizes: large parts read less, small ones keep more of the GPU busy.
    fn of(rows: usize, columns: usize, [left_by_columns, right_by_columns]: [bool; 2], adds: bool) -> Self {
        let own = if rows.div_ceil(8) * columns.div_ceil(8) >= BUSY { 8 } else { 4 };
        Self { own, left_by_columns, right_by_columns, adds }
    }

    /// Cubes for so many rows or columns of the result.
    fn cubes(self, lanes: usize) -> u32 {
        (lanes.div_ceil(self.own) as u32).div_ceil(SIDE)
    }
}

/// Launches `out = left right`, plus `added` where there is any, for matrices of these sizes.
fn launch(
    left: &CubeTensor,
    right: &CubeTensor,
    added: Option<&CubeTensor>,
    out: &CubeTensor,
    [rows, columns, depth]: [usize; 3],
    by_columns: [bool; 2],
) {
    let plan = Plan::of(rows, columns, by_columns, added.is_some());
    // SAFETY: lanes beyond the sizes of the matrices are read as the last and not stored.
    unsafe {
        product::launch_unchecked(
            &left.client,
            CubeCount::Static(plan.cubes(columns), plan.cubes(rows), 1),
            CubeDim::new_2d(SIDE, SIDE),
            buffer(left),
            buffer(right),
            buffer(added.unwrap_or(left)),
            buffer(out),
            rows,
            columns,
            depth,
            plan,
        );
    }
}

/// A product by burn. Either matrix may be a transposed view.
fn by_burn(left: CubeTensor, right: CubeTensor, shape: impl Into<Shape>) -> CubeTensor {
    CubeBackend::float_reshape(CubeBackend::float_matmul(left, right), shape.into())
}

/// `[batch, time, width]` as a matrix of rows.
fn flat(x: CubeTensor) -> CubeTensor {
    let [batch, time, width] = sizes(&x);
    CubeBackend::float_reshape(x, [batch * time, width].into())
}

fn transposed(x: CubeTensor) -> CubeTensor {
    CubeBackend::float_swap_dims(x, 0, 1)
}

/// `x Wᵀ`, plus `added: [batch, time, out]` where there is any: `x: [batch, time, in]`, `weight: [out, in]`.
pub(super) fn linear(x: CubeTensor, weight: CubeTensor, added: Option<CubeTensor>) -> CubeTensor {
    let (x, weight, added) = (floats(x), floats(weight), added.map(floats));
    let [batch, time, width] = sizes(&x);
    let [columns, _] = sizes(&weight);
    assert_eq!([columns, width], sizes(&weight), "linear: x is {:?}", [batch, time, width]);
    if platform::is_product_for_burn(batch * time * width * columns) {
        let out = by_burn(flat(x), transposed(weight), [batch, time, columns]);
        return added.into_iter().fold(out, CubeBackend::float_add);
    }
    let out = empty(&x, [batch, time, columns]);
    launch(&x, &weight, added.as_ref(), &out, [batch * time, columns, width], [false, true]);
    out
}

/// The gradient of `x`: `dy W`.
pub(super) fn linear_backward_x(dy: CubeTensor, weight: CubeTensor) -> CubeTensor {
    let (dy, weight) = (floats(dy), floats(weight));
    let [batch, time, columns] = sizes(&dy);
    let [_, width] = sizes(&weight);
    if platform::is_product_for_burn(batch * time * width * columns) {
        return by_burn(flat(dy), weight, [batch, time, width]);
    }
    let dx = empty(&dy, [batch, time, width]);
    launch(&dy, &weight, None, &dx, [batch * time, width, columns], [false, false]);
    dx
}

/// The gradient of the weight: `dyᵀ x`.
pub(super) fn linear_backward_weight(x: CubeTensor, dy: CubeTensor) -> CubeTensor {
    let (x, dy) = (floats(x), floats(dy));
    let [batch, time, width] = sizes(&x);
    let [_, _, columns] = sizes(&dy);
    if platform::is_product_for_burn(batch * time * width * columns) {
        return by_burn(transposed(flat(dy)), flat(x), [columns, width]);
    }
    let dweight = empty(&x, [columns, width]);
    launch(&dy, &x, None, &dweight, [columns, width, batch * time], [true, false]);
    dweight
}

/// Both gradients, of `x` and of the weight, in one launch.
pub(super) fn linear_backward(x: CubeTensor, weight: CubeTensor, dy: CubeTensor) -> (CubeTensor, CubeTensor) {
    let (x, weight, dy) = (floats(x), floats(weight), floats(dy));
    let [batch, time, width] = sizes(&x);
    let [columns, _] = sizes(&weight);
    let rows = batch * time;
    if platform::is_product_for_burn(rows * width * columns) {
        return (linear_backward_x(dy.clone(), weight), linear_backward_weight(x, dy));
    }
    let (dx, dweight) = (empty(&x, [batch, time, width]), empty(&x, [columns, width]));
    let of_x = Plan::of(rows, width, [false, false], false);
    let of_weight = Plan::of(columns, width, [true, false], false);
    let cubes_across = of_x.cubes(width).max(of_weight.cubes(width));
    let cubes_down = of_x.cubes(rows).max(of_weight.cubes(columns));
    // SAFETY: lanes beyond the sizes of the matrices are read as the last and not stored.
    unsafe {
        both_gradients::launch_unchecked(
            &x.client,
            CubeCount::Static(cubes_across, cubes_down, 2),
            CubeDim::new_2d(SIDE, SIDE),
            buffer(&x),
            buffer(&weight),
            buffer(&dy),
            buffer(&dx),
            buffer(&dweight),
            rows,
            width,
            columns,
            of_x,
            of_weight,
        );
    }
    (dx, dweight)
}
