//! The weights of a decoder: named matrices in a fixed order, and how each finds its place in a block.
//!
//! A [family](crate::family) asks a [`Source`] for its weights by name, always in the same order. Those of a model come
//! out of it as an executor wants them; of a model that is yet to be, they begin here. So names, shapes and beginnings
//! are said once, where a block is put together.

use crate::walk::Operations;
use crate::{DecoderConfig, Weight};
use burn::tensor::{Device, Tensor, TensorData};
use nudge_kernels as kernels;

/// A product as the model has it: whatever multiplies goes through here.
#[derive(Debug, Clone)]
pub(crate) struct Linear {
    /// `[out, in]`, as PyTorch stores it.
    pub weight: Tensor<2>,
    /// `[1, out]`.
    pub bias: Option<Tensor<2>>,
}

/// A norm as the model has it: by the root mean square, or a LayerNorm where it has a bias.
pub(crate) struct NormWeights {
    /// `[1, width]`.
    pub scale: Tensor<2>,
    /// `[1, width]`.
    pub bias: Option<Tensor<2>>,
    /// Added to the mean square.
    pub eps: f32,
}

/// Hands out weights by name while a decoder is put together.
pub(crate) struct Source<'a> {
    origin: Origin<'a>,
    /// The constant of its norms.
    eps: f32,
    /// Deviation of fresh products back into the residual stream.
    residual: f32,
}

enum Origin<'a> {
    Model(std::slice::Iter<'a, Weight>),
    Fresh(Fresh),
}

/// A model that is yet to be.
struct Fresh {
    noise: Noise,
    device: Device,
    made: Vec<Weight>,
}

/// How a matrix begins.
enum Beginning {
    Constant(f32),
    Normal { deviation: f32 },
}

/// Deviation of fresh matrices, as in GPT-2.
const DEVIATION: f32 = 0.02;

impl<'a> Source<'a> {
    /// Gives the weights of a model. They must be asked for in their order.
    pub fn of_model(weights: &'a [Weight], config: &DecoderConfig) -> Self {
        Self::new(Origin::Model(weights.iter()), config)
    }

    /// Makes weights: matrices from a normal distribution with deviation 0.02 (residual outputs divided by
    /// `sqrt(2 * layers)`, as in GPT-2), norms 1, biases 0.
    pub fn fresh(config: &DecoderConfig, seed: u64, device: &Device) -> Self {
        Self::new(Origin::Fresh(Fresh { noise: Noise(seed), device: device.clone(), made: Vec::new() }), config)
    }

    fn new(origin: Origin<'a>, config: &DecoderConfig) -> Self {
        let residual = DEVIATION / (2.0 * config.num_hidden_layers as f32).sqrt();
        Self { origin, eps: config.rms_norm_eps, residual }
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
        O::lay_embedding(self.matrix(&format!("{name}.weight"), shape))
    }

    /// A norm by the root mean square.
    pub fn norm<O: Operations>(&mut self, name: &str, width: usize) -> O::Norm {
        O::lay_norm(NormWeights {
            scale: self.vector(&format!("{name}.weight"), width, 1.0),
            bias: None,
            eps: self.eps,
        })
    }

    /// The same, which multiplies by one and its weight, and then by `factor`.
    pub fn norm_above_one<O: Operations>(&mut self, name: &str, width: usize, factor: f32) -> O::Norm {
        let above = self.vector(&format!("{name}.weight"), width, 0.0).add_scalar(1.0);
        let scale = if factor == 1.0 { above } else { above.mul_scalar(factor) };
        O::lay_norm(NormWeights { scale, bias: None, eps: self.eps })
    }

    /// A LayerNorm.
    pub fn layer_norm<O: Operations>(&mut self, name: &str, width: usize) -> O::Norm {
        let scale = self.vector(&format!("{name}.weight"), width, 1.0);
        let bias = Some(self.vector(&format!("{name}.bias"), width, 0.0));
        O::lay_norm(NormWeights { scale, bias, eps: self.eps })
    }

