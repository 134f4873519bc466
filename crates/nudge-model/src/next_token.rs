//! One token a row behind a cache: what sampling computes for a whole batch at a time.
//!
//! Products of one input are one matrix here, and a norm waits for the product behind it: on a GPU each is one launch.

use crate::walk::Operations;
use crate::weights::Linear;
use crate::whole_rows::Norm;
use burn::tensor::{Int, Tensor};
use nudge_kernels::decoding::{self, Drawn, KeyValueCache, LiveRows};

/// The executor: rows that are continued.
pub(crate) struct NextToken {
    /// One a layer, `[batch, capacity, kv_heads, head_dim]`.
    pub caches: Vec<KeyValueCache>,
    /// Tokens in the caches.
    pub filled: usize,
    /// Where each row begins in them, `[batch]`.
    pub first: Tensor<1, Int>,
    /// Cosine and sine by position, `[capacity, head_dim / 2, 2]`.
    pub angles: Tensor<3>,
    /// Rows that go on.
    pub live: LiveRows,
    /// Tokens drawn so far; the last of them are read.
    pub drawn: Drawn,
}

/// Rows whose norm is yet to come.
pub(crate) struct Unnormed {
    x: Tensor<3>, // [batch, 1, width]
    scale: Tensor<1>,
    eps: f32,
}

impl Operations for NextToken {
    type Embedding = Tensor<2>;
    type Norm = Norm;
    type Linear = Linear;
    type Linears = Linear;
    type Rows = Tensor<3>; // [batch, 1, width]
    type Normed = Unnormed;
    type Products = Tensor<3>;

    fn lay_embedding(weight: Tensor<2>) -> Tensor<2> {
        weight
    }

    fn lay_norm(weight: Tensor<2>, eps: f32) -> Norm {
        Norm::new(weight, eps)
    }

    fn lay_linear(linear: Linear) -> Linear {
        linear
    }

    fn lay_linears(linears: Vec<Linear>) -> Linear {
        Linear::beside(linears)
    }

    fn embed(&mut self, embedding: &Tensor<2>) -> Tensor<3> {
        decoding::embedding(embedding.clone(), &self.drawn, &mut self.live)
    }

    fn norm(&mut self, x: &Tensor<3>, norm: &Norm) -> Unnormed {
        Unnormed { x: x.clone(), scale: norm.weight.clone(), eps: norm.eps }
    }

    fn linears(&mut self, Unnormed { x, scale, eps }: Unnormed, linears: &Linear) -> Tensor<3> {
        linears.with_bias(decoding::normed_linear(x, scale, eps, linears.weight.clone(), &self.live))
    }

    fn attention(&mut self, layer: usize, qkv: Tensor<3>) -> Tensor<3> {
        let (first, angles) = (self.first.clone(), self.angles.clone());
        decoding::attention(qkv, first, angles, &mut self.caches[layer], self.filled, &self.live)
    }

    fn swiglu(&mut self, Unnormed { x, scale, eps }: Unnormed, gate_up: &Linear) -> Tensor<3> {
        assert!(gate_up.bias.is_none(), "a gate with a bias");
        decoding::normed_swiglu(x, scale, eps, gate_up.weight.clone(), &self.live)
    }

    fn linear_onto(&mut self, x: Tensor<3>, linear: &Linear, added: Tensor<3>) -> Tensor<3> {
        linear.with_bias(decoding::linear_onto(x, linear.weight.clone(), added, &self.live))
    }

    fn wanted(&mut self, x: Tensor<3>) -> Tensor<3> {
        x
    }
}
