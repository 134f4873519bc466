//! One line at a terminal, with the keys of a shell: moving, deleting, and the lines before it, which are kept in memory
//! alone. A line longer than the terminal is wide is scrolled until it is entered.

use crate::failure::Interrupted;
use crate::interrupt;
use anyhow::{Context, Result};
use ratatui::crossterm::cursor::MoveToColumn;
use ratatui::crossterm::event::{self, Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers};
use ratatui::crossterm::style::Print;
use ratatui::crossterm::terminal::{Clear, ClearType, disable_raw_mode, enable_raw_mode, size};
use ratatui::crossterm::{execute, queue};
use std::io::{Write, stdout};
use std::time::Duration;
use textwrap::core::display_width;
use tui_input::backend::crossterm::EventHandler;
use tui_input::{Input, InputRequest};

/// How often to look whether a signal asks to stop.
const LOOK: Duration = Duration::from_millis(200);

/// Reads lines and keeps them.
pub struct Editor {
    prompt: &'static str,
    earlier: Vec<String>,
}

/// What a key asks for, besides changing the line.
enum Asked {
    Nothing,
    Enter,
    End,
    Interrupt,
}

impl Editor {
    /// An editor without earlier lines.
    pub fn new(prompt: &'static str) -> Self {
        Self { prompt, earlier: vec![] }
    }

    /// The next line; nothing where the person ends the input.
    ///
    /// # Errors
    /// A terminal that cannot be read, Ctrl-C and signals.
    pub fn line(&mut self) -> Result<Option<String>> {
        let _raw = RawMode::take()?;
        // Earlier lines are changed as copies.
        let mut lines: Vec<Input> = self.earlier.iter().map(|line| Input::new(line.clone())).collect();
        lines.push(Input::default());
        let mut place = lines.len() - 1;
        loop {
            self.draw(&lines[place])?;
            match press(next_event()?, &mut lines, &mut place) {
                Asked::Nothing => {}
                Asked::Enter => {
                    let line = lines.swap_remove(place).value().to_string();
                    self.leave(&line)?;
                    if self.earlier.last() != Some(&line) && !line.trim().is_empty() {
                        self.earlier.push(line.clone());
                    }
                    return Ok(Some(line));
                }
                Asked::End => {
                    self.leave("")?;
                    return Ok(None);
                }
                Asked::Interrupt => {
                    self.leave(lines[place].value())?;
                    return Err(Interrupted { go_on: None }.into());
                }
            }
        }
    }

    /// The part of the line around the cursor.
    fn draw(&self, line: &Input) -> Result<()> {
        let (columns, _) = size().context("cannot ask the terminal for its size")?;
        // One column is the cursor's after the last character.
        let width = usize::from(columns).saturating_sub(self.prompt.len() + 1).max(1);
        let scrolled = line.visual_scroll(width);
        let cursor = self.prompt.len() + line.visual_cursor().saturating_sub(scrolled);
        let mut out = stdout();
        queue!(out, MoveToColumn(0), Print(self.prompt), Print(window(line.value(), scrolled, width)))?;
        queue!(out, Clear(ClearType::UntilNewLine), MoveToColumn(cursor.try_into().unwrap_or(u16::MAX)))?;
        out.flush().context("cannot write to the terminal")
    }

    /// The whole line stays above what comes next.
    fn leave(&self, line: &str) -> Result<()> {
        let shown = (MoveToColumn(0), Clear(ClearType::UntilNewLine));
        execute!(stdout(), shown.0, shown.1, Print(self.prompt), Print(line), Print("\r\n"))
            .context("cannot write to the terminal")
    }
}

/// Waits for a key or a signal; a signal counts as Ctrl-C.
fn next_event() -> Result<Event> {
    loop {
        if interrupt::requested() {
            return Ok(Event::Key(KeyEvent::new(KeyCode::Char('c'), KeyModifiers::CONTROL)));
        }
        if event::poll(LOOK).context("cannot read the keyboard")? {
            return event::read().context("cannot read the keyboard");
        }
    }
}

fn press(event: Event, lines: &mut [Input], place: &mut usize) -> Asked {
    let Event::Key(key) = event else { return Asked::Nothing };
    if key.kind == KeyEventKind::Release {
        return Asked::Nothing;
    }
    match (key.code, key.modifiers) {
        // What is typed before the terminal gives keys one by one ends in Ctrl-J.
        (KeyCode::Enter, _) | (KeyCode::Char('j'), KeyModifiers::CONTROL) => return Asked::Enter,
        (KeyCode::Char('c'), KeyModifiers::CONTROL) => return Asked::Interrupt,
        (KeyCode::Char('d'), KeyModifiers::CONTROL) if lines[*place].value().is_empty() => return Asked::End,
        (KeyCode::Char('d'), KeyModifiers::CONTROL) => drop(lines[*place].handle(InputRequest::DeleteNextChar)),
        (KeyCode::Up, _) | (KeyCode::Char('p'), KeyModifiers::CONTROL) => *place = place.saturating_sub(1),
        (KeyCode::Down, _) | (KeyCode::Char('n'), KeyModifiers::CONTROL) => *place = (*place + 1).min(lines.len() - 1),
        _ => drop(lines[*place].handle_event(&event)),
    }
    Asked::Nothing
}

/// What is seen of a text through `width` columns after the first `scrolled`.
fn window(text: &str, scrolled: usize, width: usize) -> String {
    let mut column = 0;
    let mut seen = String::new();
    for character in text.chars() {
        if column >= scrolled {
            seen.push(character);
        }
        column += display_width(character.encode_utf8(&mut [0; 4]));
        if column > scrolled + width {
            seen.pop();
            break;
        }
    }
    seen
}

/// The terminal while it gives keys one by one; given back in any case.
struct RawMode;

impl RawMode {
    fn take() -> Result<Self> {
        enable_raw_mode().context("cannot read keys from this terminal")?;
        Ok(Self)
    }
}

impl Drop for RawMode {
    fn drop(&mut self) {
        let _ = disable_raw_mode();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_line_is_seen_around_the_cursor() {
        assert_eq!(window("abcdef", 0, 10), "abcdef");
        assert_eq!(window("abcdef", 2, 3), "cde");
        assert_eq!(window("日本語", 2, 3), "本");
        assert_eq!(window("", 0, 5), "");
    }
}
