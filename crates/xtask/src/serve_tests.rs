//! The server, asked over a real socket.

use super::*;

/// A served folder with a secret beside it.
struct Site {
    _folder: tempfile::TempDir,
    address: std::net::SocketAddr,
}

impl Site {
    fn start() -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let dist = folder.path().join("dist");
        fs::create_dir_all(dist.join("assets"))?;
        fs::write(dist.join("index.html"), "<h1>Nudge</h1>")?;
        fs::write(dist.join("assets/nudge-1a2b.wasm"), b"\0asm")?;
        fs::write(dist.join("assets/nudge-1a2b.wasm.br"), b"brotli")?;
        fs::write(dist.join("assets/nudge-1a2b.wasm.gz"), b"gzipped")?;
        fs::write(dist.join("two words.jsonl"), "{}\n")?;
        fs::write(folder.path().join("secret.txt"), "secret")?;
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let address = listener.local_addr()?;
        let dist = dist.canonicalize()?;
        thread::spawn(move || accept(&listener, &dist));
        Ok(Self { _folder: folder, address })
    }

    fn ask(&self, request: &str) -> Result<String> {
        let mut stream = TcpStream::connect(self.address)?;
        stream.write_all(format!("{request}\r\n\r\n").as_bytes())?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer)?;
        Ok(String::from_utf8(answer)?)
    }
}

#[test]
fn the_page_is_checked_for_a_newer_version_each_time() -> Result<()> {
    let site = Site::start()?;
    let answer = site.ask("GET /?step=rank HTTP/1.1")?;
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    assert!(answer.contains("Content-Type: text/html; charset=utf-8\r\n"), "{answer}");
    assert!(answer.contains("Cache-Control: no-cache\r\n"), "{answer}");
    assert!(answer.ends_with("\r\n\r\n<h1>Nudge</h1>"), "{answer}");

    let etag = answer.lines().find_map(|line| line.strip_prefix("ETag: ")).context("no ETag")?;
    let again = site.ask(&format!("GET / HTTP/1.1\r\nif-none-match: {etag}"))?;
    assert!(again.starts_with("HTTP/1.1 304 Not Modified\r\n"), "{again}");
    assert!(again.ends_with("\r\n\r\n"), "{again}");
    let changed = site.ask("GET / HTTP/1.1\r\nIf-None-Match: \"other\"")?;
    assert!(changed.starts_with("HTTP/1.1 200 OK\r\n"), "{changed}");
    Ok(())
}

#[test]
fn page_and_worker_come_with_their_policy() -> Result<()> {
    let site = Site::start()?;
    for path in ["/", "/assets/nudge-1a2b.wasm", "/none"] {
        let answer = site.ask(&format!("GET {path} HTTP/1.1"))?;
        for (name, value) in headers::for_path(path) {
            assert!(answer.contains(&format!("\r\n{name}: {value}\r\n")), "{path}: {name} is missing: {answer}");
        }
    }
    Ok(())
}

#[test]
fn assets_are_kept_for_good() -> Result<()> {
    let answer = Site::start()?.ask("GET /assets/nudge-1a2b.wasm HTTP/1.1")?;
    assert!(answer.contains("Content-Type: application/wasm\r\n"), "{answer}");
    assert!(answer.contains("Cache-Control: public, max-age=31536000, immutable\r\n"), "{answer}");
    assert!(answer.contains("Content-Length: 4\r\n"), "{answer}");
    assert!(answer.ends_with("\r\n\r\n\0asm"), "{answer}");
    Ok(())
}

#[test]
fn a_compressed_copy_goes_to_who_takes_it() -> Result<()> {
    let site = Site::start()?;
    let ask = |offers: &str| site.ask(&format!("GET /assets/nudge-1a2b.wasm HTTP/1.1\r\naccept-encoding: {offers}"));
    let mut tags = Vec::new();
    for (offers, encoding, body) in [
        ("gzip, deflate, br, zstd", Some("br"), "brotli"),
        ("br;q=0, GZip;q=0.5", Some("gzip"), "gzipped"),
        ("br; q=0.0, *", None, "\0asm"),
        ("identity", None, "\0asm"),
    ] {
        let answer = ask(offers)?;
        let header = |name| answer.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
        assert_eq!(header("Content-Encoding"), encoding, "{offers}: {answer}");
        assert_eq!(header("Content-Type"), Some("application/wasm"), "{offers}: {answer}");
        assert_eq!(header("Content-Length"), Some(body.len().to_string().as_str()), "{offers}: {answer}");
        assert_eq!(header("Vary"), Some("Accept-Encoding"), "{offers}: {answer}");
        assert!(answer.ends_with(&format!("\r\n\r\n{body}")), "{offers}: {answer}");
        tags.extend(header("ETag").map(str::to_owned));
    }
    tags.dedup();
    assert_eq!(tags.len(), 3, "one tag for each of the three files: {tags:?}");
    Ok(())
}

#[test]
fn head_sends_no_body_and_names_are_decoded() -> Result<()> {
    let answer = Site::start()?.ask("HEAD /two%20words.jsonl HTTP/1.1")?;
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    assert!(answer.contains("Content-Length: 3\r\n"), "{answer}");
    assert!(answer.ends_with("\r\n\r\n"), "{answer}");
    Ok(())
}

#[test]
fn nothing_outside_the_folder_is_served() -> Result<()> {
    let site = Site::start()?;
    for path in ["/../secret.txt", "/%2e%2e/secret.txt", "/assets/..%2f../secret.txt", "//etc/passwd", "/%", "/none"] {
        let answer = site.ask(&format!("GET {path} HTTP/1.1"))?;
        assert!(answer.starts_with("HTTP/1.1 404 Not Found\r\n"), "{path}: {answer}");
    }
    Ok(())
}

#[test]
fn other_methods_are_refused() -> Result<()> {
    let answer = Site::start()?.ask("POST / HTTP/1.1")?;
    assert!(answer.starts_with("HTTP/1.1 405 Method Not Allowed\r\n"), "{answer}");
    Ok(())
}

#[test]
fn a_taken_port_leads_to_the_next() -> Result<()> {
    let taken = listen(18_000)?;
    let port = taken.local_addr()?.port();
    let next = listen(port)?;
    assert!(next.local_addr()?.port() > port);
    Ok(())
}
