//! The operations as kernels for GPUs: one CubeCL source for WebGPU, Vulkan, Metal and CUDA.
//!
//! One file an operation: its kernels and what launches them. [`gradients`] says once, for every GPU, which backward
//! pass belongs to which forward pass. A small model is bound by the number of launches: each operation is one launch
//! forward and one or two backward, whatever its size. So burn's own fusion of operations is not turned on: it saves
//! eight launches a step, and costs a browser half a megabyte.
//!
//! Deliberately absent: half precision, matrix units, atomic additions. Every sum has one order, so a run repeats.

// The kernel language has no such methods.
#![allow(clippy::manual_is_multiple_of, clippy::manual_memcpy, clippy::needless_range_loop)]
// What is known when a kernel is compiled stays apart from what only the GPU knows.
#![allow(clippy::collapsible_if)]
#![allow(unsafe_code)] // Launches without bounds checks: every kernel keeps its own, said beside each.

mod attention;
mod beside;
mod decode;
mod decoding_ops;
mod draw;
mod encoding;
mod few_rows;
mod gradients;
mod launch;
mod live_linear;
mod live_rows;
mod matmul;
mod optimizer;
mod packed;
mod packed_ops;
mod reduce;
mod rms_norm;
mod rotary;
mod running_softmax;
mod swiglu;
mod token_logprobs;

pub(crate) use decoding_ops::DecodingOps;
