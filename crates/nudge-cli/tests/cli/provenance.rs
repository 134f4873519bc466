//! What made a folder stands in it, and makes it again; and what the rules say of it is told.

use crate::support::{Place, example, stories};
use serde_json::{Value, json};

fn run_json(place: &Place, folder: &str) -> Value {
    serde_json::from_str(&place.read(&format!("{folder}/run.json"))).expect("JSON")
}

fn place() -> Place {
    let place = Place::new();
    place.write("pack.jsonl", &example("packs/dialogue.jsonl", 24));
    place.write("options.toml", "learning_rate = 0.002\n");
    place
}

#[test]
fn a_run_says_what_made_it_and_is_repeated_from_that() {
    let place = place();
    let summary = place.done("dpo --policy sft --comparisons pack.jsonl --epochs 2 --config options.toml --out first");
    let record = run_json(&place, "first");
    let option = |name: &str| record["options"][name].clone();
    assert_eq!(option("epochs"), json!({ "value": 2.0, "from": "flag" }));
    assert_eq!(option("learning_rate"), json!({ "value": 0.002, "from": "file" }));
    assert_eq!(option("seed"), json!({ "value": 1, "from": "default" }));
    assert_eq!((&record["data"][0]["flag"], &record["data"][0]["records"]), (&json!("comparisons"), &json!(24)));
    assert_eq!(record["data"][0]["sha256"].as_str().map(str::len), Some(64));
    assert_eq!((&record["models"][0]["flag"], &record["models"][0]["name"]), (&json!("policy"), &json!("sft")));
    assert_eq!(record["results"]["steps"], summary["steps"]);
    assert!(record["nudge"]["commit"].is_string() && record["finished_at"].is_string(), "{record}");
    // Only where it goes is said anew.
    place.done("dpo --config first/run.json --out second");
    let weights = |folder: &str| std::fs::read(place.path(folder).join("model.safetensors")).expect("weights");
    assert!(weights("first") == weights("second"), "repeated, it is another model");
    place.refused("sft --model sft --data pack.jsonl --config first/run.json --out third", &["first/run.json"]);
}

#[test]
fn records_say_what_made_them_and_are_made_again_from_that() {
    let place = place();
    place.done("sample --model sft --prompts prompts.jsonl --k 2 --max-new-tokens 8 --out first.jsonl");
    let record: Value = serde_json::from_str(&place.read("first.run.json")).expect("JSON");
    assert_eq!(record["options"]["k"], json!({ "value": 2, "from": "flag" }));
    assert_eq!(record["options"]["temperature"], json!({ "value": 0.5, "from": "model" }));
    assert_eq!((&record["data"][0]["flag"], &record["data"][0]["records"]), (&json!("prompts"), &json!(10)));
    assert!(record["results"]["steps"].as_u64() > Some(0) && record["finished_at"].is_string(), "{record}");
    place.done("sample --config first.run.json --out second.jsonl");
    assert_eq!(place.read("second.jsonl"), place.read("first.jsonl"));
    place.done("rank --candidates first.jsonl --labeler shorter --out ranked.jsonl");
    let record: Value = serde_json::from_str(&place.read("ranked.run.json")).expect("JSON");
    assert_eq!((&record["command"], &record["data"][0]["path"]), (&json!("rank"), &json!("first.jsonl")));
}

#[test]
fn a_judge_that_was_trained_against_is_no_judge() {
    let place = place();
    place.done("reward --model sft --comparisons pack.jsonl --epochs 1 --out reward");
    place.done("dpo --policy sft --comparisons pack.jsonl --epochs 1 --out dpo");
    // What was left to the model is what was used.
    let options = &run_json(&place, "dpo")["options"];
    assert_eq!(options["learning_rate"], json!({ "value": 0.00005, "from": "model" }));
    assert_eq!(options["rpo_alpha"], json!({ "value": 0.0, "from": "model" }));
    let ppo = "ppo --policy sft --reward reward --prompts prompts.jsonl --episodes 8 --batch-size 8 --max-new-tokens 8";
    place.done(&format!("{ppo} --out ppo"));
    for (tuned, code, part) in [
        ("ppo", "partial_judge", "tuned to please"),
        ("dpo", "kindred_judge", "learnt from the rankings that this model"),
    ] {
        let words = format!("compare --a {tuned} --b sft --prompts prompts.jsonl --max-new-tokens 8 --reward reward");
        let found = place.done(&words);
        let finding = |finding: &&Value| finding["code"] == code;
        let finding = found["findings"].as_array().expect("findings").iter().find(finding).expect("it is caught");
        assert!(finding["sentence"].as_str().is_some_and(|sentence| sentence.contains(part)), "{finding}");
        assert!(found["next"].as_str().is_some_and(|next| next.contains("--labeler me")), "{found}");
    }
}

#[test]
fn a_run_that_diverged_fails() {
    let place = place();
    place.write("demonstrations.jsonl", &example("demonstrations.train.jsonl", 60));
    let ended = place.run("sft --model sft --data demonstrations.jsonl --learning-rate 10 --epochs 3 --out wreck");
    assert_eq!(ended.code, Some(1), "{}{}", ended.out, ended.err);
    assert!(ended.err.contains("diverged") && ended.err.contains("smaller learning rate"), "{}", ended.err);
}

