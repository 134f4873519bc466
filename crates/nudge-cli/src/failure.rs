//! How the program ends badly: one line on standard error and an exit code that scripts can rely on.
//!
//! 0 done, 1 error, 2 wrong usage (clap), 130 interrupted. A reader that went away is no error.

use crate::printable::printable;
use crate::report;
use crate::terminal;
use std::collections::BTreeSet;
use std::fmt;
use std::io::{self, Write};
use std::process::ExitCode;
use std::sync::{Mutex, PoisonError};

/// Ctrl-C or SIGTERM ended the run between two steps.
#[derive(Debug)]
pub struct Interrupted {
    /// What to type to go on, where that is possible.
    pub go_on: Option<String>,
}

impl fmt::Display for Interrupted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.go_on {
            Some(command) => write!(f, "interrupted; everything up to here is saved. Go on with:\n  {command}"),
            None => write!(f, "interrupted; this run has no checkpoint to go on from"),
        }
    }
}

impl std::error::Error for Interrupted {}

/// Tells what went wrong and gives the exit code.
pub fn exit_code(error: &anyhow::Error) -> ExitCode {
    if let Some(interrupted) = error.downcast_ref::<Interrupted>() {
        tell(&interrupted.to_string());
        tell_machines(&interrupted.to_string(), 130);
        return ExitCode::from(130);
    }
    let pipe_closed = |cause: &(dyn std::error::Error + 'static)| {
        cause.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
    };
    if error.chain().any(pipe_closed) {
        return ExitCode::SUCCESS;
    }
    tell(&format!("error: {}", message(error)));
    tell_machines(&message(error), 1);
    ExitCode::FAILURE
}

/// Where `--json` asks for one object on standard output, an error is that object.
fn tell_machines(message: &str, code: u8) {
    if std::env::args().any(|word| word == "--json") {
        let _ = report::json(&serde_json::json!({ "error": message, "code": code }));
    }
}

/// The error and its causes in one line; a cause that the one before it has quoted is not said again.
pub fn message(error: &anyhow::Error) -> String {
    let mut message = String::new();
    for cause in error.chain().map(ToString::to_string) {
        if message.is_empty() {
            message = cause;
        } else if !message.contains(&cause) {
            message = format!("{message}: {cause}");
        }
    }
    message
}

/// A line on standard error, as far as a terminal can be trusted with it.
pub fn tell(line: &str) {
    tell_raw(&printable(line));
}

/// The same of a text of this program, colours and all. A closed standard error is not worth dying for.
pub fn tell_raw(line: &str) {
    let _ = writeln!(io::stderr(), "{}", terminal::folded(line, terminal::stderr_width()));
}

/// A line that need not be said again by this process.
pub fn tell_once(line: &str) {
    static TOLD: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());
    if TOLD.lock().unwrap_or_else(PoisonError::into_inner).insert(line.into()) {
        tell(line);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cause_is_said_once() {
        let quoted = anyhow::anyhow!("the file is torn").context("model `m`: the file is torn").context("cannot go on");
        assert_eq!(message(&quoted), "cannot go on: model `m`: the file is torn");
        assert_eq!(message(&anyhow::anyhow!("b").context("a").context("first")), "first: a: b");
    }
}
