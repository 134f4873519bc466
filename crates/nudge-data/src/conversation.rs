//! Conversations as token ids, with a mask that says which of them are learnt.
//!
//! Each assistant's turn is learnt from where generation would begin to where it would stop: from the end of the
//! rendering with a generation prompt, up to the first special token that the template prints behind the content
//! (`<|im_end|>`, `<|eot_id|>`, `<end_of_turn>`), which is included. A template that prints none gets the end token of
//! the tokenizer there. What follows within the turn, such as ChatML's line end, is not learnt.
//!
//! A turn is learnt only if the conversation shows it as generation would have produced it: the conversation up to that
//! turn, rendered by itself, must be how the whole begins. Qwen3 leaves the thinking out of earlier turns, and Mistral
//! moves the system's text to the last user's turn. There only the turns that are still as they were generated are
//! learnt, often the last alone; to learn the others too, encode the conversation once up to each of them.
//!
//! # Tokens at the borders
//!
//! The messages' text can not form special tokens, wherever it stands. Plain text between two special tokens is encoded
//! in one go, whoever wrote it, as tokenizing the rendered text would. One border is kept apart: where a learnt stretch
//! begins, because generation too sees the prompt's tokens before there are any others. Templates of real models end
//! their generation prompt with a special token or a line end, where byte-level tokenizers cut anyway, except before
//! a completion that begins with a line end itself.

use crate::chat::EncodedDemonstration;
use crate::error::DataError;
use crate::special::Piece;
use crate::template::{ChatTemplate, Message, Rendering};
use crate::tokenizer::Tokenizer;

/// A stretch of a rendering that is learnt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Learnt {
    start: usize,
    end: usize,
    /// True if the template prints no end token, so that one has to be added.
    add_end: bool,
}

impl Tokenizer {
    /// The ids of a conversation; in the loss are the assistant's turns with their end tokens, and nothing else.
    ///
    /// Turns that the template shows otherwise than they would be generated are not in the loss. Without any turn to
    /// learn, the mask is false throughout.
    ///
    /// # Errors
    ///
    /// [`DataError::NoChatTemplate`] if there is none, [`DataError::ChatTemplate`] if it fails, refuses the
    /// conversation or leaves a message out.
    pub fn encode_conversation(&self, messages: &[Message]) -> Result<EncodedDemonstration, DataError> {
        let chat = self.chat().ok_or(DataError::NoChatTemplate)?;
        let whole = self.locate(chat, messages, false)?;
        let mut learnt = Vec::new();
        for (index, _) in messages.iter().enumerate().filter(|(_, message)| message.role == "assistant") {
            let turn = match index + 1 == messages.len() {
                true => whole.clone(),
                false => self.locate(chat, &messages[..=index], false)?,
            };
            let stretch = self.last_turn(chat, &messages[..=index], &turn);
            if whole.text.starts_with(&turn.text[..stretch.end]) {
                learnt.push(stretch);
            }
        }
        Ok(self.encode_rendering(&whole, &learnt))
    }

    /// The ids at which a generated completion ends, each once: the end token, the one that the chat template prints
    /// behind the assistant's turn, and those that the model's configuration lists.
    pub fn end_ids(&self) -> Vec<u32> {
        let mut ids = vec![self.eos_id()];
        for id in self.end_of_turn.last().into_iter().chain(&self.more_ends) {
            if !ids.contains(id) {
                ids.push(*id);
            }
        }
        ids
    }

    /// The tokens at which a generated completion ends, as they are written.
    pub fn end_tokens(&self) -> Vec<String> {
        self.end_ids().into_iter().filter_map(|id| self.inner.id_to_token(id)).collect()
    }

    /// What follows a completion and is learnt with it, by the template: the end token last.
    pub(crate) fn end_of_turn_of(&self, chat: &ChatTemplate) -> Vec<u32> {
        let messages = [Message::user("a"), Message::assistant("b")];
        let end = || {
            let turn = self.locate(chat, &messages, false).ok()?;
            let stretch = self.last_turn(chat, &messages, &turn);
            let printed = &turn.text[turn.contents.last()?.end..stretch.end];
            (!stretch.add_end).then(|| self.encode_with_specials(printed))
        };
        end().unwrap_or_else(|| vec![self.eos_id()])
    }

