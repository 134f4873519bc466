//! Ranking by a simulated labeler. A person ranks in a shell; a rule ranks here.

use crate::SessionError;
use crate::labeler::Labeler;
use crate::protocol::{Event, StageName};
use crate::snapshot::Snapshot;
use crate::stage::{Stage, Standing, StepState, Told};
use nudge_data::{CandidatesRecord, RankingRecord};

/// A ranking run.
pub struct Rank {
    labeler: Labeler,
    candidates: Vec<CandidatesRecord>,
    next: usize,
}

impl Rank {
    /// Checks the candidates.
    ///
    /// # Errors
    /// If nobody is called `labeler`, or a record has fewer than two completions: there is nothing to rank.
    pub fn new(candidates: Vec<CandidatesRecord>, labeler: &str) -> Result<Self, SessionError> {
        let labeler = Labeler::find(labeler)?;
        if candidates.is_empty() {
            return Err(SessionError::Nothing("there are no candidates to rank; sample some first".into()));
        }
        for (index, record) in candidates.iter().enumerate() {
            let completions = record.completions.len();
            if completions < 2 {
                let reason = format!(
                    "`{}` has {completions} completion(s), and a ranking needs two or more; sample with k = 2 or more",
                    record.id
                );
                return Err(SessionError::Record { index: index + 1, reason });
            }
        }
        Ok(Self { labeler, candidates, next: 0 })
    }
}

impl Stage for Rank {
    type State = StepState;

    const NAME: StageName = StageName::Rank;

    fn standing(&self) -> Standing {
        Standing { step: self.next, total_steps: self.candidates.len(), parameters: 0 }
    }

    async fn advance(&mut self, told: &mut Told) -> Result<(), SessionError> {
        let candidates = self.candidates[self.next].clone();
        self.next += 1;
        let record = self.labeler.label(RankingRecord {
            id: candidates.id,
            prompt: candidates.prompt,
            completions: candidates.completions,
            ranking: vec![],
            labeler: None,
            // A rule takes no time.
            seconds: Some(0.0),
            edit: None,
            extra: candidates.extra,
        });
        told.event(Event::Ranked { record });
        Ok(())
    }

    fn state(&self) -> StepState {
        StepState { step: self.next }
    }

    fn restore(&mut self, state: StepState, _: &Snapshot) -> Result<(), SessionError> {
        self.next = state.step;
        Ok(())
    }
}
