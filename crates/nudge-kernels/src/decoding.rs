//! One token after another for a whole batch: what sampling with a key and value cache computes for each.
//!
//! On a GPU every function is one launch, and rows that have ended cost next to nothing: [`LiveRows`], a list on the
//! device, says which go on, and nobody waits to read it. Activations are by slot there: slot `i` belongs to the `i`th
//! row of the list, slots beyond the live rows hold anything. Elsewhere all rows go on, slot `i` is row `i`, and the
//! functions are composed. Nothing here records a gradient.

#[cfg(feature = "gpu")]
use burn::backend::Dispatch;
use burn::tensor::{DType, Device, Int, Tensor};

use crate::host::Distribution;
use crate::primitive;
#[cfg(feature = "gpu")]
use crate::{cube::DecodingOps, is_fused_gpu};

/// Which rows of a batch go on.
#[derive(Clone, Debug)]
#[cfg_attr(not(feature = "gpu"), allow(dead_code))] // Only GPUs let rows leave.
pub struct LiveRows {
    /// How many go on, then all rows, those that go on first: `[1 + batch]`.
    list: Tensor<1, Int>,
    /// Tokens that end a row.
    ends: Tensor<1, Int>,
}

impl LiveRows {
    /// All `batch` rows; the tokens `ends` will end them.
    pub fn all(batch: usize, ends: &[u32], device: &Device) -> Self {
        let list: Vec<i32> = std::iter::once(batch).chain(0..batch).map(|row| row as i32).collect();
        // No token has a negative number: a device has no empty tensors.
        let ends: Vec<i32> = ends.iter().map(|&token| token as i32).chain([-1]).collect();
        Self { list: Tensor::from_data(list.as_slice(), device), ends: Tensor::from_data(ends.as_slice(), device) }
    }

    /// The positions `[batch, 1]` of the tokens that come to a cache with `filled` tokens, by slot; `first: [batch]`, where
    /// each row begins in it.
    pub fn positions(&self, first: Tensor<1, Int>, filled: usize) -> Tensor<2, Int> {
        let [batch] = first.dims();
        self.assert_of(batch, "positions");
        let rows = self.list.clone().narrow(0, 1, batch);
        first.select(0, rows).neg().add_scalar(filled as i64).reshape([batch, 1])
    }

    /// Panics if these are not rows of a batch of this size.
    fn assert_of(&self, batch: usize, operation: &str) {
        let [listed] = self.list.dims();
        assert_eq!(listed, 1 + batch, "{operation}: the live rows are of {} rows, not of {batch}", listed - 1);
    }
}

/// Tokens and their log-probabilities drawn so far, by row.
#[derive(Clone, Debug)]
pub struct Drawn {
    /// `[batch, room]`, of which `steps` columns count. On a GPU tokens of rows that have ended are 0.
    pub tokens: Tensor<2, Int>,
    /// The same, under the distribution they were drawn from.
    pub logprobs: Tensor<2>,
    /// Tokens drawn of each row.
    pub steps: usize,
}

impl Drawn {
    /// Room for `room` tokens of each row.
    pub fn none(batch: usize, room: usize, device: &Device) -> Self {
        let shape = [batch, room];
        Self { tokens: Tensor::zeros(shape, (device, DType::I32)), logprobs: Tensor::zeros(shape, device), steps: 0 }
    }
}

/// Keys and values of the tokens read so far, `[batch, capacity, kv_heads, head_dim]` both, by row.
#[derive(Debug, Clone)]
pub struct KeyValueCache {
    /// Rotated keys.
    pub keys: Tensor<4>,
    /// Values.
    pub values: Tensor<4>,
}

/// The embeddings `[batch, 1, width]` of the tokens drawn last, `weight: [vocab, width]`. Rows that these tokens end leave
/// `live`.
pub fn embedding(weight: Tensor<2>, drawn: &Drawn, live: &mut LiveRows) -> Tensor<3> {
    let ([batch, room], steps) = (drawn.tokens.dims(), drawn.steps);
    assert!((1..=room).contains(&steps), "embedding: {steps} of {room} tokens are drawn");
    live.assert_of(batch, "embedding");
    let (tokens, last) = (drawn.tokens.clone(), steps - 1);
    #[cfg(feature = "gpu")]
    if is_fused_gpu(&weight) {
        let (list, ends) = (live.list.extract().into_dispatch(), live.ends.clone().into_dispatch());
        let (x, list) = Dispatch::embed_live(weight.into_dispatch(), tokens.into_dispatch(), ends, list, last);
        live.list = Tensor::from_dispatch(list);
        return Tensor::from_dispatch(x);
    }
    let _ = live;
    crate::embedding(weight, tokens.narrow(1, last, 1))
}

