//! The kernels as operations of burn's GPU backend, recorded lazily and run in order.
//!
//! Forward passes give what their backward passes need. Shapes are those of the public functions of this crate.

use burn::backend::fusion::custom::TensorSpec;
use burn::backend::tensor::{FloatTensor, IntTensor};
use burn::backend::{Backend, backend_extension};
use burn::tensor::Shape;
use burn_cubecl::CubeBackend;

use super::{attention, matmul, optimizer, rms_norm, rotary, swiglu, token_logprobs};
use crate::AdamWStep;
use crate::tensor_list::TensorList;

pub(super) fn spec(shape: impl Into<Shape>, like: &TensorSpec) -> TensorSpec {
    TensorSpec::new(shape.into(), like.dtype)
}

/// The first two sizes, `[batch, time]`.
fn rows(x: &TensorSpec) -> [usize; 2] {
    [x.shape[0], x.shape[1]]
}

#[backend_extension(Cube, Fusion)]
pub(crate) trait CubeOps: Backend {
    #[fusion(meta = |x, weight| spec([x.shape[0], x.shape[1], weight.shape[0]], x))]
    fn linear_forward(x: FloatTensor<Self>, weight: FloatTensor<Self>) -> FloatTensor<Self>;

    /// With `added: [batch, time, out]`.
    #[fusion(meta = |_, _, added| added.clone())]
    fn linear_onto_forward(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        added: FloatTensor<Self>,
    ) -> FloatTensor<Self>;

    #[fusion(meta = |dy, weight| spec([dy.shape[0], dy.shape[1], weight.shape[1]], dy))]
    fn linear_backward_x(dy: FloatTensor<Self>, weight: FloatTensor<Self>) -> FloatTensor<Self>;

    #[fusion(meta = |x, dy| spec([dy.shape[2], x.shape[2]], x))]
    fn linear_backward_weight(x: FloatTensor<Self>, dy: FloatTensor<Self>) -> FloatTensor<Self>;

    #[fusion(meta = |x, _, _| x.clone())]
    fn rms_norm_forward(x: FloatTensor<Self>, weight: FloatTensor<Self>, eps: f32) -> FloatTensor<Self>;

    #[fusion(meta = |x, weight, _, _| (x.clone(), weight.clone()))]
    fn rms_norm_backward(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        dy: FloatTensor<Self>,
        eps: f32,
    ) -> (FloatTensor<Self>, FloatTensor<Self>);

    /// `back` turns by the negative angles.
    #[fusion(meta = |x, _, _, _| x.clone())]
    fn rotary_turn(
        x: FloatTensor<Self>,
        cos: FloatTensor<Self>,
        sin: FloatTensor<Self>,
        back: bool,
    ) -> FloatTensor<Self>;

    /// The attended values, and `[batch, heads, time, 2]` for backward.
    #[fusion(meta = |q, _, _, _| (q.clone(), spec([q.shape[0], q.shape[2], q.shape[1], 2], q)))]
    fn attention_forward(
        q: FloatTensor<Self>,
        k: FloatTensor<Self>,
        v: FloatTensor<Self>,
        first: IntTensor<Self>,
    ) -> (FloatTensor<Self>, FloatTensor<Self>);

    #[fusion(meta = |q, k, v, _, _, _| (q.clone(), k.clone(), v.clone()))]
    fn attention_backward(
        q: FloatTensor<Self>,
        k: FloatTensor<Self>,
        v: FloatTensor<Self>,
        out: FloatTensor<Self>,
        saved: FloatTensor<Self>,
        dout: FloatTensor<Self>,
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>);

    #[fusion(meta = |gate, _| gate.clone())]
    fn swiglu_forward(gate: FloatTensor<Self>, up: FloatTensor<Self>) -> FloatTensor<Self>;

    #[fusion(meta = |gate, up, _| (gate.clone(), up.clone()))]
    fn swiglu_backward(
        gate: FloatTensor<Self>,
        up: FloatTensor<Self>,
        dy: FloatTensor<Self>,
    ) -> (FloatTensor<Self>, FloatTensor<Self>);

    /// The log-probabilities, and `[batch, time, 2]` for backward.
    #[fusion(meta = |logits, _| (spec(rows(logits), logits), spec([logits.shape[0], logits.shape[1], 2], logits)))]
    fn token_logprobs_forward(
        logits: FloatTensor<Self>,
        targets: IntTensor<Self>,
    ) -> (FloatTensor<Self>, FloatTensor<Self>);

    #[fusion(meta = |logits, _, _, _| logits.clone())]
    fn token_logprobs_backward(
        logits: FloatTensor<Self>,
        targets: IntTensor<Self>,
        saved: FloatTensor<Self>,
        dy: FloatTensor<Self>,
    ) -> FloatTensor<Self>;

    #[fusion(meta = |logits| spec(rows(logits), logits))]
    fn entropy_forward(logits: FloatTensor<Self>) -> FloatTensor<Self>;