#[test]
fn weights_that_are_not_numbers_are_not_stored() {
    let place = place();
    place.write("demonstrations.jsonl", &example("demonstrations.train.jsonl", 60));
    let one_step = "sft --model sft --data demonstrations.jsonl --batch-size 60 --epochs 1";
    for (options, part) in [
        ("--held-out 0 --learning-rate 1e38", "left the weight"),
        ("--held-out 0.2 --learning-rate 1e15", "eval_loss is NaN"),
    ] {
        let ended = place.run(&format!("{one_step} {options} --out wreck --force"));
        assert_eq!(ended.code, Some(1), "{options}: {}{}", ended.out, ended.err);
        for part in [part, "diverged", "start anew with --force and a smaller learning rate"] {
            assert!(ended.err.contains(part), "{options}: {}", ended.err);
        }
        assert!(!place.path("wreck/model.safetensors").exists(), "{options}");
    }
}

#[test]
fn a_model_that_computes_no_numbers_is_not_judged() {
    let place = place();
    place.write("demonstrations.jsonl", &example("demonstrations.train.jsonl", 60));
    place.write("stories.txt", &stories(1));
    // Its weights are numbers, of 15 digits.
    let words =
        "sft --model sft --data demonstrations.jsonl --batch-size 60 --epochs 1 --held-out 0 --learning-rate 1e15";
    place.done(&format!("{words} --out absurd"));
    for words in [
        "sample --model absurd --prompts prompts.jsonl --max-new-tokens 8 --out sampled.jsonl",
        "compare --a absurd --b sft --prompts prompts.jsonl --max-new-tokens 8 --labeler happier",
        "eval --model absurd --text stories.txt",
    ] {
        let ended = place.run(words);
        let said = ended.err.contains("is NaN or infinite") && ended.err.contains("smaller learning rate");
        assert!(ended.code == Some(1) && said && !ended.out.contains('%'), "{words}: {}{}", ended.out, ended.err);
    }
}

#[test]
fn what_was_changed_is_named() {
    let place = place();
    let words = "dpo --policy sft --comparisons pack.jsonl --batch-size 1 --epochs 40 --checkpoint-seconds 0 --out out";
    let mut run = place.command(words).spawn().expect("nudge starts");
    while !place.path("out/checkpoint/state.json").exists() {
        std::thread::sleep(std::time::Duration::from_millis(1));
    }
    run.kill().expect("a signal can be sent");
    run.wait().expect("an end");
    let ended = place.run(&format!("{words} --resume --beta 0.5"));
    assert!(ended.code == Some(1) && ended.err.contains("beta was 0.1 and is 0.5"), "{}", ended.err);
    place.done(&format!("{words} --resume --learning-rate 0.00001"));
    let record = run_json(&place, "out");
    assert_eq!(record["resumes"][0]["changed"]["learning_rate"]["to"], json!(0.00001), "{record}");
    assert_eq!(record["options"]["learning_rate"]["value"], json!(0.00001));
}

#[test]
fn machines_get_errors_as_objects_and_people_the_flag_that_they_meant() {
    let place = place();
    let ended = place.run("sft --model nothing --data pack.jsonl --out out --json");
    let error: Value = serde_json::from_str(&ended.out).expect("one object");
    assert!(error["error"].as_str().is_some_and(|error| error.contains("nothing")) && error["code"] == 1, "{error}");
    let ended = place.run("dpo --model sft --comparisons pack.jsonl --out out --json");
    let error: Value = serde_json::from_str(&ended.out).expect("one object");
    assert!(
        ended.code == Some(2) && error["code"] == 2 && ended.err.contains("--policy"),
        "{}{}",
        ended.out,
        ended.err
    );
}

#[test]
fn too_long_records_are_left_out_with_their_line() {
    let place = place();
    let long = json!({ "prompt": "Why?", "chosen": "word ".repeat(2000), "rejected": "No." });
    place.write("long.jsonl", &format!("{}{long}\n", example("packs/dialogue.jsonl", 24)));
    place.refused("dpo --policy sft --comparisons long.jsonl --epochs 1 --out out", &["long.jsonl, line 25"]);
    let ended = place.run("dpo --policy sft --comparisons long.jsonl --epochs 1 --skip-bad --out out");
    assert!(ended.code == Some(0) && ended.err.contains("long.jsonl, line 25: longer than"), "{}", ended.err);
}

#[test]
fn shells_and_manuals_know_every_command() {
    let place = place();
    let ended = place.run("completions bash");
    assert!(ended.code == Some(0) && ended.out.contains("teach") && ended.out.contains("--comparisons"));
    assert_eq!(place.run("man pages").code, Some(0));
    for page in ["nudge.1", "nudge-teach.1", "nudge-dpo.1"] {
        assert!(place.read(&format!("pages/{page}")).contains(".TH"), "{page}");
    }
    let version = place.run("--version").out;
    assert!(version.contains("commit") && version.contains("features: cpu"), "{version}");
}

#[test]
fn a_reward_model_that_is_no_better_than_a_coin_is_held_against_what_learns_from_it() {
    let place = place();
    place.done("reward --model sft --comparisons pack.jsonl --epochs 1 --out reward");
    let mut record = run_json(&place, "reward");
    record["results"]["findings"] = json!([{ "code": "coin", "level": "warning", "sentence": "It cannot be told from a coin.",
        "numbers": { "accuracy": 0.42, "low": 0.3, "high": 0.55, "pairs": 60.0 } }]);
    place.write("reward/run.json", &record.to_string());
    let ppo = "ppo --policy sft --reward reward --prompts prompts.jsonl --episodes 8 --batch-size 8 --max-new-tokens 8 --out ppo";
    let ended = place.run(&format!("{ppo} --json"));
    assert_eq!(ended.code, Some(0), "{}", ended.err);
    assert!(ended.err.contains("warning: The reward model reward that it learns from: It cannot be told from a coin."));
    let summary: Value = serde_json::from_str(&ended.out).expect("JSON");
    let findings = summary["findings"].as_array().expect("findings");
    assert!(findings.iter().any(|finding| finding["code"] == "coin"), "{summary}");
}
