//! The decoder: named weights, what they compute over rows of tokens, and what the logits of that say.
//!
//! To train, [`Parameters::tracked`] gives a copy that records a graph.
//! Deliberately absent: dropout (policies and references must agree), anything that reads a tensor back.

use crate::adapter::{Adapter, BaseModel, LoraConfig};
use crate::family::{self, Build, Family};
use crate::recompute::Tape;
use crate::scalar::SCORE;
use crate::walk::{Operations, Walk};
use crate::weights::{Linear, Source};
use crate::weights_of_file::Keeping;
use crate::whole_rows::WholeRows;
use crate::{DecoderConfig, Frozen, Matrix, ModelError, Parameters, Tensors, TokenBatch, Weight};
use burn::tensor::{Device, Int, Tensor};
use nudge_kernels as kernels;

/// A decoder of one of the families that `model_type` names.
#[derive(Debug, Clone)]
pub struct Decoder {
    /// The shape of the model.
    pub config: DecoderConfig,
    /// The embedding first, an unembedding of its own last.
    pub(crate) weights: Vec<Weight>,
    /// What is trained beside them.
    pub(crate) adapter: Option<Adapter>,
    /// Where backward computes blocks again.
    pub(crate) tape: Option<Tape>,
}

/// Logits that exist at a time, as long as only log-probabilities are wanted of them. 64 MiB: half of what WebGPU
/// promises as one buffer.
const LOGITS_HELD: usize = 1 << 24;

/// The name of an unembedding of its own.
const UNEMBEDDING: &str = "lm_head.weight";

impl Decoder {
    /// A fresh model: matrices from a normal distribution with deviation 0.02 (residual outputs divided by
    /// `sqrt(2 * layers)`, as in GPT-2), norms 1. The same seed gives the same weights on every device.
    pub fn init(config: &DecoderConfig, seed: u64, device: &Device) -> Self {
        let mut source = Source::fresh(config, seed, device);
        Build::<WholeRows>::build(family::of(config), config, &mut source);
        if !config.tie_word_embeddings {
            source.matrix(UNEMBEDDING, [config.vocab_size, config.hidden_size]);
        }
        Self::of_weights(config, source.into_fresh())
    }

    fn of_weights(config: &DecoderConfig, weights: Vec<Weight>) -> Self {
        Self { config: config.clone(), weights, adapter: None, tape: None }
    }

    /// A model from the tensors of `model.safetensors`.
    pub fn from_tensors(config: &DecoderConfig, tensors: &Tensors, device: &Device) -> Result<Self, ModelError> {
        Self::of_file(config, tensors, Keeping::Dense, device)
    }

    /// The same with its matrices frozen as the file stores them: a base for adapters.
    ///
    /// # Errors
    /// If a tensor is missing, of another shape, or not finite.
    pub fn as_stored(config: &DecoderConfig, tensors: &Tensors, device: &Device) -> Result<Self, ModelError> {
        Self::of_file(config, tensors, Keeping::Stored, device)
    }

    /// Looks at all names and shapes before anything is read.
    fn of_file(
        config: &DecoderConfig,
        tensors: &Tensors,
        keeping: Keeping,
        device: &Device,
    ) -> Result<Self, ModelError> {
        let read = |keeping| {
            let mut source = Source::of_file(tensors, keeping, config, device);
            Build::<WholeRows>::build(family::of(config), config, &mut source);
            // A decoder under another head is saved without its unembedding.
            let is_headless = tensors.contains(SCORE) && !tensors.contains(UNEMBEDDING);
            if !config.tie_word_embeddings && !is_headless {
                source.matrix(UNEMBEDDING, [config.vocab_size, config.hidden_size]);
            }
            source.into_read()
        };
        read(Keeping::Nothing)?;
        Ok(Self::of_weights(config, read(keeping)?))
    }

    /// The device the parameters live on, without autodiff.
    pub fn device(&self) -> Device {
        self.weights[0].matrix().device()
    }

    /// The weights as an executor wants them.
    pub(crate) fn walk<O: Operations>(&self) -> Walk<O>
    where
        dyn Family: Build<O>,
    {
        let mut source = Source::of_model(&self.weights, self.adapter.as_ref(), &self.config);
        Build::<O>::build(family::of(&self.config), &self.config, &mut source)
    }

    /// Hidden states after the last norm, `[batch, time, hidden]`.
    pub fn hidden(&self, batch: &TokenBatch) -> Tensor<3> {
        match &self.tape {
            Some(tape) if self.is_tracked() => tape.record(self, batch),
            _ => self.walk().hidden(&mut WholeRows::all(batch, &self.config)),
        }
    }

    /// Whether gradients are asked for.
    fn is_tracked(&self) -> bool {
        self.trainable().first().is_some_and(|(_, parameter)| parameter.is_require_grad())
    }

    /// Logits of the next token, `[batch, time, vocab]`, from hidden states `[batch, time, hidden]`.
    pub fn logits(&self, hidden: Tensor<3>) -> Tensor<3> {
        self.unembedding().of(hidden)
    }

