//! Which backward pass belongs to which forward pass, said once for every GPU.
//!
//! Each operation of the public functions: without a graph it is its forward pass; with one, what backward needs is held
//! by the graph.

use burn::backend::autodiff::checkpoint::{
    base::Checkpointer, strategy::CheckpointStrategy, strategy::NoCheckpointing,
};
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::ops::ModuleOps;
use burn::backend::tensor::{FloatTensor, IntTensor};
use burn::backend::{Autodiff, Cube};

use super::{attention, matmul, optimizer, rms_norm, rotary, swiglu, token_logprobs};
use crate::AdamWStep;
use crate::ops::{FusedOps, FusedUntrackedOps};
use crate::tensor_list::TensorList;
use crate::unembedding::{self, Unembedding};

pub(super) type Float = FloatTensor<Cube>;
pub(super) type Tracked = FloatTensor<Autodiff<Cube>>;

/// Defines the backward step of an operation of `$parents` inputs: its saved tensors, and the gradients in their order.
macro_rules! backward {
    ($name:ident, $parents:literal, $state:ty, |$saved:pat_param, $dy:ident| $gradients:expr) => {
        #[derive(Debug)]
        struct $name;

        impl Backward<Cube, $parents> for $name {
            type State = $state;

            fn backward(self, ops: Ops<Self::State, $parents>, grads: &mut Gradients, _: &mut Checkpointer) {
                let $dy = grads.consume::<Cube>(&ops.node);
                let $saved = ops.state;
                let gradients: [Float; $parents] = $gradients;
                for (node, gradient) in ops.parents.into_iter().zip(gradients) {
                    if let Some(node) = node {
                        grads.register::<Cube>(node.id, gradient);
                    }
                }
            }
        }
    };
}
pub(super) use backward;

backward!(RmsNorm, 2, (Float, Float, f32), |(x, weight, eps), dy| {
    let (dx, dweight) = rms_norm::backward(x, weight, dy, eps);
    [dx, dweight]
});

backward!(Rotary, 1, (Float, Float), |(cos, sin), dy| [rotary::rotary(dy, cos, sin, true)]);

backward!(SwiGlu, 2, (Float, Float), |(gate, up), dy| {
    let (dgate, dup) = swiglu::swiglu_backward(gate, up, dy);
    [dgate, dup]
});

backward!(Attention, 3, [Float; 5], |[q, k, v, out, saved], dy| {
    let (dq, dk, dv) = attention::backward([q, k, v], [out, saved, dy]);
    [dq, dk, dv]
});

backward!(TokenLogprobs, 1, (Float, IntTensor<Cube>, Float), |(logits, targets, saved), dy| {
    [token_logprobs::backward(logits, targets, saved, dy)]
});

/// Apart from the others: a product is needless where its input records no graph. The third input, where there is one,
/// is what the product was added to.
#[derive(Debug)]
struct Linear<const N: usize>;

impl<const N: usize> Backward<Cube, N> for Linear<N> {
    type State = (Float, Float);

    fn backward(self, ops: Ops<Self::State, N>, grads: &mut Gradients, _: &mut Checkpointer) {
        let dy = grads.consume::<Cube>(&ops.node);
        let (x, weight) = ops.state;
        let mut nodes = ops.parents.into_iter();
        let mut next = || nodes.next().flatten();
        let (x_node, weight_node, added_node) = (next(), next(), next());
        match (x_node, weight_node) {
            (Some(x_node), Some(weight_node)) => {
                let (dx, dweight) = matmul::linear_backward(x, weight, dy.clone());
                grads.register::<Cube>(x_node.id, dx);
                grads.register::<Cube>(weight_node.id, dweight);
            }
            (Some(node), None) => {
                grads.register::<Cube>(node.id, matmul::linear_backward_x(dy.clone(), weight));
            }
            (None, Some(node)) => {
                grads.register::<Cube>(node.id, matmul::linear_backward_weight(x, dy.clone()));
            }
            (None, None) => {}
        }
        if let Some(node) = added_node {
            grads.register::<Cube>(node.id, dy);
        }
    }
}

/// Records `out` as the result of an operation, with what its backward step needs: no strategy is asked what to compute
/// again.
pub(super) fn record<const N: usize, B: Backward<Cube, N>>(
    operation: B,
    inputs: [&Tracked; N],
    state: B::State,
    out: Float,
) -> Tracked {
    match operation.prepare::<NoCheckpointing>(inputs.map(Tracked::node)).compute_bound().stateful() {
        OpsKind::Tracked(prep) => prep.finish(state, out),
        OpsKind::UnTracked(prep) => prep.finish(out),
    }
}

pub(super) fn inner(x: &Tracked) -> Float {
    x.clone().into_primitive()
}

impl FusedOps for Cube {
    fn linear(x: Float, weight: Float) -> Float {
        matmul::linear(x, weight, None)
    }

    fn linear_onto(x: Float, weight: Float, added: Float) -> Float {
        matmul::linear(x, weight, Some(added))
    }

    fn token_logprobs(logits: Float, targets: IntTensor<Self>) -> Float {
        token_logprobs::forward(logits, targets).0
    }

