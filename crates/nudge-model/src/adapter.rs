//! Low-rank adapters (LoRA, Hu et al. 2021): a frozen matrix `W` becomes `W + s B A`, and only `A` and `B` train.
//!
//! Names, beginnings and scale are those of PEFT, so what is saved is its file. `A` begins uniform within
//! `1 / sqrt(in)`, `B` at zero: a fresh adapter changes nothing.

use crate::weights::Noise;
use crate::{ModelError, Tensors, Weight};
use burn::tensor::{Device, Tensor, TensorData};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// What an adapter is like.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LoraConfig {
    /// Rank of `B A`.
    pub r: usize,
    /// `B A` is scaled by `alpha / r`.
    pub alpha: f32,
    /// By `alpha / sqrt(r)` instead (Kalajdzievski 2023).
    pub use_rslora: bool,
    /// Which matrices it adapts, by their modules' names or how these end (`q_proj`); empty: all of the blocks.
    pub target_modules: Vec<String>,
}

impl LoraConfig {
    /// `s`.
    pub fn scale(&self) -> f32 {
        let r = self.r as f32;
        self.alpha / if self.use_rslora { r.sqrt() } else { r }
    }

    /// The last parts of the names of the modules that it adapts, as PEFT lists targets.
    pub fn modules(&self, weights: &[Weight]) -> BTreeSet<String> {
        let adapted = weights.iter().filter(|weight| self.adapts(weight.name(), weight.matrix().dims()));
        adapted.map(|weight| last_part(weight.name()).into()).collect()
    }

    /// Whether it adapts the weight of this name and shape: a matrix of a block, `model.layers.0.self_attn.q_proj.weight`.
    pub fn adapts(&self, name: &str, [rows, _]: [usize; 2]) -> bool {
        let Some(module) = name.strip_suffix(".weight") else { return false };
        let is_in_block = module.split('.').any(|part| part.parse::<usize>().is_ok());
        let is = |target: &String| {
            module.strip_suffix(target.as_str()).is_some_and(|before| before.is_empty() || before.ends_with('.'))
        };
        is_in_block && rows > 1 && (self.target_modules.is_empty() || self.target_modules.iter().any(is))
    }
}

/// The adapter of one matrix.
#[derive(Debug, Clone)]
pub struct LoraPair {
    /// Name of the weight that it adapts.
    pub target: String,
    /// `A`, `[r, in]`.
    pub a: Weight,
    /// `B`, `[out, r]`.
    pub b: Weight,
    /// `s`.
    pub scale: f32,
}

/// The adapters of a decoder.
#[derive(Debug, Clone)]
pub struct Adapter {
    /// What it is like.
    pub config: LoraConfig,
    /// One a matrix, in the order of the weights.
    pub pairs: Vec<LoraPair>,
    /// Whether it changes nothing yet.
    pub is_fresh: bool,
    /// What it was made for.
    pub base: BaseModel,
}

/// Which base an adapter belongs to.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct BaseModel {
    /// Its name or path.
    pub name: Option<String>,
    /// SHA-256 of its weights.
    pub sha256: Option<String>,
}

impl Adapter {
    /// A fresh one for the matrices among `weights` that `config` names. The same seed gives the same numbers.
    pub fn fresh(config: LoraConfig, weights: &[Weight], seed: u64, device: &Device) -> Self {
        let mut noise = Noise(seed);
        let mut pair = |weight: &Weight| {
            let [out, inputs] = weight.matrix().dims();
            let bound = 1.0 / (inputs as f32).sqrt();
            let a = (0..config.r * inputs).map(|_| (2.0 * noise.uniform() - 1.0) * bound).collect();
            let a = Tensor::from_data(TensorData::new::<f32, _>(a, [config.r, inputs]), device);
            LoraPair::new(weight.name(), a, Tensor::zeros([out, config.r], device), config.scale())
        };
        let pairs = weights
            .iter()
            .filter(|weight| config.adapts(weight.name(), weight.matrix().dims()))
            .map(&mut pair)
            .collect();
        Self { config, pairs, is_fresh: true, base: BaseModel::default() }
    }

    /// One from the tensors of PEFT's `adapter_model.safetensors`, for a model of `weights`. Ranks may differ by matrix;
    /// `scale` gives `s` of a weight of a rank.
    ///
    /// # Errors
    /// If a tensor belongs to no matrix of the model, a partner is missing, or shapes do not fit.
    pub fn from_tensors(
        config: LoraConfig,
        scale: impl Fn(&str, usize) -> f32,
        tensors: &Tensors,
        weights: &[Weight],
        device: &Device,
    ) -> Result<Self, ModelError> {
        let mut pairs = Vec::new();
        for weight in weights {
            let (a_name, b_name) = LoraPair::names(weight.name());
            if !tensors.contains(&a_name) && !tensors.contains(&b_name) {
                continue;
            }
            let [out, inputs] = weight.matrix().dims();
            let r = tensors.layout(&a_name).and_then(|(shape, _)| shape.first().copied()).unwrap_or(0);
            let a = tensors.matrix(&a_name, [r, inputs], device)?;
            let b = tensors.matrix(&b_name, [out, r], device)?;
            pairs.push(LoraPair::new(weight.name(), a, b, scale(weight.name(), r)));
        }
        let known = |name: &str| pairs.iter().any(|pair| pair.a.name() == name || pair.b.name() == name);
        let unknown = tensors.names().find(|name| name.contains(".lora_") && !known(name));
        match unknown {
            Some(name) => Err(ModelError::UnknownAdapter(name.into())),
            None => Ok(Self { config, pairs, is_fresh: false, base: BaseModel::default() }),
        }
    }

    /// The same adapter, made for this base.
    pub fn for_base(self, base: BaseModel) -> Self {
        Self { base, ..self }
    }

    /// The last parts of the adapted modules' names, as PEFT lists targets.
    pub fn targets(&self) -> BTreeSet<String> {
        self.pairs.iter().map(|pair| last_part(&pair.target).into()).collect()
    }

    /// The adapter of the weight of this name.
    pub fn of(&self, weight: &str) -> Option<&LoraPair> {
        self.pairs.iter().find(|pair| pair.target == weight)
    }
}

/// `q_proj` of `model.layers.0.self_attn.q_proj.weight`.
fn last_part(weight: &str) -> &str {
    let module = weight.strip_suffix(".weight").unwrap_or(weight);
    module.rsplit('.').next().unwrap_or(module)
}

impl LoraPair {
    fn new(target: &str, a: Tensor<2>, b: Tensor<2>, scale: f32) -> Self {
        let (a_name, b_name) = Self::names(target);
        Self { target: target.into(), a: Weight::new(a_name, a), b: Weight::new(b_name, b), scale }
    }

    /// PEFT's names of `A` and `B` of a weight.
    pub fn names(weight: &str) -> (String, String) {
        let module = weight.strip_suffix(".weight").unwrap_or(weight);
        let name = |part: &str| format!("base_model.model.{module}.lora_{part}.weight");
        (name("A"), name("B"))
    }

    /// `W + s B A` of `weight: [out, in]`.
    pub fn merged(&self, weight: Tensor<2>) -> Tensor<2> {
        weight + self.b.dense().clone().matmul(self.a.dense().clone()).mul_scalar(self.scale)
    }
}
