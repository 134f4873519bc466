//! The chat template: Jinja text that says what surrounds a prompt.
//!
//! Rendering is minijinja's; this file gives it what templates written for Hugging Face expect. To
//! tell the user's words from the template's in the result, it marks them while the template runs.
//!
//! It lacks tools, images and a clock.

use minijinja::syntax::SyntaxConfig;
use minijinja::{Environment, ErrorKind, Value, context};
use serde::{Deserialize, Serialize};

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
}

/// A stretch of rendered text, by who wrote it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Part {
    /// From the template; may name special tokens.
    Template(String),
    /// From the user; plain text whatever it says.
    Content(String),
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
    /// Compiles a template with the settings and the functions that Hugging Face templates expect.
    ///
    /// There is no clock: `strftime_now` stays undefined, for which templates carry a fixed date.
    ///
    /// # Errors
    ///
    /// [`DataError::ChatTemplate`] if it does not compile.
    pub fn new(source: &str, bos_token: &str, eos_token: &str) -> Result<Self, DataError> {
        let mut environment = Environment::new();
        environment.set_syntax(hugging_face_syntax()?);
        environment.set_unknown_method_callback(minijinja_contrib::pycompat::unknown_method_callback);
        environment.add_function("raise_exception", raise_exception);
        environment.add_template_owned(TEMPLATE_NAME, source.to_owned()).map_err(template_error)?;
        Ok(Self {
            environment,
            source: source.to_owned(),
            bos_token: bos_token.to_owned(),
            eos_token: eos_token.to_owned(),
        })
    }

    /// The Jinja text.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// The conversation as the template writes it. With `add_generation_prompt` it ends where the
    /// assistant's answer begins.
    ///
    /// # Errors
    ///
    /// [`DataError::ChatTemplate`] if the template fails or refuses the conversation.
    pub fn render(&self, messages: &[Message], add_generation_prompt: bool) -> Result<String, DataError> {
        let messages: Vec<Value> =
            messages.iter().map(|Message { role, content }| context! { role, content }).collect();
        let template = self.environment.get_template(TEMPLATE_NAME).map_err(template_error)?;
        template
            .render(context! {
                messages,
                add_generation_prompt,
                bos_token => self.bos_token.as_str(),
                eos_token => self.eos_token.as_str(),
                tools => (),
                documents => (),
            })
            .map_err(template_error)
    }

    /// A conversation up to where the answer begins, cut by who wrote what.
    pub(crate) fn render_prompt(&self, messages: &[Message]) -> Result<Vec<Part>, DataError> {
        let mark = unused_character(messages);
        let marked: Vec<Message> = messages.iter().map(|message| marked(message, mark)).collect();
        let rendered = self.render(&marked, true)?;
        let parts: Vec<Part> = rendered
            .split(mark)
            .enumerate()
            .map(|(index, text)| match index % 2 {
                0 => Part::Template(text.to_owned()),
                _ => Part::Content(text.to_owned()),
            })
            .collect();
        // Two marks a message leave an odd number of parts.
        if parts.len() != 2 * messages.len() + 1 {
            return Err(DataError::ChatTemplate {
                reason: "it does not print every message whole; a template has to print \
                         message['content'] once for each of the roles that occur"
                    .to_owned(),
            });
        }
        Ok(parts)
    }
}

/// The message with `mark` before and behind its text, inside the outer whitespace, so that a template that trims
/// still can.
fn marked(Message { role, content }: &Message, mark: char) -> Message {
    let from = content.len() - content.trim_start().len();
    let to = from + content.trim().len();
    let content = format!("{}{mark}{}{mark}{}", &content[..from], &content[from..to], &content[to..]);
    Message { role: role.clone(), content }
}

/// A character that no message holds, from a plane that is assigned to nobody.
fn unused_character(messages: &[Message]) -> char {
    ('\u{f0000}'..='\u{10fffd}')
        .find(|&character| !messages.iter().any(|message| message.content.contains(character)))
        .expect("no text that fits in a context holds 131,000 different private characters")
}

fn hugging_face_syntax() -> Result<SyntaxConfig, DataError> {
    SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build().map_err(template_error)
}

/// Lets a template refuse a conversation, as Hugging Face templates do.
fn raise_exception(message: String) -> Result<String, minijinja::Error> {
    Err(minijinja::Error::new(ErrorKind::InvalidOperation, message))
}

fn template_error(error: minijinja::Error) -> DataError {
    DataError::ChatTemplate { reason: error.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn template(source: &str) -> ChatTemplate {
        ChatTemplate::new(source, "<s>", "</s>").expect("compiles")
    }

    fn parts(source: &str, prompt: &str) -> Vec<Part> {
        template(source).render_prompt(&[Message::user(prompt)]).expect("renders")
    }

    #[test]
    fn the_own_template_prints_turns() {
        let chat = template(NUDGE_CHAT_TEMPLATE);
        let messages = [Message::user("Hi"), Message::assistant("Ho")];
        assert_eq!(chat.render(&messages, false).expect("renders"), "<|user|>Hi<|assistant|>Ho<|endoftext|>");
        assert_eq!(chat.render(&messages[..1], true).expect("renders"), "<|user|>Hi<|assistant|>");
    }

    #[test]
    fn what_the_user_wrote_is_told_from_the_rest() {
        let expected = |before: &str, content: &str, after: &str| {
            [Part::Template(before.to_owned()), Part::Content(content.to_owned()), Part::Template(after.to_owned())]
        };
        let prompt = " <s>\u{f0000}\n";
        assert_eq!(
            parts("{{ bos_token }}{{ messages[0].content }}{{ eos_token }}", prompt),
            expected("<s> ", "<s>\u{f0000}", "\n</s>")
        );
        assert_eq!(parts("a{{ messages[0].content | trim }}b", prompt), expected("a", "<s>\u{f0000}", "b"));
        assert_eq!(parts("{{ messages[0].content }}", ""), expected("", "", ""));
    }

    #[test]
    fn blocks_leave_no_lines_and_absent_things_are_false() {
        let source = "{% if tools is none and not documents %}\n  {% if strftime_now is defined %}\n\
                      clock{% endif %}\n{{ messages[0].role }}\n{% endif %}\n";
        let rendered = template(source).render(&[Message::user("a")], true);
        assert_eq!(rendered.expect("renders"), "user\n");
    }

    #[test]
    fn broken_templates_say_why() {
        let compile = ChatTemplate::new("{% for %}", "", "").expect_err("is refused");
        assert!(compile.to_string().contains("syntax error"), "{compile}");
        let fails = |source: &str| {
            let error = template(source).render_prompt(&[Message::user("a")]).expect_err("is refused");
            error.to_string()
        };
        assert!(fails("{{ raise_exception('roles must alternate') }}").contains("must alternate"));
        assert!(fails("nothing").contains("does not print"));
        assert!(fails("{{ messages[0].content[1:] }}").contains("does not print"));
    }
}
