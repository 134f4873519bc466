//! The methods beside PPO and DPO, and the options of PPO, on models of test size: where each starts exactly, and that
//! it moves where it should.

use nudge_session::{Event, Files};
use serde_json::{Value, json};

use crate::support::{
    command, demonstrations, events_of, mean, model_of, offline_methods, online_methods, options_of, prompts, pull,
    rankings, refusal, reward_model, series, session_with, sft,
};

/// A command of a method that samples, with some options changed.
fn online(method: &str, k: usize, changes: Value) -> Value {
    let options = json!({
        "episodes": 96, "batch_size": 16, "k": k, "max_new_tokens": 24, "learning_rate": 5e-4, "num_mini_batches": 2,
        "kl_coef": 0.05, "adaptive_kl": null, "temperature": 1.0,
    });
    let mut options = options_of(method, options);
    tuned(method, &mut options, changes)
}

fn ppo(changes: Value) -> Value {
    let mut options = json!({
        "episodes": 48, "batch_size": 16, "max_new_tokens": 24, "learning_rate": 5e-4, "num_iterations": 2,
        "num_mini_batches": 2, "kl_coef": 0.05, "adaptive_kl": null, "temperature": 1.0,
    });
    tuned("ppo", &mut options, changes)
}

fn tuned(method: &str, options: &mut Value, changes: Value) -> Value {
    let changes = changes.as_object().expect("options are an object").clone();
    options.as_object_mut().expect("an object").extend(changes);
    json!({"command": "tune", "method": method, "options": options, "policy": "sft", "rewards": ["reward"],
        "prompts": prompts(32)})
}

fn run(command: Value) -> Vec<Event> {
    events_of(&session_with(&[("sft", sft()), ("reward", reward_model()), ("again", reward_model())]), command)
}

fn offline(method: &str, count: usize, options: Value) -> Value {
    let preferences = rankings(&session_with(&[("sft", sft())]), "shorter", count);
    json!({"command": "tune", "method": method, "options": options, "policy": "sft", "preferences": preferences})
}

/// Without what depends on the clock.
fn numbers(events: &[Event]) -> Vec<(String, f64)> {
    let metrics = events.iter().filter_map(|event| match event {
        Event::Progress { metrics, .. } => Some(metrics),
        _ => None,
    });
    let all = metrics.flatten().filter(|(name, _)| *name != "eps" && *name != "tokens_per_second");
    all.map(|(name, value)| (name.clone(), *value)).collect()
}

fn weights(files: &Files) -> Vec<f32> {
    let tensors = safetensors::SafeTensors::deserialize(&files["model.safetensors"]).expect("safetensors");
    let mut named: Vec<_> = tensors.tensors();
    named.sort_by(|a, b| a.0.cmp(&b.0));
    let bytes = named.iter().flat_map(|(_, tensor)| tensor.data().chunks(4));
    bytes.map(|bytes| f32::from_le_bytes(bytes.try_into().expect("f32"))).collect()
}

fn distance(one: &Files, other: &Files) -> f64 {
    let squares = weights(one).into_iter().zip(weights(other)).map(|(a, b)| f64::from(a - b).powi(2));
    squares.sum::<f64>().sqrt()
}

#[test]
fn the_first_ratio_of_every_step_is_exactly_one() {
    for (method, k) in online_methods() {
        for changes in [json!({"episodes": 48}), json!({"episodes": 48, "temperature": 0.7, "num_iterations": 2})] {
            let events = run(online(method, k, changes));
            assert_eq!(series(&events, "val/first_ratio"), [1.0; 3], "{method}");
            assert!(series(&events, "val/ratio").iter().any(|ratio| *ratio != 1.0), "{method}: nothing moved");
        }
    }
}

