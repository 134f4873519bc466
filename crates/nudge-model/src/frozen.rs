//! Which weights of a model are saved, trained or neither, and models that must not record a graph at all: rollouts,
//! references, reward models.
//!
//! Autodiff is a property of a tensor at run time, so the compiler cannot tell a model that trains
//! from one that only answers. [`Frozen`] can: it strips autodiff on the way in and nothing puts it back.

use crate::{Decoder, Matrix};
use burn::tensor::Tensor;
use std::ops::Deref;

/// A matrix with its name in `model.safetensors`. Vectors (scales of norms, biases, heads) are matrices of one row.
#[derive(Debug, Clone)]
pub struct Weight {
    name: String,
    matrix: Matrix,
    role: Role,
}

/// What becomes of a weight.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Role {
    /// It trains and is saved.
    Trained,
    /// It is saved as it came.
    Kept,
    /// It stays as it came, in the file that it came from: the base of an adapter.
    Base,
}

impl Weight {
    /// A weight that trains.
    pub fn new(name: String, tensor: Tensor<2>) -> Self {
        Self { name, matrix: Matrix::Dense(tensor), role: Role::Trained }
    }

    /// A weight of a base: it neither trains nor is it saved.
    pub fn of_base(name: String, matrix: Matrix) -> Self {
        Self { name, matrix, role: Role::Base }
    }

    /// The weight with another matrix, where it is in `f32`.
    pub(crate) fn map(self, map: impl Fn(Tensor<2>) -> Tensor<2>) -> Self {
        match self.matrix {
            Matrix::Dense(tensor) => Self { matrix: Matrix::Dense(map(tensor)), ..self },
            Matrix::Packed(_) => self,
        }
    }

    /// The same weight as part of a base.
    pub(crate) fn into_base(self) -> Self {
        Self { role: Role::Base, ..self }
    }

    /// Its name in `model.safetensors`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its numbers, however they are stored.
    pub fn matrix(&self) -> &Matrix {
        &self.matrix
    }

    /// Its numbers in `f32`.
    ///
    /// # Panics
    /// If it is frozen as its file stores it.
    pub fn dense(&self) -> &Tensor<2> {
        match &self.matrix {
            Matrix::Dense(tensor) => tensor,
            Matrix::Packed(weight) => panic!("{} is frozen as {:?}", self.name, weight.encoding()),
        }
    }

    fn dense_mut(&mut self) -> Option<&mut Tensor<2>> {
        match &mut self.matrix {
            Matrix::Dense(tensor) => Some(tensor),
            Matrix::Packed(_) => None,
        }
    }

    fn is_saved(&self) -> bool {
        self.role != Role::Base
    }

    /// Whether gradients move it.
    pub(crate) fn is_trained(&self) -> bool {
        self.role == Role::Trained
    }
}

/// A model as a list of weights, in a fixed order. Three lists follow from it: what is saved ([`parameters`]), what
/// gradients move ([`trainable`]), and what stays as it came ([`untrained`]).
///
/// [`parameters`]: Parameters::parameters
/// [`trainable`]: Parameters::trainable
/// [`untrained`]: Parameters::untrained
pub trait Parameters: Clone {
    /// Every weight.
    fn weights(&self) -> Vec<&Weight>;

    /// The same weights, in the same order.
    fn weights_mut(&mut self) -> Vec<&mut Weight>;

    /// The decoder in it, if there is one.
    fn decoder(&self) -> Option<&Decoder> {
        None
    }

    /// What is saved, with its names: everything, or beside a base only what came to it.
    fn parameters(&self) -> Vec<(String, &Tensor<2>)> {
        let saved = self.weights().into_iter().filter(|weight| weight.is_saved());
        saved.map(|weight| (weight.name.clone(), weight.dense())).collect()
    }

    /// The parameters, to be replaced.
    fn parameters_mut(&mut self) -> Vec<&mut Tensor<2>> {
        let saved = self.weights_mut().into_iter().filter(|weight| weight.is_saved());
        saved.filter_map(Weight::dense_mut).collect()
    }

    /// What backward tracks and an optimizer moves, with its names.
    fn trainable(&self) -> Vec<(String, &Tensor<2>)> {
        let trained = self.weights().into_iter().filter(|weight| weight.is_trained());
        trained.map(|weight| (weight.name.clone(), weight.dense())).collect()
    }

    /// The same, to be moved.
    fn trainable_mut(&mut self) -> Vec<&mut Tensor<2>> {
        let trained = self.weights_mut().into_iter().filter(|weight| weight.is_trained());
        trained.filter_map(Weight::dense_mut).collect()
    }

    /// What stays as it came.
    fn untrained(&self) -> Vec<&Weight> {
        self.weights().into_iter().filter(|weight| !weight.is_trained()).collect()
    }

    /// The same model, of whose weights those train that `trains` names.
    fn training(mut self, trains: impl Fn(&str) -> bool) -> Self {
        for weight in self.weights_mut() {
            weight.role = if trains(&weight.name) { Role::Trained } else { Role::Kept };
        }
        self
    }

    /// The same model with every matrix in `f32` replaced by `map(matrix)`.
    fn map_parameters(mut self, map: impl Fn(Tensor<2>) -> Tensor<2>) -> Self {
        for matrix in self.weights_mut().into_iter().filter_map(Weight::dense_mut) {
            matrix.inplace(&map);
        }
        self
    }

    /// A copy whose trainable parameters are leaves of a fresh graph: run it, call `backward`, ask for gradients.
    fn tracked(&self) -> Self {
        let mut tracked = self.clone().map_parameters(|parameter| parameter.without_autodiff().autodiff());
        for parameter in tracked.trainable_mut() {
            parameter.inplace(Tensor::require_grad);
        }
        tracked
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

    #[test]
    fn what_does_not_train_is_saved_and_gets_no_gradient() {
        let device = Device::flex();
        let config = DecoderConfig::test(16);
        let model = Decoder::init(&config, 1, &device).training(|name| name.contains("layers.1.self_attn"));
        let names = |list: Vec<(String, &Tensor<2>)>| list.into_iter().map(|(name, _)| name).collect::<Vec<_>>();
        assert_eq!(names(model.parameters()).len(), 20);
        let projections = ["q", "k", "v", "o"].map(|part| format!("model.layers.1.self_attn.{part}_proj.weight"));
        assert_eq!(names(model.trainable()), projections);
        assert_eq!(model.untrained().len(), 16);
        let tracked = model.tracked();
        let batch = TokenBatch::new(&[1, 2, 3, 4], &[true; 4], 1, 4, &config, &device.autodiff());
        let gradients = tracked.hidden(&batch).sum().backward();
        assert!(tracked.trainable().iter().all(|(_, weight)| weight.grad(&gradients).is_some()));
        assert!(tracked.untrained().iter().all(|weight| weight.dense().grad(&gradients).is_none()));
    }
}
