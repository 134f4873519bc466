//! The shape of a decoder, in the words and the file format of Hugging Face's `config.json`.
//!
//! Fields that families share are here, `model_type` says which family has the others. A configuration
//! that asks for more than its family computes is refused with its field's name rather than run wrongly.

mod limits;
#[cfg(test)]
mod tests;

use crate::ModelError;
use crate::family::{self, Family};
use crate::rotary::{RopeScaling, Rotary};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

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
    /// Width of the hidden layer of the feed-forward part.
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
    /// How these frequencies are stretched.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rope_scaling: Option<RopeScaling>,
    /// Added to the mean square in a norm.
    #[serde(default = "default_rms_norm_eps")]
    pub rms_norm_eps: f32,
    /// Whether the unembedding is the embedding.
    #[serde(default)]
    pub tie_word_embeddings: bool,
    /// What the attention of each layer sees; empty where all layers see everything, turned by `rope_theta`.
    #[serde(skip)]
    pub attention: Vec<LayerAttention>,
    /// Fields that its family alone has, as they came.
    #[serde(skip)]
    pub own: Map<String, Value>,
}

/// What the attention of one layer sees.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LayerAttention {
    /// How queries and keys are turned by their positions; not at all where this is none.
    pub rotary: Option<Rotary>,
    /// Of the tokens up to its own, how many of the last ones a query sees; all where this is none.
    pub window: Option<usize>,
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
    /// The built-in model: 5.3 M parameters with a vocabulary of 2048.
    pub fn builtin(vocab_size: usize) -> Self {
        Self::new(vocab_size, 256, 6, 8, 704, 512)
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
            rope_scaling: None,
            rms_norm_eps: 1e-5,
            tie_word_embeddings: true,
            attention: Vec::new(),
            own: Map::new(),
        }
    }

    /// Reads `config.json`. Refuses what this decoder would compute wrongly.
    ///
    /// # Errors
    /// [`ModelError::Config`] for what is not a configuration, [`ModelError::Unsupported`] with the field that asks for
    /// what cannot be computed, or for a size out of all proportion.
    pub fn from_json(bytes: &[u8]) -> Result<Self, ModelError> {
        let unreadable = |error: serde_json::Error| ModelError::Config(error.to_string());
        let mut fields: Map<String, Value> = serde_json::from_slice(bytes).map_err(unreadable)?;
        let family = family::named(fields.get("model_type").and_then(Value::as_str).unwrap_or(&default_model_type()))?;
        family.read(&mut fields)?;
        // A field that is null counts as absent.
        fields.retain(|_, field| !field.is_null());
        refuse_unsupported(&fields, family)?;
        limits::check_fields(&fields, |field| family.word(field))?;
        let rope_scaling = rope_of(&mut fields)?;
        let own = family.own_fields().iter().filter_map(|field| fields.remove_entry(*field)).collect();
        let config: Self = serde_json::from_value(fields.into()).map_err(unreadable)?;
        let mut config = Self { rope_scaling, own, ..config };
        if config.num_key_value_heads == 0 {
            config.num_key_value_heads = config.num_attention_heads;
        }
        if config.head_dim == 0 {
            config.head_dim = config.hidden_size / config.num_attention_heads;
        }
        limits::check(&config)?;
        config.attention = family.attention(&config)?;
        Ok(config)
    }

    /// Writes `config.json` for a model with `head`, such as `ForCausalLM`, with the ids of the special tokens, as
    /// transformers expects it.
    pub fn to_json(&self, head: &str, eos_token_id: u32, pad_token_id: u32) -> Vec<u8> {
        let family = family::of(self);
        let mut value = serde_json::json!({
            "architectures": [family.architecture(head)],
            "attention_dropout": 0.0,
            "initializer_range": 0.02,
            "rope_scaling": null,
            "torch_dtype": "float32",
            "bos_token_id": eos_token_id,
            "eos_token_id": eos_token_id,
            "pad_token_id": pad_token_id,
        });
        if head == "ForSequenceClassification" {
            value["num_labels"] = 1.into();
            value["id2label"] = serde_json::json!({"0": "reward"});
            value["label2id"] = serde_json::json!({"reward": 0});
        }
        let shared = serde_json::json!(self);
        if let (Some(target), Some(shared)) = (value.as_object_mut(), shared.as_object()) {
            target.extend(family.fields().into_iter().map(|(field, computed)| (field.to_owned(), computed)));
            target.extend(shared.clone());
            target.extend(self.own.clone());
            family.write(target);
        }
        let mut bytes = serde_json::to_vec_pretty(&value).unwrap_or_default();
        bytes.push(b'\n');
        bytes
    }

    /// What the attention of layer number `layer` sees.
    pub fn layer_attention(&self, layer: usize) -> LayerAttention {
        self.attention.get(layer).copied().unwrap_or(LayerAttention { rotary: Some(self.rotary()), window: None })
    }

    /// What the attention of every layer sees.
    pub(crate) fn layers(&self) -> Vec<LayerAttention> {
        (0..self.num_hidden_layers).map(|layer| self.layer_attention(layer)).collect()
    }

    /// The frequencies of `rope_theta`.
    pub(crate) fn rotary(&self) -> Rotary {
        Rotary { theta: self.rope_theta, scaling: self.rope_scaling }
    }

    /// Numbers of all weights, without a scalar head.
    pub fn parameter_count(&self) -> usize {
        usize::try_from(family::of(self).parameters(self)).unwrap_or(usize::MAX)
    }
}

/// Names the first field that asks for something the family does not compute.
fn refuse_unsupported(fields: &Map<String, Value>, family: &dyn Family) -> Result<(), ModelError> {
    for (field, computed) in family.fields() {
        if let Some(asked) = fields.get(field).filter(|asked| **asked != computed) {
            let reason = format!("{field} is {asked}, which is not supported, only {computed}");
            return Err(ModelError::Unsupported(reason));
        }
    }
    Ok(())
}

/// Takes the scaling of the rotary frequencies out of the fields. transformers 5 writes it as `rope_parameters`, with
/// the base in it; before it was `rope_scaling`, with `rope_theta` beside it.
fn rope_of(fields: &mut Map<String, Value>) -> Result<Option<RopeScaling>, ModelError> {
    let older = RopeScaling::from_json("rope_scaling", &fields.remove("rope_scaling").unwrap_or_default())?;
    let newer = fields.remove("rope_parameters").unwrap_or_default();
    if let Some(theta) = newer.get("rope_theta") {
        fields.insert("rope_theta".into(), theta.clone());
    }
    Ok(RopeScaling::from_json("rope_parameters", &newer)?.or(older))
}
