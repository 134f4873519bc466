//! One kind of entry made into another, where the meaning allows.
//!
//! What a conversion loses is noted once per file. It never invents: no label for a completion that nobody judged, no
//! pair of two completions that nobody compared.

use serde_json::{Map, Value};

use super::reason::Reason;
use super::regroup::RANKING_ID;
use crate::prompt::Prompt;
use crate::rankings::ranking_to_pairs;
use crate::records::{
    Completion, ConversationRecord, DemonstrationRecord, EDITED, Edit, Entry, PairRecord, PromptRecord, RankingRecord,
    TextRecord, UnpairedRecord, is_edited,
};
use crate::template::Message;

/// What conversions lost, each loss once.
#[derive(Debug, Default)]
pub(super) struct Notes(Vec<String>);

impl Notes {
    pub(super) fn once(&mut self, note: &str) {
        if !self.0.iter().any(|known| known == note) {
            self.0.push(note.to_owned());
        }
    }

    pub(super) fn all(&self) -> &[String] {
        &self.0
    }
}

/// What an entry is, in words.
pub(super) fn kind(entry: &Entry) -> &'static str {
    match entry {
        Entry::Text(_) => "text",
        Entry::Prompt(_) => "prompt",
        Entry::Demonstration(_) => "demonstration",
        Entry::Conversation(_) => "conversation",
        Entry::Pair(_) => "pair",
        Entry::Unpaired(_) => "unpaired completion",
        Entry::Ranking(_) => "ranking",
        Entry::Candidates(_) => "set of candidates",
    }
}

pub(super) fn refuse<T>(entry: &Entry, wanted: &str) -> Result<T, Reason> {
    Err(format!("a {} can not become {wanted}", kind(entry)).into())
}

pub(super) fn texts(entry: &Entry, notes: &mut Notes) -> Result<TextRecord, Reason> {
    const BOUNDARY: &str = "prompts and completions became plain texts: where a completion begins and ends is left out";
    let (text, extra) = match entry {
        Entry::Text(record) => return Ok(record.clone()),
        Entry::Demonstration(record) => (format!("{}\n\n{}", record.prompt, record.completion), &record.extra),
        Entry::Conversation(record) => (Prompt::Messages(record.messages.clone()).to_string(), &record.extra),
        _ => return refuse(entry, "a text to continue"),
    };
    notes.once(BOUNDARY);
    Ok(TextRecord { text, extra: extra.clone() })
}

pub(super) fn prompts(entry: &Entry, notes: &mut Notes) -> Result<PromptRecord, Reason> {
    let (prompt, extra) = match entry {
        Entry::Prompt(record) => return Ok(record.clone()),
        Entry::Text(_) => return refuse(entry, "a prompt"),
        Entry::Demonstration(record) => (record.prompt.clone(), &record.extra),
        Entry::Conversation(record) => {
            let asked = record.messages.iter().rposition(|message| message.role == "user").map_or(0, |last| last + 1);
            (Prompt::Messages(record.messages[..asked].to_vec()), &record.extra)
        }
        Entry::Pair(record) => (record.prompt.clone(), &record.extra),
        Entry::Unpaired(record) => (record.prompt.clone(), &record.extra),
        Entry::Ranking(record) => (record.prompt.clone(), &record.extra),
        Entry::Candidates(record) => (record.prompt.clone(), &record.extra),
    };
    notes.once("completions are left out: only the prompts are taken");
    prompt.check()?;
    let mut extra = extra.clone();
    [RANKING_ID, "margin", EDITED].iter().for_each(|key| drop(extra.shift_remove(*key)));
    Ok(PromptRecord { prompt, extra })
}

