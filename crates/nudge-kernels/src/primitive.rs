//! Every operation of this crate composed from burn's own tensor operations.
//!
//! This is what the fused versions are tested against, and what runs where there are none. Gradients come from burn's
//! autodiff. Nothing here is tuned.

use burn::tensor::activation::{log_softmax, sigmoid, silu, softmax};
use burn::tensor::{Bool, Int, Tensor, module};

use crate::decoding::KeyValueCache;
use crate::host::Distribution;
use crate::nucleus::nucleus;
use crate::{AdamWState, AdamWStep};

/// Stands for minus infinity in masked scores: `exp` of it is zero, and a row of it has no NaN.
const MASKED_SCORE: f32 = -1e30;

/// Of the cube in [`gelu`].
pub(crate) const GELU_CUBE: f32 = 0.044_715;
/// `2 √(2/π)`.
pub(crate) const GELU_SLOPE: f32 = 1.595_769;

/// Root-mean-square norm (Zhang & Sennrich 2019, eq. 4): `x / sqrt(mean(x²) + eps) * weight`.
///
/// `x: [batch, time, width]`, `weight: [width]`.
pub fn rms_norm(x: Tensor<3>, weight: Tensor<1>, eps: f32) -> Tensor<3> {
    let inverse_rms = x.clone().square().mean_dim(2).add_scalar(eps).sqrt().recip();
    x * inverse_rms * weight.unsqueeze()
}

/// Layer norm (Ba et al. 2016): `(x - mean(x)) / sqrt(variance(x) + eps) * weight + bias`.
///
/// `x: [batch, time, width]`, `weight, bias: [width]`.
pub fn layer_norm(x: Tensor<3>, weight: Tensor<1>, bias: Tensor<1>, eps: f32) -> Tensor<3> {
    let centred = x.clone() - x.mean_dim(2);
    let inverse_deviation = centred.clone().square().mean_dim(2).add_scalar(eps).sqrt().recip();
    centred * inverse_deviation * weight.unsqueeze() + bias.unsqueeze()
}

/// The Gaussian error linear unit in its approximation by tanh (Hendrycks & Gimpel 2016), `gelu_new` and
/// `gelu_pytorch_tanh` of transformers: `x (1 + tanh(√(2/π) (x + 0.044715 x³))) / 2`.
pub fn gelu(x: Tensor<3>) -> Tensor<3> {
    // (1 + tanh y) / 2 is the logistic function of 2 y.
    let cube = x.clone().square() * x.clone();
    let inner = x.clone() + cube.mul_scalar(GELU_CUBE);
    x * sigmoid(inner.mul_scalar(GELU_SLOPE))
}

/// Rotary position embedding in the rotate-half convention: element `i` is paired with `i + head_dim / 2`.
///
/// `x: [batch, time, heads, head_dim]`, `cos, sin: [batch, time, head_dim / 2]`.
pub fn rotary(x: Tensor<4>, cos: Tensor<3>, sin: Tensor<3>) -> Tensor<4> {
    let [batch, time, heads, head_dim] = x.dims();
    let half = head_dim / 2;
    let cos: Tensor<4> = cos.unsqueeze_dim(2);
    let sin: Tensor<4> = sin.unsqueeze_dim(2);
    let first = x.clone().slice([0..batch, 0..time, 0..heads, 0..half]);
    let second = x.slice([0..batch, 0..time, 0..heads, half..head_dim]);
    let rotated_first = first.clone() * cos.clone() - second.clone() * sin.clone();
    let rotated_second = second * cos + first * sin;
    Tensor::cat(vec![rotated_first, rotated_second], 3)
}

/// Causal grouped-query attention within the segments of a row; materialises the `[time, time]` weights.
///
/// `q: [batch, time, heads, head_dim]`, `k, v: [batch, time, kv_heads, head_dim]`, `first: [batch, time]`, the first
/// key that each query sees; it sees no later one than itself. A query that sees nothing gives 0.
pub fn causal_attention(q: Tensor<4>, k: Tensor<4>, v: Tensor<4>, first: Tensor<2, Int>) -> Tensor<4> {
    attend_visible(q, k, v, hidden_keys(first))
}

/// The keys that queries do not see, `[batch, queries, keys]`, from the first that each sees, `[batch, queries]`.
pub(crate) fn hidden_keys(first: Tensor<2, Int>) -> Tensor<3, Bool> {
    let [batch, time] = first.dims();
    let (all, device) = ([batch, time, time], first.device());
    let future = Tensor::<2, Bool>::tril_mask([time, time], 0, &device);
    let key = Tensor::<1, Int>::arange(0..time as i64, &device).unsqueeze::<3>().expand(all);
    let before = key.lower(first.unsqueeze_dim::<3>(2).expand(all));
    future.unsqueeze::<3>().expand(all).bool_or(before)
}

