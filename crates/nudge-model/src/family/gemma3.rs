//! Gemma 3 (Gemma Team 2025), its text part: norms before and behind both parts of a block, a norm of every head of the
//! queries and keys, a GEGLU, embeddings times the root of their width, and layers of two kinds.
//!
//! Most layers see a window and turn by a base of their own, every sixth sees everything. All norms multiply by
//! one and their weight.

use super::{Build, Family, llama, window_of};
use crate::config::LayerAttention;
use crate::rotary::{RopeScaling, Rotary};
use crate::walk::{self, Embedded, Operations, Walk};
use crate::weights::Source;
use crate::{DecoderConfig, ModelError};
use serde_json::{Map, Value, json};

/// The family.
pub(crate) struct Gemma3;

/// The base of the layers that see a window.
const LOCAL_BASE: &str = "rope_local_base_freq";
/// Scores are divided by the root of this, not of the width of a head.
const QUERY_SCALAR: &str = "query_pre_attn_scalar";
/// A name for every layer.
const LAYER_TYPES: &str = "layer_types";
/// Where there are none: of how many layers the last sees everything.
const PATTERN: &str = "sliding_window_pattern";

impl Family for Gemma3 {
    fn model_type(&self) -> &'static str {
        "gemma3_text"
    }

    fn architecture(&self, head: &str) -> String {
        match head {
            "ForCausalLM" => "Gemma3ForCausalLM".into(),
            head => format!("Gemma3Text{head}"),
        }
    }

    fn fields(&self) -> Vec<(&'static str, Value)> {
        vec![
            ("attention_bias", false.into()),
            ("hidden_activation", "gelu_pytorch_tanh".into()),
            ("use_bidirectional_attention", false.into()),
            ("attn_logit_softcapping", Value::Null),
            ("final_logit_softcapping", Value::Null),
        ]
    }

    fn own_fields(&self) -> &'static [&'static str] {
        &["sliding_window", LOCAL_BASE, QUERY_SCALAR, LAYER_TYPES, PATTERN]
    }

    fn read(&self, fields: &mut Map<String, Value>) -> Result<(), ModelError> {
        // transformers 5 writes what belongs to each kind of layer in an object of its own.
        let by_kind = |value: &Value| value.get("full_attention").or(value.get("sliding_attention")).is_some();
        if fields.get("rope_parameters").is_some_and(by_kind) {
            let mut kinds = fields.remove("rope_parameters").unwrap_or_default();
            let mut local = kinds["sliding_attention"].take();
            if RopeScaling::from_json("rope_parameters.sliding_attention", &local)?.is_some() {
                let reason = "rope_parameters.sliding_attention asks for a rope_type, which only full_attention may";
                return Err(ModelError::Unsupported(reason.into()));
            }
            fields.insert(LOCAL_BASE.into(), local["rope_theta"].take());
            fields.insert("rope_parameters".into(), kinds["full_attention"].take());
        }
        fields.retain(|_, field| !field.is_null());
        let defaults = [
            ("tie_word_embeddings", json!(true)),
            ("rope_theta", json!(1_000_000.0)),
            (LOCAL_BASE, json!(10_000.0)),
            (QUERY_SCALAR, json!(256)),
            ("sliding_window", json!(4096)),
            ("head_dim", json!(256)),
            ("num_key_value_heads", json!(4)),
        ];
        for (field, value) in defaults {
            fields.entry(field).or_insert(value);
        }
        Ok(())
    }

    fn attention(&self, config: &DecoderConfig) -> Result<Vec<LayerAttention>, ModelError> {
        let everything = LayerAttention { rotary: Some(config.rotary()), window: None };
        let local = Rotary { theta: positive(config, LOCAL_BASE)?, scaling: None };
        let last = LayerAttention { rotary: Some(local), window: window_of(config)? };
        positive(config, QUERY_SCALAR)?;
        let layers = 0..config.num_hidden_layers;
        layers.map(|layer| Ok(if sees_everything(config, layer)? { everything } else { last })).collect()
    }

    fn parameters(&self, config: &DecoderConfig) -> u64 {
        llama::parameters(config, 2 * config.hidden_size as u64 + 2 * config.head_dim as u64)
    }
}

/// An own field that is a number above 0.
fn positive(config: &DecoderConfig, field: &str) -> Result<f32, ModelError> {
    let value = config.own.get(field).unwrap_or(&Value::Null);
    let number = value.as_f64().map(|number| number as f32).filter(|number| number.is_finite() && *number > 0.0);
    number.ok_or_else(|| ModelError::Unsupported(format!("{field} is {value}, but must be a number above 0")))
}

