//! Everything a user can get wrong is refused in words: what is wrong, where, and what to do.

use std::collections::HashMap;

use nudge_session::Files;
use safetensors::SafeTensors;
use safetensors::tensor::TensorView;
use serde_json::{Value, json};

use crate::support::{DEMONSTRATIONS, base, empty_session, pretrain_command, refusal, reward_model, session_with, sft};

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
    files.insert(file.into(), serde_json::to_vec(&json).expect("plain JSON"));
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
    files.insert("model.safetensors".into(), safetensors::serialize(views, None).expect("it can be written"));
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
    says(&larger, &["mine", "shape", "do not belong together"]);
    let fewer = refused_model(|files| set(files, "config.json", "vocab_size", 300.into()));
    says(&fewer, &["mine", "tokenizer has 400 tokens", "weights know 300", "do not belong together"]);
    let other = refused_model(|files| set(files, "config.json", "model_type", "gpt2".into()));
    says(&other, &["mine", "gpt2", "not supported", "llama"]);
    let scaled = refused_model(|files| set(files, "config.json", "rope_scaling", json!({"factor": 2.0})));
    says(&scaled, &["mine", "rope_scaling"]);
    let broken = refused_model(|files| {
        files.insert("config.json".into(), b"{\"vocab_size\":".to_vec());
    });
    says(&broken, &["mine", "config.json"]);
    let tokenizer = refused_model(|files| {
        files.insert("tokenizer.json".into(), b"{}".to_vec());
    });
    says(&tokenizer, &["tokenizer.json"]);
}

