//! Renderings in which the messages are told from the template.
//!
//! A private-use character goes before and behind each content while the template runs, and the rendering is cut at
//! them. Templates may look into a content (Qwen3 cuts it at `</think>` and drops what a model thought in earlier
//! turns), and a mark must not change what they find. So the marked rendering counts only if, without its marks, it is
//! the plain one. Where it is not, fewer marks are tried, then a search for the contents in their order; what is found
//! so is [`Rendering::exact`] no more, and who encodes it has to look at the contents.

use std::ops::Range;

use super::engine::is_blank;
use super::{ChatTemplate, Message};
use crate::error::DataError;

/// A rendered conversation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Rendering {
    /// What the template printed.
    pub(crate) text: String,
    /// Where each message's content lies in the text, without blanks around it, in order.
    pub(crate) contents: Vec<Range<usize>>,
    /// True if all text outside `contents` is the template's. If not, pieces of the messages may be there.
    pub(crate) exact: bool,
}

impl Rendering {
    /// Text of which no part is a message's.
    pub(crate) fn template_text(text: &str) -> Self {
        Self { text: text.to_owned(), contents: Vec::new(), exact: true }
    }
}

/// Which marks are tried.
#[derive(Clone, Copy)]
struct Marks {
    open: Option<char>,
    close: char,
    /// True if contents of nothing but blanks get marks too. A template may ask whether there is any content.
    blank: bool,
}

impl ChatTemplate {
    /// The conversation as the template writes it, with the place of each message.
    pub(crate) fn locate(&self, messages: &[Message], add_generation_prompt: bool) -> Result<Rendering, DataError> {
        let text = self.render(messages, add_generation_prompt)?;
        let [open, close] = unused_characters(messages, &text);
        for (open, blank) in [(Some(open), true), (Some(open), false), (None, true), (None, false)] {
            let marks = Marks { open, close, blank };
            let marked: Vec<Message> = messages.iter().map(|message| marks.mark(message)).collect();
            let Ok(rendered) = self.render(&marked, add_generation_prompt) else { continue };
            if let Some(rendering) = marks.read(&rendered, &text, messages) {
                return Ok(rendering);
            }
        }
        search(text, messages)
    }
}

impl Marks {
    /// The marks stand inside the outer blanks, so that a template that trims still can.
    fn mark(self, Message { role, content }: &Message) -> Message {
        let trimmed = content.trim_matches(is_blank);
        if trimmed.is_empty() && !self.blank {
            return Message { role: role.clone(), content: content.clone() };
        }
        let from = content.len() - content.trim_start_matches(is_blank).len();
        let (before, rest) = content.split_at(from);
        let open = self.open.map(String::from).unwrap_or_default();
        let content = format!("{before}{open}{trimmed}{}{}", self.close, &rest[trimmed.len()..]);
        Message { role: role.clone(), content }
    }

    /// The places of the contents, if the marks changed nothing and came back in order.
    fn read(self, rendered: &str, text: &str, messages: &[Message]) -> Option<Rendering> {
        let mut places = Places { messages: messages.iter(), blank: self.blank, contents: Vec::new() };
        let mut plain = String::with_capacity(text.len());
        let mut opened = None;
        for character in rendered.chars() {
            if Some(character) == self.open {
                if opened.replace(plain.len()).is_some() {
                    return None;
                }
            } else if character == self.close {
                let from = if self.open.is_some() { Some(opened.take()?) } else { None };
                places.close(&plain, from)?;
            } else {
                plain.push(character);
            }
        }
        let contents = places.finish()?;
        (plain == text && opened.is_none()).then(|| Rendering { text: plain, contents, exact: self.open.is_some() })
    }
}

/// Hands the closing marks out to the messages.
struct Places<'m> {
    messages: std::slice::Iter<'m, Message>,
    blank: bool,
    contents: Vec<Range<usize>>,
}

impl Places<'_> {
    fn end(&self) -> usize {
        self.contents.last().map_or(0, |content| content.end)
    }

    /// A message without marks has no place of its own; it gets the end of the one before.
    fn skip_unmarked(&mut self) -> Option<&str> {
        loop {
            let content = self.messages.next()?.content.trim_matches(is_blank);
            if self.blank || !content.is_empty() {
                return Some(content);
            }
            self.contents.push(self.end()..self.end());
        }
    }

    fn close(&mut self, plain: &str, from: Option<usize>) -> Option<()> {
        let earliest = self.end();
        let content = self.skip_unmarked()?;
        let from = match from {
            Some(from) => (&plain[from..] == content).then_some(from)?,
            None => plain.len() - common_suffix(&plain[earliest..], content),
        };
        self.contents.push(from..plain.len());
        Some(())
    }

    /// `None` if a mark is missing.
    fn finish(mut self) -> Option<Vec<Range<usize>>> {
        match self.skip_unmarked() {
            None => Some(self.contents),
            Some(_) => None,
        }
    }
}

/// The length in bytes of the longest end that both texts have.
fn common_suffix(a: &str, b: &str) -> usize {
    a.chars().rev().zip(b.chars().rev()).take_while(|(a, b)| a == b).map(|(a, _)| a.len_utf8()).sum()
}

