//! Adapters through the stages: where a run starts exactly, what it leaves, and that this goes on where it stopped.

use futures_lite::future::block_on;
use nudge_model::Precision;
use nudge_session::folder::{Folder, scaled_adapter};
use nudge_session::outlook::Probe;
use nudge_session::{Event, Files, Session, export};
use serde_json::{Value, json};

use crate::support::{
    demonstrations, events_of, model_of, offline_methods, online_methods, options_of, progress, prompts, rankings,
    refusal, series, session_with, sft,
};

const CONFIG: &str = "adapter_config.json";
const WEIGHTS: &str = "adapter_model.safetensors";

fn lora(options: Value) -> Value {
    let mut options = options;
    let given = options.as_object_mut().expect("options are an object");
    given.extend(json!({"finetuning": "lora", "lora_r": 4, "lora_alpha": 8.0}).as_object().expect("an object").clone());
    options
}

/// An adapter on `sft`, as a run leaves it.
pub fn trained(session: &Session) -> Files {
    model_of(&events_of(session, reward_command())).clone()
}

/// The base with what was trained beside it.
fn with_adapter(adapter: &Files) -> Files {
    let mut files = sft().clone();
    files.extend(adapter.clone());
    files
}

fn reward_command() -> Value {
    let preferences = rankings(&session_with(&[("sft", sft())]), "shorter", 16);
    let options = lora(json!({"epochs": 4.0, "batch_size": 4, "learning_rate": 5e-3, "held_out": 0.0}));
    json!({"command": "reward", "model": "sft", "preferences": preferences, "options": options})
}

/// A session with the base and a reward model that is an adapter on it.
fn session() -> Session {
    let reward = trained(&session_with(&[("sft", sft())]));
    session_with(&[("sft", sft()), ("reward", &with_adapter(&reward))])
}

fn offline(method: &str, options: Value) -> Value {
    let preferences = rankings(&session_with(&[("sft", sft())]), "shorter", 8);
    json!({"command": "tune", "method": method, "policy": "sft", "preferences": preferences, "options": lora(options)})
}

fn completions(session: &Session, model: &str) -> Vec<String> {
    let command = json!({"command": "sample", "model": model, "prompts": prompts(4),
        "options": {"k": 1, "temperature": 0.0, "max_new_tokens": 16}});
    let texts = events_of(session, command).into_iter().filter_map(|event| match event {
        Event::Candidates { completions, .. } => Some(completions[0].text.clone()),
        _ => None,
    });
    texts.collect()
}

#[test]
fn the_reference_is_the_base_without_the_adapter() {
    let session = session();
    let first = |events: &[Event], name: &str| progress(events)[0][name];
    let events = events_of(&session, offline("dpo", json!({"epochs": 1.0, "held_out": 0.0})));
    assert!((first(&events, "loss") - std::f64::consts::LN_2).abs() < 1e-6, "the first loss of DPO is ln 2");
    for (method, k) in online_methods() {
        let options = json!({"episodes": 48, "batch_size": 16, "k": k, "max_new_tokens": 16, "learning_rate": 1e-3,
            "num_mini_batches": 2, "adaptive_kl": null});
        let options = lora(options_of(method, options));
        let events = events_of(
            &session,
            json!({"command": "tune", "method": method, "policy": "sft", "rewards": ["reward"],
                "prompts": prompts(16), "options": options}),
        );
        let ratios = series(&events, "val/first_ratio");
        match method {
            // It learns from the rows that were picked, whose products have another shape than those of all rows.
            "raft" => assert!(ratios.iter().all(|ratio| (ratio - 1.0).abs() < 1e-6), "{ratios:?}"),
            _ => assert_eq!(ratios, [1.0; 3], "{method}"),
        }
        assert_eq!(first(&events, "objective/kl"), 0.0, "{method}");
        assert!(series(&events, "objective/kl")[2] != 0.0, "{method}: nothing moved");
    }
}