/// A product for one token of each live row, with what comes before or after it.
#[cfg(feature = "gpu")]
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Product {
    /// An RMSNorm before it; the other tensor is its weight.
    Normed { eps: f32 },
    /// An RMSNorm before it, whose weight is the other tensor, and the gate of a SwiGLU after it.
    Gated { eps: f32 },
    /// A sum after it, with the other tensor.
    Onto,
}

/// [`crate::rms_norm`] of `x: [batch, 1, in]`, then a product with `weight: [out, in]`.
pub fn normed_linear(x: Tensor<3>, norm: Tensor<1>, eps: f32, weight: Tensor<2>, live: &LiveRows) -> Tensor<3> {
    assert_normed("normed_linear", &x, &norm, &weight, live);
    #[cfg(feature = "gpu")]
    if is_fused_gpu(&x) {
        return live_linear(x, weight, norm, live, Product::Normed { eps });
    }
    let _ = live;
    crate::linear(crate::rms_norm(x, norm, eps), weight)
}

/// [`crate::rms_norm`] of `x: [batch, 1, in]`, then the gated half of a SwiGLU: `gate_up: [2 width, in]` holds the gate's
/// rows before the others'. Gives `[batch, 1, width]`.
pub fn normed_swiglu(x: Tensor<3>, norm: Tensor<1>, eps: f32, gate_up: Tensor<2>, live: &LiveRows) -> Tensor<3> {
    assert_normed("normed_swiglu", &x, &norm, &gate_up, live);
    #[cfg(feature = "gpu")]
    if is_fused_gpu(&x) {
        return live_linear(x, gate_up, norm, live, Product::Gated { eps });
    }
    let _ = live;
    let both = crate::linear(crate::rms_norm(x, norm, eps), gate_up);
    let [gate, up] = both.chunk(2, 2).try_into().expect("two halves");
    crate::swiglu(gate, up)
}

/// Panics if these are not one token a row, its norm and a product behind it.
fn assert_normed(operation: &str, x: &Tensor<3>, norm: &Tensor<1>, weight: &Tensor<2>, live: &LiveRows) {
    let ([batch, _, width], [out, _]) = (x.dims(), weight.dims());
    assert!(
        x.dims() == [batch, 1, width] && norm.dims() == [width] && weight.dims() == [out, width],
        "{operation}: x {:?}, norm {:?}, weight {:?}",
        x.dims(),
        norm.dims(),
        weight.dims()
    );
    live.assert_of(batch, operation);
}

/// `added + x Wᵀ` with `x: [batch, 1, in]`, `weight: [out, in]`, `added: [batch, 1, out]`.
pub fn linear_onto(x: Tensor<3>, weight: Tensor<2>, added: Tensor<3>, live: &LiveRows) -> Tensor<3> {
    let ([batch, _, width], [out, _]) = (x.dims(), weight.dims());
    assert!(
        weight.dims() == [out, width] && x.dims() == [batch, 1, width] && added.dims() == [batch, 1, out],
        "linear_onto: x {:?}, weight {:?}, added {:?}",
        x.dims(),
        weight.dims(),
        added.dims()
    );
    live.assert_of(batch, "linear_onto");
    #[cfg(feature = "gpu")]
    if is_fused_gpu(&x) {
        return live_linear(x, weight, added, live, Product::Onto);
    }
    let _ = live;
    crate::linear_onto(x, weight, added)
}

#[cfg(feature = "gpu")]
fn live_linear<const D: usize>(
    x: Tensor<3>,
    weight: Tensor<2>,
    other: Tensor<D>,
    live: &LiveRows,
    product: Product,
) -> Tensor<3> {
    let (x, weight, other) = (x.into_dispatch(), weight.into_dispatch(), other.into_dispatch());
    Tensor::from_dispatch(Dispatch::live_linear(x, weight, other, live.list.clone().into_dispatch(), product))
}

/// Rotates one new token a row, puts it into the cache at `filled`, and attends to all that the row has there.
///
/// `qkv: [batch, 1, (heads + 2 kv_heads) * head_dim]`, queries, keys and values side by side; `first: [batch]`, where
/// each row begins in the cache, `filled` at the latest; `angles: [capacity, head_dim / 2, 2]`, cosine and sine by
/// position. Gives `[batch, 1, heads * head_dim]`.
pub fn attention(
    qkv: Tensor<3>,
    first: Tensor<1, Int>,
    angles: Tensor<3>,
    cache: &mut KeyValueCache,
    filled: usize,
    live: &LiveRows,
) -> Tensor<3> {
    attention_within(qkv, first, angles, cache, filled, live, usize::MAX)
}

