//! The full-screen face of a sitting: keys in ([`sheet`]), a drawing out ([`view`]), the terminal given back in any
//! case ([`terminal`]).

mod sheet;
mod terminal;
mod theme;
mod view;

use super::End;
use super::attention::Attention;
use super::desk::{Desk, Next, Verdict, WANTS_EXAMPLES};
use crate::interrupt;
use anyhow::{Context, Result};
use ratatui::crossterm::event::{self, Event, KeyEventKind};
use sheet::{Outcome, Sheet};
use std::time::Duration;
use terminal::FullScreen;
use theme::Theme;

/// How often to look whether a signal asks to stop.
const LOOK: Duration = Duration::from_millis(200);

/// True for a terminal that can only print lines.
pub fn is_dumb() -> bool {
    std::env::var("TERM").is_ok_and(|term| term == "dumb")
}

/// Shows screens until nothing is open or the person stops.
pub fn run(desk: &mut Desk) -> Result<End> {
    interrupt::stop_on_hangup();
    let mut full_screen = FullScreen::open()?;
    let theme = Theme::from_environment();
    let (mut message, mut ranked_before) = (None, Vec::new());
    loop {
        let place = match desk.next()? {
            Next::Screen(place) => place,
            Next::Nothing => return Ok(End::Complete),
            Next::NotYet => match wait(&mut full_screen, desk, &theme)? {
                Some(end) => return Ok(end),
                None => continue,
            },
        };
        let shown = desk.screen(place).shown.len();
        let mut sheet = Sheet::new(shown, message.take());
        (sheet.compares, sheet.groups) = (desk.compares, std::mem::take(&mut ranked_before));
        let mut attention = Attention::start();
        let outcome = ask(&mut full_screen, desk, place, &mut sheet, &mut attention, &theme)?;
        match outcome {
            Outcome::Interrupt => return Ok(End::Interrupted),
            Outcome::Quit => return Ok(End::Stopped),
            Outcome::Skip => desk.decide(place, &Verdict::Skipped, sheet.flags(), &attention)?,
            Outcome::Ranked(opinion) => desk.decide(place, &Verdict::Ranked(opinion), sheet.flags(), &attention)?,
            Outcome::Write(of) => {
                // The editor has the terminal.
                drop(full_screen);
                let written = desk.write_better(place, sheet.groups.clone(), of);
                full_screen = FullScreen::open()?;
                attention.key();
                match written {
                    Ok(opinion) => desk.decide(place, &Verdict::Ranked(opinion), sheet.flags(), &attention)?,
                    Err(why) => (message, ranked_before) = (Some(why), sheet.groups.clone()),
                }
            }
            Outcome::Undo if !desk.undo()? => message = Some("there is nothing to undo in this sitting".to_string()),
            Outcome::Undo | Outcome::Stay => {}
        }
        if message.is_none() && desk.wants_examples() {
            message = Some(WANTS_EXAMPLES.into());
        }
    }
}

/// Shows that the next screen is still being made, until it is there or the person stops.
fn wait(full_screen: &mut FullScreen, desk: &mut Desk, theme: &Theme) -> Result<Option<End>> {
    while desk.next()? == Next::NotYet {
        if interrupt::requested() {
            return Ok(Some(End::Interrupted));
        }
        let progress = desk.progress();
        full_screen.draw(|frame| view::draw_waiting(frame, &progress, theme))?;
        if !event::poll(LOOK).context("cannot read the keyboard")? {
            continue;
        }
        let Event::Key(key) = event::read().context("cannot read the keyboard")? else { continue };
        // Of the keys of a screen without completions, only those that end the sitting mean something.
        match Sheet::new(0, None).key(key) {
            Outcome::Interrupt => return Ok(Some(End::Interrupted)),
            Outcome::Quit => return Ok(Some(End::Stopped)),
            _ => {}
        }
    }
    Ok(None)
}

/// Shows one screen until a key decides it.
fn ask(
    full_screen: &mut FullScreen,
    desk: &Desk,
    place: usize,
    sheet: &mut Sheet,
    attention: &mut Attention,
    theme: &Theme,
) -> Result<Outcome> {
    let progress = desk.progress();
    loop {
        full_screen.draw(|frame| view::draw(frame, place, &progress, desk.screen(place), sheet, theme))?;
        loop {
            if interrupt::requested() {
                return Ok(Outcome::Interrupt);
            }
            if event::poll(LOOK).context("cannot read the keyboard")? {
                break;
            }
        }
        match event::read().context("cannot read the keyboard")? {
            Event::Key(key) if key.kind != KeyEventKind::Release => {
                attention.key();
                match sheet.key(key) {
                    Outcome::Stay => {}
                    outcome => return Ok(outcome),
                }
            }
            _ => {}
        }
    }
}
