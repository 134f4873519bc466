//! Everything a user can get wrong is refused in words: what is wrong, where, and what to do.

use std::collections::HashMap;

use nudge_data::{CandidatesRecord, DataError, DemonstrationRecord, demonstrations_from, preferences_from, read_jsonl};
use nudge_session::method::LearnsFrom;
use nudge_session::{Files, Method};
use safetensors::SafeTensors;
use safetensors::tensor::TensorView;
use serde_json::{Value, json};

use crate::support::{
    base, command as command_of, demonstrations, empty_session, pretrain_command, rankings, records, refusal,
    reward_model, session_with, sft,
};

const GOOD_RANKING: &str = r#"{"id":"r1","prompt":"p","completions":[{"text":"a"},{"text":"b"}],"ranking":[[0],[1]]}"#;

/// A session that holds the three models of the loop.
fn session() -> nudge_session::Session {
    session_with(&[("base", base()), ("sft", sft()), ("reward", reward_model())])
}

/// Fails unless the message holds every part.
fn says(message: &str, parts: &[&str]) {
    for part in parts {
        assert!(message.contains(part), "`{part}` is not in: {message}");
    }
}

/// What `put_model` says of the tuned model with some damage done to its files.
fn refused_model(damage: impl FnOnce(&mut Files)) -> String {
    let mut files = sft().clone();
    damage(&mut files);
    let mut session = empty_session();
    let message = session.put_model("mine", files).expect_err("is refused").to_string();
    assert!(session.model_files("mine").is_none(), "a refused model was taken in");
    message
}

/// Changes one field of a JSON file.
fn set(files: &mut Files, file: &str, field: &str, value: Value) {
    let mut json: Value = serde_json::from_slice(&files[file]).expect("the file is JSON");
    json[field] = value;
    files.insert(file.into(), serde_json::to_vec(&json).expect("plain JSON").into());
}

/// Writes the weights again with the first number of `tensor` replaced, or without the tensor.
fn rewrite(files: &mut Files, tensor: &str, first: Option<f32>) {
    let weights = files["model.safetensors"].clone();
    let file = SafeTensors::deserialize(&weights).expect("whole weights");
    let mut data: HashMap<String, (Vec<usize>, Vec<u8>)> =
        file.iter().map(|(name, view)| (name.to_string(), (view.shape().to_vec(), view.data().to_vec()))).collect();
    match first {
        Some(number) => data.get_mut(tensor).expect("the tensor").1[..4].copy_from_slice(&number.to_le_bytes()),
        None => drop(data.remove(tensor).expect("the tensor")),
    }
    let views = data.iter().map(|(name, (shape, bytes))| {
        (name, TensorView::new(safetensors::Dtype::F32, shape.clone(), bytes).expect("the shape fits"))
    });
    files.insert("model.safetensors".into(), safetensors::serialize(views, None).expect("it can be written").into());
}

#[test]
fn model_folders_that_are_not_whole() {
    for file in ["config.json", "model.safetensors", "tokenizer.json"] {
        says(&refused_model(|files| drop(files.remove(file))), &["mine", file, "whole model folder"]);
    }
    let truncated = refused_model(|files| {
        files.get_mut("model.safetensors").expect("weights").truncate(1000);
    });
    says(&truncated, &["mine", "model.safetensors", "truncated", "copy or download it again"]);
    let tensor = "model.layers.1.mlp.up_proj.weight";
    let missing = refused_model(|files| rewrite(files, tensor, None));
    says(&missing, &["mine", tensor, "do not belong together"]);
}

#[test]
fn weights_that_are_not_numbers() {
    let tensor = "model.layers.0.self_attn.q_proj.weight";
    for number in [f32::NAN, f32::INFINITY] {
        let message = refused_model(|files| rewrite(files, tensor, Some(number)));
        says(&message, &["mine", tensor, "NaN or infinite", "earlier checkpoint"]);
    }
}

