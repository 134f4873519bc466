//! The lines of the JSONL files that a user reads, writes and carries to other tools.
//!
//! The field names are TRL's (`prompt`, `completion`, `chosen`, `rejected`), so that these files
//! need no conversion there; rankings of more than two completions are a superset of them. Fields that
//! Nudge does not know are kept in `extra` and written back.
//!
//! It lacks tools and images in conversations.

use std::borrow::Cow;

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
    /// The answer that the labeler would give instead; it is better than every completion.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub edit: Option<Edit>,
    /// Fields that Nudge does not know.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

/// What a labeler made of a completion, or wrote where none was good: a demonstration and a preference at once.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Edit {
    /// The completion that was edited, as an index into `completions`; nothing where the text was written anew.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub of: Option<usize>,
    /// The text.
    pub text: String,
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
        self.check().map_err(|reason| DataError::Ranking { id: self.id.clone(), reason })
    }

    /// The same, with the bare reason.
    pub(crate) fn check(&self) -> Result<(), String> {
        check_ranking(self.completions.len(), self.edit.is_some(), &self.ranking)?;
        self.edit.as_ref().map_or(Ok(()), |edit| edit.check(&self.completions))
    }

    /// True if no completion is better than another, and none was edited.
    pub fn ties_everything(&self) -> bool {
        self.edit.is_none() && self.ranking.iter().filter(|group| !group.is_empty()).count() < 2
    }

    /// The ranking with its edit as the last of its completions, above all others, as everything that learns from
    /// rankings reads it. The completion bears [`EDITED`].
    pub fn with_edit(&self) -> Cow<'_, Self> {
        let Some(edit) = &self.edit else { return Cow::Borrowed(self) };
        let mut record = self.clone();
        record.edit = None;
        record.ranking.insert(0, vec![record.completions.len()]);
        let mut completion = Completion::from_text(edit.text.as_str());
        completion.extra.insert(EDITED.to_owned(), Value::Bool(true));
        record.completions.push(completion);
        Cow::Owned(record)
    }
}

/// The field that says of a completion, or of a pair's chosen one, that a labeler wrote it.
pub const EDITED: &str = "edited";

/// True for a record whose completion a labeler wrote.
pub fn is_edited(extra: &Map<String, Value>) -> bool {
    extra.get(EDITED) == Some(&Value::Bool(true))
}

impl Edit {
    /// Checks that it says something new about these completions.
    ///
    /// # Errors
    ///
    /// That it is empty, equal to a completion, or made of one that does not exist.
    pub fn check(&self, completions: &[Completion]) -> Result<(), String> {
        if self.text.trim().is_empty() {
            return Err("its edit is empty; write the better answer or remove `edit`".to_owned());
        }
        let same = |completion: &Completion| completion.text.trim() == self.text.trim();
        if let Some(index) = completions.iter().position(same) {
            return Err(format!(
                "its edit is the same text as completion {index}; change it, or rank that completion best"
            ));
        }
        match self.of {
            Some(index) if index >= completions.len() => {
                Err(format!("its edit is `of` completion {index}, but there are {}, counted from 0", completions.len()))
            }
            _ => Ok(()),
        }
    }
}

/// An edit compares a single completion with itself, so that one is enough then.
fn check_ranking(completions: usize, edited: bool, ranking: &[Vec<usize>]) -> Result<(), String> {
    let fewest = if edited { 1 } else { 2 };
    if completions < fewest {
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
            edit: None,
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

    fn edited(completions: usize, groups: &[&[usize]], of: Option<usize>, text: &str) -> RankingRecord {
        RankingRecord { edit: Some(Edit { of, text: text.to_owned() }), ..ranking(completions, groups) }
    }

    #[test]
    fn an_edit_stands_above_all_completions() {
        let tied = edited(4, &[&[0, 1, 2, 3]], Some(2), "better");
        assert!(!tied.ties_everything());
        let read = tied.with_edit();
        assert_eq!(read.ranking, [vec![4], vec![0, 1, 2, 3]]);
        assert!(is_edited(&read.completions[4].extra) && read.edit.is_none());
        assert_eq!(edited(1, &[&[0]], None, "better").validate(), Ok(()), "an edit compares one completion");
        let line = r#"{"id":"a","prompt":"p","completions":[{"text":"t"}],"ranking":[[0]],"edit":{"of":0,"text":"u"}}"#;
        let records: Vec<RankingRecord> = read_jsonl("r.jsonl", line).expect("reads");
        assert_eq!(records[0].edit, Some(Edit { of: Some(0), text: "u".to_owned() }));
        assert_eq!(write_jsonl(&records).trim(), line);
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
            (edited(2, &[&[0, 1]], None, " "), "its edit is empty"),
            (edited(2, &[&[0, 1]], Some(0), "answer 1\n"), "the same text as completion 1"),
            (edited(2, &[&[0, 1]], Some(2), "better"), "`of` completion 2, but there are 2"),
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
