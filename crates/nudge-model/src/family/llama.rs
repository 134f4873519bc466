//! Llama (Touvron et al. 2023), and what is built like it: SmolLM2, TinyLlama.

use super::{Build, Family};
use crate::DecoderConfig;
use crate::walk::{self, Operations, Walk};
use crate::weights::Source;

/// The family.
pub(crate) struct Llama;

impl Family for Llama {
    fn model_type(&self) -> &'static str {
        "llama"
    }

    fn class(&self) -> &'static str {
        "Llama"
    }

    fn fields(&self) -> &'static [(&'static str, bool)] {
        &[("attention_bias", false), ("mlp_bias", false)]
    }
}

impl<O: Operations> Build<O> for Llama {
    fn build(&self, config: &DecoderConfig, weights: &mut Source) -> Walk<O> {
        build(config, weights, false)
    }
}

/// Attention and a SwiGLU, each behind an RMSNorm.
struct Block<O: Operations> {
    input_norm: O::Norm,
    qkv_proj: O::Linears,
    o_proj: O::Linear,
    post_attention_norm: O::Norm,
    gate_up_proj: O::Linears,
    down_proj: O::Linear,
}

impl<O: Operations> walk::Block<O> for Block<O> {
    fn forward(&self, ops: &mut O, layer: usize, x: O::Rows) -> O::Rows {
        let normed = ops.norm(&x, &self.input_norm);
        let qkv = ops.linears(normed, &self.qkv_proj);
        let attended = ops.attention(layer, qkv);
        let x = ops.linear_onto(attended, &self.o_proj, x);
        let normed = ops.norm(&x, &self.post_attention_norm);
        let gated = ops.swiglu(normed, &self.gate_up_proj);
        ops.linear_onto(gated, &self.down_proj, x)
    }
}

/// A decoder of such blocks; `qkv_biased` says whether queries, keys and values have biases.
pub(super) fn build<O: Operations>(config: &DecoderConfig, weights: &mut Source, qkv_biased: bool) -> Walk<O> {
    Walk {
        embedding: weights.embedding::<O>("model.embed_tokens", [config.vocab_size, config.hidden_size]),
        blocks: (0..config.num_hidden_layers).map(|layer| block(config, weights, qkv_biased, layer)).collect(),
        norm: weights.norm::<O>("model.norm", config.hidden_size),
    }
}

fn block<O: Operations>(
    config: &DecoderConfig,
    weights: &mut Source,
    qkv_biased: bool,
    layer: usize,
) -> Box<dyn walk::Block<O>> {
    let (hidden, wide) = (config.hidden_size, config.intermediate_size);
    let queries = config.num_attention_heads * config.head_dim;
    let keys = config.num_key_value_heads * config.head_dim;
    let name = |part: &str| format!("model.layers.{layer}.{part}");
    let [q, k, v] = ["q_proj", "k_proj", "v_proj"].map(|part| name(&format!("self_attn.{part}")));
    Box::new(Block::<O> {
        input_norm: weights.norm::<O>(&name("input_layernorm"), hidden),
        qkv_proj: weights.linears::<O>(&[(q, queries), (k, keys), (v, keys)], hidden, qkv_biased),
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
