//! What the modules share: test-size models, sessions that hold them, runs pulled to their end.
//!
//! The models are trained here, in a second or two, on `data/demonstrations.jsonl`: no test needs a file that
//! somebody else made. Deliberately absent: mocks. Everything goes through [`Session`], as a shell does it.

use std::sync::OnceLock;

use burn::tensor::Device;
use futures_lite::future::block_on;
use nudge_data::{CandidatesRecord, DemonstrationRecord, Prompt, RankingRecord, read_jsonl};
use nudge_session::method::{LearnsFrom, Method, MethodInfo};
use nudge_session::{Command, Event, Files, Metrics, Run, Session, SessionError};
use serde_json::{Value, json};

/// A hundred prompts with completions of two sentences.
pub const DEMONSTRATIONS: &str = include_str!("data/demonstrations.jsonl");

/// The records of a JSONL text, as a shell reads them.
pub fn records(text: &str) -> Vec<Value> {
    read_jsonl("records", text).expect("every line is a record")
}

/// A command as a shell writes it.
pub fn command(value: Value) -> Command {
    serde_json::from_value(value).expect("a command")
}

/// The records of [`DEMONSTRATIONS`].
pub fn demonstrations() -> Vec<DemonstrationRecord> {
    read_jsonl("demonstrations", DEMONSTRATIONS).expect("the committed file is valid")
}

/// The first `count` prompts of the demonstrations.
pub fn prompts(count: usize) -> Vec<Prompt> {
    demonstrations().into_iter().take(count).map(|record| record.prompt).collect()
}

/// Pulls a run to its end.
pub fn pull(mut run: Run) -> Result<Vec<Event>, SessionError> {
    let mut events = Vec::new();
    while let Some(event) = block_on(run.next())? {
        events.push(event);
    }
    Ok(events)
}

/// Runs a command to its end.
pub fn events_of(session: &Session, value: Value) -> Vec<Event> {
    let run = session.start(command(value), None).expect("the command starts");
    pull(run).expect("the run ends well")
}

/// Why a command does not start or does not end.
pub fn refusal(session: &Session, value: Value) -> String {
    match session.start(command(value), None).and_then(pull) {
        Err(error) => error.to_string(),
        Ok(events) => panic!("nothing was refused: {events:?}"),
    }
}

/// The model among the events.
pub fn model_of(events: &[Event]) -> &Files {
    let files = events.iter().find_map(|event| match event {
        Event::Model { files, .. } => Some(files),
        _ => None,
    });
    files.expect("the run gave a model")
}

/// The metrics of every step.
pub fn progress(events: &[Event]) -> Vec<&Metrics> {
    let metrics = events.iter().filter_map(|event| match event {
        Event::Progress { metrics, .. } => Some(metrics),
        _ => None,
    });
    metrics.collect()
}

/// One metric of every step that has it.
pub fn series(events: &[Event], name: &str) -> Vec<f64> {
    progress(events).into_iter().filter_map(|metrics| metrics.get(name).copied()).collect()
}

/// The mean of some numbers.
pub fn mean(values: &[f64]) -> f64 {
    assert!(!values.is_empty(), "there is nothing to average");
    values.iter().sum::<f64>() / values.len() as f64
}

/// Pretraining of the test-size base model.
pub fn pretrain_command(epochs: f64) -> Value {
    let texts: Vec<String> = demonstrations().into_iter().map(|record| record.completion).collect();
    json!({"command": "pretrain", "texts": texts, "options": {
        "vocab_size": 400, "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2,
        "intermediate_size": 96, "max_position_embeddings": 128, "context": 48, "batch_size": 8, "epochs": epochs,
        "warmup_steps": 5, "learning_rate": 1e-2,
    }})
}

/// An empty session on the CPU.
pub fn empty_session() -> Session {
    Session::new(Device::flex())
}

