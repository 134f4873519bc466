//! Every reader of strangers' files, on seeds that are changed at random: what comes out is a reason or a value, never a
//! panic, an endless wait or the machine's whole memory.
//!
//! An ordinary test tries the same [`RUNS`] inputs each time. `NUDGE_FUZZ_SECONDS` says how long each reader is tried instead;
//! `cargo xtask fuzz` sets it, with another seed. What was found is written to a
//! file that the failure names. libFuzzer drives the readers of data with coverage: `fuzz/README.md`.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use nudge_data::Rng;
use nudge_session::{Command, Files, Session};
use serde_json::Value;

use crate::fuzz::TARGETS;
use crate::support::{base, command, empty_session, pretrain_command, session_with, sft};

/// Inputs for each reader where nobody says how long.
const RUNS: usize = 2000;
/// No input may take longer, on a machine that does something else beside.
const LONGEST: Duration = Duration::from_secs(20);
/// What reading may ever add to the memory of this process.
const MOST_BYTES: u64 = 1 << 30;
/// Bytes at the front of a file, where headers are, that are changed half of the time.
const FRONT: usize = 4096;
/// What breaks arithmetic: in the place of a number in a text.
const NUMBERS: [&str; 10] =
    ["0", "-1", "1", "65536", "1000000000", "2147483648", "4294967295", "18446744073709551615", "1e9", "1e400"];

/// The parts of an input: the bytes of its files.
type Parts = Vec<Vec<u8>>;

/// Tries a reader on changed seeds for as long as was asked for.
fn fuzz(name: &str, seeds: &[Parts], read: impl Fn(&Parts)) {
    assert!(!seeds.is_empty(), "{name} has no seeds");
    let seconds: Option<f64> = std::env::var("NUDGE_FUZZ_SECONDS").ok().and_then(|text| text.parse().ok());
    let seed = std::env::var("NUDGE_FUZZ_SEED").ok().and_then(|text| text.parse().ok()).unwrap_or(1);
    let (mut rng, begun, memory) = (Rng::new(seed), Instant::now(), peak_bytes());
    let mut runs = 0;
    let goes_on = |runs| seconds.map_or(runs < RUNS, |seconds| begun.elapsed().as_secs_f64() < seconds);
    while runs < seeds.len() || goes_on(runs) {
        let mut parts = seeds[runs % seeds.len()].clone();
        if runs >= seeds.len() {
            let other = &seeds[rng.below(seeds.len())];
            (0..1 + rng.below(4)).for_each(|_| change(&mut parts, other, &mut rng));
        }
        let clock = Instant::now();
        let read = catch_unwind(AssertUnwindSafe(|| read(&parts)));
        let (fine, grown) = (read.is_ok() && clock.elapsed() < LONGEST, peak_bytes().saturating_sub(memory));
        if !fine || grown > MOST_BYTES {
            let (found, seconds) = (store(name, &parts), clock.elapsed().as_secs_f64());
            panic!("{name}: run {runs}, {seconds:.1} s, {grown} bytes: the input is in {}", found.display());
        }
        runs += 1;
    }
    eprintln!("{name}: {runs} runs in {:.1} s", begun.elapsed().as_secs_f64());
}

/// One change of one part.
fn change(parts: &mut Parts, other: &Parts, rng: &mut Rng) {
    let place = rng.below(parts.len());
    let part = &mut parts[place];
    if part.is_empty() {
        part.push(rng.below(256) as u8);
        return;
    }
    let reach = if rng.below(2) == 0 { part.len().min(FRONT) } else { part.len() };
    let at = rng.below(reach);
    let end = (at + 1 + rng.below(32)).min(part.len());
    match rng.below(8) {
        0 => part[at] ^= 1 << rng.below(8),
        1 => part[at] = [0, 1, 0x7f, 0x80, 0xff][rng.below(5)],
        2 => part[at..end].fill(if rng.below(2) == 0 { 0 } else { 0xff }),
        3 => drop(part.drain(at..end)),
        4 => drop(part.splice(at..at, part[at..end].to_vec())),
        5 => part.truncate(at),
        6 => {
            let from = &other[place.min(other.len() - 1)];
            let start = rng.below(from.len().max(1)).min(from.len());
            drop(part.splice(at..end, from[start..from.len().min(start + 64)].to_vec()));
        }
        _ => change_number(part, at, rng),
    }
}

/// Puts another number in the place of the first one behind `at`.
fn change_number(part: &mut Vec<u8>, at: usize, rng: &mut Rng) {
    let Some(start) = part[at..].iter().position(u8::is_ascii_digit).map(|found| at + found) else { return };
    let length = part[start..].iter().take_while(|byte| byte.is_ascii_digit()).count();
    part.splice(start..start + length, NUMBERS[rng.below(NUMBERS.len())].bytes());
}

