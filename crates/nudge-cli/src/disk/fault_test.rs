//! Every operation on the disk fails once: the process is killed at it, or the disk is full from there on. Then the same
//! command goes on. At any moment an output is what was there before or the whole new thing; in the end every file is
//! what the unbroken run leaves, byte for byte, and nothing lies about.

use super::fault::{Fault, happened, plan, trace};
use super::operation::Operation;
use crate::failure::message;
use crate::{command, model_files, usage};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use tempfile::TempDir;

const PUBLIC: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../www/public");
/// Numbers that tell the time, not the training.
const CLOCKS: [&str; 5] = ["seconds", "tokens_per_second", "pairs_per_second", "eps", "completions_per_second"];

const PRETRAIN: &str = "pretrain --text @/text.txt --out @/out --vocab-size 300 --hidden-size 8 --num-hidden-layers 1 \
    --num-attention-heads 1 --intermediate-size 16 --max-position-embeddings 32 --context 16 --batch-size 8 --epochs 1";
const DPO: &str = "dpo --policy @/sft --comparisons @/pack.jsonl --batch-size 4 --epochs 2 --out @/out";
const SAMPLE: &str = "sample --model @/sft --prompts @/prompts.jsonl --k 2 --batch-size 4 --max-new-tokens 4 --out \
    @/out.jsonl --log @/log.jsonl";
/// A file of somebody else's in the folder of a model.
const NOTES: &str = "notes.txt";
const RANK: &str = "rank --candidates @/candidates.jsonl --labeler shorter --out @/out.jsonl";
const PROGRAM: &str = "rank --candidates @/candidates.jsonl --out @/out.jsonl --judge-command";
const TEACH: &str = "teach --model @/sft --prompts @/prompts.jsonl --labeler shorter --rankings 3 --completions 2 \
    --max-new-tokens 4 --out @/out";

type Tree = BTreeMap<PathBuf, Vec<u8>>;

/// Commands keep what they were given, and what they have read, for the whole process.
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

/// A folder with what the commands read.
struct Place(TempDir, #[allow(dead_code)] MutexGuard<'static, ()>);

impl Place {
    fn new() -> Self {
        let place = Self(tempfile::tempdir().unwrap(), ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner));
        let sft = Path::new(PUBLIC).join("model/test-size/sft");
        fs::create_dir(place.path("sft")).unwrap();
        for file in fs::read_dir(sft).unwrap().map(|file| file.unwrap().path()) {
            fs::copy(&file, place.path("sft").join(file.file_name().unwrap())).unwrap();
        }
        let example = |name: &str, count: usize| -> String {
            let text = fs::read_to_string(Path::new(PUBLIC).join("examples").join(name)).unwrap();
            text.lines().take(count).map(|line| format!("{line}\n")).collect()
        };
        let candidates = |index: usize| {
            let texts = ["The happy dog ran home.", "A cat.", "He sat and sat."].map(|text| json!({ "text": text }));
            format!("{}\n", json!({ "id": format!("c{index}"), "prompt": "Tell me.", "completions": texts }))
        };
        fs::write(place.path("text.txt"), "The dog ran to the house and sat.\n".repeat(20)).unwrap();
        fs::write(place.path("pack.jsonl"), example("packs/dialogue.jsonl", 8)).unwrap();
        fs::write(place.path("prompts.jsonl"), example("prompts.jsonl", 8)).unwrap();
        fs::write(place.path("candidates.jsonl"), (0..3).map(candidates).collect::<String>()).unwrap();
        place
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Runs a command in this process; `@` is this folder.
    fn run(&self, words: &[&str], fault: Fault) -> anyhow::Result<()> {
        model_files::forget();
        let folder = self.0.path().display().to_string();
        let words = std::iter::once("nudge").chain(words.iter().copied()).map(|word| word.replace('@', &folder));
        let arguments = usage::read(words.collect()).unwrap();
        plan(fault);
        command::run(arguments)
    }

    /// Everything inside.
    fn tree(&self) -> Tree {
        let (mut tree, mut folders) = (Tree::new(), vec![self.path("")]);
        while let Some(folder) = folders.pop() {
            for path in fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()) {
                if path.is_dir() {
                    folders.push(path);
                } else {
                    tree.insert(path.strip_prefix(self.0.path()).unwrap().into(), fs::read(&path).unwrap());
                }
            }
        }
        tree
    }

    /// Makes everything inside what it was.
    fn restore(&self, tree: &Tree) {
        for entry in fs::read_dir(self.path("")).unwrap().map(|entry| entry.unwrap().path()) {
            if entry.is_dir() { fs::remove_dir_all(entry).unwrap() } else { fs::remove_file(entry).unwrap() }
        }
        for (path, bytes) in tree {
            fs::create_dir_all(self.path("").join(path).parent().unwrap()).unwrap();
            fs::write(self.path("").join(path), bytes).unwrap();
        }
    }
}

