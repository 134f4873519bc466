//! What a person decided about which screen, kept on the disk before the next screen is shown. The terminal screen and
//! the line interface are two faces of it.
//!
//! A screen that was passed over without a flag is asked again after a resume; one with a flag stays passed over.
//! Screens may still be made while others are decided ([`Desk::follow`]).

use super::attention::Attention;
use super::can_be_ranked;
use super::schedule::{Screen, distinct, first_screen};
use super::store::{Store, Stored};
use crate::live_records::{Arrival, Arrivals};
use crate::written::{Pen, draft_of};
use anyhow::{Result, bail};
use nudge_data::sitting::{is_repeat, ranked, skipped, unskipped};
use nudge_data::{CandidatesRecord, Edit, RankingRecord, Sitting, read_jsonl_checked};
use nudge_session::workflow::wants_examples;
use std::time::Duration;

/// What is advised after screens without a good answer.
pub const WANTS_EXAMPLES: &str = "No good answer twice: examples teach more than rankings; w writes one here.";

/// Why nobody is asked where each record has but one completion, several times.
pub const NOTHING_DIFFERS: &str =
    "all records have equal completions, so nothing is to be ranked; sample at a higher --temperature";

/// A person's sitting.
pub struct Desk {
    screens: Vec<Screen>,
    /// What was decided, by place in `screens`.
    decisions: Vec<Decision>,
    /// Places decided in this sitting, in order.
    history: Vec<usize>,
    labeler: String,
    seed: u64,
    /// What a sitting before this one decided about screens that have not come yet.
    stored: Stored,
    /// Screens that are still being made.
    coming: Option<Coming>,
    /// Records that came and are no screen: all of their completions are equal.
    pub left_out: usize,
    /// Where it is kept.
    pub store: Store,
    /// Whether two models are compared: then it is asked which answers are good enough to use, and none is edited.
    pub compares: bool,
}

struct Coming {
    arrivals: Arrivals,
    /// Records that have not come yet, as far as is known.
    left: usize,
}

/// What is to be done next.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Next {
    /// The screen at this place is to be decided.
    Screen(usize),
    /// The next screen is still being made.
    NotYet,
    /// All is decided.
    Nothing,
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

/// What somebody says of a screen.
#[derive(Debug, Clone, PartialEq)]
pub enum Verdict {
    /// Which completions are better.
    Ranked(Opinion),
    /// Passed over.
    Skipped,
}

/// What somebody thinks of the completions of a screen, each named by its place on it.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Opinion {
    /// Best group first.
    pub groups: Vec<Vec<usize>>,
    /// What they would answer instead.
    pub edit: Option<Edit>,
    /// Whether each is good enough to use.
    pub usable: Option<Vec<bool>>,
}

impl Opinion {
    /// An order and nothing else.
    pub fn order(groups: Vec<Vec<usize>>) -> Self {
        Self { groups, ..Self::default() }
    }

    /// An answer written in the place of `completions` completions, of which `groups` orders some: the others share the
    /// last place.
    pub fn edited(mut groups: Vec<Vec<usize>>, edit: Edit, completions: usize) -> Self {
        let rest: Vec<usize> =
            (0..completions).filter(|place| !groups.iter().flatten().any(|one| one == place)).collect();
        groups.extend((!rest.is_empty()).then_some(rest));
        Self { groups, edit: Some(edit), usable: None }
    }
}

