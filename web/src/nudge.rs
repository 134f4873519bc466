//! The class `Nudge`: a session and at most one run.

use crate::border::{from_js, to_js};
use crate::files::IncomingFiles;
use crate::thrown::Thrown;
use crate::{bench, data, device, export, files, prompts};
use js_sys::{Function, Object, Uint8Array};
use nudge_data::{DemonstrationRecord, PreferenceRecord, Prompt, RankingRecord};
use nudge_rlhf::metrics;
use nudge_session::export::unpacked;
use nudge_session::folder::scaled_adapter;
use nudge_session::frontier::Frontier;
use nudge_session::imitation::Imitation;
use nudge_session::options::{SftOptions, words_of};
use nudge_session::outlook::{Memory, Probe};
use nudge_session::platform;
use nudge_session::verdict::{Changes, Evidence, JudgedPair, RankingCount, verdict};
use nudge_session::workflow::{self, Division};
use nudge_session::{Command, Event, Method, Metrics, Run, Session, SessionError, Winner, self_check};
use serde_json::Value;
use std::cell::RefCell;
use std::rc::Rc;
use wasm_bindgen::prelude::*;

/// One session on one device. What is thrown is an `Error` with a message for people and a `kind`.
#[wasm_bindgen]
pub struct Nudge {
    device_name: String,
    session: Rc<RefCell<Session>>,
    run: Rc<RefCell<Option<Run>>>,
}

