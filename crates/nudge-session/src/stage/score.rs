//! Scoring: what a reward model says of given answers. Also the place where an answer becomes a scored row.
//!
//! A row is prompt, answer, end token; its reward is the head's number at the last real token. Deliberately
//! absent: training.

use crate::SessionError;
use crate::folder::Folder;
use crate::platform::Stopwatch;
use crate::protocol::{Event, Files, Stage};
use crate::readback::read;
use crate::room::{LENGTH_STEP, longest_row};
use crate::snapshot::{Snapshot, SnapshotWriter};
use burn::tensor::{Device, Int, Tensor};
use nudge_data::{EncodedDemonstration, PaddedBatch, Prompt, Tokenizer, bucket, read_jsonl};
use nudge_model::{Frozen, ScalarModel, TokenBatch};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Answers as tensors, ready to be scored.
pub struct AnswerBatch {
    rows: TokenBatch,
    last: Tensor<1, Int>,
    /// Real tokens in it.
    pub tokens: usize,
}

impl AnswerBatch {
    /// Pads `rows` on the right.
    pub fn new(rows: &[Vec<u32>], tokenizer: &Tokenizer, model: &ScalarModel, device: &Device) -> Self {
        let longest = rows.iter().map(Vec::len).max().unwrap_or(1);
        let padded = PaddedBatch::right(rows, tokenizer.pad_id(), bucket(longest, LENGTH_STEP));
        let last: Vec<i32> = rows.iter().map(|row| row.len() as i32 - 1).collect();
        let config = &model.decoder.config;
        Self {
            rows: TokenBatch::new(&padded.tokens, &padded.mask, padded.batch, padded.time, config, device),
            last: Tensor::from_data(last.as_slice(), device),
            tokens: rows.iter().map(Vec::len).sum(),
        }
    }

    /// One reward an answer, `[batch]`.
    pub fn rewards(&self, model: &ScalarModel) -> Tensor<1> {
        model.score_at(&self.rows, self.last.clone())
    }
}

/// Prompt, answer and end token as `folder`'s model reads them.
pub fn encode_answer(folder: &Folder, prompt: &Prompt, answer: &str) -> Result<EncodedDemonstration, SessionError> {
    let encoded = folder.tokenizer.encode_demonstration(prompt, answer)?;
    let context = longest_row(folder.config.max_position_embeddings);
    if encoded.tokens.len() > context {
        return Err(SessionError::Nothing(format!(
            "the answer to `{}` and its prompt have {} tokens, more than the model's context of {context}. Shorten or remove it",
            prompt.to_string().chars().take(40).collect::<String>(),
            encoded.tokens.len()
        )));
    }
    Ok(encoded)
}

/// A scoring run.
pub struct Score {
    folder: Folder,
    model: Frozen<ScalarModel>,
    records: Vec<Value>,
    state: State,
    fingerprint: String,
    device: Device,
    clock: Stopwatch,
}

#[derive(Default, Serialize, Deserialize)]
struct State {
    next: usize,
}

impl Score {
    /// Reads the records and checks that each has answers.
    pub fn new(
        folder: Folder,
        records: &str,
        fingerprint: String,
        resume: Option<Files>,
        device: &Device,
    ) -> Result<Self, SessionError> {
        let records: Vec<Value> = read_jsonl("records", records)?;
        if records.is_empty() {
            return Err(SessionError::Nothing("there is no record to score".into()));
        }
        for (index, record) in records.iter().enumerate() {
            answers_of(index, record)?;
        }
        let state = match resume {
            Some(files) => Snapshot::<State>::open(files, &fingerprint)?.state,
            None => State::default(),
        };
        let model = folder.scalar(device)?.frozen();
        Ok(Self { folder, model, records, state, fingerprint, device: device.clone(), clock: Stopwatch::start() })
    }

    /// What the shell is told first.
    pub fn started(&self) -> Event {
        Event::Started {
            stage: Stage::Score,
            step: self.state.next,
            total_steps: self.records.len(),
            parameters: self.folder.config.parameter_count(),
        }
    }

    /// One record with its scores.
    pub async fn next(&mut self) -> Result<Option<Event>, SessionError> {
        let Some(record) = self.records.get(self.state.next) else {
            return Ok(None);
        };
        let (prompt, answers) = answers_of(self.state.next, record)?;
        let encode = |answer: &String| Ok(encode_answer(&self.folder, &prompt, answer)?.tokens);
        let rows = answers.iter().map(encode).collect::<Result<Vec<_>, SessionError>>()?;
        let batch = AnswerBatch::new(&rows, &self.folder.tokenizer, &self.model, &self.device);
        let scores = read(batch.rewards(&self.model)).await?;
        let mut record = record.clone();
        record["scores"] = serde_json::json!(scores);
        self.state.next += 1;
        Ok(Some(Event::Scored { record: record.to_string() }))
    }

    /// A checkpoint between two records.
    pub async fn save(&self) -> Result<Files, SessionError> {
        SnapshotWriter::default().finish(&self.fingerprint, &self.state).await
    }

    /// What the shell is told last.
    pub fn finished(&self) -> Event {
        Event::Finished { stage: Stage::Score, seconds: self.clock.seconds() }
    }
}

/// The prompt of a record and its answers: `completions` (texts or objects with `text`), `completion`, or
/// `chosen` and `rejected`.
fn answers_of(index: usize, record: &Value) -> Result<(Prompt, Vec<String>), SessionError> {
    let wrong = |reason: &str| SessionError::Prompt { index: index + 1, reason: reason.into() };
    let prompt = Prompt::deserialize(&record["prompt"])
        .map_err(|_| wrong("the record has neither a text nor messages in `prompt`"))?;
    let text = |value: &Value| value.as_str().or_else(|| value["text"].as_str()).map(str::to_string);
    let fields: Vec<&Value> = match &record["completions"] {
        Value::Array(completions) => completions.iter().collect(),
        _ if record["completion"].is_string() => vec![&record["completion"]],
        _ => vec![&record["chosen"], &record["rejected"]],
    };
    let answers: Option<Vec<String>> = fields.into_iter().map(text).collect();
    let answers = answers.ok_or_else(|| {
        wrong("the record has no answers: give `completions`, `completion`, or `chosen` and `rejected`")
    })?;
    if answers.is_empty() {
        return Err(wrong("`completions` is empty; there is nothing to score"));
    }
    Ok((prompt, answers))
}
