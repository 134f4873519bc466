//! A decoder on the CPU without tensors: weights laid out once, tokens pushed through all layers.
//!
//! For sampling, where a step is so small that tensors between operations cost more than the operations. The numbers
//! are those of [`crate::Decoder`] up to rounding.

use crate::config::LayerAttention;
use crate::host_linear::{HostEmbedding, HostLinear, HostLinears, Reading, numbers};
use crate::rotary::Rotary;
use crate::walk::{Operations, Walk};
use crate::weights::{Linear, NormWeights};
use crate::{Decoder, DecoderConfig, Frozen, Matrix};
use nudge_kernels::host;
use std::ops::Range;
use std::sync::Arc;

/// A decoder whose weights are laid out for slices.
pub(crate) struct HostDecoder {
    pub(crate) config: DecoderConfig,
    walk: Walk<HostRows>,
    unembedding: HostLinear,
    layers: Arc<[Layer]>,
}

/// Tokens of a prompt that are read together, and shared by prompts that begin with them: enough that unpacking a weight
/// costs little beside multiplying it. A long prompt shares less finely and is read faster: its blocks are
/// [`LARGE_BLOCK`] tokens, behind the first so many.
pub(crate) const BLOCK: usize = 128;
const LARGE_BLOCK: usize = 512;

/// How many of a prompt's first `tokens` tokens are in whole blocks.
pub(crate) fn in_whole_blocks(tokens: usize) -> usize {
    tokens / block_at(tokens) * block_at(tokens)
}

/// Tokens of the block that begins at a place.
fn block_at(place: usize) -> usize {
    if place < LARGE_BLOCK { BLOCK } else { LARGE_BLOCK }
}

/// Rows of one item of work that is not a product.
const ROWS_OF_ITEM: usize = 16;

/// What the attention of a layer sees.
struct Layer {
    /// How many of the last tokens, the new one among them.
    window: usize,
    /// Cosines and sines by position, `[places, head_dim / 2]`, where the layer turns queries and keys.
    turn: Option<Arc<[Vec<f32>; 2]>>,
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
    /// Reads the weights of a model on the CPU, for rows of at most `longest` tokens.
    pub(crate) fn new(model: &Frozen<Decoder>, longest: usize) -> Self {
        Self {
            config: model.config.clone(),
            walk: model.walk(),
            unembedding: HostRows::lay_linear(model.unembedding()),
            layers: Layer::all(&model.config, longest).into(),
        }
    }

    /// Whether every product is spread over the threads, so that nothing is won by spreading rows.
    pub(crate) fn spreads_products(&self) -> bool {
        self.unembedding.is_packed()
    }

    /// Reads a prompt into a cache that holds its first `begun` tokens, whole blocks; gives the logits behind its last
    /// token, `[vocab]`.
    ///
    /// A block at a time, each of the same tokens whatever the prompt goes on with, so that prompts which begin alike can
    /// share what they begin with, and have the same numbers if they do not.
    pub(crate) fn read_prompt(&self, prompt: &[u32], begun: usize, cache: &mut HostCache) -> Vec<f32> {
        let whole = in_whole_blocks(prompt.len() - 1);
        self.read_blocks(prompt, begun..whole, cache);
        self.read(&prompt[whole..], &mut [cache])
    }

    /// Reads whole blocks of a prompt: the tokens at `places`.
    pub(crate) fn read_blocks(&self, prompt: &[u32], places: Range<usize>, cache: &mut HostCache) {
        let mut place = places.start;
        while place < places.end {
            let next = place + block_at(place);
            self.hidden(&prompt[place..next], &mut [&mut *cache]);
            place = next;
        }
    }

    /// Reads `tokens` into the caches, as many tokens a row as `tokens` has, all rows equally many; gives the logits
    /// behind the last token of each, `[rows, vocab]`.
    pub(crate) fn read(&self, tokens: &[u32], caches: &mut [&mut HostCache]) -> Vec<f32> {
        self.unembedding.of(&self.hidden(tokens, caches), Reading::Tokens)
    }

