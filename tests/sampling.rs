//! Which tokens the options of sampling let through.

use nudge_session::Event;
use serde_json::{Value, json};

use crate::support::{events_of, prompts, session_with, sft};

/// Four completions of each of two prompts.
fn completions(mut options: Value) -> Vec<Vec<String>> {
    options["max_new_tokens"] = json!(12);
    let command = json!({"command": "sample", "model": "sft", "prompts": prompts(2), "options": options});
    let events = events_of(&session_with(&[("sft", sft())]), command);
    let texts = |event| match event {
        Event::Candidates { completions, .. } => Some(completions.into_iter().map(|one| one.text).collect()),
        _ => None,
    };
    events.into_iter().filter_map(texts).collect()
}

#[test]
fn the_smallest_nucleus_and_one_token_answer_as_temperature_0_does() {
    let greedy = completions(json!({"temperature": 0.0}));
    assert_eq!(greedy.len(), 2);
    assert_ne!(completions(json!({"temperature": 1.0})), greedy);
    assert_eq!(completions(json!({"temperature": 1.0, "top_p": 1e-6})), greedy);
    assert_eq!(completions(json!({"temperature": 1.0, "top_k": 1})), greedy);
}
