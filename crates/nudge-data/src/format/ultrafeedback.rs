//! UltraFeedback: an instruction and the rated completions of four models become one ranking, equal ratings tied
//! (Cui et al. 2023, arXiv 2310.01377).
//!
//! The rating is `overall_score`, one judgement of the whole completion and what the binarized data sets of the field
//! were made from. Where any completion lacks it, all are rated by the mean of their ratings by aspect (helpfulness,
//! honesty, instruction following, truthfulness): one record never mixes the two scales. A completion without any
//! rating, an empty one and a repeat of another are left out, by name.

use serde_json::{Map, Value};

use super::fields::{Fields, json_number, number};
use super::ranking;
use crate::records::{Completion, Entry, RankingRecord};

struct Rated {
    completion: Completion,
    overall: Option<f64>,
    mean: Option<f64>,
}

/// The ranking, and why completions were left out of it.
pub(super) fn read(mut fields: Fields, line: u64) -> Result<(Entry, Vec<String>), String> {
    let prompt = fields.words("instruction")?;
    let rated: Result<Vec<Rated>, String> = fields.list("completions")?.into_iter().enumerate().map(rate).collect();
    let rated = rated?;
    let by_overall = rated.iter().all(|completion| completion.overall.is_some());
    let mut left_out = Vec::new();
    let mut completions: Vec<(Completion, f64)> = Vec::new();
    for (index, Rated { completion, overall, mean }) in rated.into_iter().enumerate() {
        let why = match if by_overall { overall } else { mean } {
            None => "it has no rating",
            Some(_) if completion.text.trim().is_empty() => "it is empty",
            Some(_) if completions.iter().any(|(other, _)| other.text == completion.text) => "it repeats another",
            Some(score) => {
                completions.push((completion, -score));
                continue;
            }
        };
        left_out.push(format!("completion {index} was left out of the ranking: {why}"));
    }
    if completions.len() < 2 {
        let why = left_out.first().map_or(String::new(), |why| format!(" ({why})"));
        return Err(format!("it has {} rated completions, and a ranking needs two or more{why}", completions.len()));
    }
    let id = fields.label("id").unwrap_or_else(|| format!("ultrafeedback-{line}"));
    let (completions, ranking) = ranking::by_place(completions);
    let mut extra = fields.rest();
    extra.shift_remove("models");
    let prompt = prompt.into();
    let record = RankingRecord { id, prompt, completions, ranking, labeler: None, seconds: None, edit: None, extra };
    Ok((ranking::checked(record)?, left_out))
}

fn rate((index, completion): (usize, Value)) -> Result<Rated, String> {
    let placed = |reason: String| format!("`completions`, completion {index}: {reason}");
    let mut fields = Fields::new(completion).map_err(placed)?;
    let text = fields.text("response").map_err(placed)?;
    let overall = fields.peek("overall_score").and_then(number);
    let mean = fields.peek("annotations").and_then(Value::as_object).and_then(mean_rating);
    let mut extra = Map::new();
    if let Some(model) = fields.label("model") {
        extra.insert("model".to_owned(), model.into());
    }
    if let Some(score) = overall.or(mean) {
        extra.insert("score".to_owned(), json_number(score));
    }
    Ok(Rated { completion: Completion { extra, ..Completion::from_text(text) }, overall, mean })
}

/// The mean over the aspects that have a rating; "N/A" is none.
fn mean_rating(annotations: &Map<String, Value>) -> Option<f64> {
    let ratings: Vec<f64> = annotations.values().filter_map(|aspect| number(&aspect["Rating"])).collect();
    (!ratings.is_empty()).then(|| ratings.iter().sum::<f64>() / ratings.len() as f64)
}