    /// Hidden states behind the last token of each row, `[rows, width]`.
    fn hidden(&self, tokens: &[u32], caches: &mut [&mut HostCache]) -> Vec<f32> {
        let mut rows = HostRows {
            tokens: tokens.to_vec(),
            caches: caches.iter_mut().map(|cache| std::mem::take(*cache)).collect(),
            layers: self.layers.clone(),
            kv_heads: self.config.num_key_value_heads,
            head_dim: self.config.head_dim,
        };
        let hidden = self.walk.hidden(&mut rows);
        caches.iter_mut().zip(rows.caches).for_each(|(cache, filled)| **cache = filled);
        hidden
    }
}

impl Layer {
    /// Of all layers; those that turn alike share a table.
    fn all(config: &DecoderConfig, longest: usize) -> Vec<Self> {
        let mut tables: Vec<(Rotary, Arc<[Vec<f32>; 2]>)> = Vec::new();
        let mut table = |rotary: Rotary| {
            let known = tables.iter().find(|(other, _)| *other == rotary).map(|(_, table)| table.clone());
            known.unwrap_or_else(|| {
                let table = Arc::new(rotary.cos_and_sin(longest, config.head_dim));
                tables.push((rotary, table.clone()));
                table
            })
        };
        let of = |layer: LayerAttention| Self {
            window: layer.window.unwrap_or(usize::MAX),
            turn: layer.rotary.map(&mut table),
        };
        config.layers().into_iter().map(of).collect()
    }

    /// Turns queries and keys of the token at `position`.
    fn turn(&self, queries_and_keys: &mut [f32], position: usize, head_dim: usize) {
        if let Some(turn) = &self.turn {
            let [cos, sin] = turn.each_ref().map(|table| &table[position * head_dim / 2..][..head_dim / 2]);
            host::rotary(queries_and_keys, cos, sin);
        }
    }
}

/// The executor: rows of equally many tokens, each with a cache of its own.
pub(crate) struct HostRows {
    tokens: Vec<u32>, // [rows, time]
    caches: Vec<HostCache>,
    layers: Arc<[Layer]>,
    kv_heads: usize,
    head_dim: usize,
}

/// A norm, by the root mean square or, with a bias, a LayerNorm.
pub(crate) struct Norm {
    scale: Vec<f32>, // [width]
    bias: Option<Vec<f32>>,
    eps: f32,
}

impl Norm {
    /// Every row of `x`, `[rows, width]`, normed.
    fn of(&self, x: &[f32]) -> Vec<f32> {
        match &self.bias {
            Some(bias) => {
                let mut normed = x.to_vec();
                host::layer_norm(&mut normed, &self.scale, bias, self.eps);
                normed
            }
            None => {
                let mut normed = vec![0.0; x.len()];
                host::rms_norm(x, &self.scale, self.eps, &mut normed);
                normed
            }
        }
    }
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

    fn lay_norm(NormWeights { scale, bias, eps }: NormWeights) -> Norm {
        Norm { scale: numbers(scale), bias: bias.map(numbers), eps }
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
        norm.of(x)
    }

    fn at_places(&mut self, mut x: Vec<f32>, places: &HostEmbedding) -> Vec<f32> {
        let time = (self.tokens.len() / self.caches.len()) as u32;
        let firsts = self.caches.iter().map(|cache| (cache.keys[0].len() / (self.kv_heads * self.head_dim)) as u32);
        let positions: Vec<u32> = firsts.flat_map(|first| first..first + time).collect();
        x.iter_mut().zip(places.of(&positions)).for_each(|(x, placed)| *x += placed);
        x
    }

    fn scaled(&mut self, mut x: Vec<f32>, factor: f32) -> Vec<f32> {
        x.iter_mut().for_each(|x| *x *= factor);
        x
    }

    fn linears(&mut self, x: Vec<f32>, linears: &HostLinears) -> Vec<f32> {
        linears.of(&x, self.reading())
    }

