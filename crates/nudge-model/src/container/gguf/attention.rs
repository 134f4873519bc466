//! What a GGUF says of positions, and of what each layer sees: read from it and written into it.

use super::write::{Field, Writer};
use super::{ContainerError, Gguf};
use crate::config::LayerAttention;
use crate::container::Stored;
use crate::rotary::{RopeScaling, Rotary};
use crate::{DecoderConfig, ModelError};
use serde_json::{Value as Json, json};

/// Llama 3 scales slow rotations; a GGUF holds the factors instead of these constants, which all of them have
/// (Llama 3.1 to 3.3).
const LLAMA3_LOW: f64 = 1.0;
const LLAMA3_HIGH: f64 = 4.0;
const LLAMA3_CONTEXT: f64 = 8192.0;

/// Every sixth block of Gemma 3 sees everything; its GGUF does not say so.
const GEMMA3_INTERVAL: usize = 6;

/// What the layers of Gemma 3 that see a window turn by; its GGUF does not say so either.
const GEMMA3_LOCAL_BASE: f32 = 10_000.0;

/// A tensor of the factors that divide rotary frequencies.
const ROPE_FACTORS: &str = "rope_freqs.weight";

impl Gguf {
    /// What Gemma 3 has beside the others.
    pub(super) fn gemma3(&self, config: &mut Json, layers: usize, head: usize) {
        let full = |layer: usize| (layer + 1).is_multiple_of(GEMMA3_INTERVAL);
        let kind = |layer| if full(layer) { "full_attention" } else { "sliding_attention" };
        config["layer_types"] = (0..layers).map(kind).collect();
        config["sliding_window"] = self.own("attention.sliding_window").unwrap_or(512).into();
        config["rope_local_base_freq"] = self.own_number("rope.freq_base_swa").unwrap_or(10_000.0).into();
        config["query_pre_attn_scalar"] = head.into();
        config["hidden_activation"] = "gelu_pytorch_tanh".into();
    }

    /// The factors that divide the rotary frequencies of one head, `[head_dim / 2]`, where the file holds such.
    pub fn rope_factors(&self) -> Option<Vec<f32>> {
        let entry = self.tensors.get(ROPE_FACTORS)?;
        let Stored { shape, encoding, bytes } = entry.stored();
        Some(Stored { shape, encoding, bytes }.numbers())
    }

    /// `rope_scaling` of `config.json`, where positions are scaled.
    pub(super) fn rope_scaling(&self, head: usize) -> Result<Option<Json>, ContainerError> {
        if let Some(factors) = self.rope_factors() {
            return self.llama3(&factors, head).map(Some);
        }
        let factor = self.own_number("rope.scaling.factor");
        Ok(match self.text(&self.own_key("rope.scaling.type")) {
            None | Some("none") => None,
            Some(kind) => Some(json!({"rope_type": kind, "factor": factor})),
        })
    }

    /// The constants from which these factors come.
    fn llama3(&self, factors: &[f32], head: usize) -> Result<Json, ContainerError> {
        let factor = factors.iter().fold(0.0f32, |largest, factor| largest.max(*factor)).into();
        let base = self.own_number("rope.freq_base").unwrap_or(10_000.0);
        let expected = |place: usize| llama3_factor(base.powf(2.0 * place as f64 / head as f64), factor);
        let fits = |(place, found): (usize, &f32)| (expected(place) - f64::from(*found)).abs() <= 1e-3 * factor;
        if factors.len() * 2 != head || !factors.iter().enumerate().all(fits) {
            let reason = "holds factors of positions that are not those of Llama 3; take another model".to_string();
            return Err(self.of_tensor(ROPE_FACTORS, reason));
        }
        Ok(json!({
            "rope_type": "llama3",
            "factor": factor,
            "low_freq_factor": LLAMA3_LOW,
            "high_freq_factor": LLAMA3_HIGH,
            "original_max_position_embeddings": LLAMA3_CONTEXT as usize,
        }))
    }
}

