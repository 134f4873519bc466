//! An empty folder with models of test size in it, and `nudge` run inside.

use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use tempfile::TempDir;

/// Where the page keeps its models and examples.
const PUBLIC: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../www/public");

/// A folder that goes away with the test.
pub struct Place(TempDir);

/// How a command ended.
pub struct Ended {
    /// Exit code; nothing where a signal ended it.
    pub code: Option<i32>,
    /// Standard output.
    pub out: String,
    /// Standard error.
    pub err: String,
}

impl Place {
    /// A folder with the models `base` and `sft` and a few prompts in `prompts.jsonl`.
    pub fn new() -> Self {
        let place = Self(tempfile::tempdir().expect("a temporary folder"));
        for model in ["base", "sft"] {
            let from = Path::new(PUBLIC).join("model/test-size").join(model);
            fs::create_dir(place.path(model)).expect("a new folder");
            for file in fs::read_dir(from).expect("the test-size model").map(|file| file.expect("a file").path()) {
                fs::copy(&file, place.path(model).join(file.file_name().expect("a name"))).expect("a copy");
            }
        }
        place.write("prompts.jsonl", &example("prompts.jsonl", 10));
        place
    }

    /// The same with rankings in `pack.jsonl`, a reward model learnt from them, and candidates.
    pub fn with_reward_model() -> Self {
        let place = Self::new();
        place.write("pack.jsonl", &example("packs/dialogue.jsonl", 4));
        place.write("candidates.jsonl", &candidates(3));
        place.done("reward --model sft --comparisons pack.jsonl --epochs 1 --out reward");
        place
    }

    /// A path inside.
    pub fn path(&self, name: impl AsRef<Path>) -> PathBuf {
        self.0.path().join(name)
    }

    /// Writes a file.
    pub fn write(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).expect("the file can be written");
    }

    /// Reads a file.
    pub fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    /// Reads a JSONL file.
    pub fn records(&self, name: &str) -> Vec<Value> {
        self.read(name).lines().map(|line| serde_json::from_str(line).expect("a JSON line")).collect()
    }

    /// `nudge` with `words`, in this folder, on the CPU, with nobody at the keyboard.
    pub fn command(&self, words: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_nudge"));
        command.args(words.split_whitespace()).current_dir(self.0.path());
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// Runs `nudge` to its end.
    pub fn run(&self, words: &str) -> Ended {
        Ended::from(self.command(words).output().expect("nudge starts"))
    }

    /// Runs `nudge`, which must succeed; gives the one JSON object that it prints.
    pub fn done(&self, words: &str) -> Value {
        let ended = self.run(&format!("{words} --json"));
        assert_eq!(ended.code, Some(0), "nudge {words}: {}", ended.err);
        serde_json::from_str(&ended.out).unwrap_or_else(|error| panic!("nudge {words}: {error}: {}", ended.out))
    }

    /// Runs `nudge`, which must refuse with a message that holds every one of `parts` and leave every file as it was.
    pub fn refused(&self, words: &str, parts: &[&str]) {
        let before = files(self.0.path());
        let ended = self.run(words);
        assert_eq!(ended.code, Some(1), "nudge {words}: {}{}", ended.out, ended.err);
        assert_eq!(ended.out, "", "nudge {words}");
        let message = ended.err.lines().find_map(|line| line.strip_prefix("error: ")).unwrap_or_default();
        for part in parts {
            assert!(message.contains(part), "nudge {words}: `{part}` is not in: {}", ended.err);
        }
        // What a killed process has locked is taken up and let go.
        let unlocked = |mut files: BTreeMap<PathBuf, Vec<u8>>| {
            files.retain(|path, _| !path.to_string_lossy().ends_with(".lock"));
            files
        };
        assert!(unlocked(files(self.0.path())) == unlocked(before), "nudge {words} changed files");
    }
}

impl From<std::process::Output> for Ended {
    fn from(output: std::process::Output) -> Self {
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("nudge prints UTF-8");
        Self { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
    }
}

/// All files below a folder by their path in it, with what they hold.
pub fn files(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![folder.to_path_buf()];
    while let Some(inner) = folders.pop() {
        for entry in fs::read_dir(&inner).expect("the folder can be read") {
            let path = entry.expect("an entry").path();
            match path.is_dir() {
                true => folders.push(path),
                false => {
                    let name = path.strip_prefix(folder).expect("it lies below").to_path_buf();
                    found.insert(name, fs::read(&path).expect("the file can be read"));
                }
            }
        }
    }
    found
}

/// The first `count` lines of an example file of the page.
pub fn example(name: &str, count: usize) -> String {
    let text = fs::read_to_string(Path::new(PUBLIC).join("examples").join(name)).expect("the example file");
    text.lines().take(count).map(|line| format!("{line}\n")).collect()
}

/// Stories long enough to mine demonstrations from: completions of the examples, five to a story.
pub fn stories(count: usize) -> String {
    let lines = example("demonstrations.train.jsonl", 5 * count);
    let completion = |line: &str| {
        let record: Value = serde_json::from_str(line).expect("an example");
        record["completion"].as_str().expect("a completion").to_string()
    };
    let completions: Vec<String> = lines.lines().map(completion).collect();
    completions.chunks(5).map(|story| format!("{}\n<|endoftext|>\n", story.join(" "))).collect()
}

/// Candidates to rank: four completions of different lengths to each of `count` prompts.
pub fn candidates(count: usize) -> String {
    let texts = ["The happy dog ran home.", "A cat.", "\"Hello,\" said the bird to the sad fish.", "He sat and sat."];
    let record = |index: usize| {
        let completions: Vec<Value> =
            (0..4).map(|place| json!({ "text": format!("{} {index}", texts[(index + place) % 4]) })).collect();
        json!({ "id": format!("c{index}"), "prompt": format!("Tell me story {index}."), "completions": completions })
    };
    (0..count).map(|index| format!("{}\n", record(index))).collect()
}

/// Every key of an object, sorted.
pub fn keys(value: &Value) -> Vec<&str> {
    let mut keys: Vec<&str> = value.as_object().expect("an object").keys().map(String::as_str).collect();
    keys.sort_unstable();
    keys
}
