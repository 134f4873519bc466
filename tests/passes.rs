//! Passes over records: several batches a step, the best pass, runs that stop by themselves, rows that are cut.

use nudge_session::{Event, Files};
use serde_json::{Value, json};

use crate::support::{
    base, demonstrations, events_of, model_of, progress, rankings, refusal, series, session_with, sft,
};

fn instruct(model: &Files, options: Value) -> Vec<Event> {
    let command = json!({"command": "sft", "model": "base", "demonstrations": demonstrations(), "options": options});
    events_of(&session_with(&[("base", model)]), command)
}

/// A run that has learnt by heart long before its end.
fn overfitted(options: Value) -> Vec<Event> {
    let mut all =
        json!({"epochs": 8.0, "batch_size": 8, "learning_rate": 1e-2, "held_out": 0.4, "lr_decay": "constant"});
    let given = options.as_object().expect("options").clone();
    all.as_object_mut().expect("options").extend(given);
    instruct(base(), all)
}

fn warnings(events: &[Event]) -> Vec<&str> {
    let told = events.iter().filter_map(|event| match event {
        Event::Warning { message } => Some(message.as_str()),
        _ => None,
    });
    told.collect()
}

/// The loss of a model on the demonstrations that these runs set aside.
fn eval_loss(model: &Files) -> f64 {
    let options = json!({"epochs": 0.1, "batch_size": 8, "learning_rate": 0.0, "held_out": 0.4});
    *series(&instruct(model, options), "eval_loss").last().expect("it is measured at the end")
}

#[test]
fn batches_whose_gradients_are_averaged_are_one_batch() {
    let run = |batch_size: usize, steps: usize| {
        let options = json!({"epochs": 2.0, "batch_size": batch_size, "gradient_accumulation_steps": steps,
            "learning_rate": 2e-3, "held_out": 0.1});
        instruct(base(), options)
    };
    let (whole, pieces) = (run(12, 1), run(4, 3));
    for name in ["loss", "grad_norm", "epoch", "eval_loss"] {
        let (whole, pieces) = (series(&whole, name), series(&pieces, name));
        assert_eq!(whole.len(), pieces.len(), "{name}");
        for (whole, pieces) in whole.iter().zip(&pieces) {
            assert!((whole - pieces).abs() < 1e-3 * whole.abs().max(1.0), "{name}: {pieces} instead of {whole}");
        }
    }
}

#[test]
fn the_weights_of_the_best_pass_are_kept() {
    let events = overfitted(json!({"load_best_model_at_end": true}));
    let losses = series(&events, "eval_loss");
    let (least, last) = (losses.iter().copied().fold(f64::INFINITY, f64::min), losses[losses.len() - 1]);
    assert!(last > least + 0.05, "nothing was learnt by heart: {losses:?}");
    let kept = eval_loss(model_of(&events));
    assert!((kept - least).abs() < 1e-4, "{kept} was kept of {losses:?}");
    assert!(warnings(&events)[0].starts_with("kept the weights of pass"), "{:?}", warnings(&events));
    let events = overfitted(json!({}));
    assert!((eval_loss(model_of(&events)) - last).abs() < 1e-4, "imitation keeps the last weights");
    assert!(warnings(&events).is_empty());
}

#[test]
fn a_run_stops_when_passes_do_not_help() {
    let all = overfitted(json!({}));
    let events = overfitted(json!({"early_stopping_patience": 1}));
    let (all, stopped) = (series(&all, "eval_loss"), series(&events, "eval_loss"));
    let first_worse = all.windows(2).position(|pair| pair[1] >= pair[0]).expect("a pass that did not help");
    assert_eq!(stopped, all[..first_worse + 2], "it stops with the first pass that does not help");
    assert!(warnings(&events)[0].starts_with("stopped early"), "{:?}", warnings(&events));
    assert!(matches!(events.last(), Some(Event::Finished { .. })));
}

#[test]
fn a_method_stops_when_it_knows_the_pairs_by_heart() {
    let session = session_with(&[("sft", sft())]);
    let preferences = rankings(&session, "shorter", 6);
    let run = |stop_margin: Value| {
        let options = json!({"epochs": 6.0, "learning_rate": 2e-3, "held_out": 0.0, "stop_margin": stop_margin});
        let command = json!({"command": "tune", "method": "dpo", "policy": "sft", "preferences": preferences,
            "options": options});
        events_of(&session, command)
    };
    let (all, stopped) = (run(Value::Null), run(json!(0.05)));
    assert!(progress(&stopped).len() < progress(&all).len(), "it did not stop");
    assert_eq!(progress(&stopped).len() % 3, 0, "six rankings are three steps: it stops behind a pass");
    assert!(warnings(&stopped)[0].contains("known by heart"), "{:?}", warnings(&stopped));
}

#[test]
fn rows_are_cut_where_they_are_asked_to_be() {
    let session = session_with(&[("sft", sft())]);
    let long = "a long story ".repeat(60);
    let command = |max_length: usize| {
        json!({"command": "sft", "model": "sft", "demonstrations": [{"prompt": "Tell me a story.", "completion": long}],
            "options": {"epochs": 1.0, "max_length": max_length}})
    };
    assert!(refusal(&session, command(0)).contains("more than the model's context"));
    let events = events_of(&session, command(64));
    assert!(matches!(events.last(), Some(Event::Finished { .. })));
    let message = refusal(&session, command(4));
    assert!(message.contains("record 1") && message.contains("its prompt alone fills the 4 tokens"), "{message}");
}
