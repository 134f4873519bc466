//! A matrix of a decoder: numbers that may train, or frozen as its file stores them.

use burn::tensor::{Device, Int, Tensor};
use nudge_kernels::{self as kernels, PackedWeight};

/// A matrix `[out, in]`, as PyTorch stores it.
#[derive(Debug, Clone)]
pub enum Matrix {
    /// In `f32`.
    Dense(Tensor<2>),
    /// As its file stores it; no gradient reaches it.
    Packed(PackedWeight),
}

impl Matrix {
    /// `[out, in]`.
    pub fn dims(&self) -> [usize; 2] {
        match self {
            Self::Dense(matrix) => matrix.dims(),
            Self::Packed(weight) => weight.dims(),
        }
    }

    /// Where it lives, without autodiff.
    pub fn device(&self) -> Device {
        match self {
            Self::Dense(matrix) => matrix.device().without_autodiff(),
            Self::Packed(weight) => weight.device(),
        }
    }

    /// Its numbers where they are in `f32` already.
    pub fn dense(&self) -> Option<&Tensor<2>> {
        match self {
            Self::Dense(matrix) => Some(matrix),
            Self::Packed(weight) => weight.numbers(),
        }
    }

    /// Its numbers.
    pub fn unpacked(&self) -> Tensor<2> {
        match self {
            Self::Dense(matrix) => matrix.clone(),
            Self::Packed(weight) => weight.unpacked(),
        }
    }

    /// `x Wᵀ`: `[batch, time, in]` to `[batch, time, out]`.
    pub fn linear(&self, x: Tensor<3>) -> Tensor<3> {
        match self {
            Self::Dense(matrix) => kernels::linear(x, matrix.clone()),
            Self::Packed(weight) => weight.linear(x),
        }
    }

    /// `added + x Wᵀ`.
    pub fn linear_onto(&self, x: Tensor<3>, added: Tensor<3>) -> Tensor<3> {
        match self {
            Self::Dense(matrix) => kernels::linear_onto(x, matrix.clone(), added),
            Self::Packed(weight) => weight.linear_onto(x, added),
        }
    }

    /// Rows at `ids: [batch, time]`, `[batch, time, in]`.
    pub fn rows(&self, ids: Tensor<2, Int>) -> Tensor<3> {
        match self {
            Self::Dense(matrix) => kernels::embedding(matrix.clone(), ids),
            Self::Packed(weight) => weight.embedding(ids),
        }
    }

    /// Log-probabilities of `targets: [batch, time]` under the logits `x Wᵀ`, of which at most `held` exist at a time.
    pub fn logprobs(&self, x: Tensor<3>, targets: Tensor<2, Int>, held: usize) -> Tensor<2> {
        match self {
            Self::Dense(matrix) => kernels::unembedded_logprobs(x, matrix.clone(), targets, held),
            Self::Packed(weight) => weight.logprobs(x, targets, held),
        }
    }
}