    /// Products of one input, each with its name and number of outputs, and with a bias if they are `biased`.
    pub fn linears<O: Operations>(&mut self, parts: &[(String, usize)], inputs: usize, biased: bool) -> O::Linears {
        let linear = |(name, outputs): &(String, usize)| Linear {
            weight: self.matrix(&format!("{name}.weight"), [*outputs, inputs]),
            bias: biased.then(|| self.vector(&format!("{name}.bias"), *outputs, 0.0)),
        };
        O::lay_linears(parts.iter().map(linear).collect())
    }

    /// A product back into the residual stream, `[out, in]`.
    pub fn linear_onto<O: Operations>(&mut self, name: &str, shape: [usize; 2]) -> O::Linear {
        O::lay_linear(Linear { weight: self.back(name, shape), bias: None })
    }

    /// The same with a bias.
    pub fn biased_linear_onto<O: Operations>(&mut self, name: &str, shape: [usize; 2]) -> O::Linear {
        let weight = self.back(name, shape);
        O::lay_linear(Linear { weight, bias: Some(self.vector(&format!("{name}.bias"), shape[0], 0.0)) })
    }

    fn back(&mut self, name: &str, shape: [usize; 2]) -> Tensor<2> {
        let deviation = self.residual;
        self.weight(&format!("{name}.weight"), shape, Beginning::Normal { deviation })
    }

    fn vector(&mut self, name: &str, width: usize, value: f32) -> Tensor<2> {
        self.weight(name, [1, width], Beginning::Constant(value))
    }

    fn weight(&mut self, name: &str, shape: [usize; 2], beginning: Beginning) -> Tensor<2> {
        match &mut self.origin {
            Origin::Model(weights) => {
                let weight = weights.next().unwrap_or_else(|| panic!("the model has no `{name}`"));
                assert_eq!((weight.name(), weight.tensor().dims()), (name, shape), "weights in another order");
                weight.tensor().clone()
            }
            Origin::Fresh(fresh) => fresh.make(name.into(), shape, beginning),
        }
    }
}

impl Linear {
    /// `x Wᵀ + b`: `[batch, time, in]` to `[batch, time, out]`.
    pub fn of(&self, x: Tensor<3>) -> Tensor<3> {
        self.with_bias(kernels::linear(x, self.weight.clone()))
    }

    /// `added + x Wᵀ + b`.
    pub fn onto(&self, x: Tensor<3>, added: Tensor<3>) -> Tensor<3> {
        self.with_bias(kernels::linear_onto(x, self.weight.clone(), added))
    }

    /// `y + b`, for who has multiplied already.
    pub fn with_bias(&self, y: Tensor<3>) -> Tensor<3> {
        match &self.bias {
            Some(bias) => y + bias.clone().unsqueeze(),
            None => y,
        }
    }

    /// Products of one input as one, their outputs side by side. All have a bias, or none.
    pub fn beside(linears: Vec<Self>) -> Self {
        let biases: Vec<_> = linears.iter().filter_map(|linear| linear.bias.clone()).collect();
        assert!(biases.is_empty() || biases.len() == linears.len(), "a bias for {} of them", biases.len());
        Self {
            weight: Tensor::cat(linears.into_iter().map(|linear| linear.weight).collect(), 0),
            bias: (!biases.is_empty()).then(|| Tensor::cat(biases, 1)),
        }
    }
}

impl Fresh {
    fn make(&mut self, name: String, [rows, columns]: [usize; 2], beginning: Beginning) -> Tensor<2> {
        let values = match beginning {
            Beginning::Constant(value) => vec![value; rows * columns],
            Beginning::Normal { deviation } => (0..rows * columns).map(|_| self.noise.normal() * deviation).collect(),
        };
        let tensor = Tensor::from_data(TensorData::new(values, [rows, columns]), &self.device);
        self.made.push(Weight::new(name, tensor.clone()));
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
