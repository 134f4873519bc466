//! The decoder: a transformer that runs, samples and trains on any burn device.
//!
//! Map of the crate:
//! - [`config`]: the shape of a model, read from and written to Hugging Face's `config.json`;
//! - [`rotary`]: the frequencies of rotary positions, and their angles;
//! - [`token_batch`]: rows of tokens, one sequence each or several packed into one;
//! - `shared_tokens`: which of them are computed, where sequences begin alike;
//! - `walk`: the one forward pass, over a small trait of operations; `family`: what each family of models puts into it;
//! - `weights`: how a family gets its weights by name, and the seam through which every product goes;
//! - `whole_rows`, `next_token`, `host_decoder`: who computes a walk, in training, behind a cache, and on host slices;
//! - [`decoder`]: a model of one of the families, its logits and log-probabilities;
//! - [`scalar`]: the same decoder under a one-number head (`score.weight`);
//! - [`generation`]: sampling with a key-value cache, whole batches at a time, noise given from outside;
//! - [`host_generation`]: the same on the CPU, without tensors, every row by itself;
//! - [`optimizer`]: AdamW, Muon, clipping by the global norm; moments that can be saved;
//! - `matrix`: numbers that train, or a weight as its file stores it; [`adapter`]: what trains beside it;
//! - `recompute`: backward that computes blocks again instead of holding what they computed;
//! - [`container`]: where tensors lie in safetensors, shards and GGUF, read one by one; GGUF written;
//! - [`checkpoint`]: tensors to safetensors bytes;
//! - [`frozen`]: which weights are saved, trained or neither; the only way in for a model without a graph.
//!
//! Deliberately absent: text and tokenizers, files, rewards, any wait for a readback. A token is a `u32`.

#![cfg_attr(test, allow(clippy::disallowed_methods, clippy::unwrap_used))]

pub mod adapter;
pub mod checkpoint;
pub mod config;
pub mod container;
pub mod decoder;
pub mod error;
mod family;
pub mod frozen;
pub mod generation;
mod host_decoder;
pub mod host_generation;
mod host_linear;
mod matrix;
mod next_token;
pub mod optimizer;
pub mod peft;
mod recompute;
pub mod rotary;
pub mod scalar;
mod shared_tokens;
pub mod token_batch;
mod walk;
mod weights;
mod weights_of_file;
mod whole_rows;

pub use adapter::{Adapter, BaseModel, LoraConfig};
pub use checkpoint::{NamedData, Precision};
pub use config::{DecoderConfig, LayerAttention};
pub use container::{ContainerError, Gguf, Tensors};
pub use decoder::Decoder;
pub use error::ModelError;
pub use frozen::{Frozen, Parameters, Weight};
pub use generation::{Generation, SamplingOptions};
pub use host_generation::HostGeneration;
pub use matrix::Matrix;
pub use optimizer::{Optimizer, OptimizerKind, OptimizerOptions};
pub use recompute::{activation_bytes, add_gradient, gradients};
pub use rotary::{RopeScaling, Rotary};
pub use scalar::ScalarModel;
pub use token_batch::TokenBatch;
