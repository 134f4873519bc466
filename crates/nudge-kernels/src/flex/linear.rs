//! `y = x Wᵀ` and its gradient: `dx = dy W`, `dW = dyᵀ x`, each one product over all tokens.

use burn::backend::Flex;
use burn::backend::autodiff::NodeId;
use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops};

use super::Tracked;
use super::gemm::{Matrix, product};
use super::storage::{FlexTensor, contiguous, dims, tensor, values};
use crate::graph::record;

/// `x: [batch, time, in]`, `weight: [out, in]`, both contiguous.
fn forward(x: &FlexTensor, weight: &FlexTensor) -> FlexTensor {
    let [batch, time, width] = dims(x);
    let [out, weight_width] = dims(weight);
    assert_eq!(width, weight_width, "linear: x is {:?}, weight is {:?}", [batch, time, width], [out, weight_width]);
    let y = product(
        [batch * time, out, width],
        Matrix::rows(values(x), width),
        Matrix::rows(values(weight), width).transposed(),
    );
    tensor(y, [batch, time, out])
}

fn gradient_of_x(dy: &FlexTensor, weight: &FlexTensor) -> FlexTensor {
    let [batch, time, out] = dims(dy);
    let [_, width] = dims(weight);
    let dx = product([batch * time, width, out], Matrix::rows(values(dy), out), Matrix::rows(values(weight), width));
    tensor(dx, [batch, time, width])
}

fn gradient_of_weight(dy: &FlexTensor, x: &FlexTensor) -> FlexTensor {
    let [batch, time, out] = dims(dy);
    let [_, _, width] = dims(x);
    let dw =
        product([out, width, batch * time], Matrix::rows(values(dy), out).transposed(), Matrix::rows(values(x), width));
    tensor(dw, [out, width])
}

pub(super) fn untracked(x: FlexTensor, weight: FlexTensor) -> FlexTensor {
    forward(&contiguous(x), &contiguous(weight))
}

/// The gradients of both inputs from that of their product.
pub(super) fn gradients(x: FlexTensor, weight: FlexTensor, dy: FlexTensor) -> (FlexTensor, FlexTensor) {
    let [x, weight, dy] = [x, weight, dy].map(contiguous);
    (gradient_of_x(&dy, &weight), gradient_of_weight(&dy, &x))
}

#[derive(Debug)]
struct LinearBackward;

impl Backward<Flex, 2> for LinearBackward {
    type State = (NodeId, FlexTensor);

    fn backward(self, ops: Ops<Self::State, 2>, grads: &mut Gradients, held: &mut Checkpointer) {
        let (x, weight) = ops.state;
        let [x_node, weight_node] = ops.parents;
        let dy = contiguous(grads.consume::<Flex>(&ops.node));
        if let Some(node) = weight_node {
            let x = contiguous(held.retrieve_node_output(x));
            grads.register::<Flex>(node.id, gradient_of_weight(&dy, &x));
        }
        if let Some(node) = x_node {
            grads.register::<Flex>(node.id, gradient_of_x(&dy, &weight));
        }
    }
}

pub(super) fn tracked(x: Tracked, weight: Tracked) -> Tracked {
    let numbers = contiguous(weight.primitive().clone());
    let y = forward(&contiguous(x.primitive().clone()), &numbers);
    // For the gradient of the weight alone.
    let wanted: &[_] = if weight.is_tracked() { &[&x] } else { &[] };
    record(LinearBackward, [&x, &weight], wanted, (x.id(), numbers), y)
}
