//! Adapters on the command line: trained beside a base, taken up again, written for other programs.

use crate::support::{Place, example};
use std::fs;

/// A place with an adapter of `sft`, trained on a few rankings.
fn place() -> Place {
    let place = Place::new();
    place.write("pack.jsonl", &example("packs/dialogue.jsonl", 4));
    place.done("dpo --policy sft --comparisons pack.jsonl --epochs 1 --finetuning lora --lora-r 2 --out adapter");
    place
}

#[test]
fn an_adapter_is_taken_with_its_base_or_by_itself() {
    let place = place();
    assert!(place.path("adapter/adapter_model.safetensors").exists());
    assert!(!place.path("adapter/model.safetensors").exists(), "the base stays where it is");
    let sample = |model: &str, out: &str| {
        place.done(&format!("sample --model {model} --prompts prompts.jsonl --k 1 --max-new-tokens 8 --out {out}"));
        place.records(out)
    };
    assert_eq!(sample("sft+adapter", "both.jsonl"), sample("adapter", "alone.jsonl"), "it names its base");
    place.refused("dpo --policy sft --comparisons pack.jsonl --out adapter", &["holds a finished model"]);
    // Training goes on, and a reward model is an adapter too.
    place.done("dpo --policy sft+adapter --comparisons pack.jsonl --epochs 1 --out more");
    place.done("reward --model sft+adapter --comparisons pack.jsonl --epochs 1 --finetuning lora --out reward");
    place.done("ppo --policy sft+adapter --reward reward --prompts prompts.jsonl --episodes 8 --batch-size 8 --max-new-tokens 8 --out tuned");
    assert!(place.path("tuned/adapter_model.safetensors").exists());
}

#[test]
fn every_stage_stores_its_numbers_as_it_is_told() {
    let place = place();
    let size = |file: &str| fs::metadata(place.path(file)).expect("it was saved").len();
    place.done("reward --model sft --comparisons pack.jsonl --epochs 1 --precision f16 --out reward");
    place.done("dpo --policy sft --comparisons pack.jsonl --epochs 1 --precision bf16 --out half");
    place.done("ppo --policy sft --reward reward --prompts prompts.jsonl --episodes 8 --batch-size 8 --max-new-tokens 8 --precision bf16 --out tuned");
    for (folder, dtype) in [("reward", "float16"), ("half", "bfloat16"), ("tuned", "bfloat16")] {
        assert!(place.read(&format!("{folder}/config.json")).contains(dtype), "{folder}");
        assert!(size(&format!("{folder}/model.safetensors")) < 100_000, "two bytes a number of 43,000");
        place.done(&format!("eval --model {} --text prompts.jsonl", if folder == "reward" { "sft" } else { folder }));
    }
    // An adapter too.
    let adapter = "dpo --policy sft --comparisons pack.jsonl --epochs 1 --finetuning lora --lora-r 2 --precision f16";
    place.done(&format!("{adapter} --out small"));
    assert!(size("small/adapter_model.safetensors") * 10 < size("adapter/adapter_model.safetensors") * 7);
    place.done("eval --model small --text prompts.jsonl");
}

#[test]
fn an_adapter_that_does_not_fit_is_refused_with_what_to_give() {
    let place = place();
    let sample = |model: &str| format!("sample --model {model} --prompts prompts.jsonl --k 1 --out out");
    place.refused(&sample("sft+nothing"), &["nothing is no adapter", "adapter_config.json"]);
    place.refused(&sample("base+adapter"), &["was trained on sft", "SHA-256", "base that it was trained on"]);
    fs::rename(place.path("sft"), place.path("moved")).expect("a folder");
    place.refused(&sample("adapter"), &["was trained on sft, which is not here", "BASE+adapter"]);
    place.done(&sample("moved+adapter"));
}

#[test]
fn an_adapter_goes_out_for_other_programs() {
    let place = place();
    for (form, file) in [
        ("peft", "adapter_model.safetensors"),
        ("merged", "model.safetensors"),
        ("gguf", "model.gguf"),
        ("gguf-adapter", "adapter.gguf"),
    ] {
        assert_eq!(place.run(&format!("export --model sft+adapter --to {form} --out {form}")).code, Some(0), "{form}");
        assert!(place.path(format!("{form}/{file}")).exists(), "{form}");
    }
    // A base that is no GGUF goes along as one; a GGUF is named where it lies.
    assert!(place.read("gguf-adapter/Modelfile").starts_with("FROM ./base.gguf\n"));
    assert!(place.path("gguf-adapter/base.gguf").exists() && place.read("gguf/README.md").contains("-m model.gguf"));
    place.done(
        "dpo --policy gguf/model.gguf --comparisons pack.jsonl --epochs 1 --finetuning lora --lora-r 2 --out on-gguf",
    );
    assert_eq!(place.run("export --model on-gguf --to gguf-adapter --out alone").code, Some(0));
    let base = place.path("gguf/model.gguf").canonicalize().expect("it is there");
    assert!(place.read("alone/Modelfile").starts_with(&format!("FROM {}\n", base.display())));
    assert!(!place.path("alone/base.gguf").exists());
    // What was exported before is replaced when that is asked for.
    place.refused("export --model sft+adapter --to peft --out peft", &["peft exists already", "--force"]);
    place.write("peft/notes.txt", "mine");
    assert_eq!(place.run("export --model sft+adapter --to merged --out peft --force").code, Some(0));
    assert!(place.path("peft/model.safetensors").exists() && place.read("peft/notes.txt") == "mine");
    place.refused("export --model sft --to gguf --out sft --force", &["--out would replace sft", "--model"]);
    place.refused("export --model sft --to peft --out out", &["no adapter", "--to merged"]);
}

#[test]
fn an_adapter_behind_the_one_that_it_went_on_from_is_on_their_base() {
    let place = place();
    place.done("dpo --policy adapter --comparisons pack.jsonl --epochs 1 --out more");
    assert!(place.read("more/README.md").starts_with("---\nbase_model: sft\n"));
    assert_eq!(place.done("inspect adapter+more --tokens 16")["adapter"], true);
}

#[test]
fn a_model_tells_what_it_is_and_what_its_stages_take() {
    let place = place();
    let told = place.done("inspect sft+adapter --tokens 64");
    assert_eq!((&told["kind"], &told["family"]), (&"language model".into(), &"llama".into()));
    assert_eq!(told["adapter"], true);
    assert_eq!(told["ends"].as_array().map(Vec::len), Some(1), "{told}");
    let total = |stage: &serde_json::Value| {
        stage["needs"].as_object().expect("parts").values().filter_map(serde_json::Value::as_u64).sum::<u64>()
    };
    let stages: Vec<_> = told["stages"].as_array().expect("a list").iter().collect();
    assert_eq!(
        stages.iter().map(|stage| stage["name"].as_str()).collect::<Vec<_>>(),
        ["sft", "reward", "dpo", "ppo"].map(Some)
    );
    assert!(stages.iter().all(|stage| total(stage) > 50 << 20), "{told}");
    assert!(told["tokens_read_per_second"].as_f64() > Some(0.0), "{told}");
}