/// Attention with weight 0 where `hidden: [batch, queries, keys]`, the same for every head.
pub(crate) fn attend_visible(q: Tensor<4>, k: Tensor<4>, v: Tensor<4>, hidden: Tensor<3, Bool>) -> Tensor<4> {
    let [batch, time, heads, _] = q.dims();
    attend(q, k, v, hidden.unsqueeze_dim::<4>(1).expand([batch, heads, time, time]))
}

/// Rotates one new token a row, puts it into the cache at `filled`, and attends to all that the row has there.
///
/// Shapes are those of [`crate::decoding::attention`].
pub fn decode_attention(
    qkv: Tensor<3>,
    first: Tensor<1, Int>,
    angles: Tensor<3>,
    cache: &mut KeyValueCache,
    filled: usize,
) -> Tensor<3> {
    decode_attention_from(qkv, first, angles, cache, filled, 0)
}

/// [`decode_attention`] to what stands at `seen_from` or behind it.
pub(crate) fn decode_attention_from(
    qkv: Tensor<3>,
    first: Tensor<1, Int>,
    angles: Tensor<3>,
    cache: &mut KeyValueCache,
    filled: usize,
    seen_from: usize,
) -> Tensor<3> {
    let [batch, capacity, kv_heads, head_dim] = cache.keys.dims();
    let heads = qkv.dims()[2] / head_dim - 2 * kv_heads;
    let part = |from: usize, count: usize| {
        qkv.clone().narrow(2, from * head_dim, count * head_dim).reshape([batch, 1, count, head_dim])
    };
    let (q, k, v) = (part(0, heads), part(heads, kv_heads), part(heads + kv_heads, kv_heads));
    let position = first.clone().neg().add_scalar(filled as i64);
    let turn = angles.select(0, position); // [batch, head_dim / 2, 2]
    let table = |which: usize| turn.clone().narrow(2, which, 1).reshape([batch, 1, head_dim / 2]);
    let (q, k) = (rotary(q, table(0), table(1)), rotary(k, table(0), table(1)));
    for (cache, new) in [(&mut cache.keys, k), (&mut cache.values, v)] {
        cache.inplace(|cache| cache.slice_assign([0..batch, filled..filled + 1, 0..kv_heads, 0..head_dim], new));
    }
    let key = Tensor::<1, Int>::arange(0..capacity as i64, &first.device()).unsqueeze::<2>().expand([batch, capacity]);
    let seen_from = first.clamp_min(seen_from as i64);
    let hidden = key.clone().lower(seen_from.unsqueeze_dim::<2>(1).expand([batch, capacity]));
    let hidden = hidden.bool_or(key.greater_elem(filled as i64));
    let hidden = hidden.unsqueeze_dims::<4>(&[1, 1]).expand([batch, heads, 1, capacity]);
    attend(q, cache.keys.clone(), cache.values.clone(), hidden).reshape([batch, 1, heads * head_dim])
}

/// One token a row and its log-probability under the distribution of `logits: [batch, vocab]`, `[batch, 1]` each, by
/// `noise: [batch, 1]` uniform in `[0, 1)`.
pub fn draw(logits: Tensor<2>, noise: Tensor<2>, distribution: Distribution) -> (Tensor<2, Int>, Tensor<2>) {
    let [batch, vocab] = logits.dims();
    let Distribution { temperature, top_k, top_p } = distribution;
    let mut logits = logits.div_scalar(temperature);
    if top_k > 0 && top_k < vocab {
        let threshold = logits.clone().topk(top_k, 1).narrow(1, top_k - 1, 1);
        let excluded = logits.clone().lower(threshold.expand([batch, vocab]));
        logits = logits.mask_fill(excluded, -1e30);
    }
    if top_p < 1.0 {
        logits = nucleus(logits, top_p);
    }
    let logprobs = log_softmax(logits, 1);
    let cumulative = logprobs.clone().exp().cumsum(1);
    // The total is 1 up to rounding; scaling the noise by it keeps the draw inside the vocabulary.
    let total = cumulative.clone().narrow(1, vocab - 1, 1);
    let below = cumulative.lower_equal((noise * total).expand([batch, vocab]));
    let token = below.int().sum_dim(1).clamp_max(vocab as i32 - 1);
    let logprob = logprobs.gather(1, token.clone());
    (token, logprob)
}

