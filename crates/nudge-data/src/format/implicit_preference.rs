//! TRL preference without a prompt: `{"chosen","rejected"}`, both beginning with what was asked.
//!
//! Of messages, the prompt is the common beginning. Of texts it is the longest common beginning that ends where a word
//! ends, as TRL's `extract_prompt` finds it, except that TRL may cut within a word. The binarized UltraFeedback, whose
//! `prompt` only repeats what `chosen` and `rejected` carry, is read here too.

use serde_json::{Map, Value};

use super::fields::Fields;
use super::{messages, preference};
use crate::prompt::Prompt;
use crate::records::{Entry, PairRecord, require_text};
use crate::template::Message;

/// True if the completions are lists of messages that begin with what was asked.
pub(super) fn carries_prompt(fields: &Fields) -> bool {
    let several = |key| fields.peek(key).and_then(Value::as_array).is_some_and(|messages| messages.len() > 1);
    several("chosen") && several("rejected")
}

pub(super) fn read(mut fields: Fields) -> Result<Entry, String> {
    if matches!(fields.peek("chosen"), Some(Value::Array(_))) {
        let chosen = fields.messages("chosen")?;
        let rejected = fields.messages("rejected")?;
        let (messages, chosen, rejected) = split_messages(chosen, rejected)?;
        if fields.has("prompt") && !repeats(&fields.prompt()?, &messages) {
            return Err("`prompt` is not what `chosen` and `rejected` begin with; correct one of them".to_owned());
        }
        return preference::pair(Prompt::Messages(messages), chosen, rejected, fields);
    }
    let chosen = fields.words("chosen")?;
    let rejected = fields.words("rejected")?;
    let (prompt, chosen, rejected) = split_texts(&chosen, &rejected)?;
    preference::pair(Prompt::Text(prompt), chosen, rejected, fields)
}

/// True if the prompt is among the messages already.
fn repeats(prompt: &Prompt, messages: &[Message]) -> bool {
    match prompt {
        Prompt::Text(text) => messages.iter().any(|message| message.content.trim() == text.trim()),
        Prompt::Messages(prompt) => messages.ends_with(prompt),
    }
}

fn split_messages(mut chosen: Vec<Message>, rejected: Vec<Message>) -> Result<(Vec<Message>, String, String), String> {
    if chosen == rejected {
        return Err("`chosen` and `rejected` are the same messages; remove the line".to_owned());
    }
    let shared = chosen.iter().zip(&rejected).take_while(|(a, b)| a == b).count();
    if shared == 0 {
        return Err("`chosen` and `rejected` begin with different messages, so they answer no common prompt".to_owned());
    }
    let rest = chosen.split_off(shared);
    let after = |key: &str, rest: Vec<Message>| {
        let turns = rest.len();
        let completion = messages::only_completion(key, rest)
            .map_err(|_| format!("`{key}` goes on for {turns} messages after the common ones, expected one"))?;
        require_text(key, &completion).map(|()| completion)
    };
    let completions = (after("chosen", rest)?, after("rejected", rejected[shared..].to_vec())?);
    Prompt::Messages(chosen.clone()).check()?;
    Ok((chosen, completions.0, completions.1))
}

fn split_texts(chosen: &str, rejected: &str) -> Result<(String, String, String), String> {
    if chosen == rejected {
        return Err("`chosen` and `rejected` are the same text; remove the line".to_owned());
    }
    let shared = common_prefix(chosen, rejected);
    // The shared words of the completions can not be told from the prompt's, but a word is never cut in two.
    let ends_word = |text: &str| text[shared.len()..].chars().next().is_none_or(char::is_whitespace);
    let prompt = if ends_word(chosen) && ends_word(rejected) {
        shared.trim_end()
    } else {
        shared.rfind(char::is_whitespace).map_or("", |end| shared[..end].trim_end())
    };
    if prompt.is_empty() {
        return Err("`chosen` and `rejected` begin with different words, so they show no common prompt; add `prompt`"
            .to_owned());
    }
    let (chosen, rejected) = (&chosen[prompt.len()..], &rejected[prompt.len()..]);
    for (key, completion) in [("chosen", chosen), ("rejected", rejected)] {
        if completion.trim().is_empty() {
            return Err(format!("`{key}` says nothing after the common beginning; remove the line"));
        }
    }
    Ok((prompt.to_owned(), chosen.to_owned(), rejected.to_owned()))
}

/// The longest common beginning of two texts.
pub(super) fn common_prefix<'a>(a: &'a str, b: &str) -> &'a str {
    let end = a.char_indices().zip(b.chars()).find(|((_, a), b)| a != b).map(|((index, _), _)| index);
    &a[..end.unwrap_or(a.len().min(b.len()))]
}

/// As messages, because a text would not tell where the prompt ends.
pub(super) fn write(record: &PairRecord) -> Map<String, Value> {
    let with = |completion: &str| {
        let mut messages = record.prompt.messages();
        messages.push(Message::assistant(completion));
        messages::write(&messages, ("role", "content"), str::to_owned)
    };
    Map::from_iter([("chosen".to_owned(), with(&record.chosen)), ("rejected".to_owned(), with(&record.rejected))])
}
