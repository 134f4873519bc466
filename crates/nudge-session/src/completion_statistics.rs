//! What the completions of a model are like, whoever prefers them: how long, how often ended, how varied.

use crate::protocol::CompletionStatistics;
use crate::rollout::SampledCompletion;
use nudge_rlhf::distinct_n;
use serde::{Deserialize, Serialize};

/// The completions of one model so far.
#[derive(Clone, Default, Serialize, Deserialize)]
pub struct CompletionTally {
    tokens: Vec<Vec<u32>>,
    ended: usize,
}

impl CompletionTally {
    /// Takes completions in.
    pub fn add(&mut self, completions: &[SampledCompletion]) {
        self.tokens.extend(completions.iter().map(|completion| completion.tokens.clone()));
        self.ended += completions.iter().filter(|completion| completion.ended).count();
    }

    /// The numbers over all of them.
    pub fn statistics(&self) -> CompletionStatistics {
        let count = self.tokens.len() as f64;
        CompletionStatistics {
            mean_length: self.tokens.iter().map(Vec::len).sum::<usize>() as f64 / count,
            eos_rate: self.ended as f64 / count,
            distinct_1: distinct_n(&self.tokens, 1),
            distinct_2: distinct_n(&self.tokens, 2),
        }
    }
}
