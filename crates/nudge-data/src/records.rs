//! The lines of the JSONL files that a user reads, writes and carries to other tools.
//!
//! The field names are TRL's (`prompt`, `completion`, `chosen`, `rejected`), so that these files
//! need no conversion there; rankings of more than two completions are a superset of them. Fields that
//! Nudge does not know are kept in `extra` and written back.
//!
//! It lacks tools and images in conversations.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::error::DataError;
use crate::jsonl::read_jsonl_checked;
use crate::prompt::Prompt;
use crate::template::Message;

/// A prompt to answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PromptRecord {
    /// What is asked.
    pub prompt: Prompt,
    /// Fields that Nudge does not know.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

/// A prompt with the completion that the model should learn to give.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DemonstrationRecord {
    /// What is asked.
    pub prompt: Prompt,
    /// The completion to imitate.
    pub completion: String,
    /// The kind of task, for counts by kind.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task: Option<String>,
    /// The part of the data that the record belongs to, such as `train` or `test`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub split: Option<String>,
    /// Fields that Nudge does not know.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

/// A conversation of which every assistant's turn is imitated: TRL's conversational language modelling.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ConversationRecord {
    /// The turns, oldest first.
    pub messages: Vec<Message>,
    /// The kind of task, for counts by kind.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task: Option<String>,
    /// The part of the data that the record belongs to, such as `train` or `test`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub split: Option<String>,
    /// Fields that Nudge does not know.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

/// Text to continue: TRL's language modelling.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TextRecord {
    /// The text.
    pub text: String,
    /// Fields that Nudge does not know.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

/// A completion that is good or bad by itself: TRL's unpaired preference.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct UnpairedRecord {
    /// What is asked.
    pub prompt: Prompt,
    /// The completion.
    pub completion: String,
    /// True if it is wanted.
    pub label: bool,
    /// Fields that Nudge does not know.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

/// Why a sampled completion stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Finish {
    /// The model ended it with its end token.
    Eos,
    /// It reached the greatest length allowed.
    Length,
    /// Somebody who read along stopped it.
    Stopped,
}

/// One sampled completion.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Completion {
    /// The completion without its end token.
    pub text: String,
    /// The seed that draws it again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seed: Option<u64>,
    /// Sum of the log-probabilities of its tokens, end token included, in nats.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub logprob: Option<f32>,
    /// Why it stopped.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finish: Option<Finish>,
    /// Fields that Nudge does not know.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

/// Several completions to one prompt, waiting to be ranked.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CandidatesRecord {
    /// Names the record; its ranking bears the same name.
    pub id: String,
    /// What is asked.
    pub prompt: Prompt,
    /// The completions, in no order.
    pub completions: Vec<Completion>,
    /// Fields that Nudge does not know.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

/// Several completions to one prompt, ranked.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RankingRecord {
    /// Names the record.
    pub id: String,
    /// What is asked.
    pub prompt: Prompt,
    /// The completions, in the order in which they were sampled.
    pub completions: Vec<Completion>,
    /// Groups of indices into `completions`, best group first; completions in one group are tied.
    pub ranking: Vec<Vec<usize>>,
    /// Who ranked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub labeler: Option<String>,
    /// How long it took, in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seconds: Option<f32>,
    /// Fields that Nudge does not know.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

/// Two completions to one prompt, one preferred: TRL's explicit preference format.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PairRecord {
    /// What is asked.
    pub prompt: Prompt,
    /// The better completion.
    pub chosen: String,
    /// The worse completion.
    pub rejected: String,
    /// Fields that Nudge does not know.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

/// One record of any of the kinds that training, sampling and ranking read.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Entry {
    /// Text to continue.
    Text(TextRecord),
    /// A prompt to answer.
    Prompt(PromptRecord),
    /// A prompt with the completion to imitate.
    Demonstration(DemonstrationRecord),
    /// A conversation to imitate.
    Conversation(ConversationRecord),
    /// Two completions, one preferred.
    Pair(PairRecord),
    /// One completion, wanted or not.
    Unpaired(UnpairedRecord),
    /// Several completions, ranked.
    Ranking(RankingRecord),
    /// Several completions, waiting to be ranked.
    Candidates(CandidatesRecord),
}

impl Completion {
    /// A completion of which only the text is known.
    pub fn from_text(text: impl Into<String>) -> Self {
        Self { text: text.into(), seed: None, logprob: None, finish: None, extra: Map::new() }
    }
}

impl DemonstrationRecord {
    /// Checks that there is something to ask and something to imitate.
    ///
    /// # Errors
    ///
    /// Which of the two is empty, and what to do.
    pub fn check(&self) -> Result<(), String> {
        self.prompt.check()?;
        require_text("completion", &self.completion)
    }
}

