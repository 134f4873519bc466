//! A conversation at a terminal: keys, earlier lines, the terminal given back.

use crate::support::Place;
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{LocalModes, Winsize, tcgetattr, tcsetwinsize};
use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

const UP: &str = "\x1b[A";
const DOWN: &str = "\x1b[B";
const LEFT: &str = "\x1b[D";
const HOME: &str = "\x1b[H";
const END: &str = "\x1b[F";
const CTRL_C: &str = "\x03";
const CTRL_D: &str = "\x04";

/// `nudge` at a terminal of its own.
struct Terminal {
    keys: File,
    slave: File,
    shown: Arc<Mutex<String>>,
    run: Child,
}

impl Terminal {
    fn open(place: &Place, words: &str) -> Self {
        let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).expect("a pseudo terminal");
        grantpt(&master).and_then(|()| unlockpt(&master)).expect("it may be opened");
        let name = ptsname(&master, Vec::new()).expect("it has a name").into_string().expect("in UTF-8");
        let slave = OpenOptions::new().read(true).write(true).open(name).expect("its other end");
        let size = Winsize { ws_row: 24, ws_col: 80, ws_xpixel: 0, ws_ypixel: 0 };
        tcsetwinsize(&slave, size).expect("it has a size");
        let end = || Stdio::from(slave.try_clone().expect("a handle"));
        let mut command = place.command(words);
        let run = command.env("TERM", "xterm").stdin(end()).stdout(end()).stderr(end()).spawn().expect("nudge starts");
        let mut output = File::from(master.try_clone().expect("a handle"));
        let shown: Arc<Mutex<String>> = Arc::default();
        let seen = Arc::clone(&shown);
        thread::spawn(move || {
            let mut bytes = [0; 4096];
            while let Ok(read @ 1..) = output.read(&mut bytes) {
                seen.lock().expect("no panic").push_str(&String::from_utf8_lossy(&bytes[..read]));
            }
        });
        let mut terminal = Self { keys: File::from(master), slave, shown, run };
        terminal.reads_keys();
        terminal
    }

    /// Waits for the prompt: keys then come one by one.
    fn reads_keys(&mut self) {
        self.until("it reads keys", |terminal| terminal.is_raw());
    }

    fn is_raw(&self) -> bool {
        !tcgetattr(&self.slave).expect("a terminal").local_modes.contains(LocalModes::ICANON)
    }

    /// Presses keys and Enter, and waits for what comes of it and the next prompt.
    fn enter(&mut self, keys: &str, answer: &str) {
        let before = self.shown().len();
        self.press(&format!("{keys}\r"));
        self.until(answer, |terminal| terminal.shown()[before..].contains(answer));
        self.reads_keys();
    }

    fn press(&mut self, keys: &str) {
        self.keys.write_all(keys.as_bytes()).expect("a terminal takes keys");
    }

    fn shown(&self) -> String {
        self.shown.lock().expect("no panic").clone()
    }

    fn until(&mut self, what: &str, mut done: impl FnMut(&mut Self) -> bool) {
        let started = Instant::now();
        while !done(self) {
            assert!(started.elapsed() < Duration::from_secs(60), "never: {what}; shown: {}", self.shown());
            thread::sleep(Duration::from_millis(1));
        }
    }

    /// The exit code, once it has ended; the terminal must be as it was.
    fn ended(mut self) -> Option<i32> {
        self.until("it ends", |terminal| terminal.run.try_wait().expect("a child").is_some());
        assert!(!self.is_raw(), "the terminal was not given back");
        self.run.wait().expect("a child").code()
    }
}

#[test]
fn earlier_lines_come_back_and_can_be_changed() {
    let place = Place::new();
    let mut terminal = Terminal::open(&place, "chat --model sft --max-new-tokens 4");
    terminal.enter("Tell me of a fox.", "fox.\r\n");
    terminal.enter("/no", "/no is no command");
    terminal.enter(&format!("{UP}w"), "/now is no command");
    terminal.enter(&format!("{UP}{UP}{UP}{HOME}/"), "/Tell is no command");
    terminal.enter(&format!("{UP}{UP}{UP}{DOWN}{LEFT}{LEFT}X{END}Y"), "/nXowY is no command");
    terminal.enter("/help", "up and down");
    terminal.press(CTRL_D);
    assert_eq!(terminal.ended(), Some(0));
}

#[test]
fn a_system_and_a_line_that_is_too_long_end_no_conversation() {
    let place = Place::new();
    // The built-in model's template knows users and assistants alone.
    place.write("lines.txt", &format!("Tell me of a fox.\n{}\nAgain.\n", "word ".repeat(2000)));
    let lines = File::open(place.path("lines.txt")).expect("the file");
    let mut command = place.command("chat --model sft --max-new-tokens 4 --system Kind.");
    let output = command.stdin(lines).output().expect("nudge starts");
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{err}");
    assert_eq!(err.matches("goes before your first line").count(), 1, "{err}");
    assert_eq!(err.matches("error: prompt 1: it has").count(), 1, "{err}");
    assert_eq!(out.lines().count(), 2, "{out}");
}

#[test]
fn an_interrupted_line_gives_the_terminal_back() {
    let place = Place::new();
    let mut terminal = Terminal::open(&place, "chat --model sft --max-new-tokens 4");
    terminal.press(&format!("half a line{CTRL_C}"));
    assert_eq!(terminal.ended(), Some(130));
    let terminal = Terminal::open(&place, "chat --model sft --max-new-tokens 4");
    Command::new("kill").args(["-TERM", &terminal.run.id().to_string()]).status().expect("a signal can be sent");
    assert_eq!(terminal.ended(), Some(130));
}

#[test]
fn lines_of_a_file_are_read_as_they_are() {
    let place = Place::new();
    place.write("lines.txt", "Tell me of a fox.\n\n/forget\n/nothing\nAgain.\n/quit\nnever\n");
    let lines = File::open(place.path("lines.txt")).expect("the file");
    let output = place.command("chat --model sft --max-new-tokens 4").stdin(lines).output().expect("nudge starts");
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success() && err.contains("/nothing is no command"), "{err}");
    assert!(!out.is_empty() && !out.contains('\x1b') && !err.contains("/quit ends"), "{out}{err}");
}
