//! Who judges: a person who does not know which completion is whose, and programs, good and bad.

use crate::support::{Ended, Place, candidates};
use serde_json::{Value, json};
use std::io::Write;
use std::process::Stdio;

const COMPARE: &str = "compare --a sft --b base --prompts prompts.jsonl --max-new-tokens 8 --pairs judged.jsonl";

fn typed(place: &Place, words: &str, keys: &str) -> Ended {
    let mut run = place.command(words).stdin(Stdio::piped()).spawn().expect("nudge starts");
    run.stdin.take().expect("its input").write_all(keys.as_bytes()).expect("it reads");
    Ended::from(run.wait_with_output().expect("an end"))
}

/// `nudge` with a program that judges, given as a shell's words.
fn judged(place: &Place, words: &str, program: &str) -> Ended {
    Ended::from(place.command(words).args(["--judge-command", program]).output().expect("nudge starts"))
}

#[test]
fn a_person_judges_blind_stops_and_goes_on() {
    let place = Place::new();
    let words = format!("{COMPARE} --labeler me");
    let ended = typed(&place, &words, "1 2\nu\n2 1\n1 = 2\nq\n");
    assert_eq!(ended.code, Some(0), "{}", ended.err);
    assert!(ended.err.contains("Saved: 2 of 10 pairs") && !place.path("judged.jsonl").exists(), "{}", ended.err);
    place.refused(&words, &["judged.jsonl is an unfinished comparison", "--resume"]);
    let ended = typed(&place, &format!("{words} --resume --json"), &"1 2\n".repeat(8));
    let verdict: Value = serde_json::from_str(&ended.out).expect("a verdict");
    assert_eq!((&verdict["ties"], &verdict["simulated"]), (&json!(1), &json!(false)), "{verdict}");
    assert!(verdict["kl"].is_f64(), "how far it has moved stands beside a person's judgement: {verdict}");
    let record: Value = serde_json::from_str(&place.read("judged.run.json")).expect("what made it");
    assert_eq!((&record["command"], &record["arguments"]["labeler"]), (&json!("compare"), &json!(["me"])));
    assert_eq!(record["models"].as_array().map(Vec::len), Some(2));
    let pairs = place.records("judged.jsonl");
    assert_eq!(pairs.len(), 10);
    // The first of the two was chosen from the third pair on: which model that was follows from the order shown.
    let orders: Vec<&Value> = pairs.iter().map(|pair| &pair["shown"]).collect();
    assert!(orders.contains(&&json!([0, 1])) && orders.contains(&&json!([1, 0])), "the order is shuffled: {orders:?}");
    for pair in &pairs[2..] {
        let first = if pair["shown"] == json!([0, 1]) { "a" } else { "b" };
        assert_eq!(pair["preference"], first, "{pair}");
    }
    assert!(!place.path("judged.jsonl.run.json").exists());
    assert!(!place.path("judged.jsonl.sampled").exists() && !place.path("judged.jsonl.judged").exists());
    place.refused(&format!("{COMPARE} --labeler me --force").replace(" --pairs judged.jsonl", ""), &["--pairs"]);
}

#[test]
fn a_program_judges_without_knowing_whose_is_whose() {
    let place = Place::new();
    // Always the first that it sees: over shuffled orders that is no preference for a model.
    let ended = judged(&place, &format!("{COMPARE} --json"), "while read line; do echo '{\"scores\": [1, 0]}'; done");
    assert_eq!(ended.code, Some(0), "{}", ended.err);
    let verdict: Value = serde_json::from_str(&ended.out).expect("a verdict");
    assert!(verdict["wins"].as_u64() > Some(0) && verdict["losses"].as_u64() > Some(0), "{verdict}");
    assert!(verdict["judge"].as_str().is_some_and(|judge| judge.starts_with("program:while")), "{verdict}");
    assert_eq!(verdict["simulated"], true);
    place.write("candidates.jsonl", &candidates(3));
    let reply = "while read line; do echo '{\"ranking\": [[2], [0, 1], [3]]}'; done";
    let ended = judged(&place, "rank --candidates candidates.jsonl --out ranked.jsonl --json", reply);
    assert_eq!(ended.code, Some(0), "{}", ended.err);
    for record in place.records("ranked.jsonl") {
        let shown = record["shown"].as_array().expect("an order");
        assert_eq!(record["ranking"][0][0], shown[2], "{record}");
    }
}

#[test]
fn bad_programs_are_named_and_nothing_is_lost() {
    let place = Place::new();
    place.write("candidates.jsonl", &candidates(3));
    let words = "rank --candidates candidates.jsonl --out ranked.jsonl";
    let good = "read line; echo '{\"scores\": [1, 2, 3, 4]}';";
    for (program, parts) in [
        (format!("{good} exit 3"), ["ended (exit status: 3)", "before it had judged `c1`"]),
        (format!("{good} read line; echo 'The second, I think.'; sleep 5"), ["on `c1`", "it replied: The second"]),
        ("no-such-program-here".into(), ["ended", "127"]),
    ] {
        let ended = judged(&place, &format!("{words} --force"), &program);
        assert_eq!(ended.code, Some(1), "{}", ended.err);
        parts.iter().for_each(|part| assert!(ended.err.contains(part), "{part} is not in {}", ended.err));
        assert!(!place.path("ranked.jsonl").exists());
    }
    let ended = judged(&place, &format!("{words} --force --judge-timeout 1"), &format!("{good} sleep 20"));
    assert!(ended.code == Some(1) && ended.err.contains("gave no reply to `c1` in 1 s"), "{}", ended.err);
    // What the program had started ended with it.
    let child = format!("{good} (sleep 4; touch outlived) & wait");
    let ended = judged(&place, &format!("{words} --force --judge-timeout 1"), &child);
    assert!(ended.code == Some(1) && ended.err.contains("gave no reply"), "{}", ended.err);
    // A line without end, and a program that closes its output and stays.
    for (program, part) in [
        (format!("{good} yes | tr -d '\\n'"), "a line of more than 1 MiB"),
        (format!("{good} exec >&-; sleep 20"), "it closed its output"),
    ] {
        let ended = judged(&place, &format!("{words} --force"), &program);
        assert!(ended.code == Some(1) && ended.err.contains(part), "{program}: {}", ended.err);
    }
    std::thread::sleep(std::time::Duration::from_secs(3));
    assert!(!place.path("outlived").exists(), "a child of the judge outlived it");
    // What it had judged before is kept.
    assert_eq!(place.records("ranked.jsonl.partial").len(), 1);
    let ended =
        judged(&place, &format!("{words} --resume"), "while read line; do echo '{\"scores\": [1, 2, 3, 4]}'; done");
    assert_eq!((ended.code, place.records("ranked.jsonl").len()), (Some(0), 3), "{}", ended.err);
}