#[test]
fn an_adapter_alone_finds_its_base_in_the_session() {
    let adapter = trained(&session_with(&[("sft", sft())]));
    assert!(!adapter.contains_key("model.safetensors"));
    let command =
        json!({"command": "score", "reward": "reward", "records": [{"prompt": "Hi", "completion": "Hello."}]});
    let mut session = session_with(&[("sft", sft())]);
    session.put_model("reward", adapter.clone()).expect("its base is there");
    assert_eq!(session.model_files("reward"), Some(&adapter), "what was put in comes out");
    let whole = session_with(&[("sft", sft()), ("reward", &with_adapter(&adapter))]);
    let scores = |session: &Session| format!("{:?}", events_of(session, command.clone())[1]);
    assert_eq!(scores(&session), scores(&whole));
    let refused = session_with(&[]).put_model("reward", adapter).expect_err("its base is not there");
    assert_eq!(refused.to_string(), "`reward` is an adapter on sft, which is not loaded; load that model first");
}

#[test]
fn a_policy_trains_whole_beside_a_reward_model_that_is_an_adapter_on_it() {
    let options = json!({"episodes": 16, "batch_size": 16, "max_new_tokens": 8, "finetuning": "full"});
    let events = events_of(
        &session(),
        json!({"command": "tune", "method": "grpo", "policy": "sft", "rewards": ["reward"], "prompts": prompts(16),
            "options": options_of("grpo", options)}),
    );
    let tuned = model_of(&events);
    assert!(tuned["model.safetensors"] != sft()["model.safetensors"], "every weight may move");
}

#[test]
fn an_adapter_is_saved_without_its_base_and_changes_it() {
    for method in offline_methods() {
        let options = json!({"epochs": 8.0, "learning_rate": 1e-2, "held_out": 0.0});
        let adapter = model_of(&events_of(&session_with(&[("sft", sft())]), offline(method, options))).clone();
        assert!(adapter.contains_key(WEIGHTS) && adapter.contains_key(CONFIG), "{method}: {:?}", adapter.keys());
        assert!(!adapter.contains_key("model.safetensors") && !adapter.contains_key("config.json"), "{method}");
        assert!(adapter[WEIGHTS].len() * 3 < sft()["model.safetensors"].len(), "{method}: an adapter is small");
        let session = session_with(&[("sft", sft()), ("tuned", &with_adapter(&adapter))]);
        assert_ne!(completions(&session, "tuned"), completions(&session, "sft"), "{method}");
    }
}

#[test]
fn an_adapter_without_its_strength_is_its_base_and_with_all_of_it_itself() {
    let options = json!({"epochs": 8.0, "learning_rate": 1e-2, "held_out": 0.0});
    let adapter = model_of(&events_of(&session_with(&[("sft", sft())]), offline("dpo", options))).clone();
    let mut session = session_with(&[("sft", sft()), ("tuned", &with_adapter(&adapter))]);
    for (name, strength) in [("none", 0.0), ("half", 0.5), ("whole", 1.0)] {
        session.put_model(name, scaled_adapter(adapter.clone(), strength).expect("an adapter")).expect("a model");
    }
    assert_eq!(completions(&session, "none"), completions(&session, "sft"));
    assert_eq!(completions(&session, "whole"), completions(&session, "tuned"));
    assert_ne!(completions(&session, "whole"), completions(&session, "none"));
    let refused = scaled_adapter(sft().clone(), 0.5).expect_err("it is no adapter");
    assert!(refused.to_string().contains(CONFIG), "{refused}");
}

#[test]
fn what_a_model_takes_is_told_before_one_works_with_it() {
    let session = session_with(&[("sft", sft())]);
    let outlook = |answer| block_on(Probe::new(&session, "sft", answer).expect("a model").outlook()).expect("numbers");
    let (short, long) = (outlook(8), outlook(32));
    for outlook in [short, long] {
        assert!(outlook.answer > 0.0 && outlook.step > 0.0 && outlook.whole > outlook.step + outlook.answer);
        assert!(outlook.memory.training >= outlook.memory.answering && outlook.memory.answering > 3e8);
    }
    assert!(long.memory.answering > short.memory.answering);
    assert!(Probe::new(&session, "nobody", 8).is_err());
}

#[test]
fn training_goes_on_from_an_adapter() {
    let train = |model: &str| {
        let options = lora(json!({"epochs": 2.0, "learning_rate": 2e-3, "held_out": 0.0}));
        json!({"command": "sft", "model": model, "demonstrations": demonstrations(), "options": options})
    };
    let first = events_of(&session_with(&[("sft", sft())]), train("sft"));
    let tuned = with_adapter(model_of(&first));
    let second = events_of(&session_with(&[("tuned", &tuned)]), train("tuned"));
    let losses = |events: &[Event]| series(events, "loss");
    let mean = |losses: &[f64]| losses.iter().sum::<f64>() / losses.len() as f64;
    assert!(mean(&losses(&second)) < mean(&losses(&first)), "it begins where the first ended");
    // Everything at once from there is a model of its own.
    let mut full = train("tuned");
    full["options"]["finetuning"] = "full".into();
    assert!(model_of(&events_of(&session_with(&[("tuned", &tuned)]), full)).contains_key("model.safetensors"));
}

