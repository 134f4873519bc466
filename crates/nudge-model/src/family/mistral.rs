//! Mistral (Jiang et al. 2023): Llama's block, whose attention may see the last tokens alone.

use super::{Build, Family, llama, window_of};
use crate::config::LayerAttention;
use crate::walk::{Operations, Walk};
use crate::weights::Source;
use crate::{DecoderConfig, ModelError};
use serde_json::{Map, Value};

/// The family.
pub(crate) struct Mistral;

impl Family for Mistral {
    fn model_type(&self) -> &'static str {
        "mistral"
    }

    fn architecture(&self, head: &str) -> String {
        format!("Mistral{head}")
    }

    fn fields(&self) -> Vec<(&'static str, Value)> {
        vec![("hidden_act", "silu".into())]
    }

    fn own_fields(&self) -> &'static [&'static str] {
        &["sliding_window"]
    }

    fn read(&self, fields: &mut Map<String, Value>) -> Result<(), ModelError> {
        // As in transformers: absent, not null.
        fields.entry("sliding_window").or_insert(4096.into());
        Ok(())
    }

    fn write(&self, fields: &mut Map<String, Value>) {
        fields.entry("sliding_window").or_insert(Value::Null);
    }

    fn attention(&self, config: &DecoderConfig) -> Result<Vec<LayerAttention>, ModelError> {
        let window = window_of(config)?;
        Ok(vec![LayerAttention { window, ..config.layer_attention(0) }; config.num_hidden_layers])
    }

    fn parameters(&self, config: &DecoderConfig) -> u64 {
        llama::parameters(config, 0)
    }
}

impl<O: Operations> Build<O> for Mistral {
    fn build(&self, config: &DecoderConfig, weights: &mut Source) -> Walk<O> {
        llama::build(config, weights, llama::Parts::default())
    }
}