    /// Log-probabilities of `targets` `[batch, time]` under the logits of `hidden`, divided by `temperature`.
    pub fn logprobs(&self, hidden: Tensor<3>, targets: Tensor<2, Int>, temperature: f32) -> Tensor<2> {
        self.unembedding().weight.logprobs(tempered(hidden, temperature), targets, LOGITS_HELD)
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

    /// The unembedding: its own, or the embedding.
    pub(crate) fn unembedding(&self) -> Linear {
        let own = self.weights.iter().rfind(|weight| weight.name() == UNEMBEDDING);
        Linear::plain(own.unwrap_or(&self.weights[0]).matrix().clone())
    }

    /// The decoder under another head than its unembedding.
    pub(crate) fn without_unembedding(mut self) -> Self {
        self.weights.retain(|weight| weight.name() != UNEMBEDDING);
        self
    }

    /// Log-probability of every next token of the rows: `[batch, time - 1]`, entry `t` is token `t + 1` given the
    /// tokens up to `t`. Entries whose target is padding or begins a sequence carry no meaning.
    pub fn next_token_logprobs(&self, batch: &TokenBatch, temperature: f32) -> Tensor<2> {
        let [_, time] = batch.tokens.dims();
        let hidden = self.hidden(batch).narrow(1, 0, time - 1);
        self.logprobs(hidden, batch.tokens.clone().narrow(1, 1, time - 1), temperature)
    }

    /// The same behind some places of the rows alone, each `row * time + t`: `[places]`.
    pub fn next_token_logprobs_at(&self, batch: &TokenBatch, places: Tensor<1, Int>) -> Tensor<1> {
        let [rows, time] = batch.tokens.dims();
        let hidden = self.hidden(batch).reshape([rows * time, self.config.hidden_size]);
        let hidden = hidden.select(0, places.clone()).unsqueeze();
        let targets = batch.tokens.clone().reshape([rows * time]).select(0, places.add_scalar(1));
        self.logprobs(hidden, targets.unsqueeze(), 1.0).squeeze_dim(0)
    }

    /// The same model as the base of an adapter, which alone trains and is saved from now on.
    pub fn with_adapter(self, adapter: Adapter) -> Self {
        let weights = self.weights.into_iter().map(Weight::into_base).collect();
        Self { weights, adapter: Some(adapter), ..self }
    }

    /// [`Decoder::with_adapter`] that changes nothing yet.
    pub fn with_fresh_adapter(self, config: LoraConfig, seed: u64, base: BaseModel) -> Self {
        let adapter = Adapter::fresh(config, &self.weights, seed, &self.device());
        self.with_adapter(adapter.for_base(base))
    }

    /// The weights without what is trained beside them.
    pub fn base(&self) -> &[Weight] {
        &self.weights
    }

    /// The same model with the matrices of its products kept as `pack` stores them, as parts of a base.
    pub fn with_packed_base(self, pack: impl Fn(&Matrix) -> Matrix) -> Self {
        let packed = |weight: Weight| match weight.matrix().dims() {
            [1, _] => weight.into_base(),
            _ => Weight::of_base(weight.name().into(), pack(weight.matrix())),
        };
        Self { weights: self.weights.into_iter().map(packed).collect(), ..self }
    }

    /// What is trained beside the base.
    pub fn adapter(&self) -> Option<&Adapter> {
        self.adapter.as_ref()
    }

    /// The base alone.
    pub fn without_adapter(self) -> Self {
        Self { adapter: None, ..self }
    }

    /// The same model, of which a forward pass holds up to `held` bytes for backward, which computes the other blocks
    /// again. Without a number it holds everything.
    pub fn recomputing(self, held: Option<usize>) -> Self {
        Self { tape: held.map(Tape::new), ..self }
    }

    /// Whether gradients are asked for what goes into the first block.
    pub(crate) fn trains_embedding(&self) -> bool {
        self.weights[0].is_trained()
    }

    /// The weights with what the adapter adds to them, all in `f32`: a model without an adapter, that trains whole.
    pub fn merged(&self) -> Self {
        let merged = |weight: &Weight| {
            let numbers = weight.matrix().unpacked();
            let pair = self.adapter.as_ref().and_then(|adapter| adapter.of(weight.name()));
            let numbers = pair.map_or(numbers.clone(), |pair| pair.merged(numbers));
            Weight::new(weight.name().into(), numbers)
        };
        Self::of_weights(&self.config, self.weights.iter().map(merged).collect())
    }

    /// The model as it stands, for others to be compared with: without an adapter that has not learnt anything yet.
    pub fn reference(&self) -> Frozen<Self> {
        match &self.adapter {
            Some(adapter) if adapter.is_fresh => self.clone().without_adapter().frozen(),
            _ => self.frozen(),
        }
    }

    /// The same network with its weights frozen.
    pub fn frozen(&self) -> Frozen<Self> {
        Frozen::new(self.clone())
    }
}

/// Hidden states whose logits are divided by `temperature`: as the logits are linear in them, and many more.
fn tempered(hidden: Tensor<3>, temperature: f32) -> Tensor<3> {
    if temperature == 1.0 { hidden } else { hidden.div_scalar(temperature) }
}

impl Parameters for Decoder {
    fn weights(&self) -> Vec<&Weight> {
        let pairs = self.adapter.iter().flat_map(|adapter| &adapter.pairs);
        self.weights.iter().chain(pairs.flat_map(|pair| [&pair.a, &pair.b])).collect()
    }

    fn weights_mut(&mut self) -> Vec<&mut Weight> {
        let pairs = self.adapter.iter_mut().flat_map(|adapter| &mut adapter.pairs);
        self.weights.iter_mut().chain(pairs.flat_map(|pair| [&mut pair.a, &mut pair.b])).collect()
    }

    fn decoder(&self) -> Option<&Decoder> {
        Some(self)
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
