//! Matrix products of `x Wᵀ` and its gradients: tiles in shared memory, four by four elements a unit.
//!
//! Deliberately absent: a choice of tiles by measuring. The matrices of a small model are small, and a first step that
//! tries a dozen programs costs more than any of them saves.

use burn_cubecl::cubecl;
use burn_cubecl::cubecl::prelude::*;
use burn_cubecl::tensor::CubeTensor;

use super::launch::{buffer, empty, floats, sizes};

/// Rows and columns of the result that one unit computes.
const OWN: usize = 4;

/// Elements of the summed dimension in a tile.
const DEPTH: usize = 16;

/// How a kernel is compiled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Plan {
    /// Units of a cube in each direction.
    side: usize,
    /// Whether the left matrix lies in memory by its columns, `[depth, rows]`.
    left_by_columns: bool,
    /// Whether the right matrix lies in memory by its columns, `[columns, depth]`.
    right_by_columns: bool,
}

/// Reads a tile of `DEPTH` x `tile` elements, 0 where the matrix ends: `to[depth * tile + lane]`.
///
/// `lanes` are the rows of the left or the columns of the right matrix. Neighbouring units read neighbouring elements.
#[cube]
fn load_tile(
    from: &[f32],
    to: &mut [f32],
    first_lane: usize,
    first_depth: usize,
    lanes: usize,
    depth: usize,
    #[comptime] depth_is_contiguous: bool,
    #[comptime] side: usize,
) {
    let tile = comptime!(side * OWN);
    #[unroll]
    for part in 0..comptime!(tile * DEPTH / (side * side)) {
        let element = part * comptime!(side * side) + UNIT_POS as usize;
        let mut lane = element % tile;
        let mut at_depth = element / tile;
        if depth_is_contiguous {
            lane = element / DEPTH;
            at_depth = element % DEPTH;
        }
        let lane_in_matrix = first_lane + lane;
        let depth_in_matrix = first_depth + at_depth;
        let mut value = 0.0f32;
        if lane_in_matrix < lanes && depth_in_matrix < depth {
            if depth_is_contiguous {
                value = from[lane_in_matrix * depth + depth_in_matrix];
            } else {
                value = from[depth_in_matrix * lanes + lane_in_matrix];
            }
        }
        to[at_depth * tile + lane] = value;
    }
}

#[cube(launch_unchecked)]
fn product(
    left: &[f32],
    right: &[f32],
    out: &mut [f32],
    rows: usize,
    columns: usize,
    depth: usize,
    #[comptime] plan: Plan,
) {
    let side = comptime!(plan.side);
    let tile = comptime!(side * OWN);
    let mut left_tile = Shared::<[f32]>::new_slice(comptime!(tile * DEPTH));
    let mut right_tile = Shared::<[f32]>::new_slice(comptime!(tile * DEPTH));
    let mut sums = Array::<f32>::new(comptime!(OWN * OWN));
    #[unroll]
    for i in 0..comptime!(OWN * OWN) {
        sums[i] = 0.0;
    }
    let first_row = CUBE_POS_Y as usize * tile;
    let first_column = CUBE_POS_X as usize * tile;
    let own_row = UNIT_POS_Y as usize * OWN;
    let own_column = UNIT_POS_X as usize * OWN;
    for first_depth in range_stepped(0, depth, DEPTH) {
        load_tile(left, &mut left_tile, first_row, first_depth, rows, depth, comptime!(!plan.left_by_columns), side);
        load_tile(right, &mut right_tile, first_column, first_depth, columns, depth, plan.right_by_columns, side);
        sync_cube();
        for at in 0..DEPTH {
            #[unroll]
            for i in 0..OWN {
                let l = left_tile[at * tile + own_row + i];
                #[unroll]
                for j in 0..OWN {
                    sums[i * OWN + j] += l * right_tile[at * tile + own_column + j];
                }
            }
        }
        sync_cube();
    }
    #[unroll]
    for i in 0..OWN {
        let row = first_row + own_row + i;
        #[unroll]
        for j in 0..OWN {
            let column = first_column + own_column + j;
            if row < rows && column < columns {
                out[row * columns + column] = sums[i * OWN + j];
            }
        }
    }
}

/// Launches `out = left right` for matrices of these sizes.
fn launch(
    left: &CubeTensor,
    right: &CubeTensor,
    out: &CubeTensor,
    [rows, columns, depth]: [usize; 3],
    [left_by_columns, right_by_columns]: [bool; 2],
) {
    // A large tile reads less, a small one keeps more of the GPU busy.
    let cubes_of_large = rows.div_ceil(16 * OWN) * columns.div_ceil(16 * OWN);
    let side = if cubes_of_large >= 64 { 16 } else { 8 };
    let tile = (side * OWN) as u32;
    let count = CubeCount::Static((columns as u32).div_ceil(tile), (rows as u32).div_ceil(tile), 1);
    // SAFETY: the kernel reads and writes nothing beyond the sizes of its matrices.
    unsafe {
        product::launch_unchecked(
            &left.client,
            count,
            CubeDim::new_2d(side as u32, side as u32),
            buffer(left),
            buffer(right),
            buffer(out),
            rows,
            columns,
            depth,
            Plan { side, left_by_columns, right_by_columns },
        );
    }
}

/// `x Wᵀ`: `x: [batch, time, in]`, `weight: [out, in]`.
pub(super) fn linear(x: CubeTensor, weight: CubeTensor) -> CubeTensor {
    let (x, weight) = (floats(x), floats(weight));
    let [batch, time, width] = sizes(&x);
    let [columns, _] = sizes(&weight);
    assert_eq!([columns, width], sizes(&weight), "linear: x is {:?}", [batch, time, width]);
    let out = empty(&x, [batch, time, columns]);
    launch(&x, &weight, &out, [batch * time, columns, width], [false, true]);
    out
}

/// The gradient of `x`: `dy W`.
pub(super) fn linear_backward_x(dy: CubeTensor, weight: CubeTensor) -> CubeTensor {
    let (dy, weight) = (floats(dy), floats(weight));
    let [batch, time, columns] = sizes(&dy);
    let [_, width] = sizes(&weight);
    let dx = empty(&dy, [batch, time, width]);
    launch(&dy, &weight, &dx, [batch * time, width, columns], [false, false]);
    dx
}

/// The gradient of the weight: `dyᵀ x`.
pub(super) fn linear_backward_weight(x: CubeTensor, dy: CubeTensor) -> CubeTensor {
    let (x, dy) = (floats(x), floats(dy));
    let [batch, time, width] = sizes(&x);
    let [_, _, columns] = sizes(&dy);
    let dweight = empty(&x, [columns, width]);
    launch(&dy, &x, &dweight, [columns, width, batch * time], [true, false]);
    dweight
}
