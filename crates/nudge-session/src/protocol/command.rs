//! What a shell can ask for.

use crate::method::Method;
use crate::options::{
    BestOfOptions, CompareOptions, EvalOptions, PretrainOptions, RewardOptions, SampleOptions, SftOptions,
};
use nudge_data::{CandidatesRecord, DemonstrationRecord, PreferenceRecord, Prompt};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// What a shell asks for. Models are named; the session must hold them (`Session::put_model`).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(tag = "command", rename_all = "snake_case")]
#[allow(clippy::large_enum_variant)] // One at a time.
pub enum Command {
    /// Train a tokenizer and a base model on plain text.
    Pretrain {
        /// The texts; records end with `<|endoftext|>`.
        texts: Vec<String>,
        /// How.
        #[serde(default)]
        #[cfg_attr(test, ts(type = "Partial<PretrainOptions>"))]
        options: PretrainOptions,
    },
    /// Instruction tuning on demonstrations.
    Sft {
        /// Name of the model to start from.
        model: String,
        /// What is imitated.
        #[cfg_attr(test, ts(type = "DemonstrationRecord[]"))]
        demonstrations: Vec<DemonstrationRecord>,
        /// How.
        #[serde(default)]
        #[cfg_attr(test, ts(type = "Partial<SftOptions>"))]
        options: SftOptions,
    },
    /// Sample `k` completions to each prompt.
    Sample {
        /// Name of the model that writes them.
        model: String,
        /// What is asked: texts of the user, or conversations.
        #[cfg_attr(test, ts(type = "Prompt[]"))]
        prompts: Vec<Prompt>,
        /// How.
        #[serde(default)]
        #[cfg_attr(test, ts(type = "Partial<SampleOptions>"))]
        options: SampleOptions,
    },
    /// Let a simulated labeler rank candidates.
    Rank {
        /// What is ranked.
        #[cfg_attr(test, ts(type = "CandidatesRecord[]"))]
        candidates: Vec<CandidatesRecord>,
        /// Name of a simulated labeler.
        labeler: String,
    },
    /// Train a reward model on rankings or comparisons.
    Reward {
        /// Name of the model to start from (SFT).
        model: String,
        /// Rankings or pairs.
        #[cfg_attr(test, ts(type = "PreferenceRecord[]"))]
        preferences: Vec<PreferenceRecord>,
        /// A bias brings their mean reward to 0 (InstructGPT 3.5). Empty: no bias.
        #[serde(default)]
        #[cfg_attr(test, ts(type = "DemonstrationRecord[]"))]
        demonstrations: Vec<DemonstrationRecord>,
        /// How.
        #[serde(default)]
        #[cfg_attr(test, ts(type = "Partial<RewardOptions>"))]
        options: RewardOptions,
    },
    /// Tune a policy by one of the methods: against reward models, on prompts, or on rankings themselves.
    Tune {
        /// The method and its options.
        #[serde(flatten)]
        method: Method,
        /// Name of the policy to start from; it is also the reference of methods that have one.
        policy: String,
        /// Names of the reward models, for methods that learn from their scores; several are an ensemble. A value
        /// model starts from the first.
        #[serde(default)]
        rewards: Vec<String>,
        /// What is asked, for methods that learn from their own completions: texts of the user, or conversations.
        #[serde(default)]
        #[cfg_attr(test, ts(type = "Prompt[]"))]
        prompts: Vec<Prompt>,
        /// Rankings, pairs or labelled completions, for methods that learn from them.
        #[serde(default)]
        #[cfg_attr(test, ts(type = "PreferenceRecord[]"))]
        preferences: Vec<PreferenceRecord>,
        /// Plain text that the policy must not forget, for PPO-ptx; records end with `<|endoftext|>`.
        #[serde(default)]
        pretraining_texts: Vec<String>,
    },
    /// Draw n completions of each prompt and keep the one that the reward model likes best; nothing is trained.
    BestOf {
        /// Name of the policy.
        policy: String,
        /// Names of the reward models; several are an ensemble.
        rewards: Vec<String>,
        /// What is asked: texts of the user, or conversations.
        #[cfg_attr(test, ts(type = "Prompt[]"))]
        prompts: Vec<Prompt>,
        /// How.
        #[serde(default)]
        #[cfg_attr(test, ts(type = "Partial<BestOfOptions>"))]
        options: BestOfOptions,
    },
    /// Answer the same prompts with two models and let a judge prefer.
    Compare {
        /// Name of the first model: a win is a win of this one.
        a: String,
        /// Name of the second model.
        b: String,
        /// What is asked: texts of the user, or conversations.
        #[cfg_attr(test, ts(type = "Prompt[]"))]
        prompts: Vec<Prompt>,
        /// Who prefers.
        judge: Judge,
        /// Name of the reward model that chooses among the first model's completions where `best_of` is more than 1.
        #[serde(default)]
        best_of_reward: Option<String>,
        /// How.
        #[serde(default)]
        #[cfg_attr(test, ts(type = "Partial<CompareOptions>"))]
        options: CompareOptions,
    },
    /// Score completions with a reward model.
    Score {
        /// Name of the reward model.
        reward: String,
        /// Objects with `prompt` and `completions`, `completion`, or `chosen` and `rejected`.
        #[cfg_attr(test, ts(type = "Record<string, unknown>[]"))]
        records: Vec<Map<String, Value>>,
    },
    /// Measure a reward model on rankings: accuracy by margin and length, and calibration.
    Calibrate {
        /// Name of the reward model.
        reward: String,
        /// Rankings or pairs.
        #[cfg_attr(test, ts(type = "PreferenceRecord[]"))]
        preferences: Vec<PreferenceRecord>,
    },
    /// Look at the rankings that a reward model was trained on through its eyes.
    Review {
        /// Name of the reward model.
        reward: String,
        /// The rankings or pairs.
        #[cfg_attr(test, ts(type = "PreferenceRecord[]"))]
        preferences: Vec<PreferenceRecord>,
        /// How it was trained, which says what was set aside.
        #[serde(default)]
        #[cfg_attr(test, ts(type = "Partial<RewardOptions>"))]
        options: RewardOptions,
    },
    /// Measure nats per token and per character of a text.
    Eval {
        /// Name of the model.
        model: String,
        /// Text; records end with `<|endoftext|>`.
        text: String,
        /// How.
        #[serde(default)]
        #[cfg_attr(test, ts(type = "Partial<EvalOptions>"))]
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
            Command::Score { reward, .. } | Command::Calibrate { reward, .. } | Command::Review { reward, .. } => {
                vec![reward]
            }
            Command::Tune { policy, rewards, .. } | Command::BestOf { policy, rewards, .. } => {
                std::iter::once(policy).chain(rewards).collect()
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

/// Who says which of two completions is better.
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
