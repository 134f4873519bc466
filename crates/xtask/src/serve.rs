//! A small HTTP server for the built page, on this machine alone.
//!
//! It answers GET and HEAD with files below one folder, and sends the compressed copy that the build wrote beside a
//! file, as the page's server would, with the headers of [`headers`]. It has no ranges, no directory listings, and compresses nothing itself: the files
//! travel over the loopback interface to a browser on the same machine.

use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, ErrorKind, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, UNIX_EPOCH};

use anyhow::{Context, Result, bail, ensure};

use crate::compress::Encoding;
use crate::headers;

/// How many ports after the first are tried when it is taken.
const PORTS_TO_TRY: u16 = 20;

/// No browser sends a longer head for a static file.
const MAX_HEAD_BYTES: u64 = 16 * 1024;

/// Serves `folder` until the process ends.
pub fn serve(folder: &Path, first_port: u16) -> Result<()> {
    let folder = folder.canonicalize().with_context(|| format!("there is no {}", folder.display()))?;
    let listener = listen(first_port)?;
    println!("\nNudge is at http://{} (Ctrl-C ends it)", listener.local_addr()?);
    accept(&listener, &folder);
    Ok(())
}

fn listen(first_port: u16) -> Result<TcpListener> {
    for port in first_port..=first_port.saturating_add(PORTS_TO_TRY) {
        match TcpListener::bind((Ipv4Addr::LOCALHOST, port)) {
            Ok(listener) => return Ok(listener),
            Err(error) if error.kind() == ErrorKind::AddrInUse => println!("Port {port} is taken."),
            Err(error) => {
                return Err(error).with_context(|| format!("cannot listen on port {port}"));
            }
        }
    }
    bail!("no free port from {first_port} on; choose another with --port")
}

/// One thread a connection. A browser that goes away in the middle of a file is no event.
fn accept(listener: &TcpListener, folder: &Path) {
    let folder: Arc<Path> = folder.into();
    for stream in listener.incoming().flatten() {
        let folder = Arc::clone(&folder);
        thread::spawn(move || answer(&stream, &folder).ok());
    }
}

/// Reads one request and answers it.
fn answer(stream: &TcpStream, folder: &Path) -> Result<()> {
    stream.set_read_timeout(Some(Duration::from_secs(10)))?;
    let request = Request::read(stream)?;
    let mut response = respond(&request, folder);
    let mut stream = io::BufWriter::new(stream);
    write!(stream, "HTTP/1.1 {}\r\n", response.status)?;
    for (name, value) in &response.headers {
        write!(stream, "{name}: {value}\r\n")?;
    }
    for (name, value) in headers::for_path(&request.path) {
        write!(stream, "{name}: {value}\r\n")?;
    }
    write!(stream, "Connection: close\r\n\r\n")?;
    if let Some(body) = response.body.as_mut().filter(|_| request.method == "GET") {
        io::copy(body, &mut stream)?;
    }
    stream.flush()?;
    Ok(())
}

/// The parts of a request that a static file depends on.
#[derive(Debug, Default)]
struct Request {
    method: String,
    /// Without the query, still percent-encoded.
    path: String,
    if_none_match: Option<String>,
    accept_encoding: String,
}

impl Request {
    fn read(stream: impl Read) -> Result<Self> {
        let mut lines = BufReader::new(stream.take(MAX_HEAD_BYTES)).lines();
        let first = lines.next().context("empty request")??;
        let mut words = first.split(' ');
        let (method, target) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
        let path = target.split(['?', '#']).next().unwrap_or_default();
        let mut request = Self { method: method.to_owned(), path: path.to_owned(), ..Self::default() };
        for line in lines {
            let line = line?;
            if line.is_empty() {
                return Ok(request);
            }
            let (name, value) = line.split_once(':').unwrap_or_default();
            match name.to_ascii_lowercase().as_str() {
                "if-none-match" => request.if_none_match = Some(value.trim().to_owned()),
                "accept-encoding" => request.accept_encoding = value.to_ascii_lowercase(),
                _ => {}
            }
        }
        bail!("a request that does not end within {MAX_HEAD_BYTES} bytes")
    }