/// How far a sitting has come.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Progress {
    /// Screens in all, repeats and those that are still being made among them.
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
        let mut desk = Self::empty(None, stored, labeler, seed, store);
        screens.into_iter().for_each(|screen| desk.add(screen));
        desk.settle()?;
        Ok(desk)
    }

    /// A sitting over screens that are still being made, `count` at most, going on after what `stored` holds.
    pub fn follow(arrivals: Arrivals, count: usize, stored: Stored, labeler: String, seed: u64, store: Store) -> Self {
        Self::empty(Some(Coming { arrivals, left: count }), stored, labeler, seed, store)
    }

    fn empty(coming: Option<Coming>, stored: Stored, labeler: String, seed: u64, store: Store) -> Self {
        Self {
            screens: vec![],
            decisions: vec![],
            history: vec![],
            labeler,
            seed,
            stored,
            coming,
            left_out: 0,
            store,
            compares: false,
        }
    }

    /// Puts a screen behind the others, with what was decided about it before.
    fn add(&mut self, screen: Screen) {
        let of_it = |record: &RankingRecord| {
            let candidates = (&record.id, &record.prompt, &record.completions);
            (&screen.id(), &screen.candidates.prompt, &screen.candidates.completions) == candidates
        };
        let passed_over = |record: &CandidatesRecord| {
            screen.repeat_of.is_some() == is_repeat(&record.extra) && screen.candidates == unskipped(record.clone())
        };
        // A ranking that was stored after it was passed over has the last word.
        let skipped = take(&mut self.stored.skipped, passed_over).map(|record| {
            let ask_again = !record.extra.contains_key("flags");
            Decision::Skipped { record: Box::new(record), ask_again }
        });
        let ranked = take(&mut self.stored.rankings, of_it).map(|record| Decision::Ranked(Box::new(record)));
        self.screens.push(screen);
        self.decisions.push(ranked.or(skipped).unwrap_or(Decision::Open));
    }

    /// No more screens come.
    fn settle(&mut self) -> Result<()> {
        self.coming = None;
        self.stored.skipped.clear();
        self.stored.rankings.first().map_or(Ok(()), |record| bail!(self.unknown(&record.id)))
    }

    /// Takes what has come, and waits so long for something to come.
    ///
    /// # Errors
    /// If what comes cannot be ranked, or was cut off.
    pub fn wait(&mut self, patience: Duration) -> Result<()> {
        let mut patience = patience;
        while let Some(coming) = &mut self.coming {
            match coming.arrivals.next(patience)? {
                Arrival::Nothing => break,
                Arrival::End if self.screens.is_empty() => bail!(NOTHING_DIFFERS),
                Arrival::End => self.settle()?,
                Arrival::Record(line) => {
                    coming.left = coming.left.saturating_sub(1);
                    for record in read_jsonl_checked("a new record", &line, can_be_ranked)? {
                        match distinct(&record.completions).len() {
                            0 | 1 => self.left_out += 1,
                            _ => self.add(first_screen(record, self.screens.len(), self.seed)),
                        }
                    }
                }
            }
            patience = Duration::ZERO;
        }
        Ok(())
    }

    /// What is to be done next.
    pub fn next(&mut self) -> Result<Next> {
        self.wait(Duration::ZERO)?;
        Ok(match (self.current(), &self.coming) {
            (Some(place), _) => Next::Screen(place),
            (None, Some(_)) => Next::NotYet,
            (None, None) => Next::Nothing,
        })
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

    /// Whether the screens decided last had no good answer, so that examples would teach more than further rankings.
    pub fn wants_examples(&self) -> bool {
        let ranked = self.history.iter().filter_map(|place| match &self.decisions[*place] {
            Decision::Ranked(record) => Some(record.as_ref().clone()),
            _ => None,
        });
        !self.compares && wants_examples(&ranked.collect::<Vec<_>>())
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
            usable: match verdict {
                Verdict::Ranked(opinion) => opinion.usable.as_ref().map(|usable| screen.of_completions(usable)),
                Verdict::Skipped => None,
            },
        };
        let mut candidates = screen.candidates.clone();
        self.decisions[place] = match verdict {
            Verdict::Ranked(Opinion { groups, edit, .. }) => {
                candidates.id = screen.id();
                let ranking = screen.ranking(groups);
                let edit = edit.clone().map(|edit| Edit { of: edit.of.map(|place| screen.shown[place]), ..edit });
                let (labeler, seconds) = (&self.labeler, attention.seconds());
                Decision::Ranked(Box::new(ranked(candidates, ranking, edit, labeler, seconds, &sitting)))
            }
            Verdict::Skipped => Decision::Skipped {
                record: Box::new(skipped(candidates, &self.labeler, attention.seconds(), &sitting)),
                ask_again: false,
            },
        };
        self.history.push(place);
        self.write()
    }

    /// Lets the person make the completion at a place of the screen better, or write an answer where none is named. What
    /// they think then.
    ///
    /// # Errors
    /// Why nothing came of it, for the person who wrote.
    pub fn write_better(
        &self,
        place: usize,
        groups: Vec<Vec<usize>>,
        of: Option<usize>,
    ) -> std::result::Result<Opinion, String> {
        let screen = &self.screens[place];
        let text = |shown: usize| screen.candidates.completions[screen.shown[shown]].text.as_str();
        let prompt = screen.candidates.prompt.to_string();
        let written = Pen::find().write(&prompt, of.map_or("", text), &draft_of(&self.store.rankings));
        let text = written.map_err(|error| format!("{error:#}"))?.ok_or("Nothing was written.")?;
        let edit = Edit { of, text };
        edit.check(&screen.candidates.completions).map_err(|reason| format!("Not kept: {reason}."))?;
        Ok(Opinion::edited(groups, edit, screen.shown.len()))
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
        // What is not there yet comes behind what is.
        let coming = self.stored.clone();
        for decision in &self.decisions {
            match decision {
                Decision::Open => {}
                Decision::Ranked(record) => stored.rankings.push(record.as_ref().clone()),
                Decision::Skipped { record, .. } => stored.skipped.push(record.as_ref().clone()),
            }
        }
        stored.rankings.extend(coming.rankings);
        stored.skipped.extend(coming.skipped);
        self.store.write(&stored)
    }

    /// How far it has come.
    pub fn progress(&self) -> Progress {
        let repeats = self.screens.iter().filter(|screen| screen.repeat_of.is_some()).count();
        let coming = self.coming.as_ref().map_or(0, |coming| coming.left);
        let mut progress = Progress { screens: self.screens.len() + coming, repeats, ..Progress::default() };
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

/// Takes the first of its kind out.
fn take<T>(records: &mut Vec<T>, is: impl Fn(&T) -> bool) -> Option<T> {
    records.iter().position(is).map(|place| records.remove(place))
}

#[cfg(test)]
#[path = "desk_test.rs"]
mod tests;
