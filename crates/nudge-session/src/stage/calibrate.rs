//! How far a reward model can be trusted: its accuracy on rankings, by margin, by length, and whether it is as sure as
//! it is right.
//!
//! 1. Score every answer of every ranking.
//! 2. Count: pairs in the labeler's order, in all, by the margin between the rewards, and by whether the better answer
//!    is the shorter one (Stiennon et al. 2020 found reward models biased towards length).
//! 3. Compare the certainty sigmoid(|margin|) with the share that is right (expected calibration error).
//!
//! Deliberately absent: training, and a split: give rankings that the reward model has not learnt from.

use crate::SessionError;
use crate::folder::Folder;
use crate::platform::Stopwatch;
use crate::protocol::{AccuracySlice, Calibration, Event, Files, Metrics, Stage};
use crate::readback::read;
use crate::snapshot::{Snapshot, SnapshotWriter};
use crate::stage::rankings::{Judged, Ranked, read_rankings};
use crate::stage::score::{AnswerBatch, encode_answer};
use burn::tensor::Device;
use nudge_data::Prompt;
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
    fingerprint: String,
    device: Device,
    clock: Stopwatch,
    told: bool,
}

#[derive(Default, Serialize, Deserialize)]
struct State {
    next: usize,
    rewards: Vec<f32>,
}

impl Calibrate {
    /// Reads the rankings or comparisons.
    pub fn new(
        folder: Folder,
        comparisons: &str,
        fingerprint: String,
        resume: Option<Files>,
        device: &Device,
    ) -> Result<Self, SessionError> {
        let encode = |prompt: &Prompt, answer: &str| encode_answer(&folder, prompt, answer).map(|row| row.tokens);
        let (rankings, _) = read_rankings(comparisons, 0.0, 0, encode)?;
        let state = match resume {
            Some(files) => Snapshot::<State>::open(files, &fingerprint)?.state,
            None => State::default(),
        };
        let model = folder.scalar(device)?.frozen();
        let (device, clock) = (device.clone(), Stopwatch::start());
        Ok(Self { folder, model, rankings, state, fingerprint, device, clock, told: false })
    }

    /// What the shell is told first.
    pub fn started(&self) -> Event {
        Event::Started {
            stage: Stage::Calibrate,
            step: self.state.next,
            total_steps: self.rankings.len(),
            parameters: self.folder.config.parameter_count(),
        }
    }

    /// One ranking, or the result, or nothing more.
    pub async fn next(&mut self) -> Result<Option<Event>, SessionError> {
        if let Some(ranked) = self.rankings.get(self.state.next) {
            // 1. Score.
            let clock = Stopwatch::start();
            let batch = AnswerBatch::new(&ranked.rows, &self.folder.tokenizer, &self.model, &self.device);
            self.state.rewards.extend(read(batch.rewards(&self.model)).await?);
            self.state.next += 1;
            let (step, total_steps, seconds) = (self.state.next, self.rankings.len(), clock.seconds());
            let metrics = Metrics::from([("tokens_per_second".into(), batch.tokens as f64 / seconds)]);
            return Ok(Some(Event::Progress { stage: Stage::Calibrate, step, total_steps, metrics, seconds }));
        }
        if self.told {
            return Ok(None);
        }
        self.told = true;
        Ok(Some(Event::Calibrated { calibration: self.calibration() }))
    }

    // 2. and 3. Count, compare.
    fn calibration(&self) -> Calibration {
        let (mut pairs, mut lengths) = (Vec::new(), Vec::new());
        for ranked in &self.rankings {
            let offset = lengths.len();
            pairs.extend(ranked.pairs.iter().map(|(winner, loser)| (winner + offset, loser + offset)));
            lengths.extend(ranked.rows.iter().map(Vec::len));
        }
        let judged = Judged { rewards: self.state.rewards.clone(), pairs };
        let (rewards, pairs) = (&judged.rewards, &judged.pairs);
        let bins = calibration_table(rewards, pairs, BINS);
        let margins = accuracy_by_margin(rewards, pairs, MARGIN_GROUPS);
        let by_margin = margins
            .iter()
            .map(|group| slice(format!("margin {:.2} to {:.2}", group.low, group.high), &group.accuracy))
            .collect();
        let lengths = accuracy_by_length(rewards, &lengths, pairs);
        let by_length = [
            ("better answer shorter", lengths.shorter),
            ("both of one length", lengths.equal),
            ("better answer longer", lengths.longer),
        ];
        Calibration {
            overall: slice("all pairs".into(), &judged.accuracy()),
            expected_calibration_error: expected_calibration_error(&bins),
            bins,
            by_margin,
            by_length: by_length.map(|(name, accuracy)| slice(name.into(), &accuracy)).into(),
        }
    }

    /// A checkpoint between two rankings.
    pub async fn save(&self) -> Result<Files, SessionError> {
        SnapshotWriter::default().finish(&self.fingerprint, &self.state).await
    }

    /// What the shell is told last.
    pub fn finished(&self) -> Event {
        Event::Finished { stage: Stage::Calibrate, seconds: self.clock.seconds() }
    }
}

fn slice(name: String, accuracy: &WinRate) -> AccuracySlice {
    let pairs = accuracy.wins + accuracy.ties + accuracy.losses;
    AccuracySlice { name, pairs, accuracy: accuracy.win_rate, low: accuracy.low, high: accuracy.high }
}
