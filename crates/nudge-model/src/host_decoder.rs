//! A decoder on the CPU without tensors: weights laid out once, tokens pushed through all layers on one thread.
//!
//! For sampling, where a step is so small that tensors between operations cost more than the operations. The numbers
//! are those of [`crate::Decoder`] up to rounding. Deliberately absent: gradients, other devices.

use crate::{Decoder, DecoderConfig, Frozen};
use burn::tensor::Tensor;
use nudge_kernels::host::{self, PackedMatrix};

/// Weights in the layout of the products.
pub(crate) struct HostDecoder {
    pub(crate) config: DecoderConfig,
    embed_tokens: Vec<f32>, // [vocab, hidden]
    layers: Vec<HostLayer>,
    norm: Vec<f32>,
    unembedding: PackedMatrix,
    cos: Vec<f32>, // [context, head_dim / 2]
    sin: Vec<f32>,
}

struct HostLayer {
    input_norm: Vec<f32>,
    qkv_proj: PackedMatrix,
    o_proj: PackedMatrix,
    post_attention_norm: Vec<f32>,
    gate_up_proj: PackedMatrix,
    down_proj: PackedMatrix,
}

/// Keys and values of one row.
#[derive(Clone)]
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
        let config = model.config.clone();
        let hidden = config.hidden_size;
        let embed_tokens = numbers(&model.embed_tokens);
        let unembedding = model.lm_head.as_ref().map(numbers);
        let unembedding = PackedMatrix::new(&[unembedding.as_ref().unwrap_or(&embed_tokens)], hidden);
        let half = config.head_dim / 2;
        let frequency = |i: usize| config.rope_theta.powf(-2.0 * i as f32 / config.head_dim as f32);
        let frequencies: Vec<f32> = (0..half).map(frequency).collect();
        let places = 0..config.max_position_embeddings;
        let angles: Vec<f32> =
            places.flat_map(|place| frequencies.iter().map(move |frequency| place as f32 * frequency)).collect();
        Self {
            layers: model.layers.iter().map(|layer| HostLayer::new(layer, &config)).collect(),
            norm: numbers(&model.norm),
            unembedding,
            cos: angles.iter().map(|angle| angle.cos()).collect(),
            sin: angles.iter().map(|angle| angle.sin()).collect(),
            embed_tokens,
            config,
        }
    }

    /// Reads `tokens` into the caches, as many tokens a row as `tokens` has, all rows equally many; gives the logits
    /// behind the last token of each, `[rows, vocab]`.
    pub(crate) fn read(&self, tokens: &[u32], caches: &mut [&mut HostCache]) -> Vec<f32> {
        let hidden = self.config.hidden_size;
        let time = tokens.len() / caches.len();
        let mut x: Vec<f32> = Vec::with_capacity(tokens.len() * hidden);
        for token in tokens {
            let start = *token as usize * hidden;
            x.extend_from_slice(&self.embed_tokens[start..start + hidden]);
        }
        for (index, layer) in self.layers.iter().enumerate() {
            self.attention(index, layer, &mut x, time, caches);
            self.feed_forward(layer, &mut x);
        }
        let last: Vec<f32> =
            x.chunks_exact(time * hidden).flat_map(|row| row[(time - 1) * hidden..].to_vec()).collect();
        let mut normed = vec![0.0; last.len()];
        host::rms_norm(&last, &self.norm, self.config.rms_norm_eps, &mut normed);
        let mut logits = vec![0.0; caches.len() * self.unembedding.outputs()];
        self.unembedding.multiply(&normed, &mut logits, false);
        logits
    }

    /// Adds what the tokens attend to, `x: [rows, time, hidden]`.
    fn attention(&self, index: usize, layer: &HostLayer, x: &mut [f32], time: usize, caches: &mut [&mut HostCache]) {
        let config = &self.config;
        let (q_width, kv_width) =
            (config.num_attention_heads * config.head_dim, config.num_key_value_heads * config.head_dim);
        let places = x.len() / config.hidden_size;
        let mut normed = vec![0.0; x.len()];
        host::rms_norm(x, &layer.input_norm, config.rms_norm_eps, &mut normed);
        let mut qkv = vec![0.0; places * (q_width + 2 * kv_width)];
        layer.qkv_proj.multiply(&normed, &mut qkv, false);
        let mut attended = vec![0.0; places * q_width];
        let mut scores = Vec::new();
        let rows = qkv.chunks_exact_mut(time * (q_width + 2 * kv_width)).zip(attended.chunks_exact_mut(time * q_width));
        for ((qkv, attended), cache) in rows.zip(caches) {
            let first = cache.keys[index].len() / kv_width;
            let tokens = qkv.chunks_exact_mut(q_width + 2 * kv_width).zip(attended.chunks_exact_mut(q_width));
            for (offset, (qkv, attended)) in tokens.enumerate() {
                let (cos, sin) = self.angles(first + offset);
                let (q_and_k, v) = qkv.split_at_mut(q_width + kv_width);
                host::rotary(q_and_k, cos, sin);
                let (keys, values) = (&mut cache.keys[index], &mut cache.values[index]);
                keys.extend_from_slice(&q_and_k[q_width..]);
                values.extend_from_slice(v);
                let (kv_heads, head_dim) = (config.num_key_value_heads, config.head_dim);
                host::attend(&q_and_k[..q_width], keys, values, kv_heads, head_dim, &mut scores, attended);
            }
        }
        layer.o_proj.multiply(&attended, x, true);
    }

    fn feed_forward(&self, layer: &HostLayer, x: &mut [f32]) {
        let (hidden, wide) = (self.config.hidden_size, self.config.intermediate_size);
        let places = x.len() / hidden;
        let mut normed = vec![0.0; x.len()];
        host::rms_norm(x, &layer.post_attention_norm, self.config.rms_norm_eps, &mut normed);
        let mut gate_up = vec![0.0; places * 2 * wide];
        layer.gate_up_proj.multiply(&normed, &mut gate_up, false);
        let mut gated = vec![0.0; places * wide];
        for (gate_up, gated) in gate_up.chunks_exact(2 * wide).zip(gated.chunks_exact_mut(wide)) {
            host::swiglu(&gate_up[..wide], &gate_up[wide..], gated);
        }
        layer.down_proj.multiply(&gated, x, true);
    }

    fn angles(&self, position: usize) -> (&[f32], &[f32]) {
        let half = self.config.head_dim / 2;
        let range = position * half..(position + 1) * half;
        (&self.cos[range.clone()], &self.sin[range])
    }
}

