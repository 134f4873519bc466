//! Prints what Nudge computes for a model folder, as JSON, to be compared with what other programs compute.
//!
//! `logits FOLDER` reads texts from standard input, one a line, and prints `{"kind", "rows"}`. A row holds the text,
//! its token ids and, for every position, the logits of the next token, or the reward where the folder is a reward
//! model.

use std::error::Error;
use std::io::Read;
use std::path::Path;

use burn::tensor::{Device, Tensor};
use nudge_model::TokenBatch;
use nudge_session::Files;
use nudge_session::folder::{Folder, Kind};
use serde_json::json;

/// The files of a folder, or a `.gguf` by itself.
fn read_model(path: &Path) -> Result<Files, Box<dyn Error>> {
    let mut files = Files::new();
    if path.is_file() {
        files.insert("model.gguf".into(), std::fs::read(path)?.into());
        return Ok(files);
    }
    for entry in std::fs::read_dir(path)? {
        let entry = entry?;
        if entry.file_type()?.is_file() {
            files.insert(entry.file_name().to_string_lossy().into_owned(), std::fs::read(entry.path())?.into());
        }
    }
    Ok(files)
}

fn rows_of<const D: usize>(tensor: Tensor<D>, width: usize) -> Result<Vec<Vec<f32>>, Box<dyn Error>> {
    let values = tensor.into_data().try_into_vec::<f32>().map_err(|error| format!("{error:?}"))?;
    Ok(values.chunks(width).map(<[f32]>::to_vec).collect())
}

fn main() -> Result<(), Box<dyn Error>> {
    let path = std::env::args().nth(1).ok_or("give the path of a model folder or of a .gguf file")?;
    let folder = Folder::open(&path, &read_model(Path::new(&path))?)?;
    let mut texts = String::new();
    std::io::stdin().read_to_string(&mut texts)?;
    let device = Device::flex();
    let mut rows = Vec::new();
    for text in texts.lines() {
        let tokens = folder.tokenizer.encode(text);
        let mask = vec![true; tokens.len()];
        let batch = TokenBatch::new(&tokens, &mask, 1, tokens.len(), &folder.config, &device);
        let numbers = match folder.kind {
            Kind::Decoder => {
                let model = folder.decoder(&device)?;
                json!({"logits": rows_of(model.logits(model.hidden(&batch)), model.config.vocab_size)?})
            }
            Kind::Reward => {
                json!({"rewards": rows_of(folder.scalar(&device)?.values(&batch), tokens.len())?.concat()})
            }
        };
        rows.push(json!({"text": text, "tokens": tokens, "numbers": numbers}));
    }
    let kind = match folder.kind {
        Kind::Decoder => "decoder",
        Kind::Reward => "reward",
    };
    println!("{}", json!({"kind": kind, "rows": rows}));
    Ok(())
}
