//! A reward model against the rankings that it was trained on: where it is sure, where it disagrees, and whether that
//! carries over to the rankings that were set aside.
//!
//! 1. Split the rankings as the training with the same options did.
//! 2. Score every completion of every ranking.
//! 3. Margins: the score of the better completion minus that of the worse one, counted in bins of equal width, apart for
//!    what was trained on and what was set aside.
//! 4. Calibration on what was set aside; on everything where nothing was.
//! 5. The pairs that it has the wrong way round, the surest first.
//!
//! Deliberately absent: training.

use crate::SessionError;
use crate::batch::preferences::{Ranked, split_and_encode};
use crate::batch::scored::{CompletionBatch, encode_completion};
use crate::folder::Folder;
use crate::options::RewardOptions;
use crate::protocol::{Disagreement, Event, MarginBin, Metrics, Reviewed, StageName};
use crate::readback::{finite, read};
use crate::snapshot::Snapshot;
use crate::stage::calibrate::calibration;
use crate::stage::{Stage, Standing, Told};
use burn::tensor::Device;
use nudge_data::{PreferenceRecord, Prompt};
use nudge_model::{Frozen, ScalarModel};
use serde::{Deserialize, Serialize};

/// Bins of margins.
const BINS: usize = 12;
/// Disagreements told.
const TOLD: usize = 20;

/// A review.
pub struct Review {
    folder: Folder,
    model: Frozen<ScalarModel>,
    rankings: Vec<Ranked<Row>>,
    /// Rankings from this one on were set aside.
    aside: usize,
    state: State,
    device: Device,
}

/// A completion as it is written and as the model reads it.
struct Row {
    prompt: Prompt,
    text: String,
    tokens: Vec<u32>,
}

/// What moves from ranking to ranking.
#[derive(Clone, Default, Serialize, Deserialize)]
pub struct State {
    next: usize,
    scores: Vec<f32>,
}

/// One pair of a ranking, as places among all completions.
struct Pair {
    better: usize,
    worse: usize,
    margin: f32,
    held_out: bool,
}

impl Review {
    /// Encodes the rankings and splits them as `options` did.
    ///
    /// # Errors
    /// If there is none, or one cannot be used.
    pub fn new(
        folder: Folder,
        preferences: &[PreferenceRecord],
        options: &RewardOptions,
        device: &Device,
    ) -> Result<Self, SessionError> {
        // 1. As training did.
        let encode = |prompt: &Prompt, text: &str| {
            let tokens = encode_completion(&folder, prompt, text, options.passes.max_length)?.tokens;
            Ok(Row { prompt: prompt.clone(), text: text.into(), tokens })
        };
        let (mut rankings, held_out) = split_and_encode(preferences, false, options.held_out, options.seed, encode)?;
        let aside = rankings.len();
        rankings.extend(held_out);
        let model = folder.scalar(device)?.frozen();
        Ok(Self { folder, model, rankings, aside, state: State::default(), device: device.clone() })
    }

    fn pairs(&self) -> Vec<Pair> {
        let (mut pairs, mut offset) = (Vec::new(), 0);
        for (place, ranked) in self.rankings.iter().enumerate() {
            let pair = |(better, worse): &(usize, usize)| {
                let (better, worse) = (better + offset, worse + offset);
                let margin = self.state.scores[better] - self.state.scores[worse];
                Pair { better, worse, margin, held_out: place >= self.aside }
            };
            pairs.extend(ranked.pairs.iter().map(pair));
            offset += ranked.rows.len();
        }
        pairs
    }

