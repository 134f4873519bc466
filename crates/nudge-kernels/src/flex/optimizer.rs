//! AdamW in one pass over parameter, gradient and both moments, in place; and the sum of squares for clipping.

use super::BLOCK;
use super::storage::{FlexTensor, contiguous, dims, tensor, values, values_mut};
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

/// The new `(param, m, v)`, in the memory of the old ones unless somebody else holds it.
pub(super) fn adamw(
    param: FlexTensor,
    grad: FlexTensor,
    grad_scale: FlexTensor,
    m: FlexTensor,
    v: FlexTensor,
    step: AdamWStep,
) -> (FlexTensor, FlexTensor, FlexTensor) {
    let shape: [usize; 2] = dims(&param);
    for (name, other) in [("grad", &grad), ("m", &m), ("v", &v)] {
        assert_eq!(shape, dims(other), "adamw_update: param and {name} differ in shape");
    }
    let (mut param, grad, mut m, mut v) = (contiguous(param), contiguous(grad), contiguous(m), contiguous(v));
    let [grad_scale] = *values(&contiguous(grad_scale)) else { panic!("adamw_update: grad_scale is one number") };
    let scalars = Scalars::new(&step, grad_scale);
    let blocks = values_mut(&mut param)
        .chunks_mut(BLOCK)
        .zip(values(&grad).chunks(BLOCK))
        .zip(values_mut(&mut m).chunks_mut(BLOCK))
        .zip(values_mut(&mut v).chunks_mut(BLOCK))
        .collect();
    platform::for_each(blocks, |(((param, grad), m), v)| update_block(scalars, param, grad, m, v));
    (param, m, v)
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

/// Shape `[1]`; added in `f64`, block by block.
pub(super) fn sum_of_squares(x: FlexTensor) -> FlexTensor {
    let x = contiguous(x);
    let sum: f64 = platform::map(values(&x).chunks(BLOCK).collect(), sum_of_squares_block).into_iter().sum();
    tensor(vec![sum as f32], [1])
}
