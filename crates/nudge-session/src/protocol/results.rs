//! What a comparison, an evaluation and a calibration find.

use nudge_rlhf::CalibrationBin;
use serde::{Deserialize, Serialize};

/// A comparison's outcome.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct Verdict {
    /// Pairs where the first model won.
    pub wins: usize,
    /// Pairs without a preference.
    pub ties: usize,
    /// Pairs where the second model won.
    pub losses: usize,
    /// (wins + ties / 2) / pairs.
    pub win_rate: f64,
    /// Lower end of the 95 % interval.
    pub low: f64,
    /// Upper end of the 95 % interval.
    pub high: f64,
    /// Mean over the first model's completions of its log-ratio to the second model, in nats: how far the one has moved
    /// from the other. Nothing where that is not defined (different tokenizers, temperature 0, best-of-n), or where a shell counted the wins and kept none.
    pub kl: Option<f64>,
    /// What the first model's completions are like. Nothing where a shell counted the wins.
    pub a: Option<CompletionStatistics>,
    /// What the second model's completions are like.
    pub b: Option<CompletionStatistics>,
    /// Who judged.
    pub judge: String,
    /// Whether the judge is a rule or a model, not a person.
    pub simulated: bool,
}

/// What the completions of a model are like, whoever prefers them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct CompletionStatistics {
    /// Mean length in tokens, the end token counted.
    pub mean_length: f64,
    /// Share of completions that the model ended by itself.
    pub eos_rate: f64,
    /// Different tokens over all tokens (Li et al. 2016).
    pub distinct_1: f64,
    /// Different pairs of neighbouring tokens over all such pairs.
    pub distinct_2: f64,
}

/// Quality of a model on a text.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct Evaluation {
    /// Mean negative log-likelihood of a token, end tokens included.
    pub nats_per_token: f64,
    /// The same sum over characters of the text, end tokens not counted as characters.
    pub nats_per_char: f64,
    /// Tokens scored.
    pub tokens: usize,
    /// Characters of the records.
    pub chars: usize,
}

/// A reward model's accuracy on some of the pairs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct AccuracySlice {
    /// Which pairs.
    pub name: String,
    /// How many.
    pub pairs: usize,
    /// Share in the labeler's order, equal rewards counting half.
    pub accuracy: f64,
    /// Lower end of the 95 % interval.
    pub low: f64,
    /// Upper end of the 95 % interval.
    pub high: f64,
}

/// How far a reward model can be trusted.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct Calibration {
    /// All pairs.
    pub overall: AccuracySlice,
    /// Mean distance between certainty and accuracy; 0 is perfect.
    pub expected_calibration_error: f64,
    /// Pairs by certainty.
    #[cfg_attr(
        test,
        ts(type = "{ low: number, high: number, pairs: number, confidence: number, accuracy: number }[]")
    )]
    pub bins: Vec<CalibrationBin>,
    /// Groups of equal size by the distance between the two rewards.
    pub by_margin: Vec<AccuracySlice>,
    /// By whether the better completion is the shorter one.
    pub by_length: Vec<AccuracySlice>,
}
