//! The shape of a decoder, in the words and the file format of Hugging Face's `config.json`.
//!
//! Fields that families share are here, `model_type` says which family has the others. A configuration
//! that asks for more than its family computes, or for rope scaling, is refused with its field's name rather than run
//! wrongly.

use crate::{ModelError, family};
use serde::{Deserialize, Serialize};

/// Shape and constants of a decoder. Field names are those of `config.json`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DecoderConfig {
    /// Its family.
    #[serde(default = "default_model_type")]
    pub model_type: String,
    /// Rows of the embedding.
    pub vocab_size: usize,
    /// Width of the residual stream.
    pub hidden_size: usize,
    /// Width of the SwiGLU hidden layer.
    pub intermediate_size: usize,
    /// Number of blocks.
    pub num_hidden_layers: usize,
    /// Number of query heads.
    pub num_attention_heads: usize,
    /// Number of key and value heads (grouped-query attention); equals the query heads where absent.
    #[serde(default)]
    pub num_key_value_heads: usize,
    /// Width of one head; `hidden_size / num_attention_heads` where absent.
    #[serde(default)]
    pub head_dim: usize,
    /// Longest sequence in tokens.
    pub max_position_embeddings: usize,
    /// Base of the rotary frequencies.
    #[serde(default = "default_rope_theta")]
    pub rope_theta: f32,
    /// Added to the mean square in RMSNorm.
    #[serde(default = "default_rms_norm_eps")]
    pub rms_norm_eps: f32,
    /// Whether the unembedding is the embedding.
    #[serde(default)]
    pub tie_word_embeddings: bool,
}

fn default_model_type() -> String {
    "llama".into()
}

fn default_rope_theta() -> f32 {
    10_000.0
}

fn default_rms_norm_eps() -> f32 {
    1e-6
}

impl DecoderConfig {
    /// The built-in model: 2.2 M parameters with a vocabulary of 2048.
    pub fn builtin(vocab_size: usize) -> Self {
        Self::new(vocab_size, 192, 4, 6, 512, 512)
    }

    /// A model for tests: milliseconds a step.
    pub fn test(vocab_size: usize) -> Self {
        Self::new(vocab_size, 32, 2, 2, 96, 128)
    }

    /// A Llama with as many key-value heads as heads and a tied embedding.
    pub fn new(
        vocab_size: usize,
        hidden_size: usize,
        num_hidden_layers: usize,
        num_attention_heads: usize,
        intermediate_size: usize,
        max_position_embeddings: usize,
    ) -> Self {
        Self {
            model_type: default_model_type(),
            vocab_size,
            hidden_size,
            intermediate_size,
            num_hidden_layers,
            num_attention_heads,
            num_key_value_heads: num_attention_heads,
            head_dim: hidden_size / num_attention_heads,
            max_position_embeddings,
            rope_theta: default_rope_theta(),
            rms_norm_eps: 1e-5,
            tie_word_embeddings: true,
        }
    }

    /// Reads `config.json`. Refuses what this decoder would compute wrongly.
    pub fn from_json(bytes: &[u8]) -> Result<Self, ModelError> {
        let mut value: serde_json::Value =
            serde_json::from_slice(bytes).map_err(|error| ModelError::Config(error.to_string()))?;
        refuse_unsupported(&value)?;
        in_older_words(&mut value);
        let mut config: Self = serde_json::from_value(value).map_err(|error| ModelError::Config(error.to_string()))?;
        if config.num_key_value_heads == 0 {
            config.num_key_value_heads = config.num_attention_heads;
        }
        if config.head_dim == 0 && config.num_attention_heads > 0 {
            config.head_dim = config.hidden_size / config.num_attention_heads;
        }
        config.validate()?;
        Ok(config)
    }

    /// Writes `config.json` for a model with `head`, such as `ForCausalLM`, with the ids of the special tokens, as
    /// transformers expects it.
    pub fn to_json(&self, head: &str, eos_token_id: u32, pad_token_id: u32) -> Vec<u8> {
        let family = family::of(self);
        let mut value = serde_json::json!({
            "architectures": [format!("{}{head}", family.class())],
            "hidden_act": "silu",
            "attention_dropout": 0.0,
            "initializer_range": 0.02,
            "rope_scaling": null,
            "torch_dtype": "float32",
            "bos_token_id": eos_token_id,
            "eos_token_id": eos_token_id,
            "pad_token_id": pad_token_id,
        });
        for (field, computed) in family.fields() {
            value[*field] = (*computed).into();
        }
        if head == "ForSequenceClassification" {
            value["num_labels"] = 1.into();
            value["id2label"] = serde_json::json!({"0": "reward"});
            value["label2id"] = serde_json::json!({"reward": 0});
        }
        let own = serde_json::json!(self);
        if let (Some(target), Some(fields)) = (value.as_object_mut(), own.as_object()) {
            target.extend(fields.clone());
        }
        let mut bytes = serde_json::to_vec_pretty(&value).unwrap_or_default();
        bytes.push(b'\n');
        bytes
    }

    fn validate(&self) -> Result<(), ModelError> {
        let sizes = [
            ("vocab_size", self.vocab_size),
            ("hidden_size", self.hidden_size),
            ("intermediate_size", self.intermediate_size),
            ("num_hidden_layers", self.num_hidden_layers),
            ("num_attention_heads", self.num_attention_heads),
            ("max_position_embeddings", self.max_position_embeddings),
        ];
        for (name, size) in sizes {
            if size == 0 {
                return Err(ModelError::Unsupported(format!("{name} is 0")));
            }
        }
        if !self.num_attention_heads.is_multiple_of(self.num_key_value_heads) {
            return Err(ModelError::Unsupported(format!(
                "num_attention_heads {} is not a multiple of num_key_value_heads {}",
                self.num_attention_heads, self.num_key_value_heads
            )));
        }
        if !self.head_dim.is_multiple_of(2) || self.head_dim == 0 {
            return Err(ModelError::Unsupported(format!(
                "head_dim {} must be even for rotary positions",
                self.head_dim
            )));
        }
        Ok(())
    }

