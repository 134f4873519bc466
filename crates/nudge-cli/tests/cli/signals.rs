//! Ctrl-C, closed pipes, full disks, and the person who ranks: what happens between the program and its terminal.

use crate::support::{Ended, Place, candidates, stories};
use std::io::Write;
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

const PRETRAIN: &str = "pretrain --text stories.txt --out out --vocab-size 300 --hidden-size 16 --num-hidden-layers 1 \
    --num-attention-heads 2 --intermediate-size 32 --max-position-embeddings 128 --context 32 --epochs 20";

/// `nudge` with something typed into it.
fn typed(place: &Place, words: &str, keys: &str) -> Ended {
    let mut run = place.command(words).stdin(Stdio::piped()).spawn().expect("nudge starts");
    run.stdin.take().expect("its input").write_all(keys.as_bytes()).expect("it reads");
    Ended::from(run.wait_with_output().expect("an end"))
}

#[test]
fn a_file_that_outgrows_its_limit_is_named() {
    let place = Place::new();
    let words = "sample --model sft --prompts prompts.jsonl --max-new-tokens 30 --out sampled.jsonl";
    let mut limited = Command::new("sh");
    limited.args(["-c", "ulimit -f 1; exec \"$@\"", "sh", env!("CARGO_BIN_EXE_nudge")]).args(words.split_whitespace());
    let ended = Ended::from(limited.current_dir(place.path("")).output().expect("sh starts"));
    assert!(ended.code == Some(1) && ended.err.contains("sampled.jsonl"), "{:?}: {}", ended.code, ended.err);
    assert!(ended.err.contains("error: ") && ended.err.contains("too large"), "{}", ended.err);
}

#[test]
fn an_interrupt_saves_and_says_how_to_go_on() {
    let place = Place::new();
    place.write("stories.txt", &stories(60));
    let run = place.command(PRETRAIN).spawn().expect("nudge starts");
    while !place.path("out/log.jsonl").exists() || place.read("out/log.jsonl").is_empty() {
        sleep(Duration::from_millis(1));
    }
    // Twice, as `timeout` and others do.
    for _ in 0..2 {
        Command::new("kill").args(["-INT", &run.id().to_string()]).status().expect("a signal can be sent");
    }
    let ended = Ended::from(run.wait_with_output().expect("an end"));
    assert_eq!(ended.code, Some(130), "{}", ended.err);
    let (_, advice) = ended.err.split_once("Go on with:\n  ").unwrap_or_else(|| panic!("no advice: {}", ended.err));
    assert!(place.path("out/checkpoint/state.json").exists());
    // The advice is a command line: it works as it stands.
    let words: Vec<&str> = advice.split_whitespace().collect();
    assert_eq!(words.last(), Some(&"--resume"));
    let ended = place.run(&words[1..].join(" "));
    assert_eq!(ended.code, Some(0), "{}", ended.err);
    assert!(ended.err.contains("going on after step"), "{}", ended.err);
    assert!(place.path("out/model.safetensors").exists() && !place.path("out/checkpoint").exists());
}

#[test]
fn a_step_of_minutes_is_left_between_two_minibatches() {
    let place = Place::with_reward_model();
    let ppo = "ppo --policy sft --reward reward --prompts prompts.jsonl --episodes 64 --batch-size 32 --num-iterations \
        100000 --max-new-tokens 8 --out out";
    let run = place.command(ppo).spawn().expect("nudge starts");
    while !place.path("out/log.jsonl").exists() {
        sleep(Duration::from_millis(1));
    }
    sleep(Duration::from_millis(500));
    Command::new("kill").args(["-INT", &run.id().to_string()]).status().expect("a signal can be sent");
    let ended = Ended::from(run.wait_with_output().expect("an end"));
    assert_eq!(ended.code, Some(130), "{}", ended.err);
    assert!(ended.err.contains("interrupted") && ended.err.contains("Go on with:"), "{}", ended.err);
    assert_eq!(place.read("out/log.jsonl"), "", "it waited for the step");
}

#[test]
fn a_reader_that_went_away_is_no_error() {
    let place = Place::new();
    for words in ["--help", "eval --model sft --text prompts.jsonl", "compare --help"] {
        let mut run = place.command(words).spawn().expect("nudge starts");
        drop(run.stdout.take());
        let ended = Ended::from(run.wait_with_output().expect("an end"));
        assert_eq!(ended.code, Some(0), "nudge {words}: {}", ended.err);
        assert!(!ended.err.contains("panicked"), "{}", ended.err);
    }
}

