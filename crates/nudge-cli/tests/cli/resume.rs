//! SIGKILL in the middle of every stage, then the same command with `--resume`: what comes out is, byte for byte, what
//! the unbroken run leaves. `eval` is not here: it writes nothing that could be lost.
//!
//! A run that started over would also end in the same bytes. So the log must still hold the first run's wall-clock
//! times, which no second run repeats, and the program must say behind which step it goes on.

use crate::support::{Place, candidates, example, files, stories};
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// Steps that must be on the disk before the run is killed.
const STEPS: usize = 4;
/// Numbers of a log line that tell the time, not the training.
const CLOCKS: [&str; 4] = ["seconds", "tokens_per_second", "pairs_per_second", "eps"];

const PRETRAIN: &str = "pretrain --text stories.txt --out out --vocab-size 300 --hidden-size 16 --num-hidden-layers 1 \
    --num-attention-heads 2 --intermediate-size 32 --max-position-embeddings 128 --context 32 --batch-size 8 --epochs 1";
const SFT: &str =
    "sft --model base --data demonstrations.jsonl --stories stories.txt --mined 60 --batch-size 8 --epochs 3 --out out";
const REWARD: &str = "reward --model sft --comparisons pack.jsonl --batch-size 2 --epochs 4 --out out";
const DPO: &str = "dpo --policy sft --comparisons pack.jsonl --batch-size 2 --epochs 4 --out out";
const KTO: &str = "kto --policy sft --comparisons pack.jsonl --batch-size 2 --epochs 4 --out out";
const ORPO: &str = "orpo --policy sft --comparisons pack.jsonl --batch-size 2 --epochs 4 --out out";
const GRPO: &str = "grpo --policy sft --reward reward --prompts prompts.jsonl --k 2 --episodes 96 --batch-size 4 \
    --max-new-tokens 8 --out out";
const RLOO: &str = "rloo --policy sft --reward reward --prompts prompts.jsonl --k 2 --episodes 96 --batch-size 4 \
    --max-new-tokens 8 --out out";
const REINFORCE: &str = "reinforce --policy sft --reward reward --prompts prompts.jsonl --episodes 96 --batch-size 4 \
    --max-new-tokens 8 --out out";
const BEST_OF: &str = "best-of --n 2 --policy sft --reward reward --prompts prompts.jsonl --batch-size 2 \
    --max-new-tokens 8 --out out.jsonl --log log.jsonl";
const PPO: &str = "ppo --policy sft --reward reward --prompts prompts.jsonl --episodes 96 --batch-size 4 \
    --max-new-tokens 8 --adaptive-kl 6:100 --out out";
const SAMPLE: &str = "sample --model sft --prompts prompts.jsonl --k 2 --batch-size 2 --max-new-tokens 8 --out out.jsonl --log log.jsonl";
const RANK: &str = "rank --candidates candidates.jsonl --labeler happier --out out.jsonl";
const SCORE: &str = "score --reward reward --data candidates.jsonl --out out.jsonl";
const COMPARE: &str = "compare --a sft --b base --prompts prompts.jsonl --labeler shorter --batch-size 1 \
    --max-new-tokens 8 --pairs out.jsonl --log log.jsonl";

/// A place with what every stage reads.
fn place() -> Place {
    let place = Place::new();
    place.write("stories.txt", &stories(40));
    place.write("demonstrations.jsonl", &example("demonstrations.train.jsonl", 60));
    place.write("pack.jsonl", &example("packs/dialogue.jsonl", 24));
    place.write("prompts.jsonl", &example("prompts.jsonl", 150));
    place.write("candidates.jsonl", &candidates(300));
    place.done("reward --model sft --comparisons pack.jsonl --epochs 1 --out reward");
    place
}

/// Starts a run and kills it when `progress` holds some lines and a checkpoint is there.
fn kill(place: &Place, words: &str, progress: &str, checkpoint: &str) {
    let mut run = place.command(&format!("{words} --checkpoint-seconds 0 --json")).spawn().expect("nudge starts");
    let patience = Instant::now() + Duration::from_secs(60);
    let lines = || std::fs::read_to_string(place.path(progress)).map_or(0, |text| text.lines().count());
    while lines() < STEPS || !place.path(checkpoint).exists() {
        assert!(run.try_wait().expect("a status").is_none(), "it ended before it could be killed: {words}");
        assert!(Instant::now() < patience, "no step is made: {words}");
        sleep(Duration::from_millis(1));
    }
    run.kill().expect("a signal can be sent");
    assert_eq!(run.wait().expect("a status").code(), None, "it ended before it was killed: {words}");
}

