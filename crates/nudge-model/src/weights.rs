//! The weights of a decoder: named matrices in a fixed order, and how each finds its place in a block.
//!
//! A [family](crate::family) asks a [`Source`] for its weights by name, always in the same order. Those of a model come
//! out of it as an executor wants them; of a model that is yet to be, they begin here. So names, shapes and beginnings
//! are said once, where a block is put together.

use crate::adapter::{Adapter, LoraPair};
use crate::walk::Operations;
use crate::weights_of_file::{File, Keeping};
use crate::{DecoderConfig, Matrix, ModelError, Tensors, Weight};
use burn::tensor::{Device, Tensor, TensorData};
use nudge_kernels::{PackedWeight, linear, linear_onto};

/// A product as the model has it: whatever multiplies goes through here.
#[derive(Debug, Clone)]
pub(crate) struct Linear {
    /// `[out, in]`, as PyTorch stores it.
    pub weight: Matrix,
    /// `[1, out]`.
    pub bias: Option<Tensor<2>>,
    /// What is added to the weight.
    pub lora: Option<Lora>,
}

/// `s B A`, in whose stead its factors are multiplied one after the other.
#[derive(Debug, Clone)]
pub(crate) struct Lora {
    /// `A`, `[r, in]`.
    pub a: Tensor<2>,
    /// `s B`, `[out, r]`.
    pub b: Tensor<2>,
}

impl From<&LoraPair> for Lora {
    fn from(pair: &LoraPair) -> Self {
        Self { a: pair.a.dense().clone(), b: pair.b.dense().clone().mul_scalar(pair.scale) }
    }
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
    Model(std::slice::Iter<'a, Weight>, Option<&'a Adapter>),
    Fresh(Fresh),
    File(File<'a>),
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
    pub fn of_model(weights: &'a [Weight], adapter: Option<&'a Adapter>, config: &DecoderConfig) -> Self {
        Self::new(Origin::Model(weights.iter(), adapter), config)
    }

    /// Makes weights: matrices from a normal distribution with deviation 0.02 (residual outputs divided by
    /// `sqrt(2 * layers)`, as in GPT-2), norms 1, biases 0.
    pub fn fresh(config: &DecoderConfig, seed: u64, device: &Device) -> Self {
        Self::new(Origin::Fresh(Fresh { noise: Noise(seed), device: device.clone(), made: Vec::new() }), config)
    }

    /// Reads the tensors of a file, one by one.
    pub fn of_file(tensors: &'a Tensors, keeping: Keeping, config: &DecoderConfig, device: &Device) -> Self {
        Self::new(Origin::File(File::new(tensors, keeping, device)), config)
    }

    fn new(origin: Origin<'a>, config: &DecoderConfig) -> Self {
        let residual = DEVIATION / (2.0 * config.num_hidden_layers as f32).sqrt();
        Self { origin, eps: config.rms_norm_eps, residual }
    }

    /// What was made.
    pub fn into_fresh(self) -> Vec<Weight> {
        match self.origin {
            Origin::Fresh(fresh) => fresh.made,
            Origin::Model(..) | Origin::File(_) => Vec::new(),
        }
    }

    /// What was read.
    ///
    /// # Errors
    /// The first tensor that is missing, of another shape, or not finite.
    pub fn into_read(self) -> Result<Vec<Weight>, ModelError> {
        match self.origin {
            Origin::File(file) => file.into_read(),
            Origin::Model(..) | Origin::Fresh(_) => Ok(Vec::new()),
        }
    }

    /// A matrix for nobody to lay out: an unembedding.
    pub fn matrix(&mut self, name: &str, shape: [usize; 2]) -> Matrix {
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
        let linear = |(name, outputs): &(String, usize)| {
            let linear = self.linear(name, [*outputs, inputs], DEVIATION);
            Linear { bias: biased.then(|| self.vector(&format!("{name}.bias"), *outputs, 0.0)), ..linear }
        };
        O::lay_linears(parts.iter().map(linear).collect())
    }

    /// A product back into the residual stream, `[out, in]`.
    pub fn linear_onto<O: Operations>(&mut self, name: &str, shape: [usize; 2]) -> O::Linear {
        O::lay_linear(self.linear(name, shape, self.residual))
    }

    /// The same with a bias.
    pub fn biased_linear_onto<O: Operations>(&mut self, name: &str, shape: [usize; 2]) -> O::Linear {
        let linear = self.linear(name, shape, self.residual);
        O::lay_linear(Linear { bias: Some(self.vector(&format!("{name}.bias"), shape[0], 0.0)), ..linear })
    }

    /// A product without a bias, `[out, in]`.
    fn linear(&mut self, name: &str, shape: [usize; 2], deviation: f32) -> Linear {
        let name = format!("{name}.weight");
        let weight = self.weight(&name, shape, Beginning::Normal { deviation });
        let lora = match &self.origin {
            Origin::Model(_, Some(adapter)) => adapter.of(&name).map(Lora::from),
            Origin::Model(_, None) | Origin::Fresh(_) | Origin::File(_) => None,
        };
        Linear { weight, bias: None, lora }
    }

    /// A vector as a matrix of one row, which is never stored in blocks.
    fn vector(&mut self, name: &str, width: usize, beginning: f32) -> Tensor<2> {
        self.weight(name, [1, width], Beginning::Constant(beginning)).unpacked()
    }

    fn weight(&mut self, name: &str, shape: [usize; 2], beginning: Beginning) -> Matrix {
        match &mut self.origin {
            Origin::Model(weights, _) => {
                let weight = weights.next().unwrap_or_else(|| panic!("the model has no `{name}`"));
                assert_eq!((weight.name(), weight.matrix().dims()), (name, shape), "weights in another order");
                weight.matrix().clone()
            }
            Origin::Fresh(fresh) => Matrix::Dense(fresh.make(name.into(), shape, beginning)),
            Origin::File(file) => file.matrix(name, shape),
        }
    }
}

impl Linear {
    /// A product with a matrix alone.
    pub fn plain(weight: Matrix) -> Self {
        Self { weight, bias: None, lora: None }
    }

