//! SmolLM3 (Hugging Face 2025): Llama's block, of which every fourth knows no positions (NoPE, Yang et al. 2025).

use super::{Build, Family, llama};
use crate::config::LayerAttention;
use crate::walk::{Operations, Walk};
use crate::weights::Source;
use crate::{DecoderConfig, ModelError};
use serde_json::{Map, Value};

/// The family.
pub(crate) struct SmolLm3;

/// One number a layer, 0 where it knows no positions.
const NO_ROPE_LAYERS: &str = "no_rope_layers";
/// Where there is no such list: of how many layers the last knows no positions.
const INTERVAL: &str = "no_rope_layer_interval";

impl Family for SmolLm3 {
    fn model_type(&self) -> &'static str {
        "smollm3"
    }

    fn architecture(&self, head: &str) -> String {
        format!("SmolLM3{head}")
    }

    fn fields(&self) -> Vec<(&'static str, Value)> {
        let off = ["attention_bias", "mlp_bias", "use_sliding_window"].map(|field| (field, false.into()));
        off.into_iter().chain([("hidden_act", "silu".into())]).collect()
    }

    fn own_fields(&self) -> &'static [&'static str] {
        &[NO_ROPE_LAYERS, INTERVAL]
    }

    fn read(&self, fields: &mut Map<String, Value>) -> Result<(), ModelError> {
        fields.entry("tie_word_embeddings").or_insert(true.into());
        fields.entry("rope_theta").or_insert(2_000_000.0.into());
        Ok(())
    }

    fn attention(&self, config: &DecoderConfig) -> Result<Vec<LayerAttention>, ModelError> {
        let rotary = config.rotary();
        let turned = (0..config.num_hidden_layers).map(|layer| is_turned(config, layer));
        turned.map(|turned| Ok(LayerAttention { rotary: turned?.then_some(rotary), window: None })).collect()
    }

    fn parameters(&self, config: &DecoderConfig) -> u64 {
        llama::parameters(config, 0)
    }
}

/// Whether a layer knows positions.
fn is_turned(config: &DecoderConfig, layer: usize) -> Result<bool, ModelError> {
    let refused = |field: &str, value: &Value, wanted: &str| {
        Err(ModelError::Unsupported(format!("{field} is {value}, but must be {wanted}")))
    };
    if let Some(list) = config.own.get(NO_ROPE_LAYERS) {
        return match list.get(layer).and_then(Value::as_u64) {
            Some(turned) => Ok(turned != 0),
            None => refused(NO_ROPE_LAYERS, list, "a list of 0 or 1 for every layer"),
        };
    }
    match config.own.get(INTERVAL).map(|interval| (interval, interval.as_u64())) {
        None => Ok(!(layer + 1).is_multiple_of(4)),
        Some((_, Some(interval))) if interval > 0 => Ok(!(layer as u64 + 1).is_multiple_of(interval)),
        Some((value, _)) => refused(INTERVAL, value, "a number above 0"),
    }
}

impl<O: Operations> Build<O> for SmolLm3 {
    fn build(&self, config: &DecoderConfig, weights: &mut Source) -> Walk<O> {
        llama::build(config, weights, llama::Parts::default())
    }
}
