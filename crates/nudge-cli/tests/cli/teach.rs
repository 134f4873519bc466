//! One guided run: what it leaves, that it goes on wherever it was cut off, and what it refuses.

use crate::support::{Ended, Place, example, files};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

const TEACH: &str = "teach --model sft --prompts prompts.jsonl --labeler shorter --rankings 12 --completions 3 \
    --max-new-tokens 8 --checkpoint-seconds 0 --out taught";

fn place() -> Place {
    let place = Place::new();
    place.write("prompts.jsonl", &example("prompts.jsonl", 40));
    place.write("demonstrations.jsonl", &example("demonstrations.train.jsonl", 20));
    place
}

/// Everything in the workflow that tells no time.
fn artefacts(place: &Place) -> BTreeMap<PathBuf, Vec<u8>> {
    let timed = |path: &Path| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        name == "log.jsonl" || name.ends_with("run.json")
    };
    files(&place.path("taught")).into_iter().filter(|(path, _)| !timed(path)).collect()
}

#[test]
fn a_workflow_of_an_earlier_built_in_model_is_left_alone() {
    let place = place();
    std::fs::create_dir(place.path("taught")).expect("a folder");
    let command = TEACH.replace("--model sft", "--model builtin:sft");
    for begun in [
        json!({"version": 1, "asked": {"model": "builtin:sft", "rankings": 12}}),
        json!({"version": 1, "asked": {"model": "builtin:sft", "built-in": "another", "rankings": 12}}),
        json!({"version": 1, "asked": {}, "page": {"name": "mine", "base": null, "notes": []}}),
    ] {
        place.write("taught/workflow.json", &begun.to_string());
        place.refused(&command, &["taught was begun with a built-in model that has been replaced", "--out"]);
        assert_eq!(place.read("taught/workflow.json"), begun.to_string(), "nothing of it is touched");
    }
}

#[test]
fn prompts_become_a_model_with_a_report_and_a_card() {
    let place = place();
    let summary = place.done(&format!("{TEACH} --demonstrations demonstrations.jsonl"));
    assert_eq!(summary["model"], "taught/runs/dpo");
    let comparison = &summary["comparison"];
    let count = |name: &str| comparison[name].as_u64().expect("a count");
    assert_eq!(count("wins") + count("ties") + count("losses"), 10, "{summary}");
    assert_eq!(place.records("taught/rankings.jsonl").len(), 12);
    // Before is the untouched start; what tuning added to the examples stands beside it.
    let record: Value = serde_json::from_str(&place.read("taught/judgements.run.json")).expect("what made it");
    assert_eq!(record["arguments"]["b"], serde_json::json!(["sft"]), "{record}");
    assert!(summary["over_examples_alone"]["win_rate"].is_number(), "{summary}");
    assert_eq!((place.records("taught/prompts.jsonl").len(), place.records("taught/held_out.jsonl").len()), (30, 10));
    let held_out: Vec<Value> = place.records("taught/held_out.jsonl");
    assert!(place.records("taught/prompts.jsonl").iter().all(|prompt| !held_out.contains(prompt)), "nothing leaks");
    let card = place.read("taught/runs/dpo/README.md");
    for part in
        ["base_model: sft", "## Compared with where it started", "95 % interval", "| comparisons | `rankings.jsonl` |"]
    {
        assert!(card.contains(part), "{part} is not in {card}");
    }
    let html = place.read("taught/report.html");
    assert!(html.contains("<svg") && html.contains("Completions side by side") && !html.contains("<script"), "{html}");
    // The same command again has nothing to do and says the same.
    let again = place.done(&format!("{TEACH} --demonstrations demonstrations.jsonl"));
    assert_eq!(again, summary);
    a_spoiled_model_is_not_recommended(&place);
    place.refused(
        &format!("{TEACH} --rankings 3").replacen("--rankings 12 ", "", 1),
        &["taught was begun otherwise", "rankings was 12 and is 3"],
    );
}

/// A finished run says its verdict each time, where a log keeps it.
fn a_spoiled_model_is_not_recommended(place: &Place) {
    let path = "taught/judgements.verdict.json";
    let mut outcome: Value = serde_json::from_str(&place.read(path)).expect("a verdict");
    let again = format!("{TEACH} --demonstrations demonstrations.jsonl");
    for (level, mark, recommended) in
        [("bad", "SPOILED", false), ("warning", "suspicious", true), ("good", "good", true)]
    {
        outcome["findings"] =
            json!([{ "code": "x", "level": level, "numbers": {}, "sentence": "It speaks in circles." }]);
        outcome["next"] = "nudge dpo --learning-rate 1e-5".into();
        place.write(path, &outcome.to_string());
        let ended = place.run(&again);
        assert_eq!(ended.code, Some(0), "{}", ended.err);
        assert!(
            ended.out.contains(&format!("  {mark}")) && ended.out.contains("It speaks in circles."),
            "{}",
            ended.out
        );
        assert_eq!(ended.out.contains("Talk to it:"), recommended, "{level}: {}", ended.out);
        assert_eq!(ended.out.contains("Next:\n  nudge dpo"), level != "good", "{level}: {}", ended.out);
    }
}

