//! Rotary positions (Su et al. 2021): the frequencies that a configuration asks for, and their angles by position.

use crate::ModelError;
use burn::tensor::{Device, Tensor, TensorData};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The frequencies by which a layer turns its queries and keys.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rotary {
    /// The base.
    pub theta: f32,
    /// How they differ from those of the base.
    pub scaling: Option<RopeScaling>,
}

/// How frequencies are stretched for contexts longer than those of the first training, `rope_scaling` in `config.json`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(tag = "rope_type", rename_all = "lowercase")]
pub enum RopeScaling {
    /// All of them divided (Chen et al. 2023).
    Linear {
        /// By how much.
        factor: f32,
    },
    /// Low ones divided, high ones kept, and what is between them in between (Llama 3.1).
    Llama3 {
        /// By how much.
        factor: f32,
        /// What turns less often than this within the original context is low.
        low_freq_factor: f32,
        /// What turns more often than this within the original context is high.
        high_freq_factor: f32,
        /// The context of the first training, in tokens.
        original_max_position_embeddings: u32,
    },
}

/// What a table of angles holds of each.
const FUNCTIONS: [fn(f32) -> f32; 2] = [f32::cos, f32::sin];

impl RopeScaling {
    /// Reads `rope_scaling`, or what transformers 5 calls `rope_parameters`; `default` and null are none.
    ///
    /// # Errors
    /// [`ModelError::Unsupported`] for another kind, or for factors that make no sense.
    pub(crate) fn from_json(field: &str, value: &Value) -> Result<Option<Self>, ModelError> {
        let refused = |reason: String| Err(ModelError::Unsupported(format!("{field} {reason}")));
        let Some(fields) = value.as_object() else {
            return if value.is_null() { Ok(None) } else { refused(format!("is {value}, but must be an object")) };
        };
        if let Some(partial) = fields.get("partial_rotary_factor").filter(|factor| factor.as_f64() != Some(1.0)) {
            return refused(format!("asks for partial_rotary_factor {partial}, which is not supported, only 1"));
        }
        // What was `type` became `rope_type`.
        let kind = fields.get("rope_type").or(fields.get("type")).and_then(Value::as_str);
        if kind.is_none() && fields.contains_key("factor") {
            return refused("has a factor but no rope_type that says what to do with it".into());
        }
        let kind = kind.unwrap_or("default");
        if kind == "default" {
            return Ok(None);
        }
        if !["linear", "llama3"].contains(&kind) {
            let known = "only `default`, `linear` and `llama3`";
            return refused(format!("asks for rope_type `{kind}`, which is not supported, {known}"));
        }
        let mut fields = fields.clone();
        fields.insert("rope_type".into(), kind.into());
        match serde_json::from_value::<Self>(fields.into()) {
            Ok(scaling) if scaling.makes_sense() => Ok(Some(scaling)),
            Ok(scaling) => refused(format!("has factors that make no sense: {scaling:?}")),
            Err(error) => refused(format!("of rope_type `{kind}` cannot be read: {error}")),
        }
    }

    fn makes_sense(&self) -> bool {
        let positive = |value: f32| value > 0.0 && value.is_finite();
        match *self {
            Self::Linear { factor } => positive(factor),
            Self::Llama3 { factor, low_freq_factor, high_freq_factor, original_max_position_embeddings } => {
                [factor, low_freq_factor, high_freq_factor].into_iter().all(positive)
                    && low_freq_factor < high_freq_factor
                    && original_max_position_embeddings > 0
            }
        }
    }

    fn scaled(&self, frequency: f32) -> f32 {
        match *self {
            Self::Linear { factor } => frequency / factor,
            Self::Llama3 { factor, low_freq_factor, high_freq_factor, original_max_position_embeddings } => {
                let turns = original_max_position_embeddings as f32 * frequency / std::f32::consts::TAU;
                let high = ((turns - low_freq_factor) / (high_freq_factor - low_freq_factor)).clamp(0.0, 1.0);
                (1.0 - high) * frequency / factor + high * frequency
            }
        }
    }
}

impl Rotary {
    /// Angles of each of some positions, `[positions, head_dim / 2]`.
    fn angles(&self, positions: impl Iterator<Item = usize>, head_dim: usize) -> Vec<f32> {
        let of_base = (0..head_dim / 2).map(|i| self.theta.powf(-2.0 * i as f32 / head_dim as f32));
        let frequencies: Vec<f32> =
            of_base.map(|frequency| self.scaling.map_or(frequency, |scaling| scaling.scaled(frequency))).collect();
        positions.flat_map(|position| frequencies.iter().map(move |frequency| position as f32 * frequency)).collect()
    }

    /// Cosines and sines of the positions from 0, `[length, head_dim / 2]` each.
    pub(crate) fn cos_and_sin(&self, length: usize, head_dim: usize) -> [Vec<f32>; 2] {
        let angles = self.angles(0..length, head_dim);
        FUNCTIONS.map(|function| angles.iter().copied().map(function).collect())
    }

    /// Cosines and sines of the angles of these positions, `[batch, time, head_dim / 2]`.
    pub(crate) fn tables(
        &self,
        positions: &[usize],
        [batch, time]: [usize; 2],
        head_dim: usize,
        device: &Device,
    ) -> [Tensor<3>; 2] {
        let angles = self.angles(positions.iter().copied(), head_dim);
        FUNCTIONS.map(|function| {
            let values: Vec<f32> = angles.iter().copied().map(function).collect();
            Tensor::from_data(TensorData::new(values, [batch, time, head_dim / 2]), device)
        })
    }
}

/// Cosine and sine side by side of the positions from 0, `[length, head_dim / 2, 2]`; those of an angle of 0 where
/// nothing is turned.
pub(crate) fn angle_table(rotary: Option<Rotary>, length: usize, head_dim: usize, device: &Device) -> Tensor<3> {
    let values: Vec<f32> = match rotary {
        Some(rotary) => {
            let angles = rotary.angles(0..length, head_dim);
            angles.into_iter().flat_map(|angle| FUNCTIONS.map(|function| function(angle))).collect()
        }
        None => [1.0, 0.0].repeat(length * head_dim / 2),
    };
    Tensor::from_data(TensorData::new(values, [length, head_dim / 2, 2]), device)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn both_spellings_are_read_and_what_is_not_known_is_named() {
        let older = RopeScaling::from_json("rope_scaling", &json!({"type": "linear", "factor": 4.0}));
        assert_eq!(older.unwrap(), Some(RopeScaling::Linear { factor: 4.0 }));
        for none in [json!(null), json!({"rope_type": "default", "rope_theta": 1e4}), json!({})] {
            assert_eq!(RopeScaling::from_json("rope_parameters", &none).unwrap(), None);
        }
        let wrong = [
            (json!({"rope_type": "yarn", "factor": 4.0}), "`yarn`"),
            (json!({"rope_type": "llama3", "factor": 4.0}), "low_freq_factor"),
            (json!({"rope_type": "linear", "factor": 0.0}), "no sense"),
            (json!({"partial_rotary_factor": 0.5}), "partial_rotary_factor 0.5"),
            (json!(3), "must be an object"),
        ];
        for (value, named) in wrong {
            let error = RopeScaling::from_json("rope_scaling", &value).unwrap_err().to_string();
            assert!(error.contains("rope_scaling") && error.contains(named), "{error}");
        }
    }
}