/// Files without what tells the time.
fn timeless(tree: &Tree) -> BTreeMap<PathBuf, Vec<u8>> {
    let without_clocks = |value: &mut Value| {
        let Some(object) = value.as_object_mut() else { return };
        CLOCKS.iter().for_each(|clock| drop(object.shift_remove(*clock)));
    };
    let mut tree = tree.clone();
    // A log that nobody knows for the run's own is moved aside.
    tree.retain(|path, _| !path.to_string_lossy().contains(".jsonl."));
    for (path, bytes) in &mut tree {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if name.ends_with("log.jsonl") {
            let mut lines: Vec<Value> = String::from_utf8_lossy(bytes)
                .lines()
                .map(|line| serde_json::from_str(line).unwrap_or_default())
                .collect();
            lines.iter_mut().for_each(without_clocks);
            *bytes = serde_json::to_vec(&lines).unwrap();
        } else if name == "run.json" || name.ends_with(".run.json") {
            let mut record: Value = serde_json::from_slice(bytes).unwrap();
            for timed in ["started_at", "finished_at", "resumes", "command_line"] {
                record.as_object_mut().unwrap().shift_remove(timed);
            }
            for asked in ["resume", "force"] {
                record["arguments"].as_object_mut().unwrap().shift_remove(asked);
            }
            without_clocks(&mut record["results"]["metrics"]);
            *bytes = serde_json::to_vec(&record).unwrap();
        }
    }
    tree
}

/// What lies at an output, by the rules of whoever reads it: a folder without weights or with a checkpoint is no model.
fn output(tree: &Tree, name: &str) -> Tree {
    let whole = tree.contains_key(Path::new(name)) || tree.contains_key(&Path::new(name).join("model.safetensors"));
    let unfinished = tree.keys().any(|path| path.starts_with(Path::new(name).join("checkpoint")));
    if !whole || unfinished {
        return Tree::new();
    }
    // What was renamed away is found by nobody. Files of others, and the mark that they are still to be fetched from the
    // folder that was replaced, are no part of a model: that they come back is seen at the end.
    let gone = Path::new(name).join("checkpoint.gone");
    let others = [".lock", ".replaces", NOTES];
    let found = |path: &Path| {
        path.starts_with(name) && !others.iter().any(|other| path.ends_with(other)) && !path.starts_with(&gone)
    };
    let files = tree.iter().filter(|(path, _)| found(path));
    files.map(|(path, bytes)| (path.clone(), bytes.clone())).collect()
}

/// What differs between two trees, for messages.
fn difference(one: &Tree, other: &Tree) -> String {
    let paths: BTreeSet<&PathBuf> = one.keys().chain(other.keys()).collect();
    let differ = paths.into_iter().filter(|path| one.get(*path) != other.get(*path));
    let said = |tree: &Tree, path: &PathBuf| match tree.get(path) {
        None => "nothing".to_string(),
        Some(bytes) if bytes.len() < 2000 => String::from_utf8_lossy(bytes).into_owned(),
        Some(bytes) => format!("{} bytes", bytes.len()),
    };
    differ.map(|path| format!("{}: {} for {}\n", path.display(), said(one, path), said(other, path))).collect()
}

