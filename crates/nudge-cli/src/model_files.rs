//! The files of the model that a name stands for: a folder, a `.gguf`, or one inside the program.

use crate::builtin;
use crate::files::io_error;
use anyhow::{Result, anyhow, bail};
use bytes::Bytes;
use nudge_session::Files;
use nudge_session::folder::{
    CHAT_TEMPLATE, CONFIG, GENERATION_CONFIG, INDEX, TOKENIZER, TOKENIZER_CONFIG, WEIGHTS, shards_of,
};
use std::fs::{self, File};
use std::io;
use std::path::Path;

/// The files of a model folder that Nudge writes. The weights come last: where they are, the folder is whole.
pub const MODEL_FILES: [&str; 6] = [CONFIG, TOKENIZER, TOKENIZER_CONFIG, CHAT_TEMPLATE, GENERATION_CONFIG, WEIGHTS];

/// What `--model` may be, for messages.
const CHOICES: &str = "give a folder with config.json and model.safetensors, a .gguf file, builtin:base or builtin:sft";

/// A file from this size on is read where it lies.
const MAPPED_FROM: u64 = 1 << 20;

/// The files of the model that `name` stands for: a folder, a `.gguf`, `builtin:base` or `builtin:sft`.
///
/// # Errors
/// If there is none, or a file of it cannot be read.
pub fn read_model(name: &str) -> Result<Files> {
    if name.starts_with(builtin::PREFIX) {
        return builtin::model(name).ok_or_else(|| anyhow!("there is no built-in model `{name}`; {CHOICES}"));
    }
    let path = Path::new(name);
    if path.is_file() {
        return read_gguf(path);
    }
    if !path.is_dir() {
        bail!("there is no model {name}; {CHOICES}");
    }
    let mut files = Files::new();
    for file in MODEL_FILES.into_iter().chain([INDEX]) {
        take(&mut files, path, file)?;
    }
    if let Some(index) = files.get(INDEX).cloned().filter(|_| !files.contains_key(WEIGHTS)) {
        // An index that cannot be read is refused with its reason by whoever opens the model.
        for shard in shards_of(INDEX, &index).unwrap_or_default() {
            take(&mut files, path, &shard)?;
        }
    }
    refuse_other_folders(path, &files)?;
    Ok(files)
}

/// A model in one file, under its own name.
fn read_gguf(path: &Path) -> Result<Files> {
    let bytes = read(path).map_err(|error| io_error("read", path, error))?;
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let named_so = path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("gguf"));
    if !named_so && !bytes.starts_with(b"GGUF") {
        bail!("{} is no model; {CHOICES}", path.display());
    }
    let name = if name.ends_with(".gguf") { name } else { format!("{name}.gguf") };
    Ok(Files::from([(name, bytes)]))
}

/// Says what a folder is that lacks weights.
fn refuse_other_folders(folder: &Path, files: &Files) -> Result<()> {
    if files.contains_key(WEIGHTS) || files.contains_key(INDEX) {
        return Ok(());
    }
    if files.contains_key(CONFIG) && folder.join("checkpoint").is_dir() {
        bail!("{} holds a run that has not finished; go on with --resume, then use its model", folder.display());
    }
    let entries = fs::read_dir(folder).map_err(|error| io_error("read", folder, error))?;
    let found = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    let mut ggufs: Vec<String> = found.filter(|name| name.ends_with(".gguf")).collect();
    ggufs.sort();
    match ggufs.first() {
        Some(first) => {
            bail!("{} has no {WEIGHTS}; give its .gguf file: {}", folder.display(), folder.join(first).display())
        }
        None => Ok(()),
    }
}

/// Adds a file of a folder, if it is there.
fn take(files: &mut Files, folder: &Path, file: &str) -> Result<()> {
    let path = folder.join(file);
    match read(&path) {
        Ok(bytes) => {
            files.insert(file.into(), bytes);
            Ok(())
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(io_error("read", &path, error)),
    }
}

/// A file's bytes: copied where it is small, mapped into memory where it is large.
fn read(path: &Path) -> io::Result<Bytes> {
    let file = File::open(path)?;
    if file.metadata()?.len() < MAPPED_FROM {
        return fs::read(path).map(Bytes::from);
    }
    // SAFETY: the bytes change only if somebody writes into the file while it is open; Nudge itself writes a new file
    // and renames it, which leaves the open one as it was.
    #[allow(unsafe_code)]
    let mapped = unsafe { memmap2::Mmap::map(&file)? };
    Ok(Bytes::from_owner(mapped))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(path: &Path) -> String {
        format!("{:#}", read_model(&path.display().to_string()).unwrap_err())
    }

    #[test]
    fn what_is_no_model_is_told_apart() {
        let place = tempfile::tempdir().unwrap();
        let folder = place.path();
        assert!(refusal(&folder.join("nothing")).contains("there is no model"));
        fs::write(folder.join("notes.txt"), "hello").unwrap();
        assert!(refusal(&folder.join("notes.txt")).contains("is no model"));
        fs::write(folder.join("tiny.gguf"), "GGUF").unwrap();
        let message = refusal(folder);
        assert!(message.contains("give its .gguf file") && message.contains("tiny.gguf"), "{message}");
        let files = read_model(&folder.join("tiny.gguf").display().to_string()).unwrap();
        assert_eq!(files["tiny.gguf"], "GGUF");
        fs::create_dir(folder.join("checkpoint")).unwrap();
        fs::write(folder.join(CONFIG), "{}").unwrap();
        assert!(refusal(folder).contains("has not finished"));
    }

    #[test]
    fn shards_come_with_their_index_and_large_files_where_they_lie() {
        let place = tempfile::tempdir().unwrap();
        let index =
            r#"{"weight_map": {"a": "model-00001-of-00002.safetensors", "b": "model-00002-of-00002.safetensors"}}"#;
        fs::write(place.path().join(INDEX), index).unwrap();
        let large = vec![7; MAPPED_FROM as usize];
        fs::write(place.path().join("model-00001-of-00002.safetensors"), &large).unwrap();
        let files = read_model(&place.path().display().to_string()).unwrap();
        let names: Vec<&str> = files.keys().map(String::as_str).collect();
        assert_eq!(names, ["model-00001-of-00002.safetensors", INDEX]);
        assert_eq!(files["model-00001-of-00002.safetensors"], large);
    }
}
