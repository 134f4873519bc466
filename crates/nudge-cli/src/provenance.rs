//! `run.json`: what made an output folder, and `FILE.run.json` what made a file, so that somebody else can tell, judge and
//! repeat it (`--config run.json`).
//!
//! It is written when a run begins and again when it ends. [`crate::model_card`] is made of it.

use crate::disk::write_atomic;
use crate::files::read_text;
use crate::model_files::read_model;
use crate::version;
use anyhow::{Context, Result};
use nudge_session::verdict::Finding;
use nudge_session::{Files, Metrics};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::thread::JoinHandle;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// The file's name in its folder.
pub const RUN: &str = "run.json";

/// Flags whose values are files of records or text.
const DATA: [&str; 9] = [
    "data",
    "comparisons",
    "examples",
    "prompts",
    "text",
    "stories",
    "demonstrations",
    "pretraining-text",
    "candidates",
];
/// Flags whose values are models.
const MODELS: [&str; 6] = ["model", "policy", "reward", "a", "b", "base"];

/// What was given on a command line: the command, and values by the names of their flags.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Given {
    /// The command.
    pub command: String,
    /// Flags without their hyphens, and what stands behind them.
    pub flags: BTreeMap<String, Vec<String>>,
}

/// Everything that `run.json` says.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct RunRecord {
    /// The command's name: `sft`, `reward`, `online-dpo`.
    pub command: String,
    /// The words it was started with.
    pub command_line: Vec<String>,
    /// What those words set beside the options: data, models, output.
    pub arguments: BTreeMap<String, Vec<String>>,
    /// Options, each `{"value", "from"}` with `from` one of `flag`, `file`, `preset`, `default`, `model`.
    pub options: Map<String, Value>,
    /// Files that were read.
    pub data: Vec<DataFile>,
    /// Models that were read.
    pub models: Vec<ModelFile>,
    /// `cpu`, `wgpu` or `cuda`.
    pub device: String,
    /// Who computed: version, commit and features of Nudge, operating system, cores.
    pub nudge: Value,
    /// When it began, in RFC 3339, UTC.
    pub started_at: String,
    /// When it ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub finished_at: Option<String>,
    /// Each time it was taken up again.
    pub resumes: Vec<Resume>,
    /// Steps, numbers of the last step, findings; nothing while it runs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub results: Option<Results>,
}

/// A file that was read.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct DataFile {
    /// The flag that named it.
    pub flag: String,
    /// Its path as it was given.
    pub path: String,
    /// Records that were used; nothing for plain text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub records: Option<usize>,
    /// Its size.
    pub bytes: u64,
    /// Its SHA-256 in hex.
    pub sha256: String,
}

/// A model that was read.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ModelFile {
    /// The flag that named it.
    pub flag: String,
    /// Its name as it was given.
    pub name: String,
    /// SHA-256 in hex of its weights, files by name, one after the other.
    pub sha256: String,
}

/// A run taken up again.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Resume {
    /// When.
    pub at: String,
    /// Steps that had been made.
    pub step: usize,
    /// Options with other values than before: `{"from", "to"}`.
    pub changed: Map<String, Value>,
}

/// What came out.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Results {
    /// Steps in all.
    pub steps: usize,
    /// The last value of each number.
    pub metrics: Metrics,
    /// What the rules say of it.
    pub findings: Vec<Finding>,
}

impl RunRecord {
    /// The record of a run that begins now. `records` counts those used of each path.
    pub fn begin(
        given: &Given,
        options: Map<String, Value>,
        device: &str,
        records: &BTreeMap<String, usize>,
    ) -> Result<Self> {
        let own: Vec<String> = options.keys().map(|name| name.replace('_', "-")).collect();
        let arguments: BTreeMap<String, Vec<String>> =
            given.flags.iter().filter(|(flag, _)| !own.contains(flag)).map(|(f, v)| (f.clone(), v.clone())).collect();
        let mut data = Vec::new();
        for (flag, paths) in given.flags.iter().filter(|(flag, _)| DATA.contains(&flag.as_str())) {
            for path in paths {
                data.push(data_file(flag, path, records.get(path).copied())?);
            }
        }
        let mut models = Vec::new();
        for (flag, names) in given.flags.iter().filter(|(flag, _)| MODELS.contains(&flag.as_str())) {
            for name in names {
                models.push(ModelFile { flag: flag.clone(), name: name.clone(), sha256: model_sha256(name)? });
            }
        }
        Ok(Self {
            command: given.command.clone(),
            command_line: std::env::args().collect(),
            arguments,
            options,
            data,
            models,
            device: device.into(),
            nudge: version::record(),
            started_at: now(),
            ..Self::default()
        })
    }