#[test]
fn models_and_labelers_that_are_not_there_or_of_the_wrong_kind() {
    let session = session();
    let sample = |model: &str| json!({"command": "sample", "model": model, "prompts": ["Hi."]});
    says(&refusal(&session, sample("nobody")), &["nobody", "load it first"]);
    says(&refusal(&session, sample("reward")), &["`reward` is a reward model", "needs a language model"]);
    let ppo =
        |policy: &str, reward: &str| json!({"command": "ppo", "policy": policy, "reward": reward, "prompts": ["Hi."]});
    says(&refusal(&session, ppo("reward", "reward")), &["`reward` is a reward model", "needs a language model"]);
    says(&refusal(&session, ppo("sft", "sft")), &["`sft` is a language model", "needs a reward model"]);
    let score = json!({"command": "score", "reward": "sft", "records": "{\"prompt\":\"p\",\"completion\":\"c\"}"});
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
    let tune = |options: Value| json!({"command": "sft", "model": "base", "demonstrations": DEMONSTRATIONS, "options": options});
    says(&refusal(&session, tune(json!({"held_out": 1.0}))), &["held_out is 1", "less than 1"]);
    says(&refusal(&session, tune(json!({"batch_size": 0}))), &["batch_size is 0"]);
    let reward =
        |options: Value| json!({"command": "reward", "model": "sft", "comparisons": GOOD_RANKING, "options": options});
    says(&refusal(&session, reward(json!({"epochs": -1.0}))), &["epochs is -1", "more than 0"]);
    says(&refusal(&session, reward(json!({"learning_rate": -1.0}))), &["learning_rate is -1", "0 or more"]);
    let ppo = |options: Value| json!({"command": "ppo", "policy": "sft", "reward": "reward", "prompts": ["Hi."], "options": options});
    says(&refusal(&session, ppo(json!({"batch_size": 1}))), &["batch_size is 1", "2 or more", "whitened"]);
    says(&refusal(&session, ppo(json!({"episodes": 0}))), &["episodes is 0"]);
    says(&refusal(&session, ppo(json!({"value_learning_rate": -1.0}))), &["value_learning_rate is -1"]);
    says(
        &refusal(&session, ppo(json!({"batch_size": 2, "ppo": {"num_mini_batches": 3}}))),
        &["num_mini_batches is 3", "a divisor of batch_size"],
    );
    says(&refusal(&session, ppo(json!({"ppo": {"lambda": 1.5}}))), &["lambda is 1.5", "between 0 and 1"]);
    let compare = |options: Value| json!({"command": "compare", "a": "sft", "b": "base", "prompts": ["Hi."], "judge": {"judge": "person"}, "options": options});
    says(&refusal(&session, compare(json!({"temperature": -0.5}))), &["temperature is -0.5", "0 or more"]);
    says(&refusal(&session, compare(json!({"pairs_per_prompt": 0}))), &["pairs_per_prompt is 0", "1 or more"]);
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
    let refused = |line: &str| {
        let comparisons = format!("{GOOD_RANKING}\n{line}\n");
        refusal(&session, json!({"command": "reward", "model": "sft", "comparisons": comparisons}))
    };
    let ranked = |ranking: &str| {
        refused(&format!(
            r#"{{"id":"r2","prompt":"p","completions":[{{"text":"a"}},{{"text":"b"}},{{"text":"c"}}],"ranking":{ranking}}}"#
        ))
    };
    says(&ranked("[[0],[1],[1]]"), &["line 2", "names completion 1 twice"]);
    says(&ranked("[[0],[2]]"), &["line 2", "leaves out completion 1"]);
    says(&ranked("[[0],[1],[2],[3]]"), &["line 2", "names completion 3", "there are 3"]);
    says(&ranked("[[0,1,2]]"), &["line 2", "no preference"]);
    let one = refused(r#"{"id":"r2","prompt":"p","completions":[{"text":"a"}],"ranking":[[0]]}"#);
    says(&one, &["line 2", "1 completion", "two or more"]);
    says(&refused(r#"{"prompt":"p","completion":"c"}"#), &["line 2", "neither a ranking", "nor a pair"]);
    says(&refused(r#"{"id":"r2","prompt":"#), &["line 2", "not valid JSON"]);
    let long = format!(r#"{{"prompt":"p","chosen":"{}","rejected":"b"}}"#, "too long ".repeat(100));
    says(&refused(&long), &["answer to `p`", "context of 128", "Shorten or remove it"]);
    let none = refusal(&session, json!({"command": "reward", "model": "sft", "comparisons": "\n"}));
    says(&none, &["no comparison", "rank some answers first"]);
}

#[test]
fn candidates_with_a_wrong_line() {
    let session = empty_session();
    let rank = |candidates: &str| {
        refusal(&session, json!({"command": "rank", "candidates": candidates, "labeler": "shorter"}))
    };
    let good = r#"{"id":"c1","prompt":"p","completions":[{"text":"a"},{"text":"b"}]}"#;
    let one = r#"{"id":"c2","prompt":"p","completions":[{"text":"a"}]}"#;
    says(&rank(&format!("{good}\n{one}")), &["candidates, line 2", "`c2` has 1 answer", "two or more"]);
    says(&rank(&format!("{good}\n{{")), &["candidates, line 2"]);
    says(&rank(""), &["no candidates", "sample some first"]);
    let nobody = refusal(&session, json!({"command": "rank", "candidates": good, "labeler": "nicer"}));
    says(&nobody, &["nicer", "happier"]);
}

#[test]
fn demonstrations_records_and_texts_that_hold_nothing_or_the_wrong_thing() {
    let session = session();
    let tune = |text: &str| refusal(&session, json!({"command": "sft", "model": "base", "demonstrations": text}));
    says(&tune("\n\n"), &["no demonstration"]);
    says(&tune("{\"prompt\":\"p\",\"completion\":\"c\"}\n{\"prompt\":\"p\"}"), &["line 2", "completion"]);
    let long = format!("{{\"prompt\":\"p\",\"completion\":\"{}\"}}", "too long ".repeat(100));
    says(
        &tune(&format!("{{\"prompt\":\"p\",\"completion\":\"c\"}}\n{long}")),
        &["2", "context of 128", "Shorten or remove it"],
    );
    let score = |text: &str| refusal(&session, json!({"command": "score", "reward": "reward", "records": text}));
    says(&score(""), &["no record"]);
    says(&score("{\"prompt\":\"p\"}"), &["1", "no answers", "completions"]);
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
