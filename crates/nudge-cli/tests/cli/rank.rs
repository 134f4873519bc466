//! Rankings that can be trusted: orders, times, flags, repeats, several labelers, what is asked first.

use crate::support::{Ended, Place, candidates};
use serde_json::{Value, json};
use std::io::Write;
use std::process::Stdio;

/// `nudge` with something typed into it, which must succeed.
fn typed(place: &Place, words: &str, keys: &str) -> Ended {
    let mut run = place.command(words).stdin(Stdio::piped()).spawn().expect("nudge starts");
    run.stdin.take().expect("its input").write_all(keys.as_bytes()).expect("it reads");
    let ended = Ended::from(run.wait_with_output().expect("an end"));
    assert_eq!(ended.code, Some(0), "{}", ended.err);
    ended
}

/// The texts of a record from best to worst.
fn order(record: &Value) -> Vec<Vec<&str>> {
    let text = |index: &Value| record["completions"][index.as_u64().expect("an index") as usize]["text"].as_str();
    let group = |group: &Value| group.as_array().expect("a group").iter().map(|i| text(i).expect("a text")).collect();
    record["ranking"].as_array().expect("groups").iter().map(group).collect()
}

#[test]
fn how_a_ranking_came_about_stands_beside_it() {
    let place = Place::new();
    place.write("candidates.jsonl", &candidates(3));
    let rank = "rank --candidates candidates.jsonl --out out.jsonl --labeler-name me --seed 5";
    typed(&place, rank, "f harmful\nf off topic\nf harmful\n3 1 = 2 4\nf nonsense\ns\ns\n");
    let records = place.records("out.jsonl");
    let [record] = records.as_slice() else { panic!("{records:?}") };
    let shown: Vec<&str> = record["shown"]
        .as_array()
        .expect("an order")
        .iter()
        .map(|index| {
            record["completions"][index.as_u64().expect("an index") as usize]["text"].as_str().expect("a text")
        })
        .collect();
    assert_eq!(order(record)[0], [shown[2]]);
    assert_eq!(order(record)[2], [shown[3]]);
    assert_eq!((&record["order_seed"], &record["flags"]), (&json!(5), &json!(["off_topic"])));
    assert!(record["started_at"].as_str().is_some_and(|time| time.ends_with('Z')) && record["seconds"].is_number());
    // Screens that were passed over are no rankings, but they can be ranked.
    let skipped = place.records("out.skipped.jsonl");
    assert_eq!((skipped.len(), &skipped[0]["flags"], &skipped[1]["flags"]), (2, &json!(["nonsense"]), &Value::Null));
    place.refused(
        "reward --model sft --comparisons out.skipped.jsonl --out reward",
        &["out.skipped.jsonl", "waiting to be ranked", "no comparisons"],
    );
    place.done("rank --candidates out.skipped.jsonl --labeler shorter --out again.jsonl");
    assert_eq!(place.records("again.jsonl")[0]["skipped"], Value::Null);
}

#[test]
fn the_best_answer_is_made_better_or_a_new_one_written() {
    let place = Place::new();
    place.write("candidates.jsonl", &candidates(3));
    let rank = "rank --candidates candidates.jsonl --out out.jsonl";
    // An edit that is empty or no other text is not kept, and the screen stays.
    let first = place.records("candidates.jsonl")[0]["completions"][0]["text"].as_str().expect("a text").to_string();
    let keys = format!("e 2\n.\ne 9\nw\n{first}\n.\ne 2\nMuch\nbetter.\n.\nw\nMine.\n.\nw\nMine too.\n.\n");
    let ended = typed(&place, rank, &keys);
    for part in ["Nothing was written", "`9` is no completion", "the same text as completion 0", "examples teach more"]
    {
        assert!(ended.err.contains(part), "{part} is not in {}", ended.err);
    }
    let records = place.records("out.jsonl");
    assert_eq!(records[0]["edit"], json!({ "of": records[0]["shown"][1], "text": "Much\nbetter." }));
    assert_eq!(records[1]["edit"], json!({ "text": "Mine." }));
    assert_eq!(records[1]["ranking"].as_array().map(Vec::len), Some(1), "the others share the last place");
}

#[test]
fn examples_rank_above_the_models_own_completions() {
    let place = Place::new();
    let line = |prompt: &str| format!("{}\n", json!({ "prompt": prompt, "completion": "A dog ran home." }));
    place.write("examples.jsonl", &["Tell me a story.", "What did the dog do?"].map(line).concat());
    for out in ["dpo", "again"] {
        place.done(&format!("dpo --policy sft --examples examples.jsonl --epochs 1 --held-out 0 --out {out}"));
    }
    let weights = |name: &str| std::fs::read(place.path(name)).expect("weights");
    assert!(weights("dpo/model.safetensors") == weights("again/model.safetensors"), "always the same completions");
    place.done("reward --model sft --examples examples.jsonl --epochs 1 --held-out 0 --out reward");
    let ended = place.run("dpo --policy sft --out none");
    assert!(ended.code == Some(2) && ended.err.contains("--comparisons"), "{}", ended.err);
}

