//! Rotary position embedding, in place. A rotation's gradient is the rotation back.

use burn::backend::Flex;
use burn::backend::autodiff::checkpoint::{base::Checkpointer, strategy::NoCheckpointing};
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};

use super::storage::{FlexTensor, contiguous, dims, values, values_mut};
use super::vector::vectorised;
use super::{ROWS, Tracked};
use crate::platform;

/// Which way to turn.
#[derive(Clone, Copy)]
enum Direction {
    Forward,
    Back,
}

vectorised! {
    /// Turns the pairs `(i, i + half)` of every head of one token.
    pub(crate) fn rotate_token(x: &mut [f32], cos: &[f32], sin: &[f32], sign: f32) {
        let half = cos.len();
        for head in x.chunks_exact_mut(2 * half) {
            let (first, second) = head.split_at_mut(half);
            for (((first, second), &cos), &sin) in first.iter_mut().zip(second).zip(cos).zip(sin) {
                let (a, b, sin) = (*first, *second, sign * sin);
                *first = a * cos - b * sin;
                *second = b * cos + a * sin;
            }
        }
    }
}

/// Writes over `x`; copies it first if anybody else holds it.
fn rotate(mut x: FlexTensor, cos: &FlexTensor, sin: &FlexTensor, direction: Direction) -> FlexTensor {
    let [batch, time, heads, head_dim] = dims(&x);
    let half = head_dim / 2;
    assert_eq!(head_dim % 2, 0, "rotary: head_dim {head_dim} is odd");
    assert_eq!([batch, time, half], dims(cos), "rotary: x is {:?}", [batch, time, heads, head_dim]);
    assert_eq!([batch, time, half], dims(sin), "rotary: x is {:?}", [batch, time, heads, head_dim]);
    let width = heads * head_dim;
    let sign = match direction {
        Direction::Forward => 1.0,
        Direction::Back => -1.0,
    };
    let blocks = values_mut(&mut x)
        .chunks_mut(ROWS * width)
        .zip(values(cos).chunks(ROWS * half))
        .zip(values(sin).chunks(ROWS * half))
        .collect();
    platform::for_each(blocks, |((x, cos), sin)| {
        for ((x, cos), sin) in x.chunks_mut(width).zip(cos.chunks(half)).zip(sin.chunks(half)) {
            rotate_token(x, cos, sin, sign);
        }
    });
    x
}

pub(super) fn untracked(x: FlexTensor, cos: FlexTensor, sin: FlexTensor) -> FlexTensor {
    rotate(contiguous(x), &contiguous(cos), &contiguous(sin), Direction::Forward)
}

#[derive(Debug)]
struct RotaryBackward;

impl Backward<Flex, 1> for RotaryBackward {
    type State = (FlexTensor, FlexTensor);

    fn backward(self, ops: Ops<Self::State, 1>, grads: &mut Gradients, _: &mut Checkpointer) {
        let (cos, sin) = ops.state;
        let dy = contiguous(grads.consume::<Flex>(&ops.node));
        if let [Some(node)] = ops.parents {
            grads.register::<Flex>(node.id, rotate(dy, &cos, &sin, Direction::Back));
        }
    }
}

pub(super) fn tracked(x: Tracked, cos: Tracked, sin: Tracked) -> Tracked {
    let nodes = [x.node()];
    let cos = contiguous(cos.into_primitive());
    let sin = contiguous(sin.into_primitive());
    let out = rotate(contiguous(x.into_primitive()), &cos, &sin, Direction::Forward);
    match RotaryBackward.prepare::<NoCheckpointing>(nodes).compute_bound().stateful() {
        OpsKind::Tracked(prep) => prep.finish((cos, sin), out),
        OpsKind::UnTracked(prep) => prep.finish(out),
    }
}
