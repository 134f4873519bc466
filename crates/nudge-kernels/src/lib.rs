//! The operations a small Llama spends its time in, fused for the CPU and, with the feature `gpu`, for GPUs.
//!
//! burn runs one operation after another, each with its own temporary on the CPU and its own launch on a GPU. Here
//! each is one pass, or one launch, with a handwritten gradient. On any other backend, and in other precisions than
//! `f32`, it is composed from burn's operations ([`primitive`]).
//!
//! Deliberately absent: parameters, modules, any idea of a model. Results on one machine do not
//! depend on the number of threads, so a resumed run repeats bit for bit.

#![cfg_attr(test, allow(clippy::disallowed_methods, clippy::unwrap_used))]

#[cfg(feature = "gpu")]
mod cube;
pub mod decoding;
pub mod encoding;
mod flex;
mod graph;
pub mod host;
mod nucleus;
mod ops;
mod optimizer_step;
pub mod packed;
mod platform;
pub mod primitive;
mod tensor_list;
mod unembedding;

use burn::backend::{Dispatch, DispatchDevice};
use burn::tensor::{Bool, DType, Device, Int, Tensor};

use crate::ops::{FusedOps, FusedUntrackedOps};
use crate::tensor_list::TensorList;

pub use optimizer_step::AdamWStep;
pub use packed::PackedWeight;

/// Whether the device is burn's CPU backend, seen through autodiff.
pub fn is_flex(device: &Device) -> bool {
    fn inner_is_flex(device: &DispatchDevice) -> bool {
        match device {
            DispatchDevice::Flex(_) => true,
            DispatchDevice::Autodiff(device) => inner_is_flex(&device.clone().inner()),
            #[allow(unreachable_patterns)] // Other backends exist when a shell turns them on.
            _ => false,
        }
    }
    inner_is_flex(device.as_dispatch())
}

/// The handwritten versions are for `f32`: on the CPU, and on GPUs where this crate is built for them.
fn has_fused_form<const D: usize>(x: &Tensor<D>) -> bool {
    x.dtype() == DType::F32 && (cfg!(feature = "gpu") || is_flex(&x.device()))
}

/// Whether the operations that only GPUs have fused take this tensor.
#[cfg(feature = "gpu")]
fn is_fused_gpu<const D: usize>(x: &Tensor<D>) -> bool {
    x.dtype() == DType::F32 && !is_flex(&x.device())
}

/// Root-mean-square norm (Zhang & Sennrich 2019, eq. 4): `x / sqrt(mean(x²) + eps) * weight`.
///
/// `x: [batch, time, width]`, `weight: [width]`.
pub fn rms_norm(x: Tensor<3>, weight: Tensor<1>, eps: f32) -> Tensor<3> {
    if !has_fused_form(&x) {
        return primitive::rms_norm(x, weight, eps);
    }
    Tensor::from_dispatch(Dispatch::rms_norm(x.into_dispatch(), weight.into_dispatch(), eps))
}

/// Layer norm (Ba et al. 2016): `(x - mean(x)) / sqrt(variance(x) + eps) * weight + bias`.
///
/// `x: [batch, time, width]`, `weight, bias: [width]`.
pub fn layer_norm(x: Tensor<3>, weight: Tensor<1>, bias: Tensor<1>, eps: f32) -> Tensor<3> {
    primitive::layer_norm(x, weight, bias, eps)
}

/// The Gaussian error linear unit in its approximation by tanh (Hendrycks & Gimpel 2016), element by element.
pub fn gelu(x: Tensor<3>) -> Tensor<3> {
    primitive::gelu(x)
}

/// The gate of a GEGLU feed-forward layer (Shazeer 2020): `gelu(gate) * up`, shapes equal.
pub fn geglu(gate: Tensor<3>, up: Tensor<3>) -> Tensor<3> {
    primitive::gelu(gate) * up
}

/// Rotary position embedding in the rotate-half convention: element `i` is paired with `i + head_dim / 2`.
///
/// `x: [batch, time, heads, head_dim]`, `cos, sin: [batch, time, head_dim / 2]`, both constants.
pub fn rotary(x: Tensor<4>, cos: Tensor<3>, sin: Tensor<3>) -> Tensor<4> {
    if !has_fused_form(&x) {
        return primitive::rotary(x, cos, sin);
    }
    Tensor::from_dispatch(Dispatch::rotary(x.into_dispatch(), cos.into_dispatch(), sin.into_dispatch()))
}

/// The widest head whose attention is fused on GPUs.
const WIDEST_HEAD_ON_GPU: usize = 128;