#[test]
fn what_was_decided_is_moved_aside() {
    let place = Place::new();
    place.write("candidates.jsonl", &candidates(3));
    let rank = "rank --candidates candidates.jsonl --out out.jsonl";
    typed(&place, rank, "1 2 3 4\n2 1 3 4\nq\n");
    let before = place.read("out.jsonl.partial");
    let ended = typed(&place, &format!("{rank} --force"), "4 3 2 1\nq\n");
    assert!(ended.err.contains("what was decided before is now out.jsonl.partial.1"), "{}", ended.err);
    assert_eq!(place.read("out.jsonl.partial.1"), before);
    assert_eq!(place.records("out.jsonl.partial").len(), 1);
}

#[test]
fn repeats_measure_a_labeler_and_are_learnt_from_once() {
    let place = Place::new();
    place.write("candidates.jsonl", &candidates(4));
    let rank = "rank --candidates candidates.jsonl --out out.jsonl --repeat 0.5";
    // Stopped in the middle and taken up.
    typed(&place, rank, "1 2 3 4\n1 2 3 4\n1 2 3 4\nq\n");
    let ended = typed(&place, &format!("{rank} --resume --json"), &"1 2 3 4\n".repeat(3));
    let summary: Value = serde_json::from_str(&ended.out).expect("a summary");
    assert_eq!((&summary["records"], &summary["repeats"]), (&json!(6), &json!(2)));
    assert!(ended.err.contains("again, in another order"), "{}", ended.err);
    let records = place.records("out.jsonl");
    for repeat in records.iter().filter(|record| !record["repeat_of"].is_null()) {
        let first = records.iter().find(|record| record["id"] == repeat["repeat_of"]).expect("the first ranking");
        assert!(first["shown"] != repeat["shown"] && first["completions"] == repeat["completions"]);
    }
    let agreement = place.done("agreement --rankings out.jsonl");
    assert_eq!(agreement["with_themselves"][0]["screens"], 2);
    let ended = place.run("reward --model sft --comparisons out.jsonl --epochs 1 --out reward");
    assert!(ended.code == Some(0) && ended.err.contains("2 of 6 rankings repeat a screen"), "{}", ended.err);
}

#[test]
fn equal_completions_are_one_completion() {
    let place = Place::new();
    let record = |id: &str, texts: &[&str]| {
        let completions: Vec<Value> = texts.iter().map(|text| json!({ "text": text })).collect();
        format!("{}\n", json!({ "id": id, "prompt": "p", "completions": completions }))
    };
    place.write("c.jsonl", &(record("a", &["x", "x"]) + &record("b", &["x", "y", "x"])));
    let ended = typed(&place, "rank --candidates c.jsonl --out out.jsonl", "1 2\n");
    assert!(ended.err.contains("1 record is left out") && ended.err.contains("[1/1]"), "{}", ended.err);
    let records = place.records("out.jsonl");
    let mut groups = order(&records[0]);
    groups.sort();
    assert_eq!(groups, [vec!["x", "x"], vec!["y"]]);
    place.write("equal.jsonl", &record("a", &["x", "x"]));
    place.refused("rank --candidates equal.jsonl --out none.jsonl", &["equal completions", "--temperature"]);
}

#[test]
fn several_labelers_become_one_and_circles_are_listed() {
    let place = Place::new();
    place.write("candidates.jsonl", &candidates(6));
    for (labeler, out) in [("shorter", "a.jsonl"), ("happier", "b.jsonl"), ("mentions_an_animal", "c.jsonl")] {
        place.done(&format!("rank --candidates candidates.jsonl --labeler {labeler} --out {out}"));
    }
    let merged = place.done("data merge --rankings a.jsonl b.jsonl c.jsonl a.jsonl --out merged.jsonl");
    assert_eq!((&merged["rankings"], &merged["duplicates"]), (&json!(24), &json!(6)));
    assert_eq!(merged["screens"].as_array().map(Vec::len), Some(6));
    let records = place.records("merged.jsonl");
    assert_eq!(json!(records.len()), merged["records"]);
    assert_eq!(records[0]["labelers"].as_array().map(Vec::len), Some(3));
    place.refused("data merge --rankings a.jsonl --out merged.jsonl", &["merged.jsonl exists", "--force"]);
    place.done("reward --model sft --comparisons merged.jsonl --epochs 1 --out reward");

    let ranking = |id: &str, better: &str, worse: &str| {
        let completions = [json!({ "text": better }), json!({ "text": worse })];
        format!(
            "{}\n",
            json!({"id": id, "prompt": "p", "completions": completions, "ranking": [[0], [1]], "labeler": "ann"})
        )
    };
    place.write("circle.jsonl", &(ranking("1", "a", "b") + &ranking("2", "b", "c") + &ranking("3", "c", "a")));
    let found = place.done("agreement --rankings circle.jsonl");
    assert_eq!(found["contradictions"][0]["labeler"], "ann");
    assert_eq!(found["contradictions"][0]["steps"][1], json!({ "better": "b", "rankings": ["2"] }));
    let ended = place.run("agreement --rankings circle.jsonl");
    assert!(ended.out.contains("better: b [2]"), "{}", ended.out);
}

