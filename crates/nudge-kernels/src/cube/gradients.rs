//! Which backward pass belongs to which forward pass, said once for every GPU.
//!
//! Each operation of the public functions: without a graph it is its forward pass; with one, what backward needs is held
//! by the graph.

use burn::backend::autodiff::NodeId;
use burn::backend::autodiff::checkpoint::{base::Checkpointer, strategy::CheckpointStrategy};
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops};
use burn::backend::ops::ModuleOps;
use burn::backend::tensor::{FloatTensor, IntTensor};
use burn::backend::{Autodiff, Cube};

use super::{attention, matmul, optimizer, rms_norm, rotary, swiglu, token_logprobs};
use crate::AdamWStep;
use crate::graph::{record, record_light};
use crate::ops::{FusedOps, FusedUntrackedOps};
use crate::tensor_list::TensorList;
use crate::unembedding::{self, Unembedding};

pub(super) type Float = FloatTensor<Cube>;
pub(super) type Tracked = crate::graph::Tracked<Cube>;

/// Defines the backward step of an operation of `$parents` inputs: what it saved, `held` to ask for the inputs it wants,
/// and the gradients in their order.
macro_rules! backward {
    ($name:ident, $parents:literal, $state:ty, |$saved:pat_param, $held:pat_param, $dy:ident| $gradients:expr) => {
        #[derive(Debug)]
        struct $name;

        impl Backward<Cube, $parents> for $name {
            type State = $state;

            fn backward(self, ops: Ops<Self::State, $parents>, grads: &mut Gradients, $held: &mut Checkpointer) {
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

backward!(RmsNorm, 2, (NodeId, Float, f32), |(x, weight, eps), held, dy| {
    let x = held.retrieve_node_output(x);
    let (dx, dweight) = rms_norm::backward(x, weight, dy, eps);
    [dx, dweight]
});

backward!(Rotary, 1, (Float, Float), |(cos, sin), _, dy| [rotary::rotary(dy, cos, sin, true)]);

backward!(SwiGlu, 2, [NodeId; 2], |inputs, held, dy| {
    let [gate, up] = inputs.map(|input| held.retrieve_node_output(input));
    let (dgate, dup) = swiglu::swiglu_backward(gate, up, dy);
    [dgate, dup]
});

backward!(Attention, 3, [Float; 5], |[q, k, v, out, saved], _, dy| {
    let (dq, dk, dv) = attention::backward([q, k, v], [out, saved, dy]);
    [dq, dk, dv]
});

backward!(TokenLogprobs, 1, (Float, IntTensor<Cube>, Float), |(logits, targets, saved), _, dy| {
    [token_logprobs::backward(logits, targets, saved, dy)]
});

/// Apart from the others: a product is needless where its input records no graph. The third input, where there is one,
/// is what the product was added to.
#[derive(Debug)]
struct Linear<const N: usize>;

impl<const N: usize> Backward<Cube, N> for Linear<N> {
    type State = (NodeId, Float);

    fn backward(self, ops: Ops<Self::State, N>, grads: &mut Gradients, held: &mut Checkpointer) {
        let dy = grads.consume::<Cube>(&ops.node);
        let (x, weight) = ops.state;
        let mut x = || held.retrieve_node_output(x);
        let mut nodes = ops.parents.into_iter();
        let mut next = || nodes.next().flatten();
        let (x_node, weight_node, added_node) = (next(), next(), next());
        match (x_node, weight_node) {
            (Some(x_node), Some(weight_node)) => {
                let (dx, dweight) = matmul::linear_backward(x(), weight, dy.clone());
                grads.register::<Cube>(x_node.id, dx);
                grads.register::<Cube>(weight_node.id, dweight);
            }
            (Some(node), None) => {
                grads.register::<Cube>(node.id, matmul::linear_backward_x(dy.clone(), weight));
            }
            (None, Some(node)) => {
                grads.register::<Cube>(node.id, matmul::linear_backward_weight(x(), dy.clone()));
            }
            (None, None) => {}
        }
        if let Some(node) = added_node {
            grads.register::<Cube>(node.id, dy);
        }
    }
}

/// What a product's backward step asks for: its input, for the gradient of its weight alone.
fn wanted<'a>(x: &'a Tracked, weight: &Tracked) -> Vec<&'a Tracked> {
    weight.is_tracked().then_some(x).into_iter().collect()
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
        let out = matmul::linear(inner(&x), inner(&weight), None);
        record(Linear, [&x, &weight], &wanted(&x, &weight), (x.id(), inner(&weight)), out)
    }

    #[inline(never)]
    fn linear_onto(x: Tracked, weight: Tracked, added: Tracked) -> Tracked {
        let out = matmul::linear(inner(&x), inner(&weight), Some(inner(&added)));
        record(Linear, [&x, &weight, &added], &wanted(&x, &weight), (x.id(), inner(&weight)), out)
    }

    #[inline(never)]
    fn token_logprobs(logits: Tracked, targets: IntTensor<Self>) -> Tracked {
        let (out, saved) = token_logprobs::forward(inner(&logits), targets.clone());
        record(TokenLogprobs, [&logits], &[], (inner(&logits), targets, saved), out)
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
        record(Attention, inputs, &[], [q, k, v, out.clone(), saved], out)
    }

    #[inline(never)]
    fn swiglu(gate: Tracked, up: Tracked) -> Tracked {
        let inputs = [&gate, &up];
        let again = |[gate, up]: [Float; 2]| swiglu::swiglu(gate, up);
        record_light(SwiGlu, inputs, inputs, inputs.map(Tracked::id), again(inputs.map(inner)), again)
    }

    #[inline(never)]
    fn rms_norm(x: Tracked, weight: Tracked, eps: f32) -> Tracked {
        let scale = inner(&weight);
        let state = (x.id(), scale.clone(), eps);
        let again = move |[x]: [Float; 1]| rms_norm::forward(x, scale.clone(), eps);
        let out = again([inner(&x)]);
        record_light(RmsNorm, [&x, &weight], [&x], state, out, again)
    }

    #[inline(never)]
    fn rotary(x: Tracked, cos: Tracked, sin: Tracked) -> Tracked {
        let state = (cos.into_primitive(), sin.into_primitive());
        let out = rotary::rotary(inner(&x), state.0.clone(), state.1.clone(), false);
        record(Rotary, [&x], &[], state, out)
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
