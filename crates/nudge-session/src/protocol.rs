//! The contract between the stages and the shells: commands in, events out, both closed and both JSON.
//!
//! The page's TypeScript types are generated from this file. Model files travel beside the JSON, never in it.
//! Deliberately absent: anything a shell does by itself (files, storage, drawing).

use crate::options::{
    BestOfOptions, CompareOptions, DpoOptions, EvalOptions, GrpoOptions, KtoOptions, OrpoOptions, PpoStageOptions,
    PretrainOptions, ReinforceOptions, RewardOptions, RlooOptions, SampleOptions, SftOptions,
};
use nudge_rlhf::CalibrationBin;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The files of a model folder or of a checkpoint: name and bytes.
pub type Files = BTreeMap<String, Vec<u8>>;

/// Numbers of one step by their published names, such as `objective/kl`.
pub type Metrics = BTreeMap<String, f64>;

/// What a shell asks for. Models are named; the session must hold them (`Session::put_model`).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(tag = "command", rename_all = "snake_case")]
pub enum Command {
    /// Train a tokenizer and a base model on plain text.
    Pretrain {
        /// The texts; records end with `<|endoftext|>`.
        texts: Vec<String>,
        /// How.
        #[serde(default)]
        options: PretrainOptions,
    },
    /// Instruction tuning on demonstrations.
    Sft {
        /// Name of the model to start from.
        model: String,
        /// JSONL of `{"prompt","completion"}`.
        demonstrations: String,
        /// How.
        #[serde(default)]
        options: SftOptions,
    },
    /// Sample `k` answers to each prompt.
    Sample {
        /// Name of the model that answers.
        model: String,
        /// Bare user texts.
        prompts: Vec<String>,
        /// How.
        #[serde(default)]
        options: SampleOptions,
    },
    /// Let a simulated labeler rank candidates.
    Rank {
        /// JSONL of candidates.
        candidates: String,
        /// Name of a simulated labeler.
        labeler: String,
    },
    /// Train a reward model on rankings or comparisons.
    Reward {
        /// Name of the model to start from (SFT).
        model: String,
        /// JSONL of rankings or of `{"prompt","chosen","rejected"}`.
        comparisons: String,
        /// JSONL of `{"prompt","completion"}`: a bias brings their mean reward to 0 (InstructGPT 3.5). Empty: no bias.
        #[serde(default)]
        demonstrations: String,
        /// How.
        #[serde(default)]
        options: RewardOptions,
    },
    /// Optimise a policy against a reward model, on a KL leash to where it started, with a value model (PPO).
    Ppo {
        /// Name of the policy to start from; it is also the reference.
        policy: String,
        /// Name of the reward model; the value model starts from it.
        reward: String,
        /// Names of further reward models: the ensemble's other members.
        #[serde(default)]
        reward_ensemble: Vec<String>,
        /// Bare user texts.
        prompts: Vec<String>,
        /// Plain text for PPO-ptx; records end with `<|endoftext|>`.
        #[serde(default)]
        pretraining_texts: Vec<String>,
        /// How.
        #[serde(default)]
        options: PpoStageOptions,
    },
    /// The same without a value model: an answer against the others to its prompt, by their deviation (GRPO).
    Grpo {
        /// Name of the policy to start from; it is also the reference.
        policy: String,
        /// Name of the reward model.
        reward: String,
        /// Names of further reward models: the ensemble's other members.
        #[serde(default)]
        reward_ensemble: Vec<String>,
        /// Bare user texts.
        prompts: Vec<String>,
        /// How.
        #[serde(default)]
        options: GrpoOptions,
    },
    /// The same without a value model: an answer against the mean of the others to its prompt (RLOO).
    Rloo {
        /// Name of the policy to start from; it is also the reference.
        policy: String,
        /// Name of the reward model.
        reward: String,
        /// Names of further reward models: the ensemble's other members.
        #[serde(default)]
        reward_ensemble: Vec<String>,
        /// Bare user texts.
        prompts: Vec<String>,
        /// How.
        #[serde(default)]
        options: RlooOptions,
    },
    /// The same without a value model: an answer against the mean of all earlier rewards (REINFORCE).
    Reinforce {
        /// Name of the policy to start from; it is also the reference.
        policy: String,
        /// Name of the reward model.
        reward: String,
        /// Names of further reward models: the ensemble's other members.
        #[serde(default)]
        reward_ensemble: Vec<String>,
        /// Bare user texts.
        prompts: Vec<String>,
        /// How.
        #[serde(default)]
        options: ReinforceOptions,
    },
    /// Tune a policy on rankings or comparisons themselves, without a reward model and without sampling (DPO).
    Dpo {
        /// Name of the policy to start from (SFT); it is also the reference.
        policy: String,
        /// JSONL of rankings or of `{"prompt","chosen","rejected"}`.
        comparisons: String,
        /// How.
        #[serde(default)]
        options: DpoOptions,
    },
    /// The same with answers that are good or bad each by itself (KTO).
    Kto {
        /// Name of the policy to start from (SFT); it is also the reference.
        policy: String,
        /// JSONL of rankings or of `{"prompt","chosen","rejected"}`.
        comparisons: String,
        /// How.
        #[serde(default)]
        options: KtoOptions,
    },
    /// The same together with instruction tuning, without a reference (ORPO).
    Orpo {
        /// Name of the policy to start from (SFT).
        policy: String,
        /// JSONL of rankings or of `{"prompt","chosen","rejected"}`.
        comparisons: String,
        /// How.
        #[serde(default)]
        options: OrpoOptions,
    },
    /// Draw n answers to each prompt and keep the one that the reward model likes best; nothing is trained.
    BestOf {
        /// Name of the policy.
        policy: String,
        /// Name of the reward model.
        reward: String,
        /// Names of further reward models: the ensemble's other members.
        #[serde(default)]
        reward_ensemble: Vec<String>,
        /// Bare user texts.
        prompts: Vec<String>,
        /// How.
        #[serde(default)]
        options: BestOfOptions,
    },
    /// Answer the same prompts with two models and let a judge prefer.
    Compare {
        /// Name of the first model: a win is a win of this one.
        a: String,
        /// Name of the second model.
        b: String,
        /// Bare user texts.
        prompts: Vec<String>,
        /// Who prefers.
        judge: Judge,
        /// Name of the reward model that chooses among the first model's answers where `best_of` is more than 1.
        #[serde(default)]
        best_of_reward: Option<String>,
        /// How.
        #[serde(default)]
        options: CompareOptions,
    },
    /// Score completions with a reward model.
    Score {
        /// Name of the reward model.
        reward: String,
        /// JSONL records with `prompt` and `completions`, `completion`, or `chosen` and `rejected`.
        records: String,
    },
    /// Measure a reward model on rankings: accuracy by margin and length, and calibration.
    Calibrate {
        /// Name of the reward model.
        reward: String,
        /// JSONL of rankings or of `{"prompt","chosen","rejected"}`.
        comparisons: String,
    },
    /// Measure nats per token and per character of a text.
    Eval {
        /// Name of the model.
        model: String,
        /// Text; records end with `<|endoftext|>`.
        text: String,
        /// How.
        #[serde(default)]
        options: EvalOptions,
    },
}

