//! The gate of SwiGLU: a unit an element.

use burn_cubecl::cubecl;
use burn_cubecl::cubecl::prelude::*;
use burn_cubecl::tensor::CubeTensor;

use super::launch::{buffer, empty, floats, one_unit_each, sizes};

#[cube(launch_unchecked)]
fn swiglu_elements(gate: &[f32], up: &[f32], out: &mut [f32], elements: usize) {
    if ABSOLUTE_POS >= elements {
        terminate!();
    }
    let gate = gate[ABSOLUTE_POS];
    out[ABSOLUTE_POS] = gate / (1.0 + (-gate).exp()) * up[ABSOLUTE_POS];
}

#[cube(launch_unchecked)]
fn swiglu_gradients(gate: &[f32], up: &[f32], dy: &[f32], dgate: &mut [f32], dup: &mut [f32], elements: usize) {
    if ABSOLUTE_POS >= elements {
        terminate!();
    }
    let gate = gate[ABSOLUTE_POS];
    let dy = dy[ABSOLUTE_POS];
    let sigmoid = 1.0 / (1.0 + (-gate).exp());
    dgate[ABSOLUTE_POS] = dy * up[ABSOLUTE_POS] * sigmoid * (1.0 + gate * (1.0 - sigmoid));
    dup[ABSOLUTE_POS] = dy * gate * sigmoid;
}

pub(super) fn swiglu(gate: CubeTensor, up: CubeTensor) -> CubeTensor {
    let (gate, up) = (floats(gate), floats(up));
    let shape: [usize; 3] = sizes(&gate);
    assert_eq!(shape, sizes(&up), "swiglu: gate and up differ");
    let elements = shape.iter().product();
    let out = empty(&gate, shape);
    let (count, cube) = one_unit_each(&gate, elements);
    // SAFETY: units beyond the elements end at once.
    unsafe {
        swiglu_elements::launch_unchecked(
            &gate.client,
            count,
            cube,
            buffer(&gate),
            buffer(&up),
            buffer(&out),
            elements,
        );
    }
    out
}

/// The gradients of `gate` and of `up`.
pub(super) fn swiglu_backward(gate: CubeTensor, up: CubeTensor, dy: CubeTensor) -> (CubeTensor, CubeTensor) {
    let (gate, up, dy) = (floats(gate), floats(up), floats(dy));
    let shape: [usize; 3] = sizes(&gate);
    let elements = shape.iter().product();
    let (dgate, dup) = (empty(&gate, shape), empty(&gate, shape));
    let (count, cube) = one_unit_each(&gate, elements);
    // SAFETY: units beyond the elements end at once.
    unsafe {
        swiglu_gradients::launch_unchecked(
            &gate.client,
            count,
            cube,
            buffer(&gate),
            buffer(&up),
            buffer(&dy),
            buffer(&dgate),
            buffer(&dup),
            elements,
        );
    }
    (dgate, dup)
}
