//! What a stage tells a shell.

use super::{Calibration, Evaluation, Files, Metrics, Preference, Stage, Verdict};
use nudge_data::Prompt;
use serde::{Deserialize, Serialize};

/// One sampled answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct Answer {
    /// The text without its end token.
    pub text: String,
    /// Seed that draws it again.
    #[cfg_attr(test, ts(type = "number"))]
    pub seed: u64,
    /// Sum of the log-probabilities of its tokens, in nats, as sampled.
    pub logprob: f32,
    /// `eos` where the model ended it, `length` where the limit did.
    pub finish: String,
}

/// What a stage reports between two steps.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// The stage is ready to step.
    Started {
        /// Which stage.
        stage: Stage,
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
        stage: Stage,
        /// Steps made, from 1.
        step: usize,
        /// Steps in all.
        total_steps: usize,
        /// Its numbers.
        metrics: Metrics,
        /// Seconds that the step took.
        seconds: f64,
    },
    /// An answer as it grows.
    Partial {
        /// Index of the prompt in the command.
        prompt: usize,
        /// Index of the answer to that prompt.
        answer: usize,
        /// Its text so far.
        text: String,
    },
    /// All answers to one prompt.
    Candidates {
        /// Index of the prompt in the command.
        index: usize,
        /// Identifier for the ranking record.
        id: String,
        /// The prompt.
        #[cfg_attr(test, ts(type = "Prompt"))]
        prompt: Prompt,
        /// The answers.
        completions: Vec<Answer>,
    },
    /// A simulated labeler ranked one prompt's answers.
    Ranked {
        /// The ranking record, one JSON object.
        record: String,
    },
    /// An input record with `scores` added, one JSON object.
    Scored {
        /// The record.
        record: String,
    },
    /// One rollout of a PPO batch, for reading along.
    Rollout {
        /// The prompt.
        #[cfg_attr(test, ts(type = "Prompt"))]
        prompt: Prompt,
        /// The policy's answer.
        answer: String,
        /// The reward model's score.
        score: f32,
        /// Sum over its tokens of the log-ratio to the reference, in nats.
        kl: f32,
    },
    /// Two answers to one prompt and, unless a person judges, who won.
    Pair {
        /// Index of the prompt in the command.
        index: usize,
        /// The prompt.
        #[cfg_attr(test, ts(type = "Prompt"))]
        prompt: Prompt,
        /// Answer of the first model.
        a: String,
        /// Answer of the second model.
        b: String,
        /// What the judge said.
        preference: Option<Preference>,
        /// The judge's number for each answer.
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
        stage: Stage,
        /// Seconds in all.
        seconds: f64,
    },
}