#[test]
fn learning_rate_zero_stays_on_the_reference() {
    for (method, k) in online_methods() {
        // At another temperature than 1 too: policy and reference must both be divided by it.
        for temperature in [1.0, 0.7] {
            let options = json!({"learning_rate": 0.0, "episodes": 48, "temperature": temperature});
            let events = run(online(method, k, options));
            assert_eq!(series(&events, "objective/kl"), [0.0; 3], "{method} at temperature {temperature}");
            assert!(distance(model_of(&events), sft()) == 0.0, "{method}: the weights moved");
        }
    }
    for estimator in ["k1", "k2", "k3", "full"] {
        let options = json!({"learning_rate": 0.0, "episodes": 48, "temperature": 0.7, "kl_placement": "loss",
            "kl_estimator": estimator});
        let kl = series(&run(online("grpo", 4, options)), "loss/kl_avg");
        assert!(kl.iter().all(|kl| kl.abs() < 1e-6), "{estimator}: {kl:?}");
    }
    for method in offline_methods() {
        let events = run(offline(method, 8, json!({"learning_rate": 0.0, "epochs": 1.0})));
        assert!(distance(model_of(&events), sft()) == 0.0, "{method}: the weights moved");
    }
}

#[test]
fn a_few_dozen_steps_raise_the_score_and_what_it_stands_for() {
    for (method, k) in online_methods() {
        let mut rises = [0.0; 2];
        // One run of this size may end in a dip: of five seeds a method, single rises of the score lay between 0.69 and
        // 1.83, and those of what it stands for between 0.43 and 7.84, one of fifteen below 1.4.
        for seed in [3, 4] {
            let options = json!({
                "episodes": 960, "gold_labeler": "shorter", "kl_coef": 0.02, "learning_rate": 1e-3, "seed": seed,
            });
            let events = run(online(method, k, options));
            for (rise, name) in rises.iter_mut().zip(["objective/scores", "objective/gold_score"]) {
                let values = series(&events, name);
                *rise += (mean(&values[values.len() - 8..]) - mean(&values[..8])) / 2.0;
            }
        }
        assert!(rises[0] > 0.5 && rises[1] > 0.6, "{method}: the scores rose by {rises:?}");
    }
}

#[test]
fn kl_in_the_loss_costs_no_reward_but_holds() {
    for estimator in ["k1", "k2", "k3", "full"] {
        let last_kl = |kl_coef: f64| {
            let options = json!({
                "episodes": 320, "learning_rate": 1e-3, "kl_placement": "loss", "kl_estimator": estimator,
                "kl_coef": kl_coef, "num_iterations": 1,
            });
            let events = run(online("grpo", 4, options));
            assert!(series(&events, "objective/non_score_reward").iter().all(|price| *price == 0.0));
            assert_eq!(series(&events, "loss/kl_avg").len(), 20);
            let kl = series(&events, "objective/kl");
            mean(&kl[kl.len() - 5..]).abs()
        };
        // k1 in the loss has a gradient of mean 0: it holds nothing, which is why nobody puts it there.
        if estimator != "k1" {
            let (free, held) = (last_kl(0.0), last_kl(3.0));
            assert!(held < 0.6 * free, "{estimator}: KL is {held} on the leash and {free} without");
        } else {
            last_kl(0.1);
        }
    }
}

#[test]
fn each_method_on_rankings_starts_where_its_formula_says() {
    let first = |events: &[Event], name: &str| series(events, name)[0];
    let events = run(offline("kto", 12, json!({"epochs": 1.0})));
    assert!((first(&events, "loss") - 0.5).abs() < 1e-6, "1 - sigmoid(0), good or bad");
    assert_eq!((first(&events, "kl"), first(&events, "rewards/margins")), (0.0, 0.0));
    let ln_2 = std::f64::consts::LN_2;
    for loss in [("hinge", 1.0), ("ipo", 25.0), ("robust", ln_2), ("sigmoid_norm", ln_2)] {
        // hinge: 1 - 0; IPO: (0 - 1 / (2 beta))² with beta 0.1; robust: ln 2 whatever the smoothing.
        let smoothing = if loss.0 == "robust" { 0.1 } else { 0.0 };
        let events = run(offline("dpo", 12, json!({"epochs": 1.0, "loss": loss.0, "label_smoothing": smoothing})));
        assert!((first(&events, "loss") - loss.1).abs() < 1e-4, "{loss:?}: {}", first(&events, "loss"));
    }
    let events = run(offline("dpo", 12, json!({"epochs": 1.0, "rpo_alpha": 0.5})));
    assert!((first(&events, "loss") - ln_2 - 0.5 * first(&events, "nll_loss")).abs() < 1e-5, "imitation beside DPO");
    assert!(first(&events, "nll_loss") > 0.1);
    let events = run(offline("orpo", 12, json!({"epochs": 1.0, "beta": 0.3})));
    for step in 0..series(&events, "loss").len() {
        let of = |name: &str| series(&events, name)[step];
        let expected = of("nll_loss") - 0.3 * of("log_odds_ratio");
        assert!((of("loss") - expected).abs() < 1e-5, "step {step}: {} is not {expected}", of("loss"));
    }
}

