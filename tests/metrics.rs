//! Every number that a stage logs is explained, and nothing is explained that no stage logs.

use std::collections::BTreeSet;

use nudge_session::Event;
use serde_json::{Value, json};

use crate::support::{
    DEMONSTRATIONS, base, demonstrations, events_of, pretrain_command, prompts, rankings, reward_model, session_with,
    sft,
};

/// One run of every stage, with the options that log something more.
fn commands() -> Vec<Value> {
    let preferences = rankings(&session_with(&[("sft", sft())]), "shorter", 12);
    let online = |method: &str, options: Value| {
        let mut options = options;
        for (name, value) in [("episodes", json!(8)), ("batch_size", json!(4)), ("max_new_tokens", json!(8))] {
            options[name] = value;
        }
        json!({"command": "tune", "method": method, "options": options, "policy": "sft", "rewards": ["reward"],
            "prompts": prompts(4)})
    };
    let offline = |method: &str| json!({"command": "tune", "method": method, "options": {}, "policy": "sft", "preferences": preferences});
    let options = json!({
        "ptx_coef": 1.0, "kl_placement": "loss", "kl_estimator": "full", "target_kl": 1e-9, "num_mini_batches": 2,
        "gold_labeler": "shorter", "ptx_context": 8, "ptx_batch_size": 1,
    });
    let mut with_text = online("ppo", options);
    with_text["pretraining_texts"] = json!([DEMONSTRATIONS]);
    let sampled = json!({"k": 2, "max_new_tokens": 8});
    vec![
        pretrain_command(1.0),
        json!({"command": "sft", "model": "base", "demonstrations": demonstrations(), "options": {"epochs": 1.0}}),
        json!({"command": "sample", "model": "sft", "prompts": prompts(2), "options": sampled}),
        json!({"command": "reward", "model": "sft", "preferences": preferences, "options": {"held_out": 0.3}}),
        json!({"command": "calibrate", "reward": "reward", "preferences": preferences}),
        with_text,
        online("grpo", json!({"k": 2})),
        online("rloo", json!({"k": 2})),
        online("reinforce", json!({})),
        json!({"command": "best_of", "policy": "sft", "rewards": ["reward"], "prompts": prompts(2),
            "options": {"n": 2, "max_new_tokens": 8, "gold_labeler": "shorter"}}),
        offline("dpo"),
        offline("kto"),
        offline("orpo"),
        json!({"command": "compare", "a": "sft", "b": "base", "prompts": prompts(2),
            "judge": {"judge": "labeler", "name": "shorter"}, "options": {"max_new_tokens": 8}}),
        json!({"command": "eval", "model": "base", "text": "A dog ran.<|endoftext|>"}),
    ]
}

/// The names of all metrics that the stages log.
fn logged() -> BTreeSet<String> {
    let session = session_with(&[("base", base()), ("sft", sft()), ("reward", reward_model())]);
    let metrics =
        commands().into_iter().flat_map(|command| events_of(&session, command)).filter_map(|event| match event {
            Event::Progress { metrics, .. } => Some(metrics),
            _ => None,
        });
    metrics.flat_map(|metrics| metrics.into_keys()).collect()
}

#[test]
fn every_logged_number_is_explained_and_every_explained_number_is_logged() {
    let logged = logged();
    let unexplained: Vec<&String> = logged.iter().filter(|name| nudge_rlhf::metrics::find(name).is_none()).collect();
    assert!(unexplained.is_empty(), "metrics.md does not explain {unexplained:?}");
    // The shells add the time of a step.
    let explained: BTreeSet<&str> =
        logged.iter().filter_map(|name| nudge_rlhf::metrics::find(name)).map(|metric| metric.name).collect();
    let all = nudge_rlhf::metrics::all().into_iter().map(|metric| metric.name);
    let never: Vec<&str> = all.filter(|name| *name != "seconds" && !explained.contains(name)).collect();
    assert!(never.is_empty(), "no stage logs {never:?}");
}
