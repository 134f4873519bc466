//! The terminal in its full-screen mode, given back as it was: at the end, on an error and in a panic.
//!
//! Standard error is drawn on, so that standard output holds the result alone.

use anyhow::{Context, Result};
use ratatui::backend::CrosstermBackend;
use ratatui::crossterm::cursor::Show;
use ratatui::crossterm::execute;
use ratatui::crossterm::terminal::{EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode};
use ratatui::{Frame, Terminal};
use std::io::{BufWriter, Stderr, stderr};
use std::panic;
use std::sync::Once;
use std::sync::atomic::{AtomicBool, Ordering};

static IN_USE: AtomicBool = AtomicBool::new(false);
static HOOK: Once = Once::new();

/// The terminal while it shows screens.
pub struct FullScreen(Terminal<CrosstermBackend<BufWriter<Stderr>>>);

impl FullScreen {
    /// Takes the terminal.
    ///
    /// # Errors
    /// A terminal that cannot be drawn on.
    pub fn open() -> Result<Self> {
        // A panic's message must not be lost with the alternate screen.
        HOOK.call_once(|| {
            let report = panic::take_hook();
            panic::set_hook(Box::new(move |panic| {
                give_back();
                report(panic);
            }));
        });
        let advice = "cannot take over the terminal; use --plain for the line interface";
        IN_USE.store(true, Ordering::Relaxed);
        let taken = enable_raw_mode().and_then(|()| execute!(stderr(), EnterAlternateScreen));
        let opened = taken.and_then(|()| Terminal::new(CrosstermBackend::new(BufWriter::new(stderr()))));
        if opened.is_err() {
            give_back();
        }
        Ok(Self(opened.context(advice)?))
    }

    /// Draws.
    pub fn draw(&mut self, draw: impl FnOnce(&mut Frame)) -> Result<()> {
        self.0.draw(draw).map(drop).context("cannot draw on the terminal; use --plain for the line interface")
    }
}

impl Drop for FullScreen {
    fn drop(&mut self) {
        give_back();
    }
}

/// Puts the terminal into the state in which it was taken; once.
fn give_back() {
    if IN_USE.swap(false, Ordering::Relaxed) {
        let _ = disable_raw_mode();
        let _ = execute!(stderr(), LeaveAlternateScreen, Show);
    }
}
