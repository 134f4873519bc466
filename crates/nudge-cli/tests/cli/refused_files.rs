//! Model folders and records that cannot be used: each is refused in words that name the file, the line and the remedy,
//! before anything is written.

use crate::support::{Place, candidates};
use serde_json::{Value, json};
use std::fs;

/// Copies the model `from` to `bad`.
fn copy(place: &Place, from: &str) {
    let _ = fs::remove_dir_all(place.path("bad"));
    fs::create_dir(place.path("bad")).expect("a new folder");
    for file in fs::read_dir(place.path(from)).expect("a model").map(|file| file.expect("a file").path()) {
        fs::copy(&file, place.path("bad").join(file.file_name().expect("a name"))).expect("a copy");
    }
}

#[test]
fn a_model_that_is_not_there() {
    let place = Place::with_reward_model();
    for words in [
        "sft --model bad --data pack.jsonl --out out",
        "sample --model bad --prompts prompts.jsonl --out out",
        "reward --model bad --comparisons pack.jsonl --out out",
        "ppo --policy bad --reward reward --prompts prompts.jsonl --out out",
        "ppo --policy sft --reward bad --prompts prompts.jsonl --out out",
        "score --reward bad --data candidates.jsonl --out out",
        "compare --a sft --b bad --prompts prompts.jsonl --labeler happier",
        "compare --a sft --b sft --prompts prompts.jsonl --reward bad",
        "eval --model bad --text prompts.jsonl",
        "chat --model bad",
        "demo --model bad",
    ] {
        // The demonstrations of the first are wrong too; models are what this is about.
        if words.starts_with("sft") {
            place.write("pack.jsonl", "{\"prompt\":\"p\",\"completion\":\"c\",\"chosen\":\"a\",\"rejected\":\"b\"}\n");
        }
        place.refused(words, &["there is no model bad", "builtin:sft"]);
    }
    place.refused(
        "eval --model builtin:best --text prompts.jsonl",
        &["no built-in model `builtin:best`", "builtin:base"],
    );
}

#[test]
fn a_model_folder_that_is_not_whole() {
    let place = Place::with_reward_model();
    for file in ["config.json", "model.safetensors", "tokenizer.json"] {
        copy(&place, "sft");
        fs::remove_file(place.path("bad").join(file)).expect("it was there");
        place.refused("sample --model bad --prompts prompts.jsonl --out out", &["bad", file, "whole model folder"]);
    }
    // Cut off at several places: in the header, in the numbers, and empty.
    for length in [0, 4, 100, 100_000] {
        copy(&place, "sft");
        let weights = fs::OpenOptions::new().write(true).open(place.path("bad/model.safetensors")).expect("weights");
        weights.set_len(length).expect("it can be cut");
        let advice = "may be truncated: copy or download it again";
        place.refused("sample --model bad --prompts prompts.jsonl --out out", &["`bad`", "model.safetensors", advice]);
    }
    copy(&place, "sft");
    place.write("bad/config.json", "{\"model_type\":\"llama\"");
    place.refused("eval --model bad --text prompts.jsonl", &["bad", "config.json"]);
    copy(&place, "sft");
    place.write("bad/tokenizer.json", "{}");
    place.refused("eval --model bad --text prompts.jsonl", &["`bad`", "tokenizer.json"]);
}

#[test]
fn weights_that_are_no_numbers() {
    let place = Place::with_reward_model();
    for (model, words) in [
        ("sft", "sample --model bad --prompts prompts.jsonl --out out"),
        ("reward", "score --reward bad --data candidates.jsonl --out out"),
    ] {
        copy(&place, model);
        let mut bytes = fs::read(place.path("bad/model.safetensors")).expect("weights");
        // The header's length, the header, then f32 numbers.
        let header = u64::from_le_bytes(bytes[..8].try_into().expect("eight bytes")) as usize;
        bytes[8 + header..][..4].copy_from_slice(&f32::NAN.to_le_bytes());
        fs::write(place.path("bad/model.safetensors"), bytes).expect("it can be written");
        place.refused(words, &["bad", "NaN"]);
    }
}

#[test]
fn a_tokenizer_of_another_model() {
    let place = Place::with_reward_model();
    // A tokenizer with more tokens than the weights have rows.
    copy(&place, "sft");
    let mut config: Value = serde_json::from_str(&place.read("bad/tokenizer.json")).expect("JSON");
    let vocabulary = config["model"]["vocab"].as_object_mut().expect("a vocabulary");
    let tokens = vocabulary.len();
    for extra in 0..600 {
        vocabulary.insert(format!("extra{extra}"), json!(tokens + extra));
    }
    place.write("bad/tokenizer.json", &config.to_string());
    place.refused("eval --model bad --text prompts.jsonl", &["bad", "tokenizer", "do not belong together"]);
    // A reward model that reads other tokens than the policy writes.
    place.write("text.txt", &"A small story about a dog and a cat. ".repeat(40));
    let shape = "--vocab-size 270 --hidden-size 16 --num-hidden-layers 1 --num-attention-heads 2 \
        --intermediate-size 32 --max-position-embeddings 256 --context 32 --batch-size 2 --epochs 0.1";
    place.done(&format!("pretrain --text text.txt {shape} --out other"));
    place.refused(
        "ppo --policy other --reward reward --prompts prompts.jsonl --max-new-tokens 8 --out out",
        &["different tokenizers", "same model as the policy"],
    );
}

