//! A run that is saved, dropped and started again tells the same story and ends in the same bytes.

use futures_lite::future::block_on;
use nudge_session::{Command, Event, Files, Session};
use serde_json::{Value, json};

use crate::support::{
    DEMONSTRATIONS, base, candidates, command, demonstrations, empty_session, events_of, offline_methods,
    online_methods, options_of, pretrain_command, prompts, pull, rankings, reward_model, session_with, sft,
};

/// What depends on the clock, not on the run.
const CLOCK: [&str; 3] = ["eps", "pairs_per_second", "tokens_per_second"];

/// An event as its JSON without times, and its files.
fn timeless(event: &Event) -> (Value, Option<&Files>) {
    let mut value = serde_json::to_value(event).expect("an event is JSON");
    let fields = value.as_object_mut().expect("an event is an object");
    fields.remove("seconds");
    if let Some(metrics) = fields.get_mut("metrics").and_then(Value::as_object_mut) {
        metrics.retain(|name, _| !CLOCK.contains(&name.as_str()));
    }
    let files = match event {
        Event::Model { files, .. } => Some(files),
        _ => None,
    };
    (value, files)
}

/// Events that tell a run's result. A checkpoint taken after one tells it again: the shell may not have stored it.
fn is_result(event: &Event) -> bool {
    matches!(
        event,
        Event::Model { .. }
            | Event::Verdict { .. }
            | Event::Evaluated { .. }
            | Event::Calibrated { .. }
            | Event::Reviewed { .. }
            | Event::Finished { .. }
    )
}

/// Pulls `events` events and takes a checkpoint.
fn checkpoint(session: &Session, command: &Command, events: usize) -> Files {
    let mut run = session.start(command.clone(), None).expect("the command starts");
    for _ in 0..events {
        block_on(run.next()).expect("the run goes well").expect("the run is longer");
    }
    block_on(run.save()).expect("a checkpoint can be taken")
}

/// Cuts the run of `value` after every event and compares what follows with the unbroken run. `open` makes a new
/// session each time, so that nothing but the checkpoint survives the cut.
fn survives_every_cut(open: impl Fn() -> Session, value: Value) {
    let command = command(value);
    let unbroken = pull(open().start(command.clone(), None).expect("the command starts")).expect("it ends well");
    let result = unbroken.iter().position(is_result).expect("a run ends with a result");
    assert!(result >= 3, "a run of {result} events before its result has no middle to be cut in");
    for cut in 1..unbroken.len() {
        let files = checkpoint(&open(), &command, cut);
        let resumed = open().start(command.clone(), Some(files)).expect("the checkpoint continues");
        let resumed = pull(resumed).expect("it ends well");
        assert!(matches!(resumed[0], Event::Started { .. }), "a resumed run starts with {:?}", resumed[0]);
        let expected: Vec<_> = unbroken[cut.min(result)..].iter().map(timeless).collect();
        let found: Vec<_> = resumed[1..].iter().map(timeless).collect();
        for (place, (found, expected)) in found.iter().zip(&expected).enumerate() {
            assert_eq!(found.0, expected.0, "cut after event {cut}, event {place} after it");
            assert!(found.1 == expected.1, "cut after event {cut}: the saved models differ");
        }
        assert_eq!(found.len(), expected.len(), "cut after event {cut}");
    }
}

#[test]
fn pretraining() {
    survives_every_cut(empty_session, pretrain_command(1.0));
}

#[test]
fn pretraining_with_adamw() {
    let mut value = pretrain_command(1.0);
    value["options"]["optimizer"] = "adamw".into();
    survives_every_cut(empty_session, value);
}

#[test]
fn instruction_tuning() {
    let open = || session_with(&[("base", base())]);
    for batching in ["packed", "padded", "length_grouped"] {
        let options = json!({"epochs": 1.0, "held_out": 0.1, "batching": batching});
        survives_every_cut(
            open,
            json!({"command": "sft", "model": "base", "demonstrations": demonstrations(), "options": options}),
        );
    }
}

#[test]
fn a_run_that_keeps_its_best_pass_and_stops_by_itself() {
    let options = json!({"epochs": 6.0, "batch_size": 30, "learning_rate": 2e-2, "held_out": 0.4,
        "lr_decay": "constant", "early_stopping_patience": 2, "gradient_accumulation_steps": 2});
    survives_every_cut(
        || session_with(&[("base", base())]),
        json!({"command": "sft", "model": "base", "demonstrations": demonstrations(), "options": options}),
    );
}

#[test]
fn sampling() {
    let open = || session_with(&[("sft", sft())]);
    let options = json!({"k": 2, "batch_size": 6, "max_new_tokens": 20});
    survives_every_cut(open, json!({"command": "sample", "model": "sft", "prompts": prompts(8), "options": options}));
}

