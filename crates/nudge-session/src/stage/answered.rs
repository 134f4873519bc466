//! What the answers of a model are like, whoever prefers them: how long, how often ended, how varied.

use crate::protocol::AnswerStatistics;
use crate::rollout::Row;
use nudge_rlhf::distinct_n;
use serde::{Deserialize, Serialize};

/// The answers of one model so far.
#[derive(Default, Serialize, Deserialize)]
pub struct Answered {
    tokens: Vec<Vec<u32>>,
    ended: usize,
}

impl Answered {
    /// Takes answers in.
    pub fn add(&mut self, rows: &[Row]) {
        self.tokens.extend(rows.iter().map(|row| row.tokens.clone()));
        self.ended += rows.iter().filter(|row| row.ended).count();
    }

    /// The numbers over all of them.
    pub fn statistics(&self) -> AnswerStatistics {
        let count = self.tokens.len() as f64;
        AnswerStatistics {
            mean_length: self.tokens.iter().map(Vec::len).sum::<usize>() as f64 / count,
            eos_rate: self.ended as f64 / count,
            distinct_1: distinct_n(&self.tokens, 1),
            distinct_2: distinct_n(&self.tokens, 2),
        }
    }
}
