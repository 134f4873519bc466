//! The files of the model that a name stands for: a folder, a `.gguf`, one inside the program, or one on a hub.

use crate::files::io_error;
use crate::{builtin, hub};
use anyhow::{Context, Result, anyhow, bail};
use bytes::Bytes;
use nudge_model::container::gguf::parts_of;
use nudge_session::Files;
use nudge_session::folder::{
    ADAPTER_CONFIG, ADAPTER_WEIGHTS, CHAT_TEMPLATE, CONFIG, GENERATION_CONFIG, INDEX, TOKENIZER, TOKENIZER_CONFIG,
    WEIGHTS, adapter_base, shards_of,
};
use nudge_session::words::WORDS;
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

/// The files of a model folder that Nudge writes. The weights come last: where they are, the folder is whole.
pub const MODEL_FILES: [&str; 9] = [
    CONFIG,
    TOKENIZER,
    TOKENIZER_CONFIG,
    CHAT_TEMPLATE,
    GENERATION_CONFIG,
    WORDS,
    ADAPTER_CONFIG,
    ADAPTER_WEIGHTS,
    WEIGHTS,
];

/// Whether a folder holds the weights of a finished run: those of a model, or of an adapter.
pub fn has_weights(folder: &Path) -> bool {
    [WEIGHTS, ADAPTER_WEIGHTS].iter().any(|file| folder.join(file).exists())
}

/// What `--model` may be, for messages.
const CHOICES: &str = "give a folder with config.json and model.safetensors, a .gguf file, builtin:base or builtin:sft, hub:OWNER/NAME, or one of these with the folder of an adapter behind a +";

/// A file from this size on is read where it lies.
const MAPPED_FROM: u64 = 1 << 20;

/// The files of the model that `name` stands for: a folder, a `.gguf`, `builtin:base` or `builtin:sft`, `hub:OWNER/NAME`;
/// one of these with an adapter behind a `+`; or an adapter alone, where it names its base.
///
/// # Errors
/// If there is none, or a file of it cannot be read.
pub fn read_model(name: &str) -> Result<Files> {
    let found = place(name)?;
    let path = found.as_path();
    let Some(base) = base_of_model(name)? else { return read_base(name) };
    match name.rsplit_once('+').filter(|_| !is_adapter(path)) {
        Some((_, adapter)) => with_adapter(read_base(&base)?, &place(adapter)?),
        None => with_adapter(read_base(&base)?, path),
    }
}

/// The base of a model with an adapter, by the name that opens it; nothing of a whole model.
///
/// # Errors
/// If an adapter does not say what it was trained on, or that is not here.
pub fn base_of_model(name: &str) -> Result<Option<String>> {
    let found = place(name)?;
    if is_adapter(&found) {
        return base_of(&found).map(Some);
    }
    match name.rsplit_once('+') {
        // In front of the adapter may stand the one that it went on from, on the same base.
        Some((base, _)) if !found.exists() => Ok(Some(base_of_model(base)?.unwrap_or_else(|| base.into()))),
        _ => Ok(None),
    }
}

/// Where the GGUF lies that `name` stands for, if it is one.
///
/// # Errors
/// If a hub cannot give it.
pub fn gguf_of(name: &str) -> Result<Option<PathBuf>> {
    if name.starts_with(builtin::PREFIX) {
        return Ok(None);
    }
    let path = place(name)?;
    let whole = || path.canonicalize().map_err(|error| io_error("read", &path, error));
    path.is_file().then(whole).transpose()
}

/// Whether a folder holds an adapter alone.
fn is_adapter(folder: &Path) -> bool {
    folder.join(ADAPTER_CONFIG).is_file() && !folder.join(WEIGHTS).exists()
}

/// Where the model or adapter of this name lies; one of a hub is fetched. Nothing says that it is there.
fn place(name: &str) -> Result<PathBuf> {
    let on_hub = name.starts_with(hub::PREFIX) && !name.contains('+');
    if on_hub { hub::fetch(name) } else { Ok(name.into()) }
}

/// The base that an adapter's folder names.
fn base_of(adapter: &Path) -> Result<String> {
    let config = adapter.join(ADAPTER_CONFIG);
    let bytes = read(&config).map_err(|error| io_error("read", &config, error))?;
    let give = || format!("give its base with it: BASE+{}", adapter.display());
    match adapter_base(&bytes).with_context(|| config.display().to_string())? {
        Some(base) if [builtin::PREFIX, hub::PREFIX].iter().any(|prefix| base.starts_with(prefix)) => Ok(base),
        Some(base) if Path::new(&base).exists() => Ok(base),
        Some(base) => bail!("{} was trained on {base}, which is not here; {}", adapter.display(), give()),
        None => bail!("{} does not say what it was trained on; {}", config.display(), give()),
    }
}

/// The files of a model and of an adapter beside it. The adapter's tokenizer goes before its base's.
fn with_adapter(mut files: Files, adapter: &Path) -> Result<Files> {
    for file in [TOKENIZER, TOKENIZER_CONFIG, CHAT_TEMPLATE, ADAPTER_CONFIG, ADAPTER_WEIGHTS] {
        take(&mut files, adapter, file)?;
    }
    match [ADAPTER_CONFIG, ADAPTER_WEIGHTS].into_iter().find(|file| !files.contains_key(*file)) {
        None => Ok(files),
        Some(missing) => bail!("{} is no adapter: it has no {missing}", adapter.display()),
    }
}

/// What was read, by name.
static READ: Mutex<BTreeMap<String, Files>> = Mutex::new(BTreeMap::new());

/// The files of a model without an adapter. Those that several models share are in memory once.
fn read_base(name: &str) -> Result<Files> {
    let mut all = READ.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(files) = all.get(name) {
        return Ok(files.clone());
    }
    let files = read_files(name)?;
    all.insert(name.into(), files.clone());
    Ok(files)
}

/// As a new process would: nothing was read yet.
#[cfg(test)]
pub fn forget() {
    READ.lock().unwrap_or_else(PoisonError::into_inner).clear();
}

fn read_files(name: &str) -> Result<Files> {
    if name.starts_with(builtin::PREFIX) {
        let found = builtin::model(name).ok_or_else(|| anyhow!("there is no built-in model `{name}`; {CHOICES}"))?;
        return Ok(found?);
    }
    let found = place(name)?;
    let path = found.as_path();
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

/// A model in one file, under its own name; or in several, of which this is one, with those that lie beside it.
fn read_gguf(path: &Path) -> Result<Files> {
    let folder = path.parent().unwrap_or(Path::new(""));
    if let Some(parts) = path.file_name().and_then(|name| parts_of(&name.to_string_lossy())) {
        let mut files = Files::new();
        // Which of them are missing says whoever opens the model.
        parts.iter().try_for_each(|part| take(&mut files, folder, part))?;
        return Ok(files);
    }
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
    fn a_model_in_several_ggufs_is_opened_by_any_of_them() {
        let place = tempfile::tempdir().unwrap();
        for name in ["a-00001-of-00002.gguf", "a-00002-of-00002.gguf", "b-00001-of-00002.gguf"] {
            fs::write(place.path().join(name), "GGUF").unwrap();
        }
        for part in 1..=2 {
            let path = place.path().join(format!("a-0000{part}-of-00002.gguf"));
            let files = read_model(&path.display().to_string()).unwrap();
            assert_eq!(files.into_keys().collect::<Vec<_>>(), ["a-00001-of-00002.gguf", "a-00002-of-00002.gguf"]);
        }
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