    /// New parameters and moments; `grad_scale: [1]` multiplies the gradients.
    #[fusion(meta = |params, m, v, _, _, _| (params.clone(), m.clone(), v.clone()))]
    fn adamw_step(
        #[extension_type] params: TensorList<Self>,
        #[extension_type] m: TensorList<Self>,
        #[extension_type] v: TensorList<Self>,
        #[extension_type] grads: TensorList<Self>,
        grad_scale: FloatTensor<Self>,
        step: AdamWStep,
    ) -> (TensorList<Self>, TensorList<Self>, TensorList<Self>);

    /// The sum of the squares of all elements, `[1]`, and the tensors side by side.
    #[fusion(meta = |tensors| (spec([1], &tensors[0]), tensors.clone()))]
    fn sum_of_all_squares(#[extension_type] tensors: TensorList<Self>) -> (FloatTensor<Self>, TensorList<Self>);
}

impl CubeOps for CubeBackend {
    fn linear_forward(x: FloatTensor<Self>, weight: FloatTensor<Self>) -> FloatTensor<Self> {
        matmul::linear(x, weight, None)
    }

    fn linear_onto_forward(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        added: FloatTensor<Self>,
    ) -> FloatTensor<Self> {
        matmul::linear(x, weight, Some(added))
    }

    fn linear_backward_x(dy: FloatTensor<Self>, weight: FloatTensor<Self>) -> FloatTensor<Self> {
        matmul::linear_backward_x(dy, weight)
    }

    fn linear_backward_weight(x: FloatTensor<Self>, dy: FloatTensor<Self>) -> FloatTensor<Self> {
        matmul::linear_backward_weight(x, dy)
    }

    fn rms_norm_forward(x: FloatTensor<Self>, weight: FloatTensor<Self>, eps: f32) -> FloatTensor<Self> {
        rms_norm::forward(x, weight, eps)
    }

    fn rms_norm_backward(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        dy: FloatTensor<Self>,
        eps: f32,
    ) -> (FloatTensor<Self>, FloatTensor<Self>) {
        rms_norm::backward(x, weight, dy, eps)
    }

    fn rotary_turn(
        x: FloatTensor<Self>,
        cos: FloatTensor<Self>,
        sin: FloatTensor<Self>,
        back: bool,
    ) -> FloatTensor<Self> {
        rotary::rotary(x, cos, sin, back)
    }

    fn attention_forward(
        q: FloatTensor<Self>,
        k: FloatTensor<Self>,
        v: FloatTensor<Self>,
        first: IntTensor<Self>,
    ) -> (FloatTensor<Self>, FloatTensor<Self>) {
        attention::forward(q, k, v, first)
    }

    fn attention_backward(
        q: FloatTensor<Self>,
        k: FloatTensor<Self>,
        v: FloatTensor<Self>,
        out: FloatTensor<Self>,
        saved: FloatTensor<Self>,
        dout: FloatTensor<Self>,
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>) {
        attention::backward([q, k, v], [out, saved, dout])
    }

    fn swiglu_forward(gate: FloatTensor<Self>, up: FloatTensor<Self>) -> FloatTensor<Self> {
        swiglu::swiglu(gate, up)
    }

    fn swiglu_backward(
        gate: FloatTensor<Self>,
        up: FloatTensor<Self>,
        dy: FloatTensor<Self>,
    ) -> (FloatTensor<Self>, FloatTensor<Self>) {
        swiglu::swiglu_backward(gate, up, dy)
    }

    fn token_logprobs_forward(
        logits: FloatTensor<Self>,
        targets: IntTensor<Self>,
    ) -> (FloatTensor<Self>, FloatTensor<Self>) {
        token_logprobs::forward(logits, targets)
    }

    fn token_logprobs_backward(
        logits: FloatTensor<Self>,
        targets: IntTensor<Self>,
        saved: FloatTensor<Self>,
        dy: FloatTensor<Self>,
    ) -> FloatTensor<Self> {
        token_logprobs::backward(logits, targets, saved, dy)
    }

    fn entropy_forward(logits: FloatTensor<Self>) -> FloatTensor<Self> {
        token_logprobs::entropy(logits)
    }

    fn adamw_step(
        params: TensorList<Self>,
        m: TensorList<Self>,
        v: TensorList<Self>,
        grads: TensorList<Self>,
        grad_scale: FloatTensor<Self>,
        step: AdamWStep,
    ) -> (TensorList<Self>, TensorList<Self>, TensorList<Self>) {
        let [params, m, v] = optimizer::adamw([params.0, m.0, v.0], grads.0, grad_scale, step);
        (TensorList(params), TensorList(m), TensorList(v))
    }

    fn sum_of_all_squares(tensors: TensorList<Self>) -> (FloatTensor<Self>, TensorList<Self>) {
        let (sum, tensors) = optimizer::sum_of_squares(tensors.0);
        (sum, TensorList(tensors))
    }
}