#[test]
fn labels_move_kto_to_what_is_wanted() {
    let labelled: Vec<Value> = rankings(&session_with(&[("sft", sft())]), "shorter", 48)
        .iter()
        .flat_map(|record| {
            let labelled = |place: usize, label: bool| {
                json!({"prompt": record.prompt, "completion": record.completions[place].text, "label": label})
            };
            let (best, worst) = (record.ranking[0][0], record.ranking[record.ranking.len() - 1][0]);
            [labelled(best, true), labelled(worst, false)]
        })
        .filter(|record| record["completion"] != "")
        .collect();
    let options = json!({"epochs": 8.0, "learning_rate": 5e-4, "held_out": 0.0, "beta": 0.3, "batch_size": 8});
    let tune = |method: &str, options: Value| json!({"command": "tune", "method": method, "options": options, "policy": "sft", "preferences": labelled});
    let events = run(tune("kto", options));
    let margins = series(&events, "rewards/margins");
    let (early, late) = (mean(&margins[..8]), mean(&margins[margins.len() - 8..]));
    assert!(late > early + 0.02, "margins went from {early} to {late}");
    let refused = refusal(&session_with(&[("sft", sft())]), tune("dpo", json!({})));
    assert!(refused.contains("nudge kto"), "{refused}");
}

#[test]
fn rankings_move_every_method_to_what_they_prefer() {
    for method in offline_methods() {
        let options = json!({"epochs": 8.0, "learning_rate": 5e-4, "held_out": 0.25, "beta": 0.3});
        let events = run(offline(method, 48, options));
        let margins = series(&events, "rewards/margins");
        let (early, late) = (mean(&margins[..8]), mean(&margins[margins.len() - 8..]));
        assert!(late > early + 0.02, "{method}: margins went from {early} to {late}");
        // The implicit rewards of ORPO and SimPO are means over tokens, which say nothing of length, the rule of this
        // labeler.
        let accuracy = *series(&events, "eval_rewards/accuracies").last().expect("it was measured");
        assert!(["orpo", "simpo"].contains(&method) || accuracy > 0.6, "{method}: {accuracy}");
    }
}

#[test]
fn an_ensemble_of_one_model_twice_is_that_model() {
    for rule in [json!("mean"), json!("min"), json!({"mean_minus_variance": 0.5})] {
        let one = online("rloo", 2, json!({"episodes": 32}));
        let mut two = online("rloo", 2, json!({"episodes": 32, "ensemble": rule}));
        two["rewards"] = json!(["reward", "again"]);
        assert_eq!(numbers(&run(one)), numbers(&run(two)), "{rule}");
    }
}

#[test]
fn members_of_an_ensemble_differ_but_are_measured_on_the_same_prompts() {
    let session = session_with(&[("sft", sft())]);
    let preferences = rankings(&session, "shorter", 16);
    let member = |member: usize| {
        let options = json!({"epochs": 1.0, "member": member, "held_out": 0.25});
        let train = json!({"command": "reward", "model": "sft", "preferences": preferences, "options": options});
        events_of(&session, train)
    };
    let (first, second) = (member(0), member(1));
    assert!(distance(model_of(&first), model_of(&second)) > 0.1);
    assert_eq!(series(&first, "eval_pairs"), series(&second, "eval_pairs"));
}

