//! Instruction tuning with packed rows, padded rows and batches of similar length.

use nudge_session::Event;
use serde_json::{Value, json};

use crate::support::{base, demonstrations, events_of, progress, series, session_with};

fn sft(options: Value) -> Value {
    json!({"command": "sft", "model": "base", "demonstrations": demonstrations(), "options": options})
}

fn run(batching: &str) -> Vec<Event> {
    let options =
        json!({"epochs": 2.5, "batch_size": 12, "learning_rate": 2e-3, "held_out": 0.1, "batching": batching});
    events_of(&session_with(&[("base", base())]), sft(options))
}

#[test]
fn a_packed_sft_run_tells_the_story_of_a_padded_one() {
    let (packed, padded) = (run("packed"), run("padded"));
    assert!(series(&packed, "loss").len() > 15);
    for name in ["loss", "grad_norm", "learning_rate", "epoch", "eval_loss"] {
        let (packed, padded) = (series(&packed, name), series(&padded, name));
        assert_eq!(packed.len(), padded.len(), "{name}");
        for (step, (packed, padded)) in packed.iter().zip(&padded).enumerate() {
            let scale = padded.abs().max(1.0);
            assert!((packed - padded).abs() < 1e-3 * scale, "{name} at {step}: {packed} instead of {padded}");
        }
    }
    // The first step starts from the same weights.
    for name in ["loss", "grad_norm"] {
        assert!((series(&packed, name)[0] - series(&padded, name)[0]).abs() < 1e-5, "{name}");
    }
    assert_eq!(series(&packed, "eval_loss").len(), 3, "after each pass and at the end");
}

#[test]
fn an_sft_run_on_batches_of_similar_length_learns_too() {
    let (grouped, padded) = (run("length_grouped"), run("padded"));
    // 90 demonstrations are 8 batches of up to 12.
    let epochs: Vec<f64> = progress(&grouped).iter().map(|metrics| metrics["epoch"]).collect();
    assert_eq!(epochs, (1..=20).map(|step| f64::from(step) / 8.0).collect::<Vec<_>>());
    let last = |events: &[Event]| *series(events, "eval_loss").last().expect("it is measured at the end");
    let first = series(&grouped, "loss")[0];
    assert!(last(&grouped) < first - 0.2, "{} after {first}", last(&grouped));
    assert!((last(&grouped) / last(&padded) - 1.0).abs() < 0.1, "{} and {}", last(&grouped), last(&padded));
    assert_ne!(series(&grouped, "loss"), series(&padded, "loss"));
}

#[test]
fn the_held_out_loss_of_sft_weighs_tokens_whatever_the_batches() {
    let eval_loss = |batch_size: usize| {
        // Nothing is learnt, so that the model is the same in both runs.
        let options = json!({"epochs": 1.0, "batch_size": batch_size, "learning_rate": 0.0, "held_out": 0.3});
        let events = events_of(&session_with(&[("base", base())]), sft(options));
        *series(&events, "eval_loss").last().expect("it is measured at the end")
    };
    let (each, together) = (eval_loss(1), eval_loss(100));
    assert!((each - together).abs() < 1e-5, "{each} demonstration by demonstration, {together} in one batch");
}

#[test]
fn an_unknown_batching_of_sft_is_refused_with_the_known_ones() {
    let error = serde_json::from_value::<nudge_session::Command>(sft(json!({"batching": "stacked"}))).expect_err("x");
    let error = error.to_string();
    for known in ["packed", "padded", "length_grouped"] {
        assert!(error.contains(known), "{error}");
    }
}
