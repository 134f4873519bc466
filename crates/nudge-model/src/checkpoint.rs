//! Tensors to and from safetensors bytes, by Hugging Face's names.
//!
//! Writing takes host data that somebody else has read back; reading accepts f32, f16 and bf16 and
//! refuses numbers that are not finite. Deliberately absent: files, sharded checkpoints.

use crate::{ModelError, Parameters, family};
use burn::tensor::{Device, Tensor, TensorData};
use half::{bf16, f16};
use safetensors::{Dtype, SafeTensors, tensor::TensorView};
use std::collections::BTreeMap;

/// How numbers are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Precision {
    /// 4 bytes, exact: what resuming needs.
    F32,
    /// 2 bytes: what the built-in model is shipped in.
    F16,
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

/// The tensors of one file, by name.
#[derive(Debug, Clone, Default)]
pub struct NamedTensors(BTreeMap<String, NamedData>);

impl NamedTensors {
    /// Reads a safetensors file.
    pub fn from_safetensors(bytes: &[u8]) -> Result<Self, ModelError> {
        let file = SafeTensors::deserialize(bytes).map_err(|error| ModelError::Safetensors(error.to_string()))?;
        let mut tensors = BTreeMap::new();
        for (name, view) in file.tensors() {
            let values = numbers(&name, &view)?;
            let tensor = family::as_kept(NamedData { name, shape: view.shape().to_vec(), values });
            tensors.insert(tensor.name.clone(), tensor);
        }
        Ok(Self(tensors))
    }

    /// The tensor called `name`.
    pub fn get(&self, name: &str) -> Result<&NamedData, ModelError> {
        self.0.get(name).ok_or_else(|| ModelError::MissingTensor(name.to_string()))
    }

    /// Names of all tensors.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// The shape of the tensor called `name`.
    pub fn shape(&self, name: &str) -> Result<&[usize], ModelError> {
        Ok(&self.get(name)?.shape)
    }

    /// Whether a tensor called `name` is there.
    pub fn contains(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// Replaces every parameter of `model` by the tensor of its name. Vectors on disk are one-row matrices here.
    pub fn load_into(&self, model: &mut impl Parameters, device: &Device) -> Result<(), ModelError> {
        let names: Vec<String> = model.parameters().into_iter().map(|(name, _)| name).collect();
        for (name, parameter) in names.iter().zip(model.parameters_mut()) {
            *parameter = self.matrix(name, parameter.dims(), device)?;
        }
        Ok(())
    }

    /// The tensor called `name` as a matrix of `shape`.
    pub fn matrix(&self, name: &str, shape: [usize; 2], device: &Device) -> Result<Tensor<2>, ModelError> {
        let data = self.get(name)?;
        let fits = data.shape == shape || (shape[0] == 1 && data.shape == [shape[1]]);
        if !fits {
            return Err(ModelError::Shape { name: name.into(), expected: shape.to_vec(), found: data.shape.clone() });
        }
        if !data.values.iter().all(|value| value.is_finite()) {
            return Err(ModelError::NotFinite(name.into()));
        }
        Ok(Tensor::from_data(TensorData::new(data.values.clone(), shape), device))
    }
}

fn numbers(name: &str, view: &TensorView) -> Result<Vec<f32>, ModelError> {
    let bytes = view.data();
    match view.dtype() {
        Dtype::F32 => Ok(bytes.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect()),
        Dtype::F16 => Ok(bytes.chunks_exact(2).map(|b| f16::from_le_bytes([b[0], b[1]]).to_f32()).collect()),
        Dtype::BF16 => Ok(bytes.chunks_exact(2).map(|b| bf16::from_le_bytes([b[0], b[1]]).to_f32()).collect()),
        other => Err(ModelError::Safetensors(format!("tensor `{name}` is stored as {other:?}, not f32, f16 or bf16"))),
    }
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
    };
    let views = stored
        .iter()
        .map(|(name, shape, bytes)| Ok((name.clone(), TensorView::new(dtype, shape.clone(), bytes)?)))
        .collect::<Result<Vec<_>, safetensors::SafeTensorError>>()
        .map_err(|error| ModelError::Safetensors(error.to_string()))?;
    let metadata = std::collections::HashMap::from([("format".to_string(), "pt".to_string())]);
    safetensors::serialize(views, Some(metadata)).map_err(|error| ModelError::Safetensors(error.to_string()))
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
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Decoder, DecoderConfig};

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
        for (precision, tolerance) in [(Precision::F32, 0.0), (Precision::F16, 1e-3)] {
            let bytes = encode(&before, precision).unwrap();
            let tensors = NamedTensors::from_safetensors(&bytes).unwrap();
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
        assert!(matches!(NamedTensors::from_safetensors(&bytes[..100]), Err(ModelError::Safetensors(_))));
        data[1].values[0] = f32::NAN;
        let damaged = NamedTensors::from_safetensors(&encode(&data, Precision::F32).unwrap()).unwrap();
        let error = Decoder::from_tensors(&config, &damaged, &device).unwrap_err();
        assert!(error.to_string().contains("input_layernorm"), "{error}");
        let other = DecoderConfig::test(33);
        let tensors = NamedTensors::from_safetensors(&bytes).unwrap();
        assert!(matches!(Decoder::from_tensors(&other, &tensors, &device), Err(ModelError::Shape { .. })));
        let missing = encode(&data[1..], Precision::F32).unwrap();
        let missing = NamedTensors::from_safetensors(&missing).unwrap();
        assert!(matches!(Decoder::from_tensors(&config, &missing, &device), Err(ModelError::MissingTensor(_))));
    }
}