#[test]
fn configurations_that_do_not_fit() {
    let larger = refused_model(|files| set(files, "config.json", "hidden_size", 64.into()));
    says(&larger, &["mine", "hidden_size 64", "do not belong together"]);
    let fewer = refused_model(|files| set(files, "config.json", "vocab_size", 300.into()));
    says(&fewer, &["mine", "tokenizer has 400 tokens", "weights know 300", "do not belong together"]);
    let other = refused_model(|files| set(files, "config.json", "model_type", "mamba".into()));
    says(&other, &["mine", "mamba", "not supported", "llama"]);
    let scaled = refused_model(|files| set(files, "config.json", "rope_scaling", json!({"factor": 2.0})));
    says(&scaled, &["mine", "rope_scaling"]);
    let broken = refused_model(|files| {
        files.insert("config.json".into(), b"{\"vocab_size\":".to_vec().into());
    });
    says(&broken, &["mine", "config.json"]);
    let tokenizer = refused_model(|files| {
        files.insert("tokenizer.json".into(), b"{}".to_vec().into());
    });
    says(&tokenizer, &["tokenizer.json"]);
}

#[test]
fn models_and_labelers_that_are_not_there_or_of_the_wrong_kind() {
    let session = session();
    let sample = |model: &str| json!({"command": "sample", "model": model, "prompts": ["Hi."]});
    says(&refusal(&session, sample("nobody")), &["nobody", "load it first"]);
    says(&refusal(&session, sample("reward")), &["`reward` is a reward model", "needs a language model"]);
    let ppo = |policy: &str, reward: &str| {
        json!({"command": "tune", "method": "ppo", "options": {}, "policy": policy, "rewards": [reward],
            "prompts": ["Hi."]})
    };
    says(&refusal(&session, ppo("reward", "reward")), &["`reward` is a reward model", "needs a language model"]);
    says(&refusal(&session, ppo("sft", "sft")), &["`sft` is a language model", "needs a reward model"]);
    let score = json!({"command": "score", "reward": "sft", "records": [{"prompt": "p", "completion": "c"}]});
    says(&refusal(&session, score), &["`sft` is a language model", "needs a reward model"]);
    let judged =
        |judge: Value| json!({"command": "compare", "a": "sft", "b": "base", "prompts": ["Hi."], "judge": judge});
    let unknown = refusal(&session, judged(json!({"judge": "labeler", "name": "nicer"})));
    says(&unknown, &["nicer", "happier", "shorter", "no_repetition"]);
    says(&refusal(&session, judged(json!({"judge": "reward", "model": "nobody"}))), &["nobody", "load it first"]);
    let mut gold = ppo("sft", "reward");
    gold["options"] = json!({"gold_labeler": "nicer"});
    says(&refusal(&session, gold), &["nicer", "happier"]);
}

#[test]
fn prompts_that_cannot_be_answered() {
    let session = session();
    let long = "a very long story ".repeat(60);
    let sample = |prompts: Value, options: Value| json!({"command": "sample", "model": "sft", "prompts": prompts, "options": options});
    let fits = json!({"max_new_tokens": 40});
    says(&refusal(&session, sample(json!([]), fits.clone())), &["there is no prompt"]);
    says(&refusal(&session, sample(json!(["Hi.", "  "]), fits.clone())), &["prompt 2", "empty"]);
    let message = refusal(&session, sample(json!(["Hi.", "Ho.", long]), fits));
    says(&message, &["prompt 3", "context of 128", "leaves 88", "Shorten it or lower max_new_tokens"]);
    for (limit, value) in [(0, "0"), (128, "128")] {
        let message = refusal(&session, sample(json!(["Hi."]), json!({"max_new_tokens": limit})));
        says(&message, &["max_new_tokens", value, "less than the model's context"]);
    }
}