#[test]
fn sampling_with_growing_completions_repeats_the_growth_but_loses_none() {
    let session = session_with(&[("sft", sft())]);
    let value = json!({"command": "sample", "model": "sft", "prompts": prompts(4),
        "options": {"k": 2, "batch_size": 4, "max_new_tokens": 20, "stream": true}});
    let unbroken = events_of(&session, value.clone());
    for cut in (1..unbroken.len()).step_by(3) {
        let files = checkpoint(&session, &command(value.clone()), cut);
        let resumed = session.start(command(value.clone()), Some(files)).expect("the checkpoint continues");
        let resumed = pull(resumed).expect("it ends well");
        assert_eq!(
            [candidates(&unbroken[..cut]), candidates(&resumed)].concat(),
            candidates(&unbroken),
            "cut after event {cut}"
        );
    }
}

#[test]
fn ranking() {
    let session = session_with(&[("sft", sft())]);
    let sample = json!({"command": "sample", "model": "sft", "prompts": prompts(5),
        "options": {"k": 3, "max_new_tokens": 20}});
    let candidates = candidates(&events_of(&session, sample));
    survives_every_cut(empty_session, json!({"command": "rank", "candidates": candidates, "labeler": "no_repetition"}));
}

#[test]
fn reward_modelling() {
    let open = || session_with(&[("sft", sft())]);
    let preferences = rankings(&open(), "shorter", 12);
    survives_every_cut(
        open,
        json!({"command": "reward", "model": "sft", "preferences": preferences, "options": {"epochs": 2.0}}),
    );
}

#[test]
fn ppo_with_an_adaptive_leash() {
    let open = || session_with(&[("sft", sft()), ("reward", reward_model())]);
    survives_every_cut(
        open,
        json!({"command": "tune", "method": "ppo", "policy": "sft", "rewards": ["reward"], "prompts": prompts(5),
            "options": {
                "episodes": 18, "batch_size": 6, "max_new_tokens": 16, "gold_labeler": "shorter",
                "adaptive_kl": {"target": 2.0, "horizon": 100.0}, "num_iterations": 2, "num_mini_batches": 2,
            },
        }),
    );
}

#[test]
fn ppo_with_every_option_that_keeps_a_state() {
    let open = || session_with(&[("sft", sft()), ("reward", reward_model()), ("other", reward_model())]);
    survives_every_cut(
        open,
        json!({"command": "tune", "method": "ppo", "policy": "sft", "rewards": ["reward", "other"],
            "prompts": prompts(5), "pretraining_texts": [DEMONSTRATIONS], "options": {
                "episodes": 18, "batch_size": 6, "max_new_tokens": 16, "ensemble": "min",
                "ema_decay": 0.9, "ptx_coef": 0.5, "target_kl": 0.0001, "kl_placement": "loss", "kl_estimator": "full",
                "entropy_coef": 0.01, "lr_decay": "linear", "value_init": "zero_head", "num_iterations": 2,
                "num_mini_batches": 2, "ptx_batch_size": 2, "ptx_context": 16,
            },
        }),
    );
}

#[test]
fn methods_without_a_value_model() {
    let open = || session_with(&[("sft", sft()), ("reward", reward_model())]);
    for (method, k) in online_methods() {
        let options = json!({
            "episodes": 24, "batch_size": 8, "k": k, "max_new_tokens": 16, "num_mini_batches": 2,
            "adaptive_kl": {"target": 2.0, "horizon": 100.0},
        });
        survives_every_cut(
            open,
            json!({"command": "tune", "method": method, "policy": "sft", "rewards": ["reward"], "prompts": prompts(5),
                "options": options_of(method, options)}),
        );
    }
}

#[test]
fn methods_that_learn_from_rankings() {
    let open = || session_with(&[("sft", sft())]);
    let preferences = rankings(&open(), "shorter", 12);
    for method in offline_methods() {
        survives_every_cut(
            open,
            json!({"command": "tune", "method": method, "policy": "sft", "preferences": preferences,
                "options": {"epochs": 2.0}}),
        );
    }
}

#[test]
fn adapters() {
    let adapters = json!({"finetuning": "lora", "lora_r": 4});
    let with = |options: Value| {
        let mut options = options;
        options.as_object_mut().expect("an object").extend(adapters.as_object().expect("an object").clone());
        options
    };
    let open = || session_with(&[("sft", sft()), ("reward", reward_model())]);
    let preferences = rankings(&open(), "shorter", 8);
    let (sft_options, epochs) = (with(json!({"epochs": 1.0, "held_out": 0.1})), with(json!({"epochs": 2.0})));
    let ppo = with(json!({"episodes": 18, "batch_size": 6, "max_new_tokens": 16, "ema_decay": 0.9,
        "num_iterations": 2, "num_mini_batches": 2}));
    for command in [
        json!({"command": "sft", "model": "sft", "demonstrations": demonstrations(), "options": sft_options}),
        json!({"command": "reward", "model": "sft", "preferences": preferences, "options": epochs}),
        json!({"command": "tune", "method": "dpo", "policy": "sft", "preferences": preferences, "options": epochs}),
        json!({"command": "tune", "method": "ppo", "policy": "sft", "rewards": ["reward"], "prompts": prompts(5),
            "options": ppo}),
    ] {
        survives_every_cut(open, command);
    }
}

