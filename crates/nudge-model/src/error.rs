//! What can be wrong with a model that comes from outside.

/// A model folder that cannot be used, and what to do about it.
#[derive(Debug, thiserror::Error)]
pub enum ModelError {
    /// `config.json` is not JSON or lacks a field.
    #[error("config.json cannot be read: {0}. It must be the configuration of a model that Nudge knows")]
    Config(String),
    /// `config.json` is readable but asks for something this decoder does not do.
    #[error("config.json: {0}")]
    Unsupported(String),
    /// `model.safetensors` is truncated or not a safetensors file.
    #[error("model.safetensors cannot be read: {0}. The file may be truncated: copy or download it again")]
    Safetensors(String),
    /// A tensor that the configuration asks for is absent.
    #[error("model.safetensors has no tensor `{0}`, which config.json asks for; the two files do not belong together")]
    MissingTensor(String),
    /// A tensor has another shape than the configuration says.
    #[error(
        "tensor `{name}` has shape {found:?} but config.json asks for {expected:?}; the two files do not belong together"
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
    /// An adapter has a tensor for no matrix of the model.
    #[error(
        "adapter_model.safetensors has `{0}`, which belongs to no matrix of this model; it was made for another base"
    )]
    UnknownAdapter(String),
    /// A weight is NaN or infinite.
    #[error("tensor `{0}` holds NaN or infinite numbers; this model was damaged, go back to an earlier checkpoint")]
    NotFinite(String),
}
