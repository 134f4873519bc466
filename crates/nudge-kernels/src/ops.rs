//! What burn's dispatch routes to our own implementations: on the CPU (`flex`) and on GPUs (`cube`).

use burn::backend::tensor::{FloatTensor, IntTensor};
use burn::backend::{Backend, backend_extension};

use crate::AdamWStep;
use crate::packed::Form;
use crate::tensor_list::{TensorList, Words};

/// Operations with and without autodiff.
///
/// Shapes are those of the public functions of this crate.
#[backend_extension(Flex, Cube: cfg(feature = "gpu"), Autodiff)]
pub(crate) trait FusedOps: Backend {
    fn linear(x: FloatTensor<Self>, weight: FloatTensor<Self>) -> FloatTensor<Self>;
    fn linear_onto(x: FloatTensor<Self>, weight: FloatTensor<Self>, added: FloatTensor<Self>) -> FloatTensor<Self>;
    fn token_logprobs(logits: FloatTensor<Self>, targets: IntTensor<Self>) -> FloatTensor<Self>;
    fn unembedded_logprobs(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        targets: IntTensor<Self>,
        piece: usize,
    ) -> FloatTensor<Self>;
    fn causal_attention(
        q: FloatTensor<Self>,
        k: FloatTensor<Self>,
        v: FloatTensor<Self>,
        first: IntTensor<Self>,
    ) -> FloatTensor<Self>;
    fn swiglu(gate: FloatTensor<Self>, up: FloatTensor<Self>) -> FloatTensor<Self>;
    fn rms_norm(x: FloatTensor<Self>, weight: FloatTensor<Self>, eps: f32) -> FloatTensor<Self>;
    fn rotary(x: FloatTensor<Self>, cos: FloatTensor<Self>, sin: FloatTensor<Self>) -> FloatTensor<Self>;
    fn embedding(weight: FloatTensor<Self>, ids: IntTensor<Self>) -> FloatTensor<Self>;
}

/// Operations without a gradient. They run outside autodiff, so there is no version for it.
#[backend_extension(Flex, Cube: cfg(feature = "gpu"))]
pub(crate) trait FusedUntrackedOps: Backend {
    fn adamw(
        #[extension_type] params: TensorList<Self>,
        #[extension_type] m: TensorList<Self>,
        #[extension_type] v: TensorList<Self>,
        #[extension_type] grads: TensorList<Self>,
        grad_scale: FloatTensor<Self>,
        step: AdamWStep,
    ) -> (TensorList<Self>, TensorList<Self>, TensorList<Self>);
    fn sum_of_squares(#[extension_type] tensors: TensorList<Self>) -> (FloatTensor<Self>, TensorList<Self>);
    fn entropy(logits: FloatTensor<Self>) -> FloatTensor<Self>;
}

/// Products with frozen weights, whose words are those of [`crate::packed`].
#[backend_extension(Flex, Cube: cfg(feature = "gpu"), Autodiff)]
pub(crate) trait PackedOps: Backend {
    fn packed_linear(x: FloatTensor<Self>, #[extension_type] words: Words<Self>, form: Form) -> FloatTensor<Self>;
    fn packed_logprobs(
        x: FloatTensor<Self>,
        #[extension_type] words: Words<Self>,
        targets: IntTensor<Self>,
        form: Form,
        piece: usize,
    ) -> FloatTensor<Self>;
}

/// What is done with frozen weights without a gradient.
#[backend_extension(Flex, Cube: cfg(feature = "gpu"))]
pub(crate) trait PackedUntrackedOps: Backend {
    fn unpacked(#[extension_type] words: Words<Self>, form: Form) -> FloatTensor<Self>;
    fn packed_rows(#[extension_type] words: Words<Self>, ids: IntTensor<Self>, form: Form) -> FloatTensor<Self>;
    fn packed_linears(
        x: FloatTensor<Self>,
        #[extension_type] words: Words<Self>,
        forms: Vec<Form>,
    ) -> FloatTensor<Self>;
}
