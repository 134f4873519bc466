//! The class `Nudge`: a session and at most one run.

use crate::{bench, data, device, files};
use js_sys::Error;
use nudge_data::{DataError, RankingRecord, comparisons_from, rankings_from, write_jsonl};
use nudge_rlhf::metrics;
use nudge_session::{Command, Event, Preference, Run, Session, SessionError, self_check};
use std::cell::RefCell;
use std::rc::Rc;
use wasm_bindgen::prelude::*;

/// One session on one device. Errors are thrown as `Error` with a message for people.
#[wasm_bindgen]
pub struct Nudge {
    device_name: String,
    session: Rc<RefCell<Session>>,
    run: Rc<RefCell<Option<Run>>>,
}

fn thrown(error: impl std::fmt::Display) -> Error {
    Error::new(&error.to_string())
}

fn json(value: &impl serde::Serialize) -> Result<String, Error> {
    serde_json::to_string(value).map_err(thrown)
}

#[wasm_bindgen]
impl Nudge {
    /// Opens `cpu` or `webgpu`.
    pub async fn create(device: String) -> Result<Nudge, Error> {
        console_error_panic_hook::set_once();
        let opened = device::open(&device).await?;
        Ok(Nudge {
            device_name: device,
            session: Rc::new(RefCell::new(Session::new(opened))),
            run: Rc::new(RefCell::new(None)),
        })
    }

    /// The device, for people.
    pub fn device_name(&self) -> String {
        device::describe(&self.device_name).into()
    }

    /// Whether this device computes what it should: all checks, or only the quick ones, which fit into a start. JSON
    /// `{ok, checks:[{name, ok, value, limit}]}`; a value that is no number is `null`.
    pub async fn self_check(&self, all: bool) -> Result<String, Error> {
        let device = self.session.borrow().device().clone();
        let cpu = device::open("cpu").await?;
        let report = if all { self_check::run(&device, &cpu).await } else { self_check::quick(&device, &cpu).await };
        json(&report.map_err(thrown)?)
    }

    /// Measures one phase of the bench, `{device, size, phase, repeats, warm_up, prompts}`; `counts` gives the
    /// `[launches, submits]` of the GPU so far. JSON of the rows.
    pub async fn bench(request: String, counts: js_sys::Function) -> Result<String, Error> {
        console_error_panic_hook::set_once();
        json(&bench::measure(&request, counts).await?)
    }

    /// Takes a model's files in. JSON of what it is.
    pub fn put_model(&self, name: String, files: JsValue) -> Result<String, Error> {
        json(&self.session.borrow_mut().put_model(&name, files::from_js(&files)?).map_err(thrown)?)
    }

    /// A model's files.
    pub fn model_files(&self, name: String) -> Result<JsValue, Error> {
        let session = self.session.borrow();
        let found = session.model_files(&name).ok_or_else(|| thrown(SessionError::UnknownModel(name)))?;
        files::to_js(found)
    }

    /// Starts a command, or goes on from a checkpoint of the same command. The run before it is dropped.
    pub fn start(&self, command: String, resume: Option<js_sys::Object>) -> Result<(), Error> {
        let command: Command = serde_json::from_str(&command).map_err(thrown)?;
        let resume = resume.map(|object| files::from_js(object.as_ref())).transpose()?;
        let run = self.session.borrow().start(command, resume).map_err(thrown)?;
        *self.run.borrow_mut() = Some(run);
        Ok(())
    }

    /// The next event as JSON, or `undefined` after the last. A finished model is put into the session.
    // The run is taken out while it works, so that a second call cannot disturb it.
    pub async fn next(&self) -> Result<Option<String>, Error> {
        let Some(mut run) = self.run.borrow_mut().take() else {
            return Ok(None);
        };
        let event = run.next().await.map_err(thrown)?;
        let Some(event) = event else {
            return Ok(None);
        };
        if let Event::Model { name, files } = &event {
            self.session.borrow_mut().put_model(name, files.clone()).map_err(thrown)?;
        }
        *self.run.borrow_mut() = Some(run);
        json(&event).map(Some)
    }

    /// A checkpoint of the run as it stands.
    pub async fn save(&self) -> Result<JsValue, Error> {
        let Some(mut run) = self.run.borrow_mut().take() else {
            return Err(Error::new("nothing is running; there is nothing to save"));
        };
        let files = run.save().await;
        *self.run.borrow_mut() = Some(run);
        files::to_js(&files.map_err(thrown)?)
    }

    /// Drops the run.
    pub fn cancel(&self) {
        self.run.borrow_mut().take();
    }

    /// JSON of all simulated labelers.
    pub fn labelers() -> Result<String, Error> {
        json(&Session::labelers())
    }

    /// JSON of what every logged number means, `[{name, meaning, healthy, act}]`.
    pub fn metrics() -> Result<String, Error> {
        json(&metrics::all())
    }

    /// Win rate and interval of a person's preferences, `["a","b","tie",...]`.
    pub fn verdict(preferences: String) -> Result<String, Error> {
        let preferences: Vec<Preference> = serde_json::from_str(&preferences).map_err(thrown)?;
        json(&Session::verdict(&preferences, "person", false))
    }

    /// Checks the rankings of a JSONL text called `name`. Throws for the first line that is no whole ranking.
    /// Gives JSON with one entry a ranking: `null`, or why nothing can be learnt from it.
    pub fn check_rankings(name: String, jsonl: String) -> Result<String, Error> {
        let records = rankings_from(&name, &jsonl).map_err(thrown)?;
        json(&records.iter().map(nothing_to_learn).collect::<Vec<_>>())
    }

    /// The rankings in a file of any format. Gives JSON `{format, jsonl, records, dropped, reason}`.
    pub fn read_rankings(name: String, bytes: Vec<u8>) -> Result<String, Error> {
        json(&data::rankings(&name, bytes).map_err(thrown)?)
    }

    /// The demonstrations in a file of any format that the model called `model` has room for; JSON as of the rankings.
    pub fn read_demonstrations(&self, name: String, bytes: Vec<u8>, model: String) -> Result<String, Error> {
        let room = self.session.borrow().room(&model).map_err(thrown)?;
        json(&data::demonstrations(&name, bytes, &room).map_err(thrown)?)
    }
}

/// Why the reward model would refuse a ranking that is whole: it prefers nothing, or tells equal answers apart.
fn nothing_to_learn(record: &RankingRecord) -> Option<String> {
    match comparisons_from("ranking", &write_jsonl(std::slice::from_ref(record))) {
        Ok(_) => None,
        // The advice after the cause is about lines of a file.
        Err(DataError::Line { reason, .. }) => reason.split("; ").next().map(str::to_string),
        Err(error) => Some(error.to_string()),
    }
}
