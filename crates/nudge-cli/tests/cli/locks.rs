//! Two processes and one output: the second is refused by the name of the first, and a killed process holds nothing.

use crate::support::{Place, candidates, example, stories};
use std::process::{Child, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

const PRETRAIN: &str = "pretrain --text stories.txt --out out --vocab-size 300 --hidden-size 16 --num-hidden-layers 1 \
    --num-attention-heads 2 --intermediate-size 32 --max-position-embeddings 128 --context 32 --epochs 1000";
const SAMPLE: &str = "sample --model sft --prompts prompts.jsonl --k 8 --batch-size 1 --out out.jsonl";
const RANK: &str = "rank --candidates candidates.jsonl --out out.jsonl";
const TEACH: &str = "teach --model sft --prompts prompts.jsonl --rankings 3 --out out";

fn place() -> Place {
    let place = Place::new();
    place.write("stories.txt", &stories(60));
    place.write("prompts.jsonl", &example("prompts.jsonl", 150));
    place.write("candidates.jsonl", &candidates(3));
    place
}

/// Starts a run that does not end by itself and waits until it has taken its output.
fn started(place: &Place, words: &str, lock: &str) -> Child {
    let mut run = place.command(words).stdin(Stdio::piped()).spawn().expect("nudge starts");
    let patience = Instant::now() + Duration::from_secs(60);
    while !std::fs::read_to_string(place.path(lock)).is_ok_and(|text| text.ends_with('}')) {
        assert!(run.try_wait().expect("a status").is_none(), "it ended: {words}");
        assert!(Instant::now() < patience, "it takes no lock: {words}");
        sleep(Duration::from_millis(1));
    }
    run
}

/// A second process is refused, whatever it is asked to do, and leaves every file to the first.
fn refused_beside(words: &str, lock: &str, second: &[&str]) {
    let place = place();
    let mut first = started(&place, words, lock);
    for more in second {
        let ended = place.run(&format!("{words} {more}"));
        assert_eq!(ended.code, Some(1), "nudge {words} {more}: {}{}", ended.out, ended.err);
        for part in ["is being written by process", &first.id().to_string(), words, "wait for it to end"] {
            assert!(ended.err.contains(part), "nudge {words} {more}: `{part}` is not in: {}", ended.err);
        }
    }
    first.kill().expect("a signal can be sent");
    first.wait().expect("an end");
    assert!(place.path(lock).exists(), "a killed process removes nothing");
    // Nobody holds what a killed process left.
    let mut next = started(&place, &format!("{words} {}", if words == TEACH { "" } else { "--resume" }), lock);
    next.kill().expect("a signal can be sent");
    next.wait().expect("an end");
}

#[test]
fn a_training_run() {
    refused_beside(PRETRAIN, "out/.lock", &["", "--resume", "--force"].repeat(4)[..10]);
}

#[test]
fn records() {
    refused_beside(SAMPLE, "out.jsonl.lock", &["", "--resume", "--force"]);
}

#[test]
fn a_sitting() {
    refused_beside(RANK, "out.jsonl.lock", &["", "--resume", "--force"].repeat(4)[..10]);
}

#[test]
fn a_workflow() {
    refused_beside(TEACH, "out/.lock", &["", ""]);
}

#[test]
fn of_two_that_start_at_once_one_writes() {
    let place = place();
    for round in 0..10 {
        let out = format!("round{round}");
        let sample = format!("sample --model sft --prompts prompts.jsonl --max-new-tokens 1 --out {out}");
        let mut runs: Vec<Child> = (0..2).map(|_| place.command(&sample).spawn().expect("nudge starts")).collect();
        let codes: Vec<Option<i32>> = runs.iter_mut().map(|run| run.wait().expect("an end").code()).collect();
        // The second comes while the first works, or after it.
        assert!(codes.contains(&Some(0)) && codes.contains(&Some(1)), "{codes:?}");
        assert_eq!(place.records(&out).len(), 150);
        assert!(!place.path(format!("{out}.lock")).exists());
    }
}

#[test]
fn whatever_writes_is_refused_beside_another() {
    let lab = |which: &str, output: &str| format!("lab {which} --quick --{output}");
    let report = "--report out.html";
    let rows: Vec<(String, &str)> = [
        ("demo --quick --out out", "out/.lock"),
        ("demo --quick --report out.html", "out.html.lock"),
        ("export --to gguf --model sft --out out", "out.lock"),
        ("hand-over --to trl --method dpo --policy hub:a/b --comparisons pack.jsonl --out out", "out.lock"),
        ("data convert --to preference pack.jsonl out.jsonl", "out.jsonl.lock"),
        ("data mix --data pack.jsonl --out out.jsonl", "out.jsonl.lock"),
        ("data mix --data pack.jsonl --out other.jsonl --held-out out.jsonl", "out.jsonl.lock"),
        ("data split --data pack.jsonl --train out.jsonl --test other.jsonl", "out.jsonl.lock"),
        ("data split --data pack.jsonl --train other.jsonl --test out.jsonl", "out.jsonl.lock"),
        ("data merge --rankings pack.jsonl pack.jsonl --out out.jsonl", "out.jsonl.lock"),
        ("man out", "out/.lock"),
    ]
    .map(|(words, lock)| (words.to_string(), lock))
    .into_iter()
    .chain(["methods", "shapes"].map(|which| (lab(which, "out out.jsonl"), "out.jsonl.lock")))
    .chain(["methods", "shapes"].map(|which| (lab(which, "report out.html"), "out.html.lock")))
    .chain([
        (format!("lab frontier --log log.jsonl {report}"), "out.html.lock"),
        (format!("lab oracle {report}"), "out.html.lock"),
        ("lab instruct --stories stories.txt --held-out-stories stories.txt --out out.jsonl".into(), "out.jsonl.lock"),
        (format!("lab preferences --comparisons pack.jsonl {report}"), "out.html.lock"),
        (format!("bench {report}"), "out.html.lock"),
        (format!("calibrate --reward reward --comparisons pack.jsonl {report}"), "out.html.lock"),
        (format!("compare --a sft --b base --prompts prompts.jsonl --labeler shorter {report}"), "out.html.lock"),
        (format!("{TEACH} {report}"), "out.html.lock"),
    ])
    .collect();
    for (words, lock) in rows {
        let place = Place::new();
        std::fs::create_dir_all(place.path(lock).parent().expect("a folder")).expect("a folder");
        let first = std::fs::File::create(place.path(lock)).expect("a lock");
        first.lock().expect("nobody else holds it");
        let holder = r#"{"pid":4711,"command":"nudge demo","since":"2026-01-02T03:04:05Z"}"#;
        std::fs::write(place.path(lock), holder).expect("who holds it");
        place.refused(&words, &["is being written by process 4711 (`nudge demo`, since 2026", "wait for it to end"]);
    }
}
