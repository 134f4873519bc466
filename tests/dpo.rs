//! DPO on models of test size: where it starts exactly, and that rankings move the policy to what they prefer.

use nudge_data::Rng;
use nudge_session::{Command, Event, Metrics};
use serde_json::{Value, json};

use crate::support::{events_of, mean, model_of, progress, prompts, rankings, refusal, series, session_with, sft};

/// Rankings of sampled completions by the labeler `shorter`, one record each.
fn shorter(count: usize) -> Vec<Value> {
    rankings(&session_with(&[("sft", sft())]), "shorter", count).iter().map(|record| json!(record)).collect()
}

fn dpo(records: &[Value], options: Value) -> Value {
    json!({"command": "tune", "method": "dpo", "options": options, "policy": "sft", "preferences": records})
}

fn run(records: &[Value], options: Value) -> Vec<Event> {
    events_of(&session_with(&[("sft", sft())]), dpo(records, options))
}

/// The completions of a record in another order, its ranking renumbered.
fn reordered(record: &Value, rng: &mut Rng) -> Value {
    let completions = record["completions"].as_array().expect("completions");
    let mut order: Vec<usize> = (0..completions.len()).collect();
    rng.shuffle(&mut order);
    let place_of = |old: &Value| order.iter().position(|place| Some(*place as u64) == old.as_u64());
    let groups = record["ranking"].as_array().expect("groups");
    let ranking: Vec<Vec<Option<usize>>> =
        groups.iter().map(|group| group.as_array().expect("a group").iter().rev().map(place_of).collect()).collect();
    let mut record = record.clone();
    record["completions"] = order.iter().map(|place| completions[*place].clone()).collect();
    record["ranking"] = json!(ranking);
    record
}

#[test]
fn the_first_loss_is_ln_2() {
    let ln_2 = std::f64::consts::LN_2;
    // Smoothed labels are as unsure of a pair that the policy is unsure of.
    for label_smoothing in [0.0, 0.2] {
        let events = run(&shorter(12), json!({"epochs": 1.0, "label_smoothing": label_smoothing}));
        let first = progress(&events)[0];
        assert!((first["loss"] - ln_2).abs() < 1e-5, "{first:?}");
        assert!(first["rewards/chosen"].abs() < 1e-5 && first["rewards/rejected"].abs() < 1e-5, "{first:?}");
        assert!(first["logps/chosen"] < 0.0 && first["logps/rejected"] < 0.0, "{first:?}");
        assert!(first["grad_norm"] > 0.0, "{first:?}");
        assert!((series(&events, "loss")[1] - ln_2).abs() > 1e-5, "nothing was learnt");
    }
}

#[test]
fn learning_rate_zero_stays_on_the_reference() {
    let events = run(&shorter(12), json!({"epochs": 2.0, "learning_rate": 0.0}));
    for metrics in progress(&events) {
        assert!((metrics["loss"] - std::f64::consts::LN_2).abs() < 1e-6, "{metrics:?}");
        for name in ["rewards/chosen", "rewards/rejected", "rewards/margins"] {
            assert_eq!(metrics[name], 0.0, "{name}");
        }
        assert!((metrics["rewards/accuracies"] - 0.5).abs() < 1e-6, "all pairs tie: {metrics:?}");
        assert!(metrics.get("eval_rewards/accuracies").is_none_or(|accuracy| *accuracy == 0.5), "{metrics:?}");
    }
    assert!(model_of(&events)["model.safetensors"] == sft()["model.safetensors"], "the policy's weights moved");
}

#[test]
fn what_is_preferred_becomes_likelier_and_is_written() {
    let records = shorter(64);
    let options = json!({"epochs": 4.0, "learning_rate": 1e-3, "held_out": 0.25});
    let events = run(&records, options);
    let margins = series(&events, "rewards/margins");
    let late = mean(&margins[margins.len() - 8..]);
    assert!(margins[0].abs() < 1e-5 && late > 0.5, "the margin went from {} to {late}", margins[0]);
    let loss = series(&events, "loss");
    assert!(mean(&loss[loss.len() - 8..]) < 0.6, "{loss:?}");
    let last = progress(&events).last().copied().cloned().expect("steps");
    assert!(last["eval_pairs"] >= 40.0 && last["eval_rewards/accuracies_low"] > 0.6, "not above chance: {last:?}");

    let session = session_with(&[("sft", sft()), ("policy", model_of(&events))]);
    let compare = json!({"command": "compare", "a": "policy", "b": "sft", "prompts": prompts(64),
        "judge": {"judge": "labeler", "name": "shorter"}, "options": {"temperature": 1.0, "max_new_tokens": 32}});
    let verdicts: Vec<_> = events_of(&session, compare)
        .into_iter()
        .filter_map(|event| match event {
            Event::Verdict { verdict } => Some(verdict),
            _ => None,
        })
        .collect();
    assert!(verdicts[0].low > 0.5, "the tuned model does not win: {:?}", verdicts[0]);
}

