//! Runs that are given to other trainers: rows in their schema, and scripts that a shell can read.

use crate::support::{Place, example};
use serde_json::{Value, json};
use std::fs;
use std::process::Command;

const RANKING: &str =
    r#"{"id":"1","prompt":"p","completions":[{"text":"a"},{"text":"b"},{"text":"c"}],"ranking":[[1],[0,2]]}"#;

fn place() -> Place {
    let place = Place::with_reward_model();
    place.write("rankings.jsonl", &format!("{RANKING}\n"));
    place
}

fn hand_over(place: &Place, words: &str, out: &str) -> Vec<Value> {
    let ended = place.run(&format!("hand-over {words} --out {out}"));
    assert_eq!(ended.code, Some(0), "{words}: {}", ended.err);
    place.records(&format!("{out}/data/train.jsonl"))
}

#[test]
fn a_ranking_becomes_a_row_a_pair_and_ties_are_counted() {
    let place = place();
    let rows = hand_over(&place, "--to trl --policy sft --comparisons rankings.jsonl", "trl");
    let said = |text: &str| json!([{"role": "assistant", "content": text}]);
    let asked = json!([{"role": "user", "content": "p"}]);
    assert_eq!(rows[0], json!({"prompt": asked, "chosen": said("b"), "rejected": said("a")}));
    assert_eq!(rows.len(), 2);
    assert!(place.read("trl/README.md").contains("1 tied pairs are left out"));
    let script = place.read("trl/launch.sh");
    for words in ["trl.scripts.dpo", "--beta 0.1", "--loss_type sigmoid", "(4 + GPUS"] {
        assert!(script.contains(words), "{words} is not in {script}");
    }
    assert!(!script.contains("--use_peft"), "a small model trains whole here: {script}");
    place.write("lora.toml", "finetuning = \"lora\"\n");
    hand_over(&place, "--to trl --policy sft --comparisons rankings.jsonl --config lora.toml", "lora");
    assert!(place.read("lora/launch.sh").contains("--use_peft --lora_r 16"));
    assert!(!script.contains("--learning_rate"), "Nudge chooses it by what trains");
    let rows = hand_over(&place, "--to nemo-rl --policy sft --comparisons rankings.jsonl", "nemo");
    assert_eq!(rows[0]["completions"][0], json!({"rank": 0, "completion": said("b")}));
}

#[test]
fn completions_that_are_judged_by_themselves_become_a_row_each() {
    let place = place();
    place.write("other.jsonl", &RANKING.replace("\"p\"", "\"q\"").replace("[[1],[0,2]]", "[[0],[1],[2]]"));
    let rows = hand_over(&place, "--to trl --method kto --policy sft --comparisons rankings.jsonl other.jsonl", "kto");
    let row = |prompt: &str, text: &str, label: bool| {
        let [prompt, completion] =
            [("user", prompt), ("assistant", text)].map(|(role, content)| json!([{"role": role, "content": content}]));
        json!({"prompt": prompt, "completion": completion, "label": label})
    };
    // Of `other` the one in the middle wins as often as it loses. Neighbours have different prompts where they can.
    assert_eq!(
        rows,
        [row("p", "a", false), row("q", "a", true), row("p", "b", true), row("q", "c", false), row("p", "c", false)]
    );
    let script = place.read("kto/launch.sh");
    for words in ["trl.scripts.kto", "--desirable_weight 1", "--undesirable_weight 1", "--beta 0.1", "> 2 ?"] {
        assert!(script.contains(words), "{words} is not in {script}");
    }
    assert!(place.read("kto/README.md").contains("1 completions that win as many as they lose are left out"));
    place.write("labels.jsonl", "{\"prompt\":\"p\",\"completion\":\"x\",\"label\":false}\n");
    let rows = hand_over(&place, "--to trl --method kto --policy sft --comparisons labels.jsonl", "labels");
    assert_eq!(rows, [row("p", "x", false)]);
}