/// How much slower positions turn a pair of numbers whose rotary frequency is `1 / period`
/// (`_compute_llama3_parameters` of transformers).
pub(super) fn llama3_factor(period: f64, factor: f64) -> f64 {
    let wavelength = std::f64::consts::TAU * period;
    if wavelength > LLAMA3_CONTEXT / LLAMA3_LOW {
        factor
    } else if wavelength < LLAMA3_CONTEXT / LLAMA3_HIGH {
        1.0
    } else {
        let smooth = (LLAMA3_CONTEXT / wavelength - LLAMA3_LOW) / (LLAMA3_HIGH - LLAMA3_LOW);
        1.0 / ((1.0 - smooth) / factor + smooth)
    }
}

/// Writes how positions of this model turn and what its layers see.
///
/// # Errors
/// [`ModelError::Unsupported`] if llama.cpp would compute something else: layers of other kinds than its own Gemma 3 has,
/// or constants of Llama 3 that its models do not have.
pub(super) fn describe(writer: &mut Writer, architecture: &str, config: &DecoderConfig) -> Result<(), ModelError> {
    let own = |key: &str| format!("{architecture}.{key}");
    let layers: Vec<LayerAttention> =
        (0..config.num_hidden_layers).map(|layer| config.layer_attention(layer)).collect();
    match layers.iter().find_map(|layer| layer.window) {
        Some(window) if architecture == "gemma3" && is_gemma3(config, &layers, window) => {
            writer.pair(own("attention.sliding_window"), Field::U32(window as u32));
        }
        Some(_) => return Err(lost("sliding_window")),
        None => {}
    }
    match config.rope_scaling {
        None => {}
        Some(RopeScaling::Linear { factor }) => {
            writer.pair(own("rope.scaling.type"), Field::Text("linear".into()));
            writer.pair(own("rope.scaling.factor"), Field::F32(factor));
        }
        Some(scaling) => writer.vector(ROPE_FACTORS, &llama3_factors(config, scaling)?),
    }
    Ok(())
}

/// Whether the layers are those that llama.cpp takes a Gemma 3 to have.
fn is_gemma3(config: &DecoderConfig, layers: &[LayerAttention], window: usize) -> bool {
    let everything = LayerAttention { rotary: Some(config.rotary()), window: None };
    let local = Rotary { theta: GEMMA3_LOCAL_BASE, scaling: None };
    let last = LayerAttention { rotary: Some(local), window: Some(window) };
    let expected = |layer: usize| if (layer + 1).is_multiple_of(GEMMA3_INTERVAL) { everything } else { last };
    let scalar = config.own.get("query_pre_attn_scalar").and_then(Json::as_f64);
    layers.iter().enumerate().all(|(layer, found)| *found == expected(layer))
        && scalar.is_none_or(|scalar| scalar == config.head_dim as f64)
}

/// What divides the rotary frequencies of a Llama 3, `[head_dim / 2]`.
fn llama3_factors(config: &DecoderConfig, scaling: RopeScaling) -> Result<Vec<f32>, ModelError> {
    let RopeScaling::Llama3 { factor, low_freq_factor, high_freq_factor, original_max_position_embeddings } = scaling
    else {
        return Err(lost("rope_scaling"));
    };
    let constants = [low_freq_factor, high_freq_factor, original_max_position_embeddings as f32].map(f64::from);
    if constants != [LLAMA3_LOW, LLAMA3_HIGH, LLAMA3_CONTEXT] {
        return Err(lost("rope_scaling"));
    }
    let period = |place: usize| f64::from(config.rope_theta).powf(2.0 * place as f64 / config.head_dim as f64);
    Ok((0..config.head_dim / 2).map(|place| llama3_factor(period(place), factor.into()) as f32).collect())
}

fn lost(field: &str) -> ModelError {
    ModelError::Unsupported(format!(
        "its {field} has no words in a GGUF that llama.cpp would read so; export it --to merged"
    ))
}