/// The methods beside PPO that learn from their own completions, each with how many of a prompt the tests take.
pub fn online_methods() -> Vec<(&'static str, usize)> {
    let infos = Method::all().into_iter().map(|method| method.info());
    let others = infos.filter(|info| info.learns_from == LearnsFrom::Rewards && info.name != "ppo");
    let completions = |info: &MethodInfo| match info.options.iter().find(|option| option.name == "k") {
        Some(k) if k.default == 1 => 1,
        Some(_) => 4,
        None => 2,
    };
    others.map(|info| (info.name, completions(&info))).collect()
}

/// The methods that learn from given completions.
pub fn offline_methods() -> Vec<&'static str> {
    let infos = Method::all().into_iter().map(|method| method.info());
    infos.filter(|info| info.learns_from != LearnsFrom::Rewards).map(|info| info.name).collect()
}

/// Options with those taken out that `method` does not have.
pub fn options_of(method: &str, options: Value) -> Value {
    let method = Method::named(method).expect("a method");
    let options = options.as_object().expect("options are an object").clone();
    Value::Object(options.into_iter().filter(|(name, _)| method.has(name)).collect())
}

/// The base model.
pub fn base() -> &'static Files {
    static BASE: OnceLock<Files> = OnceLock::new();
    BASE.get_or_init(|| model_of(&events_of(&empty_session(), pretrain_command(20.0))).clone())
}

/// The base model after instruction tuning.
pub fn sft() -> &'static Files {
    static SFT: OnceLock<Files> = OnceLock::new();
    SFT.get_or_init(|| {
        let session = session_with(&[("base", base())]);
        // Padded: the thresholds of tests that build on this model were found on these very weights.
        let options = json!({"epochs": 10.0, "learning_rate": 5e-3, "held_out": 0.0, "batching": "padded"});
        let tune = json!({"command": "sft", "model": "base", "demonstrations": demonstrations(), "options": options});
        model_of(&events_of(&session, tune)).clone()
    })
}

/// A reward model on the tuned model, trained on what the labeler `shorter` says of sampled completions.
pub fn reward_model() -> &'static Files {
    static REWARD: OnceLock<Files> = OnceLock::new();
    REWARD.get_or_init(|| {
        let session = session_with(&[("sft", sft())]);
        let rankings = rankings(&session, "shorter", 24);
        let options = json!({"epochs": 6.0, "batch_size": 4, "learning_rate": 3e-3, "held_out": 0.0});
        let train = json!({"command": "reward", "model": "sft", "preferences": rankings, "options": options});
        model_of(&events_of(&session, train)).clone()
    })
}

/// Four completions by the model `sft` of each of `count` prompts, ranked by a simulated labeler.
pub fn rankings(session: &Session, labeler: &str, count: usize) -> Vec<RankingRecord> {
    let sample = json!({"command": "sample", "model": "sft", "prompts": prompts(count),
        "options": {"k": 4, "temperature": 1.0, "max_new_tokens": 32, "batch_size": 64}});
    let candidates = candidates(&events_of(session, sample));
    let rank = json!({"command": "rank", "candidates": candidates, "labeler": labeler});
    let records = events_of(session, rank).into_iter().filter_map(|event| match event {
        // One that ties everything prefers nothing.
        Event::Ranked { record } if record.ranking.len() > 1 => Some(record),
        _ => None,
    });
    records.collect()
}

/// The candidates among the events, as a shell stores them.
pub fn candidates(events: &[Event]) -> Vec<CandidatesRecord> {
    let records = events.iter().filter_map(|event| match event {
        Event::Candidates { id, prompt, completions, .. } => Some(CandidatesRecord {
            id: id.clone(),
            prompt: prompt.clone(),
            completions: completions.clone(),
            extra: Default::default(),
        }),
        _ => None,
    });
    records.collect()
}

/// A session that holds some models.
pub fn session_with(models: &[(&str, &Files)]) -> Session {
    let mut session = empty_session();
    for (name, files) in models {
        session.put_model(name, (*files).clone()).expect("the model is whole");
    }
    session
}