#[wasm_bindgen]
impl Nudge {
    /// Opens `cpu` or `webgpu`.
    pub async fn create(device: String) -> Result<Nudge, Thrown> {
        console_error_panic_hook::set_once();
        let opened = device::open(&device).await?;
        if let Some(gigabytes) = device::memory() {
            platform::set_device_memory(gigabytes);
        }
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

    /// Whether this device computes what it should: all checks, or only the quick ones, which fit into a start.
    /// `{ok, checks: [{name, ok, value, limit}]}`.
    pub async fn self_check(&self, all: bool) -> Result<JsValue, Thrown> {
        let device = self.session.borrow().device().clone();
        let cpu = device::open("cpu").await?;
        let report = if all { self_check::run(&device, &cpu).await } else { self_check::quick(&device, &cpu).await };
        to_js(&report?)
    }

    /// Measures one phase of the bench, `{device, size, phase, repeats, warm_up, prompts}`; `counts` gives the
    /// `[launches, submits]` of the GPU so far. Gives the rows.
    pub async fn bench(request: JsValue, counts: Function) -> Result<JsValue, Thrown> {
        console_error_panic_hook::set_once();
        to_js(&bench::measure(request, counts).await?)
    }

    /// Takes a model's files in, one that was `packed` for the way unpacked. Gives what it is.
    pub fn put_model(&self, name: String, files: JsValue, packed: bool) -> Result<JsValue, Thrown> {
        let files = files::from_js(&files)?;
        let files = if packed { unpacked(&name, &files)? } else { files };
        to_js(&self.session.borrow_mut().put_model(&name, files)?)
    }

    /// Takes a model in whose files came piece by piece. Gives what it is.
    pub fn put_incoming(&self, name: String, files: IncomingFiles) -> Result<JsValue, Thrown> {
        to_js(&self.session.borrow_mut().put_model(&name, files.into())?)
    }

    /// Takes in the adapter called `of` once more, under another name and at so much of its strength.
    pub fn put_scaled(&self, name: String, of: String, strength: f32) -> Result<(), Thrown> {
        let mut session = self.session.borrow_mut();
        let files = session.model_files(&of).ok_or(SessionError::UnknownModel(of))?.clone();
        session.put_model(&name, scaled_adapter(files, strength)?)?;
        Ok(())
    }

    /// Lets go of a model.
    pub fn forget(&self, name: String) {
        self.session.borrow_mut().forget_model(&name);
    }

    /// SHA-256 of a model's weights, without those of an adapter.
    pub fn sha256(&self, name: String) -> Result<String, Thrown> {
        Ok(self.session.borrow().open(&name)?.sha256())
    }

    /// A model as another program opens it: as `peft`, `gguf-adapter` or `gguf`. `base` is what its base is called there.
    pub fn export_model(&self, name: String, form: String, base: String) -> Result<JsValue, Thrown> {
        let folder = self.session.borrow().open(&name)?;
        files::to_js(&export::export(&folder, &form, &base)?)
    }

    /// A model's files, as they were put in.
    pub fn model_files(&self, name: String) -> Result<JsValue, Thrown> {
        let session = self.session.borrow();
        let found = session.model_files(&name).ok_or(SessionError::UnknownModel(name))?;
        files::to_js(found)
    }

    /// Starts a command, or goes on from a checkpoint of the same command. The run before it is dropped.
    pub fn start(&self, command: JsValue, resume: Option<Object>) -> Result<(), Thrown> {
        let resume = resume.map(|object| files::from_js(object.as_ref())).transpose()?;
        let run = self.session.borrow().start(from_js(command)?, resume)?;
        *self.run.borrow_mut() = Some(run);
        Ok(())
    }

    /// The next event, or `undefined` after the last. A finished model is put into the session.
    // The run is taken out while it works, so that a second call cannot disturb it.
    pub async fn next(&self) -> Result<JsValue, Thrown> {
        let Some(mut run) = self.run.borrow_mut().take() else {
            return Ok(JsValue::UNDEFINED);
        };
        let Some(event) = run.next().await? else {
            return Ok(JsValue::UNDEFINED);
        };
        if let Event::Model { name, files } = &event {
            self.session.borrow_mut().put_model(name, files.clone())?;
        }
        *self.run.borrow_mut() = Some(run);
        to_js(&event)
    }

    /// A checkpoint of the run as it stands.
    pub async fn save(&self) -> Result<JsValue, Thrown> {
        let Some(mut run) = self.run.borrow_mut().take() else {
            return Err(Thrown::mistake("nothing is running; there is nothing to save"));
        };
        let files = run.save().await;
        *self.run.borrow_mut() = Some(run);
        files::to_js(&files?)
    }

    /// Ends a completion that grows: that of a prompt of the run, both counted from 0. Between two events.
    pub fn stop_completion(&self, prompt: usize, completion: usize) {
        if let Some(run) = self.run.borrow_mut().as_mut() {
            run.stop(prompt, completion);
        }
    }

    /// Drops the run.
    pub fn cancel(&self) {
        self.run.borrow_mut().take();
    }

    /// What working with the model called `name` will take, with answers of so many tokens; asks the device for about a
    /// second. `{answering, training, answer, example, step, whole}`.
    pub async fn outlook(&self, name: String, answer: usize) -> Result<JsValue, Thrown> {
        let probe = Probe::new(&self.session.borrow(), &name, answer)?;
        to_js(&probe.outlook().await?)
    }

    /// About how many seconds the model called `name` takes to imitate so many demonstrations, where each takes `example`
    /// seconds of a step (`outlook`).
    pub fn imitation_time(
        &self,
        name: String,
        demonstrations: usize,
        options: JsValue,
        example: f64,
    ) -> Result<f64, Thrown> {
        let config = self.session.borrow().open(&name)?.config;
        let options: SftOptions = from_js(options)?;
        Ok(Imitation::of(demonstrations, &options, &config).seconds(example))
    }

    /// About how much memory a model takes whose files are so many bytes, `{answering, training}`.
    pub fn memory_needed(bytes: f64) -> Result<JsValue, Thrown> {
        to_js(&Memory::of_files(bytes))
    }

    /// The simulated labelers of stories, or all.
    pub fn labelers(all: bool) -> Result<JsValue, Thrown> {
        to_js(&if all { Session::all_labelers() } else { Session::labelers() })
    }

    /// All methods that tune, with their options.
    pub fn methods() -> Result<JsValue, Thrown> {
        to_js(&Session::methods())
    }

    /// The value that `words` stand for, such as `cosine:0.1`, as the option of a method.
    pub fn option_value(method: String, option: String, words: String) -> Result<JsValue, Thrown> {
        let method = Method::named(&method).ok_or_else(|| Thrown::mistake(format!("no method is `{method}`")))?;
        let options = method.info().options;
        let declared = options.iter().find(|declared| declared.name == option);
        let kind = &declared.ok_or_else(|| Thrown::mistake(format!("no option is `{option}`")))?.kind;
        to_js(&words_of(kind, &words).map_err(Thrown::option)?)
    }

    /// What every logged number means, `[{name, meaning, healthy, act}]`.
    pub fn metrics() -> Result<JsValue, Thrown> {
        to_js(&metrics::all())
    }

    /// Win rate and interval of a person's preferences, `["a", "b", "tie", ...]`. `usable` says of each pair whether they
    /// would use the completions, `[a, b]`, or `null`.
    pub fn verdict(preferences: JsValue, usable: JsValue) -> Result<JsValue, Thrown> {
        let preferences: Vec<Winner> = from_js(preferences)?;
        let usable: Vec<Option<(bool, bool)>> = from_js(usable)?;
        let usable: Vec<(bool, bool)> = usable.into_iter().flatten().collect();
        to_js(&Session::verdict(&preferences, "person", false).with_usable(&usable))
    }

    /// What the rules say of evidence: findings, the gravest first. `asked` is the command that trained, for its options
    /// with their defaults, or `null`; `preferences` is what was learnt from, if anything.
    pub fn findings(evidence: JsValue, asked: JsValue, preferences: JsValue) -> Result<JsValue, Thrown> {
        let mut evidence: Evidence = from_js(evidence)?;
        let asked: Option<Command> = from_js(asked)?;
        let asked = serde_json::to_value(asked).map_err(Thrown::mistake)?;
        if let Some(options) = asked.get("options").and_then(Value::as_object) {
            evidence.options = options.clone();
        }
        let preferences: Vec<PreferenceRecord> = from_js(preferences)?;
        if !preferences.is_empty() {
            evidence.rankings = Some(RankingCount::of(&preferences));
        }
        to_js(&verdict(&evidence))
    }

    /// What changed between two models' completions, `[{prompt, a, b}]`; `null` where there is none.
    pub fn changes(pairs: JsValue) -> Result<JsValue, Thrown> {
        let pairs: Vec<JudgedPair> = from_js(pairs)?;
        to_js(&Changes::of(&pairs))
    }

    /// What a run gained for the distance it covered, of what it logged.
    pub fn frontier(steps: JsValue) -> Result<JsValue, Thrown> {
        let steps: Vec<Metrics> = from_js(steps)?;
        to_js(&Frontier::of(&steps))
    }

    /// What models say of one text, word by word.
    pub async fn look(&self, look: JsValue) -> Result<JsValue, Thrown> {
        let looking = self.session.borrow().look(from_js(look)?)?;
        to_js(&looking.see().await?)
    }

    /// Reads the first of the rankings that were not read yet and says what those before it foretold.
    pub async fn foretell(&self, asked: JsValue) -> Result<JsValue, Thrown> {
        let foretelling = self.session.borrow().foretell(from_js(asked)?)?;
        to_js(&foretelling.told().await?)
    }

    /// Why nothing can be learnt from a ranking, or `undefined`. Throws for one that is not whole.
    pub fn check_ranking(record: JsValue) -> Result<Option<String>, Thrown> {
        let record: RankingRecord = from_js(record)?;
        record.validate()?;
        Ok(data::nothing_to_learn(&record))
    }

    /// Divides prompts, those with an example among what is learnt from; as [`workflow::Prompts`].
    pub fn divide_prompts(prompts: JsValue, examples: JsValue, seed: f64) -> Result<JsValue, Thrown> {
        let (prompts, examples): (Vec<Prompt>, Vec<DemonstrationRecord>) = (from_js(prompts)?, from_js(examples)?);
        let all = prompts.len();
        let seed = seed as u64;
        let division = Division { held_out: workflow::HELD_OUT, compared: all, shown: 0, ranked: all, seed };
        to_js(&workflow::divide(prompts, &examples, division)?)
    }

    /// What is to be known of examples before they are learnt; as [`workflow::ExampleNotes`].
    pub fn look_over_examples(examples: JsValue, held_out: JsValue) -> Result<JsValue, Thrown> {
        let (examples, held_out): (Vec<DemonstrationRecord>, Vec<Prompt>) = (from_js(examples)?, from_js(held_out)?);
        to_js(&workflow::look_over(&examples, &held_out))
    }

    /// Whether the last screens say that examples teach more than further rankings.
    pub fn wants_examples(rankings: JsValue) -> Result<bool, Thrown> {
        let rankings: Vec<RankingRecord> = from_js(rankings)?;
        Ok(workflow::wants_examples(&rankings))
    }

    /// The rankings in a file of any format, `{records, dropped, reason}`.
    pub fn read_rankings(name: String, bytes: &Uint8Array) -> Result<JsValue, Thrown> {
        to_js(&data::rankings(&name, bytes)?)
    }

    /// The demonstrations in a file of any format that the model called `model` has room for; as of the rankings.
    pub fn read_demonstrations(&self, name: String, bytes: &Uint8Array, model: String) -> Result<JsValue, Thrown> {
        let room = self.session.borrow().room(&model)?;
        to_js(&data::demonstrations(&name, bytes, &room)?)
    }

    /// The prompts in a file that the model called `model` has room for, beside `answer` tokens; `by` is a column or a way
    /// to cut a text, `task` is set behind each. `{text, choices, by, rows, prompts, dropped, reason}`.
    pub fn read_prompts(
        &self,
        name: String,
        bytes: &Uint8Array,
        by: Option<String>,
        task: String,
        model: String,
        answer: usize,
    ) -> Result<JsValue, Thrown> {
        let room = self.session.borrow().room(&model)?;
        to_js(&prompts::read(&name, bytes, by, &task, room, answer)?)
    }
}