/// The completion to imitate: of a pair the chosen one, of a ranking the best (the first of several best), of a
/// conversation the last.
pub(super) fn demonstration(entry: &Entry, notes: &mut Notes) -> Result<DemonstrationRecord, Reason> {
    match entry {
        Entry::Demonstration(record) => Ok(record.clone()),
        Entry::Conversation(record) => {
            let mut turns = every_turn(record, notes)?;
            if turns.len() > 1 {
                notes.once("only the last completion of a conversation is imitated; earlier ones became its prompt");
            }
            turns.pop().ok_or_else(|| "the conversation answers no prompt".to_owned().into())
        }
        Entry::Pair(record) => {
            notes.once("rejected completions are left out: only the chosen ones are taken");
            Ok(from_parts(record.prompt.clone(), &record.chosen, &record.extra))
        }
        Entry::Unpaired(record) if record.label => {
            Ok(from_parts(record.prompt.clone(), &record.completion, &record.extra))
        }
        Entry::Unpaired(_) => Err("it is labelled as a bad completion, which nobody should imitate".to_owned().into()),
        Entry::Ranking(record) => {
            require_order(record)?;
            if record.edit.is_none() {
                notes.once("only the best completion of each ranking is taken (the first of several best)");
            }
            let record = record.with_edit();
            let best = &record.completions[record.ranking[0][0]];
            crate::records::require_text("its best completion", &best.text)?;
            let mut demonstration = from_parts(record.prompt.clone(), &best.text, &record.extra);
            if is_edited(&best.extra) {
                demonstration.extra.insert(EDITED.to_owned(), true.into());
            }
            Ok(demonstration)
        }
        _ => refuse(entry, "a demonstration: it has no completion to imitate"),
    }
}

/// Each of the assistant's turns with the conversation before it as its prompt.
pub(super) fn every_turn(record: &ConversationRecord, notes: &mut Notes) -> Result<Vec<DemonstrationRecord>, Reason> {
    let mut demonstrations = Vec::new();
    for (index, message) in record.messages.iter().enumerate().filter(|(_, message)| message.role == "assistant") {
        let prompt = match &record.messages[..index] {
            [only] if only.role == "user" => Prompt::Text(only.content.clone()),
            before => Prompt::Messages(before.to_vec()),
        };
        if prompt.check().is_err() {
            notes.once("completions with nothing to answer before them (a first turn, or two in a row) are left out");
            continue;
        }
        let (task, split, completion) = (record.task.clone(), record.split.clone(), message.content.clone());
        demonstrations.push(DemonstrationRecord { prompt, completion, task, split, extra: record.extra.clone() });
    }
    if demonstrations.is_empty() {
        return Err("the conversation has no completion after a prompt".to_owned().into());
    }
    Ok(demonstrations)
}

pub(super) fn conversation(entry: &Entry, notes: &mut Notes) -> Result<ConversationRecord, Reason> {
    if let Entry::Conversation(record) = entry {
        return Ok(record.clone());
    }
    let DemonstrationRecord { prompt, completion, task, split, extra } = demonstration(entry, notes)?;
    let mut messages = prompt.messages();
    messages.push(Message::assistant(completion));
    Ok(ConversationRecord { messages, task, split, extra })
}

/// The pairs of an entry; those of a ranking carry its id in `ranking_id`, and who ranked.
pub(super) fn pairs(entry: &Entry, notes: &mut Notes) -> Result<Vec<PairRecord>, Reason> {
    let record = match entry {
        Entry::Pair(record) => return Ok(vec![record.clone()]),
        Entry::Ranking(record) => record,
        _ => return refuse(entry, "a pair: it compares no completions"),
    };
    require_order(record)?;
    let known = record.completions.iter().any(|completion| {
        completion.seed.is_some()
            || completion.logprob.is_some()
            || completion.finish.is_some()
            || !completion.extra.is_empty()
    });
    if known {
        notes.once("what is known of single completions (seed, logprob and the like) is left out: pairs hold texts");
    }
    if record.edit.as_ref().is_some_and(|edit| edit.of.is_some()) {
        notes.once("which completion an edit was made of is left out");
    }
    let mut extra = record.extra.clone();
    if extra.shift_remove("margin").is_some() {
        notes.once("the margin of rankings is left out: it can not be told which pair it belongs to");
    }
    if let Some(labeler) = &record.labeler {
        extra.insert("labeler".to_owned(), labeler.as_str().into());
    }
    if let Some(seconds) = record.seconds {
        extra.insert("seconds".to_owned(), seconds.into());
    }
    let mut pairs = ranking_to_pairs(record);
    for pair in &mut pairs {
        let id = std::mem::replace(&mut pair.extra, extra.clone());
        pair.extra.extend(id);
    }
    Ok(pairs)
}

