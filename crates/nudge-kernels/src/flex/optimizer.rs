//! AdamW in one pass over all parameters, gradients and both moments, in place; and the sum of squares for clipping.

use super::BLOCK;
use super::storage::{FlexTensor, contiguous, tensor, values, values_mut};
use super::vector::vectorised;
use crate::{AdamWStep, platform};

/// The scalars of one step, derived once.
#[derive(Clone, Copy)]
struct Scalars {
    grad_scale: f32,
    beta1: f32,
    beta2: f32,
    decay: f32,
    step_size: f32,
    inverse_sqrt_correction2: f32,
    eps: f32,
}

impl Scalars {
    fn new(step: &AdamWStep, grad_scale: f32) -> Self {
        Self {
            grad_scale,
            beta1: step.beta1,
            beta2: step.beta2,
            decay: step.decay(),
            step_size: step.step_size(),
            inverse_sqrt_correction2: step.inverse_sqrt_correction2(),
            eps: step.eps,
        }
    }
}

vectorised! {
    fn update_block(s: Scalars, param: &mut [f32], grad: &[f32], m: &mut [f32], v: &mut [f32]) {
        for (((param, &grad), m), v) in param.iter_mut().zip(grad).zip(m).zip(v) {
            let grad = grad * s.grad_scale;
            *m = s.beta1 * *m + (1.0 - s.beta1) * grad;
            *v = s.beta2 * *v + (1.0 - s.beta2) * grad * grad;
            let denominator = v.sqrt() * s.inverse_sqrt_correction2 + s.eps;
            *param = *param * s.decay - s.step_size * *m / denominator;
        }
    }
}

/// New parameters and moments, in the memory of the old ones unless somebody else holds it.
pub(super) fn adamw(
    state: [Vec<FlexTensor>; 3],
    grads: Vec<FlexTensor>,
    grad_scale: FlexTensor,
    step: AdamWStep,
) -> [Vec<FlexTensor>; 3] {
    let [grad_scale] = *values(&contiguous(grad_scale)) else { panic!("adamw_update: grad_scale is one number") };
    let scalars = Scalars::new(&step, grad_scale);
    let [mut params, mut m, mut v] = state.map(all_contiguous);
    let grads = all_contiguous(grads);
    let mut blocks = Vec::new();
    for (((param, grad), m), v) in params.iter_mut().zip(&grads).zip(&mut m).zip(&mut v) {
        let param = values_mut(param).chunks_mut(BLOCK).zip(values(grad).chunks(BLOCK));
        blocks.extend(param.zip(values_mut(m).chunks_mut(BLOCK)).zip(values_mut(v).chunks_mut(BLOCK)));
    }
    platform::for_each(blocks, |(((param, grad), m), v)| update_block(scalars, param, grad, m, v));
    [params, m, v]
}

fn all_contiguous(tensors: Vec<FlexTensor>) -> Vec<FlexTensor> {
    tensors.into_iter().map(contiguous).collect()
}

vectorised! {
    fn sum_of_squares_block(x: &[f32]) -> f64 {
        let mut lanes = [0.0f64; 16];
        let (blocks, rest) = x.as_chunks::<16>();
        for block in blocks {
            for (lane, &x) in lanes.iter_mut().zip(block) {
                *lane += f64::from(x) * f64::from(x);
            }
        }
        let rest: f64 = rest.iter().map(|&x| f64::from(x) * f64::from(x)).sum();
        lanes.iter().sum::<f64>() + rest
    }
}

/// The sum over all tensors, `[1]`, added in `f64`, block by block; and the tensors.
pub(super) fn sum_of_squares(tensors: Vec<FlexTensor>) -> (FlexTensor, Vec<FlexTensor>) {
    let tensors = all_contiguous(tensors);
    let blocks = tensors.iter().flat_map(|x| values(x).chunks(BLOCK)).collect();
    let sum: f64 = platform::map(blocks, sum_of_squares_block).into_iter().sum();
    (tensor(vec![sum as f32], [1]), tensors)
}
