//! Questions and answers: `{"question","answer"}` or `{"q","a"}`.
//!
//! A `context` becomes the prompt's second paragraph. It lacks several answers to one question.

use super::fields::Fields;
use super::{alpaca, prompt_completion};
use crate::records::Entry;

pub(super) fn read(mut fields: Fields) -> Result<Entry, String> {
    let short = fields.has("q") && !fields.has("question");
    let (question, answer) = if short { ("q", "a") } else { ("question", "answer") };
    let question = fields.words(question)?;
    let prompt = prompt_completion::with_input(question, alpaca::input(&mut fields, "context")?);
    let completion = fields.words(answer)?;
    Ok(prompt_completion::demonstration(prompt, completion, fields))
}