/// Completions by themselves: of a pair the chosen one is good and the rejected one bad; of a ranking the best are
/// good, the worst are bad, and those between are left out.
pub(super) fn unpaired(entry: &Entry, notes: &mut Notes) -> Result<Vec<UnpairedRecord>, Reason> {
    let judged: Vec<(String, bool)> = match entry {
        Entry::Unpaired(record) => return Ok(vec![record.clone()]),
        Entry::Pair(record) => vec![(record.chosen.clone(), true), (record.rejected.clone(), false)],
        Entry::Ranking(record) => {
            require_order(record)?;
            let record = record.with_edit();
            if record.ranking.len() > 2 {
                notes.once("completions between the best and the worst of a ranking are left out");
            }
            let (best, worst) = (&record.ranking[0], &record.ranking[record.ranking.len() - 1]);
            let with = |group: &[usize], label: bool| -> Vec<(String, bool)> {
                group.iter().map(|&index| (record.completions[index].text.clone(), label)).collect()
            };
            [with(best, true), with(worst, false)].concat()
        }
        _ => return refuse(entry, "an unpaired completion: nobody judged it"),
    };
    notes.once("which completions were compared with each other is left out");
    let PromptRecord { prompt, extra } = prompts(entry, &mut Notes::default())?;
    let one = |(completion, label): (String, bool)| UnpairedRecord {
        prompt: prompt.clone(),
        completion,
        label,
        extra: extra.clone(),
    };
    Ok(judged.into_iter().filter(|(completion, _)| !completion.trim().is_empty()).map(one).collect())
}

/// The ranking of an entry; a pair is a ranking of two, or the edit of one completion, named by `ranking_id`, its `id`,
/// or its `number`.
pub(super) fn ranking(entry: &Entry, number: u64) -> Result<RankingRecord, Reason> {
    let untyped = |extra: &Map<String, Value>| {
        let mut extra = extra.clone();
        ["labeler", "seconds", "edit", EDITED].iter().for_each(|key| drop(extra.shift_remove(*key)));
        extra
    };
    let pair = match entry {
        Entry::Ranking(record) => return Ok(RankingRecord { extra: untyped(&record.extra), ..record.clone() }),
        Entry::Pair(record) => record,
        _ => return refuse(entry, "a ranking: it compares no completions"),
    };
    let name = [RANKING_ID, "id"].iter().find_map(|key| pair.extra.get(*key));
    let id = match name {
        Some(Value::String(id)) => id.clone(),
        Some(other) => other.to_string(),
        None => format!("pair-{number}"),
    };
    let (edit, completions, ranking) = match is_edited(&pair.extra) {
        true => (Some(Edit { of: None, text: pair.chosen.clone() }), vec![&pair.rejected], vec![vec![0]]),
        false => (None, vec![&pair.chosen, &pair.rejected], vec![vec![0], vec![1]]),
    };
    Ok(RankingRecord {
        id,
        prompt: pair.prompt.clone(),
        completions: completions.into_iter().map(Completion::from_text).collect(),
        ranking,
        edit,
        labeler: pair.extra.get("labeler").and_then(Value::as_str).map(str::to_owned),
        seconds: pair.extra.get("seconds").and_then(Value::as_f64).map(|seconds| seconds as f32),
        extra: untyped(&pair.extra),
    })
}

fn require_order(record: &RankingRecord) -> Result<(), Reason> {
    if record.ties_everything() { Err(Reason::TiesEverything) } else { Ok(()) }
}

fn from_parts(prompt: Prompt, completion: &str, extra: &Map<String, Value>) -> DemonstrationRecord {
    let mut extra = extra.clone();
    let mut label = |key: &str| match extra.shift_remove(key) {
        None => None,
        Some(Value::String(text)) => Some(text),
        Some(other) => Some(other.to_string()),
    };
    let (task, split) = (label("task"), label("split"));
    [RANKING_ID, "margin"].iter().for_each(|key| drop(extra.shift_remove(*key)));
    DemonstrationRecord { prompt, completion: completion.to_owned(), task, split, extra }
}