/// Which keys the queries of a batch see. Made once for all layers: composed of single operations it is a dozen
/// launches on a GPU.
#[derive(Debug, Clone)]
pub struct Visibility {
    first: Tensor<2, Int>,
    /// The keys that are not seen, `[batch, time, time]`, where attention is composed.
    hidden: Option<Tensor<3, Bool>>,
}

impl From<Tensor<2, Int>> for Visibility {
    /// `first: [batch, time]`, not negative. Query `i` sees the keys `j` with `first[i] <= j <= i`: in a row of several
    /// sequences `first` is where the query's own begins, and padding has `time` there.
    fn from(first: Tensor<2, Int>) -> Self {
        let is_fused = cfg!(feature = "gpu") || is_flex(&first.device());
        let hidden = (!is_fused).then(|| primitive::hidden_keys(first.clone()));
        Self { first, hidden }
    }
}

/// Causal grouped-query attention within the segments of a row, scaled by `1 / sqrt(head_dim)`.
///
/// `q: [batch, time, heads, head_dim]`, `k, v: [batch, time, kv_heads, head_dim]`. A query that sees nothing gives 0.
///
/// # Panics
/// If the shapes are others, or the key and value heads do not divide the heads.
pub fn causal_attention(q: Tensor<4>, k: Tensor<4>, v: Tensor<4>, visibility: impl Into<Visibility>) -> Tensor<4> {
    let Visibility { first, hidden } = visibility.into();
    let ([batch, time, heads, head_dim], [_, _, kv_heads, _]) = (q.dims(), k.dims());
    assert!(
        [k.dims(), v.dims()] == [[batch, time, kv_heads, head_dim]; 2]
            && heads.is_multiple_of(kv_heads)
            && first.dims() == [batch, time],
        "causal_attention: q {:?}, k {:?}, v {:?}, first {:?}",
        q.dims(),
        k.dims(),
        v.dims(),
        first.dims()
    );
    // On GPUs a head's numbers lie in registers, which are few.
    let too_wide = head_dim > WIDEST_HEAD_ON_GPU && !is_flex(&q.device());
    if !has_fused_form(&q) || too_wide {
        return primitive::attend_visible(q, k, v, hidden.unwrap_or_else(|| primitive::hidden_keys(first)));
    }
    Tensor::from_dispatch(Dispatch::causal_attention(
        q.into_dispatch(),
        k.into_dispatch(),
        v.into_dispatch(),
        first.into_dispatch(),
    ))
}

/// The gate of a SwiGLU feed-forward layer (Shazeer 2020): `silu(gate) * up`, shapes equal.
pub fn swiglu(gate: Tensor<3>, up: Tensor<3>) -> Tensor<3> {
    if !has_fused_form(&gate) {
        return primitive::swiglu(gate, up);
    }
    Tensor::from_dispatch(Dispatch::swiglu(gate.into_dispatch(), up.into_dispatch()))
}

/// Log-probability of each target: `logits: [batch, time, vocab]`, `targets: [batch, time]` to `[batch, time]`.
pub fn token_logprobs(logits: Tensor<3>, targets: Tensor<2, Int>) -> Tensor<2> {
    if !has_fused_form(&logits) {
        return primitive::token_logprobs(logits, targets);
    }
    Tensor::from_dispatch(Dispatch::token_logprobs(logits.into_dispatch(), targets.into_dispatch()))
}

/// Log-probability of each target under the logits `x Wᵀ`: `x: [batch, time, width]`, `weight: [vocab, width]`,
/// `targets: [batch, time]` to `[batch, time]`.
///
/// More than `held` logits are computed in pieces of at most that many, forward and backward.
pub fn unembedded_logprobs(x: Tensor<3>, weight: Tensor<2>, targets: Tensor<2, Int>, held: usize) -> Tensor<2> {
    let [batch, time, width] = x.dims();
    let [vocab, _] = weight.dims();
    let rows = batch * time;
    if !has_fused_form(&x) || rows * vocab <= held {
        return token_logprobs(linear(x, weight), targets);
    }
    let logprobs = Tensor::<2>::from_dispatch(Dispatch::unembedded_logprobs(
        x.reshape([1, rows, width]).into_dispatch(),
        weight.into_dispatch(),
        targets.reshape([1, rows]).into_dispatch(),
        (held / vocab).max(1),
    ));
    logprobs.reshape([batch, time])
}

/// Entropy of the next token in nats, `[batch, time]`, from `logits: [batch, time, vocab]`; records no gradient.
pub fn entropy(logits: Tensor<3>) -> Tensor<2> {
    let logits = logits.without_autodiff();
    if !has_fused_form(&logits) {
        return primitive::entropy(logits);
    }
    Tensor::from_dispatch(Dispatch::entropy(logits.into_dispatch()))
}

