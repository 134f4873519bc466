//! The operations on burn's CPU backend, each one pass over memory, with handwritten gradients.
//!
//! One file an operation: its loops on slices, its gradient, and how autodiff records it.
//! What backward needs is held by the graph; where a gradient has the shape of a held tensor, it
//! is written over it, which saves the page faults of a new one.

pub(crate) mod attention_strips;
mod causal_attention;
mod embedding;
mod entropy;
#[cfg(any(target_family = "wasm", test))]
mod four;
pub(crate) mod gemm;
mod linear;
mod optimizer;
pub(crate) mod packed;
mod rms_norm;
mod rotary;
mod storage;
mod swiglu;
#[cfg(any(target_family = "wasm", test))]
pub(crate) mod tiles;
mod token_logprobs;
pub(crate) mod vector;

use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use burn::backend::ops::FloatTensorOps;
use burn::backend::tensor::{FloatTensor, IntTensor};
use burn::backend::{Autodiff, Flex};

use crate::AdamWStep;
use crate::ops::{FusedOps, FusedUntrackedOps, PackedOps, PackedUntrackedOps};
use crate::packed::Form;
use crate::tensor_list::{TensorList, Words};
use crate::unembedding::{self, Unembedding};

pub(crate) use rms_norm::forward_rows as rms_norm_rows;
pub(crate) use rotary::rotate_token;
pub(crate) use swiglu::forward_block as swiglu_block;
pub(crate) use vector::vectorised;

/// Elements in one item of element-wise work: 64 KiB of each operand.
const BLOCK: usize = 16 * 1024;

/// Token rows in one item of row-wise work.
const ROWS: usize = 64;

/// A float tensor that autodiff watches.
type Tracked = crate::graph::Tracked<Flex>;

impl FusedOps for Flex {
    fn linear(x: FloatTensor<Self>, weight: FloatTensor<Self>) -> FloatTensor<Self> {
        linear::untracked(x, weight)
    }

    fn linear_onto(x: FloatTensor<Self>, weight: FloatTensor<Self>, added: FloatTensor<Self>) -> FloatTensor<Self> {
        Self::float_add(added, linear::untracked(x, weight))
    }

    fn token_logprobs(logits: FloatTensor<Self>, targets: IntTensor<Self>) -> FloatTensor<Self> {
        token_logprobs::untracked(logits, targets)
    }

    fn unembedded_logprobs(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        targets: IntTensor<Self>,
        piece: usize,
    ) -> FloatTensor<Self> {
        unembedding::forward::<Self>(x, weight, targets, piece)
    }

    fn causal_attention(
        q: FloatTensor<Self>,
        k: FloatTensor<Self>,
        v: FloatTensor<Self>,
        first: IntTensor<Self>,
    ) -> FloatTensor<Self> {
        causal_attention::untracked(q, k, v, first)
    }

    fn swiglu(gate: FloatTensor<Self>, up: FloatTensor<Self>) -> FloatTensor<Self> {
        swiglu::untracked(gate, up)
    }

    fn rms_norm(x: FloatTensor<Self>, weight: FloatTensor<Self>, eps: f32) -> FloatTensor<Self> {
        rms_norm::untracked(x, weight, eps)
    }

    fn rotary(x: FloatTensor<Self>, cos: FloatTensor<Self>, sin: FloatTensor<Self>) -> FloatTensor<Self> {
        rotary::untracked(x, cos, sin)
    }

    fn embedding(weight: FloatTensor<Self>, ids: IntTensor<Self>) -> FloatTensor<Self> {
        embedding::untracked(weight, ids)
    }
}

// A strategy of computing again has no say in these, so their bodies are the same for every one: as functions of their
// own the compiler merges them, inlined a browser would download them once a strategy.
impl<C: CheckpointStrategy> FusedOps for Autodiff<Flex, C> {
    #[inline(never)]
    fn linear(x: FloatTensor<Self>, weight: FloatTensor<Self>) -> FloatTensor<Self> {
        linear::tracked(x, weight)
    }

    #[inline(never)]
    fn linear_onto(x: FloatTensor<Self>, weight: FloatTensor<Self>, added: FloatTensor<Self>) -> FloatTensor<Self> {
        Self::float_add(added, linear::tracked(x, weight))
    }

