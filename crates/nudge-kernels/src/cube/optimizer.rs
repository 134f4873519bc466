//! AdamW over all parameters in one launch, and the sum of squares that clipping by the global norm needs.

use burn::backend::ops::FloatTensorOps;
use burn_cubecl::CubeBackend;
use burn_cubecl::cubecl;
use burn_cubecl::cubecl::prelude::*;
use burn_cubecl::tensor::CubeTensor;

use super::beside::{Places, copied, groups, whole};
use super::launch::{buffer, floats, mutable, one_unit_each};
use crate::AdamWStep;

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

impl FactorsLaunch {
    fn of(step: &AdamWStep) -> Self {
        Self::new(
            step.beta1,
            1.0 - step.beta1,
            step.beta2,
            1.0 - step.beta2,
            step.step_size(),
            step.inverse_sqrt_correction2(),
            step.eps,
            step.decay(),
        )
    }
}

#[cube(launch_unchecked)]
fn adamw_elements(
    param: &mut [f32],
    first: &mut [f32],
    second: &mut [f32],
    grad: &[f32],
    grad_scale: &[f32],
    elements: usize,
    factors: Factors,
) {
    if ABSOLUTE_POS >= elements {
        terminate!();
    }
    let grad = grad[ABSOLUTE_POS] * grad_scale[0];
    let m = first[ABSOLUTE_POS] * factors.beta1 + grad * factors.one_minus_beta1;
    let v = second[ABSOLUTE_POS] * factors.beta2 + grad * grad * factors.one_minus_beta2;
    let denominator = v.sqrt() * factors.inverse_sqrt_correction2 + factors.eps;
    param[ABSOLUTE_POS] = param[ABSOLUTE_POS] * factors.decay - m * factors.step_size / denominator;
    first[ABSOLUTE_POS] = m;
    second[ABSOLUTE_POS] = v;
}

/// One AdamW step of parameters, first and second moments; the gradients are multiplied by the one number in
/// `grad_scale`. Gives views of three buffers, those of the arguments where nothing else reads them.
pub(super) fn adamw(
    state: [Vec<CubeTensor>; 3],
    grads: Vec<CubeTensor>,
    grad_scale: CubeTensor,
    step: AdamWStep,
) -> [Vec<CubeTensor>; 3] {
    let grad_scale = floats(grad_scale);
    let counts = groups(&state[0]);
    let (mut state, mut grads) = (state.map(Vec::into_iter), grads.into_iter());
    let mut results = [Vec::new(), Vec::new(), Vec::new()];
    for count in counts {
        let group = state.each_mut().map(|tensors| tensors.take(count).collect());
        let updated = update_group(group, grads.by_ref().take(count).collect(), &grad_scale, &step);
        for (result, updated) in results.iter_mut().zip(updated) {
            result.extend(updated);
        }
    }
    results
}

/// [`adamw`] of tensors that share a buffer.
fn update_group(
    state: [Vec<CubeTensor>; 3],
    grads: Vec<CubeTensor>,
    grad_scale: &CubeTensor,
    step: &AdamWStep,
) -> [Vec<CubeTensor>; 3] {
    let places = Places::of(&state[0]);
    let updated = state.map(|tensors| mutable(whole(tensors)));
    let grad = whole(grads);
    let elements = grad.meta.num_elements();
    let (count, cube) = one_unit_each(&grad, elements);
    // SAFETY: units beyond the elements end at once; an element is its unit's alone, so it may write over it. The
    // buffers are as long as the gradients' one.
    unsafe {
        adamw_elements::launch_unchecked(
            &grad.client,
            count,
            cube,
            buffer(&updated[0]),
            buffer(&updated[1]),
            buffer(&updated[2]),
            buffer(&grad),
            buffer(grad_scale),
            elements,
            FactorsLaunch::of(step),
        );
    }
    updated.map(|tensor| places.views(&tensor))
}

/// The sum of the squares of all elements, `[1]`, and the tensors side by side, as [`adamw`] reads them.
pub(super) fn sum_of_squares(tensors: Vec<CubeTensor>) -> (CubeTensor, Vec<CubeTensor>) {
    let mut sums = None;
    let mut all = Vec::new();
    let counts = groups(&tensors);
    let mut tensors = tensors.into_iter();
    for count in counts {
        let group: Vec<CubeTensor> = tensors.by_ref().take(count).collect();
        let places = Places::of(&group);
        let (buffer, added) = copied(group, sums);
        all.extend(places.views(&buffer));
        sums = Some(added);
    }
    (CubeBackend::float_sum(sums.expect("a model has parameters")), all)
}
