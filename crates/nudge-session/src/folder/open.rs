//! Finding out what a model's files are, and reading the small ones.

use super::{CHAT_TEMPLATE, CONFIG, GENERATION_CONFIG, INDEX, TOKENIZER, TOKENIZER_CONFIG, WEIGHTS, gguf};
use crate::error::{SessionError, named};
use crate::protocol::Files;
use crate::words::WORDS;
use bytes::Bytes;
use nudge_data::{DataError, GgufTokenizer, Tokenizer};
use nudge_model::container::refuse_pointer;
use nudge_model::{ContainerError, DecoderConfig, ModelError, Tensors};

/// What the files of a model come to, whatever they are.
pub(super) struct Opened {
    pub config: Bytes,
    pub tokenizer: Vocabulary,
    pub tokenizer_config: Option<Bytes>,
    pub template: Option<Bytes>,
    pub generation: Option<Bytes>,
    pub words: Option<Bytes>,
    pub tensors: Tensors,
}

/// Where a model's tokenizer is.
pub(super) enum Vocabulary {
    /// In a `tokenizer.json`.
    File(Bytes),
    /// In the metadata of a GGUF.
    Lists(Box<GgufTokenizer>),
}

impl Opened {
    /// The tokenizer. A `generation_config.json` may list more tokens that end a completion.
    pub fn tokenizer(&self) -> Result<Tokenizer, DataError> {
        let ends = self.generation.as_deref().map_or_else(Vec::new, listed_ends);
        match &self.tokenizer {
            Vocabulary::Lists(lists) => lists.open(&ends),
            Vocabulary::File(json) => {
                Tokenizer::from_files_with_ends(json, self.tokenizer_config.as_deref(), self.template.as_deref(), &ends)
            }
        }
    }
}

/// Reads all but the tensors, which are looked for and held against their files' lengths.
pub(super) fn open(name: &str, files: &Files) -> Result<Opened, SessionError> {
    let refused = |error: ContainerError| named(name)(error.into());
    if gguf::files_of(files).next().is_some() {
        return Ok(with_own_tokenizer(gguf::open(name, files)?, files));
    }
    let optional = |file: &str| match files.get(file) {
        Some(bytes) => refuse_pointer(file, bytes).map(|()| Some(bytes.clone())).map_err(refused),
        None => Ok(None),
    };
    let needed = |file: &str| {
        let missing = || SessionError::MissingFile { folder: name.into(), file: file.into(), kind: "model folder" };
        optional(file)?.ok_or_else(missing)
    };
    let config = needed(CONFIG)?;
    let tensors = match optional(INDEX)? {
        Some(index) if !files.contains_key(WEIGHTS) => {
            Tensors::from_shards(INDEX, &index, |shard| files.get(shard).cloned()).map_err(refused)?
        }
        _ => Tensors::from_safetensors(WEIGHTS, needed(WEIGHTS)?).map_err(refused)?,
    };
    Ok(Opened {
        config,
        tokenizer: Vocabulary::File(needed(TOKENIZER)?),
        tokenizer_config: optional(TOKENIZER_CONFIG)?,
        template: optional(CHAT_TEMPLATE)?,
        generation: optional(GENERATION_CONFIG)?,
        words: optional(WORDS)?,
        tensors,
    })
}

/// What came with an adapter goes before what its base has: instruction tuning may have given it a chat template.
fn with_own_tokenizer(opened: Opened, files: &Files) -> Opened {
    let Some(tokenizer) = files.get(TOKENIZER) else { return opened };
    let optional = |file: &str| files.get(file).cloned();
    let (tokenizer_config, template) = (optional(TOKENIZER_CONFIG), optional(CHAT_TEMPLATE));
    Opened { tokenizer: Vocabulary::File(tokenizer.clone()), tokenizer_config, template, ..opened }
}

/// Refuses a configuration that asks for more numbers than there are, before anybody makes room for them.
///
/// # Errors
/// [`ModelError::Unsupported`] with both counts.
pub(super) fn refuse_larger(config: &DecoderConfig, tensors: &Tensors) -> Result<(), ModelError> {
    let product = |sizes: &[usize]| sizes.iter().fold(1u128, |product, size| product.saturating_mul(*size as u128));
    let asked = [
        product(&[config.vocab_size, config.hidden_size]),
        product(&[config.num_hidden_layers, config.hidden_size, config.intermediate_size]),
        product(&[config.num_hidden_layers, config.hidden_size, config.num_attention_heads, config.head_dim]),
        product(&[config.num_hidden_layers, config.num_key_value_heads, config.head_dim]),
    ]
    .into_iter()
    .fold(0u128, u128::saturating_add);
    let there = tensors.count();
    match asked <= there {
        true => Ok(()),
        false => Err(ModelError::Unsupported(format!(
            "its sizes ask for at least {asked} numbers, but the weights hold {there}: vocab_size {}, hidden_size {}, intermediate_size {}, num_hidden_layers {}; the two do not belong together",
            config.vocab_size, config.hidden_size, config.intermediate_size, config.num_hidden_layers
        ))),
    }
}

/// `eos_token_id` of a `generation_config.json`, a number or a list of numbers. What cannot be read says nothing about ends.
fn listed_ends(generation_config: &[u8]) -> Vec<u32> {
    let value: serde_json::Value = serde_json::from_slice(generation_config).unwrap_or_default();
    let listed = &value["eos_token_id"];
    let ids = listed.as_array().map_or(std::slice::from_ref(listed), Vec::as_slice).iter();
    ids.filter_map(|id| id.as_u64().and_then(|id| u32::try_from(id).ok())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn end_tokens_are_read_as_one_number_or_several() {
        assert_eq!(listed_ends(br#"{"eos_token_id": 2}"#), [2]);
        assert_eq!(listed_ends(br#"{"eos_token_id": [128001, 128008, -1, "x", 128009]}"#), [128_001, 128_008, 128_009]);
        for nothing in [&b"{"[..], b"[]", b"{}", br#"{"eos_token_id": null}"#] {
            assert!(listed_ends(nothing).is_empty());
        }
    }
}
