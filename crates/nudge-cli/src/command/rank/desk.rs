//! What a person decided about which screen, kept on the disk before the next screen is shown. The terminal screen and
//! the line interface are two faces of it.
//!
//! A screen that was passed over without a flag is asked again after a resume; one with a flag stays passed over.

use super::attention::Attention;
use super::schedule::Screen;
use super::store::{Store, Stored};
use anyhow::{Result, bail};
use nudge_data::sitting::{ranked, skipped, unskipped};
use nudge_data::{CandidatesRecord, RankingRecord, Sitting};

/// A person's sitting.
pub struct Desk {
    screens: Vec<Screen>,
    /// What was decided, by place in `screens`.
    decisions: Vec<Decision>,
    /// Places decided in this sitting, in order.
    history: Vec<usize>,
    labeler: String,
    seed: u64,
    /// Where it is kept.
    pub store: Store,
}

#[derive(Debug, Clone, PartialEq)]
enum Decision {
    Open,
    Ranked(Box<RankingRecord>),
    Skipped {
        record: Box<CandidatesRecord>,
        /// Passed over in a sitting before this one, without a reason.
        ask_again: bool,
    },
}

/// What a person says of a screen.
#[derive(Debug, Clone, PartialEq)]
pub enum Verdict {
    /// Groups of places on the screen, best group first.
    Ranked(Vec<Vec<usize>>),
    /// Passed over.
    Skipped,
}

/// How far a sitting has come.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Progress {
    /// Screens in all, repeats among them.
    pub screens: usize,
    /// Screens ranked, repeats among them.
    pub ranked: usize,
    /// Screens passed over.
    pub skipped: usize,
    /// Screens with a flag, ranked or passed over.
    pub flagged: usize,
    /// Repeats in all.
    pub repeats: usize,
    /// Repeats ranked.
    pub repeats_ranked: usize,
    /// Mean seconds a ranked screen; nothing before the first.
    pub seconds: Option<f32>,
}

impl Desk {
    /// A sitting over `screens`, going on after what `stored` holds.
    ///
    /// # Errors
    /// A stored decision about a screen that is not among them.
    pub fn new(screens: Vec<Screen>, stored: Stored, labeler: String, seed: u64, store: Store) -> Result<Self> {
        let decisions = vec![Decision::Open; screens.len()];
        let mut desk = Self { screens, decisions, history: vec![], labeler, seed, store };
        for record in stored.rankings {
            let candidates = (&record.id, &record.prompt, &record.completions);
            let found = desk
                .find(|screen| (&screen.id(), &screen.candidates.prompt, &screen.candidates.completions) == candidates);
            let Some(place) = found else { bail!(desk.unknown(&record.id)) };
            desk.decisions[place] = Decision::Ranked(Box::new(record));
        }
        for record in stored.skipped {
            let candidates = unskipped(record.clone());
            let repeat = nudge_data::sitting::is_repeat(&record.extra);
            let found = desk.find(|screen| screen.repeat_of.is_some() == repeat && screen.candidates == candidates);
            // A ranking that was stored after it has the last word, so a screen that is not open is no error.
            if let Some(place) = found {
                let ask_again = !record.extra.contains_key("flags");
                desk.decisions[place] = Decision::Skipped { record: Box::new(record), ask_again };
            }
        }
        Ok(desk)
    }

    fn find(&self, same: impl Fn(&Screen) -> bool) -> Option<usize> {
        (0..self.screens.len()).find(|place| self.decisions[*place] == Decision::Open && same(&self.screens[*place]))
    }

    fn unknown(&self, id: &str) -> String {
        format!(
            "{} ranks `{id}`, which is not among the screens; repeat the same --candidates, --seed, --repeat, --choose \
             and --limit",
            self.store.partial().display()
        )
    }

    /// The place of the screen to show next; nothing when all are decided.
    pub fn current(&self) -> Option<usize> {
        (0..self.screens.len()).find(|place| match &self.decisions[*place] {
            // A repeat without a first ranking has nothing to be compared with.
            Decision::Open => self.screens[*place]
                .repeat_of
                .is_none_or(|original| matches!(self.decisions[original], Decision::Ranked(_))),
            Decision::Skipped { ask_again, .. } => *ask_again,
            Decision::Ranked(_) => false,
        })
    }

    /// The screen at a place.
    pub fn screen(&self, place: usize) -> &Screen {
        &self.screens[place]
    }

    /// Takes a decision and keeps it.
    pub fn decide(&mut self, place: usize, verdict: &Verdict, flags: Vec<String>, attention: &Attention) -> Result<()> {
        let screen = &self.screens[place];
        let sitting = Sitting {
            order_seed: Some(self.seed),
            shown: Some(screen.shown.clone()),
            started_at: attention.started_at.clone(),
            flags,
            repeat_of: screen.repeat_of.map(|original| self.screens[original].id()),
            choice: None,
        };
        let mut candidates = screen.candidates.clone();
        self.decisions[place] = match verdict {
            Verdict::Ranked(groups) => {
                candidates.id = screen.id();
                let ranking = screen.ranking(groups);
                Decision::Ranked(Box::new(ranked(candidates, ranking, &self.labeler, attention.seconds(), &sitting)))
            }
            Verdict::Skipped => Decision::Skipped {
                record: Box::new(skipped(candidates, &self.labeler, attention.seconds(), &sitting)),
                ask_again: false,
            },
        };
        self.history.push(place);
        self.write()
    }

    /// Opens the screen that was decided last in this sitting; false where there is none.
    pub fn undo(&mut self) -> Result<bool> {
        let Some(place) = self.history.pop() else { return Ok(false) };
        self.decisions[place] = Decision::Open;
        self.write()?;
        Ok(true)
    }

    /// Writes everything that was decided.
    pub fn write(&self) -> Result<()> {
        let mut stored = Stored::default();
        for decision in &self.decisions {
            match decision {
                Decision::Open => {}
                Decision::Ranked(record) => stored.rankings.push(record.as_ref().clone()),
                Decision::Skipped { record, .. } => stored.skipped.push(record.as_ref().clone()),
            }
        }
        self.store.write(&stored)
    }

    /// How far it has come.
    pub fn progress(&self) -> Progress {
        let repeats = self.screens.iter().filter(|screen| screen.repeat_of.is_some()).count();
        let mut progress = Progress { screens: self.screens.len(), repeats, ..Progress::default() };
        let mut seconds = 0.0;
        for (screen, decision) in self.screens.iter().zip(&self.decisions) {
            let extra = match decision {
                Decision::Open => continue,
                Decision::Ranked(record) => {
                    progress.ranked += 1;
                    progress.repeats_ranked += usize::from(screen.repeat_of.is_some());
                    seconds += record.seconds.unwrap_or_default();
                    &record.extra
                }
                Decision::Skipped { record, .. } => {
                    progress.skipped += 1;
                    &record.extra
                }
            };
            progress.flagged += usize::from(extra.contains_key("flags"));
        }
        progress.seconds = (progress.ranked > 0).then(|| seconds / progress.ranked as f32);
        progress
    }
}

#[cfg(test)]
#[path = "desk_test.rs"]
mod tests;