#[test]
fn a_larger_beta_keeps_the_policy_nearer() {
    // The implicit reward of the chosen completions, divided by beta, is their log-ratio to the reference.
    let records = shorter(24);
    let distance = |beta: f64| {
        let options = json!({"beta": beta, "epochs": 8.0, "learning_rate": 1e-3, "held_out": 0.0});
        let margins = series(&run(&records, options), "rewards/margins");
        mean(&margins[margins.len() - 12..]) / beta
    };
    let (free, held) = (distance(0.05), distance(1.0));
    assert!(
        held > 0.0 && held < 0.5 * free,
        "log-ratios are {held} nats apart on the leash and {free} with hardly any"
    );
}

#[test]
fn every_ranking_weighs_the_same() {
    // A ranking of three pairs beside one of a single pair: the step's numbers are the mean of those of each alone.
    let completions = |texts: &[&str]| texts.iter().map(|text| json!({"text": text})).collect::<Vec<_>>();
    let long = completions(&["A dog ran.", "The cat sat on the mat.", "Once there was a bird and it flew away."]);
    let records = [
        json!({"id": "a", "prompt": "Tell me a story.", "completions": long, "ranking": [[0], [1], [2]]}),
        json!({"id": "b", "prompt": "Say hello.", "completions": completions(&["Hello.", "No."]), "ranking": [[0], [1]]}),
    ];
    let numbers = |records: &[Value]| -> Metrics {
        let options = json!({"epochs": 1.0, "held_out": 0.0, "learning_rate": 0.0});
        progress(&run(records, options))[0].clone()
    };
    let (both, first, second) = (numbers(&records), numbers(&records[..1]), numbers(&records[1..]));
    for name in ["logps/chosen", "logps/rejected"] {
        let expected = (first[name] + second[name]) / 2.0;
        assert!((both[name] - expected).abs() < 1e-3, "{name} is {}, but the mean is {expected}", both[name]);
        assert!((first[name] - second[name]).abs() > 1e-2, "{name} cannot tell the two apart");
    }
}

#[test]
fn the_order_of_the_completions_in_a_record_does_not_matter() {
    let records = shorter(16);
    let mut rng = Rng::new(3);
    let other: Vec<Value> = records.iter().map(|record| reordered(record, &mut rng)).collect();
    assert_ne!(records, other);
    let options = json!({"epochs": 2.0, "held_out": 0.0});
    let (a, b) = (run(&records, options.clone()), run(&other, options));
    for (a, b) in progress(&a).iter().zip(progress(&b)) {
        for name in ["loss", "rewards/chosen", "rewards/rejected", "logps/chosen"] {
            let (a, b) = (a[name], b[name]);
            assert!((a - b).abs() < 1e-3, "{name}: {a} and {b}");
        }
    }
}

#[test]
fn what_makes_no_sense_is_refused() {
    let session = session_with(&[("sft", sft())]);
    let pair = json!({"prompt": "p", "chosen": "a", "rejected": "b"});
    for (options, parts) in [
        (json!({"beta": 0.0}), ["beta is 0", "more than 0"]),
        (json!({"label_smoothing": 0.5}), ["label_smoothing is 0.5", "less than 0.5"]),
        (json!({"batch_size": 0}), ["batch_size is 0", "1 or more"]),
        (json!({"learning_rate": -1.0}), ["learning_rate is -1", "0 or more"]),
        (json!({"epochs": 0.0}), ["epochs is 0", "more than 0"]),
        (json!({"held_out": 1.0}), ["held_out is 1", "less than 1"]),
    ] {
        let message = refusal(&session, dpo(std::slice::from_ref(&pair), options));
        assert!(parts.iter().all(|part| message.contains(part)), "{message}");
    }
    let none = refusal(&session, dpo(&[], json!({})));
    assert!(none.contains("no ranking or pair") && none.contains("`preferences`"), "{none}");
    let repeat = json!({"id": "r", "prompt": "p", "completions": [{"text": "a"}, {"text": "b"}],
        "ranking": [[0], [1]], "repeat_of": "q"});
    let none = refusal(&session, dpo(&[repeat], json!({})));
    assert!(none.contains("no comparison") && none.contains("rank some completions first"), "{none}");
    let wrong = serde_json::from_value::<Command>(dpo(&[pair.clone(), json!({"prompt": "p"})], json!({})));
    let wrong = wrong.expect_err("is refused").to_string();
    assert!(wrong.contains("neither a ranking"), "{wrong}");
    let tied = json!({"prompt": "p", "chosen": "a", "rejected": "a"});
    let wrong = refusal(&session, dpo(&[pair, tied], json!({})));
    assert!(wrong.contains("record 2") && wrong.contains("the same text"), "{wrong}");
    let long = json!({"prompt": "p", "chosen": "too long ".repeat(100), "rejected": "b"});
    let long = refusal(&session, dpo(&[long], json!({})));
    assert!(
        long.contains("record 1") && long.contains("completion of `p`") && long.contains("context of 128"),
        "{long}"
    );
}
