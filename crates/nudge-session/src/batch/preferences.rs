//! Rankings as reward modelling and DPO learn from them: every answer once, all pairs of a ranking together
//! (InstructGPT 3.5), all rankings of some prompts set aside to measure on.
//!
//! Deliberately absent: losses, and what a row of an answer is; each stage has its own.

use crate::SessionError;
use crate::protocol::Metrics;
use crate::readback::read;
use crate::stage::epoch_places;
use burn::tensor::Tensor;
use nudge_data::{Comparison, Prompt, comparisons_from, judgements_from, split_by_prompt};
use nudge_rlhf::{WinRate, pairwise_accuracy};

/// One ranking: a row for each answer, and `(winner, loser)` pairs of rows.
pub struct Ranked<Row> {
    /// The answers behind their prompt.
    pub rows: Vec<Row>,
    /// Places in `rows`.
    pub pairs: Vec<(usize, usize)>,
    /// Places in `rows` from best to worst, tied ones in one group.
    pub tiers: Vec<Vec<usize>>,
    /// How far apart the rewards of its pairs should lie at least, where its record says so.
    pub margin: Option<f32>,
    /// Whether the only answer is wanted, where nothing is compared.
    pub label: Option<bool>,
}

/// Rankings to train on and rankings to measure on.
type Split<Row> = (Vec<Ranked<Row>>, Vec<Ranked<Row>>);

/// Reads rankings or comparisons and sets a share of the prompts aside. `encode` makes a row of prompt and answer.
pub fn read_rankings<Row>(
    text: &str,
    held_out: f32,
    seed: u64,
    encode: impl Fn(&Prompt, &str) -> Result<Row, SessionError>,
) -> Result<Split<Row>, SessionError> {
    split_and_encode(comparisons_from("comparisons", text)?, held_out, seed, encode)
}

/// The same with answers among them that are wanted or not by themselves.
pub fn read_judgements<Row>(
    text: &str,
    held_out: f32,
    seed: u64,
    encode: impl Fn(&Prompt, &str) -> Result<Row, SessionError>,
) -> Result<Split<Row>, SessionError> {
    split_and_encode(judgements_from("comparisons", text)?, held_out, seed, encode)
}

fn split_and_encode<Row>(
    all: Vec<Comparison>,
    held_out: f32,
    seed: u64,
    encode: impl Fn(&Prompt, &str) -> Result<Row, SessionError>,
) -> Result<Split<Row>, SessionError> {
    if all.is_empty() {
        return Err(SessionError::Nothing("there is no comparison to learn from; rank some answers first".into()));
    }
    let ranked = |Comparison { prompt, completions, pairs, tiers, margin, label }: Comparison| {
        let rows = completions.iter().map(|answer| encode(&prompt, answer)).collect::<Result<_, _>>()?;
        Ok(Ranked { rows, pairs, tiers, margin, label })
    };
    let (train, held_out) = split_by_prompt(all, held_out, seed);
    let ranked_all = |all: Vec<Comparison>| all.into_iter().map(ranked).collect::<Result<_, SessionError>>();
    Ok((ranked_all(train)?, ranked_all(held_out)?))
}

/// The rankings of one step: an epoch is a new order of all of them.
pub fn rankings_of_step<Row>(all: &[Ranked<Row>], step: usize, size: usize, seed: u64) -> Vec<&Ranked<Row>> {
    let places = epoch_places(all.len(), step * size, size.min(all.len()), seed);
    places.into_iter().map(|place| &all[place]).collect()
}

/// Rewards of all answers in one list, and the pairs as places in it.
pub struct Judged {
    /// One number an answer.
    pub rewards: Vec<f32>,
    /// `(winner, loser)`.
    pub pairs: Vec<(usize, usize)>,
}

impl Judged {
    /// How many of the pairs the rewards put in order.
    pub fn accuracy(&self) -> WinRate {
        pairwise_accuracy(&self.rewards, &self.pairs)
    }
}

/// Judges rankings; `rewards` gives the rewards `[rows]` of one ranking's rows.
pub async fn judge<Row>(
    rankings: &[Ranked<Row>],
    rewards: impl Fn(&[Row]) -> Tensor<1>,
) -> Result<Judged, SessionError> {
    let mut judged = Judged { rewards: Vec::new(), pairs: Vec::new() };
    for ranked in rankings {
        let offset = judged.rewards.len();
        judged.pairs.extend(ranked.pairs.iter().map(|(winner, loser)| (winner + offset, loser + offset)));
        judged.rewards.extend(read(rewards(&ranked.rows)).await?);
    }
    Ok(judged)
}

/// Logs an accuracy on rankings set aside as `name`, with its 95 % interval and the number of pairs.
pub fn insert_accuracy(metrics: &mut Metrics, name: &str, accuracy: &WinRate) {
    metrics.insert(name.into(), accuracy.win_rate);
    metrics.insert(format!("{name}_low"), accuracy.low);
    metrics.insert(format!("{name}_high"), accuracy.high);
    metrics.insert("eval_pairs".into(), (accuracy.wins + accuracy.ties + accuracy.losses) as f64);
}
