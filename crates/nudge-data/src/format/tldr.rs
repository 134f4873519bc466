//! OpenAI's summaries of Reddit posts (Stiennon et al. 2020, arXiv 2009.01325): comparisons
//! `{"info","summaries","choice"}`, and the axis split `{"info","summary"}` with ratings from 1 to 7.
//!
//! The prompt is worded as Huang et al. 2024 (arXiv 2403.17031) word it. A rated summary is a single completion: good
//! above the middle of the scale (4), bad below it, and refused on it. It lacks the news articles of the same data set,
//! which have no post.

use serde_json::Value;

use super::fields::{Fields, kind, number};
use super::preference;
use crate::prompt::Prompt;
use crate::records::{Entry, UnpairedRecord};

const MIDDLE_RATING: f64 = 4.0;

pub(super) fn read(mut fields: Fields) -> Result<Entry, String> {
    let prompt = prompt(&mut fields)?;
    if !fields.has("summaries") && fields.has("summary") {
        return rated(prompt, fields);
    }
    let summaries: [Value; 2] = fields
        .list("summaries")?
        .try_into()
        .map_err(|list: Vec<Value>| format!("`summaries` has {} entries, expected two", list.len()))?;
    let choice = fields.value("choice")?;
    let [first, second] = summaries;
    let first = summary("summaries, the first", first)?;
    let second = summary("summaries, the second", second)?;
    let (chosen, rejected) = match number(&choice) {
        Some(0.0) => (first, second),
        Some(1.0) => (second, first),
        _ => return Err(format!("`choice` is {}, expected 0 or 1", choice)),
    };
    preference::pair(prompt, chosen, rejected, fields)
}

fn prompt(fields: &mut Fields) -> Result<Prompt, String> {
    let mut info = Fields::new(fields.value("info")?).map_err(|reason| format!("`info`: {reason}"))?;
    let mut part = |key| info.words(key).map_err(|reason| format!("`info`: {reason}"));
    let (subreddit, title, post) = (part("subreddit")?, part("title")?, part("post")?);
    if let Some(id) = info.label("id") {
        fields.keep("id", id.into());
    }
    Ok(Prompt::Text(format!("SUBREDDIT: r/{subreddit}\n\nTITLE: {title}\n\nPOST: {post}\n\nTL;DR:")))
}

/// The text of a summary, without the space that the files put before it.
fn summary(name: &str, summary: Value) -> Result<String, String> {
    let mut summary = Fields::new(summary).map_err(|reason| format!("`{name}`: {reason}"))?;
    Ok(summary.words("text").map_err(|reason| format!("`{name}`: {reason}"))?.trim().to_owned())
}

fn rated(prompt: Prompt, mut fields: Fields) -> Result<Entry, String> {
    let given = fields.value("summary")?;
    let axes = given.get("axes").cloned().unwrap_or_default();
    let completion = summary("summary", given)?;
    let overall = number(&axes["overall"])
        .ok_or_else(|| format!("`summary` has no number under `axes.overall` ({} there)", kind(&axes["overall"])))?;
    if overall == MIDDLE_RATING {
        return Err("its overall rating is 4, the middle of the scale, so it is neither good nor bad".to_owned());
    }
    fields.keep("axes", axes);
    Ok(Entry::Unpaired(UnpairedRecord { prompt, completion, label: overall > MIDDLE_RATING, extra: fields.rest() }))
}
