//! Llama (Touvron et al. 2023), and what is built like it: SmolLM2, TinyLlama.

use super::{Build, Family};
use crate::DecoderConfig;
use crate::walk::{self, Embedded, Operations, Walk};
use crate::weights::Source;
use serde_json::Value;

/// The family.
pub(crate) struct Llama;

impl Family for Llama {
    fn model_type(&self) -> &'static str {
        "llama"
    }

    fn architecture(&self, head: &str) -> String {
        format!("Llama{head}")
    }

    fn fields(&self) -> Vec<(&'static str, Value)> {
        vec![("attention_bias", false.into()), ("mlp_bias", false.into()), ("hidden_act", "silu".into())]
    }

    fn parameters(&self, config: &DecoderConfig) -> u64 {
        parameters(config, 0)
    }
}

impl<O: Operations> Build<O> for Llama {
    fn build(&self, config: &DecoderConfig, weights: &mut Source) -> Walk<O> {
        build(config, weights, Parts::default())
    }
}

/// What a family may add to the block.
#[derive(Clone, Copy, Default)]
pub(super) struct Parts {
    /// Biases of queries, keys and values.
    pub qkv_biased: bool,
    /// Norms of every head of the queries and of the keys.
    pub heads_normed: bool,
}

/// Attention and a SwiGLU, each behind an RMSNorm.
struct Block<O: Operations> {
    input_norm: O::Norm,
    qkv_proj: O::Linears,
    /// Of queries and keys.
    head_norms: Option<[O::Norm; 2]>,
    o_proj: O::Linear,
    post_attention_norm: O::Norm,
    gate_up_proj: O::Linears,
    down_proj: O::Linear,
}

impl<O: Operations> walk::Block<O> for Block<O> {
    fn forward(&self, ops: &mut O, layer: usize, x: O::Rows) -> O::Rows {
        let normed = ops.norm(&x, &self.input_norm);
        let mut qkv = ops.linears(normed, &self.qkv_proj);
        if let Some(norms) = &self.head_norms {
            qkv = ops.norm_heads(qkv, norms);
        }
        let attended = ops.attention(layer, qkv);
        let x = ops.linear_onto(attended, &self.o_proj, x);
        let normed = ops.norm(&x, &self.post_attention_norm);
        let gated = ops.swiglu(normed, &self.gate_up_proj);
        ops.linear_onto(gated, &self.down_proj, x)
    }
}

/// A decoder of such blocks.
pub(super) fn build<O: Operations>(config: &DecoderConfig, weights: &mut Source, parts: Parts) -> Walk<O> {
    Walk {
        embedding: weights.embedding::<O>("model.embed_tokens", [config.vocab_size, config.hidden_size]),
        embedded: Embedded::Plain,
        blocks: (0..config.num_hidden_layers).map(|layer| block(config, weights, parts, layer)).collect(),
        norm: weights.norm::<O>("model.norm", config.hidden_size),
    }
}

/// Numbers of all its weights; each block has `more` than Llama's.
pub(super) fn parameters(config: &DecoderConfig, more: u64) -> u64 {
    let [vocab, hidden, wide, layers, head_dim] =
        [config.vocab_size, config.hidden_size, config.intermediate_size, config.num_hidden_layers, config.head_dim]
            .map(|size| size as u64);
    let heads = config.num_attention_heads as u64 + config.num_key_value_heads as u64;
    let block = 2 * hidden * head_dim * heads + 3 * hidden * wide + 2 * hidden + more;
    let embeddings = vocab * hidden * if config.tie_word_embeddings { 1 } else { 2 };
    embeddings + layers * block + hidden
}

fn block<O: Operations>(
    config: &DecoderConfig,
    weights: &mut Source,
    parts: Parts,
    layer: usize,
) -> Box<dyn walk::Block<O>> {
    let (hidden, wide) = (config.hidden_size, config.intermediate_size);
    let queries = config.num_attention_heads * config.head_dim;
    let keys = config.num_key_value_heads * config.head_dim;
    let name = |part: &str| format!("model.layers.{layer}.{part}");
    let [q, k, v] = ["q_proj", "k_proj", "v_proj"].map(|part| name(&format!("self_attn.{part}")));
    Box::new(Block::<O> {
        input_norm: weights.norm::<O>(&name("input_layernorm"), hidden),
        qkv_proj: weights.linears::<O>(&[(q, queries), (k, keys), (v, keys)], hidden, parts.qkv_biased),
        head_norms: parts.heads_normed.then(|| {
            ["q_norm", "k_norm"].map(|part| weights.norm::<O>(&name(&format!("self_attn.{part}")), config.head_dim))
        }),
        o_proj: weights.linear_onto::<O>(&name("self_attn.o_proj"), [hidden, queries]),
        post_attention_norm: weights.norm::<O>(&name("post_attention_layernorm"), hidden),
        gate_up_proj: weights.linears::<O>(
            &[(name("mlp.gate_proj"), wide), (name("mlp.up_proj"), wide)],
            hidden,
            false,
        ),
        down_proj: weights.linear_onto::<O>(&name("mlp.down_proj"), [hidden, wide]),
    })
}
