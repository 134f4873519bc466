//! What a reward model so far would have said of a ranking, told after the ranking was made.
//!
//! 1. Read: a frozen model's last hidden state at the end of each completion, where a reward model has its head.
//! 2. Fit: a linear reward model on these features ([`LinearReward`]), to the rankings that came before.
//! 3. Foretell the ranking, and count the pairs that it has in the person's order.
//!
//! No ranking is foretold by a model that has learnt from it, so that the share of pairs is an honest one (prequential,
//! Dawid 1984, "The prequential approach"). It is not the reward model of the reward stage, which trains the whole
//! network and takes minutes; the linear one takes a forward pass of the new completions and milliseconds.
//!
//! Deliberately absent: a run. What was read is kept beside the model in the session, and one call reads one ranking.

use crate::batch::scored::{CompletionBatch, encode_completion};
use crate::folder::Folder;
use crate::protocol::AccuracySlice;
use crate::readback::read;
use crate::stage::calibrate::slice;
use crate::{Session, SessionError};
use burn::tensor::Device;
use nudge_data::{PreferenceRecord, RankingRecord};
use nudge_model::{Decoder, Frozen};
use nudge_rlhf::{LinearReward, RankedFeatures, WinRate, pairwise_accuracy};
use serde::{Deserialize, Serialize};
use std::cell::RefCell;
use std::rc::Rc;

/// Rankings that something can be learnt from, before one is foretold.
const LEAST: usize = 3;
/// Of [`LinearReward`]. Over 30 rankings of the built-in model by five simulated labelers, four times each, shares of
/// pairs with 0.03 to 1 lay within 0.01 of each other, those of 0.1 and 0.3 highest.
const DECAY: f64 = 0.3;

/// Rankings in the order in which they were made.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct Foretell {
    /// Name of the language model that reads them.
    pub model: String,
    /// The rankings.
    #[cfg_attr(test, ts(type = "RankingRecord[]"))]
    pub rankings: Vec<RankingRecord>,
    /// Which of them are foretold, one answer each; the others are only learnt from.
    pub foretold: Vec<bool>,
}

/// How well rankings were foretold.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct Prequential {
    /// The last of the rankings, where it was to be foretold and could be.
    pub last: Option<Foretold>,
    /// Pairs of all that were foretold: the share in the person's order.
    pub agreement: AccuracySlice,
    /// Rankings that are still to be read; asking again reads the next.
    pub unread: usize,
}

/// One ranking as the rankings before it foretell it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct Foretold {
    /// Its completions, the best first.
    pub order: Vec<usize>,
    /// Pairs that this order and the ranking have alike.
    pub agreed: usize,
    /// Pairs that the ranking puts in an order.
    pub pairs: usize,
}

/// What a model has read: a list that begins as the rankings do.
#[derive(Default)]
pub(crate) struct Readings(Vec<Reading>);

/// A ranking, read.
struct Reading {
    record: RankingRecord,
    /// Whether it was to be foretold.
    wanted: bool,
    pairs: Vec<(usize, usize)>,
    /// `[completions, hidden]`, the edit behind the others; empty where the model cannot read it or nothing can be learnt from it.
    features: Vec<f32>,
    foretold: Option<(Foretold, WinRate)>,
}

/// Rankings of which one more is about to be read.
pub struct Foretelling {
    readings: Rc<RefCell<Readings>>,
    next: Option<Next>,
    all: usize,
}

struct Next {
    record: RankingRecord,
    wanted: bool,
    open: (Folder, Frozen<Decoder>, Device),
}

impl Session {
    /// Gets ready to read the first of the rankings that the model has not read.
    ///
    /// # Errors
    /// If the model is not there, or is no language model.
    pub fn foretell(&self, asked: Foretell) -> Result<Foretelling, SessionError> {
        let readings = self.readings(&asked.model)?;
        let all = asked.rankings.len();
        let wanted = asked.foretold.into_iter().chain(std::iter::repeat(false));
        let unread = readings.borrow_mut().without_others(asked.rankings.into_iter().zip(wanted));
        let next = match unread {
            None => None,
            Some((record, wanted)) => {
                let folder = self.open(&asked.model)?;
                let model = folder.decoder(self.device())?.frozen();
                Some(Next { record, wanted, open: (folder, model, self.device().clone()) })
            }
        };
        Ok(Foretelling { readings, next, all })
    }
}

