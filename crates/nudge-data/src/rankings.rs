//! From people's rankings to the comparisons that a reward model learns from.
//!
//! All pairs of one ranking stay together as one [`Comparison`], because they share their
//! completions: a batch that treats them as one element computes each completion once and does not
//! overfit to it (Ouyang et al. 2022, section 3.5). Lines of `prompt`, `chosen`, `rejected` are
//! comparisons of two.

use serde::{Deserialize, Deserializer, Serialize, de::Error};
use serde_json::{Map, Value};

use crate::error::DataError;
use crate::jsonl::{line_error, lines, parse, read_jsonl_checked};
use crate::prompt::Prompt;
use crate::records::{EDITED, PairRecord, RankingRecord, UnpairedRecord, is_edited, require_text};
use crate::sitting::is_repeat;

/// What one ranking says: which of a prompt's completions are better than which.
#[derive(Debug, Clone, PartialEq)]
pub struct Comparison {
    /// What is asked.
    pub prompt: Prompt,
    /// The completions, two or more.
    pub completions: Vec<String>,
    /// `(winner, loser)` indices into `completions`, one or more; tied completions form no pair.
    pub pairs: Vec<(usize, usize)>,
    /// The completions from best to worst, tied ones in one group.
    pub tiers: Vec<Vec<usize>>,
    /// How far apart the two of a preference pair are, as its field `margin` says (TRL).
    pub margin: Option<f32>,
    /// Whether the only completion is wanted, where the record says so and compares nothing (TRL's unpaired kind).
    pub label: Option<bool>,
}

/// Which completions are wanted or not, each by itself: the only one as its record says (`label`); of several, those that
/// win more pairs than they lose are, and those that lose more are not. The others are in no list.
pub fn labels(label: Option<bool>, pairs: &[(usize, usize)], completions: usize) -> Vec<(usize, bool)> {
    if let Some(label) = label {
        return vec![(0, label)];
    }
    let balance = |completion: usize| -> i64 {
        pairs.iter().map(|(won, lost)| i64::from(*won == completion) - i64::from(*lost == completion)).sum()
    };
    let labelled = (0..completions).map(|one| (one, balance(one))).filter(|(_, balance)| *balance != 0);
    labelled.map(|(one, balance)| (one, balance > 0)).collect()
}

/// A record that prefers: what reward models learn from, and the methods that need none.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub enum PreferenceRecord {
    /// Several completions, ranked.
    Ranking(RankingRecord),
    /// Two completions, one preferred.
    Pair(PairRecord),
    /// One completion, wanted or not.
    Unpaired(UnpairedRecord),
}

impl PreferenceRecord {
    /// What the record compares; nothing where it is a ranking with `repeat_of`: the same person had ranked that
    /// screen before, so it measures how sure that ranking was and is no comparison of its own.
    ///
    /// # Errors
    ///
    /// What is wrong with a ranking that is not valid or ties everything, with two equal completions that are told
    /// apart, with an empty prompt, `chosen` or `rejected`, and with a completion that only has a label. An empty
    /// completion in a ranking is accepted: the model did answer that.
    pub fn comparison(&self) -> Result<Option<Comparison>, String> {
        let comparison = match self {
            Self::Ranking(record) if is_repeat(&record.extra) => {
                record.check()?;
                return Ok(None);
            }
            Self::Ranking(record) => from_ranking(record)?,
            Self::Pair(record) => from_pair(record)?,
            Self::Unpaired(_) => {
                return Err(
                    "it is one completion with a `label`, which compares nothing; `nudge kto` learns from such records"
                        .to_owned(),
                );
            }
        };
        comparison.prompt.check()?;
        for &(winner, loser) in &comparison.pairs {
            if comparison.completions[winner] == comparison.completions[loser] {
                return Err(format!(
                    "completions {winner} and {loser} are the same text, so neither can be better; tie \
                     them or remove the line"
                ));
            }
        }
        Ok(Some(comparison))
    }

    /// The same, with completions that are wanted or not by themselves, as KTO learns from.
    ///
    /// # Errors
    ///
    /// As [`PreferenceRecord::comparison`], and for such a record whose prompt or completion is empty.
    pub fn judgement(&self) -> Result<Option<Comparison>, String> {
        match self {
            Self::Unpaired(record) => from_unpaired(record).map(Some),
            compared => compared.comparison(),
        }
    }