    // 3. to 5.
    fn reviewed(&self) -> Reviewed {
        let pairs = self.pairs();
        let rows: Vec<&Row> = self.rankings.iter().flat_map(|ranked| &ranked.rows).collect();
        let lengths: Vec<usize> = rows.iter().map(|row| row.tokens.len()).collect();
        let measured = pairs.iter().filter(|pair| pair.held_out || self.aside == self.rankings.len());
        let measured: Vec<(usize, usize)> = measured.map(|pair| (pair.better, pair.worse)).collect();
        let mut wrong: Vec<&Pair> = pairs.iter().filter(|pair| pair.margin < 0.0).collect();
        wrong.sort_by(|a, b| a.margin.total_cmp(&b.margin));
        let told = wrong.iter().take(TOLD).map(|pair| Disagreement {
            prompt: rows[pair.better].prompt.clone(),
            better: rows[pair.better].text.clone(),
            worse: rows[pair.worse].text.clone(),
            margin: pair.margin,
            held_out: pair.held_out,
        });
        Reviewed {
            pairs: pairs.len(),
            held_out: pairs.iter().filter(|pair| pair.held_out).count(),
            margins: histogram(&pairs),
            calibration: calibration(&self.state.scores, &lengths, measured),
            wrong: wrong.len(),
            disagreements: told.collect(),
        }
    }
}

/// Bins of one width around 0, which is between two of them.
fn histogram(pairs: &[Pair]) -> Vec<MarginBin> {
    let widest = pairs.iter().map(|pair| pair.margin.abs()).fold(f32::MIN_POSITIVE, f32::max);
    let width = 2.0 * widest / BINS as f32;
    let bin = |place: usize| {
        let low = place as f32 * width - widest;
        MarginBin { low, high: low + width, trained: 0, held_out: 0 }
    };
    let mut bins: Vec<MarginBin> = (0..BINS).map(bin).collect();
    for pair in pairs {
        let place = (((pair.margin + widest) / width) as usize).min(BINS - 1);
        let counted = if pair.held_out { &mut bins[place].held_out } else { &mut bins[place].trained };
        *counted += 1;
    }
    bins
}

impl Stage for Review {
    type State = State;

    const NAME: StageName = StageName::Review;

    fn standing(&self) -> Standing {
        let parameters = self.folder.config.parameter_count();
        Standing { step: self.state.next, total_steps: self.rankings.len(), parameters }
    }

    // 2. The completions of one ranking.
    async fn advance(&mut self, told: &mut Told) -> Result<(), SessionError> {
        let ranked = &self.rankings[self.state.next];
        let rows: Vec<Vec<u32>> = ranked.rows.iter().map(|row| row.tokens.clone()).collect();
        let batch = CompletionBatch::new(&rows, &self.folder.tokenizer, &self.model.decoder, &self.device);
        self.state.scores.extend(finite("a reward", read(batch.rewards(&self.model)).await?)?);
        self.state.next += 1;
        told.progress(Metrics::new(), "tokens_per_second", batch.tokens);
        Ok(())
    }

    async fn end(&mut self) -> Result<Vec<Event>, SessionError> {
        Ok(vec![Event::Reviewed { review: self.reviewed() }])
    }

    fn state(&self) -> State {
        self.state.clone()
    }

    fn restore(&mut self, state: State, _: &Snapshot) -> Result<(), SessionError> {
        self.state = state;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_margin_is_in_one_bin_and_nothing_lies_on_both_sides_of_zero() {
        let pair = |(margin, held_out)| Pair { better: 0, worse: 1, margin, held_out };
        let pairs: Vec<Pair> = [(-3.0, false), (-0.01, true), (0.0, false), (2.9, true), (3.0, true)].map(pair).into();
        let bins = histogram(&pairs);
        assert_eq!(bins.iter().map(|bin| bin.trained + bin.held_out).sum::<usize>(), 5);
        assert!(bins.iter().all(|bin| bin.high <= 1e-6 || bin.low >= -1e-6), "{bins:?}");
        assert_eq!((bins[0].trained, bins[BINS / 2 - 1].held_out, bins[BINS / 2].trained), (1, 1, 1));
        assert_eq!(bins[BINS - 1].held_out, 2);
        assert_eq!(histogram(&[pair((0.0, false))]).iter().map(|bin| bin.trained).sum::<usize>(), 1);
    }
}
