//! The chat template: Jinja text that says what surrounds a prompt.
//!
//! Templates are rendered as transformers' `apply_chat_template` renders them, with minijinja ([`engine`]), within
//! limits ([`limits`], [`rewrite`]), because a template is a program that came with somebody's model. To tell the
//! messages from the template in the result, they are marked while it runs ([`rendering`]).
//!
//! It lacks tools, documents and images, and a clock: see [`ChatTemplate::with_date`].

mod date;
mod engine;
mod json;
mod limits;
mod rendering;
mod rewrite;

use minijinja::{Environment, Error, ErrorKind, Value, context};
use serde::{Deserialize, Serialize};

pub use self::date::Date;
pub(crate) use self::rendering::Rendering;
use crate::error::DataError;

/// The template of a tokenizer that Nudge trained.
pub const NUDGE_CHAT_TEMPLATE: &str = "{% for message in messages %}\
    {% if message['role'] == 'user' %}<|user|>{{ message['content'] }}\
    {% elif message['role'] == 'assistant' %}<|assistant|>{{ message['content'] }}<|endoftext|>\
    {% endif %}{% endfor %}{% if add_generation_prompt %}<|assistant|>{% endif %}";

const TEMPLATE_NAME: &str = "chat_template";

/// One turn of a conversation.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Message {
    /// `user`, `assistant` or `system`.
    pub role: String,
    /// What was said.
    pub content: String,
}

impl Message {
    /// The user's turn.
    pub fn user(content: impl Into<String>) -> Self {
        Self { role: "user".to_owned(), content: content.into() }
    }

    /// The assistant's turn.
    pub fn assistant(content: impl Into<String>) -> Self {
        Self { role: "assistant".to_owned(), content: content.into() }
    }

    /// Instructions that stand before the conversation.
    pub fn system(content: impl Into<String>) -> Self {
        Self { role: "system".to_owned(), content: content.into() }
    }
}

/// A compiled chat template.
#[derive(Debug, Clone)]
pub struct ChatTemplate {
    environment: Environment<'static>,
    source: String,
    bos_token: String,
    eos_token: String,
}

impl ChatTemplate {
    /// Compiles a template with the settings and the functions of transformers.
    ///
    /// The names of the tokens are what the template prints for `bos_token` and `eos_token`; an empty one is none.
    ///
    /// # Errors
    ///
    /// [`DataError::ChatTemplate`] if it does not compile, or reads other templates or files.
    pub fn new(source: &str, bos_token: &str, eos_token: &str) -> Result<Self, DataError> {
        let template = Self {
            environment: engine::compile(source).map_err(|reason| DataError::ChatTemplate { reason })?,
            source: source.to_owned(),
            bos_token: bos_token.to_owned(),
            eos_token: eos_token.to_owned(),
        };
        // SmolLM3's takes it for granted that there is a clock; Llama's asks.
        let needs_a_date = source.contains("strftime_now") && !source.contains("strftime_now is defined");
        Ok(if needs_a_date { template.with_date(Date::FIXED) } else { template })
    }

    /// The same template on a day: `strftime_now` formats it.
    ///
    /// transformers gives the day of the call. Here a prompt is the same on every day: without a date `strftime_now` is
    /// undefined for templates that ask whether it is there, and carry a date for when it is not; for others it
    /// formats [`Date::FIXED`].
    pub fn with_date(mut self, date: Date) -> Self {
        self.environment.add_function("strftime_now", move |format: &str| date.strftime(format));
        self
    }

    /// The Jinja text.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// The conversation as the template writes it. With `add_generation_prompt` it ends where the
    /// assistant's completion begins.
    ///
    /// # Errors
    ///
    /// [`DataError::ChatTemplate`] if the template fails, refuses the conversation, does not come to an end or prints
    /// more than 10 MB.
    pub fn render(&self, messages: &[Message], add_generation_prompt: bool) -> Result<String, DataError> {
        let messages: Vec<Value> =
            messages.iter().map(|Message { role, content }| context! { role, content }).collect();
        let template = self.environment.get_template(TEMPLATE_NAME).map_err(template_error)?;
        let token = |name: &str| if name.is_empty() { Value::UNDEFINED } else { Value::from(name) };
        let rendered = template
            .render(context! {
                messages,
                add_generation_prompt,
                bos_token => token(&self.bos_token),
                eos_token => token(&self.eos_token),
                tools => (),
                documents => (),
            })
            .map_err(template_error)?;
        match rendered.len() > limits::MAX_OUTPUT {
            true => {
                Err(DataError::ChatTemplate { reason: format!("it prints more than {} bytes", limits::MAX_OUTPUT) })
            }
            false => Ok(rendered),
        }
    }
}

fn template_error(error: Error) -> DataError {
    let reason = match error.kind() {
        ErrorKind::OutOfFuel => limits::OUT_OF_INSTRUCTIONS.to_owned(),
        _ => error.to_string(),
    };
    DataError::ChatTemplate { reason }
}

#[cfg(test)]
mod hostile_tests;
#[cfg(test)]
mod tests;
