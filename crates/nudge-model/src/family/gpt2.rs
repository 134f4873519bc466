//! GPT-2 (Radford et al. 2019): LayerNorm, one product for queries, keys and values, a plain GELU, biases everywhere, and
//! positions that are learnt.
//!
//! Its matrices are stored as `[in, out]`, all others as `[out, in]`: they are turned where files are read and written
//! ([`is_turned`]).

use super::{Build, Family};
use crate::config::LayerAttention;
use crate::walk::{self, Embedded, Operations, Walk};
use crate::weights::Source;
use crate::{DecoderConfig, ModelError};
use serde_json::{Map, Value};

/// The family.
pub(crate) struct Gpt2;

/// Its words for fields that families share, each with theirs.
const WORDS: [(&str, &str); 6] = [
    ("n_embd", "hidden_size"),
    ("n_layer", "num_hidden_layers"),
    ("n_head", "num_attention_heads"),
    ("n_positions", "max_position_embeddings"),
    ("n_inner", "intermediate_size"),
    ("layer_norm_epsilon", "rms_norm_eps"),
];

impl Family for Gpt2 {
    fn model_type(&self) -> &'static str {
        "gpt2"
    }

    fn architecture(&self, head: &str) -> String {
        match head {
            "ForCausalLM" => "GPT2LMHeadModel".into(),
            head => format!("GPT2{head}"),
        }
    }

    fn fields(&self) -> Vec<(&'static str, Value)> {
        vec![
            ("activation_function", "gelu_new".into()),
            ("scale_attn_weights", true.into()),
            ("scale_attn_by_inverse_layer_idx", false.into()),
            ("add_cross_attention", false.into()),
        ]
    }

    fn own_fields(&self) -> &'static [&'static str] {
        &["resid_pdrop", "embd_pdrop", "attn_pdrop"]
    }

    fn word(&self, shared: &str) -> String {
        WORDS.into_iter().find(|(_, other)| *other == shared).map_or(shared, |(own, _)| own).to_owned()
    }

    fn read(&self, fields: &mut Map<String, Value>) -> Result<(), ModelError> {
        fields.retain(|_, field| !field.is_null());
        for (own, shared) in WORDS {
            if let Some(value) = fields.remove(own) {
                fields.insert(shared.into(), value);
            }
        }
        if let Some(width) = fields.get("hidden_size").and_then(Value::as_u64) {
            fields.entry("intermediate_size").or_insert(width.saturating_mul(4).into());
        }
        fields.entry("rms_norm_eps").or_insert(1e-5.into());
        fields.entry("tie_word_embeddings").or_insert(true.into());
        // Heads share the width, and each has keys of its own.
        fields.retain(|field, _| !["num_key_value_heads", "head_dim"].contains(&field.as_str()));
        Ok(())
    }

    fn write(&self, fields: &mut Map<String, Value>) {
        for (own, shared) in WORDS {
            if let Some(value) = fields.remove(shared) {
                fields.insert(own.into(), value);
            }
        }
        for foreign in ["num_key_value_heads", "head_dim", "rope_theta", "rope_scaling", "attention_dropout"] {
            fields.remove(foreign);
        }
    }

    fn attention(&self, config: &DecoderConfig) -> Result<Vec<LayerAttention>, ModelError> {
        let (hidden, heads) = (config.hidden_size, config.num_attention_heads);
        if hidden != heads * config.head_dim {
            return Err(ModelError::Unsupported(format!("n_embd {hidden} is not a multiple of n_head {heads}")));
        }
        Ok(vec![LayerAttention { rotary: None, window: None }; config.num_hidden_layers])
    }

    fn parameters(&self, config: &DecoderConfig) -> u64 {
        let [vocab, hidden, wide, layers, places] = [
            config.vocab_size,
            config.hidden_size,
            config.intermediate_size,
            config.num_hidden_layers,
            config.max_position_embeddings,
        ]
        .map(|size| size as u64);
        let matrices = 4 * hidden * hidden + 2 * hidden * wide;
        let biases = 4 * hidden + wide + hidden;
        let embeddings = vocab * hidden * if config.tie_word_embeddings { 1 } else { 2 };
        embeddings + places * hidden + layers * (matrices + biases + 4 * hidden) + 2 * hidden
    }
}

