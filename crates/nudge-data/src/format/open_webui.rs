//! Open WebUI's feedback export: `{"data":{"rating","comment"},"meta":{"chat_id","message_id"},"snapshot"}`, where the
//! snapshot holds the whole chat that the rated message belongs to.
//!
//! Each record rates one completion: 1 is good, -1 is bad. By itself it is an unpaired completion whose prompt is the
//! chat up to it. A good and a bad completion to the same message of the same chat were compared by whoever rated them:
//! they are a pair, and three or more are a ranking of the good above the bad. Their records may lie anywhere in the
//! file, so ratings are held until it ends ([`Held`]).
//!
//! It lacks system prompts and files of a chat, the rating from 1 to 10, and what `sibling_model_ids` says of models.

use std::collections::{BTreeMap, HashMap};

use serde_json::{Map, Value};

use super::fields::{Fields, clip, kind, number};
use super::held::Held;
use super::read::Read;
use super::{messages, preference, ranking, thread};
use crate::prompt::Prompt;
use crate::records::{Completion, Entry, RankingRecord, UnpairedRecord, require_text};
use crate::template::Message;

/// What a message costs beside its text.
const MESSAGE_BYTES: usize = 100;

/// Where a message names the one before it.
const BEFORE: &str = "parentId";

/// A completion that somebody rated.
pub(super) struct Rated {
    line: u64,
    /// The message that the completion is, and the one that it answers.
    id: String,
    asked: String,
    prompt: Prompt,
    completion: String,
    good: bool,
    comment: Option<String>,
}

/// True for a record of the export, rated or not.
pub(super) fn looks_like(record: &Map<String, Value>) -> bool {
    let has = |of: &str, key: &str| record.get(of).is_some_and(|fields| fields.get(key).is_some());
    has("data", "rating") && (has("meta", "message_id") || record.contains_key("snapshot"))
}

/// Takes a rating, and gives what came of those that had to go for it.
pub(super) fn add(held: &mut Held<Rated>, fields: Fields, line: u64) -> Result<Vec<Read>, String> {
    let (chat, rated) = read(fields, line)?;
    let group = format!("{chat}\n{}", rated.asked);
    let asked = rated.prompt.messages();
    let bytes = asked.iter().map(|message| message.content.len() + MESSAGE_BYTES).sum::<usize>()
        + rated.completion.len()
        + MESSAGE_BYTES;
    Ok(held.add(group, rated, bytes).into_iter().flat_map(harvest).collect())
}

/// What came of all ratings that are still held, in the order of the file.
pub(super) fn finish(held: &mut Held<Rated>) -> Vec<Read> {
    let mut reads: Vec<Read> = held.finish().into_iter().flat_map(harvest).collect();
    reads.sort_by_key(|read| read.line);
    reads
}

/// The chat that was rated in, and the rating.
fn read(mut fields: Fields, line: u64) -> Result<(String, Rated), String> {
    let mut data = object(&mut fields, "data")?;
    let good = match data.peek("rating") {
        None => return Err("`rating` is missing or null, so nothing was rated".to_owned()),
        Some(rating) => match number(rating) {
            Some(1.0) => true,
            Some(-1.0) => false,
            Some(other) => return Err(format!("`rating` is {other}, expected 1 (good) or -1 (bad)")),
            None => return Err(format!("`rating` is {}, expected 1 (good) or -1 (bad)", kind(rating))),
        },
    };
    let comment = data.label("comment").filter(|comment| !comment.trim().is_empty());
    let mut meta = object(&mut fields, "meta")?;
    let id =
        meta.label("message_id").ok_or_else(|| "`message_id` is missing, so nothing says what was rated".to_owned())?;
    let chat = meta.label("chat_id").unwrap_or_default();
    if !fields.has("snapshot") {
        return Err("`snapshot` is missing, and with it what was said; export the feedback with its chats".to_owned());
    }
    let mut within = object(&mut fields, "snapshot")?;
    for key in ["chat", "chat", "history"] {
        within = object(&mut within, key).map_err(|reason| format!("`snapshot`: {reason}"))?;
    }
    let Value::Object(mut said) = within.value("messages").map_err(|reason| format!("`snapshot`: {reason}"))? else {
        return Err("`snapshot`: `messages` is no object of messages by their ids".to_owned());
    };
    let thread = thread::up_to(&id, BEFORE, &mut said)?;
    let asked = thread.last().and_then(|rated| rated.get(BEFORE)?.as_str()).unwrap_or_default().to_owned();
    let (prompt, completion) = asked_and_answered(thread)?;
    Ok((chat, Rated { line, id, asked, prompt, completion, good, comment }))
}

