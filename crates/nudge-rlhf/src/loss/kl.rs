//! The KL to the reference model as a term of the loss, with a gradient.
//!
//! The other place for it is in the rewards ([`crate::host::rewards`]), where it needs none. The two
//! are not the same thing: a loss differentiates the estimate of each token and leaves out that the
//! policy also chose which token to sample. All estimators average to the same KL (k2 nearly), but
//! over sampled tokens their gradients as a loss average to
//!
//! - k1: nothing. `E[∇ ln π] = 0`, so it only adds noise.
//! - k2: the gradient of `KL(policy || reference)`, exactly.
//! - k3: the gradient of `KL(reference || policy)`, the other direction. GRPO uses it all the same.
//! - [`full_kl`]: the gradient of `KL(policy || reference)`, without the noise of sampling.
//!
//! So k2 is the estimator for a loss. All this is given the text before each token, and while the
//! samples are the policy's own: after the first update they are old.

use burn::tensor::{Bool, DType, Tensor, activation::log_softmax};

use super::masked::select;
use super::{assert_same_shape, exp_m1_minus_x};
use crate::host::kl::KlEstimator;

/// The KL estimate of every token, differentiable, `[batch, time]`, in nats; 0 where `mask` is `false`.
///
/// With `d = logprobs - ref_logprobs`: k1 is `d`, k2 is `d² / 2`, k3 is `exp(-d) - 1 + d`, which keeps
/// its digits near 0 and never falls below. All three inputs are `[batch, time]`. `ref_logprobs` are
/// data: no gradient flows into them.
///
/// # Panics
/// If the shapes differ, or for [`KlEstimator::Full`], which is [`full_kl`].
#[track_caller]
pub fn kl_penalty(
    estimator: KlEstimator,
    logprobs: Tensor<2>,
    ref_logprobs: Tensor<2>,
    mask: Tensor<2, Bool>,
) -> Tensor<2> {
    assert_same_shape("ref_logprobs", &ref_logprobs, "logprobs", &logprobs);
    // Selected before the formulas: an infinity under the mask would turn its zero gradient into
    // NaN. Each of them is 0 at 0.
    let differences = select(logprobs - ref_logprobs.detach(), mask);
    match estimator {
        KlEstimator::K1 => differences,
        KlEstimator::K2 => differences.square().mul_scalar(0.5),
        KlEstimator::K3 => exp_m1_minus_x(differences.neg()),
        KlEstimator::Full => panic!("the KL estimator `full` needs the logits of both models: call full_kl"),
    }
}

/// `Σ π(v) (ln π(v) - ln ref(v))` over the vocabulary, at every position, in nats.
///
/// No estimate: the exact KL of the distributions over the next token. `logits` and `ref_logits` are
/// `[batch, time, vocabulary]`, both already divided by the temperature; the result is
/// `[batch, time]`, to be masked by the caller. A token that the policy cannot choose adds nothing,
/// whatever the reference holds there. `ref_logits` are data: no gradient flows into them.
pub fn full_kl(logits: Tensor<3>, ref_logits: Tensor<3>) -> Tensor<2> {
    assert!(
        logits.dims() == ref_logits.dims(),
        "ref_logits has shape {:?} but logits has shape {:?}; both must be [batch, time, vocabulary]",
        ref_logits.dims(),
        logits.dims()
    );
    let logprobs = log_softmax(logits.cast(DType::F32), 2);
    let ref_logprobs = log_softmax(ref_logits.detach().cast(DType::F32), 2);
    let probs = logprobs.clone().exp();
    // 0 * ln 0 is 0, not NaN.
    let impossible = probs.clone().equal_elem(0.0);
    let log_ratios = (logprobs - ref_logprobs).mask_fill(impossible, 0.0);
    (probs * log_ratios).sum_dim(2).squeeze_dim(2)
}