/// What all names begin with, but those of files of the base model alone.
const PREFIX: &str = "transformer.";

/// The name of a tensor of such a file with its beginning.
pub(super) fn newer_name(name: &str) -> Option<String> {
    let parts = ["h.", "wte.", "wpe.", "ln_f."];
    parts.iter().any(|part| name.starts_with(part)).then(|| format!("{PREFIX}{name}"))
}

/// Whether files hold the matrix of this name as `[in, out]`.
pub(super) fn is_turned(name: &str) -> bool {
    let matrices = ["attn.c_attn.weight", "attn.c_proj.weight", "mlp.c_fc.weight", "mlp.c_proj.weight"];
    name.starts_with("transformer.h.") && matrices.iter().any(|matrix| name.ends_with(matrix))
}

/// Whether this is the scale of a norm, which files hold as a vector.
pub(super) fn is_norm(name: &str) -> bool {
    name.starts_with(PREFIX) && ["ln_1.weight", "ln_2.weight", "ln_f.weight"].iter().any(|norm| name.ends_with(norm))
}

/// Attention and a GELU, each behind a LayerNorm.
struct Block<O: Operations> {
    attention_norm: O::Norm,
    qkv_proj: O::Linears,
    o_proj: O::Linear,
    feedforward_norm: O::Norm,
    up_proj: O::Linears,
    down_proj: O::Linear,
}

impl<O: Operations> walk::Block<O> for Block<O> {
    fn forward(&self, ops: &mut O, layer: usize, x: O::Rows) -> O::Rows {
        let normed = ops.norm(&x, &self.attention_norm);
        let qkv = ops.linears(normed, &self.qkv_proj);
        let attended = ops.attention(layer, qkv);
        let x = ops.linear_onto(attended, &self.o_proj, x);
        let normed = ops.norm(&x, &self.feedforward_norm);
        let wide = ops.gelu(normed, &self.up_proj);
        ops.linear_onto(wide, &self.down_proj, x)
    }
}

impl<O: Operations> Build<O> for Gpt2 {
    fn build(&self, config: &DecoderConfig, weights: &mut Source) -> Walk<O> {
        let (hidden, places) = (config.hidden_size, config.max_position_embeddings);
        Walk {
            embedding: weights.embedding::<O>("transformer.wte", [config.vocab_size, hidden]),
            embedded: Embedded::Placed(weights.embedding::<O>("transformer.wpe", [places, hidden])),
            blocks: (0..config.num_hidden_layers).map(|layer| block(config, weights, layer)).collect(),
            norm: weights.layer_norm::<O>("transformer.ln_f", hidden),
        }
    }
}

fn block<O: Operations>(config: &DecoderConfig, weights: &mut Source, layer: usize) -> Box<dyn walk::Block<O>> {
    let (hidden, wide) = (config.hidden_size, config.intermediate_size);
    let name = |part: &str| format!("transformer.h.{layer}.{part}");
    Box::new(Block::<O> {
        attention_norm: weights.layer_norm::<O>(&name("ln_1"), hidden),
        qkv_proj: weights.linears::<O>(&[(name("attn.c_attn"), 3 * hidden)], hidden, true),
        o_proj: weights.biased_linear_onto::<O>(&name("attn.c_proj"), [hidden, hidden]),
        feedforward_norm: weights.layer_norm::<O>(&name("ln_2"), hidden),
        up_proj: weights.linears::<O>(&[(name("mlp.c_fc"), wide)], hidden, true),
        down_proj: weights.biased_linear_onto::<O>(&name("mlp.c_proj"), [hidden, wide]),
    })
}
