//! Rankings as reward models and the methods without one learn from them: every completion once, all pairs of a ranking
//! together (InstructGPT 3.5), all rankings of some prompts set aside to measure on.

use crate::SessionError;
use crate::batch::epoch_places;
use crate::protocol::Metrics;
use crate::readback::read;
use burn::tensor::Tensor;
use nudge_data::{Comparison, PreferenceRecord, Prompt, held_out_prompts};
use nudge_rlhf::{WinRate, pairwise_accuracy, pairwise_log_loss};

/// One ranking: a row for each completion, and `(winner, loser)` pairs of rows.
pub struct Ranked<Row> {
    /// The completions behind their prompt.
    pub rows: Vec<Row>,
    /// Places in `rows`.
    pub pairs: Vec<(usize, usize)>,
    /// Places in `rows` from best to worst, tied ones in one group.
    pub tiers: Vec<Vec<usize>>,
    /// How far apart the rewards of its pairs should lie at least, where its record says so.
    pub margin: Option<f32>,
    /// Whether the only completion is wanted, where nothing is compared.
    pub label: Option<bool>,
}

/// Rankings to train on and rankings to measure on.
pub type Split<Row> = (Vec<Ranked<Row>>, Vec<Ranked<Row>>);

/// The rankings of `records`, those of a share of the prompts set aside; `labels` says whether completions that are
/// wanted or not by themselves are read as well. `encode` makes a row of prompt and completion.
///
/// # Errors
/// [`SessionError::Record`] for a record from which nothing can be learnt or that `encode` refuses, and
/// [`SessionError::Nothing`] without any.
pub fn split_and_encode<Row>(
    records: &[PreferenceRecord],
    labels: bool,
    held_out: f32,
    seed: u64,
    encode: impl Fn(&Prompt, &str) -> Result<Row, SessionError>,
) -> Result<Split<Row>, SessionError> {
    let read = |(index, record): (usize, &PreferenceRecord)| {
        let read = if labels { record.judgement() } else { record.comparison() };
        let read = read.map_err(|reason| SessionError::Record { index: index + 1, reason });
        read.map(|read| read.map(|comparison| (index, comparison))).transpose()
    };
    let all: Vec<(usize, Comparison)> = records.iter().enumerate().filter_map(read).collect::<Result<_, _>>()?;
    if all.is_empty() {
        return Err(SessionError::Nothing("there is no comparison to learn from; rank some completions first".into()));
    }
    let aside = held_out_prompts(all.iter().map(|(_, comparison)| &comparison.prompt), held_out, seed);
    let (mut train, mut held_out) = (Vec::new(), Vec::new());
    for (index, Comparison { prompt, completions, pairs, tiers, margin, label }) in all {
        let rows = completions.iter().map(|completion| encode(&prompt, completion)).collect::<Result<_, _>>();
        let rows = rows.map_err(|error| error.of_record(index + 1))?;
        let side = if aside.contains(&prompt) { &mut held_out } else { &mut train };
        side.push(Ranked { rows, pairs, tiers, margin, label });
    }
    Ok((train, held_out))
}

/// The rankings of the batch that `before` others went before: an epoch is a new order of all of them.
pub fn rankings_of_batch<Ranking>(all: &[Ranking], before: usize, size: usize, seed: u64) -> Vec<&Ranking> {
    let places = epoch_places(all.len(), before * size, size.min(all.len()), seed);
    places.into_iter().map(|place| &all[place]).collect()
}

/// Rewards of all completions in one list, and the pairs as places in it.
pub struct Judged {
    /// One number a completion.
    pub rewards: Vec<f32>,
    /// `(winner, loser)`.
    pub pairs: Vec<(usize, usize)>,
}

impl Judged {
    /// Bradley-Terry loss of the pairs, in nats a pair; NaN where a reward is not finite.
    pub fn loss(&self) -> f64 {
        match self.rewards.iter().all(|reward| reward.is_finite()) {
            true => pairwise_log_loss(&self.rewards, &self.pairs),
            false => f64::NAN,
        }
    }

    /// How many of the pairs the rewards put in order.
    pub fn accuracy(&self) -> WinRate {
        pairwise_accuracy(&self.rewards, &self.pairs)
    }
}

/// Judges rankings by the rewards `[rows]` of each one's rows.
pub async fn judge<'a, Row: 'a>(
    rankings: impl Iterator<Item = (&'a Ranked<Row>, Tensor<1>)>,
) -> Result<Judged, SessionError> {
    let mut judged = Judged { rewards: Vec::new(), pairs: Vec::new() };
    for (ranked, rewards) in rankings {
        let offset = judged.rewards.len();
        judged.pairs.extend(ranked.pairs.iter().map(|(winner, loser)| (winner + offset, loser + offset)));
        judged.rewards.extend(read(rewards).await?);
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

#[cfg(test)]
mod tests {
    use super::*;
    use nudge_data::preferences_from;

    const RECORDS: &str = concat!(
        r#"{"prompt":"p","chosen":"good","rejected":"bad"}"#,
        "\n",
        r#"{"id":"1","prompt":"q","completions":[{"text":"a"},{"text":"b"}],"ranking":[[1],[0]],"repeat_of":"0"}"#,
        "\n",
        r#"{"id":"2","prompt":"p","completions":[{"text":"a"},{"text":"b"},{"text":"c"}],"ranking":[[1],[0,2]]}"#,
        "\n",
        r#"{"prompt":"q","completion":"long","label":false}"#,
    );

    /// A row is its prompt and completion; one completion is too long.
    fn encode(prompt: &Prompt, completion: &str) -> Result<String, SessionError> {
        match completion {
            "long" => Err(SessionError::Nothing("it is too long".into())),
            _ => Ok(format!("{prompt}:{completion}")),
        }
    }

    #[test]
    fn records_become_rankings_in_their_order_without_repeats() {
        let records = preferences_from("r.jsonl", RECORDS).unwrap();
        let (train, held_out) = split_and_encode(&records[..3], false, 0.0, 1, encode).unwrap();
        assert_eq!(train.iter().map(|ranked| ranked.rows.len()).collect::<Vec<_>>(), [2, 3]);
        assert_eq!(train[1].rows, ["p:a", "p:b", "p:c"]);
        assert_eq!((&train[1].pairs, &train[1].tiers), (&vec![(1, 0), (1, 2)], &vec![vec![1], vec![0, 2]]));
        assert!(held_out.is_empty());
    }

    #[test]
    fn what_is_wrong_names_the_number_of_its_record() {
        let records = preferences_from("r.jsonl", RECORDS).unwrap();
        let refused = |labels| split_and_encode(&records, labels, 0.0, 1, encode).err().unwrap().to_string();
        assert!(refused(false).starts_with("record 4: it is one completion with a `label`"), "{}", refused(false));
        assert_eq!(refused(true), "record 4: it is too long");
        let none = split_and_encode(&records[1..2], false, 0.0, 1, encode).err().unwrap().to_string();
        assert!(none.contains("no comparison"), "{none}");
    }
}
