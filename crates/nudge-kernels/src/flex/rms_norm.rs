//! Root-mean-square norm: forward keeps `1 / rms` of each row, backward makes one pass.
//!
//! With `r = 1 / rms(x)` and `h = dy * weight`: `dx = r h - x r³ mean(h x)`, `dweight = Σ dy x r`.

use burn::backend::Flex;
use burn::backend::autodiff::NodeId;
use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops};

use super::storage::{FlexTensor, contiguous, dims, tensor, values, values_mut};
use super::vector::{dot, vectorised};
use super::{ROWS, Tracked};
use crate::graph::record_light;
use crate::platform;

vectorised! {
    pub(crate) fn forward_rows(x: &[f32], weight: &[f32], eps: f32, out: &mut [f32], inverse_rms: &mut [f32]) {
        let width = weight.len();
        for ((x, out), r) in x.chunks_exact(width).zip(out.chunks_exact_mut(width)).zip(inverse_rms) {
            *r = 1.0 / (dot(x, x) / width as f32 + eps).sqrt();
            for ((out, &x), &weight) in out.iter_mut().zip(x).zip(weight) {
                *out = x * *r * weight;
            }
        }
    }
}

vectorised! {
    /// Replaces `dy` by `dx`; returns what these rows add to the gradient of the weight.
    fn backward_rows(x: &[f32], weight: &[f32], inverse_rms: &[f32], dy: &mut [f32]) -> Vec<f32> {
        let width = weight.len();
        let mut dweight = vec![0.0; width];
        for ((x, dy), &r) in x.chunks_exact(width).zip(dy.chunks_exact_mut(width)).zip(inverse_rms) {
            for (((dy, &x), &weight), dweight) in dy.iter_mut().zip(x).zip(weight).zip(&mut dweight) {
                *dweight += *dy * x * r;
                *dy *= weight;
            }
            let projection = dot(dy, x) * r * r * r / width as f32;
            for (dy, &x) in dy.iter_mut().zip(x) {
                *dy = *dy * r - x * projection;
            }
        }
        dweight
    }
}

/// The normed rows and `1 / rms` of each.
fn forward(x: &FlexTensor, weight: &FlexTensor, eps: f32) -> (FlexTensor, Vec<f32>) {
    let [batch, time, width] = dims(x);
    assert_eq!([width], dims(weight), "rms_norm: x is {:?}", [batch, time, width]);
    let mut out = vec![0.0; batch * time * width];
    let mut inverse_rms = vec![0.0; batch * time];
    let weight = values(weight);
    let blocks =
        out.chunks_mut(ROWS * width).zip(inverse_rms.chunks_mut(ROWS)).zip(values(x).chunks(ROWS * width)).collect();
    platform::for_each(blocks, |((out, inverse_rms), x)| forward_rows(x, weight, eps, out, inverse_rms));
    (tensor(out, [batch, time, width]), inverse_rms)
}

pub(super) fn untracked(x: FlexTensor, weight: FlexTensor, eps: f32) -> FlexTensor {
    forward(&contiguous(x), &contiguous(weight), eps).0
}

#[derive(Debug)]
struct RmsNormBackward;

#[derive(Clone, Debug)]
struct State {
    x: NodeId,
    weight: FlexTensor,
    inverse_rms: Vec<f32>,
}

impl Backward<Flex, 2> for RmsNormBackward {
    type State = State;

    fn backward(self, ops: Ops<Self::State, 2>, grads: &mut Gradients, held: &mut Checkpointer) {
        let State { x, weight, inverse_rms } = ops.state;
        let x = contiguous(held.retrieve_node_output(x));
        let [x_node, weight_node] = ops.parents;
        let mut dy = contiguous(grads.consume::<Flex>(&ops.node));
        let weight = values(&weight);
        let width = weight.len();
        let blocks = values_mut(&mut dy)
            .chunks_mut(ROWS * width)
            .zip(values(&x).chunks(ROWS * width))
            .zip(inverse_rms.chunks(ROWS))
            .collect();
        let partial = platform::map(blocks, |((dy, x), r)| backward_rows(x, weight, r, dy));
        if let Some(node) = weight_node {
            let mut dweight = vec![0.0; width];
            for block in &partial {
                dweight.iter_mut().zip(block).for_each(|(sum, term)| *sum += term);
            }
            grads.register::<Flex>(node.id, tensor(dweight, [width]));
        }
        if let Some(node) = x_node {
            grads.register::<Flex>(node.id, dy);
        }
    }
}

pub(super) fn tracked(x: Tracked, weight: Tracked, eps: f32) -> Tracked {
    let scale = contiguous(weight.primitive().clone());
    let (out, inverse_rms) = forward(&contiguous(x.primitive().clone()), &scale, eps);
    let state = State { x: x.id(), weight: scale.clone(), inverse_rms };
    let again = move |[x]: [FlexTensor; 1]| untracked(x, scale.clone(), eps);
    record_light(RmsNormBackward, [&x, &weight], [&x], state, out, again)
}
