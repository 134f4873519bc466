//! What the completions of a model are like, whoever prefers them: how long, how often ended, how varied.

use crate::protocol::{CompletionStatistics, Metrics};
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

/// The numbers by their logged names.
const LENGTH: &str = "completions/mean_length";
const CLIPPED: &str = "completions/clipped_ratio";
const DISTINCT: [&str; 2] = ["completions/distinct_1", "completions/distinct_2"];

impl CompletionStatistics {
    /// As logged numbers of the model on this `side` of a comparison, `a` or `b`: `a/completions/mean_length`.
    pub fn logged(&self, side: &str) -> Metrics {
        let numbers = [
            (LENGTH, self.mean_length),
            (CLIPPED, 1.0 - self.eos_rate),
            (DISTINCT[0], self.distinct_1),
            (DISTINCT[1], self.distinct_2),
        ];
        numbers.into_iter().map(|(name, value)| (format!("{side}/{name}"), value)).collect()
    }

    /// Of what was logged, if it was.
    pub fn of_logged(metrics: &Metrics, side: &str) -> Option<Self> {
        let number = |name: &str| metrics.get(&format!("{side}/{name}")).copied();
        Some(Self {
            mean_length: number(LENGTH)?,
            eos_rate: 1.0 - number(CLIPPED)?,
            distinct_1: number(DISTINCT[0])?,
            distinct_2: number(DISTINCT[1])?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_logged_is_read_back() {
        let statistics = CompletionStatistics { mean_length: 12.5, eos_rate: 0.75, distinct_1: 0.5, distinct_2: 0.9 };
        let logged = statistics.logged("a");
        assert_eq!(CompletionStatistics::of_logged(&logged, "a"), Some(statistics));
        assert_eq!(CompletionStatistics::of_logged(&logged, "b"), None);
        assert!(logged.keys().all(|name| nudge_rlhf::metrics::find(name).is_some()), "{logged:?}");
    }
}
