//! The models inside the program: the same files that the page serves.
//!
//! `builtin/` links to them, so that they lie inside the package that `cargo install` compiles.

use bytes::Bytes;
use nudge_session::Files;

/// What a built-in model's name starts with.
pub const PREFIX: &str = "builtin:";

/// Example prompts, one JSON object a line, with `split` `train` or `heldout`.
pub const PROMPTS: &str = include_str!("../builtin/prompts.jsonl");

macro_rules! folder {
    ($name:literal, [$($file:literal),*]) => {
        [$(($file, include_bytes!(concat!("../builtin/", $name, "/", $file)).as_slice())),*]
    };
    ($name:literal) => {
        folder!($name, [
            "config.json",
            "model.safetensors",
            "tokenizer.json",
            "tokenizer_config.json",
            "generation_config.json"
        ])
    };
}

const BASE: [(&str, &[u8]); 5] = folder!("base");
const SFT: [(&str, &[u8]); 5] = folder!("sft");

/// The files of `builtin:base` or `builtin:sft`.
pub fn model(name: &str) -> Option<Files> {
    let files = match name.strip_prefix(PREFIX)? {
        "base" => BASE,
        "sft" => SFT,
        _ => return None,
    };
    Some(files.into_iter().map(|(file, bytes)| (file.to_string(), Bytes::from_static(bytes))).collect())
}