impl Foretelling {
    /// Reads, fits and foretells.
    ///
    /// # Errors
    /// If the device fails.
    pub async fn told(self) -> Result<Prequential, SessionError> {
        if let Some(next) = self.next {
            let reading = next.read().await?;
            self.readings.borrow_mut().push(reading);
        }
        Ok(self.readings.borrow().told(self.all))
    }
}

impl Next {
    // 1. What is not readable, or teaches nothing, is passed over.
    async fn read(self) -> Result<Reading, SessionError> {
        let Self { record, wanted, open: (folder, model, device) } = self;
        let comparison = PreferenceRecord::Ranking(record.clone()).comparison().ok().flatten();
        let pairs = comparison.map(|comparison| comparison.pairs).unwrap_or_default();
        let encode = |text: &str| encode_completion(&folder, &record.prompt, text, 0).ok().map(|row| row.tokens);
        let rows: Option<Vec<Vec<u32>>> =
            record.with_edit().completions.iter().map(|completion| encode(&completion.text)).collect();
        let features = match rows.filter(|_| !pairs.is_empty()) {
            Some(rows) => read(CompletionBatch::new(&rows, &folder.tokenizer, &model, &device).ends(&model)).await?,
            None => Vec::new(),
        };
        Ok(Reading { record, wanted, pairs, features, foretold: None })
    }
}

impl Readings {
    /// Forgets what does not begin as `rankings` do; gives the first that was not read.
    fn without_others<Asked>(&mut self, mut rankings: Asked) -> Option<(RankingRecord, bool)>
    where
        Asked: Iterator<Item = (RankingRecord, bool)>,
    {
        for (place, reading) in self.0.iter().enumerate() {
            match rankings.next() {
                Some((record, wanted)) if record == reading.record && wanted == reading.wanted => {}
                other => {
                    self.0.truncate(place);
                    return other;
                }
            }
        }
        rankings.next()
    }

    /// 2. and 3.: the ranking is foretold from those before it, then joins them.
    fn push(&mut self, mut reading: Reading) {
        let before: Vec<&Reading> = self.0.iter().filter(|reading| !reading.features.is_empty()).collect();
        if reading.wanted && !reading.features.is_empty() && before.len() >= LEAST {
            reading.foretold = Some(foretold(&before, &reading));
        }
        self.0.push(reading);
    }

    fn told(&self, all: usize) -> Prequential {
        let counted = self.0.iter().filter_map(|reading| reading.foretold.as_ref());
        let (wins, ties, losses) = counted.fold((0, 0, 0), |(wins, ties, losses), (_, rate)| {
            (wins + rate.wins, ties + rate.ties, losses + rate.losses)
        });
        let last = self.0.last().filter(|_| self.0.len() == all);
        Prequential {
            last: last.and_then(|reading| reading.foretold.as_ref()).map(|(foretold, _)| foretold.clone()),
            agreement: slice("foretold pairs".into(), &WinRate::new(wins, ties, losses)),
            unread: all - self.0.len(),
        }
    }
}