/// Finds contents that can not bear marks. Each has to occur once behind the one before.
fn search(text: String, messages: &[Message]) -> Result<Rendering, DataError> {
    let mut contents = Vec::with_capacity(messages.len());
    let mut at = 0;
    for Message { role, content } in messages {
        let content = content.trim_matches(is_blank);
        if content.is_empty() {
            contents.push(at..at);
            continue;
        }
        let found: Vec<usize> = text[at..].match_indices(content).map(|(found, _)| at + found).take(2).collect();
        let reason = match found[..] {
            [from] => {
                at = from + content.len();
                contents.push(from..at);
                continue;
            }
            [] => "it does not print every message whole; a template has to print message['content'] once for each of \
                   the roles that occur"
                .to_owned(),
            _ => format!(
                "it looks into the messages, and the {role}'s text {:?} can not be told from the same text elsewhere; \
                 change the message, or take a template that prints message['content'] as it is",
                content.chars().take(40).collect::<String>()
            ),
        };
        return Err(DataError::ChatTemplate { reason });
    }
    Ok(Rendering { text, contents, exact: false })
}

/// Two characters that occur nowhere, from a plane that is assigned to nobody.
fn unused_characters(messages: &[Message], text: &str) -> [char; 2] {
    let unused = |character: &char| {
        !text.contains(*character) && !messages.iter().any(|message| message.content.contains(*character))
    };
    let mut characters = ('\u{f0000}'..='\u{10fffd}').filter(unused);
    let mut next = || characters.next().expect("no text that can be rendered holds 131,000 private characters");
    [next(), next()]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn locate(source: &str, messages: &[Message]) -> Result<Rendering, DataError> {
        ChatTemplate::new(source, "<s>", "</s>").expect("compiles").locate(messages, false)
    }

    /// The pieces of the rendering: template, content, template, ..., template.
    fn pieces(source: &str, messages: &[Message]) -> (Vec<String>, bool) {
        let Rendering { text, contents, exact } = locate(source, messages).expect("renders");
        let mut at = 0;
        let mut pieces = Vec::new();
        for content in contents {
            pieces.extend([text[at..content.start].to_owned(), text[content.clone()].to_owned()]);
            at = content.end;
        }
        pieces.push(text[at..].to_owned());
        (pieces, exact)
    }

    fn pieces_of(source: &str, prompt: &str) -> (Vec<String>, bool) {
        pieces(source, &[Message::user(prompt)])
    }

    fn expected(pieces: &[&str], exact: bool) -> (Vec<String>, bool) {
        (pieces.iter().map(|&piece| piece.to_owned()).collect(), exact)
    }

    #[test]
    fn what_the_user_wrote_is_told_from_the_rest() {
        let prompt = " <s>\u{f0000}\n";
        let source = "{{ bos_token }}{{ messages[0].content }}{{ eos_token }}";
        assert_eq!(pieces_of(source, prompt), expected(&["<s> ", "<s>\u{f0000}", "\n</s>"], true));
        let source = "a{{ messages[0].content | trim }}b";
        assert_eq!(pieces_of(source, prompt), expected(&["a", "<s>\u{f0000}", "b"], true));
        assert_eq!(pieces_of("{{ messages[0].content }}", ""), expected(&["", "", ""], true));
        assert_eq!(pieces_of("\u{f0000}{{ messages[0].content }}", "a"), expected(&["\u{f0000}", "a", ""], true));
    }

    #[test]
    fn a_template_that_looks_into_the_messages_sees_no_marks() {
        let source = "{% for m in messages %}{% set c = m.content %}[{{ m.role }}]\
                      {{ c.split('</think>')[-1].lstrip('\\n') }}{% if c.startswith('!') %}?{% endif %};{% endfor %}";
        let messages = [Message::user("Hi"), Message::assistant("<think>\nHm.\n</think>\n\nHo"), Message::user("Why")];
        let told = expected(&["[user]", "Hi", ";[assistant]", "Ho", ";[user]", "Why", ";"], false);
        assert_eq!(pieces(source, &messages), told);
        let messages = [Message::user("Hi"), Message::assistant("Ho")];
        assert_eq!(pieces(source, &messages), expected(&["[user]", "Hi", ";[assistant]", "Ho", ";"], true));
        // With a mark before it, the text would no longer start so.
        assert_eq!(pieces_of(source, "!Hi"), expected(&["[user]", "!Hi", "?;"], false));
        // With a mark behind it, neither would it end so.
        let both = "{{ messages[0].content }}{{ messages[0].content == 'Hi' }}";
        assert_eq!(pieces_of(both, "Hi"), expected(&["", "Hi", "True"], false));
        let twice = locate("Hi{{ messages[0].content }}{{ messages[0].content == 'Hi' }}", &[Message::user("Hi")]);
        assert!(twice.expect_err("is refused").to_string().contains("can not be told"));
    }

    #[test]
    fn a_template_may_leave_an_empty_message_out() {
        let source = "{% for m in messages %}{% if m.content %}[{{ m.role }}]{{ m.content }}{% endif %}{% endfor %}";
        let messages = [Message::system(" "), Message::system(""), Message::user("Hi")];
        assert_eq!(pieces(source, &messages), expected(&["", "", "", "", "[system] [user]", "Hi", ""], true));
    }

    #[test]
    fn a_message_that_is_left_out_is_missed() {
        for source in ["nothing", "{{ messages[0].content[1:] }}", "{{ messages[1].content }}"] {
            let error = locate(source, &[Message::user("abc"), Message::assistant("de")]).expect_err("is refused");
            assert!(error.to_string().contains("does not print"), "{source}: {error}");
        }
    }
}
