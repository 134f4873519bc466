//! `nudge rank`: candidates become rankings, by a simulated labeler, a program, or the person at the terminal.

mod attention;
mod choose;
mod desk;
mod plain;
mod program;
mod ranking_line;
mod schedule;
mod screen;
mod store;

use crate::args::Rank;
use crate::device::{self, DeviceChoice};
use crate::failure::{Interrupted, tell};
use crate::input::Records;
use crate::live_records::Arrivals;
use crate::printable::printable;
use crate::provenance::{Results, RunRecord};
use crate::record_file::{already_finished, record};
use crate::report::{self, times};
use crate::runner::resume_command;
use crate::usage::given;
use anyhow::{Result, bail};
use nudge_data::sitting::unskipped;
use nudge_data::{CandidatesRecord, read_jsonl_checked};
use nudge_session::{Command, Session};
use serde_json::Map;
use std::collections::BTreeMap;
use std::io::{IsTerminal, stderr, stdin};
use std::time::Duration;

pub use desk::Desk;
use desk::NOTHING_DIFFERS;
pub use schedule::{distinct, schedule};
pub use screen::is_dumb;
pub use store::Store;

/// Who a person is where a labeler is named.
pub const ME: &str = "me";

/// Who decides.
pub enum Judge<'a> {
    /// The person at the terminal; line by line, for screen readers.
    Person { plain: bool },
    /// A program, and how long it may think.
    Program(&'a str, Duration),
}

/// How a sitting ended.
pub enum End {
    /// Nothing is left to rank.
    Complete,
    /// The person stops.
    Stopped,
    /// A signal, or Ctrl-C.
    Interrupted,
}

/// Ranks into `--out`.
pub fn run(arguments: &Rank) -> Result<()> {
    if !(0.0..=1.0).contains(&arguments.repeat) {
        bail!("--repeat {} is no share of the screens; give a number from 0 to 1", arguments.repeat);
    }
    let check = |name: &str, text: &str| read_jsonl_checked(name, text, can_be_ranked);
    let candidates = Records::own(std::slice::from_ref(&arguments.candidates), check)?.all;
    let candidates: Vec<CandidatesRecord> = candidates.into_iter().map(unskipped).collect();
    if candidates.is_empty() {
        bail!("{} holds no candidates; sample some first", arguments.candidates.display());
    }
    match arguments.labeler.as_ref().filter(|labeler| *labeler != ME) {
        Some(labeler) => {
            if arguments.repeat > 0.0 || arguments.plain || arguments.labeler_name.is_some() {
                bail!("--repeat, --plain and --labeler-name are for a person; the labeler `{labeler}` is a rule");
            }
            let candidates = choose::choose(arguments, candidates)?;
            // A rule needs no device; a session wants one.
            let session = Session::new(device::open(DeviceChoice::Cpu)?.device);
            let command = Command::Rank { candidates, labeler: labeler.clone() };
            record(&session, command, run_record()?, &arguments.output, None, arguments.json)
        }
        None => sit_down(arguments, candidates),
    }
}

fn can_be_ranked(record: &CandidatesRecord) -> Result<(), String> {
    match record.completions.len() {
        0 | 1 => Err(format!(
            "candidates `{}` have {} completion(s), and a ranking needs two or more. Sample with --k 2 or more",
            record.id,
            record.completions.len()
        )),
        _ => Ok(()),
    }
}

/// A person ranks.
fn sit_down(arguments: &Rank, candidates: Vec<CandidatesRecord>) -> Result<()> {
    let Some((store, _lock)) = Store::open(&arguments.output)? else {
        already_finished(&arguments.output.out);
        return Ok(());
    };
    let stored = store.read()?;
    let all = candidates.len();
    let differ: Vec<_> = candidates.into_iter().filter(|record| distinct(&record.completions).len() > 1).collect();
    if differ.is_empty() {
        bail!(NOTHING_DIFFERS);
    }
    tell_left_out(all - differ.len());
    let chosen = choose::choose(arguments, differ)?;
    let screens = schedule(&chosen, arguments.seed, arguments.repeat);
    let mut desk = Desk::new(screens, stored, labeler(arguments), arguments.seed, store)?;
    desk.write()?;
    decide(&mut desk, arguments)
}