/// What is tried.
struct Trial<'a> {
    /// The command.
    words: Vec<&'a str>,
    /// What it makes, a folder or a file that is promised to be whole.
    out: &'a str,
    /// What goes on where it was cut off.
    go_on: Vec<&'a str>,
}

impl<'a> Trial<'a> {
    fn new(command: &'a str, out: &'a str) -> Self {
        let words: Vec<&str> = command.split_whitespace().collect();
        let go_on = [words.iter().copied().filter(|word| *word != "--force").collect(), vec!["--resume"]].concat();
        Self { words, out, go_on }
    }

    /// Tries every operation; gives how many there are.
    fn at_every_operation(&self, place: &Place, fault: fn(usize) -> Fault) -> usize {
        let start = place.tree();
        place.run(&self.words, Fault::None).unwrap();
        check_order(&trace());
        let (count, end) = (trace().len(), timeless(&place.tree()));
        let before = output(&timeless(&start), self.out);
        let new = output(&end, self.out);
        for at in 0..count {
            place.restore(&start);
            let ended = place.run(&self.words, fault(at));
            let (met, left) = (happened(), place.tree());
            plan(Fault::None);
            let case = format!("{:?} of {count}: {}", fault(at), self.words.join(" "));
            assert!(met, "{case}: it did not come so far");
            if let (Fault::Full(_), Err(error)) = (fault(at), &ended) {
                assert!(message(error).contains("The disk is full"), "{case}: {error:#}");
            }
            if let Fault::Full(_) = fault(at) {
                let cards = left.keys().filter(|path| path.ends_with("README.md"));
                let with_weights = |card: &PathBuf| left.contains_key(&card.with_file_name("model.safetensors"));
                assert!(cards.into_iter().all(with_weights), "{case} left a card without a model");
            }
            let found = output(&timeless(&left), self.out);
            assert!(found == before || found == new, "{case} left {}", difference(&found, &new));
            let gone_on = place.run(&self.go_on, Fault::None);
            gone_on.unwrap_or_else(|error| panic!("{case}: {error:#}"));
            let finally = timeless(&place.tree());
            // Where nothing had begun, there is nothing to go on with.
            let begun = left.keys().any(|path| path.ends_with("out.replacement/.replaces"));
            let as_before = !begun && finally == timeless(&start);
            assert!(finally == end || as_before, "{case} ended in {}", difference(&finally, &end));
        }
        count
    }
}

/// Nothing gets its name before it is on the disk, and every new name is waited for.
fn check_order(trace: &[(Operation, PathBuf)]) {
    let mut unsynced: BTreeSet<&Path> = BTreeSet::new();
    for (index, (operation, path)) in trace.iter().enumerate() {
        match operation {
            Operation::Write | Operation::Truncate => drop(unsynced.insert(path)),
            Operation::Sync => drop(unsynced.remove(path.as_path())),
            Operation::RemoveFile => drop(unsynced.remove(path.as_path())),
            Operation::Rename => {
                let next = trace.get(index + 1);
                let parent = path.parent().unwrap();
                assert!(next == Some(&(Operation::SyncFolder, parent.into())), "{} is not waited for", path.display());
                let temporary = super::beside(path, super::UNFINISHED);
                assert!(!unsynced.contains(temporary.as_path()), "{} is named too early", path.display());
            }
            _ => {}
        }
    }
    unsynced.retain(|path| !path.to_string_lossy().ends_with(".lock"));
    assert!(unsynced.is_empty(), "never waited for: {unsynced:?}");
}

/// Tells how many were tried: `cargo nextest run --no-capture` shows it.
fn tried(what: &str, counts: &[usize]) {
    eprintln!("{what}: {counts:?} operations, each failed once");
    assert!(counts.iter().all(|count| *count > 10), "{what}: {counts:?}");
}

