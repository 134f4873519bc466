//! Checkpoints: everything a stage needs to go on as if it had never stopped, as two files.
//!
//! `state.json` holds numbers, random-number states and what was not told yet, `state.safetensors` weights and moments
//! in f32.

use crate::error::{SessionError, named};
use crate::folder::host_data;
use crate::protocol::{Command, Event, Files};
use crate::trainer::Trainer;
use burn::tensor::{Device, Tensor};
use nudge_model::{Optimizer, Parameters, Precision, Tensors, checkpoint::encode};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::Value;
use std::collections::VecDeque;
use std::fmt::Display;

const STATE: &str = "state.json";
const TENSORS: &str = "state.safetensors";

/// What `state.json` and the files beside it hold. 1 was one shape a stage, 2 kept no best pass.
const VERSION: u32 = 3;

/// What every version has.
#[derive(Deserialize)]
struct Versioned {
    /// Absent in the first.
    #[serde(default = "first_version")]
    version: u32,
}

fn first_version() -> u32 {
    1
}

#[derive(Serialize, Deserialize)]
struct Envelope<Waiting> {
    version: u32,
    /// Fingerprint of the command that made it and of its models.
    command: String,
    /// Events that the steps so far left to tell.
    waiting: Waiting,
    state: Value,
}

/// FNV-1a over the command's JSON and the files of the models it names: enough to tell two runs apart, not meant
/// for secrets. Models count because a run goes on from more than its checkpoint: PPO's reference and reward model
/// are read again. Learning rates do not count: a run that diverged goes on from its last checkpoint with smaller ones.
pub fn fingerprint<'a>(command: &Command, models: impl Iterator<Item = &'a Files>) -> String {
    let mut json = serde_json::to_value(command).unwrap_or_default();
    if let Some(options) = json["options"].as_object_mut() {
        options.retain(|name, _| !name.ends_with("learning_rate"));
    }
    let json = serde_json::to_vec(&json).unwrap_or_default();
    let files = models.flatten().flat_map(|(name, bytes)| [name.as_bytes(), bytes]);
    let hash = [json.as_slice()].into_iter().chain(files).fold(0xcbf2_9ce4_8422_2325, fnv);
    format!("{hash:016x}")
}

/// FNV-1a by words of eight bytes, so that weights take milliseconds; the length keeps a short last word apart.
fn fnv(hash: u64, bytes: &[u8]) -> u64 {
    let mix = |hash: u64, word: u64| (hash ^ word).wrapping_mul(0x0000_0100_0000_01b3);
    let word = |chunk: &[u8]| chunk.iter().rev().fold(0, |word, byte| word << 8 | u64::from(*byte));
    mix(bytes.chunks(8).map(word).fold(hash, mix), bytes.len() as u64)
}

/// A checkpoint being written.
#[derive(Default)]
pub struct SnapshotWriter {
    tensors: Vec<(String, Tensor<2>)>,
    files: Files,
}

impl SnapshotWriter {
    /// Adds a trainer's weights and moments under `prefix`.
    pub fn trainer<M: Parameters>(self, prefix: &str, trainer: &Trainer<M>) -> Self {
        self.model(prefix, &trainer.model).optimizer(prefix, &trainer.optimizer, &trainer.model)
    }

    /// Adds weights under `prefix`.
    pub fn model(mut self, prefix: &str, model: &impl Parameters) -> Self {
        self.tensors
            .extend(model.parameters().into_iter().map(|(name, tensor)| (format!("{prefix}{name}"), tensor.clone())));
        self
    }

    fn optimizer(mut self, prefix: &str, optimizer: &Optimizer, model: &impl Parameters) -> Self {
        self.tensors
            .extend(optimizer.moments(model).into_iter().map(|(name, tensor)| (format!("{prefix}{name}"), tensor)));
        self
    }

    /// Adds a file as it is.
    pub fn file(mut self, name: &str, bytes: Vec<u8>) -> Self {
        self.files.insert(name.into(), bytes.into());
        self
    }

