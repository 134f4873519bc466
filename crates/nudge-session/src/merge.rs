//! Rankings of the same screens by several labelers become one ranking a screen.
//!
//! 1. Every labeler has one vote a screen: copies of a ranking are dropped, repeats (`repeat_of`) too, and of two
//!    different rankings the first counts.
//! 2. The merged ranking is Kemeny's median of the votes; completions are tied where votes are even
//!    ([`nudge_rlhf::kemeny_median`]).
//! 3. A screen whose votes leave no preference is left out, because nothing can be learnt from it.
//!
//! Everything that is dropped is counted, and every screen's disagreement reported. Deliberately absent: trust in one
//! labeler more than in another.

use crate::SessionError;
use crate::agreement::{Screen, Tiers, UNNAMED, alphabetical, screen_of};
use nudge_data::sitting::is_repeat;
use nudge_data::{RankingRecord, Sitting};
use nudge_rlhf::{Agreement, kemeny_median, ranking_agreement};
use serde::Serialize;
use std::collections::{BTreeSet, HashMap};

/// What was merged and what was dropped.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct MergeReport {
    /// Rankings read.
    pub rankings: usize,
    /// Rankings written, one a screen.
    pub records: usize,
    /// Everybody who ranked.
    pub labelers: Vec<String>,
    /// Copies of a ranking by the same labeler, dropped.
    pub duplicates: usize,
    /// Rankings of a screen shown again (`repeat_of`), dropped.
    pub repeats: usize,
    /// Other rankings of a screen that the same labeler had ranked differently before, dropped.
    pub second_thoughts: usize,
    /// Screens left out because the votes leave no preference, by id.
    pub without_preference: Vec<String>,
    /// Screens that several labelers ranked.
    pub screens: Vec<MergedScreen>,
}

/// A screen that several labelers ranked.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct MergedScreen {
    /// The `id` of the first ranking.
    pub id: String,
    /// Who ranked it.
    pub labelers: Vec<String>,
    /// Share of `pairs` that two labelers put in the same order; nothing without pairs.
    pub agreement: Option<f64>,
    /// Pairs of completions that two labelers put in an order, over all twos of labelers.
    pub pairs: usize,
    /// Pairs of completions that one of two labelers ties.
    pub tied: usize,
}

/// A screen and its votes.
struct Votes {
    first: RankingRecord,
    votes: Vec<(String, Tiers)>,
    /// What anybody flagged it for.
    flags: BTreeSet<String>,
}

/// Merges rankings, each of them valid: one a screen in the order of first sight, and what was dropped.
///
/// # Errors
/// No ranking at all.
pub fn merge(records: Vec<RankingRecord>) -> Result<(Vec<RankingRecord>, MergeReport), SessionError> {
    if records.is_empty() {
        return Err(SessionError::Nothing("there is no ranking to merge".into()));
    }
    let mut report = MergeReport {
        rankings: records.len(),
        records: 0,
        labelers: vec![],
        duplicates: 0,
        repeats: 0,
        second_thoughts: 0,
        without_preference: vec![],
        screens: vec![],
    };
    // 1. One vote a labeler and screen.
    let screens = collect(records, &mut report);
    // 2. and 3. One ranking a screen.
    let mut merged = Vec::new();
    for screen in screens {
        if screen.votes.len() > 1 {
            report.screens.push(screen.disagreement());
        }
        let record = screen.merged();
        match record.ties_everything() {
            true => report.without_preference.push(record.id),
            false => merged.push(record),
        }
    }
    report.records = merged.len();
    Ok((merged, report))
}

fn collect(records: Vec<RankingRecord>, report: &mut MergeReport) -> Vec<Votes> {
    let mut labelers = BTreeSet::new();
    let mut places: HashMap<Screen, usize> = HashMap::new();
    let mut screens: Vec<Votes> = Vec::new();
    for record in records {
        let labeler = record.labeler.clone().unwrap_or_else(|| UNNAMED.into());
        labelers.insert(labeler.clone());
        if is_repeat(&record.extra) {
            report.repeats += 1;
            continue;
        }
        let (screen, mut tiers) = screen_of(&record);
        tiers.retain(|tier| !tier.is_empty());
        tiers.iter_mut().for_each(|tier| tier.sort_unstable());
        let flags = Sitting::of(&record.extra).map(|sitting| sitting.flags).unwrap_or_default();
        let Some(&place) = places.get(&screen) else {
            places.insert(screen, screens.len());
            screens.push(Votes { first: record, votes: vec![(labeler, tiers)], flags: flags.into_iter().collect() });
            continue;
        };
        screens[place].flags.extend(flags);
        // Of several labelers' edits the first stands.
        if screens[place].first.edit.is_none() {
            screens[place].first.edit = record.edit.clone();
        }
        let votes = &mut screens[place].votes;
        match votes.iter().find(|(other, _)| *other == labeler) {
            Some((_, before)) if *before == tiers => report.duplicates += 1,
            Some(_) => report.second_thoughts += 1,
            None => votes.push((labeler, tiers)),
        }
    }
    report.labelers = labelers.into_iter().collect();
    screens
}

impl Votes {
    fn labelers(&self) -> Vec<String> {
        self.votes.iter().map(|(labeler, _)| labeler.clone()).collect()
    }

    fn agreement(&self) -> Agreement {
        let twos = self.votes.iter().enumerate().flat_map(|(place, one)| {
            self.votes[place + 1..].iter().map(move |other| ranking_agreement(&one.1, &other.1))
        });
        twos.sum()
    }