impl HostLayer {
    fn new(layer: &crate::decoder::Layer, config: &DecoderConfig) -> Self {
        let pack = |weights: &[&Tensor<2>], inputs: usize| {
            let weights: Vec<Vec<f32>> = weights.iter().map(|weight| numbers(weight)).collect();
            PackedMatrix::new(&weights.iter().map(Vec::as_slice).collect::<Vec<_>>(), inputs)
        };
        let hidden = config.hidden_size;
        Self {
            input_norm: numbers(&layer.input_norm),
            qkv_proj: pack(&[&layer.q_proj, &layer.k_proj, &layer.v_proj], hidden),
            o_proj: pack(&[&layer.o_proj], config.num_attention_heads * config.head_dim),
            post_attention_norm: numbers(&layer.post_attention_norm),
            gate_up_proj: pack(&[&layer.gate_proj, &layer.up_proj], hidden),
            down_proj: pack(&[&layer.down_proj], config.intermediate_size),
        }
    }
}

/// Elements of a parameter on the CPU.
// Reading blocks and panics in a browser where a GPU holds the numbers; here they are in this process's own memory.
#[allow(clippy::disallowed_methods)]
fn numbers(parameter: &Tensor<2>) -> Vec<f32> {
    let data = parameter.to_data();
    data.try_to_vec().unwrap_or_else(|error| panic!("a parameter on the CPU is not f32: {error:?}"))
}
