//! The decoder: a Llama-family transformer over rows of tokens.
//!
//! Parameters are plain tensors. To train, [`Parameters::tracked`] gives a copy that records a graph.
//! Deliberately absent: dropout (policies and references must agree), positions learned by heart,
//! anything that reads a tensor back.

use crate::{DecoderConfig, Frozen, ModelError, Parameters, TokenBatch, checkpoint::NamedTensors};
use burn::tensor::{Device, Int, Tensor, TensorData};
use nudge_kernels as kernels;

/// One block: attention and SwiGLU, each behind an RMSNorm. Weights are `[out, in]`, norms `[1, hidden]`.
#[derive(Debug, Clone)]
pub struct Layer {
    pub(crate) input_norm: Tensor<2>,
    pub(crate) q_proj: Tensor<2>,
    pub(crate) k_proj: Tensor<2>,
    pub(crate) v_proj: Tensor<2>,
    pub(crate) o_proj: Tensor<2>,
    pub(crate) post_attention_norm: Tensor<2>,
    pub(crate) gate_proj: Tensor<2>,
    pub(crate) up_proj: Tensor<2>,
    pub(crate) down_proj: Tensor<2>,
}

/// A Llama-family decoder.
#[derive(Debug, Clone)]
pub struct Decoder {
    /// The shape of the model.
    pub config: DecoderConfig,
    pub(crate) embed_tokens: Tensor<2>, // [vocab, hidden]
    pub(crate) layers: Vec<Layer>,
    pub(crate) norm: Tensor<2>,            // [1, hidden]
    pub(crate) lm_head: Option<Tensor<2>>, // [vocab, hidden], absent when tied
}

/// Logits that exist at a time, as long as only log-probabilities are wanted of them. 64 MiB: half of what WebGPU
/// promises as one buffer.
const LOGITS_HELD: usize = 1 << 24;

impl Decoder {
    /// A fresh model: matrices from a normal distribution with deviation 0.02 (residual outputs divided by
    /// `sqrt(2 * layers)`, as in GPT-2), norms 1. The same seed gives the same weights on every device.
    pub fn init(config: &DecoderConfig, seed: u64, device: &Device) -> Self {
        let mut noise = Noise(seed);
        let deviation = 0.02;
        let residual = deviation / (2.0 * config.num_hidden_layers as f32).sqrt();
        let mut matrix = |rows: usize, columns: usize, deviation: f32| -> Tensor<2> {
            let values: Vec<f32> = (0..rows * columns).map(|_| noise.normal() * deviation).collect();
            Tensor::from_data(TensorData::new(values, [rows, columns]), device)
        };
        let (hidden, wide) = (config.hidden_size, config.intermediate_size);
        let queries = config.num_attention_heads * config.head_dim;
        let keys = config.num_key_value_heads * config.head_dim;
        let ones = || Tensor::ones([1, hidden], device);
        let embed_tokens = matrix(config.vocab_size, hidden, deviation);
        let layers = (0..config.num_hidden_layers)
            .map(|_| Layer {
                input_norm: ones(),
                q_proj: matrix(queries, hidden, deviation),
                k_proj: matrix(keys, hidden, deviation),
                v_proj: matrix(keys, hidden, deviation),
                o_proj: matrix(hidden, queries, residual),
                post_attention_norm: ones(),
                gate_proj: matrix(wide, hidden, deviation),
                up_proj: matrix(wide, hidden, deviation),
                down_proj: matrix(hidden, wide, residual),
            })
            .collect();
        let lm_head = (!config.tie_word_embeddings).then(|| matrix(config.vocab_size, hidden, deviation));
        Self { config: config.clone(), embed_tokens, layers, norm: ones(), lm_head }
    }

    /// A model from the tensors of `model.safetensors`.
    pub fn from_tensors(config: &DecoderConfig, tensors: &NamedTensors, device: &Device) -> Result<Self, ModelError> {
        let mut model = Self::init(config, 0, device);
        tensors.load_into(&mut model, device)?;
        Ok(model)
    }

    /// The device the parameters live on, without autodiff.
    pub fn device(&self) -> Device {
        self.embed_tokens.device().without_autodiff()
    }

    /// Hidden states after the last norm, `[batch, time, hidden]`.
    pub fn hidden(&self, batch: &TokenBatch) -> Tensor<3> {
        let mut x = kernels::embedding(self.embed_tokens.clone(), batch.tokens.clone());
        for layer in &self.layers {
            x = layer.forward(x, batch, &self.config);
        }
        self.final_norm(x)
    }