    /// Reads everything back and gives the files.
    ///
    /// # Errors
    /// If a device fails.
    pub async fn finish(
        self,
        fingerprint: &str,
        waiting: &VecDeque<Event>,
        state: Value,
    ) -> Result<Files, SessionError> {
        let mut files = self.files;
        let data = host_data(self.tensors).await?;
        files.insert(TENSORS.into(), encode(&data, Precision::F32).map_err(named("checkpoint"))?.into());
        let envelope = Envelope { version: VERSION, command: fingerprint.to_string(), waiting, state };
        let json = serde_json::to_vec_pretty(&envelope).map_err(|error| SessionError::Checkpoint(error.to_string()))?;
        files.insert(STATE.into(), json.into());
        Ok(files)
    }
}

/// A checkpoint being read.
pub struct Snapshot {
    /// Events that the steps so far left to tell.
    pub waiting: VecDeque<Event>,
    state: Value,
    tensors: Tensors,
    files: Files,
}

impl Snapshot {
    /// Reads a checkpoint and checks that the same command made it.
    ///
    /// # Errors
    /// If it is not whole, or another version or command made it.
    pub fn open(files: Files, fingerprint: &str) -> Result<Self, SessionError> {
        let unreadable = |error: serde_json::Error| SessionError::Checkpoint(format!("{STATE}: {error}"));
        let Versioned { version } = serde_json::from_slice(file_of(&files, STATE)?).map_err(unreadable)?;
        if version != VERSION {
            return Err(SessionError::CheckpointVersion { found: version, known: VERSION });
        }
        let envelope: Envelope<VecDeque<Event>> =
            serde_json::from_slice(file_of(&files, STATE)?).map_err(unreadable)?;
        if envelope.command != fingerprint {
            return Err(SessionError::Checkpoint(
                "it was made with other options or data, or from another model. Repeat the options it was started with, or start anew in another folder".into(),
            ));
        }
        let tensors = checkpoint_tensors(&files)?;
        Ok(Self { waiting: envelope.waiting, state: envelope.state, tensors, files })
    }

    /// Numbers of the stage.
    ///
    /// # Errors
    /// If they are those of another stage.
    pub fn state<S: DeserializeOwned>(&self) -> Result<S, SessionError> {
        let unreadable = |error: serde_json::Error| SessionError::Checkpoint(format!("{STATE}: {error}"));
        S::deserialize(&self.state).map_err(unreadable)
    }

    /// Takes back a trainer's weights and moments after `step` updates.
    pub fn trainer<M: Parameters>(
        &self,
        prefix: &str,
        trainer: &mut Trainer<M>,
        step: usize,
        device: &Device,
    ) -> Result<(), SessionError> {
        self.model(prefix, &mut trainer.model, device)?;
        let Trainer { model, optimizer, .. } = trainer;
        optimizer.restore(model, &self.tensors, prefix, step, device).map_err(broken)
    }

    /// Takes weights back.
    pub fn model(&self, prefix: &str, model: &mut impl Parameters, device: &Device) -> Result<(), SessionError> {
        let names: Vec<String> = model.parameters().into_iter().map(|(name, _)| name).collect();
        for (name, parameter) in names.iter().zip(model.parameters_mut()) {
            *parameter = self.tensors.matrix(&format!("{prefix}{name}"), parameter.dims(), device).map_err(broken)?;
        }
        Ok(())
    }

    /// A file that was added as it is.
    ///
    /// # Errors
    /// If there is none of that name.
    pub fn file(&self, name: &str) -> Result<&[u8], SessionError> {
        file_of(&self.files, name)
    }
}

fn checkpoint_tensors(files: &Files) -> Result<Tensors, SessionError> {
    file_of(files, TENSORS)?;
    let read = Tensors::from_safetensors(TENSORS, files[TENSORS].clone());
    read.map_err(broken)
}

fn file_of<'a>(files: &'a Files, name: &str) -> Result<&'a [u8], SessionError> {
    let missing = || SessionError::Checkpoint(format!("it has no {name}; is this a whole checkpoint?"));
    files.get(name).map(|bytes| &bytes[..]).ok_or_else(missing)
}

/// What is wrong with its numbers.
fn broken(error: impl Display) -> SessionError {
    SessionError::Checkpoint(error.to_string())
}