#[test]
fn an_adapter_for_another_base_is_refused() {
    let options = json!({"epochs": 1.0, "held_out": 0.0});
    let adapter = model_of(&events_of(&session_with(&[("sft", sft())]), offline("dpo", options))).clone();
    let refused = |damage: &dyn Fn(&mut Files)| {
        let mut files = with_adapter(&adapter);
        damage(&mut files);
        session_with(&[]).put_model("mine", files).expect_err("it does not fit").to_string()
    };
    let set = |files: &mut Files, field: &str, value: Value| {
        let mut config: Value = serde_json::from_slice(&files[CONFIG]).expect("JSON");
        config[field] = value;
        files.insert(CONFIG.into(), config.to_string().into_bytes().into());
    };
    let hash = refused(&|files| set(files, "base_model_sha256", "00ff".into()));
    assert!(hash.contains("SHA-256 00ff") && hash.contains("base that it was trained on"), "{hash}");
    assert!(refused(&|files| set(files, "r", 0.into())).contains("r is 0"));
    assert!(refused(&|files| set(files, "use_dora", true.into())).contains("use_dora"));
    let missing = refused(&|files| drop(files.remove(WEIGHTS)));
    assert!(missing.contains(WEIGHTS), "{missing}");
    let cut = refused(&|files| {
        let bytes = files[WEIGHTS].slice(..1000);
        files.insert(WEIGHTS.into(), bytes);
    });
    assert!(cut.contains(WEIGHTS), "{cut}");
}

#[test]
fn options_of_adapters_have_ranges() {
    let session = session_with(&[("sft", sft())]);
    let wrong = |name: &str, value: Value| {
        let mut command = offline("dpo", json!({}));
        command["options"][name] = value;
        refusal(&session, command)
    };
    assert!(wrong("lora_r", 0.into()).contains("lora_r is 0, but must be 1 or more"));
    assert!(wrong("lora_alpha", 0.into()).contains("lora_alpha is 0"));
    let none = wrong("lora_target_modules", "query".into());
    assert!(none.contains("lora_target_modules") && none.contains("q_proj"), "{none}");
}

#[test]
fn an_adapter_goes_out_merged_and_by_itself() {
    let options = json!({"epochs": 8.0, "learning_rate": 1e-2, "held_out": 0.0});
    let adapter = model_of(&events_of(&session_with(&[("sft", sft())]), offline("dpo", options))).clone();
    let tuned = with_adapter(&adapter);
    let folder = Folder::open("tuned", &tuned).expect("a base and its adapter");
    let merged = export::to_folder(&folder, Precision::F32).expect("a folder");
    assert!(!merged.contains_key(CONFIG) && !merged.contains_key(WEIGHTS));
    let session = session_with(&[("tuned", &tuned), ("merged", &merged)]);
    assert_eq!(completions(&session, "merged"), completions(&session, "tuned"));
    let peft = export::to_peft(&folder).expect("PEFT's folder");
    assert!(peft[CONFIG] == adapter[CONFIG] && peft[WEIGHTS] == adapter[WEIGHTS]);
    let gguf = export::to_gguf_adapter(&folder, "adapter.gguf", "base.gguf").expect("an adapter for llama.cpp");
    assert!(gguf["adapter.gguf"].starts_with(b"GGUF"));
    assert_eq!(gguf[export::MODELFILE], "FROM base.gguf\nADAPTER ./adapter.gguf\n");

    let plain = Folder::open("sft", sft()).expect("a model");
    let none = export::to_peft(&plain).expect_err("there is no adapter").to_string();
    assert!(none.contains("no adapter") && none.contains("--to merged"), "{none}");
    let reward = trained(&session_with(&[("sft", sft())]));
    let reward = Folder::open("reward", &with_adapter(&reward)).expect("a reward model");
    let head = export::to_gguf_adapter(&reward, "adapter.gguf", "base.gguf").expect_err("a head has no place");
    assert!(head.to_string().contains("head") && head.to_string().contains("--to peft"), "{head}");
}