#[test]
fn training_with_checkpoints() {
    let place = Place::new();
    let words = format!("{PRETRAIN} --checkpoint-seconds 0 --log @/its.log.jsonl");
    let trial = Trial::new(&words, "out");
    let start = place.tree();
    let killed = trial.at_every_operation(&place, Fault::Killed);
    place.restore(&start);
    let full = trial.at_every_operation(&place, Fault::Full);
    tried("pretrain", &[killed, full]);
}

#[test]
fn replacing_a_model() {
    let place = Place::new();
    place.run(&PRETRAIN.split_whitespace().collect::<Vec<_>>(), Fault::None).unwrap();
    fs::write(place.path("out").join(NOTES), "somebody else's").unwrap();
    let words = format!("{DPO} --checkpoint-seconds 0 --force");
    let trial = Trial::new(&words, "out");
    let start = place.tree();
    let killed = trial.at_every_operation(&place, Fault::Killed);
    assert_eq!(fs::read_to_string(place.path("out").join(NOTES)).unwrap(), "somebody else's");
    place.restore(&start);
    let full = trial.at_every_operation(&place, Fault::Full);
    tried("dpo --force", &[killed, full]);
}

#[test]
fn going_on() {
    let place = Place::new();
    let words = format!("{DPO} --checkpoint-seconds 0");
    let trial = Trial::new(&words, "out");
    let start = place.tree();
    place.run(&trial.words, Fault::None).unwrap();
    let middle = trace().len() / 2;
    place.restore(&start);
    place.run(&trial.words, Fault::Killed(middle)).unwrap_err();
    let again = Trial { words: trial.go_on.clone(), ..trial };
    let killed = again.at_every_operation(&place, Fault::Killed);
    tried("dpo --resume", &[killed]);
}

#[test]
fn records() {
    let place = Place::new();
    let start = place.tree();
    let mut counts = vec![];
    for command in [SAMPLE, RANK] {
        for force in ["", "--force"] {
            let words = format!("{command} --checkpoint-seconds 0 {force}");
            place.restore(&start);
            if !force.is_empty() {
                fs::write(place.path("out.jsonl"), "{\"mine\":true}\n").unwrap();
            }
            counts.push(Trial::new(&words, "out.jsonl").at_every_operation(&place, Fault::Killed));
        }
    }
    tried("sample, rank", &counts);
}

#[cfg(unix)]
#[test]
fn somebody_ranks() {
    let place = Place::new();
    let judge = "while read line; do echo '{\"ranking\": [[0], [2], [1]]}'; done";
    let with = |more: &'static str| [PROGRAM.split_whitespace().collect(), vec![judge, more]].concat();
    let start = place.tree();
    let seed = with("--seed=1");
    let trial = Trial { words: seed.clone(), out: "out.jsonl", go_on: [seed, vec!["--resume"]].concat() };
    let killed = trial.at_every_operation(&place, Fault::Killed);
    place.restore(&start);
    let full = trial.at_every_operation(&place, Fault::Full);
    tried("rank --judge-command", &[killed, full]);
}

#[test]
fn teaching() {
    let place = Place::new();
    let words: Vec<&str> = TEACH.split_whitespace().collect();
    let trial = Trial { go_on: words.clone(), words, out: "out/judgements.jsonl" };
    let killed = trial.at_every_operation(&place, Fault::Killed);
    tried("teach", &[killed]);
}

#[test]
fn a_place_where_nothing_can_be_written() {
    let place = Place::new();
    let start = place.tree();
    for words in [PRETRAIN, SAMPLE, RANK, TEACH] {
        let words: Vec<&str> = words.split_whitespace().collect();
        let error = place.run(&words, Fault::ReadOnly(0)).unwrap_err();
        let text = message(&error);
        assert!(text.contains("/out") && text.contains("choose another place"), "{words:?}: {text}");
        plan(Fault::None);
        assert!(place.tree() == start, "{words:?}");
    }
}
