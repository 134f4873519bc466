//! The kernels as operations of burn's GPU backend.
//!
//! Forward passes give what their backward passes need. Shapes are those of the public functions of this crate.

use burn::backend::tensor::{FloatTensor, IntTensor};
use burn::backend::{Backend, backend_extension};
use burn_cubecl::CubeBackend;

use super::{attention, matmul, optimizer, rms_norm, rotary, swiglu, token_logprobs};
use crate::AdamWStep;
use crate::tensor_list::TensorList;

#[backend_extension(Cube)]
pub(crate) trait CubeOps: Backend {
    fn linear_forward(x: FloatTensor<Self>, weight: FloatTensor<Self>) -> FloatTensor<Self>;

    /// With `added: [batch, time, out]`.
    fn linear_onto_forward(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        added: FloatTensor<Self>,
    ) -> FloatTensor<Self>;

    fn linear_backward_x(dy: FloatTensor<Self>, weight: FloatTensor<Self>) -> FloatTensor<Self>;

    fn linear_backward_weight(x: FloatTensor<Self>, dy: FloatTensor<Self>) -> FloatTensor<Self>;

    fn rms_norm_forward(x: FloatTensor<Self>, weight: FloatTensor<Self>, eps: f32) -> FloatTensor<Self>;

    fn rms_norm_backward(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        dy: FloatTensor<Self>,
        eps: f32,
    ) -> (FloatTensor<Self>, FloatTensor<Self>);

    /// `back` turns by the negative angles.
    fn rotary_turn(
        x: FloatTensor<Self>,
        cos: FloatTensor<Self>,
        sin: FloatTensor<Self>,
        back: bool,
    ) -> FloatTensor<Self>;

    /// The attended values, and `[batch, heads, time, 2]` for backward.
    fn attention_forward(
        q: FloatTensor<Self>,
        k: FloatTensor<Self>,
        v: FloatTensor<Self>,
        first: IntTensor<Self>,
    ) -> (FloatTensor<Self>, FloatTensor<Self>);

    fn attention_backward(
        q: FloatTensor<Self>,
        k: FloatTensor<Self>,
        v: FloatTensor<Self>,
        out: FloatTensor<Self>,
        saved: FloatTensor<Self>,
        dout: FloatTensor<Self>,
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>);

    fn swiglu_forward(gate: FloatTensor<Self>, up: FloatTensor<Self>) -> FloatTensor<Self>;

    fn swiglu_backward(
        gate: FloatTensor<Self>,
        up: FloatTensor<Self>,
        dy: FloatTensor<Self>,
    ) -> (FloatTensor<Self>, FloatTensor<Self>);

    /// The log-probabilities, and `[batch, time, 2]` for backward.
    fn token_logprobs_forward(
        logits: FloatTensor<Self>,
        targets: IntTensor<Self>,
    ) -> (FloatTensor<Self>, FloatTensor<Self>);

    fn token_logprobs_backward(
        logits: FloatTensor<Self>,
        targets: IntTensor<Self>,
        saved: FloatTensor<Self>,
        dy: FloatTensor<Self>,
    ) -> FloatTensor<Self>;

    fn entropy_forward(logits: FloatTensor<Self>) -> FloatTensor<Self>;

    /// New parameters and moments; `grad_scale: [1]` multiplies the gradients.
    fn adamw_step(
        #[extension_type] params: TensorList<Self>,
        #[extension_type] m: TensorList<Self>,
        #[extension_type] v: TensorList<Self>,
        #[extension_type] grads: TensorList<Self>,
        grad_scale: FloatTensor<Self>,
        step: AdamWStep,
    ) -> (TensorList<Self>, TensorList<Self>, TensorList<Self>);

    /// The sum of the squares of all elements, `[1]`, and the tensors side by side.
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
