//! Products with frozen weights as operations of burn's GPU backend, and which backward pass belongs to each.

use burn::backend::autodiff::checkpoint::{
    base::Checkpointer, strategy::CheckpointStrategy, strategy::NoCheckpointing,
};
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::ops::FloatTensorOps;
use burn::backend::tensor::{FloatTensor, IntTensor};
use burn::backend::{Autodiff, Cube};

use super::gradients::{Float, Tracked, backward, inner};
use super::packed::{self, Packed};
use crate::graph::record;
use crate::ops::{PackedOps, PackedUntrackedOps};
use crate::packed::Form;
use crate::tensor_list::Words;

backward!(PackedLinear, 1, Packed, |weight, _, dy| [packed::linear_backward_x(dy, &weight)]);

// The gradients of the log-probabilities are there already.
backward!(PackedLogprobs, 1, Float, |gradients, _, dy| {
    let rows = dy.meta.num_elements();
    [Cube::float_mul(gradients, Cube::float_reshape(dy, [1, rows, 1].into()))]
});

impl PackedOps for Cube {
    fn packed_linear(x: Float, words: Words<Self>, form: Form) -> Float {
        packed::linear(x, &Packed::new(words.0, form))
    }

    fn packed_logprobs(x: Float, words: Words<Self>, targets: IntTensor<Self>, form: Form, piece: usize) -> Float {
        packed::logprobs(x, &Packed::new(words.0, form), targets, piece)
    }
}

impl<C: CheckpointStrategy> PackedOps for Autodiff<Cube, C> {
    #[inline(never)]
    fn packed_linear(x: Tracked, words: Words<Self>, form: Form) -> Tracked {
        let weight = Packed::new(words.0, form);
        let out = packed::linear(inner(&x), &weight);
        record(PackedLinear, [&x], &[], weight, out)
    }

    #[inline(never)]
    fn packed_logprobs(x: Tracked, words: Words<Self>, targets: IntTensor<Self>, form: Form, piece: usize) -> Tracked {
        let weight = Packed::new(words.0, form);
        match PackedLogprobs.prepare::<NoCheckpointing>([x.node()]).compute_bound().stateful() {
            OpsKind::Tracked(prep) => {
                let (logprobs, gradients) = packed::logprobs_and_gradients(inner(&x), &weight, targets, piece);
                prep.finish(gradients, logprobs)
            }
            OpsKind::UnTracked(prep) => prep.finish(packed::logprobs(inner(&x), &weight, targets, piece)),
        }
    }
}

impl PackedUntrackedOps for Cube {
    fn unpacked(words: Words<Self>, form: Form) -> FloatTensor<Self> {
        packed::unpacked(&Packed::new(words.0, form))
    }

    fn packed_rows(words: Words<Self>, ids: IntTensor<Self>, form: Form) -> FloatTensor<Self> {
        packed::rows(&Packed::new(words.0, form), ids)
    }

    fn packed_linears(x: Float, words: Words<Self>, forms: Vec<Form>) -> Float {
        let mut parts = words.0.into_iter();
        let weights = forms.into_iter().map(|form| Packed::new(parts.by_ref().take(form.parts()).collect(), form));
        packed::linears(x, &weights.collect::<Vec<_>>())
    }
}
