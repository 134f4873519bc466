//! Models by name, from a server on this machine that speaks the hub's addresses.

use crate::support::{Place, files};
use serde_json::json;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::thread;

const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";
const NAME: &str = "owner/model";

/// A hub with one model, and what was asked of it.
struct Hub {
    address: String,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Hub {
    /// Serves `folder`; the first whole answer longer than `breaks_at` bytes ends there.
    fn serve(folder: PathBuf, breaks_at: usize) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = format!("http://{}", listener.local_addr().expect("an address"));
        let asked = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&asked);
        thread::spawn(move || {
            let mut breaks = Some(breaks_at);
            for stream in listener.incoming().flatten() {
                answer(stream, &folder, &mut breaks, &log);
            }
        });
        Self { address, asked }
    }

    /// Runs `nudge` in `place` with this hub and a cache in `place`.
    fn run(&self, place: &Place, words: &str) -> crate::support::Ended {
        let mut command = place.command(words);
        command.env("HF_ENDPOINT", &self.address).env("HF_HOME", place.path("cache"));
        crate::support::Ended::from(command.output().expect("nudge starts"))
    }

    fn count(&self, part: &str) -> usize {
        self.asked.lock().expect("nobody panics").iter().filter(|line| line.contains(part)).count()
    }
}

/// One request: the list of files, or a range of one.
fn answer(mut stream: TcpStream, folder: &Path, breaks: &mut Option<usize>, log: &Mutex<Vec<String>>) {
    let lines: Vec<String> =
        BufReader::new(&stream).lines().map_while(Result::ok).take_while(|line| !line.is_empty()).collect();
    let path = lines.first().and_then(|line| line.split(' ').nth(1)).unwrap_or_default().to_string();
    let range = lines.iter().find_map(|line| line.to_lowercase().strip_prefix("range: bytes=").map(String::from));
    log.lock().expect("nobody panics").push(format!("{path} {}", range.clone().unwrap_or_default()));
    let mut send = |status: &str, headers: String, body: &[u8]| {
        let head = format!("HTTP/1.1 {status}\r\nConnection: close\r\nContent-Length: {}\r\n{headers}\r\n", body.len());
        let cut = breaks.filter(|at| *at < body.len());
        let sent = cut.map_or(body, |at| &body[..at]);
        if cut.is_some() {
            *breaks = None;
        }
        let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(sent));
    };
    if path.starts_with(&format!("/api/models/{NAME}/revision/main")) {
        let names = fs::read_dir(folder).expect("a folder").map(|file| file.expect("a file").file_name());
        let siblings: Vec<_> = names.map(|name| json!({"rfilename": name.to_string_lossy()})).collect();
        return send("200 OK", String::new(), json!({"sha": COMMIT, "siblings": siblings}).to_string().as_bytes());
    }
    let file = path.strip_prefix(&format!("/{NAME}/resolve/{COMMIT}/")).map(|file| fs::read(folder.join(file)));
    let Some(Ok(bytes)) = file else { return send("404 Not Found", String::new(), b"") };
    let (start, end) = range.as_deref().and_then(|range| range.split_once('-')).unwrap_or(("0", ""));
    let start: usize = start.parse().expect("a number");
    let end = end.parse().map_or(bytes.len(), |end: usize| (end + 1).min(bytes.len()));
    let headers = format!(
        "ETag: \"{}\"\r\nX-Repo-Commit: {COMMIT}\r\nContent-Range: bytes {start}-{}/{}\r\n",
        path.rsplit('/').next().unwrap_or_default(),
        end - 1,
        bytes.len()
    );
    send("206 Partial Content", headers, &bytes[start..end]);
}

const SAMPLE: &str = "sample --prompts prompts.jsonl --k 2 --max-new-tokens 8 --seed 3";

#[test]
fn a_model_is_fetched_once_goes_on_where_it_broke_off_and_is_used_without_the_hub() {
    let place = Place::new();
    place.done(&format!("{SAMPLE} --model sft --out expected.jsonl"));
    let hub = Hub::serve(place.path("sft"), 20_000);
    let ended = hub.run(&place, &format!("{SAMPLE} --model hub:{NAME} --out found.jsonl"));
    assert_eq!(ended.code, Some(0), "{}", ended.err);
    assert!(ended.err.contains("owner/model: model.safetensors"), "{}", ended.err);
    let texts = |file: &str| place.records(file).iter().map(|line| line["completions"].clone()).collect::<Vec<_>>();
    assert_eq!(texts("found.jsonl"), texts("expected.jsonl"));
    assert_eq!(hub.count(" 20000-"), 1, "{:?}", hub.asked);
    assert_eq!(hub.count("/api/models"), 1, "a command asks once");
    // Again: the list of files is asked for, no file of it.
    let before = hub.count("resolve");
    assert_eq!(hub.run(&place, &format!("{SAMPLE} --model hub:{NAME} --out again.jsonl")).code, Some(0));
    assert_eq!(hub.count("resolve"), before);
    // Without the hub the copy is taken.
    let gone = Hub { address: "http://127.0.0.1:1".into(), asked: Arc::default() };
    let ended = gone.run(&place, &format!("{SAMPLE} --model hub:{NAME} --out alone.jsonl"));
    assert_eq!(ended.code, Some(0), "{}", ended.err);
    assert!(ended.err.contains("as it was fetched before"), "{}", ended.err);
}

#[test]
fn what_the_hub_does_not_give_is_named() {
    let place = Place::new();
    let hub = Hub::serve(place.path("sft"), usize::MAX);
    for (name, parts) in [
        ("hub:owner/other", ["no model owner/other", "token"]),
        ("hub:owner", ["names no model", "hub:OWNER/NAME"]),
        ("hub:owner/model/m.gguf", ["has no file m.gguf", "model.safetensors"]),
    ] {
        let before = files(&place.path("."));
        let ended = hub.run(&place, &format!("{SAMPLE} --model {name} --out out.jsonl"));
        assert_eq!(ended.code, Some(1), "{name}: {}", ended.err);
        assert!(parts.iter().all(|part| ended.err.contains(part)), "{name}: {}", ended.err);
        assert!(files(&place.path(".")) == before, "{name} changed files");
    }
}