/// A person ranks candidates, `count` at most, while others are still being sampled.
pub fn run_beside(arguments: &Rank, arrivals: Arrivals, count: usize) -> Result<()> {
    let Some((store, _lock)) = Store::open(&arguments.output)? else {
        already_finished(&arguments.output.out);
        return Ok(());
    };
    let stored = store.read()?;
    let mut desk = Desk::follow(arrivals, count, stored, labeler(arguments), arguments.seed, store);
    desk.write()?;
    if !plain::wait(&mut desk, "Sampling the first completions; the next ones are sampled while you rank.")? {
        return close(&desk, &End::Interrupted, arguments);
    }
    decide(&mut desk, arguments)
}

fn tell_left_out(records: usize) {
    if records > 0 {
        tell(&format!("{} left out: all completions are equal", times(records, "record is", "records are")));
    }
}

/// What the rankings bear.
fn labeler(arguments: &Rank) -> String {
    match &arguments.judge_command {
        Some(command) => format!("program:{command}"),
        None => arguments.labeler_name.clone().unwrap_or_else(user_name),
    }
}

/// Somebody decides until nothing is open, or they stop.
fn decide(desk: &mut Desk, arguments: &Rank) -> Result<()> {
    let patience = Duration::from_secs(arguments.judge_timeout);
    let judge = match &arguments.judge_command {
        Some(command) => Judge::Program(command, patience),
        None => Judge::Person { plain: arguments.plain },
    };
    let end = sit(desk, &judge)?;
    close(desk, &end, arguments)
}

/// What the rankings are made of.
fn run_record() -> Result<RunRecord> {
    RunRecord::begin(&given(), Map::new(), "cpu", &BTreeMap::new())
}

/// What a person's rankings bear where nothing else is said.
pub fn user_name() -> String {
    std::env::var("USER").ok().filter(|name| !name.is_empty()).unwrap_or_else(|| "person".into())
}

/// Lets somebody decide until nothing is open.
pub fn sit(desk: &mut Desk, judge: &Judge) -> Result<End> {
    match judge {
        Judge::Program(command, patience) => program::run(desk, command, *patience),
        Judge::Person { plain } if !plain && stdin().is_terminal() && stderr().is_terminal() && !is_dumb() => {
            screen::run(desk)
        }
        Judge::Person { .. } => plain::run(desk),
    }
}

fn close(desk: &Desk, end: &End, arguments: &Rank) -> Result<()> {
    let (progress, out) = (desk.progress(), &arguments.output.out);
    match end {
        End::Interrupted => return Err(Interrupted { go_on: Some(resume_command()) }.into()),
        End::Stopped => {
            let saved = times(progress.ranked, "ranking", "rankings");
            tell(&format!("Saved: {saved}. Go on with:\n  {}", resume_command()));
        }
        End::Complete => {
            let mut run = run_record()?;
            run.end(Results { steps: progress.ranked, ..Results::default() });
            run.write_beside(out)?;
            desk.store.finish()?;
            tell_left_out(desk.left_out);
        }
    }
    let complete = matches!(end, End::Complete);
    let summary = serde_json::json!({
        "command": "rank", "out": out.display().to_string(), "records": progress.ranked, "skipped": progress.skipped,
        "flagged": progress.flagged, "repeats": progress.repeats_ranked, "complete": complete
    });
    report::result(arguments.json, &summary, || {
        let skipped = match progress.skipped {
            0 => String::new(),
            count => format!("; {count} skipped -> {}", desk.store.skipped.display()),
        };
        match complete {
            true => format!("rank: {} -> {}{skipped}", times(progress.ranked, "record", "records"), out.display()),
            false => {
                let partial = desk.store.partial();
                format!("rank: {} of {} records -> {}", progress.ranked, progress.screens, partial.display())
            }
        }
    })
}

/// A text that cannot move the cursor or hide what follows, and is seen even if it is empty.
pub fn for_terminal(text: &str) -> String {
    match text.trim().is_empty() {
        true => "(an empty completion)".into(),
        false => printable(text).replace('\t', " "),
    }
}
