//! How a ranking came about: in which order the completions were shown, when, why this prompt, and what the person
//! thought of the screen.
//!
//! These are fields of a ranking record beside those that training reads. Training ignores all of them but one: a
//! record with `repeat_of` is a screen that was shown again, and a screen counts once. It lacks a clock; the shells
//! have one.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::records::{CandidatesRecord, Edit, RankingRecord};

/// What a screen can be flagged for, as it stands in `flags`. Other words are read, too.
pub const FLAGS: [&str; 4] = ["nonsense", "harmful", "off_topic", "other"];

/// The fields that say how a ranking came about. All are optional.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Sitting {
    /// The seed from which `shown` was drawn.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order_seed: Option<u64>,
    /// Indices into `completions` in the order in which they were shown; of equal completions only the first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shown: Option<Vec<usize>>,
    /// When the screen was shown, in RFC 3339.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_at: Option<String>,
    /// What is wrong with the prompt or its completions.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub flags: Vec<String>,
    /// The `id` of the ranking of the same screen by the same person, earlier in the sitting.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repeat_of: Option<String>,
    /// Why this prompt was shown before others.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub choice: Option<Choice>,
    /// Whether each completion is good enough to use.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub usable: Option<Vec<bool>>,
}

/// Why a prompt was shown before others.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Choice {
    /// The rule.
    pub by: ChoiceRule,
    /// Disagreement of the reward models about its completions, where there were any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disagreement: Option<f64>,
}

/// How the next prompt is chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChoiceRule {
    /// The one about whose completions reward models disagree most.
    Disagreement,
    /// Any, by seed: the control.
    Random,
}

impl Sitting {
    /// The fields of a record's `extra`.
    ///
    /// # Errors
    ///
    /// What is wrong with one of them.
    pub fn of(extra: &Map<String, Value>) -> Result<Self, String> {
        serde_json::from_value(Value::Object(extra.clone())).map_err(|error| {
            format!("{error}; check `shown`, `order_seed`, `started_at`, `flags`, `repeat_of`, `choice`, `usable`")
        })
    }

    /// Writes the fields into a record's `extra`.
    pub fn write(&self, extra: &mut Map<String, Value>) {
        if let Ok(Value::Object(fields)) = serde_json::to_value(self) {
            extra.extend(fields);
        }
    }
}

/// True for a ranking of a screen that was shown again.
pub fn is_repeat(extra: &Map<String, Value>) -> bool {
    extra.get("repeat_of").is_some_and(|id| !id.is_null())
}

/// Candidates whose screen was passed over, as a candidates record that says so: it can be ranked, but is no ranking.
pub fn skipped(candidates: CandidatesRecord, labeler: &str, seconds: f32, sitting: &Sitting) -> CandidatesRecord {
    let mut skipped = candidates;
    skipped.extra.insert("skipped".to_owned(), Value::Bool(true));
    skipped.extra.insert("labeler".to_owned(), labeler.into());
    // By way of its text, so that 1.7 does not become 1.7000000476837158.
    skipped.extra.insert("seconds".to_owned(), seconds.to_string().parse().map_or(Value::Null, Value::Number));
    sitting.write(&mut skipped.extra);
    skipped
}

/// Candidates as they were before somebody passed them over.
pub fn unskipped(mut candidates: CandidatesRecord) -> CandidatesRecord {
    for field in ["skipped", "labeler", "seconds", "order_seed", "shown", "started_at", "flags", "repeat_of", "usable"]
    {
        candidates.extra.remove(field);
    }
    candidates
}