fn sees_everything(config: &DecoderConfig, layer: usize) -> Result<bool, ModelError> {
    let refused = |field: &str, value: &Value, wanted: &str| {
        Err(ModelError::Unsupported(format!("{field} is {value}, but must be {wanted}")))
    };
    if let Some(kinds) = config.own.get(LAYER_TYPES) {
        return match kinds.get(layer).and_then(Value::as_str) {
            Some("full_attention") => Ok(true),
            Some("sliding_attention") => Ok(false),
            _ => refused(LAYER_TYPES, kinds, "a list of full_attention or sliding_attention for every layer"),
        };
    }
    match config.own.get(PATTERN).map(|pattern| (pattern, pattern.as_u64())) {
        None => Ok((layer + 1).is_multiple_of(6)),
        Some((_, Some(pattern))) if pattern > 0 => Ok((layer as u64 + 1).is_multiple_of(pattern)),
        Some((value, _)) => refused(PATTERN, value, "a number above 0"),
    }
}

/// Attention and a GEGLU, each between two RMSNorms.
struct Block<O: Operations> {
    input_norm: O::Norm,
    qkv_proj: O::Linears,
    /// Of queries and keys.
    head_norms: [O::Norm; 2],
    o_proj: O::Linear,
    post_attention_norm: O::Norm,
    pre_feedforward_norm: O::Norm,
    gate_up_proj: O::Linears,
    down_proj: O::Linear,
    post_feedforward_norm: O::Norm,
}

impl<O: Operations> walk::Block<O> for Block<O> {
    fn forward(&self, ops: &mut O, layer: usize, x: O::Rows) -> O::Rows {
        let normed = ops.norm(&x, &self.input_norm);
        let qkv = ops.linears(normed, &self.qkv_proj);
        let qkv = ops.norm_heads(qkv, &self.head_norms);
        let attended = ops.attention(layer, qkv);
        let attended = ops.linear(attended, &self.o_proj);
        let x = ops.normed_onto(attended, &self.post_attention_norm, x);
        let normed = ops.norm(&x, &self.pre_feedforward_norm);
        let gated = ops.geglu(normed, &self.gate_up_proj);
        let wide = ops.linear(gated, &self.down_proj);
        ops.normed_onto(wide, &self.post_feedforward_norm, x)
    }
}

impl<O: Operations> Build<O> for Gemma3 {
    fn build(&self, config: &DecoderConfig, weights: &mut Source) -> Walk<O> {
        Walk {
            embedding: weights.embedding::<O>("model.embed_tokens", [config.vocab_size, config.hidden_size]),
            embedded: Embedded::Scaled((config.hidden_size as f32).sqrt()),
            blocks: (0..config.num_hidden_layers).map(|layer| block(config, weights, layer)).collect(),
            norm: weights.norm_above_one::<O>("model.norm", config.hidden_size, 1.0),
        }
    }
}

fn block<O: Operations>(config: &DecoderConfig, weights: &mut Source, layer: usize) -> Box<dyn walk::Block<O>> {
    let (hidden, wide) = (config.hidden_size, config.intermediate_size);
    let queries = config.num_attention_heads * config.head_dim;
    let keys = config.num_key_value_heads * config.head_dim;
    let name = |part: &str| format!("model.layers.{layer}.{part}");
    let [q, k, v] = ["q_proj", "k_proj", "v_proj"].map(|part| name(&format!("self_attn.{part}")));
    // Attention divides by the root of the width of a head; what is asked for instead, the queries bring with them.
    let scalar = positive(config, QUERY_SCALAR).unwrap_or(config.head_dim as f32);
    let query_scale = (config.head_dim as f32 / scalar).sqrt();
    Box::new(Block::<O> {
        input_norm: weights.norm_above_one::<O>(&name("input_layernorm"), hidden, 1.0),
        qkv_proj: weights.linears::<O>(&[(q, queries), (k, keys), (v, keys)], hidden, false),
        head_norms: [("self_attn.q_norm", query_scale), ("self_attn.k_norm", 1.0)]
            .map(|(part, scale)| weights.norm_above_one::<O>(&name(part), config.head_dim, scale)),
        o_proj: weights.linear_onto::<O>(&name("self_attn.o_proj"), [hidden, queries]),
        post_attention_norm: weights.norm_above_one::<O>(&name("post_attention_layernorm"), hidden, 1.0),
        pre_feedforward_norm: weights.norm_above_one::<O>(&name("pre_feedforward_layernorm"), hidden, 1.0),
        gate_up_proj: weights.linears::<O>(
            &[(name("mlp.gate_proj"), wide), (name("mlp.up_proj"), wide)],
            hidden,
            false,
        ),
        down_proj: weights.linear_onto::<O>(&name("mlp.down_proj"), [hidden, wide]),
        post_feedforward_norm: weights.norm_above_one::<O>(&name("post_feedforward_layernorm"), hidden, 1.0),
    })
}