    /// Numbers of all weights, without a scalar head.
    pub fn parameter_count(&self) -> usize {
        let attention = self.hidden_size * self.head_dim * (self.num_attention_heads + self.num_key_value_heads) * 2;
        let other = 2 * self.hidden_size + family::of(self).biases(self);
        let layer = attention + 3 * self.hidden_size * self.intermediate_size + other;
        let embeddings = self.vocab_size * self.hidden_size * if self.tie_word_embeddings { 1 } else { 2 };
        embeddings + self.num_hidden_layers * layer + self.hidden_size
    }
}

/// Names the first field that asks for something the decoder does not compute.
fn refuse_unsupported(value: &serde_json::Value) -> Result<(), ModelError> {
    let family = family::named(value["model_type"].as_str().unwrap_or(&default_model_type()))?;
    for (field, computed) in family.fields() {
        if value[*field].as_bool().is_some_and(|asked| asked != *computed) {
            return Err(ModelError::Unsupported(format!("{field} is {}, which is not supported", !computed)));
        }
    }
    if !value["rope_scaling"].is_null() {
        return Err(ModelError::Unsupported("rope_scaling is set, which is not supported".into()));
    }
    let rope_type = value["rope_parameters"]["rope_type"].as_str().unwrap_or("default");
    if rope_type != "default" {
        return Err(ModelError::Unsupported(format!(
            "rope_parameters asks for rope_type `{rope_type}`, which is not supported, only `default`"
        )));
    }
    match value["hidden_act"].as_str() {
        None | Some("silu") => Ok(()),
        Some(other) => Err(ModelError::Unsupported(format!("hidden_act `{other}` is not supported, only `silu`"))),
    }
}

/// transformers 5 writes the rotary base as `rope_parameters.rope_theta`, before it was `rope_theta`. A field that
/// is null counts as absent.
fn in_older_words(value: &mut serde_json::Value) {
    let theta = value["rope_parameters"]["rope_theta"].clone();
    if let Some(fields) = value.as_object_mut() {
        if !theta.is_null() {
            fields.insert("rope_theta".into(), theta);
        }
        fields.retain(|_, field| !field.is_null());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn round_trips_through_config_json() {
        let config = DecoderConfig::builtin(2048);
        let bytes = config.to_json("ForCausalLM", 1, 0);
        assert_eq!(DecoderConfig::from_json(&bytes).unwrap(), config);
    }

    #[test]
    fn names_the_field_it_refuses() {
        let mut value: serde_json::Value =
            serde_json::from_slice(&DecoderConfig::test(64).to_json("ForCausalLM", 1, 0)).unwrap();
        value["rope_scaling"] = serde_json::json!({"type": "linear", "factor": 2.0});
        let error = DecoderConfig::from_json(value.to_string().as_bytes()).unwrap_err();
        assert!(error.to_string().contains("rope_scaling"), "{error}");
        value["rope_scaling"] = serde_json::Value::Null;
        value["num_key_value_heads"] = 3.into();
        value["num_attention_heads"] = 4.into();
        assert!(DecoderConfig::from_json(value.to_string().as_bytes()).is_err());
        assert!(DecoderConfig::from_json(b"{").is_err());
    }

    #[test]
    fn a_family_that_is_not_known_is_refused_with_those_that_are() {
        let mut value: serde_json::Value =
            serde_json::from_slice(&DecoderConfig::test(64).to_json("ForCausalLM", 1, 0)).unwrap();
        assert_eq!(value["architectures"][0], "LlamaForCausalLM");
        value["model_type"] = "mamba".into();
        let error = DecoderConfig::from_json(value.to_string().as_bytes()).unwrap_err().to_string();
        assert!(error.contains("`mamba`") && error.contains("`llama`"), "{error}");
        value["model_type"] = "llama".into();
        value["mlp_bias"] = true.into();
        let error = DecoderConfig::from_json(value.to_string().as_bytes()).unwrap_err().to_string();
        assert!(error.contains("mlp_bias is true"), "{error}");
    }

    #[test]
    fn the_rotary_base_is_read_where_transformers_5_writes_it() {
        let mut value: serde_json::Value =
            serde_json::from_slice(&DecoderConfig::test(64).to_json("ForCausalLM", 1, 0)).unwrap();
        value.as_object_mut().unwrap().remove("rope_theta");
        value["head_dim"] = serde_json::Value::Null;
        value["rope_parameters"] = serde_json::json!({"rope_type": "default", "rope_theta": 100_000.0});
        let config = DecoderConfig::from_json(value.to_string().as_bytes()).unwrap();
        assert_eq!(config, DecoderConfig { rope_theta: 100_000.0, ..DecoderConfig::test(64) });
        value["rope_parameters"]["rope_type"] = "yarn".into();
        let error = DecoderConfig::from_json(value.to_string().as_bytes()).unwrap_err();
        assert!(error.to_string().contains("yarn"), "{error}");
    }

    #[test]
    fn the_builtin_shape_stays_within_three_million_parameters() {
        assert!(DecoderConfig::builtin(2048).parameter_count() < 3_000_000);
    }
}
