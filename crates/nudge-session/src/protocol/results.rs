//! What a comparison, an evaluation, a calibration and a review find, and what a step of training was token by token.

use crate::workflow::usable_share;
use nudge_data::Prompt;
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
    /// Mean over prompts of a prompt's mean, where a win is 1, a tie 1/2 and a loss 0.
    pub win_rate: f64,
    /// Lower end of the 95 % interval over prompts.
    pub low: f64,
    /// Upper end of the 95 % interval over prompts.
    pub high: f64,
    /// Two-sided p-value of the exact sign test over the prompts that have a winner. Comparisons of before it was
    /// computed, whose intervals are wider where there are ties, have none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, ts(optional))]
    pub p: Option<f64>,
    /// Mean over the first model's completions of its log-ratio to the second model, in nats: how far the one has moved
    /// from the other. Nothing where that is not defined (different tokenizers, temperature 0, best-of-n), or where a shell counted the wins and kept none.
    pub kl: Option<f64>,
    /// What the first model's completions are like. Nothing where a shell counted the wins.
    pub a: Option<CompletionStatistics>,
    /// What the second model's completions are like.
    pub b: Option<CompletionStatistics>,
    /// How many completions of each model the judge would use; nothing where the judge did not say.
    pub usable: Option<Usable>,
    /// Who judged.
    pub judge: String,
    /// Whether the judge is a rule or a model, not a person.
    pub simulated: bool,
}

impl Verdict {
    /// With what the judge would use of each pair: the first model's completion, the second model's. Unchanged where
    /// nothing was said.
    pub fn with_usable(self, pairs: &[(bool, bool)]) -> Self {
        if pairs.is_empty() {
            return self;
        }
        let a = usable_share(pairs.iter().map(|(a, _)| *a));
        let b = usable_share(pairs.iter().map(|(_, b)| *b));
        Self { usable: Some(Usable { a, b }), ..self }
    }
}

/// How many completions of the two models the judge would use.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct Usable {
    /// Of the first model.
    pub a: UsableShare,
    /// Of the second model.
    pub b: UsableShare,
}

/// How many of some completions a judge would use.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct UsableShare {
    /// Those that it would use.
    pub yes: usize,
    /// All that it said it of.
    pub of: usize,
    /// Lower end of the 95 % interval of the share.
    pub low: f64,
    /// Upper end of the 95 % interval of the share.
    pub high: f64,
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

/// A reward model against the rankings that it was trained on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct Reviewed {
    /// Pairs in all.
    pub pairs: usize,
    /// Those of rankings that were set aside.
    pub held_out: usize,
    /// Pairs by how much higher the better completion scores; below 0 it scores lower.
    pub margins: Vec<MarginBin>,
    /// On what was set aside; on everything where nothing was.
    pub calibration: Calibration,
    /// Pairs that it has the wrong way round.
    pub wrong: usize,
    /// The surest of them, the surest first.
    pub disagreements: Vec<Disagreement>,
}

/// Pairs whose margin is in a range.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct MarginBin {
    /// From.
    pub low: f32,
    /// To.
    pub high: f32,
    /// Pairs that were trained on.
    pub trained: usize,
    /// Pairs that were set aside.
    pub held_out: usize,
}

/// A pair that a reward model has the wrong way round.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct Disagreement {
    /// What was asked.
    #[cfg_attr(test, ts(type = "Prompt"))]
    pub prompt: Prompt,
    /// What the ranking has above.
    pub better: String,
    /// What the reward model has above.
    pub worse: String,
    /// The score of the better completion minus that of the worse one.
    pub margin: f32,
    /// Whether the ranking was set aside.
    pub held_out: bool,
}

/// One completion of a rollout, token by token, after the step that learnt from it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct Lens {
    /// Steps made before this one.
    pub step: usize,
    /// What was asked.
    #[cfg_attr(test, ts(type = "Prompt"))]
    pub prompt: Prompt,
    /// The completion's score.
    pub score: f32,
    /// Its KL to the reference, in nats.
    pub kl: f32,
    /// What a nat costs in reward.
    pub kl_coef: f32,
    /// And in the next step.
    pub new_kl_coef: f32,
    /// Half the width of the range in which the ratio counts, where each token has a ratio of its own.
    pub cliprange: Option<f32>,
    /// Its tokens.
    pub tokens: Vec<LensToken>,
}

/// The numbers of one token.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct LensToken {
    /// As it is written; nothing for the end token.
    pub text: String,
    /// Under the policy that sampled it.
    pub probability: f32,
    /// Under the reference.
    pub ref_probability: f32,
    /// Under the policy after the step.
    pub new_probability: f32,
    /// To the reference, in nats.
    pub kl: f32,
    /// After its price, with the score at the last token.
    pub reward: Option<f32>,
    /// What the value model expected before it.
    pub value: Option<f32>,
    /// What it is learnt by.
    pub advantage: f32,
    /// Its probability after the step over that before.
    pub ratio: f32,
    /// The smaller of ratio times advantage and clipped ratio times advantage, which the step makes large; where ratios
    /// are clipped token by token.
    pub objective: Option<f32>,
    /// Whether the ratio had left its range on the side that the advantage pulls to.
    pub clipped: bool,
    /// The likeliest tokens in its place under the policy after the step, the likeliest first.
    pub choices: Vec<LensChoice>,
}

/// A token that could have stood in the place of another.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct LensChoice {
    /// As it is written; nothing for the end token.
    pub text: String,
    /// Under the reference.
    pub ref_probability: f32,
    /// Under the policy after the step.
    pub new_probability: f32,
}