#[test]
fn best_of_n() {
    let open = || session_with(&[("sft", sft()), ("reward", reward_model()), ("other", reward_model())]);
    survives_every_cut(
        open,
        json!({"command": "best_of", "policy": "sft", "rewards": ["reward", "other"], "prompts": prompts(5), "options": {"n": 3, "batch_size": 6, "max_new_tokens": 16,
            "gold_labeler": "shorter"}}),
    );
}

#[test]
fn calibrating() {
    let open = || session_with(&[("sft", sft()), ("reward", reward_model())]);
    let preferences = rankings(&open(), "shorter", 8);
    survives_every_cut(open, json!({"command": "calibrate", "reward": "reward", "preferences": preferences}));
}

#[test]
fn comparing() {
    let open = || session_with(&[("base", base()), ("sft", sft())]);
    survives_every_cut(
        open,
        json!({"command": "compare", "a": "sft", "b": "base", "prompts": prompts(5),
            "judge": {"judge": "labeler", "name": "shorter"},
            "options": {"batch_size": 4, "max_new_tokens": 16, "pairs_per_prompt": 2}}),
    );
}

#[test]
fn scoring() {
    let open = || session_with(&[("reward", reward_model())]);
    let records = &demonstrations()[..6];
    survives_every_cut(open, json!({"command": "score", "reward": "reward", "records": records}));
}

#[test]
fn evaluating() {
    let open = || session_with(&[("base", base())]);
    let text = "A dog ran home. It was late.<|endoftext|>The sea was calm.<|endoftext|>".repeat(4)
        + &"The boy and the girl walked over the hill to the lake and sat down in the grass. ".repeat(12);
    survives_every_cut(open, json!({"command": "eval", "model": "base", "text": text, "options": {"batch_size": 3}}));
}

#[test]
fn a_checkpoint_of_another_command_is_refused_with_what_to_do() {
    let session = session_with(&[("base", base())]);
    let files = checkpoint(&session, &command(pretrain_command(1.0)), 2);
    let tune = json!({"command": "sft", "model": "base", "demonstrations": demonstrations()});
    for other in [pretrain_command(2.0), tune] {
        let error = session.start(command(other), Some(files.clone())).err().expect("is refused").to_string();
        for part in
            ["cannot be continued", "other options or data", "another model", "Repeat the options", "start anew"]
        {
            assert!(error.contains(part), "{error}");
        }
    }
}

#[test]
fn a_checkpoint_of_another_version_is_refused_by_its_version() {
    let session = empty_session();
    let whole = checkpoint(&session, &command(pretrain_command(1.0)), 2);
    let refused = |version: Option<u32>| {
        let mut files = whole.clone();
        let mut state: Value = serde_json::from_slice(&files["state.json"]).expect("the state is JSON");
        let fields = state.as_object_mut().expect("the state is an object");
        match version {
            Some(version) => drop(fields.insert("version".into(), version.into())),
            None => drop(fields.remove("version").expect("a version")),
        }
        files.insert("state.json".into(), serde_json::to_vec(&state).expect("plain JSON").into());
        session.start(command(pretrain_command(1.0)), Some(files)).err().expect("is refused").to_string()
    };
    for (version, found) in [(None, "of version 1"), (Some(999), "of version 999")] {
        let error = refused(version);
        assert!(error.contains("cannot be continued") && error.contains(found), "{error}");
        assert!(error.contains("start anew") && !error.contains("other options"), "{error}");
    }
}

#[test]
fn a_checkpoint_is_not_continued_from_another_model() {
    let value = json!({"command": "tune", "method": "ppo", "policy": "sft", "rewards": ["reward"], "prompts": prompts(2),
        "options": {"episodes": 8, "batch_size": 4, "max_new_tokens": 8}});
    let session = session_with(&[("sft", sft()), ("reward", reward_model())]);
    let files = checkpoint(&session, &command(value.clone()), 2);
    // The reference is the policy at the start: another one would move the leash without a word.
    let other = session_with(&[("sft", base()), ("reward", reward_model())]);
    let error = other.start(command(value), Some(files)).err().expect("is refused").to_string();
    assert!(error.contains("cannot be continued") && error.contains("model"), "{error}");
}

#[test]
fn a_damaged_checkpoint_is_refused() {
    let session = empty_session();
    let value = command(pretrain_command(1.0));
    let whole = checkpoint(&session, &value, 2);
    let refused = |damage: &dyn Fn(&mut Files)| {
        let mut files = whole.clone();
        damage(&mut files);
        session.start(value.clone(), Some(files)).err().expect("is refused").to_string()
    };
    let cut = |name: &'static str| {
        move |files: &mut Files| {
            let bytes = files.get_mut(name).expect("a checkpoint has this file");
            bytes.truncate(bytes.len() / 2);
        }
    };
    let error = refused(&cut("state.safetensors"));
    assert!(error.contains("checkpoint") && error.contains("truncated"), "{error}");
    let error = refused(&cut("state.json"));
    assert!(error.contains("cannot be continued") && error.contains("state.json"), "{error}");
    for name in ["state.json", "state.safetensors", "tokenizer.json"] {
        let error = refused(&|files| drop(files.remove(name)));
        assert!(error.contains(name) && error.contains("whole checkpoint"), "{error}");
    }
}
