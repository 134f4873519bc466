//! One token a row behind a cache: what sampling computes for a whole batch at a time.
//!
//! Products of one input are one matrix here, and a norm waits for the product behind it: on a GPU each is one launch.

use crate::Matrix;
use crate::walk::Operations;
use crate::weights::Linear;
use crate::whole_rows::Norm;
use burn::tensor::{Int, Tensor};
use nudge_kernels::decoding::{self, Drawn, KeyValueCache, LiveRows};
use nudge_kernels::{rms_norm, swiglu};

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

impl Unnormed {
    fn normed(self) -> Tensor<3> {
        rms_norm(self.x, self.scale, self.eps)
    }
}

/// Several products of one input.
pub(crate) enum Linears {
    /// As one, their outputs side by side.
    Beside(Linear),
    /// One after the other, where a weight is packed or has an adapter.
    Each(Vec<Linear>),
}

impl NextToken {
    /// A product behind a norm: `[batch, 1, out]`.
    pub fn unembed(&mut self, x: Unnormed, linear: &Linear) -> Tensor<3> {
        match linear.dense() {
            Some(weight) => linear.with_bias(decoding::normed_linear(x.x, x.scale, x.eps, weight.clone(), &self.live)),
            None => linear.of(x.normed()),
        }
    }
}

impl Operations for NextToken {
    type Embedding = Matrix;
    type Norm = Norm;
    type Linear = Linear;
    type Linears = Linears;
    type Rows = Tensor<3>; // [batch, 1, width]
    type Normed = Unnormed;
    type Products = Tensor<3>;

    fn lay_embedding(weight: Matrix) -> Matrix {
        weight
    }

    fn lay_norm(weight: Tensor<2>, eps: f32) -> Norm {
        Norm::new(weight, eps)
    }

    fn lay_linear(linear: Linear) -> Linear {
        linear
    }

    fn lay_linears(linears: Vec<Linear>) -> Linears {
        match Linear::beside(&linears) {
            Some(linear) => Linears::Beside(linear),
            None => Linears::Each(linears),
        }
    }

    fn embed(&mut self, embedding: &Matrix) -> Tensor<3> {
        match embedding.dense() {
            Some(embedding) => decoding::embedding(embedding.clone(), &self.drawn, &mut self.live),
            None => embedding.rows(self.drawn.tokens.clone().narrow(1, self.drawn.steps - 1, 1)),
        }
    }

    fn norm(&mut self, x: &Tensor<3>, norm: &Norm) -> Unnormed {
        Unnormed { x: x.clone(), scale: norm.weight.clone(), eps: norm.eps }
    }

    fn linears(&mut self, x: Unnormed, linears: &Linears) -> Tensor<3> {
        match linears {
            Linears::Beside(linear) => self.unembed(x, linear),
            Linears::Each(linears) => {
                let normed = x.normed();
                Tensor::cat(linears.iter().map(|linear| linear.of(normed.clone())).collect(), 2)
            }
        }
    }

    fn attention(&mut self, layer: usize, qkv: Tensor<3>) -> Tensor<3> {
        let (first, angles) = (self.first.clone(), self.angles.clone());
        decoding::attention(qkv, first, angles, &mut self.caches[layer], self.filled, &self.live)
    }

    fn swiglu(&mut self, x: Unnormed, gate_up: &Linears) -> Tensor<3> {
        if let Linears::Beside(Linear { weight: Matrix::Dense(weight), bias: None, .. }) = gate_up {
            return decoding::normed_swiglu(x.x, x.scale, x.eps, weight.clone(), &self.live);
        }
        let [gate, up] = self.linears(x, gate_up).chunk(2, 2).try_into().expect("a gate and what it opens");
        swiglu(gate, up)
    }

    fn linear_onto(&mut self, x: Tensor<3>, linear: &Linear, added: Tensor<3>) -> Tensor<3> {
        match linear.dense() {
            Some(weight) => linear.with_bias(decoding::linear_onto(x, weight.clone(), added, &self.live)),
            None => linear.onto(x, added),
        }
    }

    fn wanted(&mut self, x: Tensor<3>) -> Tensor<3> {
        x
    }
}