#[test]
fn a_person_ranks_and_stops_and_goes_on() {
    let place = Place::new();
    place.write("candidates.jsonl", &candidates(3));
    let rank = "rank --candidates candidates.jsonl --out out.jsonl --labeler-name me";
    // A typing mistake, a ranking, a second thought, another ranking, enough.
    let ended = typed(&place, rank, "1 2\n1 2 3 4\nu\n4 > 2=1 > 3\nq\n");
    assert_eq!(ended.code, Some(0), "{}", ended.err);
    assert!(ended.err.contains("completion 3 is missing") && ended.err.contains("--resume"), "{}", ended.err);
    assert!(!place.path("out.jsonl").exists());
    place.refused(rank, &["out.jsonl.partial is an unfinished run", "--resume"]);
    let first = place.records("out.jsonl.partial");
    // What is skipped is left out.
    let ended = typed(&place, &format!("{rank} --resume --json"), "s\n1 2 3 4\n");
    let summary: serde_json::Value = serde_json::from_str(&ended.out).expect("a summary");
    let numbers = serde_json::json!({
        "command": "rank", "out": "out.jsonl", "records": 2, "skipped": 1, "flagged": 0, "repeats": 0, "complete": true
    });
    assert_eq!(summary, numbers);
    assert_eq!(place.records("out.skipped.jsonl")[0]["skipped"], true);
    let records = place.records("out.jsonl");
    assert_eq!((records.len(), &records[0]), (2, &first[0]));
    assert_eq!((&records[1]["id"], &records[1]["labeler"]), (&"c2".into(), &"me".into()));
    // The ranking is that of the completions as they were shown: 4 is the best, 2 and 1 tie, 3 is the worst.
    let shown: Vec<&str> = ended_completions(&ended.err, 4);
    let best = records[1]["ranking"][0][0].as_u64().expect("an index") as usize;
    assert_eq!(records[1]["completions"][best]["text"], shown[0]);
    let groups: Vec<usize> = records[0]["ranking"].as_array().expect("groups").iter().map(group_size).collect();
    assert_eq!(groups, [1, 2, 1]);
    place.done("reward --model sft --comparisons out.jsonl --epochs 1 --out reward");
}

fn group_size(group: &serde_json::Value) -> usize {
    group.as_array().expect("a group").len()
}

/// The completions that were shown last.
fn ended_completions(screen: &str, count: usize) -> Vec<&str> {
    let completions: Vec<&str> = screen
        .lines()
        .filter_map(|line| line.trim_start().split_once(". ").filter(|(n, _)| n.len() == 1))
        .map(|(_, text)| text)
        .collect();
    completions[completions.len() - count..].to_vec()
}

#[test]
fn chat_answers_every_line() {
    let place = Place::new();
    let ended = typed(&place, "chat --model sft --max-new-tokens 8", "Hello.\n\nTell me a story.\n/quit\nNot this.\n");
    assert_eq!((ended.code, ended.out.lines().count()), (Some(0), 2), "{}{}", ended.out, ended.err);
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_named_and_nothing_is_lost() {
    let place = Place::new();
    place.write("stories.txt", &stories(60));
    let ended = place.run(&format!("{PRETRAIN} --log /dev/full"));
    assert_eq!(ended.code, Some(1));
    assert!(ended.err.contains("/dev/full") && ended.err.contains("free some space"), "{}", ended.err);

    // The disk fills up while weights are written: the checkpoint from before stays whole.
    let mut run = place.command(&format!("{PRETRAIN} --force --checkpoint-seconds 0")).spawn().expect("nudge starts");
    while !place.path("out/checkpoint/state.json").exists() {
        sleep(Duration::from_millis(1));
    }
    run.kill().expect("a signal can be sent");
    run.wait().expect("an end");
    let limited = format!("trap '' XFSZ; ulimit -f 16; exec \"$0\" {PRETRAIN} --resume --checkpoint-seconds 0");
    let mut shell = Command::new("sh");
    shell.args(["-c", &limited, env!("CARGO_BIN_EXE_nudge")]).current_dir(place.path(""));
    let ended = Ended::from(shell.output().expect("a shell"));
    assert_eq!(ended.code, Some(1), "{}", ended.err);
    assert!(
        ended.err.contains("error: cannot write out/checkpoint") && ended.err.contains("--resume"),
        "{}",
        ended.err
    );
    let ended = place.run(&format!("{PRETRAIN} --resume"));
    assert_eq!(ended.code, Some(0), "{}", ended.err);
    assert!(ended.err.contains("going on after step"), "{}", ended.err);

    let ended = Command::new("sh")
        .args(["-c", "exec \"$0\" eval --model sft --text prompts.jsonl > /dev/full", env!("CARGO_BIN_EXE_nudge")])
        .current_dir(place.path(""))
        .output();
    let ended = Ended::from(ended.expect("a shell"));
    assert!(ended.code == Some(1) && ended.err.contains("standard output"), "{}", ended.err);
}