fn foretold(before: &[&Reading], reading: &Reading) -> (Foretold, WinRate) {
    // An edit is scored as a completion behind the others.
    let width = reading.features.len() / reading.record.with_edit().completions.len();
    let ranked = before.iter().map(|reading| RankedFeatures { features: &reading.features, pairs: &reading.pairs });
    let reward = LinearReward::fit(&ranked.collect::<Vec<_>>(), width, DECAY);
    let scores: Vec<f32> = reading.features.chunks_exact(width).map(|row| reward.score(row) as f32).collect();
    let rate = pairwise_accuracy(&scores, &reading.pairs);
    // Whoever saw the screen saw no edit.
    let mut order: Vec<usize> = (0..reading.record.completions.len()).collect();
    order.sort_by(|one, other| scores[*other].total_cmp(&scores[*one]));
    (Foretold { order, agreed: rate.wins, pairs: reading.pairs.len() }, rate)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// A ranking of two completions with two features each, the first better, or the second.
    fn reading(id: usize, features: [f32; 4], first: bool, wanted: bool) -> Reading {
        let (better, worse) = if first { (0, 1) } else { (1, 0) };
        let record = json!({"id": id.to_string(), "prompt": "p", "completions": [{"text": "a"}, {"text": "b"}],
            "ranking": [[better], [worse]]});
        let record = serde_json::from_value(record).unwrap();
        Reading { record, wanted, pairs: vec![(better, worse)], features: features.into(), foretold: None }
    }

    /// Four rankings by the first feature, then `more`.
    fn learnt(more: Vec<Reading>) -> Readings {
        let mut readings = Readings::default();
        for place in 0..4 {
            let noise = place as f32;
            readings.push(reading(place, [1.0, noise, 0.0, 1.0 - noise], true, true));
        }
        more.into_iter().for_each(|reading| readings.push(reading));
        readings
    }

    #[test]
    fn a_ranking_is_foretold_by_those_before_it_alone() {
        let told = learnt(vec![reading(9, [0.0, 0.5, 1.0, 0.5], false, true)]).told(5);
        assert_eq!(told.last, Some(Foretold { order: vec![1, 0], agreed: 1, pairs: 1 }));
        // What the person says of it changes what agrees, not what was foretold.
        let told = learnt(vec![reading(9, [0.0, 0.5, 1.0, 0.5], true, true)]).told(5);
        assert_eq!(told.last, Some(Foretold { order: vec![1, 0], agreed: 0, pairs: 1 }));
        // The fourth was the first with enough before it.
        assert_eq!((told.agreement.pairs, told.agreement.accuracy), (2, 0.5));
        assert_eq!(told.unread, 0);
    }

    #[test]
    fn what_nobody_asked_for_or_no_model_can_read_is_not_counted() {
        let unasked = learnt(vec![reading(9, [0.0, 0.5, 1.0, 0.5], false, false)]).told(6);
        assert_eq!((unasked.last, unasked.agreement.pairs, unasked.unread), (None, 1, 1));
        let mut unreadable = reading(9, [0.0; 4], false, true);
        unreadable.features.clear();
        let told = learnt(vec![unreadable, reading(10, [1.0, 0.0, 0.0, 0.0], true, true)]).told(6);
        assert_eq!((told.last.map(|last| last.agreed), told.agreement.pairs), (Some(1), 2));
    }

    #[test]
    fn what_was_read_is_kept_up_to_the_first_ranking_that_is_another() {
        let mut readings = learnt(vec![]);
        let mut asked: Vec<_> = readings.0.iter().map(|reading| (reading.record.clone(), reading.wanted)).collect();
        assert_eq!(readings.without_others(asked.clone().into_iter()), None);
        assert_eq!(readings.0.len(), 4);
        asked[2].1 = false;
        assert_eq!(readings.without_others(asked.clone().into_iter()), Some(asked[2].clone()));
        assert_eq!(readings.0.len(), 2);
        // One was taken back.
        assert_eq!(readings.without_others(asked[..1].iter().cloned()), None);
        assert_eq!(readings.0.len(), 1);
    }

    #[test]
    fn an_edit_is_one_more_completion_and_not_in_the_order() {
        let edited = |id: usize| {
            let mut reading = reading(id, [1.0, 0.0, 0.0, 1.0], true, true);
            reading.record.edit = Some(nudge_data::Edit { of: Some(0), text: "c".into() });
            reading.features.extend([2.0, 0.0]);
            reading.pairs = vec![(2, 0), (2, 1), (0, 1)];
            reading
        };
        let mut readings = Readings::default();
        (0..=LEAST).for_each(|id| readings.push(edited(id)));
        let last = readings.told(LEAST + 1).last.unwrap();
        assert_eq!((last.order, last.agreed, last.pairs), (vec![0, 1], 3, 3));
    }
}