impl RankingRecord {
    /// Checks that the ranking orders its completions: two or more of them, each index exactly
    /// once.
    ///
    /// # Errors
    ///
    /// [`DataError::Ranking`] with the first thing that is wrong.
    pub fn validate(&self) -> Result<(), DataError> {
        check_ranking(self.completions.len(), &self.ranking)
            .map_err(|reason| DataError::Ranking { id: self.id.clone(), reason })
    }

    /// True if no completion is better than another.
    pub fn ties_everything(&self) -> bool {
        self.ranking.iter().filter(|group| !group.is_empty()).count() < 2
    }
}

pub(crate) fn check_ranking(completions: usize, ranking: &[Vec<usize>]) -> Result<(), String> {
    if completions < 2 {
        return Err(format!("it has {completions} completion(s), and a ranking needs two or more to compare"));
    }
    let mut ranked = vec![false; completions];
    for &index in ranking.iter().flatten() {
        match ranked.get_mut(index) {
            None => {
                return Err(format!(
                    "`ranking` names completion {index}, but there are {completions}, counted from \
                     0 to {}",
                    completions - 1
                ));
            }
            Some(true) => {
                return Err(format!("`ranking` names completion {index} twice; name each exactly once"));
            }
            Some(seen) => *seen = true,
        }
    }
    match ranked.iter().position(|&seen| !seen) {
        Some(index) => Err(format!("`ranking` leaves out completion {index}; name each exactly once")),
        None => Ok(()),
    }
}

/// The prompts of a JSONL text.
///
/// # Errors
///
/// [`DataError::Line`] for a line that is no prompt or whose prompt is empty.
pub fn prompts_from(source_name: &str, text: &str) -> Result<Vec<PromptRecord>, DataError> {
    read_jsonl_checked(source_name, text, |record: &PromptRecord| record.prompt.check())
}

/// The demonstrations of a JSONL text.
///
/// # Errors
///
/// [`DataError::Line`] for a line that is no demonstration, or whose prompt or completion is empty.
pub fn demonstrations_from(source_name: &str, text: &str) -> Result<Vec<DemonstrationRecord>, DataError> {
    read_jsonl_checked(source_name, text, DemonstrationRecord::check)
}

pub(crate) fn require_text(field: &str, text: &str) -> Result<(), String> {
    if text.trim().is_empty() { Err(format!("`{field}` is empty; fill it or remove the line")) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::jsonl::{read_jsonl, write_jsonl};

    fn ranking(completions: usize, ranking: &[&[usize]]) -> RankingRecord {
        RankingRecord {
            id: "r1".to_owned(),
            prompt: "Why?".into(),
            completions: (0..completions).map(|index| Completion::from_text(format!("answer {index}"))).collect(),
            ranking: ranking.iter().map(|group| group.to_vec()).collect(),
            labeler: None,
            seconds: None,
            extra: Map::new(),
        }
    }

    #[test]
    fn unknown_fields_and_numbers_survive() {
        let line = concat!(
            r#"{"id":"a","prompt":"p","completions":[{"text":"t","seed":18446744073709551615,"#,
            r#""logprob":-12.34567,"finish":"eos","policy":"sft"},{"text":"u","finish":"length"}],"#,
            r#""ranking":[[1],[0]],"seconds":2.5,"flags":["fun"],"nested":{"z":1,"a":null}}"#,
            "\n"
        );
        let records: Vec<RankingRecord> = read_jsonl("r.jsonl", line).expect("reads");
        assert_eq!(records[0].completions[0].seed, Some(u64::MAX));
        assert_eq!(records[0].completions[0].logprob, Some(-12.34567));
        assert_eq!(records[0].completions[1].finish, Some(Finish::Length));
        assert_eq!(write_jsonl(&records), line);
    }

    #[test]
    fn a_ranking_names_every_completion_once() {
        assert_eq!(ranking(3, &[&[2], &[0, 1]]).validate(), Ok(()));
        let refused = [
            (ranking(1, &[&[0]]), "1 completion(s)"),
            (ranking(2, &[&[0], &[2]]), "names completion 2, but there are 2"),
            (ranking(3, &[&[0, 1], &[0]]), "completion 0 twice"),
            (ranking(3, &[&[0], &[2]]), "leaves out completion 1"),
            (ranking(2, &[]), "leaves out completion 0"),
        ];
        for (record, part) in refused {
            let message = record.validate().expect_err("is refused").to_string();
            assert!(message.starts_with("ranking \"r1\": "), "{message}");
            assert!(message.contains(part), "{message}");
        }
    }

    #[test]
    fn empty_fields_are_refused_with_their_line() {
        let text = "{\"prompt\":\"p\",\"completion\":\"c\"}\n{\"prompt\":\"p\",\"completion\":\" \"}";
        let message = demonstrations_from("d.jsonl", text).expect_err("is refused").to_string();
        assert!(message.starts_with("d.jsonl, line 2: `completion` is empty"), "{message}");
        assert!(prompts_from("p.jsonl", "{\"prompt\":\"\"}").is_err());
    }
}