/// Rows of `weight: [vocab, width]` at `ids: [batch, time]`, giving `[batch, time, width]`.
pub fn embedding(weight: Tensor<2>, ids: Tensor<2, Int>) -> Tensor<3> {
    if !has_fused_form(&weight) {
        return primitive::embedding(weight, ids);
    }
    Tensor::from_dispatch(Dispatch::embedding(weight.into_dispatch(), ids.into_dispatch()))
}

/// `x Wᵀ` with `x: [batch, time, in]`, `weight: [out, in]` as PyTorch stores it.
pub fn linear(x: Tensor<3>, weight: Tensor<2>) -> Tensor<3> {
    if !has_fused_form(&x) {
        return primitive::linear(x, weight);
    }
    Tensor::from_dispatch(Dispatch::linear(x.into_dispatch(), weight.into_dispatch()))
}

/// `added + x Wᵀ` with `added: [batch, time, out]`: the way back into the residual stream.
///
/// # Panics
/// If the shapes are others.
pub fn linear_onto(x: Tensor<3>, weight: Tensor<2>, added: Tensor<3>) -> Tensor<3> {
    let ([batch, time, _], [out, _]) = (x.dims(), weight.dims());
    assert_eq!([batch, time, out], added.dims(), "linear_onto: x is {:?}, weight {:?}", x.dims(), weight.dims());
    if !has_fused_form(&x) {
        return added + primitive::linear(x, weight);
    }
    Tensor::from_dispatch(Dispatch::linear_onto(x.into_dispatch(), weight.into_dispatch(), added.into_dispatch()))
}

/// Parameters and their moments, one of each a parameter.
#[derive(Debug, Clone)]
pub struct AdamWState {
    /// Parameters.
    pub params: Vec<Tensor<2>>,
    /// First moments.
    pub m: Vec<Tensor<2>>,
    /// Second moments.
    pub v: Vec<Tensor<2>>,
}

/// One AdamW step (Loshchilov & Hutter 2019) of several parameters in PyTorch's form.
///
/// `grad_scale: [1]` multiplies the gradients, as clipping by the global norm does; it stays on the device. Takes and
/// gives tensors without autodiff. On a GPU all parameters together are one launch, and what it gives are views of a
/// few buffers: a tensor holds the memory of its neighbours. Gradients come side by side from [`sum_of_squares`]; what
/// does not lie so is copied first.
///
/// # Panics
/// If there are no parameters, or the shapes of a parameter, its gradient and its moments differ.
pub fn adamw_update(state: AdamWState, grads: Vec<Tensor<2>>, grad_scale: Tensor<1>, step: &AdamWStep) -> AdamWState {
    let AdamWState { params, m, v } = state;
    for (name, others) in [("grad", &grads), ("m", &m), ("v", &v)] {
        let dims = |tensors: &[Tensor<2>]| tensors.iter().map(Tensor::dims).collect::<Vec<_>>();
        assert_eq!(dims(&params), dims(others), "adamw_update: param and {name} differ in shape");
    }
    if !has_fused_form(&params[0]) {
        return primitive::adamw_update(AdamWState { params, m, v }, grads, grad_scale, step);
    }
    let [params, m, v, grads] = [params, m, v, grads].map(list);
    let (params, m, v) = Dispatch::adamw(params, m, v, grads, grad_scale.inner().into_dispatch(), *step);
    let [params, m, v] = [params, m, v].map(tensors);
    AdamWState { params, m, v }
}

/// Sum of the squares of all elements of all tensors, `[1]`, and the tensors.
///
/// On a GPU these come back as copies side by side in one buffer, where [`adamw_update`] takes them from: a launch for
/// every six tensors, and one to add up.
pub fn sum_of_squares(all: Vec<Tensor<2>>) -> (Tensor<1>, Vec<Tensor<2>>) {
    assert!(!all.is_empty(), "sum_of_squares: no tensors");
    if !has_fused_form(&all[0]) {
        return (primitive::sum_of_squares(&all), all);
    }
    let (sum, all) = Dispatch::sum_of_squares(list(all));
    (Tensor::from_dispatch(sum), tensors(all))
}

fn list(all: Vec<Tensor<2>>) -> TensorList<Dispatch> {
    TensorList(all.into_iter().map(|x| x.inner().into_dispatch()).collect())
}

fn tensors(list: TensorList<Dispatch>) -> Vec<Tensor<2>> {
    list.0.into_iter().map(Tensor::from_dispatch).collect()
}