    pub(crate) fn final_norm(&self, x: Tensor<3>) -> Tensor<3> {
        kernels::rms_norm(x, row(&self.norm), self.config.rms_norm_eps)
    }

    /// Logits of the next token, `[batch, time, vocab]`, from hidden states `[batch, time, hidden]`.
    pub fn logits(&self, hidden: Tensor<3>) -> Tensor<3> {
        kernels::linear(hidden, self.unembedding())
    }

    /// Log-probabilities of `targets` `[batch, time]` under the logits of `hidden`, divided by `temperature`.
    pub fn logprobs(&self, hidden: Tensor<3>, targets: Tensor<2, Int>, temperature: f32) -> Tensor<2> {
        kernels::unembedded_logprobs(tempered(hidden, temperature), self.unembedding(), targets, LOGITS_HELD)
    }

    /// The same and the entropy of each distribution, from one unembedding: for models without a graph.
    pub fn logprobs_and_entropy(
        &self,
        hidden: Tensor<3>,
        targets: Tensor<2, Int>,
        temperature: f32,
    ) -> (Tensor<2>, Tensor<2>) {
        self.both_in_pieces(tempered(hidden, temperature), targets, LOGITS_HELD)
    }

    /// Log-probabilities and entropies with at most `held` logits at a time.
    fn both_in_pieces(&self, hidden: Tensor<3>, targets: Tensor<2, Int>, held: usize) -> (Tensor<2>, Tensor<2>) {
        let both = |hidden, targets| {
            let logits = self.logits(hidden);
            (kernels::token_logprobs(logits.clone(), targets), kernels::entropy(logits))
        };
        let [batch, time, width] = hidden.dims();
        let rows = (held / self.config.vocab_size).max(1);
        if batch * time <= rows {
            return both(hidden, targets);
        }
        let hidden = hidden.reshape([1, batch * time, width]).split(rows, 1);
        let targets = targets.reshape([1, batch * time]).split(rows, 1);
        let (logprobs, entropies): (Vec<_>, Vec<_>) =
            hidden.into_iter().zip(targets).map(|(hidden, targets)| both(hidden, targets)).unzip();
        let whole = |pieces| Tensor::<2>::cat(pieces, 1).reshape([batch, time]);
        (whole(logprobs), whole(entropies))
    }

    pub(crate) fn unembedding(&self) -> Tensor<2> {
        self.lm_head.as_ref().unwrap_or(&self.embed_tokens).clone()
    }

    /// Log-probability of every next token of the rows: `[batch, time - 1]`, entry `t` is token `t + 1` given the
    /// tokens up to `t`. Entries whose target is padding or begins a sequence carry no meaning.
    pub fn next_token_logprobs(&self, batch: &TokenBatch, temperature: f32) -> Tensor<2> {
        let [_, time] = batch.tokens.dims();
        let hidden = self.hidden(batch).narrow(1, 0, time - 1);
        self.logprobs(hidden, batch.tokens.clone().narrow(1, 1, time - 1), temperature)
    }

    /// The same network with its weights frozen.
    pub fn frozen(&self) -> Frozen<Self> {
        Frozen::new(self.clone())
    }
}

impl Layer {
    /// `x` `[batch, time, hidden]` through attention and SwiGLU.
    fn forward(&self, x: Tensor<3>, batch: &TokenBatch, config: &DecoderConfig) -> Tensor<3> {
        let (q, k, v) = self.project(&x, &batch.cos, &batch.sin, config);
        let attended = kernels::causal_attention(q, k, v, batch.visibility.clone());
        self.finish(x, attended, config)
    }

    /// Queries, keys and values of `x`, rotated: `[batch, time, heads, head_dim]`.
    pub(crate) fn project(
        &self,
        x: &Tensor<3>,
        cos: &Tensor<3>,
        sin: &Tensor<3>,
        config: &DecoderConfig,
    ) -> (Tensor<4>, Tensor<4>, Tensor<4>) {
        let [batch, time, _] = x.dims();
        let normed = kernels::rms_norm(x.clone(), row(&self.input_norm), config.rms_norm_eps);
        let heads = |weight: &Tensor<2>, count: usize| {
            kernels::linear(normed.clone(), weight.clone()).reshape([batch, time, count, config.head_dim])
        };
        let q = heads(&self.q_proj, config.num_attention_heads);
        let k = heads(&self.k_proj, config.num_key_value_heads);
        let v = heads(&self.v_proj, config.num_key_value_heads);
        (kernels::rotary(q, cos.clone(), sin.clone()), kernels::rotary(k, cos.clone(), sin.clone()), v)
    }