/// The most memory that this process ever had, where the system tells.
fn peak_bytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<u64>().ok()).map_or(0, |kilobytes| kilobytes << 10)
}

/// Keeps an input, its parts one after the other.
fn store(name: &str, parts: &Parts) -> PathBuf {
    static NUMBER: AtomicU64 = AtomicU64::new(0);
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    let path = std::env::temp_dir().join(format!("nudge-fuzz-{name}-{}-{number}", std::process::id()));
    for (index, part) in parts.iter().enumerate() {
        std::fs::write(path.with_extension(index.to_string()), part).expect("the input can be kept");
    }
    path
}

/// The files of a folder of seeds.
fn seeds_of(name: &str) -> Vec<Parts> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/seeds").join(name);
    let mut paths: Vec<PathBuf> =
        std::fs::read_dir(folder).expect("seeds").map(|entry| entry.expect("a seed").path()).collect();
    paths.sort();
    paths.into_iter().map(|path| vec![std::fs::read(path).expect("a seed")]).collect()
}

fn reader_of_data(name: &str) {
    let (_, target) = TARGETS.into_iter().find(|(target, _)| *target == name).expect("a target");
    fuzz(name, &seeds_of(name), |parts| target(&parts[0]));
}

macro_rules! readers_of_data {
    ($($name:ident),*) => {
        $(#[test] fn $name() { reader_of_data(stringify!($name)); })*

        #[test]
        fn none_is_left_out() {
            assert_eq!(TARGETS.map(|(name, _)| name), [$(stringify!($name)),*]);
        }
    };
}

readers_of_data!(jsonl, json, csv, text, gzip, zstd, parquet, formats, chat_template, tasks, tokenizer);

/// Names and bytes of some files, as parts, and the way back.
fn parts_of(files: &Files) -> (Vec<String>, Parts) {
    files.iter().map(|(name, bytes)| (name.clone(), bytes.to_vec())).unzip()
}

fn files_of(names: &[String], parts: &Parts) -> Files {
    names.iter().cloned().zip(parts.iter().map(|part| part.clone().into())).collect()
}

/// What a reason says: never nothing, never a page.
fn is_a_reason(reason: &impl ToString) {
    let length = reason.to_string().len();
    assert!((10..5000).contains(&length), "{length}: {}", reason.to_string());
}

fn put(files: Files) {
    if let Err(error) = empty_session().put_model("fuzz", files) {
        is_a_reason(&error);
    }
}

#[test]
fn a_folder_of_a_model() {
    let (names, parts) = parts_of(sft());
    assert!(names.iter().any(|name| name == "config.json"), "{names:?}");
    fuzz("folder", &[parts], |parts| put(files_of(&names, parts)));
}

#[test]
fn a_gguf() {
    let tiny = std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("browser/fixtures/tiny.gguf"));
    let seed = vec![tiny.expect("the fixture")];
    fuzz("gguf", &[seed], |parts| put(Files::from([("tiny.gguf".to_string(), parts[0].clone().into())])));
}

#[test]
fn an_adapter() {
    let session = session_with(&[("sft", sft())]);
    let adapter = crate::adapters::trained(&session);
    let (names, parts) = parts_of(&adapter);
    assert!(names.iter().any(|name| name == "adapter_config.json"), "{names:?}");
    fuzz("adapter", &[parts], |parts| {
        let mut files = sft().clone();
        files.extend(files_of(&names, parts));
        put(files);
    });
}

#[test]
fn a_checkpoint() {
    let command = command(pretrain_command(1.0));
    let session = empty_session();
    let mut run = session.start(command.clone(), None).expect("it starts");
    for _ in 0..4 {
        futures_lite::future::block_on(run.next()).expect("it goes well");
    }
    let (names, parts) = parts_of(&futures_lite::future::block_on(run.save()).expect("a checkpoint"));
    fuzz("checkpoint", &[parts], |parts| {
        if let Err(error) = session.start(command.clone(), Some(files_of(&names, parts))) {
            is_a_reason(&error);
        }
    });
}

#[test]
fn commands() {
    let golden: Value = serde_json::from_str(include_str!("data/protocol.json")).expect("it is JSON");
    let commands = golden["commands"].as_array().expect("commands");
    let seeds: Vec<Parts> = commands.iter().map(|command| vec![command.to_string().into_bytes()]).collect();
    let session = session_with(&[("base", base()), ("sft", sft()), ("policy", sft())]);
    fuzz("commands", &seeds, |parts| started(&session, &parts[0]));
}

/// A command is refused or starts; it is not run.
fn started(session: &Session, json: &[u8]) {
    let Ok(command) = serde_json::from_slice::<Command>(json) else { return };
    if let Err(error) = session.start(command, None) {
        is_a_reason(&error);
    }
}
