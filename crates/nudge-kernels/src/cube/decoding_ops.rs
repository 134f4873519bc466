//! The kernels of sampling as operations of burn's GPU backend, recorded lazily and run in order.
//!
//! Shapes are those of [`crate::decoding`]; `list: [1 + batch]` names the live rows.

use burn::backend::fusion::custom::TensorSpec;
use burn::backend::tensor::{FloatTensor, IntTensor};
use burn::backend::{Backend, backend_extension};
use burn::tensor::DType;
use burn_cubecl::CubeBackend;

use super::ops::spec;
use super::{decode, draw, live_linear, live_rows};
use crate::decoding::Product;
use crate::host::Distribution;

#[backend_extension(Cube, Fusion)]
pub(crate) trait DecodingOps: Backend {
    /// The embeddings of the live rows' tokens by slot, and the list of live rows after them.
    #[fusion(meta = |weight, tokens, _, list, _| {
        (spec([tokens.shape[0], 1, weight.shape[1]], weight), TensorSpec::new(list.shape.clone(), DType::I32))
    })]
    fn embed_live(
        weight: FloatTensor<Self>,
        tokens: IntTensor<Self>,
        ends: IntTensor<Self>,
        list: IntTensor<Self>,
        last: usize,
    ) -> (FloatTensor<Self>, IntTensor<Self>);

    #[fusion(meta = |x, weight, _, _, product| {
        let parts = if matches!(product, Product::Gated { .. }) { 2 } else { 1 };
        spec([x.shape[0], 1, weight.shape[0] / parts], x)
    })]
    fn live_linear(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        other: FloatTensor<Self>,
        list: IntTensor<Self>,
        product: Product,
    ) -> FloatTensor<Self>;

    /// The attended values of one new token a row, and the caches with it.
    #[fusion(meta = |qkv, _, _, keys, values, _, _| {
        let width = qkv.shape[2] - 2 * keys.shape[2] * keys.shape[3];
        (spec([qkv.shape[0], 1, width], qkv), keys.clone(), values.clone())
    })]
    fn decode_one(
        qkv: FloatTensor<Self>,
        first: IntTensor<Self>,
        angles: FloatTensor<Self>,
        keys: FloatTensor<Self>,
        values: FloatTensor<Self>,
        list: IntTensor<Self>,
        filled: usize,
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>);

    /// Tokens and log-probabilities, `[batch, room]`, with those of column `at` drawn.
    #[fusion(meta = |_, _, _, tokens, logprobs, _, _| (tokens.clone(), logprobs.clone()))]
    fn draw_tokens(
        logits: FloatTensor<Self>,
        noise: FloatTensor<Self>,
        list: IntTensor<Self>,
        tokens: IntTensor<Self>,
        logprobs: FloatTensor<Self>,
        distribution: Distribution,
        at: usize,
    ) -> (IntTensor<Self>, FloatTensor<Self>);
}

impl DecodingOps for CubeBackend {
    fn embed_live(
        weight: FloatTensor<Self>,
        tokens: IntTensor<Self>,
        ends: IntTensor<Self>,
        list: IntTensor<Self>,
        last: usize,
    ) -> (FloatTensor<Self>, IntTensor<Self>) {
        live_rows::embed(weight, tokens, ends, list, last)
    }

    fn live_linear(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        other: FloatTensor<Self>,
        list: IntTensor<Self>,
        product: Product,
    ) -> FloatTensor<Self> {
        live_linear::linear(x, weight, other, list, product)
    }

    fn decode_one(
        qkv: FloatTensor<Self>,
        first: IntTensor<Self>,
        angles: FloatTensor<Self>,
        keys: FloatTensor<Self>,
        values: FloatTensor<Self>,
        list: IntTensor<Self>,
        filled: usize,
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>) {
        decode::decode_attention(qkv, first, angles, [keys, values], list, filled)
    }

    fn draw_tokens(
        logits: FloatTensor<Self>,
        noise: FloatTensor<Self>,
        list: IntTensor<Self>,
        tokens: IntTensor<Self>,
        logprobs: FloatTensor<Self>,
        distribution: Distribution,
        at: usize,
    ) -> (IntTensor<Self>, FloatTensor<Self>) {
        draw::draw([logits, noise, logprobs], [list, tokens], distribution, at)
    }
}
