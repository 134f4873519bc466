//! Ranking by a simulated labeler. A person ranks in a shell; a rule ranks here.
//!
//! Deliberately absent: models, devices, people.

use crate::SessionError;
use crate::labeler::Labeler;
use crate::platform::Stopwatch;
use crate::protocol::{Event, Files, Stage};
use crate::snapshot::{Snapshot, SnapshotWriter};
use nudge_data::{CandidatesRecord, RankingRecord, read_jsonl_checked};
use serde::{Deserialize, Serialize};

/// A ranking run.
pub struct Rank {
    labeler: Labeler,
    candidates: Vec<CandidatesRecord>,
    state: State,
    fingerprint: String,
    clock: Stopwatch,
}

#[derive(Default, Serialize, Deserialize)]
struct State {
    next: usize,
}

impl Rank {
    /// Reads the candidates. A line with fewer than two answers is an error: there is nothing to rank.
    pub fn new(
        candidates: &str,
        labeler: &str,
        fingerprint: String,
        resume: Option<Files>,
    ) -> Result<Self, SessionError> {
        let labeler = Labeler::find(labeler)?;
        let candidates = read_jsonl_checked("candidates", candidates, at_least_two)?;
        if candidates.is_empty() {
            return Err(SessionError::Nothing("there are no candidates to rank; sample some first".into()));
        }
        let state = match resume {
            Some(files) => Snapshot::<State>::open(files, &fingerprint)?.state,
            None => State::default(),
        };
        Ok(Self { labeler, candidates, state, fingerprint, clock: Stopwatch::start() })
    }

    /// What the shell is told first.
    pub fn started(&self) -> Event {
        Event::Started { stage: Stage::Rank, step: self.state.next, total_steps: self.candidates.len(), parameters: 0 }
    }

    /// One ranking.
    pub async fn next(&mut self) -> Result<Option<Event>, SessionError> {
        let Some(candidates) = self.candidates.get(self.state.next).cloned() else {
            return Ok(None);
        };
        self.state.next += 1;
        let record = self.labeler.label(RankingRecord {
            id: candidates.id,
            prompt: candidates.prompt,
            completions: candidates.completions,
            ranking: vec![],
            labeler: None,
            // A rule takes no time.
            seconds: Some(0.0),
            extra: candidates.extra,
        });
        let record = serde_json::to_string(&record).map_err(|error| SessionError::Nothing(error.to_string()))?;
        Ok(Some(Event::Ranked { record }))
    }

    /// A checkpoint between two rankings.
    pub async fn save(&self) -> Result<Files, SessionError> {
        SnapshotWriter::default().finish(&self.fingerprint, &self.state).await
    }

    /// What the shell is told last.
    pub fn finished(&self) -> Event {
        Event::Finished { stage: Stage::Rank, seconds: self.clock.seconds() }
    }
}

fn at_least_two(record: &CandidatesRecord) -> Result<(), String> {
    match record.completions.len() {
        0 | 1 => Err(format!(
            "`{}` has {} answer(s), and a ranking needs two or more; sample with k = 2 or more",
            record.id,
            record.completions.len()
        )),
        _ => Ok(()),
    }
}
