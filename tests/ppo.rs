//! PPO on models of test size: what must hold exactly, and that it moves where the reward points.

use nudge_session::Event;
use serde_json::{Value, json};

use crate::support::{
    empty_session, events_of, mean, model_of, progress, prompts, reward_model, series, session_with, sft,
};

/// A PPO command with some options changed.
fn ppo(changes: Value) -> Value {
    let mut options = json!({
        "episodes": 96, "batch_size": 16, "max_new_tokens": 24, "learning_rate": 5e-4, "value_learning_rate": 1e-3,
        "num_iterations": 2, "num_mini_batches": 2, "kl_coef": 0.05, "adaptive_kl": null, "temperature": 1.0,
    });
    let changes = changes.as_object().expect("options are an object").clone();
    options.as_object_mut().expect("an object").extend(changes);
    json!({"command": "tune", "method": "ppo", "options": options, "policy": "sft", "rewards": ["reward"],
        "prompts": prompts(32)})
}

fn run(changes: Value) -> Vec<Event> {
    events_of(&session_with(&[("sft", sft()), ("reward", reward_model())]), ppo(changes))
}

/// Steps without what depends on the clock.
fn numbers(events: &[Event]) -> Vec<Vec<(String, f64)>> {
    let step = |metrics: &nudge_session::Metrics| {
        metrics.iter().filter(|(name, _)| *name != "eps").map(|(name, value)| (name.clone(), *value)).collect()
    };
    progress(events).into_iter().map(step).collect()
}

fn completions(events: &[Event]) -> Vec<&str> {
    let completions = events.iter().filter_map(|event| match event {
        Event::Completion { completion, .. } => Some(completion.as_str()),
        _ => None,
    });
    completions.collect()
}

#[test]
fn the_first_ratio_of_every_step_is_exactly_one() {
    // Minibatches of every size, one row included, at other temperatures too.
    for (num_mini_batches, temperature) in [(1, 1.0), (2, 0.7), (4, 1.0), (16, 1.3)] {
        let events = run(json!({
            "episodes": 48, "num_mini_batches": num_mini_batches, "num_iterations": 1, "temperature": temperature,
        }));
        let ratios = series(&events, "val/first_ratio");
        assert_eq!(ratios, [1.0; 3], "{num_mini_batches} minibatches at temperature {temperature}");
        let moved = series(&events, "val/ratio");
        assert!(
            num_mini_batches == 1 || moved.iter().any(|ratio| *ratio != 1.0),
            "no update moved the policy: {moved:?}"
        );
    }
}

#[test]
fn learning_rate_zero_stays_on_the_reference() {
    // Policy and reference are both divided by the temperature.
    let warm = run(json!({"learning_rate": 0.0, "temperature": 0.7}));
    assert_eq!(series(&warm, "objective/kl"), [0.0; 6]);
    let events = run(json!({"learning_rate": 0.0}));
    assert_eq!(series(&events, "objective/kl"), [0.0; 6]);
    assert_eq!(series(&events, "val/ratio"), [1.0; 6]);
    assert_eq!(series(&events, "policy/clipfrac_avg"), [0.0; 6]);
    assert!(model_of(&events)["model.safetensors"] == sft()["model.safetensors"], "the policy's weights moved");
    assert!(series(&events, "loss/value_avg")[0] > 0.0, "the value model learns all the same");
}

#[test]
fn a_seed_repeats_exactly_and_another_differs() {
    let first = run(json!({"episodes": 48, "seed": 7}));
    let again = run(json!({"episodes": 48, "seed": 7}));
    let other = run(json!({"episodes": 48, "seed": 8}));
    assert_eq!(numbers(&first), numbers(&again));
    assert_eq!(completions(&first), completions(&again));
    assert!(model_of(&first) == model_of(&again), "one seed gave two models");
    assert_ne!(completions(&first), completions(&other));
    assert_ne!(numbers(&first), numbers(&other));
}

#[test]
fn a_few_dozen_steps_raise_the_score_and_what_it_stands_for() {
    // Of eight seeds the scores rose by 1.5 to 2.0 and completions lost 6 to 8 words.
    let events = run(json!({"episodes": 960, "learning_rate": 1e-3, "gold_labeler": "shorter", "kl_coef": 0.02}));
    let scores = series(&events, "objective/scores");
    let (early, late) = (mean(&scores[..8]), mean(&scores[scores.len() - 8..]));
    // Scores have deviation 1 on the first rollout; a mean over 8 steps of 16 completions has a standard error of 0.09.
    assert!(late > early + 1.0, "scores went from {early} to {late}");
    let gold = series(&events, "objective/gold_score");
    let (early, late) = (mean(&gold[..8]), mean(&gold[gold.len() - 8..]));
    assert!(late > early + 3.0, "completions went from {} words to {}", -early, -late);
}

#[test]
fn a_larger_kl_coef_keeps_the_policy_nearer() {
    let last_kl = |kl_coef: f64| {
        let events = run(json!({"episodes": 480, "learning_rate": 2e-3, "kl_coef": kl_coef}));
        let kl = series(&events, "objective/kl");
        mean(&kl[kl.len() - 8..])
    };
    let (free, held) = (last_kl(0.0), last_kl(2.0));
    assert!(free > 0.5, "without a leash the policy stayed within {free} nats, so there was nothing to hold");
    assert!(held < 0.5 * free, "KL is {held} on the leash and {free} without");
}

#[test]
fn a_reward_model_of_another_tokenizer_is_refused() {
    let mut pretrain = crate::support::pretrain_command(1.0);
    pretrain["options"]["vocab_size"] = 300.into();
    let other = events_of(&empty_session(), pretrain);
    let session = session_with(&[("sft", model_of(&other)), ("reward", reward_model())]);
    let message = crate::support::refusal(&session, ppo(json!({})));
    assert!(message.contains("different tokenizers") && message.contains("`sft` and `reward`"), "{message}");
}