impl Command {
    /// Names of the models that it reads, its main model first.
    pub fn models(&self) -> Vec<&str> {
        let names: Vec<&String> = match self {
            Command::Pretrain { .. } | Command::Rank { .. } => vec![],
            Command::Sft { model, .. }
            | Command::Sample { model, .. }
            | Command::Reward { model, .. }
            | Command::Eval { model, .. } => vec![model],
            Command::Dpo { policy, .. } | Command::Kto { policy, .. } | Command::Orpo { policy, .. } => vec![policy],
            Command::Score { reward, .. } | Command::Calibrate { reward, .. } => vec![reward],
            Command::Ppo { policy, reward, reward_ensemble, .. }
            | Command::Grpo { policy, reward, reward_ensemble, .. }
            | Command::Rloo { policy, reward, reward_ensemble, .. }
            | Command::Reinforce { policy, reward, reward_ensemble, .. }
            | Command::BestOf { policy, reward, reward_ensemble, .. } => {
                [policy, reward].into_iter().chain(reward_ensemble).collect()
            }
            Command::Compare { a, b, judge, best_of_reward, .. } => {
                let judge = match judge {
                    Judge::Reward { model } => Some(model),
                    Judge::Labeler { .. } | Judge::Person => None,
                };
                [a, b].into_iter().chain(judge).chain(best_of_reward).collect()
            }
        };
        names.into_iter().map(String::as_str).collect()
    }
}

/// Who says which of two answers is better.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(tag = "judge", rename_all = "snake_case")]
pub enum Judge {
    /// A simulated labeler, by name.
    Labeler {
        /// Its name.
        name: String,
    },
    /// A reward model.
    Reward {
        /// Its name in the session.
        model: String,
    },
    /// A person at the shell: the pairs come without a preference, the shell asks
    /// `Session::verdict` for the interval.
    Person,
}

/// What a person or a judge said of one pair.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(rename_all = "snake_case")]
pub enum Preference {
    /// The first model's answer.
    A,
    /// The second model's answer.
    B,
    /// Neither.
    Tie,
}

/// The stages, in the order of the loop.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)]
pub enum Stage {
    Pretrain,
    Sft,
    Sample,
    Rank,
    Reward,
    Ppo,
    Grpo,
    Rloo,
    Reinforce,
    Dpo,
    Kto,
    Orpo,
    BestOf,
    Compare,
    Score,
    Calibrate,
    Eval,
}

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
        prompt: String,
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
        prompt: String,
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
        prompt: String,
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
    /// Mean over the first model's answers of its log-ratio to the second model, in nats: how far the one has moved
    /// from the other. Nothing where that is not defined (different tokenizers, temperature 0, best-of-n, a person).
    pub kl: Option<f64>,
    /// What the first model's answers are like. Nothing where a shell counted the wins.
    pub a: Option<AnswerStatistics>,
    /// What the second model's answers are like.
    pub b: Option<AnswerStatistics>,
    /// Who judged.
    pub judge: String,
    /// Whether the judge is a rule or a model, not a person.
    pub simulated: bool,
}

/// What the answers of a model are like, whoever prefers them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct AnswerStatistics {
    /// Mean length in tokens, the end token counted.
    pub mean_length: f64,
    /// Share of answers that the model ended by itself.
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
    /// By whether the better answer is the shorter one.
    pub by_length: Vec<AccuracySlice>,
}