#[test]
fn a_workflow_that_is_killed_anywhere_ends_in_the_same_bytes() {
    let (unbroken, broken) = (place(), place());
    let words = format!("{TEACH} --method ppo --options ppo.toml");
    for place in [&unbroken, &broken] {
        place.write("ppo.toml", "episodes = 32\nbatch_size = 8\n");
    }
    unbroken.done(&words);
    for begun in [
        "taught/workflow.json",
        "taught/candidates.jsonl.state",
        "taught/candidates.jsonl",
        "taught/runs/reward/checkpoint",
        "taught/runs/reward/README.md",
        "taught/runs/ppo/checkpoint",
        "taught/runs/ppo/model.safetensors",
        "taught/judgements.jsonl.state",
        "taught/judgements.jsonl",
    ] {
        kill_when(&broken, || broken.command(&words).spawn().expect("nudge starts"), begun);
    }
    broken.done(&words);
    let (left, right) = (artefacts(&unbroken), artefacts(&broken));
    assert_eq!(left.keys().collect::<Vec<_>>(), right.keys().collect::<Vec<_>>());
    for (path, bytes) in &left {
        assert!(right[path] == *bytes, "{} differs", path.display());
    }
}

#[test]
fn ten_kills_at_random_moments_change_nothing() {
    let unbroken = place();
    let clock = Instant::now();
    unbroken.done(TEACH);
    let expected = artefacts(&unbroken);
    let start = |place: &Place| place.command(TEACH).spawn().expect("nudge starts");
    killed_at_random(clock.elapsed(), start, |place| assert!(artefacts(place) == expected, "it ended elsewhere"));
}

/// Kills runs until ten kills have met one, and lets each end as `check` says. Moments follow from a seed; what they meet
/// follows from the machine. `NUDGE_KILLED_RUNS=10` makes a hundred kills of the ten.
fn killed_at_random(whole: Duration, start: impl Fn(&Place) -> Child, check: impl Fn(&Place)) {
    let kills = std::env::var("NUDGE_KILLED_RUNS").map_or(10, |runs| 10 * runs.parse::<usize>().expect("a number"));
    let (mut rng, mut killed, mut runs) = (nudge_data::Rng::new(17), 0, 0);
    while killed < kills {
        let broken = place();
        let ended_before = |run: Child| {
            sleep(whole.mul_f32(rng.uniform() / 2.0));
            !kill(run)
        };
        let met = std::iter::repeat_with(|| start(&broken)).map(ended_before).position(|ended| ended);
        killed += met.expect("a run ends");
        runs += 1;
        let ended = start(&broken).wait_with_output().expect("an end");
        assert!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stderr));
        check(&broken);
    }
    println!("{killed} kills met {runs} runs");
}

/// Starts the run and kills it as soon as `path` is there; one that ends before is as good.
fn kill_when(place: &Place, start: impl Fn() -> Child, path: &str) {
    let mut run = start();
    let patience = Instant::now() + Duration::from_secs(120);
    while !place.path(path).exists() && run.try_wait().expect("a status").is_none() {
        assert!(Instant::now() < patience, "{path} never appears");
        sleep(Duration::from_millis(1));
    }
    kill(run);
}

/// Kills a run; tells whether it had not ended yet.
fn kill(mut run: Child) -> bool {
    let met = run.try_wait().expect("a status").is_none();
    let _ = run.kill();
    run.wait().expect("a status");
    met
}

/// A person who types; whoever they rank for reads as much as it needs.
const PERSON: &str = "teach --model sft --prompts prompts.jsonl --rankings 12 --completions 2 --compared 4 \
    --max-new-tokens 24 --out taught";

/// Starts a run in which a person types `keys`.
fn typing(place: &Place, words: &str, keys: &str) -> Child {
    let mut run = place.command(words).stdin(Stdio::piped()).spawn().expect("nudge starts");
    let _ = run.stdin.take().expect("its input").write_all(keys.as_bytes());
    run
}

