//! Rows of a table, and the gradient that adds token rows into it in reading order.

use burn::backend::Flex;
use burn::backend::autodiff::checkpoint::{base::Checkpointer, strategy::NoCheckpointing};
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};

use super::Tracked;
use super::storage::{FlexTensor, contiguous, dims, indices, tensor, values};

/// `shape` is `[batch, time, width]`.
fn forward(weight: &FlexTensor, ids: &[u32], shape: [usize; 3]) -> FlexTensor {
    let [_, _, width] = shape;
    let weight = values(weight);
    let mut out = Vec::with_capacity(ids.len() * width);
    for &id in ids {
        let start = id as usize * width;
        out.extend_from_slice(&weight[start..start + width]);
    }
    tensor(out, shape)
}

/// One thread, in the order of the tokens: the sum does not depend on the machine.
fn scatter_add(dy: &FlexTensor, ids: &[u32], vocab: usize) -> FlexTensor {
    let [_, _, width] = dims(dy);
    let mut dweight = vec![0.0; vocab * width];
    for (dy, &id) in values(dy).chunks_exact(width).zip(ids) {
        let start = id as usize * width;
        dweight[start..start + width].iter_mut().zip(dy).for_each(|(sum, dy)| *sum += dy);
    }
    tensor(dweight, [vocab, width])
}

fn output_shape(weight: &FlexTensor, ids: &FlexTensor) -> [usize; 3] {
    let [_, width] = dims(weight);
    let [batch, time] = dims(ids);
    [batch, time, width]
}

pub(super) fn untracked(weight: FlexTensor, ids: FlexTensor) -> FlexTensor {
    let shape = output_shape(&weight, &ids);
    let [vocab, _] = dims(&weight);
    forward(&contiguous(weight), &indices(ids, vocab), shape)
}

#[derive(Debug)]
struct EmbeddingBackward;

impl Backward<Flex, 1> for EmbeddingBackward {
    type State = (Vec<u32>, usize);

    fn backward(self, ops: Ops<Self::State, 1>, grads: &mut Gradients, _: &mut Checkpointer) {
        let (ids, vocab) = ops.state;
        let dy = contiguous(grads.consume::<Flex>(&ops.node));
        if let [Some(node)] = ops.parents {
            grads.register::<Flex>(node.id, scatter_add(&dy, &ids, vocab));
        }
    }
}

pub(super) fn tracked(weight: Tracked, ids: FlexTensor) -> Tracked {
    let nodes = [weight.node()];
    let weight = contiguous(weight.into_primitive());
    let shape = output_shape(&weight, &ids);
    let [vocab, _] = dims(&weight);
    let ids = indices(ids, vocab);
    let out = forward(&weight, &ids, shape);
    match EmbeddingBackward.prepare::<NoCheckpointing>(nodes).compute_bound().stateful() {
        OpsKind::Tracked(prep) => prep.finish((ids, vocab), out),
        OpsKind::UnTracked(prep) => prep.finish(out),
    }
}