#[test]
fn demonstrations_score_zero_on_average() {
    let session = session_with(&[("sft", sft())]);
    let demonstrations = &demonstrations()[..12];
    for (loss, margin) in [("bradley_terry", 0.5), ("best_of_k", 0.0), ("plackett_luce", 0.0)] {
        let train = json!({"command": "reward", "model": "sft", "preferences": rankings(&session, "shorter", 12),
            "demonstrations": demonstrations, "options": {"epochs": 4.0, "loss": loss, "margin": margin}});
        let events = events_of(&session, train);
        let accuracy = series(&events, "accuracy");
        assert!(mean(&accuracy[accuracy.len() - 4..]) > 0.6, "{loss}: {accuracy:?}");
        let scorer = session_with(&[("reward", model_of(&events))]);
        let score = json!({"command": "score", "reward": "reward", "records": demonstrations});
        let scores: Vec<f64> = events_of(&scorer, score)
            .into_iter()
            .filter_map(|event| match event {
                Event::Scored { record } => record["scores"][0].as_f64(),
                _ => None,
            })
            .collect();
        assert_eq!(scores.len(), 12);
        assert!(mean(&scores).abs() < 1e-4, "{loss}: {scores:?}");
        assert!(scores.iter().any(|score| score.abs() > 1e-3), "{loss}: all scores are equal");
    }
}

#[test]
fn the_saved_average_lies_between_start_and_end() {
    let end = run(ppo(json!({})));
    let averaged = run(ppo(json!({"ema_decay": 0.9})));
    // The average is only saved: the run itself is the same.
    assert_eq!(numbers(&end), numbers(&averaged));
    let (end, average) = (model_of(&end), model_of(&averaged));
    let whole = distance(sft(), end);
    assert!(distance(sft(), average) < whole && distance(average, end) < whole);
    assert!(distance(sft(), average) > 0.0 && distance(average, end) > 0.0);
    let last = run(ppo(json!({"ema_decay": 0.0})));
    assert!(distance(model_of(&last), end) == 0.0, "an average without memory is the last policy");
}

#[test]
fn a_policy_that_moved_too_far_ends_the_passes() {
    let events = run(ppo(json!({"target_kl": 1e-6, "num_iterations": 3})));
    // The first update starts from a ratio of 1 and cannot be too far; the second is.
    assert_eq!(series(&events, "policy/stopped_epoch"), [1.0; 3]);
    let far = run(ppo(json!({"target_kl": 1e6})));
    assert!(series(&far, "policy/stopped_epoch").is_empty());
}

#[test]
fn pretraining_text_is_not_forgotten() {
    let stories = "A dog ran home. It was late.<|endoftext|>The sea was calm and blue.<|endoftext|>".repeat(20);
    let nats = |ptx_coef: f64| {
        let mut command = ppo(json!({
            "episodes": 320, "learning_rate": 1e-3, "ptx_batch_size": 4, "ptx_context": 24, "ptx_coef": ptx_coef,
        }));
        command["pretraining_texts"] = json!([stories]);
        let events = run(command);
        assert_eq!(series(&events, "loss/ptx_avg").is_empty(), ptx_coef == 0.0);
        let session = session_with(&[("tuned", model_of(&events))]);
        let eval = events_of(&session, json!({"command": "eval", "model": "tuned", "text": stories}));
        eval.iter().find_map(|event| match event {
            Event::Evaluated { evaluation } => Some(evaluation.nats_per_char),
            _ => None,
        })
    };
    let (without, with) = (nats(0.0).expect("measured"), nats(1.0).expect("measured"));
    assert!(with < 0.7 * without, "{with} nats per character with the text, {without} without");
}

#[test]
fn values_of_the_rollout_are_those_that_training_sees() {
    // With a value model that does not move, every new value is the old one, and none is clipped.
    let still = json!({"value_learning_rate": 0.0, "cliprange_value": 1e-6, "temperature": 0.7});
    let events = run(ppo(still));
    assert_eq!(series(&events, "val/clipfrac_avg"), [0.0; 3]);
    let moving = run(ppo(json!({"value_learning_rate": 1e-3, "cliprange_value": 1e-6})));
    assert!(series(&moving, "val/clipfrac_avg").iter().all(|clipped| *clipped > 0.0));
}

