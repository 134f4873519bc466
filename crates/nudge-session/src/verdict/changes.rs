//! What changed between two models' completions of the same prompts: how long they are, which words came and went, which
//! examples show it most. Counted, not judged.

use super::{JudgedPair, Writing};
use crate::labeler::text::words;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// Words told of each kind.
const TOLD: usize = 12;
/// A word counts as gained or lost from this many completions on.
const FEWEST: usize = 2;

/// What changed from `b` of the pairs, before, to `a`, after.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct Changes {
    /// What the completions before read like.
    pub before: Writing,
    /// And after.
    pub after: Writing,
    /// Words after over words before, less 1: -0.5 is half as long.
    pub length: f64,
    /// Words in more completions than before, those that gained most first.
    pub gained: Vec<WordChange>,
    /// Words in fewer, those that lost most first.
    pub lost: Vec<WordChange>,
    /// Places of the pairs, what changed most first; last those in which one of the two says nothing.
    pub order: Vec<usize>,
}

/// A word and how many completions have it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct WordChange {
    /// In lower case.
    pub word: String,
    /// Completions before.
    pub before: usize,
    /// Completions after.
    pub after: usize,
}

impl Changes {
    /// Counts over `pairs`. Nothing where there is none.
    pub fn of(pairs: &[JudgedPair]) -> Option<Self> {
        let side =
            |text: fn(&JudgedPair) -> &str| Writing::of(pairs.iter().map(|pair| (pair.prompt.as_str(), text(pair))));
        let (after, before) = (side(|pair| &pair.a)?, side(|pair| &pair.b)?);
        let (gained, lost) = came_and_went(pairs);
        let mut order: Vec<usize> = (0..pairs.len()).collect();
        order.sort_by(|a, b| {
            let (a, b) = (&pairs[*a], &pairs[*b]);
            says_nothing(a).cmp(&says_nothing(b)).then(apart(b).total_cmp(&apart(a)))
        });
        let length = after.words / before.words.max(1.0) - 1.0;
        Some(Self { before, after, length, gained, lost, order })
    }
}

fn came_and_went(pairs: &[JudgedPair]) -> (Vec<WordChange>, Vec<WordChange>) {
    let mut counts: BTreeMap<String, (usize, usize)> = BTreeMap::new();
    for pair in pairs {
        different(&pair.b).into_iter().for_each(|word| counts.entry(word).or_default().0 += 1);
        different(&pair.a).into_iter().for_each(|word| counts.entry(word).or_default().1 += 1);
    }
    let changes = counts.into_iter().map(|(word, (before, after))| WordChange { word, before, after });
    let (mut gained, mut lost): (Vec<_>, Vec<_>) =
        changes.filter(|change| change.before.abs_diff(change.after) >= FEWEST).partition(|one| one.after > one.before);
    for told in [&mut gained, &mut lost] {
        told.sort_by_key(|change| std::cmp::Reverse(change.before.abs_diff(change.after)));
        told.truncate(TOLD);
    }
    (gained, lost)
}

/// The words of a text, each once.
fn different(text: &str) -> BTreeSet<String> {
    words(text).into_iter().collect()
}

fn says_nothing(pair: &JudgedPair) -> bool {
    pair.a.trim().is_empty() || pair.b.trim().is_empty()
}

/// How little two completions have in common: 1 less the share of their words that both have (Jaccard).
fn apart(pair: &JudgedPair) -> f64 {
    let (a, b) = (different(&pair.a), different(&pair.b));
    let all = a.union(&b).count();
    if all == 0 { 0.0 } else { 1.0 - a.intersection(&b).count() as f64 / all as f64 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_changed_is_counted() {
        let pair =
            |a: &str, b: &str| JudgedPair { prompt: "Go on.".into(), a: a.into(), b: b.into(), preference: None };
        let pairs = [
            pair("The dog ran home.", "The dog ran home."),
            pair("A happy dog.", "The sad dog went to the sea and the sad dog sank."),
            pair("Happy!", "It was a sad day at sea."),
        ];
        let changes = Changes::of(&pairs).unwrap();
        assert_eq!(changes.order[2], 0);
        let empty = [pair("", "It was a sad day at sea."), pair("Happy!", "It was a sad day at sea.")];
        assert_eq!(Changes::of(&empty).unwrap().order, [1, 0]);
        let said =
            |changes: &[WordChange]| changes.iter().map(|one| (one.word.clone(), one.before, one.after)).collect();
        let gained: Vec<(String, usize, usize)> = said(&changes.gained);
        let lost: Vec<(String, usize, usize)> = said(&changes.lost);
        assert_eq!(gained, [("happy".into(), 0, 2)]);
        assert_eq!(lost, [("sad".into(), 2, 0), ("sea".into(), 2, 0)]);
        assert!((changes.length - (8.0 / 23.0 - 1.0)).abs() < 1e-9, "{}", changes.length);
        assert_eq!(Changes::of(&[]), None);
    }
}
