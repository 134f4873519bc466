//! Pairs that were written from one ranking become that ranking again.
//!
//! TRL knows pairs only, so a ranking is written as all of its pairs, each with `ranking_id`. Pairs of one `ranking_id`
//! and one prompt that stand together are put together again if they are all the pairs of one order, ties included.
//! Groups that are no such order (a circle, a pair missing or twice) stay pairs, and so do pairs with a margin, for
//! which a ranking has no place. The winner of pairs with `edited` becomes the edit of the ranking. It lacks groups that are scattered over a file: finding them would mean holding it.

use std::collections::{HashMap, VecDeque};

use serde_json::{Map, Value};

use super::read::Read;
use crate::rankings::winners_and_losers;
use crate::records::{Completion, EDITED, Edit, Entry, PairRecord, RankingRecord, is_edited};

/// The field that names the ranking that a pair was written from.
pub(super) const RANKING_ID: &str = "ranking_id";

/// All pairs of 100 completions; longer groups stay pairs, so that memory stays bounded.
const MOST_PAIRS: usize = 100 * 99 / 2;

/// Fields of a ranking that a pair's own field of the same name would overwrite.
const RESERVED: [&str; 5] = ["id", "completions", "ranking", "edit", "margin"];

/// The same entries, with the pairs of one ranking put together.
pub fn regroup<I: Iterator<Item = Read>>(reads: I) -> Regroup<I> {
    Regroup { reads, group: Vec::new(), ready: VecDeque::new() }
}

/// Entries with the pairs of one ranking put together.
pub struct Regroup<I> {
    reads: I,
    group: Vec<(u64, u64, PairRecord)>,
    ready: VecDeque<Read>,
}

impl<I: Iterator<Item = Read>> Iterator for Regroup<I> {
    type Item = Read;

    fn next(&mut self) -> Option<Read> {
        while self.ready.is_empty() {
            match self.reads.next() {
                Some(Read { line, records, result: Ok(Entry::Pair(pair)) }) if pair.extra.contains_key(RANKING_ID) => {
                    if !self.group.last().is_none_or(|(_, _, last)| belong_together(last, &pair)) {
                        self.close();
                    }
                    self.group.push((line, records, pair));
                    if self.group.len() > MOST_PAIRS {
                        self.close();
                    }
                }
                // A drop does not end a group.
                Some(read @ Read { result: Err(_), .. }) => self.ready.push_back(read),
                Some(read) => {
                    self.close();
                    self.ready.push_back(read);
                }
                None if self.group.is_empty() => return None,
                None => self.close(),
            }
        }
        self.ready.pop_front()
    }
}

impl<I> Regroup<I> {
    fn close(&mut self) {
        let group = std::mem::take(&mut self.group);
        let pairs: Vec<&PairRecord> = group.iter().map(|(_, _, pair)| pair).collect();
        match together(&pairs) {
            Some(ranking) => {
                let records = group.iter().map(|(_, records, _)| records).sum();
                self.ready.push_back(Read { line: group[0].0, records, result: Ok(Entry::Ranking(ranking)) });
            }
            None => self.ready.extend(group.into_iter().map(|(line, records, pair)| Read {
                line,
                records,
                result: Ok(Entry::Pair(pair)),
            })),
        }
    }
}

fn belong_together(a: &PairRecord, b: &PairRecord) -> bool {
    a.prompt == b.prompt && of_ranking(a) == of_ranking(b)
}

/// What a pair says of its ranking.
fn of_ranking(pair: &PairRecord) -> Map<String, Value> {
    let mut extra = pair.extra.clone();
    extra.shift_remove(EDITED);
    extra
}

/// The ranking whose pairs these are, completions from best to worst.
fn together(pairs: &[&PairRecord]) -> Option<RankingRecord> {
    let first = pairs.first()?;
    if pairs.len() > MOST_PAIRS || RESERVED.iter().any(|key| first.extra.contains_key(*key)) {
        return None;
    }
    let mut index_of: HashMap<&str, usize> = HashMap::new();
    let mut texts: Vec<&str> = Vec::new();
    let mut index = |text| {
        *index_of.entry(text).or_insert_with(|| {
            texts.push(text);
            texts.len() - 1
        })
    };
    let mut said: Vec<(usize, usize)> = pairs.iter().map(|pair| (index(&pair.chosen), index(&pair.rejected))).collect();
    let ranking = by_losses(&said, texts.len());
    let mut meant = winners_and_losers(&ranking);
    said.sort_unstable();
    meant.sort_unstable();
    if said != meant {
        return None;
    }
    // Only the one that beats all others can be an edit of theirs.
    let best = texts[ranking[0][0]];
    let edited = pairs.iter().any(|pair| is_edited(&pair.extra));
    let of_best = |pair: &&&PairRecord| is_edited(&pair.extra) == (edited && pair.chosen == best);
    let whole = pairs.iter().filter(of_best).count() == pairs.len() && (!edited || ranking[0].len() == 1);
    whole.then(|| record(first, &texts, ranking, edited)).flatten()
}

/// Groups of equally many losses, fewest first: the only order that can have these pairs, as everybody in it loses to
/// exactly those of the groups before.
fn by_losses(pairs: &[(usize, usize)], count: usize) -> Vec<Vec<usize>> {
    let mut losses = vec![0usize; count];
    pairs.iter().for_each(|&(_, loser)| losses[loser] += 1);
    let mut order: Vec<usize> = (0..count).collect();
    order.sort_by_key(|&index| losses[index]);
    order.chunk_by(|&a, &b| losses[a] == losses[b]).map(<[usize]>::to_vec).collect()
}

/// The best of the ranking is its edit where it is `edited`.
fn record(pair: &PairRecord, texts: &[&str], mut ranking: Vec<Vec<usize>>, edited: bool) -> Option<RankingRecord> {
    let mut extra = of_ranking(pair);
    let id = match extra.shift_remove(RANKING_ID)? {
        Value::String(id) => id,
        other => other.to_string(),
    };
    let labeler = match extra.shift_remove("labeler") {
        None => None,
        Some(labeler) => Some(labeler.as_str()?.to_owned()),
    };
    let seconds = match extra.shift_remove("seconds") {
        None => None,
        Some(seconds) => Some(seconds.as_f64()? as f32),
    };
    let mut completions: Vec<Completion> = texts.iter().map(|&text| Completion::from_text(text)).collect();
    let edit = edited.then(|| {
        let best = ranking.remove(0)[0];
        ranking.iter_mut().flatten().filter(|index| **index > best).for_each(|index| *index -= 1);
        Edit { of: None, text: completions.remove(best).text }
    });
    Some(RankingRecord { id, prompt: pair.prompt.clone(), completions, ranking, labeler, seconds, edit, extra })
}