/// `softmax(q kᵀ / sqrt(head_dim)) v`, with weight 0 where `hidden: [batch, heads, queries, keys]`.
fn attend(q: Tensor<4>, k: Tensor<4>, v: Tensor<4>, hidden: Tensor<4, Bool>) -> Tensor<4> {
    let [_, _, heads, head_dim] = q.dims();
    let k = repeat_heads(k, heads);
    let v = repeat_heads(v, heads);
    let scale = 1.0 / (head_dim as f32).sqrt();
    let scores = q.swap_dims(1, 2).mul_scalar(scale).matmul(k.permute([0, 2, 3, 1]));
    let weights = softmax(scores.mask_fill(hidden.clone(), MASKED_SCORE), 3).mask_fill(hidden, 0.0);
    weights.matmul(v.swap_dims(1, 2)).swap_dims(1, 2)
}

/// Grouped-query attention: query head `h` reads key-value head `h / (heads / kv_heads)`.
fn repeat_heads(x: Tensor<4>, heads: usize) -> Tensor<4> {
    let [batch, time, kv_heads, head_dim] = x.dims();
    let group = heads / kv_heads;
    if group == 1 {
        return x;
    }
    x.unsqueeze_dim::<5>(3).expand([batch, time, kv_heads, group, head_dim]).reshape([batch, time, heads, head_dim])
}

/// The gate of a SwiGLU feed-forward layer (Shazeer 2020): `silu(gate) * up`, shapes equal.
pub fn swiglu(gate: Tensor<3>, up: Tensor<3>) -> Tensor<3> {
    silu(gate) * up
}

/// Log-probability of each target: `logits: [batch, time, vocab]`, `targets: [batch, time]` to `[batch, time]`.
pub fn token_logprobs(logits: Tensor<3>, targets: Tensor<2, Int>) -> Tensor<2> {
    log_softmax(logits, 2).gather(2, targets.unsqueeze_dim::<3>(2)).squeeze_dim::<2>(2)
}

/// Entropy of the next token in nats, `[batch, time]`, from `logits: [batch, time, vocab]`.
pub fn entropy(logits: Tensor<3>) -> Tensor<2> {
    let logprobs = log_softmax(logits, 2);
    // A forbidden token's logit may be minus infinity: 0 of it is 0, not NaN.
    (logprobs.clone().exp() * logprobs.clamp_min(-1e4)).sum_dim(2).squeeze_dim::<2>(2).neg()
}

/// Rows of `weight: [vocab, width]` at `ids: [batch, time]`.
pub fn embedding(weight: Tensor<2>, ids: Tensor<2, Int>) -> Tensor<3> {
    module::embedding(weight, ids)
}

/// `x Wᵀ` with `x: [batch, time, in]`, `weight: [out, in]` as PyTorch stores it.
pub fn linear(x: Tensor<3>, weight: Tensor<2>) -> Tensor<3> {
    let [batch, time, width] = x.dims();
    let out = weight.dims()[0];
    x.reshape([batch * time, width]).matmul(weight.transpose()).reshape([batch, time, out])
}

/// One AdamW step (Loshchilov & Hutter 2019) of several parameters in PyTorch's form.
///
/// `grad_scale: [1]` multiplies the gradients.
pub fn adamw_update(state: AdamWState, grads: Vec<Tensor<2>>, grad_scale: Tensor<1>, step: &AdamWStep) -> AdamWState {
    let mut updated = AdamWState { params: vec![], m: vec![], v: vec![] };
    for (((param, grad), m), v) in state.params.into_iter().zip(grads).zip(state.m).zip(state.v) {
        let grad = grad * grad_scale.clone().unsqueeze();
        let m = m.mul_scalar(step.beta1) + grad.clone().mul_scalar(1.0 - step.beta1);
        let v = v.mul_scalar(step.beta2) + grad.square().mul_scalar(1.0 - step.beta2);
        let denominator = v.clone().sqrt().mul_scalar(step.inverse_sqrt_correction2()).add_scalar(step.eps);
        let update = m.clone().mul_scalar(step.step_size()) / denominator;
        updated.params.push(param.mul_scalar(step.decay()) - update);
        updated.m.push(m);
        updated.v.push(v);
    }
    updated
}

/// Sum of the squares of all elements of all tensors, `[1]`.
pub fn sum_of_squares(all: &[Tensor<2>]) -> Tensor<1> {
    Tensor::cat(all.iter().map(|x| x.clone().square().sum()).collect(), 0).sum()
}