#[test]
fn files_are_split_by_prompt() {
    let place = Place::new();
    place.write("candidates.jsonl", &candidates(10));
    place.done("rank --candidates candidates.jsonl --labeler shorter --out r.jsonl");
    let split = "data split --data r.jsonl r.jsonl --held-out 0.3 --seed 2 --train train.jsonl --test test.jsonl";
    let found = place.done(split);
    assert_eq!(found["train"], json!({ "records": 14, "prompts": 7 }));
    assert_eq!(found["test"], json!({ "records": 6, "prompts": 3 }));
    let prompts =
        |name: &str| -> Vec<Value> { place.records(name).iter().map(|record| record["prompt"].clone()).collect() };
    let (train, test) = (prompts("train.jsonl"), prompts("test.jsonl"));
    assert!(train.len() == 14 && test.iter().all(|prompt| !train.contains(prompt)));
    place.refused(split, &["train.jsonl exists", "--force"]);
    let refused = |flags: &str, parts: &[&str]| place.refused(&format!("data split --data {flags}"), parts);
    refused("r.jsonl --held-out 2 --train a --test b", &["--held-out 2", "from 0 to 1"]);
    refused("r.jsonl --train a --test a", &["both a"]);
    place.write("none.jsonl", "{\"prompt\":\"p\"}\n{\"completion\":\"c\"}\n");
    refused("none.jsonl --train a --test b", &["none.jsonl, line 2", "no prompt"]);
    place.write("one.jsonl", "{\"prompt\":\"p\"}\n");
    refused("one.jsonl --train a --test b", &["only 1 prompt", "two or more"]);
}

#[test]
fn what_reward_models_disagree_about_is_asked_first() {
    let place = Place::new();
    place.write("candidates.jsonl", &candidates(8));
    place.done("rank --candidates candidates.jsonl --labeler shorter --out r.jsonl");
    for seed in [1, 2] {
        place.done(&format!("reward --model sft --comparisons r.jsonl --epochs 1 --seed {seed} --out reward{seed}"));
    }
    let rank = "rank --candidates candidates.jsonl --labeler shorter --limit 5";
    place.done(&format!("{rank} --reward reward1 reward2 --out active.jsonl"));
    let active = place.records("active.jsonl");
    let disagreement = |record: &Value| record["choice"]["disagreement"].as_f64().expect("a number");
    assert_eq!(active.len(), 5);
    assert!(active.windows(2).all(|pair| disagreement(&pair[0]) >= disagreement(&pair[1])), "{active:?}");
    assert!(disagreement(&active[0]) > 0.0 && active[0]["choice"]["by"] == "disagreement");
    place.done(&format!("{rank} --reward reward1 reward2 --choose random --seed 3 --out random.jsonl"));
    let random = place.records("random.jsonl");
    assert!(random.iter().all(|record| record["choice"]["by"] == "random" && disagreement(record) >= 0.0));
    let ids = |records: &[Value]| records.iter().map(|record| record["id"].clone()).collect::<Vec<_>>();
    assert_ne!(ids(&random), ids(&active));
    let ended = typed(
        &place,
        "rank --candidates candidates.jsonl --limit 1 --reward reward1 reward2 --out person.jsonl",
        "1 2 3 4\n",
    );
    assert!(ended.err.contains("[1/1]"), "{}", ended.err);
    let person = place.records("person.jsonl");
    assert_eq!((&person[0]["id"], &person[0]["choice"]), (&active[0]["id"], &active[0]["choice"]));
    place.refused(&format!("{rank} --reward reward1 --out none.jsonl"), &["two or more", "--choose random"]);
    place.refused(&format!("{rank} --choose disagreement --out none.jsonl"), &["two or more", "nudge reward"]);
    place.refused("rank --candidates candidates.jsonl --repeat 2 --out none.jsonl", &["--repeat 2", "from 0 to 1"]);
}
