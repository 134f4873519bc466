//! What a shell can ask for.

use crate::options::{
    BestOfOptions, CompareOptions, DpoOptions, EvalOptions, GrpoOptions, KtoOptions, OrpoOptions, PpoStageOptions,
    PretrainOptions, ReinforceOptions, RewardOptions, RlooOptions, SampleOptions, SftOptions,
};
use nudge_data::Prompt;
use serde::{Deserialize, Serialize};

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
        /// What is asked: texts of the user, or conversations.
        #[cfg_attr(test, ts(type = "Prompt[]"))]
        prompts: Vec<Prompt>,
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
        /// What is asked: texts of the user, or conversations.
        #[cfg_attr(test, ts(type = "Prompt[]"))]
        prompts: Vec<Prompt>,
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
        /// What is asked: texts of the user, or conversations.
        #[cfg_attr(test, ts(type = "Prompt[]"))]
        prompts: Vec<Prompt>,
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
        /// What is asked: texts of the user, or conversations.
        #[cfg_attr(test, ts(type = "Prompt[]"))]
        prompts: Vec<Prompt>,
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
        /// What is asked: texts of the user, or conversations.
        #[cfg_attr(test, ts(type = "Prompt[]"))]
        prompts: Vec<Prompt>,
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
        /// What is asked: texts of the user, or conversations.
        #[cfg_attr(test, ts(type = "Prompt[]"))]
        prompts: Vec<Prompt>,
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
        /// What is asked: texts of the user, or conversations.
        #[cfg_attr(test, ts(type = "Prompt[]"))]
        prompts: Vec<Prompt>,
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