fn object(fields: &mut Fields, key: &str) -> Result<Fields, String> {
    Fields::new(fields.value(key)?).map_err(|reason| format!("`{key}`: {reason}"))
}

/// The last message, which must be the assistant's, and all before it.
fn asked_and_answered(thread: Vec<Map<String, Value>>) -> Result<(Prompt, String), String> {
    let shows_image = |message: &Map<String, Value>| {
        let files = message.get("files").and_then(Value::as_array);
        files.is_some_and(|files| files.iter().any(|file| file["type"] == "image"))
    };
    if let Some(index) = thread.iter().position(shows_image) {
        return Err(format!("message {index} of the chat shows an image, which training can not use"));
    }
    let mut before = messages::read("messages", thread.into_iter().map(Value::Object).collect())?;
    let last = before.pop().filter(|last| last.role == "assistant");
    let Message { content: completion, .. } =
        last.ok_or_else(|| "the message that was rated is not the assistant's".to_owned())?;
    require_text("content", &completion)?;
    let prompt = match before.as_slice() {
        [only] if only.role == "user" => Prompt::Text(only.content.clone()),
        _ => Prompt::Messages(before),
    };
    prompt.check()?;
    Ok((prompt, completion))
}

/// What the ratings of completions to one message teach. Two with different prompts are no siblings: the message was
/// rewritten between them.
fn harvest(ratings: Vec<Rated>) -> Vec<Read> {
    let mut reads = Vec::new();
    let mut lines: HashMap<String, u64> = HashMap::new();
    let mut by_prompt: BTreeMap<Prompt, (usize, Vec<Rated>)> = BTreeMap::new();
    for (place, rated) in ratings.into_iter().enumerate() {
        if let Some(first) = lines.get(&rated.id) {
            let id = clip(&rated.id, 60);
            let reason = format!("message {id:?} was rated before, by the record of line {first}");
            reads.push(Read { line: rated.line, records: 1, result: Err(reason) });
            continue;
        }
        lines.insert(rated.id.clone(), rated.line);
        by_prompt.entry(rated.prompt.clone()).or_insert_with(|| (place, Vec::new())).1.push(rated);
    }
    let mut siblings: Vec<(usize, Vec<Rated>)> = by_prompt.into_values().collect();
    siblings.sort_by_key(|(place, _)| *place);
    reads.extend(siblings.into_iter().flat_map(|(_, siblings)| taught(siblings)));
    reads
}

/// A comparison if some are good and some are bad, else each by itself.
fn taught(siblings: Vec<Rated>) -> Vec<Read> {
    let line = siblings.first().map_or(0, |first| first.line);
    let records = siblings.len() as u64;
    let (good, bad): (Vec<Rated>, Vec<Rated>) = siblings.into_iter().partition(|rated| rated.good);
    let one = |result| vec![Read { line, records, result }];
    match (good.as_slice(), bad.as_slice()) {
        ([], _) | (_, []) => good.into_iter().chain(bad).map(by_itself).collect(),
        ([chosen], [rejected]) => one(pair(chosen, rejected)),
        _ => one(ranked(good.into_iter().chain(bad).collect())),
    }
}

fn by_itself(rated: Rated) -> Read {
    let extra = commented("comment", &rated.comment).collect();
    let record = UnpairedRecord { prompt: rated.prompt, completion: rated.completion, label: rated.good, extra };
    Read { line: rated.line, records: 1, result: Ok(Entry::Unpaired(record)) }
}

fn pair(chosen: &Rated, rejected: &Rated) -> Result<Entry, String> {
    let comments = commented("comment", &chosen.comment).chain(commented("rejected_comment", &rejected.comment));
    let rest = Fields::new(Value::Object(comments.collect()))?;
    preference::pair(chosen.prompt.clone(), chosen.completion.clone(), rejected.completion.clone(), rest)
}

fn ranked(ratings: Vec<Rated>) -> Result<Entry, String> {
    let first = ratings.first().ok_or_else(|| "nothing was rated".to_owned())?;
    let (id, prompt) = (first.asked.clone(), first.prompt.clone());
    let placed = ratings.into_iter().map(|rated| {
        let extra = commented("comment", &rated.comment).collect();
        (Completion { extra, ..Completion::from_text(rated.completion) }, if rated.good { 0.0 } else { 1.0 })
    });
    let (completions, ranking) = ranking::by_place(placed.collect());
    ranking::checked(RankingRecord {
        id,
        prompt,
        completions,
        ranking,
        labeler: None,
        seconds: None,
        edit: None,
        extra: Map::new(),
    })
}

fn commented(key: &str, comment: &Option<String>) -> impl Iterator<Item = (String, Value)> {
    comment.iter().map(|comment| (key.to_owned(), comment.as_str().into())).collect::<Vec<_>>().into_iter()
}