/// [`attention`] to the last `window` tokens alone, the new one among them; at least 1.
pub fn attention_within(
    qkv: Tensor<3>,
    first: Tensor<1, Int>,
    angles: Tensor<3>,
    cache: &mut KeyValueCache,
    filled: usize,
    live: &LiveRows,
    window: usize,
) -> Tensor<3> {
    let ([batch, capacity, kv_heads, head_dim], [_, _, width]) = (cache.keys.dims(), qkv.dims());
    let [positions, ..] = angles.dims();
    assert!(
        filled < capacity
            && cache.values.dims() == cache.keys.dims()
            && qkv.dims() == [batch, 1, width]
            && width > 2 * kv_heads * head_dim
            && width.is_multiple_of(kv_heads * head_dim)
            && first.dims() == [batch]
            && angles.dims() == [positions, head_dim / 2, 2]
            && filled < positions
            && window > 0,
        "attention: qkv {:?}, keys {:?} with {filled} filled, values {:?}, first {:?}, angles {:?}, window {window}",
        qkv.dims(),
        cache.keys.dims(),
        cache.values.dims(),
        first.dims(),
        angles.dims()
    );
    live.assert_of(batch, "attention");
    let seen_from = (filled + 1).saturating_sub(window);
    #[cfg(feature = "gpu")]
    if is_fused_gpu(&qkv) {
        let (out, keys, values) = Dispatch::decode_one(
            qkv.into_dispatch(),
            first.into_dispatch(),
            angles.into_dispatch(),
            cache.keys.extract().into_dispatch(),
            cache.values.extract().into_dispatch(),
            live.list.clone().into_dispatch(),
            [filled, seen_from],
        );
        *cache = KeyValueCache { keys: Tensor::from_dispatch(keys), values: Tensor::from_dispatch(values) };
        return Tensor::from_dispatch(out);
    }
    let _ = live;
    primitive::decode_attention_from(qkv, first, angles, cache, filled, seen_from)
}

/// Draws one token a row from `logits: [batch, vocab]` by `noise: [batch, 1]`, uniform in `[0, 1)` and by row, and puts it
/// with its log-probability beside those `drawn` before.
pub fn draw(logits: Tensor<2>, noise: Tensor<2>, distribution: Distribution, live: &LiveRows, drawn: &mut Drawn) {
    let (tokens, logprobs, at) = (drawn.tokens.extract(), drawn.logprobs.extract(), drawn.steps);
    let ([batch, room], [rows, _]) = (tokens.dims(), logits.dims());
    assert!(at < room && rows == batch, "draw: {at} of {room} tokens are drawn, logits have {rows} rows of {batch}");
    assert!(
        logprobs.dims() == [batch, room] && noise.dims() == [batch, 1],
        "draw: tokens [{batch}, {room}], logprobs {:?}, noise {:?}",
        logprobs.dims(),
        noise.dims()
    );
    live.assert_of(batch, "draw");
    (drawn.tokens, drawn.logprobs) = draw_into(logits, noise, distribution, live, (tokens, logprobs), at);
    drawn.steps += 1;
}

/// Tokens and log-probabilities with those of column `at` drawn.
fn draw_into(
    logits: Tensor<2>,
    noise: Tensor<2>,
    distribution: Distribution,
    live: &LiveRows,
    (tokens, logprobs): (Tensor<2, Int>, Tensor<2>),
    at: usize,
) -> (Tensor<2, Int>, Tensor<2>) {
    #[cfg(feature = "gpu")]
    if is_fused_gpu(&logits) {
        let (logits, noise, list) = (logits.into_dispatch(), noise.into_dispatch(), live.list.clone().into_dispatch());
        let (tokens, logprobs) = (tokens.into_dispatch(), logprobs.into_dispatch());
        let (tokens, logprobs) = Dispatch::draw_tokens(logits, noise, list, tokens, logprobs, distribution, at);
        return (Tensor::from_dispatch(tokens), Tensor::from_dispatch(logprobs));
    }
    let _ = live;
    let (token, logprob) = primitive::draw(logits, noise, distribution);
    let column = [0..tokens.dims()[0], at..at + 1];
    (tokens.slice_assign(column.clone(), token), logprobs.slice_assign(column, logprob))
}
