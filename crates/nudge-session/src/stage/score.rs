//! Scoring: what a reward model says of given completions.

use crate::SessionError;
use crate::batch::scored::{CompletionBatch, encode_completion};
use crate::folder::Folder;
use crate::protocol::{Event, StageName};
use crate::readback::{finite, read};
use crate::snapshot::Snapshot;
use crate::stage::{Stage, Standing, StepState, Told};
use burn::tensor::Device;
use nudge_data::Prompt;
use nudge_model::{Frozen, ScalarModel};
use serde::Deserialize;
use serde_json::{Map, Value};

/// A scoring run.
pub struct Score {
    folder: Folder,
    model: Frozen<ScalarModel>,
    records: Vec<Map<String, Value>>,
    next: usize,
    device: Device,
}

impl Score {
    /// Checks that each record has completions.
    ///
    /// # Errors
    /// If one has none, or there is no record.
    pub fn new(folder: Folder, records: Vec<Map<String, Value>>, device: &Device) -> Result<Self, SessionError> {
        if records.is_empty() {
            return Err(SessionError::Nothing("there is no record to score".into()));
        }
        for (index, record) in records.iter().enumerate() {
            completions_of(index, record)?;
        }
        let model = folder.scalar(device)?.frozen();
        Ok(Self { folder, model, records, next: 0, device: device.clone() })
    }
}

impl Stage for Score {
    type State = StepState;

    const NAME: StageName = StageName::Score;

    fn standing(&self) -> Standing {
        Standing { step: self.next, total_steps: self.records.len(), parameters: self.folder.config.parameter_count() }
    }

    async fn advance(&mut self, told: &mut Told) -> Result<(), SessionError> {
        let mut record = self.records[self.next].clone();
        let (prompt, completions) = completions_of(self.next, &record)?;
        let encode = |completion: &String| Ok(encode_completion(&self.folder, &prompt, completion, 0)?.tokens);
        let rows = completions.iter().map(encode).collect::<Result<Vec<_>, SessionError>>();
        let rows = rows.map_err(|error| error.of_record(self.next + 1))?;
        let batch = CompletionBatch::new(&rows, &self.folder.tokenizer, &self.model.decoder, &self.device);
        record.insert("scores".into(), finite("a reward", read(batch.rewards(&self.model)).await?)?.into());
        self.next += 1;
        told.event(Event::Scored { record });
        Ok(())
    }

    fn state(&self) -> StepState {
        StepState { step: self.next }
    }

    fn restore(&mut self, state: StepState, _: &Snapshot) -> Result<(), SessionError> {
        self.next = state.step;
        Ok(())
    }
}

/// The prompt of a record and its completions: `completions` (texts or objects with `text`), `completion`, or
/// `chosen` and `rejected`.
fn completions_of(index: usize, record: &Map<String, Value>) -> Result<(Prompt, Vec<String>), SessionError> {
    let wrong = |reason: &str| SessionError::Record { index: index + 1, reason: reason.into() };
    let field = |name: &str| record.get(name).unwrap_or(&Value::Null);
    let prompt =
        Prompt::deserialize(field("prompt")).map_err(|_| wrong("it has neither a text nor messages in `prompt`"))?;
    let text = |value: &Value| value.as_str().or_else(|| value["text"].as_str()).map(str::to_string);
    let fields: Vec<&Value> = match field("completions") {
        Value::Array(completions) => completions.iter().collect(),
        _ if field("completion").is_string() => vec![field("completion")],
        _ => vec![field("chosen"), field("rejected")],
    };
    let completions: Option<Vec<String>> = fields.into_iter().map(text).collect();
    let completions = completions
        .ok_or_else(|| wrong("it has no completions: give `completions`, `completion`, or `chosen` and `rejected`"))?;
    if completions.is_empty() {
        return Err(wrong("`completions` is empty; there is nothing to score"));
    }
    Ok((prompt, completions))
}