    fn norm_heads(&mut self, mut qkv: Vec<f32>, [q_norm, k_norm]: &[Norm; 2]) -> Vec<f32> {
        let width = qkv.len() / self.tokens.len();
        let kv_width = self.kv_heads * self.head_dim;
        for token in qkv.chunks_exact_mut(width) {
            let (q, k_and_v) = token.split_at_mut(width - 2 * kv_width);
            q.copy_from_slice(&q_norm.of(q));
            let k = &mut k_and_v[..kv_width];
            k.copy_from_slice(&k_norm.of(k));
        }
        qkv
    }

    fn attention(&mut self, layer: usize, mut qkv: Vec<f32>) -> Vec<f32> {
        let (kv_heads, head_dim) = (self.kv_heads, self.head_dim);
        let (width, kv_width) = (qkv.len() / self.tokens.len(), kv_heads * head_dim);
        let q_width = width - 2 * kv_width;
        let time = self.tokens.len() / self.caches.len();
        let seeing = &self.layers[layer];
        for (qkv, cache) in qkv.chunks_exact_mut(time * width).zip(&mut self.caches) {
            let first = cache.keys[layer].len() / kv_width;
            for (offset, qkv) in qkv.chunks_exact_mut(width).enumerate() {
                let (q_and_k, v) = qkv.split_at_mut(q_width + kv_width);
                seeing.turn(q_and_k, first + offset, head_dim);
                cache.keys[layer].extend_from_slice(&q_and_k[q_width..]);
                cache.values[layer].extend_from_slice(v);
            }
        }
        let mut attended = vec![0.0; self.tokens.len() * q_width];
        let rows = qkv.chunks_exact(time * width).zip(attended.chunks_exact_mut(time * q_width)).zip(&self.caches);
        host::for_each(rows.collect(), |((qkv, attended), cache): ((&[f32], &mut [f32]), &HostCache)| {
            let seen = [&cache.keys[layer][..], &cache.values[layer]];
            match time {
                1 => host::attend(&qkv[..q_width], seen, kv_heads, head_dim, seeing.window, attended),
                _ => host::attend_together(qkv, width, seen, kv_heads, head_dim, seeing.window, attended),
            }
        });
        attended
    }

    fn swiglu(&mut self, x: Vec<f32>, gate_up: &HostLinears) -> Vec<f32> {
        let both = gate_up.of(&x, self.reading());
        let wide = gate_up.outputs() / 2;
        let mut gated = vec![0.0; both.len() / 2];
        let items = both.chunks(2 * wide * ROWS_OF_ITEM).zip(gated.chunks_mut(wide * ROWS_OF_ITEM));
        host::for_each(items.collect(), |(both, gated): (&[f32], &mut [f32])| {
            for (both, gated) in both.chunks_exact(2 * wide).zip(gated.chunks_exact_mut(wide)) {
                host::swiglu(&both[..wide], &both[wide..], gated);
            }
        });
        gated
    }

    fn geglu(&mut self, x: Vec<f32>, gate_up: &HostLinears) -> Vec<f32> {
        let both = gate_up.of(&x, self.reading());
        let wide = gate_up.outputs() / 2;
        let mut gated = vec![0.0; both.len() / 2];
        for (both, gated) in both.chunks_exact(2 * wide).zip(gated.chunks_exact_mut(wide)) {
            let (gate, up) = both.split_at(wide);
            gated.copy_from_slice(gate);
            host::gelu(gated);
            gated.iter_mut().zip(up).for_each(|(gated, up)| *gated *= up);
        }
        gated
    }

    fn gelu(&mut self, x: Vec<f32>, up: &HostLinears) -> Vec<f32> {
        let mut wide = up.of(&x, self.reading());
        host::gelu(&mut wide);
        wide
    }

    fn linear(&mut self, x: Vec<f32>, linear: &HostLinear) -> Vec<f32> {
        linear.of(&x, self.reading())
    }

    fn normed_onto(&mut self, x: Vec<f32>, norm: &Norm, mut added: Vec<f32>) -> Vec<f32> {
        added.iter_mut().zip(norm.of(&x)).for_each(|(added, x)| *added += x);
        added
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
