//! A decoder on the CPU without tensors: weights laid out once, tokens pushed through all layers on one thread.
//!
//! For sampling, where a step is so small that tensors between operations cost more than the operations. The numbers
//! are those of [`crate::Decoder`] up to rounding.

use crate::host_linear::{HostEmbedding, HostLinear, HostLinears, Reading, numbers};
use crate::walk::{Operations, Walk};
use crate::weights::Linear;
use crate::{Decoder, DecoderConfig, Frozen, Matrix};
use burn::tensor::Tensor;
use nudge_kernels::host;
use std::sync::Arc;

/// A decoder whose weights are laid out for slices.
pub(crate) struct HostDecoder {
    pub(crate) config: DecoderConfig,
    walk: Walk<HostRows>,
    unembedding: HostLinear,
    angles: Arc<Angles>,
}

/// Cosines and sines by position, `[context, head_dim / 2]`.
struct Angles {
    half: usize,
    cos: Vec<f32>,
    sin: Vec<f32>,
}

/// Keys and values of one row.
#[derive(Clone, Default)]
pub(crate) struct HostCache {
    keys: Vec<Vec<f32>>, // one a layer, [length, kv_heads, head_dim]
    values: Vec<Vec<f32>>,
}

impl HostCache {
    pub(crate) fn new(config: &DecoderConfig, capacity: usize) -> Self {
        let room = capacity * config.num_key_value_heads * config.head_dim;
        let layers = || (0..config.num_hidden_layers).map(|_| Vec::with_capacity(room)).collect();
        Self { keys: layers(), values: layers() }
    }

    /// A copy with room for `capacity` tokens.
    pub(crate) fn copy(&self, config: &DecoderConfig, capacity: usize) -> Self {
        let mut copy = Self::new(config, capacity);
        copy.keys.iter_mut().zip(&self.keys).for_each(|(copy, keys)| copy.extend_from_slice(keys));
        copy.values.iter_mut().zip(&self.values).for_each(|(copy, values)| copy.extend_from_slice(values));
        copy
    }
}

impl HostDecoder {
    /// Reads the weights of a model on the CPU.
    pub(crate) fn new(model: &Frozen<Decoder>) -> Self {
        Self {
            config: model.config.clone(),
            walk: model.walk(),
            unembedding: HostRows::lay_linear(model.unembedding()),
            angles: Arc::new(Angles::new(&model.config)),
        }
    }

    /// Whether every product is spread over the threads, so that nothing is won by spreading rows.
    pub(crate) fn spreads_products(&self) -> bool {
        self.unembedding.is_packed()
    }

    /// Reads `tokens` into the caches, as many tokens a row as `tokens` has, all rows equally many; gives the logits
    /// behind the last token of each, `[rows, vocab]`.
    pub(crate) fn read(&self, tokens: &[u32], caches: &mut [&mut HostCache]) -> Vec<f32> {
        let mut rows = HostRows {
            tokens: tokens.to_vec(),
            caches: caches.iter_mut().map(|cache| std::mem::take(*cache)).collect(),
            angles: self.angles.clone(),
            kv_heads: self.config.num_key_value_heads,
            head_dim: self.config.head_dim,
        };
        let hidden = self.walk.hidden(&mut rows);
        caches.iter_mut().zip(rows.caches).for_each(|(cache, filled)| **cache = filled);
        self.unembedding.of(&hidden, Reading::Tokens)
    }
}

impl Angles {
    fn new(config: &DecoderConfig) -> Self {
        let half = config.head_dim / 2;
        let frequency = |i: usize| config.rope_theta.powf(-2.0 * i as f32 / config.head_dim as f32);
        let frequencies: Vec<f32> = (0..half).map(frequency).collect();
        let places = 0..config.max_position_embeddings;
        let angles: Vec<f32> =
            places.flat_map(|place| frequencies.iter().map(move |frequency| place as f32 * frequency)).collect();
        let table = |function: fn(f32) -> f32| angles.iter().copied().map(function).collect();
        Self { half, cos: table(f32::cos), sin: table(f32::sin) }
    }

    fn of(&self, position: usize) -> (&[f32], &[f32]) {
        let range = position * self.half..(position + 1) * self.half;
        (&self.cos[range.clone()], &self.sin[range])
    }
}