/// The same to its end.
fn typed(place: &Place, words: &str, keys: &str) -> Ended {
    Ended::from(typing(place, words, keys).wait_with_output().expect("an end"))
}

/// What a workflow holds that does not follow from who ranked, and when.
fn impersonal(place: &Place) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = artefacts(place);
    found.retain(|path, _| {
        let name = path.to_string_lossy();
        name.contains("prompts") || name.ends_with("candidates.jsonl") || name.ends_with(".safetensors")
    });
    for name in ["rankings.jsonl", "judgements.jsonl"] {
        let mut records = place.records(&format!("taught/{name}"));
        for record in records.iter_mut().map(|record| record.as_object_mut().expect("a record")) {
            record.retain(|key, _| !["labeler", "seconds", "started_at", "usable"].contains(&key.as_str()));
        }
        found.insert(name.into(), serde_json::to_vec(&records).expect("JSON"));
    }
    found
}

#[test]
fn ranking_while_the_next_are_sampled_changes_no_byte() {
    let (one_by_one, beside, killed) = (place(), place(), place());
    // A program judges when all is sampled; it prefers what it is shown first, as the person does.
    let judge = "while read line; do echo '{\"ranking\": [[0], [1]]}'; done";
    let ended = one_by_one.command(PERSON).args(["--judge-command", judge]).output().expect("nudge starts");
    assert!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stderr));
    let keys = "1 2\n".repeat(20);
    let clock = Instant::now();
    let ended = typed(&beside, PERSON, &keys);
    let whole = clock.elapsed();
    assert_eq!(ended.code, Some(0), "{}", ended.err);
    assert!(ended.err.contains("the next ones are sampled while you rank"), "{}", ended.err);
    let expected = impersonal(&one_by_one);
    assert_eq!(expected.keys().collect::<Vec<_>>(), impersonal(&beside).keys().collect::<Vec<_>>());
    for (path, bytes) in impersonal(&beside) {
        assert!(expected[&path] == bytes, "{} differs", path.display());
    }
    // Killed while both go on, and at any other moment.
    for begun in ["taught/candidates.jsonl.state", "taught/rankings.jsonl.partial"] {
        kill_when(&killed, || typing(&killed, PERSON, &keys), begun);
    }
    assert_eq!(typed(&killed, PERSON, &keys).code, Some(0));
    assert!(impersonal(&killed) == expected, "it ended elsewhere");
    let start = |place: &Place| typing(place, PERSON, &keys);
    killed_at_random(whole, start, |place| assert!(impersonal(place) == expected, "it ended elsewhere"));
}

#[test]
fn who_stops_early_stops_the_sampling_too() {
    let place = place();
    place.write("prompts.jsonl", &example("prompts.jsonl", 300));
    let words = PERSON.replace("--rankings 12", "--rankings 150");
    let ended = typed(&place, &words, "2 1\nq\n");
    assert_eq!(ended.code, Some(0), "{}", ended.err);
    assert!(ended.err.contains("Saved: 1 ranking") && ended.err.contains("rank: 1 of 150 records"), "{}", ended.err);
    let sampled = place.records("taught/candidates.jsonl.partial");
    assert!((1..150).contains(&sampled.len()), "{} are whole", sampled.len());
    assert!(!place.path("taught/candidates.jsonl.lock").exists() && !place.path("taught/.lock").exists());
    let ended = typed(&place, &words, "2 1\nq\n");
    assert!(ended.err.contains("Saved: 2 rankings"), "{}", ended.err);
    let further = place.records("taught/candidates.jsonl.partial");
    assert_eq!(further[..sampled.len()], sampled, "what was whole was kept");
    assert_eq!(place.records("taught/rankings.jsonl.partial")[1]["id"], further[1]["id"]);
}

#[test]
fn who_cannot_sample_says_why_to_who_would_rank() {
    let place = place();
    let ended = typed(&place, &PERSON.replace("--model sft", "--model nothing"), "1 2\n");
    assert!(ended.code == Some(1) && ended.err.contains("error: there is no model nothing"), "{}", ended.err);
}

#[test]
fn a_person_stops_and_goes_on_by_the_same_command() {
    let place = place();
    let words = "teach --model sft --prompts prompts.jsonl --rankings 3 --completions 2 --compared 2 --max-new-tokens 8 \
        --out taught";
    let ended = typed(&place, words, "1 2\nq\n");
    assert_eq!(ended.code, Some(0), "{}", ended.err);
    let (_, advice) = ended.err.split_once("Go on with:\n  ").unwrap_or_else(|| panic!("no advice: {}", ended.err));
    assert!(!advice.contains("--resume"), "{advice}");
    let ended = typed(&place, words, "1 2\n2 1\n1 2\n1\n1 = 2\n0\n");
    assert_eq!(ended.code, Some(0), "{}", ended.err);
    assert!(ended.err.contains("Which was which") && ended.out.contains("runs/dpo"), "{}{}", ended.err, ended.out);
    assert_eq!(place.records("taught/judgements.jsonl").len(), 2);
}

