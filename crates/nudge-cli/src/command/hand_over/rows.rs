//! The data that are handed over, as every trainer takes them: messages of prompts, and one strict pair or one labelled
//! completion a row.

use super::models::Material;
use crate::input::{self, Reading};
use anyhow::{Result, bail};
use nudge_data::{Comparison, Message, PreferenceRecord, labels};
use serde_json::{Value, json};

/// A row.
pub enum Row {
    /// Two completions of one prompt, the first preferred.
    Pair { prompt: Vec<Message>, chosen: Message, rejected: Message, margin: Option<f32> },
    /// A completion that is wanted or not by itself.
    Labelled { prompt: Vec<Message>, completion: Message, label: bool },
    /// A prompt to be completed.
    Prompt(Vec<Message>),
}

/// What the rows hold.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Prompts,
    Pairs,
    Labels,
}

impl Row {
    /// The row as lists of messages: `prompt`, `chosen`, `rejected`, and the `margin` where there is one; `prompt`,
    /// `completion` and `label`; of a prompt to be completed `prompt_key` alone.
    pub fn in_messages(&self, prompt_key: &str) -> Value {
        match self {
            Self::Prompt(prompt) => json!({ prompt_key: prompt }),
            Self::Labelled { prompt, completion, label } => {
                json!({ "prompt": prompt, "completion": [completion], "label": label })
            }
            Self::Pair { prompt, chosen, rejected, margin } => {
                let mut row = json!({ "prompt": prompt, "chosen": [chosen], "rejected": [rejected] });
                if let Some(margin) = margin {
                    row["margin"] = json!(margin);
                }
                row
            }
        }
    }
}

/// All rows.
pub struct Rows {
    pub all: Vec<Row>,
    kind: Kind,
    rankings: usize,
    /// Pairs that a labeler tied, or completions that win as many pairs as they lose: no trainer learns from them.
    left_out: usize,
}

impl Rows {
    /// Reads the files.
    ///
    /// # Errors
    /// If a record cannot be used, or nothing is left.
    pub fn read(material: &Material, reading: &Reading) -> Result<Self> {
        let kind = material.kind;
        if let Some(path) = &material.prompts {
            let prompts = input::prompts(path, reading)?.all;
            let all: Vec<Row> = prompts.iter().map(|prompt| Row::Prompt(prompt.messages())).collect();
            return Ok(Self { all, kind, rankings: 0, left_out: 0 });
        }
        let by_label = kind == Kind::Labels;
        let records = input::preferences(&material.comparisons, by_label, reading)?.all;
        let judged = |record: &PreferenceRecord| if by_label { record.judgement() } else { record.comparison() };
        let read = records.iter().filter_map(|record| judged(record).transpose());
        let rankings: Vec<Comparison> = read.collect::<Result<_, String>>().map_err(anyhow::Error::msg)?;
        let all: Vec<Row> = if by_label { labelled(&rankings) } else { rankings.iter().flat_map(pairs).collect() };
        if all.is_empty() {
            bail!("there is no pair in which one completion is preferred; rank some above others");
        }
        let left_out = match by_label {
            true => rankings.iter().map(|ranking| ranking.completions.len()).sum::<usize>() - all.len(),
            false => rankings.iter().map(ties).sum(),
        };
        Ok(Self { all, kind, rankings: rankings.len(), left_out })
    }

    /// Rows of a ranking, on average.
    pub fn rows_of_ranking(&self) -> f64 {
        self.all.len() as f64 / self.rankings.max(1) as f64
    }

    /// What became of the rankings, in a sentence; nothing where there are none.
    pub fn said(&self) -> String {
        let Self { rankings, left_out, .. } = self;
        match self.kind {
            Kind::Prompts => String::new(),
            Kind::Pairs => format!(
                " {rankings} rankings gave one row a pair, which all count alike there; here all pairs of a ranking are one \
                 element of a batch. {left_out} tied pairs are left out."
            ),
            Kind::Labels => format!(
                " {rankings} records gave one row a completion: wanted where it has that label or wins more pairs than it \
                 loses. {left_out} completions that win as many as they lose are left out. Neighbours have different prompts, \
                 as the KL is measured on the completion of the row before: keep the order."
            ),
        }
    }
}

/// The labelled completions: of every ranking the first, then of every ranking the second, and so on, so that neighbours
/// have different prompts as long as there are several.
fn labelled(rankings: &[Comparison]) -> Vec<Row> {
    let row = |(ranking, (place, label)): (&Comparison, (usize, bool))| Row::Labelled {
        prompt: ranking.prompt.messages(),
        completion: Message::assistant(ranking.completions[place].as_str()),
        label,
    };
    let of = |ranking: &Comparison| labels(ranking.label, &ranking.pairs, ranking.completions.len());
    let all: Vec<(&Comparison, Vec<(usize, bool)>)> = rankings.iter().map(|ranking| (ranking, of(ranking))).collect();
    let most = all.iter().map(|(_, labels)| labels.len()).max().unwrap_or_default();
    let nth = |n: usize| all.iter().filter_map(move |(ranking, labels)| Some((*ranking, *labels.get(n)?)));
    (0..most).flat_map(nth).map(row).collect()
}

fn pairs(ranking: &Comparison) -> impl Iterator<Item = Row> + '_ {
    let said = |place: usize| Message::assistant(ranking.completions[place].as_str());
    ranking.pairs.iter().map(move |&(won, lost)| Row::Pair {
        prompt: ranking.prompt.messages(),
        chosen: said(won),
        rejected: said(lost),
        margin: ranking.margin,
    })
}

fn ties(ranking: &Comparison) -> usize {
    ranking.tiers.iter().map(|tier| tier.len() * (tier.len() - 1) / 2).sum()
}
