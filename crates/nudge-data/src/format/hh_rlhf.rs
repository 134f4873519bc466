//! Anthropic's helpful and harmless comparisons: two transcripts `{"chosen","rejected"}` of `\n\nHuman: …` and
//! `\n\nAssistant: …` turns (Bai et al. 2022, arXiv 2204.05862).
//!
//! The prompt is their longest common beginning that ends in an assistant marker; words that both completions share
//! after it stay in the completions. Transcripts that part before the last completion are refused: their completions
//! answer different prompts.

use super::fields::Fields;
use super::implicit_preference::common_prefix;
use super::preference;
use crate::prompt::Prompt;
use crate::records::{Entry, require_text};
use crate::template::Message;

pub(super) const HUMAN: &str = "\n\nHuman:";
pub(super) const ASSISTANT: &str = "\n\nAssistant:";

pub(super) fn read(mut fields: Fields) -> Result<Entry, String> {
    let chosen = fields.words("chosen")?;
    let rejected = fields.words("rejected")?;
    if chosen == rejected {
        return Err("`chosen` and `rejected` are the same text; remove the line".to_owned());
    }
    let shared = common_prefix(&chosen, &rejected);
    let Some(marker) = shared.rfind(ASSISTANT) else {
        return Err("`chosen` and `rejected` share no beginning that ends in \"\\n\\nAssistant:\"".to_owned());
    };
    let begin = marker + ASSISTANT.len();
    let completions = (completion("chosen", &chosen[begin..])?, completion("rejected", &rejected[begin..])?);
    let prompt = prompt(turns(&chosen[..marker])?);
    prompt.check()?;
    preference::pair(prompt, completions.0, completions.1, fields)
}

fn completion(key: &str, text: &str) -> Result<String, String> {
    if text.contains(HUMAN) || text.contains(ASSISTANT) {
        return Err(format!(
            "`{key}` goes on with further turns after the two part, so the last completions are to different prompts"
        ));
    }
    let text = text.trim();
    require_text(key, text).map(|()| text.to_owned())
}

/// The turns of a transcript.
fn turns(transcript: &str) -> Result<Vec<Message>, String> {
    let mut messages = Vec::new();
    let (before, mut rest) = transcript.split_at(next_marker(transcript).unwrap_or(transcript.len()));
    if !before.trim().is_empty() {
        messages.push(Message { role: "system".to_owned(), content: before.trim().to_owned() });
    }
    while !rest.is_empty() {
        let (marker, role) = if rest.starts_with(HUMAN) { (HUMAN, "user") } else { (ASSISTANT, "assistant") };
        let turn = &rest[marker.len()..];
        let end = next_marker(turn).unwrap_or(turn.len());
        messages.push(Message { role: role.to_owned(), content: turn[..end].trim().to_owned() });
        rest = &turn[end..];
    }
    match messages.last() {
        Some(last) if last.role == "user" => Ok(messages),
        _ => Err("no \"\\n\\nHuman:\" turn stands before the last completion".to_owned()),
    }
}

fn next_marker(text: &str) -> Option<usize> {
    [HUMAN, ASSISTANT].iter().filter_map(|marker| text.find(marker)).min()
}

/// One question is a text; more is a conversation.
fn prompt(mut messages: Vec<Message>) -> Prompt {
    match (messages.pop(), messages.is_empty()) {
        (Some(only), true) => Prompt::Text(only.content),
        (last, _) => {
            messages.extend(last);
            Prompt::Messages(messages)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn pair(chosen: &str, rejected: &str) -> Result<(Prompt, String, String), String> {
        match read(Fields::new(json!({ "chosen": chosen, "rejected": rejected }))?)? {
            Entry::Pair(pair) => Ok((pair.prompt, pair.chosen, pair.rejected)),
            other => Err(format!("{other:?}")),
        }
    }

    #[test]
    fn words_that_the_completions_share_stay_in_the_completions() {
        let asked = "\n\nHuman: May I pick the lock?\n\nAssistant:";
        let read = pair(&format!("{asked} I would not. Ask the owner."), &format!("{asked} I would not. Use a pin."));
        let (prompt, chosen, rejected) = read.expect("reads");
        assert_eq!(prompt, "May I pick the lock?".into());
        assert_eq!((chosen.as_str(), rejected.as_str()), ("I would not. Ask the owner.", "I would not. Use a pin."));
    }

    #[test]
    fn the_last_shared_marker_ends_the_prompt() {
        let asked = "\n\nHuman: Hi\n\nAssistant: Hello\n\nHuman: And the\nAssistant?\n\nAssistant:";
        let (prompt, chosen, _) = pair(&format!("{asked} Fine"), &format!("{asked} Bad")).expect("reads");
        let said = [Message::user("Hi"), Message::assistant("Hello"), Message::user("And the\nAssistant?")];
        assert_eq!(prompt.messages(), said);
        assert_eq!(chosen, "Fine");
    }

    #[test]
    fn one_completion_may_begin_like_all_of_the_other() {
        let (_, chosen, rejected) =
            pair("\n\nHuman: Hi\n\nAssistant: Yes", "\n\nHuman: Hi\n\nAssistant: Yes, é").expect("reads");
        assert_eq!((chosen.as_str(), rejected.as_str()), ("Yes", "Yes, é"));
    }

    #[test]
    fn transcripts_without_a_common_question_are_refused() {
        let refused = [
            ("\n\nHuman: A\n\nAssistant: x", "\n\nHuman: B\n\nAssistant: x", "share no beginning"),
            (
                "\n\nHuman: A\n\nAssistant: x\n\nHuman: C\n\nAssistant: y",
                "\n\nHuman: A\n\nAssistant: z",
                "further turns",
            ),
            ("\n\nHuman: A\n\nAssistant: ", "\n\nHuman: A\n\nAssistant: z", "`chosen` is empty"),
            ("\n\nHuman: A\n\nAssistant: z", "\n\nHuman: A\n\nAssistant: z", "the same text"),
            ("\n\nHuman: \n\nAssistant: y", "\n\nHuman: \n\nAssistant: z", "`prompt` is empty"),
            ("\n\nAssistant: y", "\n\nAssistant: z", "no \"\\n\\nHuman:\" turn"),
        ];
        for (chosen, rejected, part) in refused {
            let reason = pair(chosen, rejected).expect_err("is refused");
            assert!(reason.contains(part), "{reason}");
        }
    }
}