#[test]
fn a_head_of_zeros_predicts_nothing_at_first() {
    let events = run(ppo(json!({"value_init": "zero_head"})));
    // Values of 0 explain no variance of the returns around their mean, and less where the mean is not 0.
    assert!(series(&events, "val/var_explained")[0] <= 1e-6);
}

#[test]
fn best_of_more_completions_scores_more() {
    let command = json!({"command": "best_of", "policy": "sft", "rewards": ["reward"], "prompts": prompts(24),
        "options": {"n": 8, "batch_size": 64, "max_new_tokens": 24, "temperature": 1.0, "gold_labeler": "shorter"}});
    let events = run(command);
    let last = |name: String| *series(&events, &name).last().expect("it was measured");
    for what in ["score", "gold_score"] {
        let estimates = [1, 2, 4, 8].map(|n| last(format!("best_of_{n}/{what}")));
        assert!(estimates.is_sorted_by(|a, b| a < b), "{what}: {estimates:?}");
    }
    assert!((last("objective/kl".into()) - (8f64.ln() - 7.0 / 8.0)).abs() < 1e-9);
}

#[test]
fn a_run_that_diverged_goes_on_from_its_checkpoint_with_a_smaller_learning_rate() {
    let session = session_with(&[("sft", sft()), ("reward", reward_model())]);
    for (method, k) in online_methods() {
        let wild = online(method, k, json!({"learning_rate": 1e30, "warmup_ratio": 0.0}));
        let message = refusal(&session, wild.clone());
        assert!(message.contains("diverged at step") && message.contains("smaller learning rate"), "{message}");
        assert!(["objective/kl", "loss", "grad_norm"].iter().any(|name| message.contains(name)), "{message}");
        let mut started = session.start(command(wild.clone()), None).expect("it starts");
        let checkpoint = futures_lite::future::block_on(started.save()).expect("a checkpoint");
        let mut tame = wild;
        tame["options"]["learning_rate"] = json!(1e-4);
        let resumed = session.start(command(tame), Some(checkpoint)).expect("the checkpoint continues");
        assert!(matches!(pull(resumed).expect("it ends well").last(), Some(Event::Finished { .. })), "{method}");
    }
}

#[test]
fn a_model_is_no_distance_from_itself_and_answers_like_itself() {
    let session = session_with(&[("sft", sft()), ("reward", reward_model())]);
    let verdict = |changes: Value, best_of_reward: Option<&str>| {
        let mut options = json!({"temperature": 1.0, "max_new_tokens": 16, "pairs_per_prompt": 2});
        options.as_object_mut().expect("an object").extend(changes.as_object().expect("options").clone());
        let compare = json!({"command": "compare", "a": "sft", "b": "sft", "prompts": prompts(6),
            "judge": {"judge": "labeler", "name": "shorter"}, "best_of_reward": best_of_reward, "options": options});
        let verdict = events_of(&session, compare).into_iter().find_map(|event| match event {
            Event::Verdict { verdict } => Some(verdict),
            _ => None,
        });
        verdict.expect("a verdict")
    };
    let same = verdict(json!({}), None);
    assert_eq!((same.kl, same.ties), (Some(0.0), 12));
    let written = same.a.expect("completions are described");
    assert_eq!(Some(&written), same.b.as_ref());
    assert!((1.0..=16.0).contains(&written.mean_length) && (0.0..=1.0).contains(&written.eos_rate), "{written:?}");
    assert!(written.distinct_1 > 0.0 && written.distinct_1 < written.distinct_2, "{written:?}");
    let greedy = verdict(json!({"temperature": 0.0}), None);
    assert_eq!(greedy.kl, None, "the likeliest token has no distribution to compare");
    let chosen = verdict(json!({"best_of": 4}), Some("reward"));
    assert_eq!(chosen.kl, None);
    assert!(chosen.a != chosen.b, "nothing was chosen");
}
