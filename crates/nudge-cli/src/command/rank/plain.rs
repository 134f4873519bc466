//! The line interface: what `nudge rank` shows where there is no terminal, and to screen readers (`--plain`).

use super::End;
use super::attention::Attention;
use super::desk::{Desk, Next, Verdict};
use super::for_terminal;
use super::ranking_line::{Typed, parse};
use crate::failure::tell;
use crate::interrupt;
use anyhow::Result;
use std::io::{self, BufRead};
use std::time::Duration;

/// What is said where the person is faster than the model.
pub const WAITING: &str = "The next completions are still being sampled ...";
const HELP: &str = "Type the numbers from best to worst: `2 > 1 = 3 > 4` or `2 1=3 4` (= is a tie).\n\
    s skips, u ranks the one before again, q stops, h shows this.\n\
    `f harmful` flags what you see, before you rank or skip it: nonsense, harmful, off_topic or other.\n\
    Every ranking is saved at once.";

/// How often to look whether a signal asks to stop.
const LOOK: Duration = Duration::from_millis(100);

/// Asks until nothing is open or the person stops.
pub fn run(desk: &mut Desk) -> Result<End> {
    tell(HELP);
    loop {
        let place = match desk.next()? {
            Next::Screen(place) => place,
            Next::Nothing => return Ok(End::Complete),
            Next::NotYet if !wait(desk, WAITING)? => return Ok(End::Interrupted),
            Next::NotYet => continue,
        };
        show(desk, place);
        let mut attention = Attention::start();
        let mut flags = Vec::new();
        loop {
            let typed = ask(desk.screen(place).shown.len())?;
            attention.key();
            match typed {
                Typed::Quit => return Ok(End::Stopped),
                Typed::Help => tell(HELP),
                Typed::Flag(flag) if flags.contains(&flag) => flags.retain(|other| *other != flag),
                Typed::Flag(flag) => flags.push(flag),
                Typed::Skip => desk.decide(place, &Verdict::Skipped, std::mem::take(&mut flags), &attention)?,
                Typed::Ranking(groups) => {
                    desk.decide(place, &Verdict::Ranked(groups), std::mem::take(&mut flags), &attention)?;
                }
                Typed::Undo if !desk.undo()? => tell("There is nothing to undo in this sitting."),
                Typed::Undo => {}
            }
            if desk.current() != Some(place) {
                break;
            }
            match flags.as_slice() {
                [] => {}
                flags => tell(&format!("Flagged: {}.", flags.join(", "))),
            }
        }
    }
}

/// Says what is waited for, and waits until there is something to do; false where a signal asks to stop.
pub fn wait(desk: &mut Desk, why: &str) -> Result<bool> {
    tell(why);
    while desk.next()? == Next::NotYet {
        if interrupt::requested() {
            return Ok(false);
        }
        desk.wait(LOOK)?;
    }
    Ok(true)
}

fn show(desk: &Desk, place: usize) {
    let (screen, progress) = (desk.screen(place), desk.progress());
    let again = if screen.repeat_of.is_some() { " (again, in another order)" } else { "" };
    let prompt = for_terminal(&screen.candidates.prompt.to_string());
    tell(&format!("\n[{}/{}]{again} {prompt}", place + 1, progress.screens));
    for (shown, index) in screen.shown.iter().enumerate() {
        let completion = for_terminal(&screen.candidates.completions[*index].text).replace('\n', "\n     ");
        tell(&format!("\n  {}. {completion}", shown + 1));
    }
}

/// What the person types; the end of input is `q`.
fn ask(completions: usize) -> Result<Typed> {
    loop {
        tell("\nBest to worst:");
        let mut line = String::new();
        if interrupt::while_waiting(|| io::stdin().lock().read_line(&mut line))? == 0 {
            return Ok(Typed::Quit);
        }
        match parse(&line, completions) {
            Ok(typed) => return Ok(typed),
            Err(reason) => tell(&format!("Not understood: {reason}.")),
        }
    }
}