    /// The record in a folder, where there is one that can be read.
    pub fn read(folder: &Path) -> Option<Self> {
        serde_json::from_str(&read_text(&folder.join(RUN)).ok()?).ok()
    }

    /// The record beside a file, where there is one that can be read.
    pub fn read_beside(file: &Path) -> Option<Self> {
        serde_json::from_str(&read_text(&file.with_extension(RUN)).ok()?).ok()
    }

    /// Writes it into a folder.
    pub fn write(&self, folder: &Path) -> Result<()> {
        self.write_to(&folder.join(RUN))
    }

    /// Writes it beside a file that was made: `rankings.run.json` for `rankings.jsonl`.
    pub fn write_beside(&self, file: &Path) -> Result<()> {
        self.write_to(&file.with_extension(RUN))
    }

    fn write_to(&self, path: &Path) -> Result<()> {
        write_atomic(path, format!("{}\n", serde_json::to_string_pretty(self)?).as_bytes())
    }

    /// Fills in a learning rate that was left to the model: its peak in what the steps logged.
    pub fn settle_rate(&mut self, steps: &[Metrics]) {
        let logged = steps.iter().filter_map(|step| step.get("learning_rate").or_else(|| step.get("lr")));
        let (Some(rate), Some(peak)) = (self.options.get_mut("learning_rate"), logged.copied().reduce(f64::max)) else {
            return;
        };
        if rate["value"].is_null() {
            *rate = by_model(peak as f32);
        }
    }

    /// It is over.
    pub fn end(&mut self, results: Results) {
        self.finished_at = Some(now());
        self.results = Some(results);
    }

    /// The record of a run that goes on after `step` with what is given now.
    pub fn taken_up(self, given: Self, step: usize) -> Self {
        let resume = Resume { at: now(), step, changed: self.changed(&given) };
        let Self { started_at, command_line, mut resumes, .. } = self;
        resumes.push(resume);
        Self { started_at, command_line, resumes, ..given }
    }

    /// Options of `newer` with other values than here.
    pub fn changed(&self, newer: &Self) -> Map<String, Value> {
        let value = |record: &Self, name: &str| record.options.get(name).map(|option| option["value"].clone());
        let names = self.options.keys().chain(newer.options.keys().filter(|name| !self.options.contains_key(*name)));
        names
            .filter_map(|name| {
                let (from, to) = (value(self, name), value(newer, name));
                (from != to).then(|| (name.clone(), json!({ "from": from, "to": to })))
            })
            .collect()
    }

    /// The values of the options.
    pub fn values(&self) -> Map<String, Value> {
        self.options.iter().map(|(name, option)| (name.clone(), option["value"].clone())).collect()
    }

    /// Hashes of the models under a flag.
    pub fn models_of<'a>(&'a self, flag: &'a str) -> impl Iterator<Item = &'a str> {
        self.models.iter().filter(move |model| model.flag == flag).map(|model| model.sha256.as_str())
    }

    /// Hashes of the files under a flag.
    pub fn data_of<'a>(&'a self, flag: &'a str) -> impl Iterator<Item = &'a str> {
        self.data.iter().filter(move |file| file.flag == flag).map(|file| file.sha256.as_str())
    }
}

/// An option that the model decides, in the digits that a person would write.
pub fn by_model(value: f32) -> Value {
    let written: f64 = value.to_string().parse().unwrap_or_default();
    json!({ "value": written, "from": "model" })
}

