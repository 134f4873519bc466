//! Whole rows of tokens as tensors: training, scoring, and reading the prompts that sampling continues.

use crate::walk::Operations;
use crate::weights::Linear;
use crate::{DecoderConfig, Matrix, TokenBatch};
use burn::tensor::Tensor;
use nudge_kernels as kernels;
use nudge_kernels::decoding::KeyValueCache;

/// The executor: rows of tokens, of which each sees its own sequence.
pub(crate) struct WholeRows {
    batch: TokenBatch,
    head_dim: usize,
    /// Where sampling goes on from the rows.
    reading: Option<Reading>,
}

/// Keys and values that are kept.
struct Reading {
    /// Room of every row.
    capacity: usize,
    caches: Vec<KeyValueCache>,
}

/// The scale of a norm, `[width]`.
pub(crate) struct Norm {
    pub weight: Tensor<1>,
    pub eps: f32,
}

impl Norm {
    /// From a matrix of one row.
    pub fn new(weight: Tensor<2>, eps: f32) -> Self {
        let [_, width] = weight.dims();
        Self { weight: weight.reshape([width]), eps }
    }
}

impl WholeRows {
    /// For hidden states of all tokens.
    pub fn all(batch: &TokenBatch, config: &DecoderConfig) -> Self {
        Self { batch: batch.clone(), head_dim: config.head_dim, reading: None }
    }

    /// For the hidden states of each row's last token, and a cache with room for `capacity` tokens a row.
    pub fn prompts(batch: &TokenBatch, config: &DecoderConfig, capacity: usize) -> Self {
        Self { reading: Some(Reading { capacity, caches: Vec::new() }), ..Self::all(batch, config) }
    }

    /// Keys and values of the prompts, one cache a layer.
    pub fn into_caches(self) -> Vec<KeyValueCache> {
        self.reading.map_or_else(Vec::new, |reading| reading.caches)
    }
}

impl Reading {
    /// Keeps keys and values, `[batch, time, kv_heads, head_dim]`.
    fn keep(&mut self, keys: &Tensor<4>, values: &Tensor<4>) {
        let [batch, time, heads, head_dim] = keys.dims();
        let with_room = |new: &Tensor<4>| {
            Tensor::zeros([batch, self.capacity, heads, head_dim], &new.device())
                .slice_assign([0..batch, 0..time, 0..heads, 0..head_dim], new.clone())
        };
        self.caches.push(KeyValueCache { keys: with_room(keys), values: with_room(values) });
    }
}

impl Operations for WholeRows {
    type Embedding = Matrix;
    type Norm = Norm;
    type Linear = Linear;
    type Linears = Vec<Linear>;
    type Rows = Tensor<3>; // [batch, time, width]
    type Normed = Tensor<3>;
    type Products = Vec<Tensor<3>>;

    fn lay_embedding(weight: Matrix) -> Matrix {
        weight
    }

    fn lay_norm(weight: Tensor<2>, eps: f32) -> Norm {
        Norm::new(weight, eps)
    }

    fn lay_linear(linear: Linear) -> Linear {
        linear
    }

    fn lay_linears(linears: Vec<Linear>) -> Vec<Linear> {
        linears
    }

    fn embed(&mut self, embedding: &Matrix) -> Tensor<3> {
        embedding.rows(self.batch.tokens.clone())
    }

    fn norm(&mut self, x: &Tensor<3>, norm: &Norm) -> Tensor<3> {
        kernels::rms_norm(x.clone(), norm.weight.clone(), norm.eps)
    }

    fn linears(&mut self, x: Tensor<3>, linears: &Vec<Linear>) -> Vec<Tensor<3>> {
        linears.iter().map(|linear| linear.of(x.clone())).collect()
    }

    fn attention(&mut self, _layer: usize, qkv: Vec<Tensor<3>>) -> Tensor<3> {
        let [batch, time] = self.batch.tokens.dims();
        let heads = qkv.into_iter().map(|part| {
            let heads = part.dims()[2] / self.head_dim;
            part.reshape([batch, time, heads, self.head_dim])
        });
        let [q, k, v] = heads.collect::<Vec<_>>().try_into().expect("queries, keys and values");
        let turned = |x| kernels::rotary(x, self.batch.cos.clone(), self.batch.sin.clone());
        let (q, k) = (turned(q), turned(k));
        if let Some(reading) = &mut self.reading {
            reading.keep(&k, &v);
        }
        let attended = kernels::causal_attention(q, k, v, self.batch.visibility.clone());
        let [_, _, heads, _] = attended.dims();
        attended.reshape([batch, time, heads * self.head_dim])
    }

    fn swiglu(&mut self, x: Tensor<3>, gate_up: &Vec<Linear>) -> Tensor<3> {
        let both = self.linears(x, gate_up);
        let [gate, up] = both.try_into().expect("a gate and what it opens");
        kernels::swiglu(gate, up)
    }

    fn linear_onto(&mut self, x: Tensor<3>, linear: &Linear, added: Tensor<3>) -> Tensor<3> {
        linear.onto(x, added)
    }

    fn wanted(&mut self, x: Tensor<3>) -> Tensor<3> {
        let [_, time, _] = x.dims();
        if self.reading.is_some() { x.narrow(1, time - 1, 1) } else { x }
    }
}
