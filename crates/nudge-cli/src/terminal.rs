//! How wide the terminal is, and lines that are broken between words where it is narrower.

use ratatui::crossterm::terminal::size;
use std::io::{IsTerminal, stderr, stdout};
use textwrap::core::display_width;
use textwrap::{Options, WordSplitter, fill};

/// Columns of the terminal that standard output goes to, if it goes to one.
pub fn stdout_width() -> Option<usize> {
    stdout().is_terminal().then(width).flatten()
}

/// The same of standard error.
pub fn stderr_width() -> Option<usize> {
    stderr().is_terminal().then(width).flatten()
}

fn width() -> Option<usize> {
    size().ok().map(|(columns, _)| usize::from(columns)).filter(|columns| *columns > 0)
}

/// Whether what goes to standard error, or to standard output, may be coloured. A console of Windows may show the codes.
pub fn shows_colour(on_stderr: bool) -> bool {
    let is_terminal = if on_stderr { stderr().is_terminal() } else { stdout().is_terminal() };
    let plain = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    is_terminal && !plain && !cfg!(windows) && std::env::var_os("TERM").is_none_or(|term| term != "dumb")
}

/// The text with its long lines broken between words, and commands where a shell reads on.
pub fn folded(text: &str, width: Option<usize>) -> String {
    let Some(width) = width else { return text.into() };
    text.split('\n').map(|line| folded_line(line, width)).collect::<Vec<_>>().join("\n")
}

fn folded_line(line: &str, width: usize) -> String {
    let words = line.trim_start();
    if display_width(line) <= width {
        return line.into();
    }
    if is_command(words) {
        return copied(line, width);
    }
    let indent = &line[..line.len() - words.len()];
    let hang =
        hang(line).filter(|hang| 3 * hang <= width).unwrap_or(if indent.is_empty() { 0 } else { indent.len() + 2 });
    let below = " ".repeat(hang);
    let options = Options::new(width).initial_indent(indent).subsequent_indent(&below);
    fill(words, options.break_words(false).word_splitter(WordSplitter::NoHyphenation))
}

/// Where the text begins behind a label: `Time   3.2 s`.
fn hang(line: &str) -> Option<usize> {
    let words = line.trim_start();
    let label = words.find("  ")?;
    let text = words[label..].trim_start();
    Some(display_width(&line[..line.len() - text.len()]))
}

fn is_command(words: &str) -> bool {
    words.split(' ').next().is_some_and(|program| program.rsplit(['/', '\\']).next() == Some("nudge"))
}

/// A command in lines of at most `width` columns, where no word is longer, that can be copied into a shell.
pub fn copied(command: &str, width: usize) -> String {
    let indent = command.len() - command.trim_start().len();
    let below = " ".repeat(indent + 4);
    let mut lines = vec![" ".repeat(indent)];
    for word in shell_words(command.trim_start()) {
        let Some(line) = lines.last_mut() else { break };
        let is_first = line.trim().is_empty();
        // Two columns are for the backslash.
        if !is_first && display_width(line) + 1 + display_width(word) + 2 > width {
            lines.push(format!("{below}{word}"));
        } else {
            *line += &format!("{}{word}", if is_first { "" } else { " " });
        }
    }
    lines.join(" \\\n")
}

/// The words of a command as [`crate::runner::quoted`] writes them, quotes included.
fn shell_words(command: &str) -> Vec<&str> {
    let (mut words, mut start, mut in_quotes, mut escaped) = (vec![], 0, false, false);
    for (at, character) in command.char_indices() {
        match character {
            _ if escaped => escaped = false,
            '\\' if !in_quotes => escaped = true,
            '\'' => in_quotes = !in_quotes,
            ' ' if !in_quotes => {
                words.push(&command[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    words.push(&command[start..]);
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_lines_are_broken_between_words() {
        let text = "  - one two three four\nshort";
        assert_eq!(folded(text, Some(14)), "  - one two\n    three four\nshort");
        assert_eq!(folded(text, None), text);
    }

    #[test]
    fn what_follows_a_label_stays_behind_it() {
        let text = "Time    one two three four";
        assert_eq!(folded(text, Some(24)), "Time    one two three\n        four");
        assert_eq!(folded(text, Some(20)), "Time    one two\nthree four");
    }

    #[test]
    fn long_commands_are_broken_where_a_shell_reads_on() {
        let command = r"  nudge rank --judge-command 'it'\''s a b c' --out x";
        let expected = "  nudge rank \\\n      --judge-command \\\n      'it'\\''s a b c' \\\n      --out x";
        assert_eq!(folded(command, Some(24)), expected);
        assert_eq!(folded("  /bin/nudge a b", Some(14)), "  /bin/nudge \\\n      a b");
    }
}
