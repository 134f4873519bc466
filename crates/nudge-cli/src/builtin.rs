//! The models inside the program: the same files that the page serves.
//!
//! `builtin/` links to them, so that they lie inside the package that `cargo install` compiles. The base is packed in 8
//! bits, and instruction tuning is an adapter on it; both are unpacked when they are opened.

use crate::provenance::hash_of;
use bytes::Bytes;
use nudge_session::export::unpacked;
use nudge_session::{Files, SessionError};

/// What a built-in model's name starts with.
pub const PREFIX: &str = "builtin:";

/// Example prompts, one JSON object a line, with `split` `train` or `heldout`.
pub const PROMPTS: &str = include_str!("../builtin/prompts.jsonl");

macro_rules! files {
    ($($folder:literal / $file:literal),*) => {
        &[$(($file, include_bytes!(concat!("../builtin/", $folder, "/", $file)).as_slice())),*]
    };
}

const BASE: &[(&str, &[u8])] = files!["base" / "model.gguf", "base" / "words.txt"];
/// Lies beside the base.
const SFT: &[(&str, &[u8])] = files![
    "sft" / "adapter_config.json",
    "sft" / "adapter_model.safetensors",
    "sft" / "tokenizer.json",
    "sft" / "tokenizer_config.json"
];

/// Which built-in models these are, in hex: SHA-256 of the base's file and, after it, of what was trained beside it. The
/// page computes the same.
pub fn release() -> String {
    let weights = BASE.iter().chain(SFT).filter(|(file, _)| file.ends_with(".gguf") || file.ends_with(".safetensors"));
    hash_of(&weights.map(|(_, bytes)| *bytes).collect::<Vec<_>>().concat())
}

/// The files of `builtin:base` or `builtin:sft`; nothing for another name.
///
/// # Errors
/// Never, unless the program was built from broken files.
pub fn model(name: &str) -> Option<Result<Files, SessionError>> {
    let beside = match name.strip_prefix(PREFIX)? {
        "base" => &[],
        "sft" => SFT,
        _ => return None,
    };
    let files = BASE.iter().chain(beside).map(|(file, bytes)| (file.to_string(), Bytes::from_static(bytes)));
    Some(unpacked(name, &files.collect()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use nudge_session::folder::Folder;

    #[test]
    fn both_models_are_whole_and_differ() {
        let open = |name: &str| {
            let files = model(name).expect("it is built in").expect("its files are whole");
            Folder::open(name, &files).expect("it opens")
        };
        let (base, sft) = (open("builtin:base"), open("builtin:sft"));
        assert!(!base.has_adapter() && !sft.has_adapter(), "all of their weights train");
        assert!(base.note().is_some() && sft.note().is_none(), "one continues, the other answers");
        assert!(base.words().is_some() && base.words() == sft.words());
        assert_ne!(base.sha256(), sft.sha256());
        assert_eq!(release().len(), 64);
        assert!(model("builtin:nobody").is_none() && model("base").is_none());
    }
}