/// The ranking of candidates, and what the labeler would answer instead.
pub fn ranked(
    candidates: CandidatesRecord,
    ranking: Vec<Vec<usize>>,
    edit: Option<Edit>,
    labeler: &str,
    seconds: f32,
    sitting: &Sitting,
) -> RankingRecord {
    let CandidatesRecord { id, prompt, completions, mut extra } = candidates;
    sitting.write(&mut extra);
    let labeler = Some(labeler.to_owned());
    RankingRecord { id, prompt, completions, ranking, labeler, seconds: Some(seconds), edit, extra }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::jsonl::{read_jsonl, write_jsonl};
    use crate::rankings::comparisons_from;
    use crate::records::Completion;

    fn candidates() -> CandidatesRecord {
        CandidatesRecord {
            id: "c".to_owned(),
            prompt: "p".into(),
            completions: vec![Completion::from_text("a"), Completion::from_text("b")],
            extra: Map::from_iter([("source".to_owned(), Value::from("x"))]),
        }
    }

    fn sitting() -> Sitting {
        Sitting {
            order_seed: Some(7),
            shown: Some(vec![1, 0]),
            started_at: Some("2026-01-02T03:04:05Z".to_owned()),
            flags: vec!["harmful".to_owned()],
            repeat_of: None,
            choice: Some(Choice { by: ChoiceRule::Disagreement, disagreement: Some(0.25) }),
            usable: Some(vec![false, true]),
        }
    }

    #[test]
    fn the_fields_stand_beside_the_others() {
        let record = ranked(candidates(), vec![vec![1], vec![0]], None, "ann", 2.5, &sitting());
        let text = write_jsonl(&[record]);
        for field in [
            r#""order_seed":7"#,
            r#""shown":[1,0]"#,
            r#""flags":["harmful"]"#,
            r#""choice":{"by":"disagreement","disagreement":0.25}"#,
            r#""source":"x""#,
        ] {
            assert!(text.contains(field), "{field}: {text}");
        }
        assert!(!text.contains("repeat_of"), "{text}");
        let read: Vec<RankingRecord> = read_jsonl("r", &text).expect("reads");
        assert_eq!(Sitting::of(&read[0].extra), Ok(sitting()));
    }

    #[test]
    fn what_a_person_says_beside_is_kept_and_not_learnt_from() {
        let said = r#"{"id":"c","prompt":"p","completions":[{"text":"a"},{"text":"b"}],"ranking":[[1],[0]],"why":"it is kind"}"#;
        let read: Vec<RankingRecord> = read_jsonl("r", said).expect("reads");
        assert_eq!(read[0].extra["why"], "it is kind");
        assert_eq!(write_jsonl(&read).trim(), said);
        assert_eq!(comparisons_from("r", said).expect("reads")[0].pairs, [(1, 0)]);
    }

    #[test]
    fn what_was_skipped_can_be_ranked_but_is_no_ranking() {
        let record = skipped(candidates(), "ann", 1.7, &sitting());
        let text = write_jsonl(std::slice::from_ref(&record));
        assert!(text.contains(r#""skipped":true,"labeler":"ann","seconds":1.7,"#), "{text}");
        assert!(comparisons_from("r", &text).expect_err("is refused").to_string().contains("neither a ranking"));
        let again = unskipped(read_jsonl("r", &text).expect("reads").remove(0));
        assert_eq!(again.extra.keys().collect::<Vec<_>>(), ["source", "choice"]);
    }

    #[test]
    fn a_screen_counts_once() {
        let first = ranked(candidates(), vec![vec![1], vec![0]], None, "ann", 1.0, &Sitting::default());
        let repeat = Sitting { repeat_of: Some("c".to_owned()), ..Sitting::default() };
        let second = ranked(candidates(), vec![vec![0], vec![1]], None, "ann", 1.0, &repeat);
        assert!(!is_repeat(&first.extra) && is_repeat(&second.extra));
        let read = comparisons_from("r", &write_jsonl(&[first, second])).expect("reads");
        assert_eq!(read.len(), 1);
        assert_eq!(read[0].pairs, [(1, 0)], "the first ranking counts");
    }

    #[test]
    fn a_field_of_the_wrong_kind_is_named() {
        let extra = Map::from_iter([("shown".to_owned(), Value::from("first"))]);
        assert!(Sitting::of(&extra).expect_err("is refused").contains("check `shown`"));
    }
}
