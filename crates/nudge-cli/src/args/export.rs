//! The arguments of `nudge export`.

use clap::{Args, ValueEnum};
use std::path::PathBuf;

/// What a model is written as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Form {
    /// One file for llama.cpp and Ollama, with a Modelfile
    Gguf,
    /// A folder with all weights, for transformers
    Merged,
    /// The adapter alone, for PEFT
    Peft,
    /// The adapter alone for llama.cpp and Ollama, with a Modelfile that puts it onto its base
    GgufAdapter,
}

/// How its numbers are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Numbers {
    /// 4 bytes
    F32,
    /// 2 bytes
    F16,
    /// 2 bytes with the range of f32
    Bf16,
    /// 34 bytes for 32 numbers; for gguf alone
    #[value(name = "q8_0")]
    Q8_0,
}

/// `nudge export`
#[derive(Args)]
pub struct Export {
    /// Model
    #[arg(long, value_name = "M")]
    pub model: String,
    /// What to write: of the whole model gguf (for llama.cpp and Ollama) or merged (a folder for transformers); of its
    /// adapter alone gguf-adapter or peft
    #[arg(long, value_enum, hide_possible_values = true)]
    pub to: Form,
    /// How numbers are stored: f32, f16, bf16, or for gguf q8_0; by default as the model has them, and f16 where that
    /// cannot be written
    #[arg(long, value_enum, hide_possible_values = true)]
    pub precision: Option<Numbers>,
    /// Folder to write; it must not exist yet
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
    /// Replace what --out holds
    #[arg(long)]
    pub force: bool,
}