/// A person who shows two answers, ranks nothing, and judges.
const SHOWN: &str = "teach --model sft --prompts prompts.jsonl --examples 3 --rankings 0 --compared 2 \
    --max-new-tokens 8 --out taught";

#[test]
fn a_person_shows_what_they_want_and_that_may_be_enough() {
    let place = place();
    // The first answer, then the terminal closes.
    let ended = typed(&place, SHOWN, "\nA dog ran.\nIt was happy.\n.\n\nHalf an");
    assert_eq!(place.records("taught/demonstrations.jsonl").len(), 2, "the end of input ends an answer: {}", ended.err);
    std::fs::remove_dir_all(place.path("taught")).expect("removes");
    let ended = typed(&place, SHOWN, "\nA dog ran.\nIt was happy.\n.\ns\n\nA cat sat.\n.\n1 2\n1\n2 1\nboth\n");
    assert_eq!(ended.code, Some(0), "{}", ended.err);
    let examples = place.records("taught/demonstrations.jsonl");
    assert_eq!(examples.len(), 2);
    assert_eq!(examples[0]["completion"], "A dog ran.\nIt was happy.");
    let prompts = place.records("taught/prompts.jsonl");
    assert_eq!((&examples[0]["prompt"], &examples[1]["prompt"]), (&prompts[0]["prompt"], &prompts[2]["prompt"]));
    assert!(ended.err.contains("few examples: 2") && ended.err.contains("2 demonstrations: "), "{}", ended.err);
    assert!(ended.out.contains("usable: ") && ended.out.contains("taught/runs/sft"), "{}", ended.out);
    assert!(!place.path("taught/rankings.jsonl").exists());
}

#[test]
fn prompts_with_an_example_are_not_judged_on() {
    let place = place();
    let prompts: Vec<Value> = place.records("prompts.jsonl");
    let line =
        |prompt: &Value| format!("{}\n", serde_json::json!({ "prompt": prompt["prompt"], "completion": "A dog ran." }));
    place.write("examples.jsonl", &prompts[..38].iter().map(line).collect::<String>());
    place.done(
        "teach --model sft --prompts prompts.jsonl --demonstrations examples.jsonl --rankings 0 --labeler shorter \
         --max-new-tokens 8 --out taught",
    );
    let held_out = place.records("taught/held_out.jsonl");
    assert_eq!(held_out.len(), 2);
    assert!(held_out.iter().all(|prompt| !prompts[..38].contains(prompt)), "{held_out:?}");
}

#[test]
fn what_cannot_be_taught_is_named() {
    let place = place();
    place.write("few.jsonl", &example("prompts.jsonl", 3));
    std::fs::create_dir(place.path("used")).expect("a folder");
    place.write("used/file", "something");
    let refused =
        |words: &str, parts: &[&str]| place.refused(&format!("teach --model sft --labeler shorter {words}"), parts);
    refused("--prompts prompts.jsonl --out out --method dop", &["--method dop is none", "dpo"]);
    refused("--prompts prompts.jsonl --out out --completions 1", &["--completions 1"]);
    refused("--prompts prompts.jsonl --out out --rankings 0", &["--rankings 0", "--demonstrations", "--examples"]);
    refused("--prompts prompts.jsonl --out used", &["used is not empty and no workflow"]);
    refused("--prompts nothing.jsonl --out out", &["nothing.jsonl"]);
    // A typo binds no folder.
    let typo = |words: &str, part: &str| {
        let ended = place.run(&format!("teach --prompts prompts.jsonl --out typo {words}"));
        assert!(ended.code == Some(1) && ended.err.contains(part), "{words}: {}", ended.err);
        assert!(!place.path("typo").exists(), "{words}");
    };
    typo("--model sfd --labeler shorter", "no model sfd");
    typo("--model sft --labeler shortest", "no simulated labeler is called `shortest`");
    typo("--model sft --judge-command no-such-judge", "no program no-such-judge");
    let ended = place.run("teach --model sft --labeler shorter --prompts few.jsonl --out out");
    assert!(ended.code == Some(1) && ended.err.contains("few.jsonl: there are 3 different prompts"), "{}", ended.err);
}
