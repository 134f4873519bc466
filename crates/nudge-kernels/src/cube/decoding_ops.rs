//! The kernels of sampling as operations of burn's GPU backend.
//!
//! Shapes are those of [`crate::decoding`]; `list: [1 + batch]` names the live rows.

use burn::backend::tensor::{FloatTensor, IntTensor};
use burn::backend::{Backend, backend_extension};
use burn_cubecl::CubeBackend;

use super::{decode, draw, live_linear, live_rows};
use crate::decoding::Product;
use crate::host::Distribution;

#[backend_extension(Cube)]
pub(crate) trait DecodingOps: Backend {
    /// The embeddings of the live rows' tokens by slot, and the list of live rows after them.
    fn embed_live(
        weight: FloatTensor<Self>,
        tokens: IntTensor<Self>,
        ends: IntTensor<Self>,
        list: IntTensor<Self>,
        last: usize,
    ) -> (FloatTensor<Self>, IntTensor<Self>);

    fn live_linear(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        other: FloatTensor<Self>,
        list: IntTensor<Self>,
        product: Product,
    ) -> FloatTensor<Self>;

    /// The attended values of one new token a row, and the caches with it.
    fn decode_one(
        qkv: FloatTensor<Self>,
        first: IntTensor<Self>,
        angles: FloatTensor<Self>,
        keys: FloatTensor<Self>,
        values: FloatTensor<Self>,
        list: IntTensor<Self>,
        filled_and_seen_from: [usize; 2],
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>);

    /// Tokens and log-probabilities, `[batch, room]`, with those of column `at` drawn.
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
        filled_and_seen_from: [usize; 2],
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>) {
        decode::decode_attention(qkv, first, angles, [keys, values], list, filled_and_seen_from)
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
