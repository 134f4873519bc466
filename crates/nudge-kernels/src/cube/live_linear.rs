//! Products for one token of each live row, with what comes before and after them in the same launch.
//!
//! A unit computes a square of the result in registers, as in [`super::matmul`]. The norm before a product scales a whole
//! row, so it is applied to the sums: its squares are added up on the way. Gate and up of a SwiGLU are two products of
//! one unit.

use burn::backend::ops::FloatTensorOps;
use burn_cubecl::CubeBackend;
use burn_cubecl::cubecl;
use burn_cubecl::cubecl::prelude::*;
use burn_cubecl::tensor::CubeTensor;

use super::launch::{buffer, empty, floats, integers, sizes};
use super::matmul::{self, SIDE, lane_starts};
use super::{rms_norm, swiglu};
use crate::decoding::Product;
use crate::platform;

/// Rows and columns of the result that one unit computes.
const OWN: usize = 4;

/// How a kernel is compiled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Plan {
    /// Whether an RMSNorm comes before the product; else something is added to it.
    normed: bool,
    /// Whether the weight's second half is multiplied by the gate that the first half gives.
    gated: bool,
}

#[cube(launch_unchecked)]
fn row_product(
    x: &[f32],
    weight: &[f32],
    other: &[f32],
    live: &[i32],
    out: &mut [f32],
    columns: usize,
    depth: usize,
    eps: f32,
    #[comptime] plan: Plan,
) {
    let own = comptime!(OWN);
    let rows = usize::cast_from(live[0]);
    let first_row = ABSOLUTE_POS_Y as usize * own;
    let first_column = ABSOLUTE_POS_X as usize * own;
    if first_row >= rows || first_column >= columns {
        terminate!();
    }
    let row_starts = lane_starts(first_row, rows, depth, true, own);
    let column_starts = lane_starts(first_column, columns, depth, true, own);
    let mut sums = Array::<f32>::new(comptime!(own * own));
    let mut others = Array::<f32>::new(comptime!(own * own));
    let mut squares = Array::<f32>::new(own);
    let mut of_row = Array::<f32>::new(own);
    #[unroll]
    for i in 0..own {
        squares[i] = 0.0;
        #[unroll]
        for j in 0..own {
            sums[i * own + j] = 0.0;
            others[i * own + j] = 0.0;
        }
    }
    for at in 0..depth {
        #[unroll]
        for i in 0..own {
            of_row[i] = x[row_starts[i] + at];
            if plan.normed {
                squares[i] += of_row[i] * of_row[i];
                of_row[i] *= other[at];
            }
        }
        #[unroll]
        for j in 0..own {
            let of_column = weight[column_starts[j] + at];
            #[unroll]
            for i in 0..own {
                sums[i * own + j] += of_row[i] * of_column;
            }
            if plan.gated {
                let of_other = weight[columns * depth + column_starts[j] + at];
                #[unroll]
                for i in 0..own {
                    others[i * own + j] += of_row[i] * of_other;
                }
            }
        }
    }
    #[unroll]
    for i in 0..own {
        let row = first_row + i;
        let mut scale = 1.0f32;
        if plan.normed {
            scale = 1.0 / (squares[i] / f32::cast_from(depth) + eps).sqrt();
        }
        #[unroll]
        for j in 0..own {
            let column = first_column + j;
            if row < rows && column < columns {
                let at = row * columns + column;
                let mut value = sums[i * own + j] * scale;
                if plan.gated {
                    value = value / (1.0 + (-value).exp()) * (others[i * own + j] * scale);
                }
                if comptime!(!plan.normed) {
                    value += other[at];
                }
                out[at] = value;
            }
        }
    }
}

/// Launches a product for `x: [batch, 1, depth]`.
fn launch(x: &CubeTensor, weight: &CubeTensor, other: &CubeTensor, live: &CubeTensor, product: Product) -> CubeTensor {
    let ([batch, _, depth], [weights, _]) = (sizes(x), sizes(weight));
    assert_eq!([weights, depth], sizes(weight), "a product of x {:?}", [batch, 1, depth]);
    let (columns, eps) = match product {
        Product::Normed { eps } => (weights, eps),
        Product::Gated { eps } => (weights / 2, eps),
        Product::Onto => (weights, 0.0),
    };
    let out = empty(x, [batch, 1, columns]);
    let cubes = |lanes: usize| (lanes.div_ceil(OWN) as u32).div_ceil(SIDE);
    // SAFETY: lanes beyond the live rows and the columns are read as the last and not stored.
    unsafe {
        row_product::launch_unchecked(
            &x.client,
            CubeCount::Static(cubes(columns), cubes(batch), 1),
            CubeDim::new_2d(SIDE, SIDE),
            buffer(x),
            buffer(weight),
            buffer(other),
            buffer(live),
            buffer(&out),
            columns,
            depth,
            eps,
            Plan { normed: product != Product::Onto, gated: matches!(product, Product::Gated { .. }) },
        );
    }
    out
}

/// The product by burn, for all rows.
fn by_burn(x: CubeTensor, weight: CubeTensor, other: CubeTensor, product: Product) -> CubeTensor {
    match product {
        Product::Onto => matmul::linear(x, weight, Some(other)),
        Product::Normed { eps } => matmul::linear(rms_norm::forward(x, other, eps), weight, None),
        Product::Gated { eps } => {
            let both = matmul::linear(rms_norm::forward(x, other, eps), weight, None);
            let [batch, time, width] = sizes(&both);
            let half = |from: usize| {
                let ranges = [(0..batch).into(), (0..time).into(), (from..from + width / 2).into()];
                CubeBackend::float_slice(both.clone(), &ranges)
            };
            swiglu::swiglu(half(0), half(width / 2))
        }
    }
}

/// A product of `x: [batch, 1, in]` and `weight: [out, in]`; `other` is what [`Product`] says.
pub(super) fn linear(
    x: CubeTensor,
    weight: CubeTensor,
    other: CubeTensor,
    live: CubeTensor,
    product: Product,
) -> CubeTensor {
    let ([batch, _, _], [out, depth]) = (sizes(&x), sizes(&weight));
    if platform::is_product_for_burn(batch * out * depth) {
        return by_burn(x, weight, other, product);
    }
    launch(&floats(x), &floats(weight), &floats(other), &integers(live), product)
}
