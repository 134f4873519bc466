//! `silu(gate) * up` and its gradient, each in one pass; the gradient overwrites its inputs' memory.

use burn::backend::Flex;
use burn::backend::autodiff::NodeId;
use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops};

use super::storage::{FlexTensor, contiguous, dims, tensor, values, values_mut};
use super::vector::{sigmoid, vectorised};
use super::{BLOCK, Tracked};
use crate::graph::record_light;
use crate::platform;

vectorised! {
    pub(crate) fn forward_block(gate: &[f32], up: &[f32], out: &mut [f32]) {
        for ((out, &gate), &up) in out.iter_mut().zip(gate).zip(up) {
            *out = gate * sigmoid(gate) * up;
        }
    }
}

vectorised! {
    /// Replaces `gate` and `up` by the gradients that `dy` gives them.
    fn backward_block(dy: &[f32], gate: &mut [f32], up: &mut [f32]) {
        for ((&dy, gate), up) in dy.iter().zip(gate).zip(up) {
            let (g, u) = (*gate, *up);
            let s = sigmoid(g);
            // silu'(g) = s (1 + g (1 - s))
            *gate = dy * u * s * (1.0 + g * (1.0 - s));
            *up = dy * g * s;
        }
    }
}

fn forward(gate: &FlexTensor, up: &FlexTensor) -> FlexTensor {
    let shape: [usize; 3] = dims(gate);
    assert_eq!(shape, dims(up), "swiglu: gate and up differ in shape");
    let mut out = vec![0.0; shape.iter().product()];
    let blocks = out.chunks_mut(BLOCK).zip(values(gate).chunks(BLOCK)).zip(values(up).chunks(BLOCK)).collect();
    platform::for_each(blocks, |((out, gate), up)| forward_block(gate, up, out));
    tensor(out, shape)
}

pub(super) fn untracked(gate: FlexTensor, up: FlexTensor) -> FlexTensor {
    forward(&contiguous(gate), &contiguous(up))
}

#[derive(Debug)]
struct SwigluBackward;

impl Backward<Flex, 2> for SwigluBackward {
    type State = [NodeId; 2];

    fn backward(self, ops: Ops<Self::State, 2>, grads: &mut Gradients, held: &mut Checkpointer) {
        let [mut gate, mut up] = ops.state.map(|input| contiguous(held.retrieve_node_output(input)));
        let [gate_node, up_node] = ops.parents;
        let dy = contiguous(grads.consume::<Flex>(&ops.node));
        let gate_blocks = values_mut(&mut gate).chunks_mut(BLOCK);
        let up_blocks = values_mut(&mut up).chunks_mut(BLOCK);
        let blocks = values(&dy).chunks(BLOCK).zip(gate_blocks).zip(up_blocks).collect();
        platform::for_each(blocks, |((dy, gate), up)| backward_block(dy, gate, up));
        if let Some(node) = gate_node {
            grads.register::<Flex>(node.id, gate);
        }
        if let Some(node) = up_node {
            grads.register::<Flex>(node.id, up);
        }
    }
}

pub(super) fn tracked(gate: Tracked, up: Tracked) -> Tracked {
    let inputs = [&gate, &up];
    let [gate, up] = inputs.map(|input| input.primitive().clone());
    let out = untracked(gate, up);
    record_light(SwigluBackward, inputs, inputs, inputs.map(Tracked::id), out, |[gate, up]| untracked(gate, up))
}