#[test]
fn options_of_a_file_carry_over_and_the_others_are_listed() {
    let place = place();
    place.write("run.toml", "beta = 0.3\nlearning_rate = 1e-5\nfinetuning = \"full\"\nstop_margin = 4.0\n");
    let words = "--to trl --policy sft --comparisons rankings.jsonl --config run.toml";
    hand_over(&place, words, "out");
    let script = place.read("out/launch.sh");
    assert!(script.contains("--beta 0.3") && script.contains("--learning_rate"), "{script}");
    assert!(!script.contains("--use_peft"), "{script}");
    assert!(place.read("out/README.md").contains("`stop_margin` = 4.0"));
}

#[test]
fn every_trainer_gets_every_method_that_it_has() {
    let place = place();
    let online = "--policy builtin:sft --reward reward --prompts prompts.jsonl";
    let offline = "--policy sft --comparisons rankings.jsonl";
    for (trainer, methods) in [
        ("trl", ["reward", "dpo", "kto", "grpo", "rloo"].as_slice()),
        ("openrlhf", &["reward", "dpo", "ppo", "grpo", "rloo", "reinforce"]),
        ("verl", &["ppo", "grpo", "rloo"]),
        ("nemo-rl", &["reward", "dpo"]),
    ] {
        for method in methods {
            let out = format!("{trainer}-{method}");
            let material = if ["reward", "dpo", "kto"].contains(method) { offline } else { online };
            let rows = hand_over(&place, &format!("--to {trainer} --method {method} {material}"), &out);
            assert!(!rows.is_empty());
            let script = place.path(format!("{out}/launch.sh"));
            let checked = Command::new("sh").arg("-n").arg(&script).status().expect("there is a shell");
            assert!(checked.success(), "{}", fs::read_to_string(script).unwrap());
        }
    }
    // What only Nudge reads goes along as a folder that transformers reads.
    assert!(place.path("verl-ppo/policy/model.safetensors").exists());
    assert!(place.read("verl-ppo/launch.sh").contains("POLICY=policy\n"));
    assert!(place.read("verl-ppo/launch.sh").contains("algorithm.kl_ctrl.type=adaptive"));
}

#[test]
fn what_cannot_be_handed_over_is_named() {
    let place = place();
    place.write("ties.jsonl", &RANKING.replace("[[1],[0,2]]", "[[0,1,2]]"));
    for (words, parts) in [
        ("--to trl --method ppo --policy sft", ["trl does not train ppo", "but openrlhf, verl does"]),
        (
            "--to verl --method kto --policy sft --comparisons rankings.jsonl",
            ["verl does not train kto", "but trl does"],
        ),
        ("--to lamini --policy sft", ["no trainer lamini", "nemo-rl"]),
        ("--to verl --method grpo --policy sft", ["--prompts FILE", "--reward M"]),
        ("--to trl --policy sft", ["dpo learns from rankings", "--comparisons FILE"]),
        ("--to trl --policy sft --comparisons ties.jsonl", ["tie everything", "above others"]),
        ("--to trl --policy sft --comparisons rankings.jsonl --config sft", ["sft", "error"]),
    ] {
        let ended = place.run(&format!("hand-over {words} --out out"));
        assert_eq!(ended.code, Some(1), "{words}: {}", ended.err);
        assert!(parts.iter().all(|part| ended.err.contains(part)), "{words}: {}", ended.err);
        assert!(!place.path("out").exists(), "{words}");
    }
}

#[test]
fn a_workflow_is_handed_over_as_it_stands() {
    let place = Place::new();
    place.write("prompts.jsonl", &example("prompts.jsonl", 30));
    let taught = "teach --model sft --prompts prompts.jsonl --rankings 4 --labeler shorter --method dpo --out taught";
    assert_eq!(place.run(taught).code, Some(0));
    assert!(!hand_over(&place, "--to trl --workflow taught", "handed").is_empty());
    // With the options that it was tuned with: all rankings teach, and every weight.
    let readme = place.read("handed/README.md");
    assert!(!readme.contains("held_out") && !place.read("handed/launch.sh").contains("--use_peft"), "{readme}");
}

/// A name that runs something wherever a shell reads it unquoted, or in the wrong quotes.
const HOSTILE: &str = "m$(touch ran)`touch ran`;touch ran&'\"}";