    /// The residual stream `x` after the attended values and the SwiGLU.
    pub(crate) fn finish(&self, x: Tensor<3>, attended: Tensor<4>, config: &DecoderConfig) -> Tensor<3> {
        let [batch, time, heads, head_dim] = attended.dims();
        let attended = attended.reshape([batch, time, heads * head_dim]);
        let x = kernels::linear_onto(attended, self.o_proj.clone(), x);
        let normed = kernels::rms_norm(x.clone(), row(&self.post_attention_norm), config.rms_norm_eps);
        let gate = kernels::linear(normed.clone(), self.gate_proj.clone());
        let up = kernels::linear(normed, self.up_proj.clone());
        kernels::linear_onto(kernels::swiglu(gate, up), self.down_proj.clone(), x)
    }

    fn named(&self) -> [(&'static str, &Tensor<2>); 9] {
        [
            ("input_layernorm.weight", &self.input_norm),
            ("self_attn.q_proj.weight", &self.q_proj),
            ("self_attn.k_proj.weight", &self.k_proj),
            ("self_attn.v_proj.weight", &self.v_proj),
            ("self_attn.o_proj.weight", &self.o_proj),
            ("post_attention_layernorm.weight", &self.post_attention_norm),
            ("mlp.gate_proj.weight", &self.gate_proj),
            ("mlp.up_proj.weight", &self.up_proj),
            ("mlp.down_proj.weight", &self.down_proj),
        ]
    }

    fn all_mut(&mut self) -> [&mut Tensor<2>; 9] {
        [
            &mut self.input_norm,
            &mut self.q_proj,
            &mut self.k_proj,
            &mut self.v_proj,
            &mut self.o_proj,
            &mut self.post_attention_norm,
            &mut self.gate_proj,
            &mut self.up_proj,
            &mut self.down_proj,
        ]
    }
}

/// Hidden states whose logits are divided by `temperature`: as the logits are linear in them, and many more.
fn tempered(hidden: Tensor<3>, temperature: f32) -> Tensor<3> {
    if temperature == 1.0 { hidden } else { hidden.div_scalar(temperature) }
}

/// A matrix of one row as the vector it is.
pub(crate) fn row(weight: &Tensor<2>) -> Tensor<1> {
    let width = weight.dims()[1];
    weight.clone().reshape([width])
}

impl Parameters for Decoder {
    fn parameters(&self) -> Vec<(String, &Tensor<2>)> {
        let mut list = vec![("model.embed_tokens.weight".to_string(), &self.embed_tokens)];
        for (index, layer) in self.layers.iter().enumerate() {
            list.extend(layer.named().map(|(name, weight)| (format!("model.layers.{index}.{name}"), weight)));
        }
        list.push(("model.norm.weight".into(), &self.norm));
        list.extend(self.lm_head.iter().map(|weight| ("lm_head.weight".into(), weight)));
        list
    }

    fn parameters_mut(&mut self) -> Vec<&mut Tensor<2>> {
        let mut list = vec![&mut self.embed_tokens];
        list.extend(self.layers.iter_mut().flat_map(Layer::all_mut));
        list.push(&mut self.norm);
        list.extend(self.lm_head.as_mut());
        list
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_of_the_rows_give_what_all_rows_give() {
        let (device, config) = (Device::flex(), DecoderConfig::test(16));
        let model = Decoder::init(&config, 1, &device);
        let tokens = [1, 5, 3, 9, 2, 7, 4, 8, 6, 11];
        let batch = TokenBatch::new(&tokens, &[true; 10], 2, 5, &config, &device);
        let numbers = |held| {
            let (logprobs, entropies) = model.both_in_pieces(model.hidden(&batch), batch.tokens.clone(), held);
            assert_eq!((logprobs.dims(), entropies.dims()), ([2, 5], [2, 5]));
            [logprobs, entropies].map(|x| x.to_data().try_to_vec::<f32>().unwrap())
        };
        let whole = numbers(usize::MAX);
        for held in [1, 3 * config.vocab_size] {
            for (pieces, whole) in numbers(held).iter().flatten().zip(whole.iter().flatten()) {
                assert!((pieces - whole).abs() < 1e-6, "{pieces} against {whole}");
            }
        }
    }
}
