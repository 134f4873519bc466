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

/// The text with its long lines broken between words. A command to copy stays in one line.
pub fn folded(text: &str, width: Option<usize>) -> String {
    let Some(width) = width else { return text.into() };
    text.split('\n').map(|line| folded_line(line, width)).collect::<Vec<_>>().join("\n")
}

fn folded_line(line: &str, width: usize) -> String {
    let words = line.trim_start();
    if display_width(line) <= width || words.starts_with("nudge ") {
        return line.into();
    }
    let indent = &line[..line.len() - words.len()];
    let below = if indent.is_empty() { String::new() } else { format!("{indent}  ") };
    let options = Options::new(width).initial_indent(indent).subsequent_indent(&below);
    fill(words, options.break_words(false).word_splitter(WordSplitter::NoHyphenation))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_lines_are_broken_between_words_and_commands_are_not() {
        let text = "  - one two three four\nshort\n  nudge compare --a one --b two";
        let folded = folded(text, Some(14));
        assert_eq!(folded, "  - one two\n    three four\nshort\n  nudge compare --a one --b two");
        assert_eq!(super::folded(text, None), text);
    }
}
