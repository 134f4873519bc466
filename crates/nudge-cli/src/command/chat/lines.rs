//! The lines of a conversation: at a terminal with the keys of a shell, otherwise as they come.

use super::editor::Editor;
use crate::command::rank::is_dumb;
use crate::interrupt;
use crate::report;
use anyhow::Result;
use std::io::{self, BufRead, IsTerminal};

/// What stands before a line that is typed.
const PROMPT: &str = "> ";

/// Where lines come from.
pub enum Lines {
    /// A terminal that can move its cursor.
    Edited(Editor),
    /// A terminal that can only print lines.
    Asked,
    /// A file or another program.
    Read,
}

impl Lines {
    /// From standard input.
    pub fn open() -> Self {
        match (io::stdin().is_terminal(), io::stdout().is_terminal() && !is_dumb()) {
            (true, true) => Self::Edited(Editor::new(PROMPT)),
            (true, false) => Self::Asked,
            (false, _) => Self::Read,
        }
    }

    /// Whether a person types them.
    pub fn are_typed(&self) -> bool {
        !matches!(self, Self::Read)
    }

    /// The next line, trimmed; nothing at the end.
    pub fn next(&mut self) -> Result<Option<String>> {
        let line = match self {
            Self::Edited(editor) => editor.line()?,
            Self::Asked => {
                report::print(PROMPT)?;
                read()?
            }
            Self::Read => read()?,
        };
        Ok(line.map(|line| line.trim().to_string()))
    }
}

fn read() -> Result<Option<String>> {
    let mut line = String::new();
    let read = interrupt::while_waiting(|| io::stdin().lock().read_line(&mut line))?;
    Ok((read > 0).then_some(line))
}
