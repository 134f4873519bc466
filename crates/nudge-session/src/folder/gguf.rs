//! A model that is one `.gguf`, or several: the files of a folder that its metadata stand for.

use super::open::{Opened, Vocabulary};
use crate::error::{SessionError, named};
use crate::protocol::Files;
use crate::words::WORDS;
use bytes::Bytes;
use nudge_data::{GgufTokenizer, TokenKind};
use nudge_model::{ContainerError, Gguf, ModelError};
use serde_json::{Value, json};

/// What the tokenizer's keys begin with.
const TOKENIZER: &str = "tokenizer.ggml";
/// The chat template.
const TEMPLATE: &str = "tokenizer.chat_template";

/// The files of a model that are GGUF.
pub(super) fn files_of(files: &Files) -> impl Iterator<Item = (&str, Bytes)> {
    files.iter().filter(|(file, _)| file.ends_with(".gguf")).map(|(file, bytes)| (file.as_str(), bytes.clone()))
}

/// Reads the headers of the GGUF files of the model called `name`.
pub(super) fn open(name: &str, files: &Files) -> Result<Opened, SessionError> {
    let refused = |error: ContainerError| named(name)(error.into());
    let gguf = Gguf::open(files_of(files)).map_err(refused)?;
    let vocabulary = vocabulary(&gguf).map_err(refused)?;
    let tokenizer_config = vocabulary.config()?;
    let config = gguf.config().map_err(refused)?;
    let unwritable = |error: serde_json::Error| named(name)(ModelError::Config(error.to_string()));
    Ok(Opened {
        config: serde_json::to_vec(&config).map_err(unwritable)?.into(),
        tokenizer_config: Some(serde_json::to_vec(&tokenizer_config).map_err(unwritable)?.into()),
        template: None,
        generation: Some(serde_json::to_vec(&generation(&vocabulary)).map_err(unwritable)?.into()),
        tensors: gguf.tensors().map_err(refused)?,
        words: files.get(WORDS).cloned(),
        tokenizer: Vocabulary::Lists(vocabulary.into()),
    })
}

/// What ends a text and a completion.
fn generation(vocabulary: &GgufTokenizer) -> Value {
    let ends: Vec<u32> = vocabulary.eos.into_iter().chain(vocabulary.end_of_turn).collect();
    json!({"bos_token_id": vocabulary.bos, "eos_token_id": ends})
}

fn vocabulary(gguf: &Gguf) -> Result<GgufTokenizer, ContainerError> {
    let key = |key: &str| format!("{TOKENIZER}.{key}");
    let id = |name: &str| gguf.size(&key(name)).and_then(|id| u32::try_from(id).ok());
    let flag = |name: &str| match gguf.get(&key(name)) {
        Some(nudge_model::container::gguf::Value::Bool(flag)) => Some(*flag),
        _ => None,
    };
    let tokens = texts(gguf, &key("tokens"))?;
    Ok(GgufTokenizer {
        model: gguf.text(&key("model")).unwrap_or_default().into(),
        pre: gguf.text(&key("pre")).unwrap_or_default().into(),
        kinds: kinds(gguf, &key("token_type"), tokens.len())?,
        tokens,
        scores: numbers(gguf, &key("scores"))?.into_iter().map(|score| score as f32).collect(),
        merges: texts(gguf, &key("merges"))?,
        bos: id("bos_token_id"),
        eos: id("eos_token_id"),
        end_of_turn: id("eot_token_id"),
        unknown: id("unknown_token_id"),
        padding: id("padding_token_id"),
        add_bos: flag("add_bos_token"),
        add_space_prefix: flag("add_space_prefix"),
        chat_template: gguf.text(TEMPLATE).map(Into::into),
    })
}

/// A list of texts; empty where there is none of that name.
fn texts(gguf: &Gguf, key: &str) -> Result<Vec<String>, ContainerError> {
    let Some(list) = gguf.list(key) else { return Ok(Vec::new()) };
    let texts = list.texts().ok_or_else(|| refused(gguf, key, "must be a list of UTF-8 texts"))?;
    Ok(texts.into_iter().map(Into::into).collect())
}

fn numbers(gguf: &Gguf, key: &str) -> Result<Vec<f64>, ContainerError> {
    let Some(list) = gguf.list(key) else { return Ok(Vec::new()) };
    list.numbers().ok_or_else(|| refused(gguf, key, "must be a list of numbers"))
}

/// The kind of every token; all are ordinary where nothing is said.
fn kinds(gguf: &Gguf, key: &str, tokens: usize) -> Result<Vec<TokenKind>, ContainerError> {
    if gguf.list(key).is_none() {
        return Ok(vec![TokenKind::Normal; tokens]);
    }
    let kinds = numbers(gguf, key)?.into_iter().map(TokenKind::of).collect::<Option<Vec<_>>>();
    kinds.ok_or_else(|| refused(gguf, key, "holds a number that is no kind of token"))
}

fn refused(gguf: &Gguf, key: &str, reason: &str) -> ContainerError {
    ContainerError::Metadata { file: gguf.file().into(), key: key.into(), reason: reason.into() }
}
