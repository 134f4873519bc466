//! The same seed gives the same bits, whatever the number of threads: sizes are odd, so that no split comes out even,
//! products are at most 64 wide, and sums longer than 512.

use crate::support::{Place, example, files, stories};
use std::collections::BTreeMap;
use std::path::PathBuf;

const PRETRAIN: &str = "pretrain --text stories.txt --vocab-size 311 --hidden-size 60 --num-hidden-layers 2 \
    --num-attention-heads 3 --intermediate-size 602 --max-position-embeddings 511 --context 61 --batch-size 7 --epochs 1";
const SFT: &str = "sft --model plain --data demonstrations.jsonl --batch-size 7 --epochs 1";
const REWARD: &str = "reward --model odd --comparisons pack.jsonl --batch-size 3 --epochs 1 --learning-rate 1e-4";
const DPO: &str = "dpo --policy odd --comparisons pack.jsonl --batch-size 3 --epochs 1";
const PPO: &str = "ppo --policy odd --reward odd.reward --prompts prompts.jsonl --episodes 14 --batch-size 7 \
    --num-mini-batches 1 --max-new-tokens 13";

fn place() -> Place {
    let place = Place::new();
    place.write("stories.txt", &stories(12));
    place.write("pack.jsonl", &example("packs/dialogue.jsonl", 7));
    place.write("prompts.jsonl", &example("prompts.jsonl", 7));
    place.write("demonstrations.jsonl", &example("demonstrations.train.jsonl", 14));
    place.done(&format!("{PRETRAIN} --out plain"));
    place.done(&format!("{SFT} --out odd"));
    place.done(&format!("{REWARD} --out odd.reward"));
    place
}

/// The folder that a run leaves with so many threads, without what tells the time.
fn folder(place: &Place, words: &str, threads: usize) -> BTreeMap<PathBuf, Vec<u8>> {
    let out = format!("{}{threads}", words.split(' ').next().unwrap_or_default());
    let run = place.command(&format!("{words} --out {out}")).env("RAYON_NUM_THREADS", threads.to_string()).output();
    let run = run.expect("nudge starts");
    assert!(run.status.success(), "{words}: {}", String::from_utf8_lossy(&run.stderr));
    let mut files = files(&place.path(&out));
    files.retain(|path, _| !["log.jsonl", "run.json", "README.md"].iter().any(|timed| path.ends_with(timed)));
    files
}

fn same_with_any_threads(words: &str) {
    let place = place();
    let one = folder(&place, words, 1);
    assert!(one.keys().any(|path| path.ends_with("model.safetensors")), "{:?}", one.keys());
    for threads in [2, 3, 7, 8, 32] {
        assert!(folder(&place, words, threads) == one, "{words}: {threads} threads give other bits than one");
    }
}

#[test]
fn sft() {
    same_with_any_threads(SFT);
}

#[test]
fn reward() {
    same_with_any_threads(REWARD);
}

#[test]
fn dpo() {
    same_with_any_threads(DPO);
}

#[test]
fn ppo() {
    same_with_any_threads(PPO);
}