/// The executor: rows of equally many tokens, each with a cache of its own.
pub(crate) struct HostRows {
    tokens: Vec<u32>, // [rows, time]
    caches: Vec<HostCache>,
    angles: Arc<Angles>,
    kv_heads: usize,
    head_dim: usize,
}

/// The scale of a norm, `[width]`.
pub(crate) struct Norm {
    scale: Vec<f32>,
    eps: f32,
}

impl HostRows {
    fn reading(&self) -> Reading {
        if self.tokens.len() > self.caches.len() { Reading::Prompt } else { Reading::Tokens }
    }
}

impl Operations for HostRows {
    type Embedding = HostEmbedding;
    type Norm = Norm;
    type Linear = HostLinear;
    type Linears = HostLinears;
    type Rows = Vec<f32>; // [rows * time, width]
    type Normed = Vec<f32>;
    type Products = Vec<f32>; // side by side

    fn lay_embedding(weight: Matrix) -> HostEmbedding {
        weight.into()
    }

    fn lay_norm(weight: Tensor<2>, eps: f32) -> Norm {
        Norm { scale: numbers(weight), eps }
    }

    fn lay_linear(linear: Linear) -> HostLinear {
        linear.into()
    }

    fn lay_linears(linears: Vec<Linear>) -> HostLinears {
        linears.into()
    }

    fn embed(&mut self, embedding: &HostEmbedding) -> Vec<f32> {
        embedding.of(&self.tokens)
    }

    fn norm(&mut self, x: &Vec<f32>, norm: &Norm) -> Vec<f32> {
        let mut normed = vec![0.0; x.len()];
        host::rms_norm(x, &norm.scale, norm.eps, &mut normed);
        normed
    }

    fn linears(&mut self, x: Vec<f32>, linears: &HostLinears) -> Vec<f32> {
        linears.of(&x, self.reading())
    }

    fn attention(&mut self, layer: usize, mut qkv: Vec<f32>) -> Vec<f32> {
        let (kv_heads, head_dim) = (self.kv_heads, self.head_dim);
        let (width, kv_width) = (qkv.len() / self.tokens.len(), kv_heads * head_dim);
        let q_width = width - 2 * kv_width;
        let time = self.tokens.len() / self.caches.len();
        let mut attended = vec![0.0; self.tokens.len() * q_width];
        let mut scores = Vec::new();
        let rows = qkv.chunks_exact_mut(time * width).zip(attended.chunks_exact_mut(time * q_width));
        for ((qkv, attended), cache) in rows.zip(&mut self.caches) {
            let (keys, values) = (&mut cache.keys[layer], &mut cache.values[layer]);
            let first = keys.len() / kv_width;
            let tokens = qkv.chunks_exact_mut(width).zip(attended.chunks_exact_mut(q_width));
            for (offset, (qkv, attended)) in tokens.enumerate() {
                let (cos, sin) = self.angles.of(first + offset);
                let (q_and_k, v) = qkv.split_at_mut(q_width + kv_width);
                host::rotary(q_and_k, cos, sin);
                let (q, k) = q_and_k.split_at(q_width);
                keys.extend_from_slice(k);
                values.extend_from_slice(v);
                host::attend(q, keys, values, kv_heads, head_dim, &mut scores, attended);
            }
        }
        attended
    }

    fn swiglu(&mut self, x: Vec<f32>, gate_up: &HostLinears) -> Vec<f32> {
        let both = gate_up.of(&x, self.reading());
        let wide = gate_up.outputs() / 2;
        let mut gated = vec![0.0; both.len() / 2];
        for (both, gated) in both.chunks_exact(2 * wide).zip(gated.chunks_exact_mut(wide)) {
            host::swiglu(&both[..wide], &both[wide..], gated);
        }
        gated
    }

    fn linear_onto(&mut self, x: Vec<f32>, linear: &HostLinear, mut added: Vec<f32>) -> Vec<f32> {
        linear.onto(&x, &mut added, self.reading());
        added
    }

    fn wanted(&mut self, x: Vec<f32>) -> Vec<f32> {
        let width = x.len() / self.tokens.len();
        let rows = x.chunks_exact(x.len() / self.caches.len());
        rows.map(|row| &row[row.len() - width..]).collect::<Vec<_>>().concat()
    }
}
