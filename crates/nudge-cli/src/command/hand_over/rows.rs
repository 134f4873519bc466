//! The data that are handed over, as every trainer takes them: messages of prompts, and one strict pair a row.

use super::models::Material;
use crate::input::{self, Reading};
use anyhow::{Result, bail};
use nudge_data::{Comparison, Message};
use serde_json::{Value, json};

/// A row.
pub enum Row {
    /// Two completions of one prompt, the first preferred.
    Pair { prompt: Vec<Message>, chosen: Message, rejected: Message, margin: Option<f32> },
    /// A prompt to be completed.
    Prompt(Vec<Message>),
}

impl Row {
    /// The row as lists of messages: `prompt`, `chosen`, `rejected`, and the `margin` where there is one; of a prompt to be
    /// completed `prompt_key` alone.
    pub fn in_messages(&self, prompt_key: &str) -> Value {
        match self {
            Self::Prompt(prompt) => json!({ prompt_key: prompt }),
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
    rankings: usize,
    /// Pairs that a labeler tied, which no trainer learns from.
    ties: usize,
}

impl Rows {
    /// Reads the files.
    ///
    /// # Errors
    /// If a record cannot be used, or nothing is left.
    pub fn read(material: &Material, reading: &Reading) -> Result<Self> {
        if let Some(path) = &material.prompts {
            let prompts = input::prompts(path, reading)?.all;
            let all: Vec<Row> = prompts.iter().map(|prompt| Row::Prompt(prompt.messages())).collect();
            return Ok(Self { all, rankings: 0, ties: 0 });
        }
        let records = input::preferences(&material.comparisons, false, reading)?.all;
        let read = records.iter().filter_map(|record| record.comparison().transpose());
        let rankings: Vec<Comparison> = read.collect::<Result<_, String>>().map_err(anyhow::Error::msg)?;
        let all: Vec<Row> = rankings.iter().flat_map(pairs).collect();
        if all.is_empty() {
            bail!("there is no pair in which one completion is preferred; rank some above others");
        }
        let ties = rankings.iter().map(ties).sum();
        Ok(Self { all, rankings: rankings.len(), ties })
    }

    /// Pairs of a ranking, on average.
    pub fn pairs_of_ranking(&self) -> f64 {
        self.all.len() as f64 / self.rankings.max(1) as f64
    }

    /// What became of the rankings, in a sentence; nothing where there are none.
    pub fn said(&self) -> String {
        match self.rankings {
            0 => String::new(),
            rankings => format!(
                " {rankings} rankings gave one row a pair, which all count alike there; here all pairs of a ranking are one \
                 element of a batch. {} tied pairs are left out.",
                self.ties
            ),
        }
    }
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
