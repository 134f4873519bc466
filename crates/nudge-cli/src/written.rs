//! What a person writes: in their own editor where one is set, else line by line.
//!
//! An editor gets a file with the text so far above a mark, and the prompt below it; what stands below the mark is
//! thrown away. A text that was left unfinished is kept as a draft, so that nothing is lost when the terminal closes.

use crate::disk::{remove, set_aside, write_atomic};
use crate::failure::tell;
use crate::interrupt;
use anyhow::{Context, Result, bail};
use std::env;
use std::fs;
use std::io::{self, BufRead, IsTerminal, stdin, stdout};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The line below which nothing is read.
const MARK: &str = "---- Write above this line, save and close. What stands below is thrown away. ----";
/// The line that ends a text that is typed without an editor.
const END: &str = ".";

/// How somebody writes.
#[derive(Debug, Clone, PartialEq)]
pub enum Pen {
    /// A command line that opens a file.
    Editor(String),
    /// The lines of standard input.
    Lines,
}

impl Pen {
    /// The editor that `VISUAL` or `EDITOR` names, where a person sits at a terminal; else lines.
    pub fn find() -> Self {
        let named = ["VISUAL", "EDITOR"].into_iter().find_map(|name| env::var(name).ok());
        match named.filter(|name| !name.trim().is_empty() && stdin().is_terminal()) {
            Some(editor) => Self::Editor(editor),
            None => Self::Lines,
        }
    }

    /// Lets somebody write an answer to `prompt`, beginning with `text`. Nothing where they wrote nothing. `draft` keeps
    /// what was not finished; who asks again begins with it.
    ///
    /// # Errors
    /// If the editor cannot be started or fails; the draft is kept.
    pub fn write(&self, prompt: &str, text: &str, draft: &Path) -> Result<Option<String>> {
        let text = unfinished(prompt, draft)?.unwrap_or_else(|| text.to_string());
        let written = match self {
            Self::Editor(editor) => edit(editor, prompt, &text, draft)?,
            Self::Lines => lines(&text)?,
        };
        remove(draft)?;
        Ok(Some(written.trim().to_string()).filter(|written| !written.is_empty()))
    }
}

/// Where a draft is kept that belongs to a file.
pub fn draft_of(path: &Path) -> PathBuf {
    crate::disk::beside(path, ".draft.txt")
}

/// What was begun of an answer to this prompt. A draft of an answer to another one is moved aside.
fn unfinished(prompt: &str, draft: &Path) -> Result<Option<String>> {
    let Ok(found) = fs::read_to_string(draft) else { return Ok(None) };
    let (text, asked) = found.split_once(MARK).unwrap_or((&found, prompt));
    match text.trim() {
        "" => Ok(None),
        _ if asked.trim() != prompt.trim() => {
            tell(&format!("an unfinished answer to another prompt is now {}", set_aside(draft)?.display()));
            Ok(None)
        }
        text => Ok(Some(text.to_string())),
    }
}

fn edit(editor: &str, prompt: &str, text: &str, draft: &Path) -> Result<String> {
    write_atomic(draft, format!("{text}\n\n{MARK}\n{prompt}\n").as_bytes())?;
    let (shell, flag) = if cfg!(windows) { ("cmd", "/C") } else { ("sh", "-c") };
    let mut command = Command::new(shell);
    match cfg!(windows) {
        true => command.arg(flag).arg(format!("{editor} \"{}\"", draft.display())),
        // The path is an argument, so that no shell reads it.
        false => command.args([flag, &format!("{editor} \"$1\""), "sh"]).arg(draft),
    };
    // The result alone goes to standard output.
    if !stdout().is_terminal() {
        command.stdout(Stdio::from(io::stderr()));
    }
    let status = command.status().with_context(|| format!("cannot start the editor `{editor}`"))?;
    if !status.success() {
        bail!("the editor `{editor}` ended with {status}; what was written is kept in {}", draft.display());
    }
    let found = fs::read_to_string(draft).with_context(|| format!("cannot read {}", draft.display()))?;
    Ok(above_mark(&found).to_string())
}

fn above_mark(text: &str) -> &str {
    text.split_once(MARK).map_or(text, |(above, _)| above).trim()
}

/// Lines up to one that holds a point and nothing else, or the end of the input.
fn lines(text: &str) -> Result<String> {
    if !text.is_empty() {
        tell(&format!("So far:\n{text}"));
    }
    tell(&format!("Write the answer; a line with `{END}` alone ends it, nothing before it leaves things as they are."));
    let mut written = String::new();
    loop {
        let mut line = String::new();
        if interrupt::while_waiting(|| stdin().lock().read_line(&mut line))? == 0 || line.trim_end() == END {
            return Ok(written);
        }
        written += &line;
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    fn written(editor: &str, text: &str) -> (Result<Option<String>>, bool) {
        let folder = tempfile::tempdir().expect("a folder");
        let draft = folder.path().join("it's a $(draft).txt");
        let found = Pen::Editor(editor.into()).write("the prompt", text, &draft);
        (found, draft.exists())
    }

    #[test]
    fn what_stands_above_the_mark_is_the_answer() {
        let (found, kept) = written("sed -i s/good/better/", "a good answer");
        assert_eq!((found.unwrap().as_deref(), kept), (Some("a better answer"), false));
        let (found, _) = written("true", "");
        assert_eq!(found.unwrap(), None, "the prompt below the mark is no answer");
    }

    #[test]
    fn an_editor_that_fails_loses_nothing() {
        let (found, kept) = written("false", "a good answer");
        let error = found.unwrap_err().to_string();
        assert!(error.contains("`false`") && error.contains("kept in"), "{error}");
        assert!(kept);
        assert!(written("no-such-editor", "").0.unwrap_err().to_string().contains("127"));
    }

    #[test]
    fn a_draft_is_gone_on_with() {
        let folder = tempfile::tempdir().expect("a folder");
        let draft = folder.path().join("draft.txt");
        fs::write(&draft, format!("half an ans\n{MARK}\nthe prompt")).expect("writes");
        let found = Pen::Editor("sed -i s/ans/answer/".into()).write("the prompt", "", &draft).unwrap();
        assert_eq!(found.as_deref(), Some("half an answer"));
        fs::write(&draft, format!("half an ans\n{MARK}\nthe prompt")).expect("writes");
        let found = Pen::Editor("sed -i s/ans/answer/".into()).write("another prompt", "my ans", &draft).unwrap();
        assert_eq!(found.as_deref(), Some("my answer"), "a draft belongs to its prompt");
        let kept = fs::read_to_string(folder.path().join("draft.txt.1")).expect("it is kept");
        assert!(kept.starts_with("half an ans"), "{kept}");
    }
}