/// Goes on; gives the step behind which, as the program says.
fn go_on(place: &Place, words: &str) -> (usize, String) {
    let ended = place.run(&format!("{words} --json --resume"));
    assert_eq!(ended.code, Some(0), "{words}: {}", ended.err);
    let said = ended.err.lines().find_map(|line| line.split_once(": going on after step "));
    let step = said.and_then(|(_, rest)| rest.split(' ').next()?.parse().ok());
    (step.unwrap_or_else(|| panic!("it started over: {words}: {}", ended.err)), ended.out)
}

/// A log without the time.
fn timeless(log: &str) -> Vec<Value> {
    let line = |line: &str| {
        let mut value: Value = serde_json::from_str(line).expect("a JSON line");
        CLOCKS.iter().for_each(|clock| drop(value.as_object_mut().expect("an object").remove(*clock)));
        value
    };
    log.lines().map(line).collect()
}

/// Everything in the folder of a training run but what tells the time: its log and its record.
fn artefacts(place: &Place) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = files(&place.path("out"));
    for timed in ["log.jsonl", "run.json"] {
        found.remove(Path::new(timed)).unwrap_or_else(|| panic!("there is no {timed}"));
    }
    found
}

/// The first `count` lines of a text.
fn first_lines(text: &str, count: usize) -> String {
    text.split_inclusive('\n').take(count).collect()
}

/// One stage that makes a model.
fn training_survives(words: &str) {
    let (unbroken, broken) = (place(), place());
    unbroken.done(&format!("{words} --checkpoint-seconds 0"));
    kill(&broken, words, "out/log.jsonl", "out/checkpoint/state.json");
    assert!(!broken.path("out/model.safetensors").exists());
    let before = broken.read("out/log.jsonl");
    // A step that was logged after the last checkpoint, and a line that was cut off.
    broken.write("out/log.jsonl", &format!("{before}{{\"step\":90000,\"loss\":1.0}}\n{{\"step\":900"));
    broken.refused(words, &["out holds an unfinished run", "--resume"]);
    broken.refused("eval --model out --text stories.txt", &["out"]);
    let (step, _) = go_on(&broken, &format!("{words} --checkpoint-seconds 0"));
    assert!(step >= STEPS - 2, "{words} went on after {step}");
    let (log, expected) = (broken.read("out/log.jsonl"), unbroken.read("out/log.jsonl"));
    assert_eq!(first_lines(&log, step), first_lines(&before, step), "{words} made steps again");
    assert_eq!(timeless(&log), timeless(&expected), "{words}");
    assert!(artefacts(&broken) == artefacts(&unbroken), "{words} ended elsewhere");
    let ended = broken.run(&format!("{words} --resume"));
    assert!(ended.code == Some(0) && ended.err.contains("finished already"), "{}", ended.err);
}

/// One stage that makes records.
fn records_survive(words: &str) {
    let (unbroken, broken) = (place(), place());
    let printed = unbroken.done(words);
    kill(&broken, words, "out.jsonl.partial", "out.jsonl.state/state.json");
    assert!(!broken.path("out.jsonl").exists(), "{words} named a file that is not whole");
    let written = broken.read("out.jsonl.partial");
    broken.write("out.jsonl.partial", &format!("{written}{{\"id\":\"cut o"));
    broken.refused(words, &["out.jsonl.partial is an unfinished run", "--resume", "--force"]);
    let (step, out) = go_on(&broken, words);
    assert!(step >= STEPS - 2, "{words} went on after {step}");
    assert_eq!(broken.read("out.jsonl"), unbroken.read("out.jsonl"), "{words}");
    assert_eq!(serde_json::from_str::<Value>(&out).expect("JSON"), printed, "{words}");
    if words.contains("--log") {
        assert_eq!(timeless(&broken.read("log.jsonl")), timeless(&unbroken.read("log.jsonl")), "{words}");
    }
    let left: Vec<PathBuf> =
        files(&broken.path("")).into_keys().filter(|path| path.starts_with("out.jsonl.")).collect();
    assert!(left.is_empty() && !broken.path("out.jsonl.state").exists(), "{words} left {left:?}");
    broken.refused(words, &["out.jsonl exists", "--force"]);
}

#[test]
fn pretraining() {
    training_survives(PRETRAIN);
}

#[test]
fn instruction_tuning_with_mined_demonstrations() {
    training_survives(SFT);
}