/// Words that the script gives to a trainer, which is a stub.
fn words_of(place: &Place, script: &str, trainer: &str) -> Vec<String> {
    let bin = place.path("bin");
    fs::create_dir_all(&bin).expect("works");
    let given = place.path("given");
    let stub = bin.join(trainer);
    fs::write(&stub, format!("#!/bin/sh\nprintf '%s\\n' \"$@\" > '{}'\n", given.display())).expect("works");
    assert!(Command::new("chmod").arg("+x").arg(&stub).status().expect("works").success());
    let path = format!("{}:{}", bin.display(), std::env::var("PATH").expect("works"));
    let ended = Command::new("sh").arg(place.path(script)).env("PATH", path).current_dir(place.path(".")).output();
    let ended = ended.expect("there is a shell");
    assert!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stderr));
    fs::read_to_string(given).expect("works").lines().map(String::from).collect()
}

#[cfg(unix)]
#[test]
fn no_name_of_a_stranger_is_run_by_the_script() {
    let place = place();
    fs::rename(place.path("sft"), place.path(HOSTILE)).expect("works");
    place.write("rankings.jsonl", &format!("{RANKING}\n"));
    fs::create_dir(place.path("workflow")).expect("works");
    place.write("workflow/workflow.json", &json!({ "asked": { "model": HOSTILE } }).to_string());
    place.write("workflow/rankings.jsonl", &format!("{RANKING}\n"));
    let policy: &[&str] = &["--policy", HOSTILE, "--comparisons", "rankings.jsonl"];
    let workflow: &[&str] = &["--workflow", "workflow"];
    for (trainer, program, material) in [
        ("trl", "python", policy),
        ("trl", "python", workflow),
        ("openrlhf", "deepspeed", policy),
        ("nemo-rl", "env", policy),
    ] {
        let out = format!("{trainer}-{}", material.len());
        let mut command = place.command(&format!("hand-over --to {trainer} --method dpo --out {out}"));
        let ended = command.args(material).env("NEMO_RL", "clone").output().expect("works");
        assert!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stderr));
        let script = format!("{out}/launch.sh");
        place.write(&script, &place.read(&script).replace("${NEMO_RL:?a clone of NVIDIA-NeMo/RL}", "clone"));
        let words = words_of(&place, &script, program);
        let model = place.path(HOSTILE).canonicalize().expect("works").display().to_string();
        assert!(words.iter().any(|word| word.ends_with(&model)), "{trainer}: {words:?}");
        assert!(!place.path("ran").exists() && !place.path(format!("{out}/ran")).exists(), "{trainer} ran a name");
    }
    // A variable of the environment still goes before the name, and further words go to the trainer.
    let script = place.read("trl-4/launch.sh");
    assert!(script.contains("[ -n \"${POLICY-}\" ] || POLICY='") && script.contains("exec "), "{script}");
}

#[cfg(unix)]
#[test]
fn what_a_second_shell_would_run_is_refused() {
    let place = place();
    fs::rename(place.path("sft"), place.path(HOSTILE)).expect("works");
    let mut command =
        place.command("hand-over --to openrlhf --method ppo --reward reward --prompts prompts.jsonl --out o");
    let ended = command.args(["--policy", HOSTILE]).output().expect("works");
    let said = String::from_utf8_lossy(&ended.stderr);
    assert!(!ended.status.success() && said.contains("a second shell"), "{said}");
    assert!(!place.path("o").exists());
}

#[test]
fn targets_of_adapters_are_names_of_matrices() {
    let place = place();
    for target in ["q_proj,$(touch ran)", "q_proj & touch ran", "--trust_remote_code", "a`b`"] {
        place.write("run.toml", &format!("lora_target_modules = {}\n", json!(target)));
        for method in ["dpo", "reward"] {
            let words =
                format!("--to trl --method {method} --policy sft --comparisons rankings.jsonl --config run.toml");
            place.refused(&format!("hand-over {words} --out out"), &["lora_target_modules", "q_proj,v_proj"]);
        }
    }
    place.write("run.toml", "finetuning = \"lora\"\nlora_target_modules = \"q_proj, v_proj\"\n");
    hand_over(&place, "--to trl --policy sft --comparisons rankings.jsonl --config run.toml", "out");
    assert!(place.read("out/launch.sh").contains("--lora_target_modules q_proj v_proj"));
}
