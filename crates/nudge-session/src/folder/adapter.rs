//! Adapters as PEFT's files, beside the files of their base.

use super::Kind;
use crate::error::{SessionError, named};
use crate::folder::host_data;
use crate::protocol::Files;
use bytes::Bytes;
use nudge_data::Tokenizer;
use nudge_model::adapter::LoraPair;
use nudge_model::checkpoint::encode;
use nudge_model::peft::PeftConfig;
use nudge_model::scalar::SCORE;
use nudge_model::{Adapter, BaseModel, Decoder, ModelError, Parameters, Precision, Tensors};
use sha2::{Digest, Sha256};

/// What an adapter is like.
pub const ADAPTER_CONFIG: &str = "adapter_config.json";
/// Its weights.
pub const ADAPTER_WEIGHTS: &str = "adapter_model.safetensors";
/// PEFT's prefix of what stands beside the adapted matrices.
const BESIDE: &str = "base_model.model.";

/// An adapter's files, read and checked against each other.
#[derive(Debug, Clone)]
pub(crate) struct AdapterFiles {
    config: PeftConfig,
    /// Its weights.
    pub tensors: Tensors,
    /// Both files as they came.
    bytes: [Bytes; 2],
}

/// The numbers of one matrix's adapter.
pub(crate) struct LoraNumbers {
    /// Its rank.
    pub r: usize,
    /// `A`, `[r, in]`.
    pub a: Vec<f32>,
    /// `B`, `[out, r]`.
    pub b: Vec<f32>,
}

impl AdapterFiles {
    /// The adapter among the files of a model, if there is one.
    pub fn open(name: &str, files: &Files) -> Result<Option<Self>, SessionError> {
        let (Some(config), Some(weights)) = (files.get(ADAPTER_CONFIG), files.get(ADAPTER_WEIGHTS)) else {
            return match [ADAPTER_CONFIG, ADAPTER_WEIGHTS].into_iter().find(|file| files.contains_key(*file)) {
                None => Ok(None),
                Some(there) => {
                    let file = if there == ADAPTER_CONFIG { ADAPTER_WEIGHTS } else { ADAPTER_CONFIG };
                    Err(SessionError::MissingFile { folder: name.into(), file: file.into(), kind: "adapter" })
                }
            };
        };
        let bytes = [config.clone(), weights.clone()];
        let config = PeftConfig::from_json(config).map_err(named(name))?;
        let tensors = Tensors::from_safetensors(ADAPTER_WEIGHTS, weights.clone());
        let tensors = tensors.map_err(|error| named(name)(ModelError::from(error)))?;
        Ok(Some(Self { config, tensors, bytes }))
    }

    /// Both files as they came.
    pub fn files(&self) -> [(String, Bytes); 2] {
        let [config, weights] = self.bytes.clone();
        [(ADAPTER_CONFIG.into(), config), (ADAPTER_WEIGHTS.into(), weights)]
    }

    /// Name of the head in PEFT's file.
    pub fn score() -> String {
        format!("{BESIDE}{SCORE}")
    }

    /// Adds what the adapter does to a weight of the base, `[rows, columns]`.
    ///
    /// # Errors
    /// If its matrices are not of this weight's shape.
    pub fn merge(&self, weight: &str, [rows, columns]: [usize; 2], numbers: &mut [f32]) -> Result<(), ModelError> {
        let Some(LoraNumbers { r, a, b }) = self.pair(weight, [rows, columns])? else { return Ok(()) };
        let scale = self.config.scale(weight, r);
        for (row, b) in numbers.chunks_exact_mut(columns).zip(b.chunks_exact(r)) {
            for (factor, a) in b.iter().zip(a.chunks_exact(columns)) {
                row.iter_mut().zip(a).for_each(|(number, a)| *number += scale * factor * a);
            }
        }
        Ok(())
    }

    /// `A` and `B` of a weight, if it is adapted.
    pub fn pair(&self, weight: &str, [rows, columns]: [usize; 2]) -> Result<Option<LoraNumbers>, ModelError> {
        let (a, b) = LoraPair::names(weight);
        let Some((shape, _)) = self.tensors.layout(&a) else { return Ok(None) };
        let r = shape.first().copied().unwrap_or(0);
        self.tensors.expect(&a, [r, columns])?;
        self.tensors.expect(&b, [rows, r])?;
        let numbers = |name: &str| self.tensors.stored(name).map(|stored| stored.numbers());
        Ok(Some(LoraNumbers { r, a: numbers(&a)?, b: numbers(&b)? }))
    }

    /// `s` of a weight of rank `r`.
    pub fn scale(&self, weight: &str, r: usize) -> f32 {
        self.config.scale(weight, r)
    }

    /// Which base it was made for.
    pub fn base(&self) -> &BaseModel {
        &self.config.base
    }

    /// Refuses a base whose weights have another `sha256` than those that it was made for.
    ///
    /// # Errors
    /// Names both.
    pub fn check_base(&self, sha256: impl FnOnce() -> String) -> Result<(), ModelError> {
        let Some(expected) = &self.config.base.sha256 else { return Ok(()) };
        let (found, name) = (sha256(), self.config.base.name.clone());
        match *expected == found {
            true => Ok(()),
            false => Err(ModelError::OtherBase {
                base: name.unwrap_or_else(|| "another base".into()),
                expected: expected.clone(),
                found,
            }),
        }
    }

