//! Backward that computes the blocks again (Chen et al. 2016): of a forward pass only what goes into each block is kept.
//!
//! Whoever tracks a model gets gradients from [`gradients`] instead of `backward`. The forward pass runs without a
//! graph and leaves its way on a [`Tape`]; the loss has a graph down to the hidden states alone. From there each block
//! is run once more, last to first, with a graph of its own. A step costs one more forward pass and holds one block's
//! intermediate results instead of all.

use crate::walk::Walk;
use crate::whole_rows::WholeRows;
use crate::{Decoder, Parameters, TokenBatch};
use burn::tensor::Tensor;
use std::sync::{Arc, Mutex, PoisonError};

/// The forward passes since the last backward. Copies of a model share it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Tape(Arc<Mutex<Vec<Pass>>>);

/// One forward pass.
#[derive(Debug)]
struct Pass {
    batch: TokenBatch,
    /// What went into each block, `[batch, time, width]`.
    inputs: Vec<Tensor<3>>,
    /// What came out of the last one: a leaf of the loss's graph.
    output: Tensor<3>,
}

impl Tape {
    /// Runs the blocks of `model` without a graph; what comes out begins one.
    pub(crate) fn record(&self, model: &Decoder, batch: &TokenBatch) -> Tensor<3> {
        let untracked = model.clone().map_parameters(Tensor::without_autodiff);
        let walk: Walk<WholeRows> = untracked.walk();
        let mut rows = WholeRows::all(batch, &model.config);
        let mut inputs = Vec::with_capacity(walk.blocks.len());
        let output = walk.through_blocks(&mut rows, |x| inputs.push(x.clone().without_autodiff()));
        let output = output.without_autodiff().autodiff().require_grad();
        let pass = Pass { batch: batch.clone(), inputs, output: output.clone() };
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(pass);
        walk.normed(&mut rows, output)
    }

    fn take(&self) -> Vec<Pass> {
        std::mem::take(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// The gradients of `loss` for everything that trains in `tracked`, in the order of [`Parameters::trainable`]. Nothing
/// for what the loss does not depend on.
pub fn gradients(loss: Tensor<1>, tracked: &impl Parameters) -> Vec<Option<Tensor<2>>> {
    let trainable: Vec<Tensor<2>> = tracked.trainable().into_iter().map(|(_, tensor)| tensor.clone()).collect();
    let mut of_loss = loss.backward();
    let mut sums: Vec<Option<Tensor<2>>> = trainable.iter().map(|p| p.grad_remove(&mut of_loss)).collect();
    let decoder = tracked.decoder().filter(|decoder| decoder.tape.is_some());
    let Some((decoder, tape)) = decoder.and_then(|decoder| Some((decoder, decoder.tape.as_ref()?))) else {
        return sums;
    };
    let walk: Walk<WholeRows> = decoder.walk();
    for Pass { batch, mut inputs, output } in tape.take() {
        let Some(mut dy) = output.grad_remove(&mut of_loss) else { continue };
        let mut rows = WholeRows::all(&batch, &decoder.config);
        for layer in (0..walk.blocks.len()).rev() {
            let Some(x) = inputs.pop() else { break };
            let x = x.autodiff().require_grad();
            let y = walk.blocks[layer].forward(&mut rows, layer, x.clone());
            // The gradient of `sum(y dy)` with a constant `dy` is that of the loss.
            let mut of_block = (y * dy).sum().backward();
            dy = x.grad_remove(&mut of_block).expect("a block depends on what goes into it");
            for (sum, parameter) in sums.iter_mut().zip(&trainable) {
                if let Some(gradient) = parameter.grad_remove(&mut of_block) {
                    *sum = Some(match sum.take() {
                        Some(before) => before + gradient,
                        None => gradient,
                    });
                }
            }
        }
    }
    sums
}
