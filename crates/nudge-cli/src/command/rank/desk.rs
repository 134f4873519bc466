//! A person ranks in the terminal. Every ranking is on the disk before the next is asked for; what is skipped is
//! asked again after a resume.

use super::ranking_line::{Typed, parse};
use crate::args::Rank;
use crate::failure::tell;
use crate::files::{beside, io_error, read_text, write_atomic};
use crate::interrupt;
use crate::record_file::already_finished;
use crate::report;
use crate::runner::resume_command;
use anyhow::{Result, bail};
use nudge_data::{CandidatesRecord, RankingRecord, Rng, rankings_from, write_jsonl};
use std::fs;
use std::io::{self, BufRead};
use std::path::{Path, PathBuf};
use std::time::Instant;

const HELP: &str = "Type the numbers from best to worst: `2 > 1 = 3 > 4` or `2 1=3 4` (= is a tie).\n\
    s skips, u ranks the one before again, q stops, h shows this. Every ranking is saved at once.";

/// A ranking session at the terminal.
struct Desk<'a> {
    candidates: &'a [CandidatesRecord],
    labeler: String,
    seed: u64,
    partial: PathBuf,
    /// What was decided, by position in `candidates`.
    decided: Vec<Decision>,
}

#[derive(Clone, PartialEq)]
enum Decision {
    Open,
    Skipped,
    Ranked(Box<RankingRecord>),
}

/// Asks for a ranking of every record.
pub fn run(arguments: &Rank, candidates: &[CandidatesRecord]) -> Result<()> {
    let out = &arguments.output.out;
    let partial = beside(out, ".partial");
    if out.exists() && !arguments.output.force && !(arguments.output.resume && partial.exists()) {
        if arguments.output.resume {
            already_finished(out);
            return Ok(());
        }
        bail!("{} exists; choose another --out, or replace it with --force", out.display());
    }
    let user = || std::env::var("USER").ok().filter(|name| !name.is_empty()).unwrap_or_else(|| "person".into());
    let mut desk = Desk {
        candidates,
        labeler: arguments.labeler_name.clone().unwrap_or_else(user),
        seed: arguments.seed,
        partial,
        decided: vec![Decision::Open; candidates.len()],
    };
    desk.take_up(arguments.output.resume, arguments.output.force)?;
    tell(HELP);
    let complete = desk.work()?;
    desk.close(out, complete, arguments.json)
}

impl Desk<'_> {
    /// Reads the rankings of a run that goes on.
    fn take_up(&mut self, resume: bool, force: bool) -> Result<()> {
        if !self.partial.exists() || force {
            return Ok(());
        }
        let name = self.partial.display().to_string();
        if !resume {
            bail!("{name} is an unfinished run; go on with --resume, or start anew with --force");
        }
        for record in rankings_from(&name, &read_text(&self.partial)?)? {
            let same = |candidates: &CandidatesRecord| {
                (&candidates.id, &candidates.prompt, &candidates.completions)
                    == (&record.id, &record.prompt, &record.completions)
            };
            let open =
                |position: &usize| self.decided[*position] == Decision::Open && same(&self.candidates[*position]);
            match (0..self.candidates.len()).find(open) {
                Some(position) => self.decided[position] = Decision::Ranked(Box::new(record)),
                None => {
                    bail!("{name} ranks `{}`, which is not among the candidates; give the same --candidates", record.id)
                }
            }
        }
        Ok(())
    }

    /// Asks until nothing is open (true) or the person stops (false).
    fn work(&mut self) -> Result<bool> {
        let mut history: Vec<usize> = Vec::new();
        while let Some(position) = self.decided.iter().position(|decision| *decision == Decision::Open) {
            let order = self.order(position);
            self.show(position, &order);
            let clock = Instant::now();
            match ask(order.len())? {
                Typed::Quit => return Ok(false),
                Typed::Help => tell(HELP),
                Typed::Skip => {
                    self.decided[position] = Decision::Skipped;
                    history.push(position);
                }
                Typed::Undo => match history.pop() {
                    Some(before) => self.decided[before] = Decision::Open,
                    None => tell("There is nothing to undo in this sitting."),
                },
                Typed::Ranking(groups) => {
                    let ranking =
                        groups.iter().map(|group| group.iter().map(|shown| order[*shown]).collect()).collect();
                    let record = self.record(position, ranking, clock.elapsed().as_secs_f32());
                    self.decided[position] = Decision::Ranked(Box::new(record));
                    history.push(position);
                }
            }
            self.store()?;
        }
        Ok(true)
    }

    /// The order in which answers are shown: shuffled, the same again for the same seed.
    fn order(&self, position: usize) -> Vec<usize> {
        let mut order: Vec<usize> = (0..self.candidates[position].completions.len()).collect();
        Rng::with_stream(self.seed, position as u64).shuffle(&mut order);
        order
    }

    fn show(&self, position: usize, order: &[usize]) {
        let record = &self.candidates[position];
        tell(&format!("\n[{}/{}] {}", position + 1, self.candidates.len(), record.prompt));
        for (shown, index) in order.iter().enumerate() {
            tell(&format!("\n  {}. {}", shown + 1, for_terminal(&record.completions[*index].text)));
        }
    }

    fn record(&self, position: usize, ranking: Vec<Vec<usize>>, seconds: f32) -> RankingRecord {
        let CandidatesRecord { id, prompt, completions, extra } = self.candidates[position].clone();
        RankingRecord {
            id,
            prompt,
            completions,
            ranking,
            labeler: Some(self.labeler.clone()),
            seconds: Some((seconds * 10.0).round() / 10.0),
            extra,
        }
    }

    fn rankings(&self) -> Vec<RankingRecord> {
        let ranked = |decision: &Decision| match decision {
            Decision::Ranked(record) => Some(record.as_ref().clone()),
            _ => None,
        };
        self.decided.iter().filter_map(ranked).collect()
    }

    fn store(&self) -> Result<()> {
        write_atomic(&self.partial, write_jsonl(&self.rankings()).as_bytes())
    }

    fn close(&self, out: &Path, complete: bool, as_json: bool) -> Result<()> {
        let ranked = self.rankings().len();
        self.store()?;
        if !complete {
            tell(&format!(
                "Saved: {}. Go on with:\n  {}",
                report::times(ranked, "ranking", "rankings"),
                resume_command()
            ));
        } else {
            fs::rename(&self.partial, out).map_err(|error| io_error("write", out, error))?;
        }
        let summary = serde_json::json!({
            "command": "rank", "out": out.display().to_string(), "records": ranked, "complete": complete
        });
        report::result(as_json, &summary, || match complete {
            true => format!("rank: {ranked} records -> {}", out.display()),
            false => format!("rank: {ranked} of {} records -> {}", self.candidates.len(), self.partial.display()),
        })
    }
}

/// An answer on the screen: indented, without what would move the cursor, and seen even if it is empty.
fn for_terminal(text: &str) -> String {
    if text.trim().is_empty() {
        return "(an empty answer)".into();
    }
    let plain = text.replace(|character: char| character.is_control() && character != '\n', " ");
    plain.replace('\n', "\n     ")
}

/// What the person types; the end of input is `q`.
fn ask(answers: usize) -> Result<Typed> {
    loop {
        tell("\nBest to worst:");
        let mut line = String::new();
        if interrupt::while_waiting(|| io::stdin().lock().read_line(&mut line))? == 0 {
            return Ok(Typed::Quit);
        }
        match parse(&line, answers) {
            Ok(typed) => return Ok(typed),
            Err(reason) => tell(&format!("Not understood: {reason}.")),
        }
    }
}
