//! Tensors to safetensors bytes, by Hugging Face's names. Reading them is [`crate::container`].
//!
//! It takes host data that somebody else has read back. Deliberately absent: files, sharded checkpoints.

use crate::{ModelError, family};
use half::{bf16, f16};
use safetensors::{Dtype, tensor::TensorView};

/// How numbers are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Precision {
    /// 4 bytes, exact: what resuming needs.
    F32,
    /// 2 bytes: what the built-in model is shipped in.
    F16,
    /// 2 bytes with the range of f32: what most models are published in.
    BF16,
}

/// One tensor on the host.
#[derive(Debug, Clone, PartialEq)]
pub struct NamedData {
    /// Name in the file.
    pub name: String,
    /// Its shape.
    pub shape: Vec<usize>,
    /// Row-major numbers.
    pub values: Vec<f32>,
}

/// Writes tensors as a safetensors file. One-row matrices that are norms or biases are written as vectors, and what
/// [a family](crate::family) stores in another order in that order, as transformers expects them.
pub fn encode(tensors: &[NamedData], precision: Precision) -> Result<Vec<u8>, ModelError> {
    let stored: Vec<(String, Vec<usize>, Vec<u8>)> = tensors
        .iter()
        .map(|tensor| {
            let tensor = family::as_stored(tensor);
            (tensor.name.clone(), shape_on_disk(&tensor), bytes_of(&tensor.values, precision))
        })
        .collect();
    let dtype = match precision {
        Precision::F32 => Dtype::F32,
        Precision::F16 => Dtype::F16,
        Precision::BF16 => Dtype::BF16,
    };
    let views = stored
        .iter()
        .map(|(name, shape, bytes)| Ok((name.clone(), TensorView::new(dtype, shape.clone(), bytes)?)))
        .collect::<Result<Vec<_>, safetensors::SafeTensorError>>()
        .map_err(|error| ModelError::Encoding(error.to_string()))?;
    let metadata = std::collections::HashMap::from([("format".to_string(), "pt".to_string())]);
    safetensors::serialize(views, Some(metadata)).map_err(|error| ModelError::Encoding(error.to_string()))
}

fn shape_on_disk(tensor: &NamedData) -> Vec<usize> {
    match tensor.shape.as_slice() {
        [1, width] if family::is_vector(&tensor.name) => vec![*width],
        shape => shape.to_vec(),
    }
}

fn bytes_of(values: &[f32], precision: Precision) -> Vec<u8> {
    match precision {
        Precision::F32 => values.iter().flat_map(|value| value.to_le_bytes()).collect(),
        Precision::F16 => values.iter().flat_map(|value| f16::from_f32(*value).to_le_bytes()).collect(),
        Precision::BF16 => values.iter().flat_map(|value| bf16::from_f32(*value).to_le_bytes()).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::container::ContainerError;
    use crate::{Decoder, DecoderConfig, Parameters, Tensors};
    use burn::tensor::Device;

    fn open(bytes: &[u8]) -> Result<Tensors, ContainerError> {
        Tensors::from_safetensors("model.safetensors", bytes.to_vec().into())
    }

    fn host(model: &impl Parameters) -> Vec<NamedData> {
        model
            .parameters()
            .into_iter()
            .map(|(name, tensor)| NamedData {
                name,
                shape: tensor.dims().to_vec(),
                values: tensor.to_data().try_to_vec::<f32>().unwrap(),
            })
            .collect()
    }

    #[test]
    fn a_model_survives_the_round_trip_exactly_in_f32_and_closely_in_f16() {
        let device = Device::flex();
        let config = DecoderConfig::test(32);
        let model = Decoder::init(&config, 7, &device);
        let before = host(&model);
        for (precision, tolerance) in [(Precision::F32, 0.0), (Precision::F16, 1e-3), (Precision::BF16, 1e-2)] {
            let bytes = encode(&before, precision).unwrap();
            let tensors = open(&bytes).unwrap();
            let after = host(&Decoder::from_tensors(&config, &tensors, &device).unwrap());
            for (a, b) in before.iter().zip(&after) {
                assert_eq!(a.name, b.name);
                assert!(a.values.iter().zip(&b.values).all(|(a, b)| (a - b).abs() <= tolerance));
            }
        }
    }

    #[test]
    fn damage_is_named() {
        let device = Device::flex();
        let config = DecoderConfig::test(32);
        let mut data = host(&Decoder::init(&config, 7, &device));
        let bytes = encode(&data, Precision::F32).unwrap();
        assert!(matches!(open(&bytes[..100]), Err(ContainerError::Truncated { .. })));
        data[1].values[0] = f32::NAN;
        let damaged = open(&encode(&data, Precision::F32).unwrap()).unwrap();
        let error = Decoder::from_tensors(&config, &damaged, &device).unwrap_err();
        assert!(error.to_string().contains("input_layernorm"), "{error}");
        let other = DecoderConfig::test(33);
        let tensors = open(&bytes).unwrap();
        assert!(matches!(Decoder::from_tensors(&other, &tensors, &device), Err(ModelError::Shape { .. })));
        let missing = encode(&data[1..], Precision::F32).unwrap();
        let missing = open(&missing).unwrap();
        assert!(matches!(Decoder::from_tensors(&config, &missing, &device), Err(ModelError::MissingTensor(_))));
    }
}