    fn unembedded_logprobs(x: Float, weight: Float, targets: IntTensor<Self>, piece: usize) -> Float {
        unembedding::forward::<Self>(x, weight, targets, piece)
    }

    fn causal_attention(q: Float, k: Float, v: Float, first: IntTensor<Self>) -> Float {
        attention::forward(q, k, v, first).0
    }

    fn swiglu(gate: Float, up: Float) -> Float {
        swiglu::swiglu(gate, up)
    }

    fn rms_norm(x: Float, weight: Float, eps: f32) -> Float {
        rms_norm::forward(x, weight, eps)
    }

    fn rotary(x: Float, cos: Float, sin: Float) -> Float {
        rotary::rotary(x, cos, sin, false)
    }

    fn embedding(weight: Float, ids: IntTensor<Self>) -> Float {
        <Self as ModuleOps<Self>>::embedding(weight, ids)
    }
}

// A strategy of computing again has no say in these, so their bodies are the same for every one: as functions of their
// own the compiler merges them, inlined a browser would download them once a strategy.
impl<C: CheckpointStrategy> FusedOps for Autodiff<Cube, C> {
    #[inline(never)]
    fn linear(x: Tracked, weight: Tracked) -> Tracked {
        let state = (inner(&x), inner(&weight));
        let out = matmul::linear(state.0.clone(), state.1.clone(), None);
        record::<2, _>(Linear, [&x, &weight], state, out)
    }

    #[inline(never)]
    fn linear_onto(x: Tracked, weight: Tracked, added: Tracked) -> Tracked {
        let state = (inner(&x), inner(&weight));
        let out = matmul::linear(state.0.clone(), state.1.clone(), Some(inner(&added)));
        record::<3, _>(Linear, [&x, &weight, &added], state, out)
    }

    #[inline(never)]
    fn token_logprobs(logits: Tracked, targets: IntTensor<Self>) -> Tracked {
        let (out, saved) = token_logprobs::forward(inner(&logits), targets.clone());
        record::<1, _>(TokenLogprobs, [&logits], (inner(&logits), targets, saved), out)
    }

    #[inline(never)]
    fn unembedded_logprobs(x: Tracked, weight: Tracked, targets: IntTensor<Self>, piece: usize) -> Tracked {
        unembedding::tracked::<Cube>(x, weight, targets, piece)
    }

    #[inline(never)]
    fn causal_attention(q: Tracked, k: Tracked, v: Tracked, first: IntTensor<Self>) -> Tracked {
        let inputs = [&q, &k, &v];
        let [q, k, v] = inputs.map(inner);
        let (out, saved) = attention::forward(q.clone(), k.clone(), v.clone(), first);
        record::<3, _>(Attention, inputs, [q, k, v, out.clone(), saved], out)
    }

    #[inline(never)]
    fn swiglu(gate: Tracked, up: Tracked) -> Tracked {
        let state = (inner(&gate), inner(&up));
        let out = swiglu::swiglu(state.0.clone(), state.1.clone());
        record::<2, _>(SwiGlu, [&gate, &up], state, out)
    }

    #[inline(never)]
    fn rms_norm(x: Tracked, weight: Tracked, eps: f32) -> Tracked {
        let state = (inner(&x), inner(&weight), eps);
        let out = rms_norm::forward(state.0.clone(), state.1.clone(), eps);
        record::<2, _>(RmsNorm, [&x, &weight], state, out)
    }

    #[inline(never)]
    fn rotary(x: Tracked, cos: Tracked, sin: Tracked) -> Tracked {
        let state = (cos.into_primitive(), sin.into_primitive());
        let out = rotary::rotary(inner(&x), state.0.clone(), state.1.clone(), false);
        record::<1, _>(Rotary, [&x], state, out)
    }

    #[inline(never)]
    fn embedding(weight: Tracked, ids: IntTensor<Self>) -> Tracked {
        <Self as ModuleOps<Self>>::embedding(weight, ids)
    }
}

impl Unembedding for Cube {
    fn gradients_of_piece(x: Float, weight: Float, targets: IntTensor<Self>, dy: Float) -> (Float, Float) {
        let logits = matmul::linear(x.clone(), weight.clone(), None);
        let (_, saved) = token_logprobs::forward(logits.clone(), targets.clone());
        let dlogits = token_logprobs::backward(logits, targets, saved, dy);
        matmul::linear_backward(x, weight, dlogits)
    }
}

impl FusedUntrackedOps for Cube {
    fn adamw(
        params: TensorList<Self>,
        m: TensorList<Self>,
        v: TensorList<Self>,
        grads: TensorList<Self>,
        grad_scale: Float,
        step: AdamWStep,
    ) -> (TensorList<Self>, TensorList<Self>, TensorList<Self>) {
        let [params, m, v] = optimizer::adamw([params.0, m.0, v.0], grads.0, grad_scale, step);
        (TensorList(params), TensorList(m), TensorList(v))
    }

    fn sum_of_squares(tensors: TensorList<Self>) -> (Float, TensorList<Self>) {
        let (sum, tensors) = optimizer::sum_of_squares(tensors.0);
        (sum, TensorList(tensors))
    }

    fn entropy(logits: Float) -> Float {
        token_logprobs::entropy(logits)
    }
}
