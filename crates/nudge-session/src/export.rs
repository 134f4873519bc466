//! Models for other programs: one GGUF with a Modelfile, as llama.cpp and Ollama open, or a whole folder, as
//! transformers does.
//!
//! Numbers are read from the model's own files, one tensor at a time. What a format has no place for is refused.
//! Deliberately absent: adapters. [`nudge_model::container::gguf::write_adapter`] writes them, given their matrices.

use crate::SessionError;
use crate::error::named;
use crate::folder::{Folder, Kind, WEIGHTS};
use crate::protocol::Files;
use nudge_data::{GgufTokenizer, PromptStyle, TokenKind};
use nudge_model::container::Encoding;
use nudge_model::container::gguf::{Field, ModelFile, write_model};
use nudge_model::{ModelError, NamedData, Precision, checkpoint::encode};

/// The file that tells Ollama what to do with a GGUF.
pub const MODELFILE: &str = "Modelfile";

/// The model as a GGUF of this name, in F32, F16, BF16 or Q8_0, and its Modelfile.
///
/// # Errors
/// If it is a reward model, which llama.cpp has no head for; if it knows no such architecture, tensor or tokenizer; if
/// a tensor cannot be read.
pub fn to_gguf(folder: &Folder, file: &str, encoding: Encoding) -> Result<Files, SessionError> {
    if folder.kind == Kind::Reward {
        let reason = "a reward model has a head of one number, which GGUF has no place for; export it as a folder";
        return Err(named(&folder.name)(ModelError::Unsupported(reason.into())));
    }
    refuse_adapter(folder)?;
    let tokenizer = folder.tokenizer.to_gguf(folder.config.vocab_size)?;
    let model = ModelFile { config: &folder.config, name: &folder.name, tokenizer: metadata(&tokenizer), encoding };
    let shapes: Vec<_> = shapes(folder).collect();
    let read = |name: &str| folder.tensors.stored(name).map(|stored| stored.numbers());
    let bytes = write_model(&model, &shapes, read).map_err(named(&folder.name))?;
    let modelfile = modelfile(folder, file, &tokenizer);
    Ok(Files::from([(file.to_string(), bytes.into()), (MODELFILE.to_string(), modelfile.into_bytes().into())]))
}

/// The model as a folder with one file of weights, in `precision`.
///
/// # Errors
/// If a tensor cannot be read, or the files cannot be written.
pub fn to_folder(folder: &Folder, precision: Precision) -> Result<Files, SessionError> {
    refuse_adapter(folder)?;
    let refused = || named(&folder.name);
    let read = |(name, shape): (String, [usize; 2])| {
        let stored = folder.tensors.stored(&name)?;
        let shape = if stored.shape.len() == 1 { stored.shape.clone() } else { shape.to_vec() };
        Ok(NamedData { values: stored.numbers(), name, shape })
    };
    let tensors = shapes(folder).map(read).collect::<Result<Vec<_>, ModelError>>().map_err(refused())?;
    let mut files = folder.small_files(precision)?;
    files.insert(WEIGHTS.into(), encode(&tensors, precision).map_err(refused())?.into());
    Ok(files)
}

/// The numbers here are those of the files: an adapter must have been merged into them.
fn refuse_adapter(folder: &Folder) -> Result<(), SessionError> {
    match folder.has_adapter() {
        false => Ok(()),
        true => {
            let reason =
                "it has an adapter that is not merged into its weights; export the base, and the adapter beside it";
            Err(named(&folder.name)(ModelError::Unsupported(reason.into())))
        }
    }
}

/// Every tensor with its shape; a vector is a matrix of one row.
fn shapes(folder: &Folder) -> impl Iterator<Item = (String, [usize; 2])> {
    folder.tensors.names().filter_map(|name| {
        let shape = match *folder.tensors.layout(name)?.0 {
            [columns] => [1, columns],
            [rows, columns] => [rows, columns],
            _ => return None,
        };
        Some((name.to_string(), shape))
    })
}

/// A tokenizer in the keys of GGUF.
fn metadata(tokenizer: &GgufTokenizer) -> Vec<(String, Field)> {
    let kinds = tokenizer.kinds.iter().map(|kind: &TokenKind| *kind as i32).collect();
    let mut pairs = vec![
        ("model", Field::Text(tokenizer.model.clone())),
        ("pre", Field::Text(tokenizer.pre.clone())),
        ("tokens", Field::Texts(tokenizer.tokens.clone())),
        ("token_type", Field::I32s(kinds)),
        ("merges", Field::Texts(tokenizer.merges.clone())),
        ("add_bos_token", Field::Bool(tokenizer.add_bos.unwrap_or(false))),
    ];
    for (key, id) in [
        ("bos_token_id", tokenizer.bos),
        ("eos_token_id", tokenizer.eos),
        ("eot_token_id", tokenizer.end_of_turn),
        ("padding_token_id", tokenizer.padding),
    ] {
        pairs.extend(id.map(|id| (key, Field::U32(id))));
    }
    let template = tokenizer.chat_template.clone().map(|text| ("tokenizer.chat_template".into(), Field::Text(text)));
    pairs.into_iter().map(|(key, value)| (format!("tokenizer.ggml.{key}"), value)).chain(template).collect()
}

/// What Ollama needs beside the GGUF: where it is, and where an answer ends. It reads the template from the file.
fn modelfile(folder: &Folder, file: &str, tokenizer: &GgufTokenizer) -> String {
    let mut lines = vec![format!("FROM ./{file}")];
    if folder.style() == PromptStyle::Chat {
        let ends = folder.tokenizer.end_ids().into_iter().filter_map(|id| tokenizer.tokens.get(id as usize));
        lines.extend(ends.map(|end| format!("PARAMETER stop \"{}\"", end.replace('"', "\\\""))));
    } else {
        lines.push("# This model has no chat template: it continues plain text.".into());
        lines.push("TEMPLATE \"{{ .Prompt }}\"".into());
    }
    lines.join("\n") + "\n"
}
