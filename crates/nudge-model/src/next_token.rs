//! One token a row behind a cache: what sampling computes for a whole batch at a time.
//!
//! Products of one input are one matrix here, and a norm waits for the product behind it: on a GPU each is one launch.

use crate::DecoderConfig;
use crate::config::LayerAttention;
use crate::rotary::{Rotary, angle_table};
use crate::walk::Operations;
use crate::weights::{Linear, NormWeights};
use crate::whole_rows::Norm;
use burn::tensor::{Device, Int, Tensor};
use nudge_kernels as kernels;
use nudge_kernels::decoding::{self, Drawn, KeyValueCache, LiveRows};

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

impl NextToken {
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

    fn lay_norm(norm: NormWeights) -> Norm {
        Norm::new(norm)
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

    fn at_places(&mut self, x: Tensor<3>, places: &Tensor<2>) -> Tensor<3> {
        let positions = self.live.positions(self.first.clone(), self.filled);
        x + kernels::embedding(places.clone(), positions)
    }

    fn scaled(&mut self, x: Tensor<3>, factor: f32) -> Tensor<3> {
        x.mul_scalar(factor)
    }

    fn norm(&mut self, x: &Tensor<3>, norm: &Norm) -> Unnormed {
        Unnormed { x: x.clone(), norm: norm.clone() }
    }

    fn linears(&mut self, Unnormed { x, norm }: Unnormed, linears: &Linear) -> Tensor<3> {
        if norm.bias.is_some() {
            return linears.of(norm.of(x));
        }
        linears.with_bias(decoding::normed_linear(x, norm.weight, norm.eps, linears.weight.clone(), &self.live))
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

    fn swiglu(&mut self, Unnormed { x, norm }: Unnormed, gate_up: &Linear) -> Tensor<3> {
        assert!(gate_up.bias.is_none() && norm.bias.is_none(), "a gate with a bias");
        decoding::normed_swiglu(x, norm.weight, norm.eps, gate_up.weight.clone(), &self.live)
    }

    fn geglu(&mut self, x: Unnormed, gate_up: &Linear) -> Tensor<3> {
        let [gate, up] = self.linears(x, gate_up).chunk(2, 2).try_into().expect("two halves");
        kernels::geglu(gate, up)
    }

    fn gelu(&mut self, x: Unnormed, up: &Linear) -> Tensor<3> {
        kernels::gelu(self.linears(x, up))
    }

    fn linear(&mut self, x: Tensor<3>, linear: &Linear) -> Tensor<3> {
        linear.of(x)
    }

    fn normed_onto(&mut self, x: Tensor<3>, norm: &Norm, added: Tensor<3>) -> Tensor<3> {
        added + norm.of(x)
    }

    fn linear_onto(&mut self, x: Tensor<3>, linear: &Linear, added: Tensor<3>) -> Tensor<3> {
        linear.with_bias(decoding::linear_onto(x, linear.weight.clone(), added, &self.live))
    }

    fn wanted(&mut self, x: Tensor<3>) -> Tensor<3> {
        x
    }
}