#[test]
fn options_outside_their_range() {
    let session = session();
    let sample = |options: Value| json!({"command": "sample", "model": "sft", "prompts": ["Hi."], "options": options});
    let mut long = sample(json!({"k": 0, "max_new_tokens": 40}));
    says(&refusal(&session, long.clone()), &["k is 0", "1 or more"]);
    long["options"] = json!({"batch_size": 0, "max_new_tokens": 40});
    says(&refusal(&session, long.clone()), &["batch_size is 0", "1 or more"]);
    long["options"] = json!({"max_new_tokens": 4000});
    says(&refusal(&session, long.clone()), &["max_new_tokens is 4000", "context"]);
    long["options"] = json!({"temperature": -1.0, "max_new_tokens": 40});
    says(&refusal(&session, long), &["temperature is -1", "0 or more"]);
    for (top_p, value) in [(0.0, "top_p is 0"), (-0.5, "top_p is -0.5"), (1.5, "top_p is 1.5"), (1e300, "top_p is inf")]
    {
        let options = json!({"top_p": top_p, "max_new_tokens": 40});
        says(&refusal(&session, sample(options)), &[value, "more than 0 and at most 1"]);
    }
    let pretrain = |name: &str, value: Value| {
        let mut command = pretrain_command(1.0);
        command["options"][name] = value;
        refusal(&empty_session(), command)
    };
    says(&pretrain("context", 200.into()), &["context is 200", "max_position_embeddings"]);
    says(&pretrain("batch_size", 0.into()), &["batch_size is 0", "1 or more"]);
    says(&pretrain("hidden_size", 30.into()), &["hidden_size is 30", "num_attention_heads"]);
    says(&pretrain("hidden_size", 0.into()), &["hidden_size is 0", "1 or more"]);
    says(&pretrain("learning_rate", (-1.0).into()), &["learning_rate is -1", "0 or more"]);
    says(&pretrain("num_hidden_layers", 0.into()), &["num_hidden_layers is 0", "1 or more"]);
    says(&pretrain("intermediate_size", 0.into()), &["intermediate_size is 0", "1 or more"]);
    says(&pretrain("epochs", 0.0.into()), &["epochs is 0", "more than 0"]);
    says(&pretrain("vocab_size", 100.into()), &["vocabulary of 100", "260"]);
    let tune = |options: Value| json!({"command": "sft", "model": "base", "demonstrations": demonstrations(), "options": options});
    says(&refusal(&session, tune(json!({"held_out": 1.0}))), &["held_out is 1", "less than 1"]);
    says(&refusal(&session, tune(json!({"batch_size": 0}))), &["batch_size is 0"]);
    let reward = |options: Value| json!({"command": "reward", "model": "sft", "preferences": records(GOOD_RANKING), "options": options});
    says(&refusal(&session, reward(json!({"epochs": -1.0}))), &["epochs is -1", "more than 0"]);
    says(&refusal(&session, reward(json!({"learning_rate": -1.0}))), &["learning_rate is -1", "0 or more"]);
    let ppo = |options: Value| {
        json!({"command": "tune", "method": "ppo", "options": options, "policy": "sft", "rewards": ["reward"],
            "prompts": ["Hi."]})
    };
    says(&refusal(&session, ppo(json!({"batch_size": 1}))), &["batch_size is 1", "2 or more", "whitened"]);
    says(&refusal(&session, ppo(json!({"episodes": 0}))), &["episodes is 0"]);
    says(&refusal(&session, ppo(json!({"value_learning_rate": -1.0}))), &["value_learning_rate is -1"]);
    says(
        &refusal(&session, ppo(json!({"batch_size": 2, "num_mini_batches": 3}))),
        &["num_mini_batches is 3", "a divisor of batch_size"],
    );
    says(&refusal(&session, ppo(json!({"lambda": 1.5}))), &["lambda is 1.5", "between 0 and 1"]);
    let compare = |options: Value| json!({"command": "compare", "a": "sft", "b": "base", "prompts": ["Hi."], "judge": {"judge": "person"}, "options": options});
    says(&refusal(&session, compare(json!({"temperature": -0.5}))), &["temperature is -0.5", "0 or more"]);
    says(&refusal(&session, compare(json!({"pairs_per_prompt": 0}))), &["pairs_per_prompt is 0", "1 or more"]);
}