/// Now, in RFC 3339, UTC, whole seconds.
pub fn now() -> String {
    let now = OffsetDateTime::now_utc().replace_nanosecond(0).unwrap_or(OffsetDateTime::UNIX_EPOCH);
    now.format(&Rfc3339).unwrap_or_default()
}

/// Hashes that threads are making, by the names of their models.
static BEGUN: Mutex<BTreeMap<String, JoinHandle<String>>> = Mutex::new(BTreeMap::new());

/// Begins the hash of a model that has been read, for whoever asks for it later ([`model_sha256`]).
pub fn begin_hash(name: &str, files: &Files) {
    let files = files.clone();
    let thread = std::thread::spawn(move || weights_sha256(&files));
    BEGUN.lock().unwrap_or_else(PoisonError::into_inner).insert(name.into(), thread);
}

/// SHA-256 in hex of a model's weights.
pub fn model_sha256(name: &str) -> Result<String> {
    let begun = BEGUN.lock().unwrap_or_else(PoisonError::into_inner).remove(name);
    match begun.and_then(|thread| thread.join().ok()) {
        Some(sha256) => Ok(sha256),
        None => Ok(weights_sha256(&read_model(name)?)),
    }
}

fn weights_sha256(files: &Files) -> String {
    let mut hash = Sha256::new();
    let weights = |file: &str| file.ends_with(".safetensors") || file.ends_with(".gguf");
    files.iter().filter(|(file, _)| weights(file)).for_each(|(_, bytes)| hash.update(bytes));
    hex(hash)
}

fn data_file(flag: &str, path: &str, records: Option<usize>) -> Result<DataFile> {
    let (bytes, sha256) = sha256_of(Path::new(path)).with_context(|| format!("cannot read {path}"))?;
    Ok(DataFile { flag: flag.into(), path: path.into(), records, bytes, sha256 })
}

/// Length and SHA-256 of a file.
pub fn sha256_of(path: &Path) -> io::Result<(u64, String)> {
    let (mut file, mut hash, mut length) = (File::open(path)?, Sha256::new(), 0);
    let mut part = vec![0; 1 << 16];
    loop {
        match file.read(&mut part)? {
            0 => return Ok((length, hex(hash))),
            read => {
                hash.update(&part[..read]);
                length += read as u64;
            }
        }
    }
}

/// SHA-256 in hex.
pub fn hash_of(bytes: &[u8]) -> String {
    let mut hash = Sha256::new();
    hash.update(bytes);
    hex(hash)
}

fn hex(hash: Sha256) -> String {
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_changed_is_named() {
        let record = |rate: f64| {
            let options = json!({ "learning_rate": { "value": rate, "from": "flag" }, "seed": { "value": 1, "from": "default" } });
            RunRecord { options: options.as_object().unwrap().clone(), ..RunRecord::default() }
        };
        let changed = record(0.5).changed(&record(0.25));
        assert_eq!(Value::Object(changed), json!({ "learning_rate": { "from": 0.5, "to": 0.25 } }));
        assert!(record(0.5).changed(&record(0.5)).is_empty());
    }

    #[test]
    fn a_rate_that_the_model_decides_is_recorded() {
        let options = json!({ "learning_rate": { "value": null, "from": "default" } }).as_object().unwrap().clone();
        let mut run = RunRecord { options, ..RunRecord::default() };
        run.settle_rate(&[]);
        assert_eq!(run.options["learning_rate"]["value"], Value::Null);
        let steps = [1e-5f32, 1e-4, 5e-5].map(|rate| Metrics::from([("lr".into(), f64::from(rate))]));
        run.settle_rate(&steps);
        assert_eq!(run.options["learning_rate"], json!({ "value": 0.0001, "from": "model" }));
        run.settle_rate(&[Metrics::from([("lr".into(), 1.0)])]);
        assert_eq!(run.options["learning_rate"]["value"], 0.0001);
    }

    #[test]
    fn a_file_has_its_known_hash() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("abc");
        std::fs::write(&path, "abc").unwrap();
        let (length, sha256) = sha256_of(&path).unwrap();
        assert_eq!((length, &sha256[..16]), (3, "ba7816bf8f01cfea"));
    }
}