    /// Whether the browser names this encoding and does not refuse it with a weight of nothing.
    fn accepts(&self, encoding: Encoding) -> bool {
        self.accept_encoding.split(',').any(|offer| {
            let (name, weight) = offer.split_once(';').unwrap_or((offer, "q=1"));
            let weight = weight.trim().trim_start_matches("q=").parse::<f32>();
            name.trim() == encoding.name() && weight.is_ok_and(|weight| weight > 0.0)
        })
    }
}

struct Response {
    status: &'static str,
    headers: Vec<(&'static str, String)>,
    body: Option<File>,
}

impl Response {
    fn empty(status: &'static str) -> Self {
        Self { status, headers: vec![("Content-Length", "0".to_owned())], body: None }
    }
}

fn respond(request: &Request, folder: &Path) -> Response {
    if request.method != "GET" && request.method != "HEAD" {
        let mut response = Response::empty("405 Method Not Allowed");
        response.headers.push(("Allow", "GET, HEAD".to_owned()));
        return response;
    }
    let found = resolve(folder, &request.path).and_then(|file| respond_with(request, &file));
    found.unwrap_or_else(|_| Response::empty("404 Not Found"))
}

fn respond_with(request: &Request, path: &Path) -> Result<Response> {
    let encoding = Encoding::ALL.into_iter().find(|it| request.accepts(*it) && it.copy_of(path).is_file());
    let file = File::open(encoding.map_or_else(|| path.to_owned(), |encoding| encoding.copy_of(path)))?;
    let metadata = file.metadata()?;
    let modified = metadata.modified()?.duration_since(UNIX_EPOCH)?;
    let etag = format!("\"{:x}-{:x}\"", metadata.len(), modified.as_nanos());
    let mut headers = vec![("ETag", etag.clone()), ("Vary", "Accept-Encoding".to_owned())];
    if request.if_none_match.as_deref().is_some_and(|tags| tags.contains(&etag)) {
        return Ok(Response { status: "304 Not Modified", headers, body: None });
    }
    headers.push(("Content-Type", content_type(path).to_owned()));
    headers.extend(encoding.map(|encoding| ("Content-Encoding", encoding.name().to_owned())));
    headers.push(("Content-Length", metadata.len().to_string()));
    Ok(Response { status: "200 OK", headers, body: Some(file) })
}

/// The file that a path of a URL names. Nothing outside `folder` is ever named, not by `..`, not by a link.
fn resolve(folder: &Path, path: &str) -> Result<PathBuf> {
    let path = percent_decode(path).context("a path that is not UTF-8")?;
    let mut file = folder.join(path.trim_start_matches('/')).canonicalize()?;
    ensure!(file.starts_with(folder), "{path} leads out of the served folder");
    if file.is_dir() {
        file.push("index.html");
    }
    ensure!(fs::metadata(&file)?.is_file(), "{path} is not a file");
    Ok(file)
}

/// `None` where a `%` is not followed by two hexadecimal digits or the bytes are not UTF-8.
fn percent_decode(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        if *first == b'%' {
            let digits = std::str::from_utf8(tail.get(..2)?).ok()?;
            bytes.push(u8::from_str_radix(digits, 16).ok()?);
            rest = &tail[2..];
        } else {
            bytes.push(*first);
            rest = tail;
        }
    }
    String::from_utf8(bytes).ok()
}

fn content_type(path: &Path) -> &'static str {
    match path.extension().and_then(|extension| extension.to_str()).unwrap_or_default() {
        "html" => "text/html; charset=utf-8",
        "js" | "mjs" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        // A browser compiles WebAssembly while it downloads only under this name.
        "wasm" => "application/wasm",
        "json" | "map" => "application/json",
        "jsonl" => "application/jsonl; charset=utf-8",
        "txt" | "md" => "text/plain; charset=utf-8",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "ico" => "image/x-icon",
        "webmanifest" => "application/manifest+json",
        "woff2" => "font/woff2",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
#[path = "serve_tests.rs"]
mod tests;
