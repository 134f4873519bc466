//! AdamW in one launch a parameter, and the sum of squares of several gradients in one.

use burn_cubecl::cubecl;
use burn_cubecl::cubecl::prelude::*;
use burn_cubecl::tensor::CubeTensor;

use super::launch::{Output, buffer, empty, floats, one_unit_each};
use super::reduce::sum_of_units;
use crate::AdamWStep;

/// Units that share the sum over one cube's part of a tensor.
const UNITS: u32 = 64;

/// Cubes of one launch that sums squares, one partial sum each.
pub(super) const PARTS: usize = 16;

/// Tensors whose squares one launch sums: with the sums before and after they are the eight buffers that WebGPU
/// promises a kernel.
pub(crate) const TENSORS: usize = 6;

/// The numbers of a step that the kernel needs, derived on the host as every other body derives them.
#[derive(CubeLaunch, CubeType, Clone, Copy)]
struct Factors {
    beta1: f32,
    one_minus_beta1: f32,
    beta2: f32,
    one_minus_beta2: f32,
    step_size: f32,
    inverse_sqrt_correction2: f32,
    eps: f32,
    decay: f32,
}

#[cube(launch_unchecked)]
fn adamw_elements(
    param: &[f32],
    m: &[f32],
    v: &[f32],
    grad: &[f32],
    grad_scale: &[f32],
    new_param: &mut [f32],
    new_m: &mut [f32],
    new_v: &mut [f32],
    elements: usize,
    factors: Factors,
) {
    if ABSOLUTE_POS >= elements {
        terminate!();
    }
    let grad = grad[ABSOLUTE_POS] * grad_scale[0];
    let m = m[ABSOLUTE_POS] * factors.beta1 + grad * factors.one_minus_beta1;
    let v = v[ABSOLUTE_POS] * factors.beta2 + grad * grad * factors.one_minus_beta2;
    let denominator = v.sqrt() * factors.inverse_sqrt_correction2 + factors.eps;
    new_param[ABSOLUTE_POS] = param[ABSOLUTE_POS] * factors.decay - m * factors.step_size / denominator;
    new_m[ABSOLUTE_POS] = m;
    new_v[ABSOLUTE_POS] = v;
}

/// One AdamW step; the gradient is multiplied by the one number in `grad_scale`. Writes over what nothing else reads.
pub(super) fn adamw(
    param: CubeTensor,
    [m, v]: [CubeTensor; 2],
    grad: CubeTensor,
    grad_scale: CubeTensor,
    step: AdamWStep,
) -> (CubeTensor, CubeTensor, CubeTensor) {
    let [param, m, v, grad, grad_scale] = [param, m, v, grad, grad_scale].map(floats);
    let elements = param.meta.num_elements();
    let outputs = [Output::over(&param, 0), Output::over(&m, 1), Output::over(&v, 2)];
    let (count, cube) = one_unit_each(&param, elements);
    let factors = FactorsLaunch::new(
        step.beta1,
        1.0 - step.beta1,
        step.beta2,
        1.0 - step.beta2,
        step.step_size(),
        step.inverse_sqrt_correction2(),
        step.eps,
        step.decay(),
    );
    // SAFETY: units beyond the elements end at once; an element is its unit's alone, so it may write over it.
    unsafe {
        adamw_elements::launch_unchecked(
            &param.client,
            count,
            cube,
            buffer(&param),
            buffer(&m),
            buffer(&v),
            buffer(&grad),
            buffer(&grad_scale),
            outputs[0].buffer(),
            outputs[1].buffer(),
            outputs[2].buffer(),
            elements,
            factors,
        );
    }
    let [param, m, v] = outputs.map(|output| output.tensor);
    (param, m, v)
}

/// Adds the squares of this unit's share of `x`.
#[cube]
fn squares_of_share(x: &[f32], elements: usize) -> f32 {
    let mut sum = 0.0f32;
    for i in range_stepped(ABSOLUTE_POS, elements, PARTS * UNITS as usize) {
        sum += x[i] * x[i];
    }
    sum
}

#[cube(launch_unchecked)]
fn squares_of_parts(
    before: &[f32],
    tensors: Sequence<Box<[f32]>>,
    elements: Sequence<usize>,
    out: &mut [f32],
    #[comptime] continues: bool,
) {
    let mut sum = 0.0f32;
    #[unroll]
    for i in 0..tensors.len() {
        sum += squares_of_share(&tensors[i], elements[i]);
    }
    let mut total = sum_of_units(sum, UNITS);
    if UNIT_POS == 0 {
        if continues {
            total += before[CUBE_POS];
        }
        out[CUBE_POS] = total;
    }
}

/// Partial sums of the squares of all elements of some tensors, `[PARTS]`, added to those of a launch `before`.
pub(super) fn sums_of_squares(before: Option<CubeTensor>, tensors: Vec<CubeTensor>) -> CubeTensor {
    assert!((1..=TENSORS).contains(&tensors.len()), "one launch sums 1 to {TENSORS} tensors");
    let tensors: Vec<CubeTensor> = tensors.into_iter().map(floats).collect();
    let (continues, before) = (before.is_some(), before.unwrap_or_else(|| tensors[0].clone()));
    let out = empty(&before, [PARTS]);
    let (mut buffers, mut elements) = (SequenceArg::new(), SequenceArg::new());
    for tensor in &tensors {
        buffers.push(buffer(tensor));
        elements.push(tensor.meta.num_elements());
    }
    // SAFETY: units read below the elements of each tensor; cubes are as many as partial sums.
    unsafe {
        squares_of_parts::launch_unchecked(
            &out.client,
            CubeCount::Static(PARTS as u32, 1, 1),
            CubeDim::new_1d(UNITS),
            buffer(&before),
            buffers,
            elements,
            buffer(&out),
            continues,
        );
    }
    out
}