    fn disagreement(&self) -> MergedScreen {
        let Agreement { agreeing, pairs, tied } = self.agreement();
        let agreement = (pairs > 0).then(|| agreeing / pairs as f64);
        MergedScreen { id: self.first.id.clone(), labelers: self.labelers(), agreement, pairs, tied }
    }

    /// The ranking of all; that of one labeler stays as it is.
    fn merged(self) -> RankingRecord {
        if self.votes.len() == 1 {
            return self.first;
        }
        let labelers = self.labelers();
        let agreement = self.disagreement().agreement;
        let rankings: Vec<Tiers> = self.votes.into_iter().map(|(_, tiers)| tiers).collect();
        let order = alphabetical(&self.first);
        let mut record = self.first;
        record.ranking = kemeny_median(order.len(), &rankings)
            .into_iter()
            .map(|tier| {
                let mut tier: Vec<usize> = tier.into_iter().map(|place| order[place]).collect();
                tier.sort_unstable();
                tier
            })
            .collect();
        record.labeler = Some(labelers.join("+"));
        record.seconds = None;
        // How one labeler saw the screen is not how all of them did.
        for field in ["order_seed", "shown", "started_at"] {
            record.extra.remove(field);
        }
        if !self.flags.is_empty() {
            record.extra.insert("flags".into(), self.flags.into_iter().collect());
        }
        record.extra.insert("labelers".into(), labelers.into());
        record.extra.insert("agreement".into(), serde_json::json!(agreement));
        record
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use nudge_data::rankings_from;

    fn line(
        id: &str,
        labeler: &str,
        completions: &[&str],
        ranking: serde_json::Value,
        more: serde_json::Value,
    ) -> String {
        let completions: Vec<_> = completions.iter().map(|text| serde_json::json!({ "text": text })).collect();
        let mut record = serde_json::json!({
            "id": id, "prompt": "p", "completions": completions, "ranking": ranking, "labeler": labeler,
        });
        more.as_object().unwrap().iter().for_each(|(field, value)| record[field] = value.clone());
        format!("{record}\n")
    }

    fn none() -> serde_json::Value {
        serde_json::json!({})
    }

    #[test]
    fn several_labelers_become_one_in_the_order_of_the_first_record() {
        let text = line("1", "ann", &["c", "a", "b"], serde_json::json!([[1], [2], [0]]), serde_json::json!({"shown": [0, 1, 2], "kept": 1, "flags": ["other"]})) // a > b > c
            + &line("1", "bob", &["a", "b", "c"], serde_json::json!([[0], [2], [1]]), serde_json::json!({"flags": ["harmful"]})) // a > c > b
            + &line("2", "bob", &["x", "y"], serde_json::json!([[1], [0]]), serde_json::json!({"seconds": 2.0}));
        let (merged, report) = merge(rankings_from("r.jsonl", &text).unwrap()).unwrap();
        assert_eq!(merged[0].ranking, [vec![1], vec![0, 2]], "a is best, votes for b and c are even");
        assert_eq!(merged[0].labeler.as_deref(), Some("ann+bob"));
        assert_eq!(merged[0].extra.keys().collect::<Vec<_>>(), ["flags", "kept", "labelers", "agreement"]);
        assert_eq!(merged[0].extra["flags"], serde_json::json!(["harmful", "other"]));
        assert_eq!((merged[1].labeler.as_deref(), merged[1].seconds), (Some("bob"), Some(2.0)));
        assert_eq!((report.rankings, report.records, report.screens.len()), (3, 2, 1));
        assert_eq!(report.labelers, ["ann", "bob"]);
        let screen = &report.screens[0];
        assert_eq!((screen.pairs, screen.tied), (3, 0));
        assert!((screen.agreement.unwrap() - 2.0 / 3.0).abs() < 1e-9);
    }

    #[test]
    fn everybody_has_one_vote() {
        let ab = serde_json::json!([[0], [1]]);
        let ba = serde_json::json!([[1], [0]]);
        let text = line("1", "ann", &["a", "b"], ab.clone(), none())
            + &line("1", "ann", &["b", "a"], ba.clone(), none()) // The same again, written in another order.
            + &line("1", "ann", &["a", "b"], ba.clone(), none())
            + &line("1", "ann", &["a", "b"], ba.clone(), serde_json::json!({"repeat_of": "1"}))
            + &line("1", "bob", &["a", "b"], ab, none())
            + &line("1", "cid", &["a", "b"], ba, none());
        let (merged, report) = merge(rankings_from("r.jsonl", &text).unwrap()).unwrap();
        assert_eq!((report.duplicates, report.second_thoughts, report.repeats), (1, 1, 1));
        assert_eq!(merged[0].ranking, [vec![0], vec![1]], "two to one");
        assert_eq!(report.screens[0].labelers, ["ann", "bob", "cid"]);
    }

    #[test]
    fn a_screen_without_preference_is_left_out_by_name() {
        let text = line("1", "ann", &["a", "b"], serde_json::json!([[0], [1]]), none())
            + &line("1", "bob", &["a", "b"], serde_json::json!([[1], [0]]), none());
        let (merged, report) = merge(rankings_from("r.jsonl", &text).unwrap()).unwrap();
        assert!(merged.is_empty());
        assert_eq!((report.without_preference, report.records), (vec!["1".to_string()], 0));
        assert!(merge(vec![]).is_err());
    }
}