#[test]
fn reward_modelling() {
    training_survives(REWARD);
}

#[test]
fn ppo() {
    training_survives(PPO);
}

#[test]
fn methods_without_a_value_model() {
    [GRPO, RLOO, REINFORCE].into_iter().for_each(training_survives);
}

#[test]
fn methods_that_learn_from_rankings() {
    [DPO, KTO, ORPO].into_iter().for_each(training_survives);
}

#[test]
fn best_of_n() {
    records_survive(BEST_OF);
}

#[test]
fn sampling() {
    records_survive(SAMPLE);
}

#[test]
fn ranking_by_rule() {
    records_survive(RANK);
}

#[test]
fn scoring() {
    records_survive(SCORE);
}

#[test]
fn comparison() {
    records_survive(COMPARE);
}

#[test]
fn another_command_cannot_go_on_with_the_checkpoint() {
    let place = place();
    kill(&place, SFT, "out/log.jsonl", "out/checkpoint/state.json");
    let refused = |words: &str| {
        let ended = place.run(&format!("{words} --resume"));
        let said = ended.err.contains("cannot go on in out") && ended.err.contains("made with other options or data");
        assert!(ended.code == Some(1) && said, "{words}: {}", ended.err);
    };
    refused(&SFT.replace("--epochs 3", "--epochs 4"));
    refused(&SFT.replace("--mined 60", "--mined 61"));
    place.write("stories.txt", &stories(39));
    refused(SFT);
    // Nothing was lost by asking.
    place.write("stories.txt", &stories(40));
    let (step, _) = go_on(&place, SFT);
    assert!(step >= STEPS - 2, "it went on after {step}");
}

#[test]
fn a_run_that_diverged_leaves_a_checkpoint_from_before() {
    let place = place();
    kill(&place, DPO, "out/log.jsonl", "out/checkpoint/state.json");
    let wild = format!("{DPO} --learning-rate 1e20 --checkpoint-seconds 0 --resume");
    let diverged = |words: &str, parts: [&str; 2]| {
        let ended = place.run(words);
        let said = ended.err.contains("DPO diverged at step") && parts.iter().all(|part| ended.err.contains(part));
        assert!(ended.code == Some(1) && said, "{words}: {}", ended.err);
    };
    diverged(&wild, ["out/checkpoint is from before", "--resume"]);
    let (step, _) = go_on(&place, &format!("{DPO} --learning-rate 1e-4 --checkpoint-seconds 0"));
    assert!(step >= STEPS - 2, "it went on after {step}");
    assert!(place.path("out/model.safetensors").exists());
    // Without a checkpoint there is nothing to go on from, and that is said.
    let wild = DPO.replace("--out out", "--out other --learning-rate 1e20");
    diverged(&wild, ["No checkpoint was made", "--force"]);
}

/// Times of files and of `run.json` far ahead of the clock, as after a battery that ran out.
#[test]
fn the_clock_does_not_count() {
    let (unbroken, broken) = (place(), place());
    unbroken.done(&format!("{DPO} --checkpoint-seconds 0"));
    kill(&broken, DPO, "out/log.jsonl", "out/checkpoint/state.json");
    let ahead = std::time::SystemTime::now() + Duration::from_secs(3_000_000_000);
    for path in files(&broken.path("out")).keys() {
        let file = std::fs::File::options().append(true).open(broken.path("out").join(path)).expect("a file");
        file.set_modified(ahead).expect("a time can be set");
    }
    let record = broken.read("out/run.json").replace("\"started_at\": \"20", "\"started_at\": \"21");
    broken.write("out/run.json", &record);
    let (step, _) = go_on(&broken, &format!("{DPO} --checkpoint-seconds 0"));
    assert!(step >= STEPS - 2, "it went on after {step}");
    assert!(artefacts(&broken) == artefacts(&unbroken), "it ended elsewhere");
    assert!(broken.read("out/run.json").contains("\"started_at\": \"21"));
}

#[test]
fn what_force_replaces_stays_until_the_new_file_is_whole() {
    let place = place();
    place.write("out.jsonl", "{\"mine\":true}\n");
    place.refused(SAMPLE, &["out.jsonl exists", "--force"]);
    kill(&place, &format!("{SAMPLE} --force"), "out.jsonl.partial", "out.jsonl.state/state.json");
    assert_eq!(place.read("out.jsonl"), "{\"mine\":true}\n");
    go_on(&place, SAMPLE);
    assert_eq!(place.records("out.jsonl").len(), 150);
}