    /// `x (W + s B A)ᵀ + b`: `[batch, time, in]` to `[batch, time, out]`.
    pub fn of(&self, x: Tensor<3>) -> Tensor<3> {
        self.with_lora_and_bias(x.clone(), self.weight.linear(x))
    }

    /// `added + x (W + s B A)ᵀ + b`.
    pub fn onto(&self, x: Tensor<3>, added: Tensor<3>) -> Tensor<3> {
        self.with_lora_and_bias(x.clone(), self.weight.linear_onto(x, added))
    }

    fn with_lora_and_bias(&self, x: Tensor<3>, y: Tensor<3>) -> Tensor<3> {
        self.with_bias(match &self.lora {
            Some(Lora { a, b }) => linear_onto(linear(x, a.clone()), b.clone(), y),
            None => y,
        })
    }

    /// Its weight, where it is nothing but numbers in `f32` and perhaps a bias.
    pub fn dense(&self) -> Option<&Tensor<2>> {
        if self.lora.is_some() { None } else { self.weight.dense() }
    }

    /// Its weight, where it is frozen as its file stores it and has neither bias nor adapter.
    pub fn packed(&self) -> Option<&PackedWeight> {
        match self {
            Self { weight: Matrix::Packed(weight), bias: None, lora: None } => Some(weight),
            _ => None,
        }
    }

    /// `y + b`, for who has multiplied already.
    pub fn with_bias(&self, y: Tensor<3>) -> Tensor<3> {
        match &self.bias {
            Some(bias) => y + bias.clone().unsqueeze(),
            None => y,
        }
    }

    /// Products of one input as one, their outputs side by side; nothing where one is not [`Self::dense`]. All have a
    /// bias, or none.
    pub fn beside(linears: &[Self]) -> Option<Self> {
        let weights = linears.iter().map(|linear| linear.dense().cloned()).collect::<Option<Vec<_>>>()?;
        let biases: Vec<_> = linears.iter().filter_map(|linear| linear.bias.clone()).collect();
        assert!(biases.is_empty() || biases.len() == linears.len(), "a bias for {} of them", biases.len());
        let bias = (!biases.is_empty()).then(|| Tensor::cat(biases, 1));
        Some(Self { bias, ..Self::plain(Matrix::Dense(Tensor::cat(weights, 0))) })
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
    pub(crate) fn uniform(&mut self) -> f32 {
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
