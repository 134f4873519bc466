//! Runs side by side: what a report holds in each of its forms, and runs that do not belong into one.

use crate::support::{Place, example};
use serde_json::{Value, json};
use std::fs;

/// Two seeds of DPO and one of another beta; the first was compared with where it started.
fn place() -> Place {
    let place = Place::new();
    place.write("pack.jsonl", &example("packs/dialogue.jsonl", 8));
    for (out, words) in [("one", "--seed 1"), ("two", "--seed 2"), ("dear", "--seed 1 --beta 0.5")] {
        place.done(&format!("dpo --policy sft --comparisons pack.jsonl --epochs 3 {words} --out {out}"));
    }
    let words = "compare --a one --b sft --prompts prompts.jsonl --labeler shorter --max-new-tokens 8";
    place.done(&format!("{words} --pairs judged.jsonl"));
    place
}

#[test]
fn a_page_with_everything_on_it() {
    let place = place();
    let found = place.done("report one two dear --out report.html");
    assert_eq!(
        found["groups"],
        json!([{"name": "one (2 seeds)", "runs": ["one", "two"]}, {"name": "dear", "runs": ["dear"]}])
    );
    let report = place.read("report.html");
    let pictures = found["pictures"].as_array().expect("pictures");
    assert!(
        pictures.contains(&json!("loss")) && pictures.contains(&json!("win rate over where it started, over sqrt(KL)"))
    );
    for picture in pictures.iter().filter_map(Value::as_str) {
        assert!(report.contains(&format!("<figcaption>{picture}</figcaption>")), "{picture} is not in {report}");
    }
    for part in [
        // A band of the two seeds, what differs with where it came from, who won, and the texts.
        "<polygon",
        "<tr><td>beta</td><td>0.1 (default)</td><td>0.5 (flag)</td></tr>",
        "<tr><td>seeds</td><td>1; 2</td><td>1</td></tr>",
        "Compared with sft: ",
        "<th>a (after)</th>",
        "<details><summary>dear</summary>",
    ] {
        assert!(report.contains(part), "{part} is not in {report}");
    }
    assert!(!report.contains("<script") && !report.contains("<img") && !report.contains("src="), "{report}");
    place.refused("report one two --out report.html", &["report.html exists", "--out"]);
}

#[test]
fn forms_for_other_tools() {
    let place = place();
    let found = place.done("report one two dear --format svg --out pictures");
    let files: Vec<_> = fs::read_dir(place.path("pictures")).expect("a folder").collect();
    assert_eq!(files.len(), found["pictures"].as_array().expect("pictures").len());
    assert!(place.read("pictures/loss.svg").starts_with("<svg xmlns=\"http://www.w3.org/2000/svg\""));

    place.done("report one two dear --format csv --out runs.csv");
    let table = place.read("runs.csv");
    let steps = ["one", "two", "dear"].map(|run| place.records(&format!("{run}/log.jsonl")).len());
    assert_eq!(table.lines().count(), 1 + steps.iter().sum::<usize>());
    assert!(table.starts_with("group,run,seed,step,") && table.contains("\none (2 seeds),two,2,1,"), "{table}");

    place.done("report one two dear --format tensorboard --out events");
    for run in ["one", "two", "dear"] {
        let file = fs::read(place.path(format!("events/{run}/events.out.tfevents.0.nudge"))).expect("an event file");
        assert!(file.windows(13).any(|part| part == b"brain.Event:2"));
    }
}

#[test]
fn runs_that_do_not_belong_together_are_named() {
    let place = place();
    place.done("reward --model sft --comparisons pack.jsonl --epochs 1 --out reward");
    fs::create_dir(place.path("taught")).expect("a folder");
    place.write("taught/workflow.json", "{}");
    let copy = |name: &str, change: &dyn Fn(String) -> String| {
        fs::create_dir(place.path(name)).expect("a folder");
        place.write(&format!("{name}/run.json"), &place.read("one/run.json"));
        place.write(&format!("{name}/log.jsonl"), &change(place.read("one/log.jsonl")));
    };
    copy("copy", &|log| log);
    copy("again", &|log| log.replace("\"seconds\":", "\"seconds\":1"));
    copy("torn", &|log| log[..log.len() - 20].to_string());
    copy("stepless", &|log| format!("{log}{{\"loss\":1.0}}\n"));
    let lines = place.read("one/log.jsonl").lines().count();
    let (last, behind) = (format!("line {lines}"), format!("line {}", lines + 1));
    for (runs, parts) in [
        ("one reward", ["different stages", "reward: reward; tuning: one", "a report a stage"].as_slice()),
        ("one ./one", &["one and ./one are the same run", "once"]),
        ("one copy", &["one and copy hold the same run", "one of them"]),
        ("one again", &["one and again are one run made twice", "leave one out"]),
        ("one torn", &["torn/log.jsonl", &last, "--resume"]),
        ("one stepless", &["stepless/log.jsonl", &behind, "no step"]),
        ("taught", &["no run.json", "taught/runs/dpo"]),
        ("sft", &["sft is no training run", "run.json", "--out"]),
        ("nowhere", &["nowhere", "Check the path"]),
    ] {
        place.refused(&format!("report {runs} --out report.html"), parts);
    }
    fs::remove_file(place.path("two/log.jsonl")).expect("it was there");
    place.refused("report two --out report.html", &["two is no training run", "no log.jsonl"]);
    place.write("two/run.json", "{\"command\": 3}");
    place.write("two/log.jsonl", "");
    place.refused("report two --out report.html", &["two/run.json", "restore it"]);
}
