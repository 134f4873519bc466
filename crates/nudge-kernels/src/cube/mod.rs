//! The operations as kernels for GPUs: one CubeCL source for WebGPU, Vulkan, Metal and CUDA.
//!
//! One file an operation: its kernels and what launches them. [`ops`] is the trait that burn's lazy execution records,
//! [`gradients`] says once, for every GPU, which backward pass belongs to which forward pass. A small model is bound by
//! the number of launches: each operation is one launch forward and one to three backward, whatever its size.
//!
//! Deliberately absent: half precision, matrix units, atomic additions. Every sum has one order, so a run repeats.

#![allow(clippy::manual_is_multiple_of)] // The kernel language has no such method.
#![allow(unsafe_code)] // Launches without bounds checks: every kernel keeps its own, said beside each.

mod attention;
mod decode;
mod draw;
mod gradients;
mod launch;
mod matmul;
mod ops;
mod optimizer;
mod reduce;
mod rms_norm;
mod rotary;
mod running_softmax;
mod swiglu;
mod token_logprobs;

pub(crate) use ops::CubeOps;

use burn::backend::Dispatch;
use burn::tensor::Tensor;

use ops::{Squared, squared};

/// Sum of the squares of all elements of all tensors, shape `[1]`: a launch for every six tensors.
pub(crate) fn sum_of_all_squares(all: &[Tensor<2>]) -> Tensor<1> {
    let mut sums = None;
    for tensors in all.chunks(optimizer::TENSORS) {
        let tensors: Vec<_> = tensors.iter().map(|x| x.clone().inner().into_dispatch()).collect();
        sums = Some(Dispatch::sums_of_squares(squared!(sums, tensors)));
    }
    Tensor::<1>::from_dispatch(sums.expect("a model has parameters")).sum()
}
