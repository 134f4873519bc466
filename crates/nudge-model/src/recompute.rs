//! Backward that computes blocks again (Chen et al. 2016): of a forward pass only what goes into them is kept.
//!
//! Whoever tracks a model gets gradients from [`gradients`] instead of `backward`. The first blocks of a forward pass
//! run without a graph and leave their way on a [`Tape`]; the last ones, as many as there is memory for, belong to the
//! graph of the loss. From there backward runs each earlier block once more, last to first, with a graph of its own.
//! A block that is computed again costs one more forward pass, and nothing is held of it meanwhile.

use crate::walk::Walk;
use crate::whole_rows::WholeRows;
use crate::{Decoder, DecoderConfig, Parameters, TokenBatch};
use burn::tensor::{Gradients, Tensor};
use std::sync::{Arc, Mutex, PoisonError};

/// The forward passes since the last backward. Copies of a model share it.
#[derive(Debug, Clone)]
pub(crate) struct Tape {
    passes: Arc<Mutex<Vec<Pass>>>,
    /// Bytes of intermediate results that a forward pass may hold.
    pub held: usize,
}

/// One forward pass.
#[derive(Debug)]
struct Pass {
    batch: TokenBatch,
    /// What went into each block that is computed again, `[batch, time, width]`.
    inputs: Vec<Tensor<3>>,
    /// What came out of the last of them: a leaf of the loss's graph.
    output: Tensor<3>,
}

/// Bytes of intermediate results of one block and one token that are held for backward, about: what goes into two norms,
/// queries, keys, values and what attention makes of them, and gate and up. What comes out of norms and gates is cheap
/// and computed again.
fn bytes_of_block(config: &DecoderConfig) -> usize {
    let heads = 2 * (config.num_attention_heads + config.num_key_value_heads) * config.head_dim;
    size_of::<f32>() * (2 * config.hidden_size + heads + 2 * config.intermediate_size)
}

/// Bytes of intermediate results that a forward pass over `tokens` tokens and its backward hold at most, about: all
/// blocks; or those that `held` has room for, one that is computed again, and what goes into the others.
pub fn activation_bytes(config: &DecoderConfig, tokens: usize, held: Option<usize>) -> usize {
    let (block, layers) = (tokens * bytes_of_block(config), config.num_hidden_layers);
    match held {
        Some(held) if layers * block > held => {
            held + 2 * block + layers * tokens * config.hidden_size * size_of::<f32>()
        }
        _ => layers * block,
    }
}

impl Tape {
    /// A tape beside which forward passes hold up to `held` bytes each.
    pub(crate) fn new(held: usize) -> Self {
        Self { passes: Arc::default(), held }
    }

    /// How many blocks are computed again.
    fn computed_again(&self, batch: &TokenBatch, config: &DecoderConfig) -> usize {
        let tokens: usize = batch.computed().iter().product();
        let held = self.held / (tokens * bytes_of_block(config)).max(1);
        config.num_hidden_layers.saturating_sub(held)
    }

    /// Hidden states of `model`, whose graph begins behind the blocks that are computed again.
    pub(crate) fn record(&self, model: &Decoder, batch: &TokenBatch) -> Tensor<3> {
        let again = self.computed_again(batch, &model.config);
        let walk: Walk<WholeRows> = model.walk();
        let mut rows = WholeRows::all(batch, &model.config);
        if again == 0 {
            return walk.hidden(&mut rows);
        }
        let x = self.record_blocks(model, batch, again);
        let x = walk.through_blocks(again.., &mut rows, x, |_| ());
        walk.normed(&mut rows, x)
    }

    /// Runs the first blocks without a graph; what comes out begins one.
    fn record_blocks(&self, model: &Decoder, batch: &TokenBatch, again: usize) -> Tensor<3> {
        let untracked = model.clone().map_parameters(Tensor::without_autodiff);
        let walk: Walk<WholeRows> = untracked.walk();
        let mut rows = WholeRows::all(batch, &model.config);
        let mut inputs = Vec::with_capacity(again);
        let x = walk.embedded(&mut rows);
        let output = walk.through_blocks(..again, &mut rows, x, |x| inputs.push(x.clone().without_autodiff()));
        let output = output.without_autodiff().autodiff().require_grad();
        let pass = Pass { batch: batch.clone(), inputs, output: output.clone() };
        self.passes.lock().unwrap_or_else(PoisonError::into_inner).push(pass);
        output
    }