    /// The conversation as the template writes it, with the place of each message.
    ///
    /// Where pieces of messages may stand in the template's text, messages that could form a special token are refused.
    pub(crate) fn locate(
        &self,
        chat: &ChatTemplate,
        messages: &[Message],
        add_generation_prompt: bool,
    ) -> Result<Rendering, DataError> {
        let rendering = chat.locate(messages, add_generation_prompt)?;
        if !rendering.exact {
            for Message { role, content } in messages {
                if let Some(name) = self.specials.partly_in(content) {
                    let reason = format!(
                        "it takes messages apart, and the {role}'s text holds a part of the special token {name:?}, \
                         which could not be told from the template's own; remove it from the message"
                    );
                    return Err(DataError::ChatTemplate { reason });
                }
            }
        }
        Ok(rendering)
    }

    /// The learnt stretch of a rendering that ends with the assistant's turn.
    fn last_turn(&self, chat: &ChatTemplate, messages: &[Message], turn: &Rendering) -> Learnt {
        let content = turn.contents.last().cloned().unwrap_or(0..0);
        let before = &messages[..messages.len().saturating_sub(1)];
        // A template that refuses the turns before has no generation prompt here.
        let prompt = chat.render(before, true).ok().filter(|prompt| turn.text.starts_with(prompt.as_str()));
        let start = prompt.map_or(content.start, |prompt| prompt.len());
        let from = content.end.max(start);
        let mut end = from;
        for piece in self.specials.split(&turn.text[from..]) {
            match piece {
                Piece::Text(text) => end += text.len(),
                Piece::Special(id) => {
                    end += self.specials.name(id).map_or(0, str::len);
                    return Learnt { start, end, add_end: false };
                }
            }
        }
        Learnt { start, end: from, add_end: true }
    }

    /// The ids of a rendering, true in the mask for what is learnt.
    pub(crate) fn encode_rendering(&self, rendering: &Rendering, learnt: &[Learnt]) -> EncodedDemonstration {
        let Rendering { text, contents, .. } = rendering;
        let mut cuts: Vec<usize> = contents.iter().flat_map(|content| [content.start, content.end]).collect();
        cuts.extend(learnt.iter().flat_map(|learnt| [learnt.start, learnt.end]));
        cuts.extend([0, text.len()]);
        cuts.sort_unstable();
        cuts.dedup();
        let mut ids = Ids { tokenizer: self, plain: String::new(), learnt: false, encoded: Default::default() };
        // An empty rendering has one cut and no stretch.
        for stretch in cuts.windows(2) {
            let [from, to] = [stretch[0], stretch[1]];
            ids.set_learnt(learnt.iter().any(|learnt| learnt.start <= from && to <= learnt.end));
            if contents.iter().any(|content| content.start <= from && to <= content.end) {
                ids.plain.push_str(&text[from..to]);
            } else {
                ids.template_text(&text[from..to]);
            }
            if learnt.iter().any(|learnt| learnt.add_end && learnt.end == to) {
                ids.set_learnt(true);
                ids.special(self.eos_id());
            }
        }
        ids.flush();
        ids.encoded
    }
}

/// Collects ids. Plain text waits until a special token or the border of a learnt stretch.
struct Ids<'t> {
    tokenizer: &'t Tokenizer,
    plain: String,
    learnt: bool,
    encoded: EncodedDemonstration,
}

impl Ids<'_> {
    fn set_learnt(&mut self, learnt: bool) {
        if learnt != self.learnt {
            self.flush();
            self.learnt = learnt;
        }
    }

    fn template_text(&mut self, text: &str) {
        for piece in self.tokenizer.specials.split(text) {
            match piece {
                Piece::Text(text) => self.plain.push_str(text),
                Piece::Special(id) => self.special(id),
            }
        }
    }

    fn special(&mut self, id: u32) {
        self.flush();
        self.extend(&[id]);
    }

    fn flush(&mut self) {
        let plain = std::mem::take(&mut self.plain);
        self.extend(&self.tokenizer.encode(&plain));
    }

    fn extend(&mut self, ids: &[u32]) {
        self.encoded.tokens.extend(ids);
        self.encoded.loss_mask.resize(self.encoded.tokens.len(), self.learnt);
    }
}

#[cfg(test)]
mod tests;