    /// The record of an object's fields.
    fn from_fields(fields: Map<String, Value>) -> Result<Self, String> {
        let has = |name| fields.contains_key(name);
        let (is_ranking, is_pair, is_unpaired) = (has("ranking"), has("chosen") && has("rejected"), has("label"));
        let fields = Value::Object(fields);
        let read = match () {
            () if is_ranking => serde_json::from_value(fields).map(Self::Ranking),
            () if is_pair => serde_json::from_value(fields).map(Self::Pair),
            () if is_unpaired => serde_json::from_value(fields).map(Self::Unpaired),
            () => {
                return Err("it is neither a ranking (`prompt`, `completions`, `ranking`) nor a pair (`prompt`, \
                     `chosen`, `rejected`)"
                    .to_owned());
            }
        };
        read.map_err(|error| format!("{error}; check the names and types of the fields"))
    }
}

impl<'de> Deserialize<'de> for PreferenceRecord {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::from_fields(Map::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}

/// The preference records of a JSONL text, one a line.
///
/// # Errors
///
/// [`DataError::Line`] for a line that is none. Whether something can be learnt from it is not checked.
pub fn preferences_from(source_name: &str, text: &str) -> Result<Vec<PreferenceRecord>, DataError> {
    each_line(source_name, text, |record| Ok(Some(record)))
}

/// The comparisons of a JSONL text, one a line: ranking records, preference pairs, or both mixed.
///
/// # Errors
///
/// [`DataError::Line`] for a line that is neither, or that compares nothing ([`PreferenceRecord::comparison`]).
pub fn comparisons_from(source_name: &str, text: &str) -> Result<Vec<Comparison>, DataError> {
    each_line(source_name, text, |record| record.comparison())
}

/// The same, with completions that are wanted or not by themselves among them ([`UnpairedRecord`]), as KTO learns from.
///
/// # Errors
///
/// As [`comparisons_from`], and [`DataError::Line`] for an unpaired record whose prompt or completion is empty.
pub fn judgements_from(source_name: &str, text: &str) -> Result<Vec<Comparison>, DataError> {
    each_line(source_name, text, |record| record.judgement())
}

/// What `read` makes of every line's record, where it makes anything of it.
fn each_line<T>(
    source_name: &str,
    text: &str,
    read: impl Fn(PreferenceRecord) -> Result<Option<T>, String>,
) -> Result<Vec<T>, DataError> {
    lines(text)
        .filter_map(|(line, content)| {
            let record = parse(content).and_then(PreferenceRecord::from_fields);
            record.and_then(&read).map_err(|reason| line_error(source_name, line, reason)).transpose()
        })
        .collect()
}

/// The ranking records of a JSONL text, checked.
///
/// # Errors
///
/// [`DataError::Line`] for a line that is no ranking record or whose ranking is not valid.
pub fn rankings_from(source_name: &str, text: &str) -> Result<Vec<RankingRecord>, DataError> {
    read_jsonl_checked(source_name, text, RankingRecord::check)
}

fn from_ranking(record: &RankingRecord) -> Result<Comparison, String> {
    record.check()?;
    let record = record.with_edit();
    let pairs = winners_and_losers(&record.ranking);
    if pairs.is_empty() {
        return Err("it ties all completions, so it carries no preference; remove the line".to_owned());
    }
    Ok(Comparison {
        prompt: record.prompt.clone(),
        completions: record.completions.iter().map(|c| c.text.clone()).collect(),
        pairs,
        tiers: record.ranking.clone(),
        margin: None,
        label: None,
    })
}

fn from_pair(record: &PairRecord) -> Result<Comparison, String> {
    require_text("chosen", &record.chosen)?;
    require_text("rejected", &record.rejected)?;
    if record.chosen == record.rejected {
        return Err("`chosen` and `rejected` are the same text; remove the line".to_owned());
    }
    let margin = match record.extra.get("margin") {
        None | Some(Value::Null) => None,
        Some(margin) => Some(finite(margin).ok_or("`margin` is no finite number")?),
    };
    Ok(Comparison {
        prompt: record.prompt.clone(),
        completions: vec![record.chosen.clone(), record.rejected.clone()],
        pairs: vec![(0, 1)],
        tiers: vec![vec![0], vec![1]],
        margin,
        label: None,
    })
}

fn from_unpaired(record: &UnpairedRecord) -> Result<Comparison, String> {
    record.prompt.check()?;
    require_text("completion", &record.completion)?;
    Ok(Comparison {
        prompt: record.prompt.clone(),
        completions: vec![record.completion.clone()],
        pairs: vec![],
        tiers: vec![vec![0]],
        margin: None,
        label: Some(record.label),
    })
}

fn finite(value: &Value) -> Option<f32> {
    value.as_f64().map(|number| number as f32).filter(|number| number.is_finite())
}

/// Every index of an earlier group beats every index of a later group.
pub(crate) fn winners_and_losers(ranking: &[Vec<usize>]) -> Vec<(usize, usize)> {
    let mut pairs = Vec::new();
    for (place, winners) in ranking.iter().enumerate() {
        for &winner in winners {
            let losers = ranking[place + 1..].iter().flatten();
            pairs.extend(losers.map(|&loser| (winner, loser)));
        }
    }
    pairs
}

/// The ranking as preference pairs that other tools read, best winners first.
///
/// Each pair has an extra field `ranking_id`, so that the pairs of one ranking can be put together
/// again; those of an edit have `edited`.
///
/// # Panics
///
/// If the ranking names a completion that does not exist; [`RankingRecord::validate`] tells.
pub fn ranking_to_pairs(record: &RankingRecord) -> Vec<PairRecord> {
    let record = record.with_edit();
    let pair = |(winner, loser): (usize, usize)| {
        let mut extra = Map::from_iter([("ranking_id".to_owned(), Value::from(record.id.as_str()))]);
        if is_edited(&record.completions[winner].extra) {
            extra.insert(EDITED.to_owned(), Value::Bool(true));
        }
        let text = |index: usize| record.completions[index].text.clone();
        PairRecord { prompt: record.prompt.clone(), chosen: text(winner), rejected: text(loser), extra }
    };
    winners_and_losers(&record.ranking).into_iter().map(pair).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::jsonl::write_jsonl;
    use crate::records::{Completion, Edit};
    use proptest::prelude::*;

    const PAIR: &str = r#"{"prompt":"p","chosen":"good","rejected":"bad"}"#;

    fn ranking(texts: &[&str], ranking: Vec<Vec<usize>>) -> RankingRecord {
        RankingRecord {
            id: "r1".to_owned(),
            prompt: "p".into(),
            completions: texts.iter().map(|&text| Completion::from_text(text)).collect(),
            ranking,
            labeler: None,
            seconds: None,
            edit: None,
            extra: Map::new(),
        }
    }

    fn error(line: &str) -> String {
        comparisons_from("r.jsonl", &format!("{PAIR}\n{line}")).expect_err("is refused").to_string()
    }

    #[test]
    fn rankings_and_pairs_mix() {
        let record = ranking(&["a", "b", "c"], vec![vec![2], vec![0, 1]]);
        let text = format!("{PAIR}\n{PAIR}\n{}", write_jsonl(&[record]));
        let read = comparisons_from("r.jsonl", &text).expect("reads");
        assert_eq!(read.len(), 3, "one line is one comparison");
        assert_eq!(read[0].completions, ["good", "bad"]);
        assert_eq!(read[0].pairs, [(0, 1)]);
        assert_eq!(read[2].pairs, [(2, 0), (2, 1)]);
    }

    #[test]
    fn an_edit_beats_every_completion_of_its_screen() {
        let edit = Some(Edit { of: Some(1), text: "b, mended".to_owned() });
        let tied = RankingRecord { edit: edit.clone(), ..ranking(&["a", "b", "c", "d"], vec![vec![0, 1, 2, 3]]) };
        let ordered = RankingRecord { edit, ..ranking(&["a", "b"], vec![vec![1], vec![0]]) };
        let read = comparisons_from("r.jsonl", &write_jsonl(&[tied, ordered.clone()])).expect("reads");
        assert_eq!(read[0].completions[4], "b, mended");
        assert_eq!(read[0].pairs, [(4, 0), (4, 1), (4, 2), (4, 3)]);
        assert_eq!(read[1].pairs, [(2, 1), (2, 0), (1, 0)]);
        let edited: Vec<bool> = ranking_to_pairs(&ordered).iter().map(|pair| is_edited(&pair.extra)).collect();
        assert_eq!(edited, [true, true, false]);
    }

    #[test]
    fn a_line_without_preference_is_refused() {
        let tied = write_jsonl(&[ranking(&["a", "b"], vec![vec![0, 1]])]);
        let twins = write_jsonl(&[ranking(&["a", "a"], vec![vec![0], vec![1]])]);
        let short = write_jsonl(&[ranking(&["a", "b"], vec![vec![0]])]);
        let refused = [
            (tied.as_str(), "carries no preference"),
            (twins.as_str(), "completions 0 and 1 are the same text"),
            (short.as_str(), "leaves out completion 1"),
            (r#"{"prompt":"p","chosen":"x","rejected":"x"}"#, "the same text"),
            (r#"{"prompt":"p","chosen":"x","rejected":" "}"#, "`rejected` is empty"),
            (r#"{"prompt":"","chosen":"x","rejected":"y"}"#, "`prompt` is empty"),
            (r#"{"prompt":"p","completion":"x"}"#, "neither a ranking"),
            (r#"{"chosen":"x","rejected":"y"}"#, "missing field `prompt`"),
            ("[1]", "invalid type"),
        ];
        for (line, part) in refused {
            let message = error(line);
            assert!(message.starts_with("r.jsonl, line 2: "), "{message}");
            assert!(message.contains(part), "{message}");
        }
    }

    #[test]
    fn a_completion_with_a_label_is_a_judgement_and_no_comparison() {
        let unpaired = r#"{"prompt":"p","completion":"x","label":false}"#;
        let read = judgements_from("r.jsonl", &format!("{PAIR}\n{unpaired}")).expect("reads");
        assert_eq!(read.iter().map(|one| one.label).collect::<Vec<_>>(), [None, Some(false)]);
        assert_eq!((read[1].completions.as_slice(), read[1].pairs.len()), (["x".to_owned()].as_slice(), 0));
        assert!(error(unpaired).contains("nudge kto"));
        for (line, part) in [
            (r#"{"prompt":"p","completion":"","label":true}"#, "`completion` is empty"),
            (r#"{"prompt":" ","completion":"x","label":true}"#, "`prompt` is empty"),
            (r#"{"prompt":"p","completion":"x","label":"yes"}"#, "invalid type"),
        ] {
            let message = judgements_from("r.jsonl", line).expect_err("is refused").to_string();
            assert!(message.contains(part), "{message}");
        }
    }

    #[test]
    fn equal_completions_may_be_tied_and_empty_ones_ranked() {
        let record = ranking(&["a", "a", ""], vec![vec![0, 1], vec![2]]);
        let read = comparisons_from("r.jsonl", &write_jsonl(&[record])).expect("reads");
        assert_eq!(read[0].pairs, [(0, 2), (1, 2)]);
    }

    /// A ranking of up to 7 completions, with ties.
    fn any_ranking() -> impl Strategy<Value = RankingRecord> {
        prop::collection::vec(0usize..4, 2..8).prop_map(|places| {
            let groups = (0..4).map(|place| {
                let members = places.iter().enumerate().filter(|(_, p)| **p == place);
                members.map(|(index, _)| index).collect::<Vec<_>>()
            });
            let texts: Vec<String> = (0..places.len()).map(|i| format!("answer {i}")).collect();
            let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
            ranking(&texts, groups.filter(|group| !group.is_empty()).collect())
        })
    }

    proptest! {
        #[test]
        fn pairs_are_all_pairs_less_the_ties(record in any_ranking()) {
            let choose_two = |n: usize| n * (n - 1) / 2;
            let ties: usize = record.ranking.iter().map(|group| choose_two(group.len())).sum();
            let pairs = ranking_to_pairs(&record);
            prop_assert_eq!(record.validate(), Ok(()));
            prop_assert_eq!(pairs.len(), choose_two(record.completions.len()) - ties);
            for pair in &pairs {
                let place = |text: &str| record.ranking.iter().position(|group| {
                    group.iter().any(|&index| record.completions[index].text == text)
                });
                prop_assert!(place(&pair.chosen) < place(&pair.rejected));
            }
        }
    }
}
