//! One token a row behind a cache: what sampling computes for a whole batch at a time.
//!
//! Products of one input are one matrix here, and a norm waits for the product behind it: on a GPU each is one launch.

use crate::config::LayerAttention;
use crate::rotary::{Rotary, angle_table};
use crate::walk::Operations;
use crate::weights::{Linear, NormWeights};
use crate::whole_rows::Norm;
use crate::{DecoderConfig, Matrix};
use burn::tensor::{Device, Int, Tensor};
use nudge_kernels::decoding::{self, Drawn, KeyValueCache, LiveRows};
use nudge_kernels::{self as kernels, PackedWeight};

/// The executor: rows that are continued.
pub(crate) struct NextToken {
    /// One a layer, `[batch, capacity, kv_heads, head_dim]`.
    pub caches: Vec<KeyValueCache>,
    /// Tokens in the caches.
    pub filled: usize,
    /// Where each row begins in them, `[batch]`.
    pub first: Tensor<1, Int>,
    /// What each layer sees.
    pub layers: Vec<Layer>,
    /// Rows that go on.
    pub live: LiveRows,
    /// Tokens drawn so far; the last of them are read.
    pub drawn: Drawn,
}

/// What the attention of a layer sees.
pub(crate) struct Layer {
    /// Cosine and sine by position, `[capacity, head_dim / 2, 2]`.
    angles: Tensor<3>,
    /// How many of the last tokens, the new one among them.
    window: usize,
}

impl Layer {
    /// Of all layers; those that turn alike share a table.
    pub fn all(config: &DecoderConfig, capacity: usize, device: &Device) -> Vec<Self> {
        let mut tables: Vec<(Option<Rotary>, Tensor<3>)> = Vec::new();
        let mut of = |LayerAttention { rotary, window }: LayerAttention| {
            let known = tables.iter().find(|(other, _)| *other == rotary).map(|(_, table)| table.clone());
            let angles = known.unwrap_or_else(|| {
                let table = angle_table(rotary, capacity, config.head_dim, device);
                tables.push((rotary, table.clone()));
                table
            });
            Self { angles, window: window.unwrap_or(usize::MAX) }
        };
        config.layers().into_iter().map(&mut of).collect()
    }
}

/// Rows whose norm is yet to come.
pub(crate) struct Unnormed {
    x: Tensor<3>, // [batch, 1, width]
    norm: Norm,
}

impl Unnormed {
    fn normed(self) -> Tensor<3> {
        self.norm.of(self.x)
    }
}

/// Several products of one input.
pub(crate) enum Linears {
    /// As one, their outputs side by side.
    Beside(Box<Linear>),
    /// One after the other, where a weight is packed or has an adapter.
    Each(Vec<Linear>),
}

impl NextToken {
    /// A product behind a norm: `[batch, 1, out]`.
    pub fn unembed(&mut self, x: Unnormed, linear: &Linear) -> Tensor<3> {
        let Unnormed { x, norm } = x;
        match (linear.dense(), &norm.bias) {
            (Some(weight), None) => {
                linear.with_bias(decoding::normed_linear(x, norm.weight, norm.eps, weight.clone(), &self.live))
            }
            _ => linear.of(norm.of(x)),
        }
    }

    /// Queries, keys and values as one tensor each.
    fn parts(&self, qkv: Tensor<3>) -> [Tensor<3>; 3] {
        let [_, _, kv_heads, head_dim] = self.caches[0].keys.dims();
        let ([_, _, width], kv_width) = (qkv.dims(), kv_heads * head_dim);
        let q_width = width - 2 * kv_width;
        [(0, q_width), (q_width, kv_width), (q_width + kv_width, kv_width)]
            .map(|(from, width)| qkv.clone().narrow(2, from, width))
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

    fn lay_norm(norm: NormWeights) -> Norm {
        Norm::new(norm)
    }

    fn lay_linear(linear: Linear) -> Linear {
        linear
    }

    fn lay_linears(linears: Vec<Linear>) -> Linears {
        match Linear::beside(&linears) {
            Some(linear) => Linears::Beside(linear.into()),
            None => Linears::Each(linears),
        }
    }

    fn embed(&mut self, embedding: &Matrix) -> Tensor<3> {
        match embedding.dense() {
            Some(embedding) => decoding::embedding(embedding.clone(), &self.drawn, &mut self.live),
            None => embedding.rows(self.drawn.tokens.clone().narrow(1, self.drawn.steps - 1, 1)),
        }
    }

    fn at_places(&mut self, x: Tensor<3>, places: &Matrix) -> Tensor<3> {
        x + places.rows(self.live.positions(self.first.clone(), self.filled))
    }

    fn scaled(&mut self, x: Tensor<3>, factor: f32) -> Tensor<3> {
        x.mul_scalar(factor)
    }

    fn norm(&mut self, x: &Tensor<3>, norm: &Norm) -> Unnormed {
        Unnormed { x: x.clone(), norm: norm.clone() }
    }

    fn linears(&mut self, x: Unnormed, linears: &Linears) -> Tensor<3> {
        match linears {
            Linears::Beside(linear) => self.unembed(x, linear),
            Linears::Each(linears) => {
                let normed = x.normed();
                match linears.iter().map(Linear::packed).collect::<Option<Vec<_>>>() {
                    Some(weights) => PackedWeight::linears(normed, &weights),
                    None => Tensor::cat(linears.iter().map(|linear| linear.of(normed.clone())).collect(), 2),
                }
            }
        }
    }

    fn norm_heads(&mut self, qkv: Tensor<3>, [q_norm, k_norm]: &[Norm; 2]) -> Tensor<3> {
        let [q, k, v] = self.parts(qkv);
        Tensor::cat(vec![q_norm.of_heads(q), k_norm.of_heads(k), v], 2)
    }

    fn attention(&mut self, layer: usize, qkv: Tensor<3>) -> Tensor<3> {
        let (first, Layer { angles, window }) = (self.first.clone(), &self.layers[layer]);
        let cache = &mut self.caches[layer];
        decoding::attention_within(qkv, first, angles.clone(), cache, self.filled, &self.live, *window)
    }

    fn swiglu(&mut self, x: Unnormed, gate_up: &Linears) -> Tensor<3> {
        let Norm { weight: scale, bias, eps } = &x.norm;
        if let (Linears::Beside(linear), None) = (gate_up, bias)
            && let Linear { weight: Matrix::Dense(weight), bias: None, .. } = linear.as_ref()
        {
            return decoding::normed_swiglu(x.x, scale.clone(), *eps, weight.clone(), &self.live);
        }
        let [gate, up] = self.linears(x, gate_up).chunk(2, 2).try_into().expect("a gate and what it opens");
        kernels::swiglu(gate, up)
    }

    fn geglu(&mut self, x: Unnormed, gate_up: &Linears) -> Tensor<3> {
        let [gate, up] = self.linears(x, gate_up).chunk(2, 2).try_into().expect("a gate and what it opens");
        kernels::geglu(gate, up)
    }

    fn gelu(&mut self, x: Unnormed, up: &Linears) -> Tensor<3> {
        kernels::gelu(self.linears(x, up))
    }

    fn linear(&mut self, x: Tensor<3>, linear: &Linear) -> Tensor<3> {
        linear.of(x)
    }

    fn normed_onto(&mut self, x: Tensor<3>, norm: &Norm, added: Tensor<3>) -> Tensor<3> {
        added + norm.of(x)
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