#[test]
fn tuning_without_what_the_method_learns_from() {
    let session = session();
    let refused = |method: Method, given: Value| {
        let mut value = json!({"command": "tune", "method": method.info().name, "options": {}, "policy": "sft"});
        value.as_object_mut().expect("an object").extend(given.as_object().expect("an object").clone());
        refusal(&session, value)
    };
    for method in Method::all() {
        let title = method.info().title;
        match method.info().learns_from {
            LearnsFrom::Rewards => {
                let missing = refused(method.clone(), json!({"prompts": ["Hi."]}));
                says(&missing, &["no reward model", title, "`rewards`"]);
                let missing = refused(method, json!({"rewards": ["reward"]}));
                says(&missing, &["no prompt", title, "`prompts`"]);
            }
            LearnsFrom::Rankings | LearnsFrom::Labels => {
                says(&refused(method, json!({"prompts": ["Hi."]})), &["no ranking", title, "`preferences`"]);
            }
        }
    }
    let best_of = json!({"command": "best_of", "policy": "sft", "rewards": [], "prompts": ["Hi."]});
    says(&refusal(&session, best_of), &["no reward model", "`rewards`"]);
}

#[test]
fn an_option_that_does_not_exist_is_named() {
    let value = json!({"command": "sample", "model": "sft", "prompts": ["Hi."], "options": {"temprature": 1.0}});
    let error = serde_json::from_value::<nudge_session::Command>(value).expect_err("is refused").to_string();
    says(&error, &["temprature", "temperature"]);
}

