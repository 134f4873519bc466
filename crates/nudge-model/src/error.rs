//! What can be wrong with a model that comes from outside.

use crate::container::ContainerError;

/// A model folder that cannot be used, and what to do about it.
#[derive(Debug, thiserror::Error)]
pub enum ModelError {
    /// `config.json` is not JSON or lacks a field.
    #[error("config.json cannot be read: {0}. It must be the configuration of a model that Nudge knows")]
    Config(String),
    /// `config.json` is readable but asks for something this decoder does not do.
    #[error("config.json: {0}")]
    Unsupported(String),
    /// A file of weights cannot be read.
    #[error(transparent)]
    Container(#[from] ContainerError),
    /// Weights cannot be written.
    #[error("the weights cannot be written: {0}")]
    Encoding(String),
    /// A tensor that the configuration asks for is absent.
    #[error("the weights have no tensor `{0}`, which config.json asks for; the two do not belong together")]
    MissingTensor(String),
    /// A tensor has another shape than the configuration says.
    #[error(
        "tensor `{name}` has shape {found:?} but config.json asks for {expected:?}; the two do not belong together"
    )]
    Shape {
        /// Name in the file.
        name: String,
        /// Shape by the configuration.
        expected: Vec<usize>,
        /// Shape in the file.
        found: Vec<usize>,
    },
    /// `adapter_config.json` cannot be read, or asks for something that is not computed.
    #[error("adapter_config.json: {0}")]
    AdapterConfig(String),
    /// An adapter was made for a base of other weights.
    #[error(
        "the adapter was trained on {base}, whose weights have the SHA-256 {expected}, but those of this base have {found}. Give the base that it was trained on; if this one is meant, remove `base_model_sha256` from adapter_config.json"
    )]
    OtherBase {
        /// The name of the base that it was made for, as far as it says.
        base: String,
        /// By the adapter.
        expected: String,
        /// Of the base that was given.
        found: String,
    },
    /// An adapter has a tensor for no matrix of the model.
    #[error(
        "adapter_model.safetensors has `{0}`, which belongs to no matrix of this model; it was made for another base"
    )]
    UnknownAdapter(String),
    /// A weight is NaN or infinite.
    #[error("tensor `{0}` holds NaN or infinite numbers; this model was damaged, go back to an earlier checkpoint")]
    NotFinite(String),
}
