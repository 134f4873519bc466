//! How often labelers agree with themselves and with each other: the most that a reward model can be asked for.
//!
//! Two rankings can be compared where they rank the same completions of the same prompt. A labeler who meets a screen
//! again says how sure those rankings are (InstructGPT 3.4, Stiennon et al. 2020, appendix C). Contradictions that need
//! no screen twice are found in [`crate::contradiction`].

use crate::SessionError;
use crate::contradiction::{Contradiction, contradictions};
use nudge_data::{Prompt, RankingRecord};
use nudge_rlhf::{Agreement, ranking_agreement};
use serde::Serialize;
use std::collections::BTreeMap;

/// Who ranks where a record does not say.
pub(crate) const UNNAMED: &str = "unnamed";

/// Agreement over all screens that occur more than once.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct AgreementReport {
    /// Rankings read.
    pub rankings: usize,
    /// Each labeler on screens that they ranked again.
    pub with_themselves: Vec<LabelerAgreement>,
    /// Each two labelers on screens that both ranked.
    pub with_each_other: Vec<LabelerAgreement>,
    /// Preferences that go in a circle.
    pub contradictions: Vec<Contradiction>,
}

/// Agreement of one labeler with another, or with themselves.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LabelerAgreement {
    /// One labeler.
    pub one: String,
    /// The other; the same where a labeler is compared with themselves.
    pub other: String,
    /// Pairs of rankings of one screen.
    pub screens: usize,
    /// Pairs of completions that both rankings put in an order.
    pub pairs: usize,
    /// Pairs of completions that one of the two rankings ties; they do not count.
    pub tied: usize,
    /// Share of `pairs` in the same order.
    pub agreement: f64,
    /// Lower end of the 95 % interval, pairs taken as independent.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

/// Compares rankings, each of them valid, with each other.
///
/// # Errors
/// Rankings without a contradiction and without any screen that occurs twice.
pub fn agreement(records: &[RankingRecord]) -> Result<AgreementReport, SessionError> {
    let mut screens: BTreeMap<Screen, Vec<(&str, Tiers)>> = BTreeMap::new();
    for record in records {
        let (screen, tiers) = screen_of(record);
        screens.entry(screen).or_default().push((record.labeler.as_deref().unwrap_or(UNNAMED), tiers));
    }
    let mut found: BTreeMap<(&str, &str), (usize, Agreement)> = BTreeMap::new();
    for rankings in screens.values() {
        for (place, (one, tiers)) in rankings.iter().enumerate() {
            for (other, other_tiers) in &rankings[place + 1..] {
                let (screens, sum) = found.entry((*one.min(other), *one.max(other))).or_default();
                *screens += 1;
                *sum += ranking_agreement(tiers, other_tiers);
            }
        }
    }
    let contradictions = contradictions(records);
    if found.is_empty() && contradictions.is_empty() {
        return Err(SessionError::Nothing(format!(
            "none of the {} rankings ranks the same completions of the same prompt as another; rank some screens \
             twice, or let two people rank the same candidates",
            records.len()
        )));
    }
    let (with_themselves, with_each_other) = found
        .into_iter()
        .map(|((one, other), (screens, sum))| LabelerAgreement::new(one, other, screens, &sum))
        .partition(|pair| pair.one == pair.other);
    Ok(AgreementReport { rankings: records.len(), with_themselves, with_each_other, contradictions })
}

impl LabelerAgreement {
    fn new(one: &str, other: &str, screens: usize, sum: &Agreement) -> Self {
        let rate = sum.rate();
        Self {
            one: one.into(),
            other: other.into(),
            screens,
            pairs: sum.pairs,
            tied: sum.tied,
            agreement: rate.win_rate,
            low: rate.low,
            high: rate.high,
        }
    }
}

/// The prompt and its completions in alphabetical order: what makes two screens the same.
pub(crate) type Screen = (Prompt, Vec<String>);

/// A ranking of a screen: places of its completions from best to worst, tied ones in one group.
pub(crate) type Tiers = Vec<Vec<usize>>;

/// The screen of a record, and its tiers as places in the alphabetical order of the completions.
pub(crate) fn screen_of(record: &RankingRecord) -> (Screen, Tiers) {
    let order = alphabetical(record);
    let mut place_of = vec![0; order.len()];
    order.iter().enumerate().for_each(|(place, index)| place_of[*index] = place);
    let texts = order.iter().map(|index| record.completions[*index].text.clone()).collect();
    let tiers = record.ranking.iter().map(|tier| tier.iter().map(|index| place_of[*index]).collect()).collect();
    ((record.prompt.clone(), texts), tiers)
}

/// The completions of a record in alphabetical order.
pub(crate) fn alphabetical(record: &RankingRecord) -> Vec<usize> {
    let mut order: Vec<usize> = (0..record.completions.len()).collect();
    order.sort_by_key(|index| record.completions[*index].text.as_str());
    order
}

#[cfg(test)]
mod tests {
    use super::*;
    use nudge_data::rankings_from;

    fn line(labeler: &str, prompt: &str, completions: &[&str], ranking: &str) -> String {
        let completions: Vec<_> = completions.iter().map(|text| serde_json::json!({ "text": text })).collect();
        let ranking: serde_json::Value = serde_json::from_str(ranking).unwrap();
        let record = serde_json::json!({
            "id": "1", "prompt": prompt, "completions": completions, "ranking": ranking, "labeler": labeler,
        });
        format!("{record}\n")
    }

    #[test]
    fn the_order_in_which_completions_are_shown_does_not_matter() {
        let text = line("ann", "p", &["a", "b", "c"], "[[0],[1],[2]]") // a > b > c
            + &line("ann", "p", &["c", "a", "b"], "[[1],[0],[2]]") // a > c > b
            + &line("bob", "p", &["b", "c", "a"], "[[0],[1,2]]") // b > a = c
            + &line("bob", "q", &["a", "b", "c"], "[[0],[1],[2]]");
        let report = agreement(&rankings_from("r.jsonl", &text).unwrap()).unwrap();
        assert_eq!(report.rankings, 4);
        let [ann] = report.with_themselves.as_slice() else { panic!("{report:?}") };
        // Of (a, b), (a, c), (b, c) the last is turned round.
        assert_eq!((ann.one.as_str(), ann.screens, ann.pairs, ann.tied), ("ann", 1, 3, 0));
        assert!((ann.agreement - 2.0 / 3.0).abs() < 1e-9);
        let [both] = report.with_each_other.as_slice() else { panic!("{report:?}") };
        // Ann turns b and c round: b > c > b.
        assert_eq!(report.contradictions.len(), 1);
        // Bob ties a and c; with the first ranking (a, b) differs and (b, c) agrees, with the second both differ.
        assert_eq!((both.screens, both.pairs, both.tied), (2, 4, 2));
        assert!((both.agreement - 0.25).abs() < 1e-9);
    }

    #[test]
    fn without_a_repeated_screen_there_is_nothing_to_say() {
        let text = line("ann", "p", &["a", "b"], "[[0],[1]]") + &line("ann", "p", &["a", "d"], "[[0],[1]]");
        let error = agreement(&rankings_from("r.jsonl", &text).unwrap()).unwrap_err().to_string();
        assert!(error.contains("none of the 2 rankings") && error.contains("twice"), "{error}");
    }
}