#[test]
fn rankings_with_a_wrong_line() {
    let session = session();
    // What cannot be read is refused by the shell that reads it, by its line.
    let refused = |line: &str| match preferences_from("rankings", &format!("{GOOD_RANKING}\n{line}\n")) {
        Ok(records) => refusal(&session, json!({"command": "reward", "model": "sft", "preferences": records})),
        Err(error) => error.to_string(),
    };
    let ranked = |ranking: &str| {
        refused(&format!(
            r#"{{"id":"r2","prompt":"p","completions":[{{"text":"a"}},{{"text":"b"}},{{"text":"c"}}],"ranking":{ranking}}}"#
        ))
    };
    says(&ranked("[[0],[1],[1]]"), &["record 2", "names completion 1 twice"]);
    says(&ranked("[[0],[2]]"), &["record 2", "leaves out completion 1"]);
    says(&ranked("[[0],[1],[2],[3]]"), &["record 2", "names completion 3", "there are 3"]);
    says(&ranked("[[0,1,2]]"), &["record 2", "no preference"]);
    let one = refused(r#"{"id":"r2","prompt":"p","completions":[{"text":"a"}],"ranking":[[0]]}"#);
    says(&one, &["record 2", "1 completion", "two or more"]);
    says(&refused(r#"{"prompt":"p","completion":"c"}"#), &["line 2", "neither a ranking", "nor a pair"]);
    says(&refused(r#"{"id":"r2","prompt":"#), &["line 2", "not valid JSON"]);
    let long = format!(r#"{{"prompt":"p","chosen":"{}","rejected":"b"}}"#, "too long ".repeat(100));
    says(&refused(&long), &["record 2", "completion of `p`", "context of 128", "Shorten or remove it"]);
    let none = refusal(&session, json!({"command": "reward", "model": "sft", "preferences": []}));
    says(&none, &["no comparison", "rank some completions first"]);
}

#[test]
fn candidates_with_a_wrong_line() {
    let session = empty_session();
    let rank = |text: &str| match read_jsonl::<CandidatesRecord>("candidates", text) {
        Ok(candidates) => refusal(&session, json!({"command": "rank", "candidates": candidates, "labeler": "shorter"})),
        Err(error) => error.to_string(),
    };
    let good = r#"{"id":"c1","prompt":"p","completions":[{"text":"a"},{"text":"b"}]}"#;
    let one = r#"{"id":"c2","prompt":"p","completions":[{"text":"a"}]}"#;
    says(&rank(&format!("{good}\n{one}")), &["record 2", "`c2` has 1 completion", "two or more"]);
    says(&rank(&format!("{good}\n{{")), &["candidates, line 2"]);
    says(&rank(""), &["no candidates", "sample some first"]);
    let nobody = refusal(&session, json!({"command": "rank", "candidates": records(good), "labeler": "nicer"}));
    says(&nobody, &["nicer", "happier"]);
}

#[test]
fn demonstrations_records_and_texts_that_hold_nothing_or_the_wrong_thing() {
    let session = session();
    let tune = |records: Result<Vec<DemonstrationRecord>, DataError>| match records {
        Ok(records) => refusal(&session, json!({"command": "sft", "model": "base", "demonstrations": records})),
        Err(error) => error.to_string(),
    };
    let read = |text: &str| demonstrations_from("demonstrations", text);
    let good = "{\"prompt\":\"p\",\"completion\":\"c\"}";
    says(&tune(read("\n\n")), &["no demonstration"]);
    says(&tune(read(&format!("{good}\n{{\"prompt\":\"p\"}}"))), &["line 2", "completion"]);
    // Shells read an empty field as a mistake; a command that holds one is refused too.
    let empty = format!("{good}\n{{\"prompt\":\"p\",\"completion\":\" \"}}");
    says(&tune(read(&empty)), &["line 2", "`completion` is empty"]);
    says(&tune(read_jsonl("demonstrations", &empty)), &["record 2", "`completion` is empty"]);
    let long = format!("{{\"prompt\":\"p\",\"completion\":\"{}\"}}", "too long ".repeat(100));
    says(&tune(read(&format!("{good}\n{long}"))), &["record 2", "context of 128", "Shorten or remove it"]);
    let score =
        |text: &str| refusal(&session, json!({"command": "score", "reward": "reward", "records": records(text)}));
    says(&score(""), &["no record"]);
    says(&score("{\"prompt\":\"p\"}"), &["record 1", "no completions", "`chosen` and `rejected`"]);
    says(&score(&long), &["record 1", "context of 128", "Shorten or remove it"]);
    says(&score("{\"prompt\":\"p\",\"completions\":[]}"), &["`completions` is empty"]);
    says(&score("{\"completion\":\"c\"}"), &["neither a text nor messages in `prompt`"]);
    says(
        &refusal(&session, json!({"command": "eval", "model": "base", "text": " "})),
        &["no record", "nothing to evaluate"],
    );
    let mut empty = pretrain_command(1.0);
    empty["texts"] = json!(["  ", ""]);
    says(&refusal(&session, empty), &["no record", "nothing can be learnt"]);
    let mut short = pretrain_command(1.0);
    short["texts"] = json!(["One short line."]);
    says(&refusal(&session, short), &["fewer than one row of 48", "more text or a smaller context"]);
}

#[test]
fn training_that_diverges_says_so() {
    let mut pretrain = pretrain_command(20.0);
    pretrain["options"]["learning_rate"] = json!(1e30);
    let message = refusal(&empty_session(), pretrain);
    says(&message, &["pretraining diverged at step", "smaller learning rate"]);
}

#[test]
fn what_takes_more_memory_than_there_is_is_refused_before_it_begins() {
    let mut session = session_with(&[("sft", sft())]);
    let preferences = rankings(&session, "shorter", 4);
    let command = |batch_size: usize| json!({"command": "reward", "model": "sft", "preferences": preferences, "options": {"batch_size": batch_size}});
    session.limit_memory(Some(1 << 30));
    assert!(session.start(command_of(command(2)), None).is_ok(), "a gigabyte is enough for it");
    let message = refusal(&session, command(1_000_000));
    says(&message, &["GiB of memory", "1.0 GiB are free", "smaller batch_size"]);
    session.limit_memory(Some(1 << 20));
    says(&refusal(&session, command(2)), &["0.0 GiB are free", "smaller model"]);
}
