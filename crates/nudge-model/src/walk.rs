//! The one walk through a decoder: embedding, blocks, last norm. What computes it is an executor.
//!
//! [`Operations`] is what a walk is made of. It runs on whole rows of tensors in training and before sampling
//! ([`crate::whole_rows`]), on one token a row with a cache ([`crate::next_token`]), and on host slices
//! ([`crate::host_decoder`]). A [family](crate::family) puts its weights together once, and its block is the same
//! lines for all of them.

use crate::Matrix;
use crate::weights::{Linear, NormWeights};
use std::ops::RangeBounds;

/// What a decoder computes with: how weights lie for it, and the steps of a block.
pub(crate) trait Operations: Sized + 'static {
    /// The embedding.
    type Embedding: Send + Sync;
    /// A norm.
    type Norm: Send + Sync;
    /// A product.
    type Linear: Send + Sync;
    /// Several products of one input.
    type Linears: Send + Sync;

    /// Numbers of every token that is walked: the residual stream, and what a block adds to it.
    type Rows;
    /// Rows behind a norm; an executor may leave the norm to the product that follows.
    type Normed;
    /// What several products of one input gave.
    type Products;

    /// Lays out the embedding, `[vocab, hidden]`.
    fn lay_embedding(weight: Matrix) -> Self::Embedding;

    /// Lays out a norm.
    fn lay_norm(norm: NormWeights) -> Self::Norm;

    /// Lays out a product.
    fn lay_linear(linear: Linear) -> Self::Linear;

    /// Lays out several products of one input.
    fn lay_linears(linears: Vec<Linear>) -> Self::Linears;

    /// The embeddings of the tokens that are walked.
    fn embed(&mut self, embedding: &Self::Embedding) -> Self::Rows;

    /// `x` and what `places`, `[context, hidden]`, holds for the positions of the tokens that are walked.
    fn at_places(&mut self, x: Self::Rows, places: &Self::Embedding) -> Self::Rows;

    /// `factor * x`.
    fn scaled(&mut self, x: Self::Rows, factor: f32) -> Self::Rows;

    /// A norm of every row.
    fn norm(&mut self, x: &Self::Rows, norm: &Self::Norm) -> Self::Normed;

    /// Several products of one input.
    fn linears(&mut self, x: Self::Normed, linears: &Self::Linears) -> Self::Products;

    /// Queries, keys and values with a norm of every head of the queries, and one of every head of the keys.
    fn norm_heads(&mut self, qkv: Self::Products, norms: &[Self::Norm; 2]) -> Self::Products;

    /// Causal attention of `layer` over what it has read so far, by queries, keys and values, each alone or all side by
    /// side; queries and keys are rotated on the way. What a layer sees, and how it rotates, its configuration says.
    fn attention(&mut self, layer: usize, qkv: Self::Products) -> Self::Rows;

    /// A gated feed-forward layer without its last product: `silu(gate) * up`.
    fn swiglu(&mut self, x: Self::Normed, gate_up: &Self::Linears) -> Self::Rows;

    /// Another: `gelu(gate) * up`.
    fn geglu(&mut self, x: Self::Normed, gate_up: &Self::Linears) -> Self::Rows;

    /// A feed-forward layer without a gate and without its last product.
    fn gelu(&mut self, x: Self::Normed, up: &Self::Linears) -> Self::Rows;

    /// A product of `x`.
    fn linear(&mut self, x: Self::Rows, linear: &Self::Linear) -> Self::Rows;

    /// `added` and a norm of `x`: the way back into the residual stream, where a norm lies on it.
    fn normed_onto(&mut self, x: Self::Rows, norm: &Self::Norm, added: Self::Rows) -> Self::Rows;

    /// `added` and a product of `x`: the way back into the residual stream.
    fn linear_onto(&mut self, x: Self::Rows, linear: &Self::Linear, added: Self::Rows) -> Self::Rows;

    /// The rows that anybody asks for behind the last block: all, or the last of each prompt.
    fn wanted(&mut self, x: Self::Rows) -> Self::Rows;
}

/// One block of a decoder, around the residual stream.
pub(crate) trait Block<O: Operations>: Send + Sync {
    /// The residual stream behind the block, which is number `layer` of the decoder.
    fn forward(&self, ops: &mut O, layer: usize, x: O::Rows) -> O::Rows;
}

/// What happens to embeddings before the first block.
pub(crate) enum Embedded<O: Operations> {
    /// Nothing.
    Plain,
    /// They are multiplied by a number.
    Scaled(f32),
    /// Those of their positions are added.
    Placed(O::Embedding),
}

/// The weights of a decoder as an executor wants them.
pub(crate) struct Walk<O: Operations> {
    pub embedding: O::Embedding,
    pub embedded: Embedded<O>,
    pub blocks: Vec<Box<dyn Block<O>>>,
    pub norm: O::Norm,
}

impl<O: Operations> Walk<O> {
    /// Hidden states behind the last norm.
    pub fn hidden(&self, ops: &mut O) -> O::Normed {
        let x = self.embedded(ops);
        let x = self.through_blocks(.., ops, x, |_| ());
        self.normed(ops, x)
    }

    /// What goes into the first block.
    pub fn embedded(&self, ops: &mut O) -> O::Rows {
        let x = ops.embed(&self.embedding);
        match &self.embedded {
            Embedded::Plain => x,
            Embedded::Scaled(factor) => ops.scaled(x, *factor),
            Embedded::Placed(places) => ops.at_places(x, places),
        }
    }

    /// The residual stream behind the last of `layers`; `before` sees what goes into each.
    pub fn through_blocks(
        &self,
        layers: impl RangeBounds<usize>,
        ops: &mut O,
        mut x: O::Rows,
        mut before: impl FnMut(&O::Rows),
    ) -> O::Rows {
        for (layer, block) in self.blocks.iter().enumerate().filter(|(layer, _)| layers.contains(layer)) {
            before(&x);
            x = block.forward(ops, layer, x);
        }
        x
    }

    /// Hidden states behind the last norm, of what came out of the last block.
    pub fn normed(&self, ops: &mut O, x: O::Rows) -> O::Normed {
        let x = ops.wanted(x);
        ops.norm(&x, &self.norm)
    }
}
