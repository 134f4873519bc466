//! Models that must not record a graph: rollouts, references, reward models.
//!
//! Autodiff is a property of a tensor at run time, so the compiler cannot tell a model that trains
//! from one that only answers. [`Frozen`] can: it strips autodiff on the way in and nothing puts it back.

use burn::tensor::Tensor;
use std::ops::Deref;

/// A model as a list of named matrices. Vectors (norm weights, heads) are matrices of one row.
pub trait Parameters: Clone {
    /// Every parameter with its name in `model.safetensors`, in a fixed order.
    fn parameters(&self) -> Vec<(String, &Tensor<2>)>;

    /// The same parameters, in the same order, to be replaced.
    fn parameters_mut(&mut self) -> Vec<&mut Tensor<2>>;

    /// The same model with every parameter replaced by `map(parameter)`.
    fn map_parameters(mut self, map: impl Fn(Tensor<2>) -> Tensor<2>) -> Self {
        for parameter in self.parameters_mut() {
            parameter.inplace(&map);
        }
        self
    }

    /// A copy whose parameters are leaves of a fresh graph: run it, call `backward`, ask for gradients.
    fn tracked(&self) -> Self {
        self.clone().map_parameters(|parameter| parameter.without_autodiff().autodiff().require_grad())
    }
}

/// A model without a graph. `Frozen::new` is the only way in.
#[derive(Debug, Clone)]
pub struct Frozen<M>(M);

impl<M: Parameters> Frozen<M> {
    /// Strips autodiff from every parameter of `model`.
    pub fn new(model: M) -> Self {
        Self(model.map_parameters(Tensor::without_autodiff))
    }
}

impl<M> Deref for Frozen<M> {
    type Target = M;

    fn deref(&self) -> &M {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Decoder, DecoderConfig, TokenBatch};
    use burn::tensor::Device;

    #[test]
    fn a_frozen_model_records_no_graph_even_when_made_from_a_tracked_one() {
        let device = Device::flex();
        let config = DecoderConfig::test(16);
        let tracked = Decoder::init(&config, 1, &device).tracked();
        let frozen = Frozen::new(tracked.clone());
        let rows = (vec![1, 2, 3, 4], vec![true; 4]);
        let batch = TokenBatch::new(&rows.0, &rows.1, 1, 4, &config, &device);
        assert!(!frozen.hidden(&batch).is_autodiff());
        let batch = TokenBatch::new(&rows.0, &rows.1, 1, 4, &config, &device.autodiff());
        assert!(tracked.hidden(&batch).is_tracked());
    }
}
