//! How far a reward model can be trusted: its accuracy on rankings, by margin, by length, and whether it is as sure as
//! it is right.
//!
//! 1. Score every completion of every ranking.
//! 2. Count: pairs in the labeler's order, in all, by the margin between the rewards, and by whether the better
//!    completion is the shorter one (Stiennon et al. 2020 found reward models biased towards length).
//! 3. Compare the certainty sigmoid(|margin|) with the share that is right (expected calibration error).
//!
//! Deliberately absent: training, and a split: give rankings that the reward model has not learnt from.

use crate::SessionError;
use crate::batch::preferences::{Judged, Ranked, split_and_encode};
use crate::batch::scored::{CompletionBatch, encode_completion};
use crate::folder::Folder;
use crate::protocol::{AccuracySlice, Calibration, Event, Metrics, StageName};
use crate::readback::{finite, read};
use crate::snapshot::Snapshot;
use crate::stage::{Stage, Standing, Told};
use burn::tensor::Device;
use nudge_data::{PreferenceRecord, Prompt};
use nudge_model::{Frozen, ScalarModel};
use nudge_rlhf::{WinRate, accuracy_by_length, accuracy_by_margin, calibration_table, expected_calibration_error};
use serde::{Deserialize, Serialize};

/// Equal-width bins of certainty.
const BINS: usize = 10;
/// Groups of pairs by margin, each of the same size.
const MARGIN_GROUPS: usize = 4;

/// A calibration run.
pub struct Calibrate {
    folder: Folder,
    model: Frozen<ScalarModel>,
    rankings: Vec<Ranked<Vec<u32>>>,
    state: State,
    device: Device,
}

/// What moves from ranking to ranking.
#[derive(Clone, Default, Serialize, Deserialize)]
pub struct State {
    next: usize,
    rewards: Vec<f32>,
}

impl Calibrate {
    /// Encodes the rankings and pairs.
    ///
    /// # Errors
    /// If there is none, or one cannot be used.
    pub fn new(folder: Folder, preferences: &[PreferenceRecord], device: &Device) -> Result<Self, SessionError> {
        let encode = |prompt: &Prompt, completion: &str| Ok(encode_completion(&folder, prompt, completion, 0)?.tokens);
        let (rankings, _) = split_and_encode(preferences, false, 0.0, 0, encode)?;
        let model = folder.scalar(device)?.frozen();
        Ok(Self { folder, model, rankings, state: State::default(), device: device.clone() })
    }

    fn calibration(&self) -> Calibration {
        let (mut pairs, mut lengths) = (Vec::new(), Vec::new());
        for ranked in &self.rankings {
            let offset = lengths.len();
            pairs.extend(ranked.pairs.iter().map(|(winner, loser)| (winner + offset, loser + offset)));
            lengths.extend(ranked.rows.iter().map(Vec::len));
        }
        calibration(&self.state.rewards, &lengths, pairs)
    }
}

/// 2. and 3. Count, compare: one reward and one length a completion, `(winner, loser)` pairs of them.
pub(super) fn calibration(rewards: &[f32], lengths: &[usize], pairs: Vec<(usize, usize)>) -> Calibration {
    let judged = Judged { rewards: rewards.to_vec(), pairs };
    let (rewards, pairs) = (&judged.rewards, &judged.pairs);
    let bins = calibration_table(rewards, pairs, BINS);
    let margins = accuracy_by_margin(rewards, pairs, MARGIN_GROUPS);
    let by_margin = margins
        .iter()
        .map(|group| slice(format!("margin {:.2} to {:.2}", group.low, group.high), &group.accuracy))
        .collect();
    let lengths = accuracy_by_length(rewards, lengths, pairs);
    let by_length = [
        ("better completion shorter", lengths.shorter),
        ("both of one length", lengths.equal),
        ("better completion longer", lengths.longer),
    ];
    Calibration {
        overall: slice("all pairs".into(), &judged.accuracy()),
        expected_calibration_error: expected_calibration_error(&bins),
        bins,
        by_margin,
        by_length: by_length.map(|(name, accuracy)| slice(name.into(), &accuracy)).into(),
    }
}

impl Stage for Calibrate {
    type State = State;

    const NAME: StageName = StageName::Calibrate;

    fn standing(&self) -> Standing {
        Standing {
            step: self.state.next,
            total_steps: self.rankings.len(),
            parameters: self.folder.config.parameter_count(),
        }
    }

    // 1. Score the completions of one ranking.
    async fn advance(&mut self, told: &mut Told) -> Result<(), SessionError> {
        let ranked = &self.rankings[self.state.next];
        let batch = CompletionBatch::new(&ranked.rows, &self.folder.tokenizer, &self.model.decoder, &self.device);
        self.state.rewards.extend(finite("a reward", read(batch.rewards(&self.model)).await?)?);
        self.state.next += 1;
        told.progress(Metrics::new(), "tokens_per_second", batch.tokens);
        Ok(())
    }

    async fn end(&mut self) -> Result<Vec<Event>, SessionError> {
        Ok(vec![Event::Calibrated { calibration: self.calibration() }])
    }

    fn state(&self) -> State {
        self.state.clone()
    }

    fn restore(&mut self, state: State, _: &Snapshot) -> Result<(), SessionError> {
        self.state = state;
        Ok(())
    }
}

pub(crate) fn slice(name: String, accuracy: &WinRate) -> AccuracySlice {
    let pairs = accuracy.wins + accuracy.ties + accuracy.losses;
    AccuracySlice { name, pairs, accuracy: accuracy.win_rate, low: accuracy.low, high: accuracy.high }
}