    fn take(&self) -> Vec<Pass> {
        std::mem::take(&mut self.passes.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// The gradients of `loss` for everything that trains in `tracked`, in the order of [`Parameters::trainable`]. Nothing
/// for what the loss does not depend on.
pub fn gradients(loss: Tensor<1>, tracked: &impl Parameters) -> Vec<Option<Tensor<2>>> {
    let trainable: Vec<Tensor<2>> = tracked.trainable().into_iter().map(|(_, tensor)| tensor.clone()).collect();
    let mut of_loss = loss.backward();
    let mut sums: Vec<Option<Tensor<2>>> = vec![None; trainable.len()];
    add_gradients(&mut sums, &trainable, &mut of_loss);
    let decoder = tracked.decoder().filter(|decoder| decoder.tape.is_some());
    let Some((decoder, tape)) = decoder.and_then(|decoder| Some((decoder, decoder.tape.as_ref()?))) else {
        return sums;
    };
    let walk: Walk<WholeRows> = decoder.walk();
    for Pass { batch, mut inputs, output } in tape.take() {
        let Some(mut dy) = output.grad_remove(&mut of_loss) else { continue };
        let mut rows = WholeRows::all(&batch, &decoder.config);
        while let Some(x) = inputs.pop() {
            let (layer, x) = (inputs.len(), x.autodiff().require_grad());
            let y = walk.blocks[layer].forward(&mut rows, layer, x.clone());
            let mut of_block = backward_from(y, dy);
            dy = x.grad_remove(&mut of_block).expect("a block depends on what goes into it");
            add_gradients(&mut sums, &trainable, &mut of_block);
        }
        if decoder.trains_embedding() {
            add_gradients(&mut sums, &trainable, &mut backward_from(walk.embedded(&mut rows), dy));
        }
    }
    sums
}

/// Backward from `y`, whose gradient is `dy`: the gradient of `sum(y dy)` with a constant `dy` is that of the loss.
fn backward_from(y: Tensor<3>, dy: Tensor<3>) -> Gradients {
    (y * dy).sum().backward()
}

fn add_gradients(sums: &mut [Option<Tensor<2>>], trainable: &[Tensor<2>], gradients: &mut Gradients) {
    for (sum, parameter) in sums.iter_mut().zip(trainable) {
        add_gradient(sum, parameter.grad_remove(gradients));
    }
}

/// Adds the gradient of another loss; nothing is the gradient of what a loss does not depend on.
pub fn add_gradient(sum: &mut Option<Tensor<2>>, gradient: Option<Tensor<2>>) {
    *sum = match (sum.take(), gradient) {
        (Some(sum), Some(gradient)) => Some(sum + gradient),
        (sum, gradient) => sum.or(gradient),
    };
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::Device;

    /// Gradients of all weights of a model with these blocks held.
    fn gradients_of(model: &Decoder, batch: &TokenBatch) -> Vec<Vec<f32>> {
        let tracked = model.tracked();
        let loss = tracked.next_token_logprobs(batch, 1.0).sum();
        let numbers = |gradient: Option<Tensor<2>>| gradient.expect("all train").to_data().try_to_vec().unwrap();
        gradients(loss, &tracked).into_iter().map(numbers).collect()
    }

    #[test]
    fn a_model_that_trains_whole_gets_the_same_gradients_however_many_blocks_are_held() {
        let device = Device::flex().autodiff();
        let config = DecoderConfig { num_hidden_layers: 3, ..DecoderConfig::test(16) };
        let tokens = [1, 5, 3, 9, 2, 7, 4, 8, 6, 11];
        let batch = TokenBatch::new(&tokens, &[true; 10], 2, 5, &config, &device);
        let model = Decoder::init(&config, 1, &Device::flex());
        let expected = gradients_of(&model, &batch);
        for held in 0..=3 {
            let model = model.clone().recomputing(Some(held * 10 * bytes_of_block(&config)));
            let again = model.tape.as_ref().map(|tape| tape.computed_again(&batch, &config));
            assert_eq!(again, Some(3 - held));
            for (found, expected) in gradients_of(&model, &batch).iter().flatten().zip(expected.iter().flatten()) {
                assert!((found - expected).abs() < 1e-5, "{held} held: {found} against {expected}");
            }
        }
    }
}
