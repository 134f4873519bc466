//! The line interface: what `nudge rank` shows where there is no terminal, and to screen readers (`--plain`).

use super::End;
use super::attention::Attention;
use super::desk::{Desk, Next, Opinion, Verdict, WANTS_EXAMPLES};
use super::for_terminal;
use super::ranking_line::{Typed, parse, parse_usable};
use crate::failure::tell;
use crate::interrupt;
use anyhow::Result;
use std::io::{self, BufRead};
use std::time::Duration;

/// What is said where the person is faster than the model.
pub const WAITING: &str = "The next completions are still being sampled ...";
const HELP: &str = "Type the numbers from best to worst: `2 > 1 = 3 > 4` or `2 1=3 4` (= is a tie).\n\
    `e 2` makes completion 2 better, w writes an answer where none is good; both teach more than an order.\n\
    s skips, u ranks the one before again, q stops, h shows this.\n\
    `f harmful` flags what you see, before you rank or skip it: nonsense, harmful, off_topic or other.\n\
    Every ranking is saved at once.";

const COMPARING: &str = "Type the numbers from better to worse: `2 1`, or `1 = 2`. Then type those that you would send.\n\
    s skips, u judges the one before again, q stops, h shows this. Every judgement is saved at once.";

/// How often to look whether a signal asks to stop.
const LOOK: Duration = Duration::from_millis(100);

/// Asks until nothing is open or the person stops.
pub fn run(desk: &mut Desk) -> Result<End> {
    tell(if desk.compares { COMPARING } else { HELP });
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
            let opinion = match typed {
                Typed::Quit => return Ok(End::Stopped),
                Typed::Help => said(if desk.compares { COMPARING } else { HELP }),
                Typed::Flag(flag) if flags.contains(&flag) => {
                    flags.retain(|other| *other != flag);
                    None
                }
                Typed::Flag(flag) => {
                    flags.push(flag);
                    None
                }
                Typed::Skip => {
                    desk.decide(place, &Verdict::Skipped, std::mem::take(&mut flags), &attention)?;
                    None
                }
                Typed::Ranking(groups) if desk.compares => match ask_usable(desk.screen(place).shown.len())? {
                    Some(usable) => Some(Opinion { usable: Some(usable), ..Opinion::order(groups) }),
                    None => return Ok(End::Stopped),
                },
                Typed::Ranking(groups) => Some(Opinion::order(groups)),
                Typed::Edit(_) | Typed::Write if desk.compares => said("Two models are compared; nothing is edited."),
                Typed::Edit(position) => desk.write_better(place, vec![], Some(position)).map_or_else(said, Some),
                Typed::Write => desk.write_better(place, vec![], None).map_or_else(said, Some),
                Typed::Undo if !desk.undo()? => said("There is nothing to undo in this sitting."),
                Typed::Undo => None,
            };
            if let Some(opinion) = opinion {
                attention.key();
                desk.decide(place, &Verdict::Ranked(opinion), std::mem::take(&mut flags), &attention)?;
                if desk.wants_examples() {
                    tell(WANTS_EXAMPLES);
                }
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

/// Says something that decides nothing.
fn said(what: impl AsRef<str>) -> Option<Opinion> {
    tell(what.as_ref());
    None
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

/// Which of them the person would send; nothing at the end of input.
fn ask_usable(completions: usize) -> Result<Option<Vec<bool>>> {
    loop {
        tell("\nWhich would you send? Numbers, or 0 for none:");
        let mut line = String::new();
        if interrupt::while_waiting(|| io::stdin().lock().read_line(&mut line))? == 0 || line.trim() == "q" {
            return Ok(None);
        }
        match parse_usable(&line, completions) {
            Ok(usable) => return Ok(Some(usable)),
            Err(reason) => tell(&format!("Not understood: {reason}.")),
        }
    }
}
