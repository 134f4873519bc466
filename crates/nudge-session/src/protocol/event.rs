//! What a stage tells a shell.

use super::{Calibration, Evaluation, Files, Lens, Metrics, Reviewed, StageName, Verdict, Winner};
use nudge_data::{Completion, Prompt, RankingRecord};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// What a stage reports between two steps.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// The stage is ready to step.
    Started {
        /// Which stage.
        stage: StageName,
        /// Steps done before (a resumed run) .
        step: usize,
        /// Steps in all.
        total_steps: usize,
        /// Trainable or running parameters of its main model.
        parameters: usize,
    },
    /// One step was made.
    Progress {
        /// Which stage.
        stage: StageName,
        /// Steps made, from 1.
        step: usize,
        /// Steps in all.
        total_steps: usize,
        /// Its numbers.
        metrics: Metrics,
        /// Seconds that the step took.
        seconds: f64,
    },
    /// A completion as it grows.
    Partial {
        /// Index of the prompt in the command.
        prompt: usize,
        /// Index among the completions of that prompt.
        completion: usize,
        /// Its text so far.
        text: String,
    },
    /// All completions of one prompt.
    Candidates {
        /// Index of the prompt in the command.
        index: usize,
        /// Identifier for the ranking record.
        id: String,
        /// The prompt.
        #[cfg_attr(test, ts(type = "Prompt"))]
        prompt: Prompt,
        /// The completions.
        #[cfg_attr(test, ts(type = "Completion[]"))]
        completions: Vec<Completion>,
    },
    /// A simulated labeler ranked one prompt's completions.
    Ranked {
        /// The ranking.
        #[cfg_attr(test, ts(type = "RankingRecord"))]
        record: RankingRecord,
    },
    /// A record with `scores`.
    Scored {
        /// The record.
        #[cfg_attr(test, ts(type = "Record<string, unknown>"))]
        record: Map<String, Value>,
    },
    /// One completion of a rollout, for reading along.
    Completion {
        /// The prompt.
        #[cfg_attr(test, ts(type = "Prompt"))]
        prompt: Prompt,
        /// What the policy wrote.
        completion: String,
        /// The reward model's score.
        score: f32,
        /// Sum over its tokens of the log-ratio to the reference, in nats.
        kl: f32,
    },
    /// One completion of a rollout, token by token, where the options want it.
    Lens {
        /// The numbers.
        lens: Lens,
    },
    /// Two completions of one prompt and, unless a person judges, who won.
    Pair {
        /// Index of the prompt in the command.
        index: usize,
        /// The prompt.
        #[cfg_attr(test, ts(type = "Prompt"))]
        prompt: Prompt,
        /// Completion of the first model.
        a: String,
        /// Completion of the second model.
        b: String,
        /// What the judge said.
        preference: Option<Winner>,
        /// The judge's number for each completion.
        scores: Option<(f32, f32)>,
    },
    /// Win rate of the first model, ties counting half, with its 95 % interval.
    Verdict {
        /// The numbers.
        verdict: Verdict,
    },
    /// Held-out quality of a model.
    Evaluated {
        /// The numbers.
        evaluation: Evaluation,
    },
    /// How far a reward model can be trusted.
    Calibrated {
        /// The numbers.
        calibration: Calibration,
    },
    /// How a reward model sees the rankings that it was trained on.
    Reviewed {
        /// The numbers.
        review: Reviewed,
    },
    /// A model is ready. Its files travel beside the JSON.
    Model {
        /// `base`, `sft`, `reward`, `policy`.
        name: String,
        /// Its files.
        #[serde(skip)]
        #[cfg_attr(test, ts(skip))]
        files: Files,
    },
    /// Something the user should know; the stage goes on.
    Warning {
        /// What, and what to do.
        message: String,
    },
    /// The stage has ended.
    Finished {
        /// Which stage.
        stage: StageName,
        /// Seconds in all.
        seconds: f64,
    },
}
