//! Whole rows of tokens as tensors: training, scoring, and reading the prompts that sampling continues.

use crate::walk::Operations;
use crate::weights::{Linear, NormWeights};
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

/// A norm, by the root mean square or, with a bias, a LayerNorm.
#[derive(Clone)]
pub(crate) struct Norm {
    /// `[width]`.
    pub weight: Tensor<1>,
    /// `[width]`.
    pub bias: Option<Tensor<1>>,
    pub eps: f32,
}

impl Norm {
    /// From matrices of one row.
    pub fn new(NormWeights { scale, bias, eps }: NormWeights) -> Self {
        let [_, width] = scale.dims();
        Self { weight: scale.reshape([width]), bias: bias.map(|bias| bias.reshape([width])), eps }
    }

    /// Every row of `x`, `[batch, time, width]`, normed.
    pub fn of(&self, x: Tensor<3>) -> Tensor<3> {
        match &self.bias {
            Some(bias) => kernels::layer_norm(x, self.weight.clone(), bias.clone(), self.eps),
            None => kernels::rms_norm(x, self.weight.clone(), self.eps),
        }
    }

    /// Every head of `x`, `[batch, time, heads * width]`, normed.
    pub fn of_heads(&self, x: Tensor<3>) -> Tensor<3> {
        let ([batch, time, all], [width]) = (x.dims(), self.weight.dims());
        self.of(x.reshape([batch, time * all / width, width])).reshape([batch, time, all])
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

    /// Queries, keys or values of the computed tokens as those of rows, `[batch, time, heads, head_dim]`.
    fn as_rows(&self, part: Tensor<4>) -> Tensor<4> {
        let Some(shared) = &self.batch.shared else { return part };
        let [_, distinct, heads, head_dim] = part.dims();
        let rows = shared.spread(part.reshape([1, distinct, heads * head_dim]));
        let [batch, time, _] = rows.dims();
        rows.reshape([batch, time, heads, head_dim])
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

    fn lay_norm(norm: NormWeights) -> Norm {
        Norm::new(norm)
    }

    fn lay_linear(linear: Linear) -> Linear {
        linear
    }

    fn lay_linears(linears: Vec<Linear>) -> Vec<Linear> {
        linears
    }

    fn embed(&mut self, embedding: &Matrix) -> Tensor<3> {
        embedding.rows(self.batch.computed_tokens())
    }

    fn norm(&mut self, x: &Tensor<3>, norm: &Norm) -> Tensor<3> {
        norm.of(x.clone())
    }

    fn at_places(&mut self, x: Tensor<3>, places: &Matrix) -> Tensor<3> {
        x + places.rows(self.batch.positions())
    }

    fn scaled(&mut self, x: Tensor<3>, factor: f32) -> Tensor<3> {
        x.mul_scalar(factor)
    }

    fn linears(&mut self, x: Tensor<3>, linears: &Vec<Linear>) -> Vec<Tensor<3>> {
        linears.iter().map(|linear| linear.of(x.clone())).collect()
    }

    fn norm_heads(&mut self, mut qkv: Vec<Tensor<3>>, norms: &[Norm; 2]) -> Vec<Tensor<3>> {
        for (part, norm) in qkv.iter_mut().zip(norms) {
            part.inplace(|part| norm.of_heads(part));
        }
        qkv
    }

    fn attention(&mut self, layer: usize, mut qkv: Vec<Tensor<3>>) -> Tensor<3> {
        let [batch, time] = self.batch.computed();
        if qkv.len() == 1 {
            qkv = qkv.remove(0).chunk(3, 2);
        }
        let heads = qkv.into_iter().map(|part| {
            let heads = part.dims()[2] / self.head_dim;
            part.reshape([batch, time, heads, self.head_dim])
        });
        let [q, k, v] = heads.collect::<Vec<_>>().try_into().expect("queries, keys and values");
        let (q, k) = match self.batch.turn(layer) {
            Some([cos, sin]) => (kernels::rotary(q, cos.clone(), sin.clone()), kernels::rotary(k, cos, sin)),
            None => (q, k),
        };
        let [q, k, v] = [q, k, v].map(|part| self.as_rows(part));
        if let Some(reading) = &mut self.reading {
            reading.keep(&k, &v);
        }
        let attended = kernels::causal_attention(q, k, v, self.batch.visibility(layer));
        let [batch, time, heads, _] = attended.dims();
        let attended = attended.reshape([batch, time, heads * self.head_dim]);
        match &self.batch.shared {
            Some(shared) => shared.gather(attended),
            None => attended,
        }
    }

    fn swiglu(&mut self, x: Tensor<3>, gate_up: &Vec<Linear>) -> Tensor<3> {
        let both = self.linears(x, gate_up);
        let [gate, up] = both.try_into().expect("a gate and what it opens");
        kernels::swiglu(gate, up)
    }

    fn geglu(&mut self, x: Tensor<3>, gate_up: &Vec<Linear>) -> Tensor<3> {
        let both = self.linears(x, gate_up);
        let [gate, up] = both.try_into().expect("a gate and what it opens");
        kernels::geglu(gate, up)
    }

    fn gelu(&mut self, x: Tensor<3>, up: &Vec<Linear>) -> Tensor<3> {
        let [wide] = self.linears(x, up).try_into().expect("one product");
        kernels::gelu(wide)
    }

    fn linear(&mut self, x: Tensor<3>, linear: &Linear) -> Tensor<3> {
        linear.of(x)
    }

    fn normed_onto(&mut self, x: Tensor<3>, norm: &Norm, added: Tensor<3>) -> Tensor<3> {
        added + norm.of(x)
    }

    fn linear_onto(&mut self, x: Tensor<3>, linear: &Linear, added: Tensor<3>) -> Tensor<3> {
        linear.onto(x, added)
    }

    fn wanted(&mut self, x: Tensor<3>) -> Tensor<3> {
        let x = match &self.batch.shared {
            Some(shared) => shared.spread(x),
            None => x,
        };
        let [_, time, _] = x.dims();
        if self.reading.is_some() { x.narrow(1, time - 1, 1) } else { x }
    }
}
