//! Models for other programs: one GGUF with a Modelfile, as llama.cpp and Ollama open, or a whole folder, as
//! transformers does.
//!
//! Numbers are read from the model's own files, one tensor at a time, with what an adapter adds to them; an adapter
//! goes out by itself too. What a format has no place for is refused.

use crate::SessionError;
use crate::error::named;
use crate::folder::{AdapterFiles, Folder, Kind, LoraNumbers, WEIGHTS};
use crate::protocol::Files;
use nudge_data::{GgufTokenizer, PromptStyle, TokenKind};
use nudge_model::container::Encoding;
use nudge_model::container::gguf::{self, Field, ModelFile, Rank, write_model};
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
    let tokenizer = folder.tokenizer.to_gguf(folder.config.vocab_size)?;
    let model = ModelFile { config: &folder.config, name: &folder.name, tokenizer: metadata(&tokenizer), encoding };
    let shapes: Vec<_> = shapes(folder).collect();
    let read = |name: &str| folder.merged_numbers(name, shape_of(folder, name).unwrap_or_default());
    let bytes = write_model(&model, &shapes, read).map_err(named(&folder.name))?;
    let modelfile = modelfile(folder, file, &tokenizer);
    Ok(Files::from([(file.to_string(), bytes.into()), (MODELFILE.to_string(), modelfile.into_bytes().into())]))
}

/// The model as a folder with one file of weights, in `precision`.
///
/// # Errors
/// If a tensor cannot be read, or the files cannot be written.
pub fn to_folder(folder: &Folder, precision: Precision) -> Result<Files, SessionError> {
    let refused = || named(&folder.name);
    let read = |(name, shape): (String, [usize; 2])| {
        let values = folder.merged_numbers(&name, shape)?;
        let is_vector = folder.tensors.layout(&name).is_some_and(|(shape, _)| shape.len() == 1);
        let shape = if is_vector { vec![shape[1]] } else { shape.to_vec() };
        Ok(NamedData { name, shape, values })
    };
    let tensors = shapes(folder).map(read).collect::<Result<Vec<_>, ModelError>>().map_err(refused())?;
    let mut files = folder.small_files(precision)?;
    files.insert(WEIGHTS.into(), encode(&tensors, precision).map_err(refused())?.into());
    Ok(files)
}

/// The files of a small model that is shipped packed, its weights in 8 bits or what was trained beside them, as the folder
/// of a whole model in `f32`: later stages train all of it. The same bytes everywhere.
///
/// # Errors
/// If the files are no model.
pub fn unpacked(name: &str, files: &Files) -> Result<Files, SessionError> {
    to_folder(&Folder::open(name, files)?, Precision::F32)
}

/// The adapter as a GGUF of this name, and a Modelfile that puts it onto `base`.
///
/// # Errors
/// If the model has no adapter, or one that llama.cpp has no place for.
pub fn to_gguf_adapter(folder: &Folder, file: &str, base: &str) -> Result<Files, SessionError> {
    let refused = || named(&folder.name);
    let adapter = adapter_of(folder)?;
    if folder.kind == Kind::Reward {
        let reason = "a reward model has a head of one number, which GGUF has no place for; export it --to peft";
        return Err(refused()(ModelError::Unsupported(reason.into())));
    }
    let mut pairs = Vec::new();
    for (weight, shape) in shapes(folder) {
        if let Some(mut pair) = adapter.pair(&weight, shape).map_err(refused())? {
            // One alpha of 1 holds for the file: llama.cpp scales by alpha / rank, and the rest goes into B.
            let factor = adapter.scale(&weight, pair.r) * pair.r as f32;
            pair.b.iter_mut().for_each(|b| *b *= factor);
            pairs.push((weight, pair));
        }
    }
    let ranks: Vec<Rank> = pairs
        .iter()
        .map(|(weight, LoraNumbers { r, a, b })| Rank {
            module: weight.strip_suffix(".weight").unwrap_or(weight),
            a,
            b,
            rank: *r,
        })
        .collect();
    let known = [("name", &adapter.base().name), ("sha256", &adapter.base().sha256)];
    let more = known
        .into_iter()
        .filter_map(|(key, value)| Some((format!("general.base_model.0.{key}"), Field::Text(value.clone()?))));
    let head = gguf::Adapter { config: &folder.config, name: &folder.name, alpha: 1.0, more: more.collect() };
    let bytes = gguf::write_adapter(&head, &ranks).map_err(refused())?;
    let modelfile = format!("FROM {base}\nADAPTER ./{file}\n");
    Ok(Files::from([(file.to_string(), bytes.into()), (MODELFILE.to_string(), modelfile.into_bytes().into())]))
}

/// The adapter as PEFT's folder.
///
/// # Errors
/// If the model has none.
pub fn to_peft(folder: &Folder) -> Result<Files, SessionError> {
    adapter_of(folder)?;
    folder.adapter_files()
}

fn adapter_of(folder: &Folder) -> Result<&AdapterFiles, SessionError> {
    folder.adapter().ok_or_else(|| {
        let reason = "it has no adapter; a whole model goes out with --to merged or --to gguf";
        named(&folder.name)(ModelError::Unsupported(reason.into()))
    })
}

/// Every tensor with its shape.
fn shapes(folder: &Folder) -> impl Iterator<Item = (String, [usize; 2])> {
    folder.tensors.names().filter_map(|name| Some((name.to_string(), shape_of(folder, name)?)))
}

/// The shape of a tensor; a vector is a matrix of one row.
fn shape_of(folder: &Folder, name: &str) -> Option<[usize; 2]> {
    match *folder.tensors.layout(name)?.0 {
        [columns] => Some([1, columns]),
        [rows, columns] => Some([rows, columns]),
        _ => None,
    }
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

/// What Ollama needs beside the GGUF: where it is, and where a completion ends. It reads the template from the file.
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
