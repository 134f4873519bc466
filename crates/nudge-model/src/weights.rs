//! The weights of a decoder: named matrices in a fixed order, and how each finds its place in a block.
//!
//! A [family](crate::family) asks a [`Source`] for its weights by name, always in the same order. Those of a model come
//! out of it as an executor wants them; of a model that is yet to be, they begin here. So names, shapes and beginnings
//! are said once, where a block is put together.

use crate::DecoderConfig;
use crate::walk::Operations;
use burn::tensor::{Device, Tensor, TensorData};
use nudge_kernels as kernels;

/// A matrix with its name in `model.safetensors`. Vectors are matrices of one row.
#[derive(Debug, Clone)]
pub(crate) struct Weight {
    pub name: String,
    pub tensor: Tensor<2>,
}

/// A product as the model has it: whatever multiplies goes through here.
#[derive(Debug, Clone)]
pub(crate) struct Linear {
    /// `[out, in]`, as PyTorch stores it.
    pub weight: Tensor<2>,
}

/// Hands out weights by name while a decoder is put together.
pub(crate) struct Source<'a> {
    origin: Origin<'a>,
    /// The constant of its norms.
    eps: f32,
}

enum Origin<'a> {
    Model(std::slice::Iter<'a, Weight>),
    Fresh(Fresh),
}

/// A model that is yet to be.
struct Fresh {
    noise: Noise,
    /// Deviation of products back into the residual stream.
    residual: f32,
    device: Device,
    made: Vec<Weight>,
}

/// How a matrix begins.
enum Beginning {
    Ones,
    Normal { deviation: f32 },
}

/// Deviation of fresh matrices, as in GPT-2.
const DEVIATION: f32 = 0.02;

impl<'a> Source<'a> {
    /// Gives the weights of a model. They must be asked for in their order.
    pub fn of_model(weights: &'a [Weight], config: &DecoderConfig) -> Self {
        Self { origin: Origin::Model(weights.iter()), eps: config.rms_norm_eps }
    }

    /// Makes weights: matrices from a normal distribution with deviation 0.02 (residual outputs divided by
    /// `sqrt(2 * layers)`, as in GPT-2), norms 1.
    pub fn fresh(config: &DecoderConfig, seed: u64, device: &Device) -> Self {
        let residual = DEVIATION / (2.0 * config.num_hidden_layers as f32).sqrt();
        let fresh = Fresh { noise: Noise(seed), residual, device: device.clone(), made: Vec::new() };
        Self { origin: Origin::Fresh(fresh), eps: config.rms_norm_eps }
    }

    /// What was made.
    pub fn into_fresh(self) -> Vec<Weight> {
        match self.origin {
            Origin::Fresh(fresh) => fresh.made,
            Origin::Model(_) => Vec::new(),
        }
    }

    /// A matrix for nobody to lay out: an unembedding.
    pub fn matrix(&mut self, name: &str, shape: [usize; 2]) -> Tensor<2> {
        self.weight(name, shape, Beginning::Normal { deviation: DEVIATION })
    }

    /// The embedding, `[vocab, hidden]`.
    pub fn embedding<O: Operations>(&mut self, name: &str, shape: [usize; 2]) -> O::Embedding {
        O::lay_embedding(self.matrix(name, shape))
    }

    /// The scale of a norm.
    pub fn norm<O: Operations>(&mut self, name: &str, width: usize) -> O::Norm {
        O::lay_norm(self.weight(name, [1, width], Beginning::Ones), self.eps)
    }

    /// Products of one input, each with its number of outputs.
    pub fn linears<O: Operations>(&mut self, parts: &[(String, usize)], inputs: usize) -> O::Linears {
        let linear = |(name, outputs): &(String, usize)| Linear { weight: self.matrix(name, [*outputs, inputs]) };
        O::lay_linears(parts.iter().map(linear).collect())
    }

    /// A product back into the residual stream.
    pub fn linear_onto<O: Operations>(&mut self, name: &str, shape: [usize; 2]) -> O::Linear {
        let deviation = match &self.origin {
            Origin::Fresh(fresh) => fresh.residual,
            Origin::Model(_) => DEVIATION,
        };
        O::lay_linear(Linear { weight: self.weight(name, shape, Beginning::Normal { deviation }) })
    }

    fn weight(&mut self, name: &str, shape: [usize; 2], beginning: Beginning) -> Tensor<2> {
        match &mut self.origin {
            Origin::Model(weights) => {
                let weight = weights.next().unwrap_or_else(|| panic!("the model has no `{name}`"));
                assert_eq!((weight.name.as_str(), weight.tensor.dims()), (name, shape), "weights in another order");
                weight.tensor.clone()
            }
            Origin::Fresh(fresh) => fresh.make(name.into(), shape, beginning),
        }
    }
}

impl Linear {
    /// `x Wᵀ`: `[batch, time, in]` to `[batch, time, out]`.
    pub fn of(&self, x: Tensor<3>) -> Tensor<3> {
        kernels::linear(x, self.weight.clone())
    }

    /// `added + x Wᵀ`.
    pub fn onto(&self, x: Tensor<3>, added: Tensor<3>) -> Tensor<3> {
        kernels::linear_onto(x, self.weight.clone(), added)
    }

    /// Products of one input as one, their outputs side by side.
    pub fn beside(linears: Vec<Self>) -> Self {
        Self { weight: Tensor::cat(linears.into_iter().map(|linear| linear.weight).collect(), 0) }
    }
}

impl Fresh {
    fn make(&mut self, name: String, [rows, columns]: [usize; 2], beginning: Beginning) -> Tensor<2> {
        let values = match beginning {
            Beginning::Ones => vec![1.0; rows * columns],
            Beginning::Normal { deviation } => (0..rows * columns).map(|_| self.noise.normal() * deviation).collect(),
        };
        let tensor = Tensor::from_data(TensorData::new(values, [rows, columns]), &self.device);
        self.made.push(Weight { name, tensor: tensor.clone() });
        tensor
    }
}

/// Normal noise for initial weights: SplitMix64 (Steele et al. 2014) under Box-Muller. Sampling noise is the caller's.
pub(crate) struct Noise(pub u64);

impl Noise {
    fn uniform(&mut self) -> f32 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((z ^ (z >> 31)) >> 40) as f32 / (1u64 << 24) as f32
    }

    pub(crate) fn normal(&mut self) -> f32 {
        let radius = (-2.0 * (1.0 - self.uniform()).ln()).sqrt();
        radius * (std::f32::consts::TAU * self.uniform()).cos()
    }
}
