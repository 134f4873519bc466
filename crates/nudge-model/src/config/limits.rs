//! What sizes a configuration may ask for: they are looked at before anything is allocated by them.

use super::DecoderConfig;
use crate::{ModelError, family};
use serde_json::{Map, Value};

/// The fields that are sizes, each with the most that is supported: well above any model that is known, and so low
/// that their products stay within 64 bits.
const MOST: [(&str, u64); 8] = [
    ("vocab_size", 1 << 21),
    ("hidden_size", 1 << 16),
    ("intermediate_size", 1 << 18),
    ("num_hidden_layers", 1 << 10),
    ("num_attention_heads", 1 << 10),
    ("num_key_value_heads", 1 << 10),
    ("head_dim", 1 << 10),
    ("max_position_embeddings", 1 << 24),
];

/// Parameters of the largest model that is supported.
const MOST_PARAMETERS: u64 = 200_000_000_000;

/// Refuses a field of another type than it has, and a size that is 0 or out of all proportion. `word` is what the family calls it.
pub(super) fn check_fields(fields: &Map<String, Value>, word: impl Fn(&str) -> String) -> Result<(), ModelError> {
    for (field, most) in MOST {
        let Some(value) = fields.get(field) else { continue };
        let name = word(field);
        match value.as_u64() {
            None => return refuse(format!("{name} is {value}, but must be a whole number")),
            Some(0) => return refuse(format!("{name} is 0")),
            Some(size) if size > most => return refuse(format!("{name} is {size}; at most {most} is supported")),
            Some(_) => {}
        }
    }
    for field in ["rope_theta", "rms_norm_eps"] {
        if let Some(value) = fields.get(field).filter(|value| !value.is_number()) {
            return refuse(format!("{} is {value}, but must be a number", word(field)));
        }
    }
    match fields.get("tie_word_embeddings") {
        Some(value) if !value.is_boolean() => refuse(format!("tie_word_embeddings is {value}, but must be a boolean")),
        _ => Ok(()),
    }
}

/// Refuses sizes that do not fit each other, constants that are no numbers, and more parameters than there can be.
pub(super) fn check(config: &DecoderConfig) -> Result<(), ModelError> {
    let (heads, kv_heads) = (config.num_attention_heads, config.num_key_value_heads);
    if kv_heads == 0 || !heads.is_multiple_of(kv_heads) {
        return refuse(format!("num_attention_heads {heads} is not a multiple of num_key_value_heads {kv_heads}"));
    }
    if !config.head_dim.is_multiple_of(2) || config.head_dim == 0 {
        return refuse(format!("head_dim {} must be even, as heads are turned by halves", config.head_dim));
    }
    for (field, value) in [("rope_theta", config.rope_theta), ("rms_norm_eps", config.rms_norm_eps)] {
        if !(value.is_finite() && value > 0.0) {
            return refuse(format!("{field} is {value}, but must be above 0"));
        }
    }
    let parameters = family::of(config).parameters(config);
    if parameters > MOST_PARAMETERS || usize::try_from(parameters).is_err() {
        return refuse(format!("its sizes make {parameters} parameters; at most {MOST_PARAMETERS} are supported"));
    }
    Ok(())
}

fn refuse(reason: String) -> Result<(), ModelError> {
    Err(ModelError::Unsupported(reason))
}