#[test]
fn one_kind_of_model_in_the_place_of_the_other() {
    let place = Place::with_reward_model();
    for (words, part) in [
        ("sample --model reward --prompts prompts.jsonl --out out", "`reward` is a reward model"),
        ("dpo --policy reward --comparisons pack.jsonl --out out", "`reward` is a reward model"),
        ("ppo --policy sft --reward base --prompts prompts.jsonl --out out", "needs a reward model"),
        ("score --reward sft --data candidates.jsonl --out out", "needs a reward model"),
        ("compare --a sft --b sft --prompts prompts.jsonl --reward sft", "needs a reward model"),
    ] {
        place.refused(words, &[part]);
    }
}

#[test]
fn a_broken_line_is_named_with_its_file() {
    let place = Place::with_reward_model();
    place.write("prompts.bad", "{\"prompt\":\"a\"}\n\n{\"prompt\":\"b\"\n");
    place.write("data.bad", "{\"prompt\":\"a\",\"completion\":\"b\"}\n\n{\"prompt\":\"a\",\"compl\":\"b\"}\n");
    place.write("rankings.bad", "{\"prompt\":\"a\",\"chosen\":\"b\",\"rejected\":\"c\"}\n\nnot JSON\n");
    place.write("candidates.bad", &format!("{}\n[1]\n", candidates(1)));
    fs::write(place.path("latin.bad"), b"{\"prompt\":\"a\"}\n\n{\"prompt\":\"\xe9t\xe9\"}\n").expect("a file");
    for (words, file) in [
        ("sample --model sft --prompts prompts.bad --out out", "prompts.bad"),
        ("sample --model sft --prompts latin.bad --out out", "latin.bad"),
        ("ppo --policy sft --reward reward --prompts prompts.bad --out out", "prompts.bad"),
        ("compare --a sft --b sft --labeler happier --prompts prompts.bad", "prompts.bad"),
        ("sft --model base --data pairs.good data.bad --out out", "data.bad"),
        ("reward --model sft --comparisons pack.jsonl rankings.bad --out out", "rankings.bad"),
        ("dpo --policy sft --comparisons pack.jsonl rankings.bad --out out", "rankings.bad"),
        ("rank --candidates candidates.bad --labeler happier --out out", "candidates.bad"),
        ("rank --candidates candidates.bad --out out", "candidates.bad"),
        ("score --reward reward --data candidates.bad --out out", "candidates.bad"),
    ] {
        place.write("pairs.good", "{\"prompt\":\"a\",\"completion\":\"b\"}\n");
        place.refused(words, &[&format!("{file}, line 3")]);
    }
}

#[test]
fn prompts_that_are_empty_or_too_long() {
    let place = Place::with_reward_model();
    let long = "word ".repeat(300);
    for (prompt, part) in [(" ", "empty"), (long.as_str(), "256")] {
        let line = |fields: Value| format!("{fields}\n");
        place.write("prompts.bad", &format!("{{\"prompt\":\"a\"}}\n{}", line(json!({ "prompt": prompt }))));
        let good = line(json!({ "prompt": "a", "completion": "b", "chosen": "b", "rejected": "c" }));
        let bad = line(json!({ "prompt": prompt, "completion": "b", "chosen": "b", "rejected": "c" }));
        place.write("records.bad", &format!("{good}{bad}"));
        for words in [
            "sample --model sft --prompts prompts.bad --out out",
            "ppo --policy sft --reward reward --prompts prompts.bad --out out",
            "compare --a sft --b sft --prompts prompts.bad --labeler happier",
        ] {
            place.refused(words, &["prompts.bad, line 2", part]);
        }
        place.refused("sft --model base --data records.bad --out out", &["records.bad, line 2", part]);
        let reward = "reward --model sft --comparisons pack.jsonl --demonstrations records.bad --out out";
        place.refused(reward, &["records.bad, line 2", part]);
    }
    place.write("empty.bad", "\n");
    for words in [
        "sample --model sft --prompts empty.bad --out out",
        "ppo --policy sft --reward reward --prompts empty.bad --out out",
        "compare --a sft --b sft --prompts empty.bad --labeler happier",
        "sft --model base --data empty.bad --out out",
        "reward --model sft --comparisons empty.bad --out out",
        "dpo --policy sft --comparisons empty.bad --out out",
        "rank --candidates empty.bad --labeler happier --out out",
        "score --reward reward --data empty.bad --out out",
        "eval --model sft --text empty.bad",
        "pretrain --text empty.bad --out out",
    ] {
        place.refused(words, &[]);
    }
}