    #[inline(never)]
    fn token_logprobs(logits: FloatTensor<Self>, targets: IntTensor<Self>) -> FloatTensor<Self> {
        token_logprobs::tracked(logits, targets)
    }

    #[inline(never)]
    fn unembedded_logprobs(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        targets: IntTensor<Self>,
        piece: usize,
    ) -> FloatTensor<Self> {
        unembedding::tracked::<Flex>(x, weight, targets, piece)
    }

    #[inline(never)]
    fn causal_attention(
        q: FloatTensor<Self>,
        k: FloatTensor<Self>,
        v: FloatTensor<Self>,
        first: IntTensor<Self>,
    ) -> FloatTensor<Self> {
        causal_attention::tracked(q, k, v, first)
    }

    #[inline(never)]
    fn swiglu(gate: FloatTensor<Self>, up: FloatTensor<Self>) -> FloatTensor<Self> {
        swiglu::tracked(gate, up)
    }

    #[inline(never)]
    fn rms_norm(x: FloatTensor<Self>, weight: FloatTensor<Self>, eps: f32) -> FloatTensor<Self> {
        rms_norm::tracked(x, weight, eps)
    }

    #[inline(never)]
    fn rotary(x: FloatTensor<Self>, cos: FloatTensor<Self>, sin: FloatTensor<Self>) -> FloatTensor<Self> {
        rotary::tracked(x, cos, sin)
    }

    #[inline(never)]
    fn embedding(weight: FloatTensor<Self>, ids: IntTensor<Self>) -> FloatTensor<Self> {
        embedding::tracked(weight, ids)
    }
}

impl Unembedding for Flex {
    fn gradients_of_piece(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        targets: IntTensor<Self>,
        dy: FloatTensor<Self>,
    ) -> (FloatTensor<Self>, FloatTensor<Self>) {
        let logits = linear::untracked(x.clone(), weight.clone());
        linear::gradients(x, weight, token_logprobs::gradient(logits, targets, dy))
    }
}

impl FusedUntrackedOps for Flex {
    fn adamw(
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

    fn sum_of_squares(tensors: TensorList<Self>) -> (FloatTensor<Self>, TensorList<Self>) {
        let (sum, tensors) = optimizer::sum_of_squares(tensors.0);
        (sum, TensorList(tensors))
    }

    fn entropy(logits: FloatTensor<Self>) -> FloatTensor<Self> {
        entropy::entropy(logits)
    }
}

impl PackedOps for Flex {
    fn packed_linear(x: FloatTensor<Self>, words: Words<Self>, form: Form) -> FloatTensor<Self> {
        packed::linear(x, packed::whole(words), form)
    }

    fn packed_logprobs(
        x: FloatTensor<Self>,
        words: Words<Self>,
        targets: IntTensor<Self>,
        form: Form,
        piece: usize,
    ) -> FloatTensor<Self> {
        packed::logprobs(x, packed::whole(words), targets, form, piece)
    }
}

impl<C: CheckpointStrategy> PackedOps for Autodiff<Flex, C> {
    #[inline(never)]
    fn packed_linear(x: FloatTensor<Self>, words: Words<Self>, form: Form) -> FloatTensor<Self> {
        packed::linear_tracked(x, packed::whole(words), form)
    }

    #[inline(never)]
    fn packed_logprobs(
        x: FloatTensor<Self>,
        words: Words<Self>,
        targets: IntTensor<Self>,
        form: Form,
        piece: usize,
    ) -> FloatTensor<Self> {
        packed::logprobs_tracked(x, packed::whole(words), targets, form, piece)
    }
}

impl PackedUntrackedOps for Flex {
    fn unpacked(words: Words<Self>, form: Form) -> FloatTensor<Self> {
        packed::unpacked(&packed::whole(words), form)
    }

    fn packed_rows(words: Words<Self>, ids: IntTensor<Self>, form: Form) -> FloatTensor<Self> {
        packed::rows(&packed::whole(words), ids, form)
    }

    fn packed_linears(x: FloatTensor<Self>, words: Words<Self>, forms: Vec<Form>) -> FloatTensor<Self> {
        packed::linears(x, &words.0, &forms)
    }
}
