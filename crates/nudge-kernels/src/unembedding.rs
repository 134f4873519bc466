//! Log-probabilities straight from hidden states and the unembedding, a piece of the rows at a time.
//!
//! Of all that a step computes, the logits take the most memory: batch x time x vocabulary. Here only one piece of
//! them exists at a time. Backward computes the logits of a piece again, which costs one more product than holding
//! them; so [`crate::unembedded_logprobs`] comes here only with more of them than its caller wants to hold.

use std::ops::Range;

use burn::backend::autodiff::checkpoint::{base::Checkpointer, strategy::NoCheckpointing};
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::tensor::{FloatTensor, IntTensor};
use burn::backend::{Autodiff, Backend, TensorMetadata};
use burn::tensor::Slice;

use crate::ops::FusedOps;

/// What a backend computes of one piece.
pub(crate) trait Unembedding: FusedOps {
    /// The gradients of `x: [1, rows, width]` and `weight: [vocab, width]`, from `dy: [1, rows]`.
    fn gradients_of_piece(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        targets: IntTensor<Self>,
        dy: FloatTensor<Self>,
    ) -> (FloatTensor<Self>, FloatTensor<Self>);
}

/// `x: [1, rows, width]`, `weight: [vocab, width]`, `targets: [1, rows]` to `[1, rows]`, `piece` rows at a time.
pub(crate) fn forward<B: Unembedding>(
    x: FloatTensor<B>,
    weight: FloatTensor<B>,
    targets: IntTensor<B>,
    piece: usize,
) -> FloatTensor<B> {
    let logprobs = pieces::<B>(&x, piece).map(|rows| {
        let logits = <B as FusedOps>::linear(floats_of::<B>(&x, &rows), weight.clone());
        B::token_logprobs(logits, integers_of::<B>(&targets, &rows))
    });
    B::float_cat(logprobs.collect(), 1)
}

/// [`forward`], recorded.
pub(crate) fn tracked<B: Unembedding>(
    x: FloatTensor<Autodiff<B>>,
    weight: FloatTensor<Autodiff<B>>,
    targets: IntTensor<B>,
    piece: usize,
) -> FloatTensor<Autodiff<B>> {
    let nodes = [x.node(), weight.node()];
    let (x, weight) = (x.into_primitive(), weight.into_primitive());
    let logprobs = forward::<B>(x.clone(), weight.clone(), targets.clone(), piece);
    match UnembeddedLogprobs.prepare::<NoCheckpointing>(nodes).compute_bound().stateful() {
        OpsKind::Tracked(prep) => prep.finish(State::<B> { x, weight, targets, piece }, logprobs),
        OpsKind::UnTracked(prep) => prep.finish(logprobs),
    }
}

#[derive(Debug)]
struct UnembeddedLogprobs;

#[derive(Clone, Debug)]
struct State<B: Backend> {
    x: FloatTensor<B>,
    weight: FloatTensor<B>,
    targets: IntTensor<B>,
    piece: usize,
}

impl<B: Unembedding> Backward<B, 2> for UnembeddedLogprobs {
    type State = State<B>;

    fn backward(self, ops: Ops<Self::State, 2>, grads: &mut Gradients, _: &mut Checkpointer) {
        let State { x, weight, targets, piece } = ops.state;
        let dy = grads.consume::<B>(&ops.node);
        let mut dx = Vec::new();
        let mut dweight: Option<FloatTensor<B>> = None;
        for rows in pieces::<B>(&x, piece) {
            let dy = floats_of::<B>(&dy, &rows);
            let (x, targets) = (floats_of::<B>(&x, &rows), integers_of::<B>(&targets, &rows));
            let (dx_of_piece, of_piece) = B::gradients_of_piece(x, weight.clone(), targets, dy);
            dx.push(dx_of_piece);
            dweight = Some(match dweight {
                Some(before) => B::float_add(before, of_piece),
                None => of_piece,
            });
        }
        let [x_node, weight_node] = ops.parents;
        if let Some(node) = x_node {
            grads.register::<B>(node.id, B::float_cat(dx, 1));
        }
        if let (Some(node), Some(dweight)) = (weight_node, dweight) {
            grads.register::<B>(node.id, dweight);
        }
    }
}

/// The rows of `x: [1, rows, width]`, `piece` at a time.
fn pieces<B: Backend>(x: &FloatTensor<B>, piece: usize) -> impl Iterator<Item = Range<usize>> {
    let rows = x.shape()[1];
    (0..rows).step_by(piece).map(move |start| start..(start + piece).min(rows))
}

/// The second dimension's `rows`.
fn floats_of<B: Backend>(x: &FloatTensor<B>, rows: &Range<usize>) -> FloatTensor<B> {
    B::float_slice(x.clone(), &[Slice::full(), rows.clone().into()])
}

fn integers_of<B: Backend>(x: &IntTensor<B>, rows: &Range<usize>) -> IntTensor<B> {
    B::int_slice(x.clone(), &[Slice::full(), rows.clone().into()])
}
