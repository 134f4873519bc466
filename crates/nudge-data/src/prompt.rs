//! What a model is asked: one text, or a conversation that ends with somebody else's turn.
//!
//! Both are written to JSON as TRL writes them: a string, or a list of `{"role","content"}`. A text is a conversation
//! of one user's turn. It lacks tools and images.

use std::fmt;

use serde::de::{Deserializer, SeqAccess, Visitor};
use serde::{Deserialize, Serialize};

use crate::template::Message;

/// A prompt to answer.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(untagged)]
pub enum Prompt {
    /// The user's only turn.
    Text(String),
    /// A conversation so far, oldest turn first.
    Messages(Vec<Message>),
}

impl Prompt {
    /// The conversation that it stands for.
    pub fn messages(&self) -> Vec<Message> {
        match self {
            Self::Text(text) => vec![Message::user(text.as_str())],
            Self::Messages(messages) => messages.clone(),
        }
    }

    /// The same without whitespace at the end, where the completion begins.
    pub fn trim_end(&self) -> Self {
        let mut prompt = self.clone();
        let last = match &mut prompt {
            Self::Text(text) => Some(text),
            Self::Messages(messages) => messages.last_mut().map(|message| &mut message.content),
        };
        if let Some(text) = last {
            text.truncate(text.trim_end().len());
        }
        prompt
    }

    /// True if nothing is asked: no turn, or a last turn of nothing but whitespace.
    pub fn is_empty(&self) -> bool {
        match self {
            Self::Text(text) => text.trim().is_empty(),
            Self::Messages(messages) => messages.last().is_none_or(|message| message.content.trim().is_empty()),
        }
    }

    /// Checks that an assistant can answer it.
    ///
    /// # Errors
    ///
    /// What is wrong with it and how to mend it, to be put behind the name of its field.
    pub fn check(&self) -> Result<(), String> {
        if self.is_empty() {
            return Err("`prompt` is empty; fill it or remove the line".to_owned());
        }
        let Self::Messages(messages) = self else { return Ok(()) };
        match messages.last() {
            Some(last) if last.role == "assistant" => {
                Err("`prompt` ends with the assistant's turn, so there is nothing to answer; end it with the user's"
                    .to_owned())
            }
            _ => Ok(()),
        }
    }
}

/// A text as it is; a conversation with the speaker before each turn.
impl fmt::Display for Prompt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => f.write_str(text),
            Self::Messages(messages) => {
                for (index, Message { role, content }) in messages.iter().enumerate() {
                    let gap = if index == 0 { "" } else { "\n\n" };
                    write!(f, "{gap}{role}: {content}")?;
                }
                Ok(())
            }
        }
    }
}

impl From<&str> for Prompt {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Prompt {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<Vec<Message>> for Prompt {
    fn from(messages: Vec<Message>) -> Self {
        Self::Messages(messages)
    }
}

/// By hand, because serde's own message for two alternatives names neither.
impl<'de> Deserialize<'de> for Prompt {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(PromptVisitor)
    }
}

struct PromptVisitor;

impl<'de> Visitor<'de> for PromptVisitor {
    type Value = Prompt;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text or a list of messages {\"role\",\"content\"}")
    }

    fn visit_str<E>(self, text: &str) -> Result<Prompt, E> {
        Ok(text.into())
    }

    fn visit_string<E>(self, text: String) -> Result<Prompt, E> {
        Ok(text.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Prompt, A::Error> {
        let mut messages = Vec::new();
        while let Some(message) = items.next_element()? {
            messages.push(message);
        }
        Ok(Prompt::Messages(messages))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(json: &str) -> Result<Prompt, String> {
        serde_json::from_str(json).map_err(|error| error.to_string())
    }

    #[test]
    fn both_forms_survive_json() {
        for json in [r#""Why?""#, r#"[{"role":"system","content":"Be kind."},{"role":"user","content":"Why?"}]"#] {
            assert_eq!(serde_json::to_string(&parsed(json).expect("reads")).expect("writes"), json);
        }
        assert!(parsed("3").expect_err("is refused").contains("expected a text or a list of messages"));
        assert!(parsed(r#"[{"role":"user"}]"#).expect_err("is refused").contains("`content`"));
    }

    #[test]
    fn a_text_is_one_users_turn() {
        assert_eq!(Prompt::from("Why?").messages(), [Message::user("Why?")]);
        let talk = Prompt::from(vec![Message::user("Hi"), Message::assistant("Ho"), Message::user("Why? \n")]);
        assert_eq!(talk.to_string(), "user: Hi\n\nassistant: Ho\n\nuser: Why? \n");
        assert_eq!(talk.trim_end().messages()[2].content, "Why?");
    }

    #[test]
    fn what_can_not_be_answered_is_refused() {
        assert_eq!(Prompt::from("Why?").check(), Ok(()));
        for empty in [Prompt::from(" \n"), Prompt::from(vec![]), Prompt::from(vec![Message::user(" ")])] {
            assert!(empty.check().expect_err("is refused").contains("is empty"));
        }
        let answered = Prompt::from(vec![Message::user("Hi"), Message::assistant("Ho")]);
        assert!(answered.check().expect_err("is refused").contains("assistant's turn"));
    }
}
