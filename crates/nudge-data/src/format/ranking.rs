//! Our rankings: `{"id","prompt","completions","ranking"}`, the superset that every other comparison becomes.
//!
//! Also the parts that other formats share when they become rankings. An empty completion is accepted in our own
//! records, as the model did answer that.

use std::collections::HashMap;

use serde_json::{Map, Value};

use super::fields::{Fields, kind};
use crate::records::{Completion, Entry, RankingRecord};

/// What an edit looks like.
const EDIT: &str = r#"`edit` is no object such as {"of":0,"text":"..."}, or {"text":"..."} for an answer written anew"#;

pub(super) fn read(mut fields: Fields) -> Result<Entry, String> {
    let prompt = fields.prompt()?;
    let completions = completions(&mut fields)?;
    let ranking = serde_json::from_value(fields.value("ranking")?)
        .map_err(|_| "`ranking` is no list of lists of indices, best first, such as [[2],[0,1]]".to_owned())?;
    let id = fields.label("id").ok_or_else(|| "`id` is missing; name the ranking".to_owned())?;
    let edit = match fields.value("edit") {
        Err(_) | Ok(Value::Null) => None,
        Ok(edit) => Some(serde_json::from_value(edit).map_err(|_| EDIT.to_owned())?),
    };
    let labeler = fields.label("labeler");
    let seconds =
        fields.optional_number("seconds")?.map(|seconds| seconds as f32).filter(|seconds| seconds.is_finite());
    checked(RankingRecord { id, prompt, completions, ranking, labeler, seconds, edit, extra: fields.rest() })
}

/// The completions: objects with `text`, or texts.
pub(super) fn completions(fields: &mut Fields) -> Result<Vec<Completion>, String> {
    let one = |(index, item)| match item {
        Value::String(text) => Ok(Completion::from_text(text)),
        item @ Value::Object(_) => {
            serde_json::from_value(item).map_err(|error| format!("`completions`, completion {index}: {error}"))
        }
        other => Err(format!("`completions`, completion {index} is {}, expected an object with `text`", kind(&other))),
    };
    fields.list("completions")?.into_iter().enumerate().map(one).collect()
}

/// The ranking as an entry, if it is a valid one.
///
/// # Errors
///
/// If it does not name every completion once, or ranks two completions of the same text apart.
pub(super) fn checked(record: RankingRecord) -> Result<Entry, String> {
    record.check()?;
    let mut tier_of: HashMap<&str, usize> = HashMap::new();
    for (tier, group) in record.ranking.iter().enumerate() {
        for &index in group {
            let text = record.completions[index].text.as_str();
            if *tier_of.entry(text).or_insert(tier) != tier {
                return Err(format!(
                    "completion {index} is the same text as a better one, so neither can be better; tie them or \
                     remove the line"
                ));
            }
        }
    }
    Ok(Entry::Ranking(record))
}

/// Completions and their ranking from each completion's place; a lower place is better, equal places are tied.
pub(super) fn by_place(completions: Vec<(Completion, f64)>) -> (Vec<Completion>, Vec<Vec<usize>>) {
    let (completions, places): (Vec<Completion>, Vec<f64>) = completions.into_iter().unzip();
    let mut order: Vec<usize> = (0..places.len()).collect();
    order.sort_by(|&a, &b| places[a].total_cmp(&places[b]));
    let ranking = order.chunk_by(|&a, &b| places[a] == places[b]).map(<[usize]>::to_vec).collect();
    (completions, ranking)
}

pub(super) fn write(record: &RankingRecord) -> Map<String, Value> {
    fields_of(&RankingRecord { extra: Map::new(), ..record.clone() })
}

/// The fields as serde writes them.
pub(super) fn fields_of<T: serde::Serialize>(record: &T) -> Map<String, Value> {
    match serde_json::to_value(record) {
        Ok(Value::Object(fields)) => fields,
        _ => Map::new(),
    }
}