    /// `base` under the adapter; `sha256` is that of the base's weights.
    ///
    /// # Errors
    /// If it was made for another base.
    pub fn onto(&self, base: Decoder, sha256: impl FnOnce() -> String) -> Result<Decoder, ModelError> {
        self.check_base(sha256)?;
        let scale = |weight: &str, r| self.config.scale(weight, r);
        let adapter =
            Adapter::from_tensors(self.config.lora.clone(), scale, &self.tensors, base.base(), &base.device())?;
        Ok(base.with_adapter(adapter.for_base(self.config.base.clone())))
    }
}

/// The base that an adapter names, by its `adapter_config.json`.
///
/// # Errors
/// If that cannot be read.
pub fn adapter_base(config: &[u8]) -> Result<Option<String>, ModelError> {
    Ok(PeftConfig::from_json(config)?.base.name)
}

/// The files of an adapter that changes its base by `strength` times as much: 0 is the base, 1 the adapter as it is.
///
/// # Errors
/// If the files are no adapter's.
pub fn scaled_adapter(mut files: Files, strength: f32) -> Result<Files, SessionError> {
    let name = "the adapter";
    let config = files.get(ADAPTER_CONFIG).ok_or_else(|| SessionError::MissingFile {
        folder: name.into(),
        file: ADAPTER_CONFIG.into(),
        kind: "adapter",
    })?;
    let scaled = PeftConfig::scaled(config, strength).map_err(named(name))?;
    files.insert(ADAPTER_CONFIG.into(), scaled.into());
    Ok(files)
}

/// The base that `files` lack, if they are an adapter's alone.
///
/// # Errors
/// If its `adapter_config.json` cannot be read.
pub(crate) fn missing_base(name: &str, files: &Files) -> Result<Option<BaseModel>, SessionError> {
    match files.get(ADAPTER_CONFIG) {
        Some(config) if weights_of(files).is_empty() => {
            Ok(Some(PeftConfig::from_json(config).map_err(named(name))?.base))
        }
        _ => Ok(None),
    }
}

/// The files of `whole` under those of an adapter. The adapter's tokenizer goes before its base's.
pub(crate) fn on_base(whole: &Files, adapter: Files) -> Files {
    let mut files = whole.clone();
    files.extend(adapter);
    files
}

/// Whether the weights of a model are those that an adapter was made for. One that does not say fits its base's name.
pub(crate) fn is_base(base: &BaseModel, name: &str, files: &Files) -> bool {
    match &base.sha256 {
        Some(expected) => *expected == sha256(weights_of(files).iter()),
        None => base.name.as_deref() == Some(name),
    }
}

/// The files that a model's weights lie in, without those of an adapter.
pub(super) fn weights_of(files: &Files) -> Vec<Bytes> {
    let is_weights =
        |file: &str| file != ADAPTER_WEIGHTS && [".safetensors", ".gguf"].iter().any(|end| file.ends_with(end));
    files.iter().filter(|(file, _)| is_weights(file)).map(|(_, bytes)| bytes.clone()).collect()
}

/// SHA-256 of files, one after the other, in hex.
pub(super) fn sha256<'a>(files: impl Iterator<Item = &'a Bytes>) -> String {
    let mut hash = Sha256::new();
    files.for_each(|bytes| hash.update(bytes));
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// PEFT's files of a model with an adapter, and its tokenizer.
pub(super) async fn save(
    model: &impl Parameters,
    adapter: &Adapter,
    kind: Kind,
    tokenizer: &Tokenizer,
    precision: Precision,
) -> Result<Files, SessionError> {
    let in_peft = |name: String| if name == SCORE { AdapterFiles::score() } else { name };
    let parameters = model.parameters().into_iter().map(|(name, tensor)| (in_peft(name), tensor.clone())).collect();
    let data = host_data(parameters).await?;
    let mut files: Files = tokenizer.to_files()?.into_iter().map(|(name, bytes)| (name, bytes.into())).collect();
    let weights = encode(&data, precision).map_err(named("the adapter being saved"))?;
    files.insert(ADAPTER_WEIGHTS.into(), weights.into());
    let config = PeftConfig::new(adapter.config.clone(), adapter.base.clone());
    let targets = adapter.targets();
    let targets: Vec<&str> = targets.iter().map(String::as_str).collect();
    files.insert(ADAPTER_CONFIG.into(), config.to_json(&targets, kind == Kind::Reward).into());
    Ok(files)
}

/// Where the bias of a reward model is written: into an adapter's own file, where it is one.
pub(super) fn bias_file(files: &Files) -> &'static str {
    if files.contains_key(ADAPTER_CONFIG) { ADAPTER_CONFIG } else { super::CONFIG }
}

/// The base of a fresh adapter: its name, and the SHA-256 of its weights.
pub(super) fn base_model(name: &str, sha256: String) -> BaseModel {
    BaseModel { name: Some(name.into()), sha256: Some(sha256) }
}
