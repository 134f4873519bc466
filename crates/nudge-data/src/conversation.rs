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
//! an answer that begins with a line end itself.

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

    /// The ids at which a generated answer ends: the end token, and the one that the chat template prints behind the
    /// assistant's turn, if that is another.
    pub fn end_ids(&self) -> Vec<u32> {
        let mut ids = vec![self.eos_id()];
        ids.extend(self.end_of_turn.last().copied().filter(|&id| id != self.eos_id()));
        ids
    }

    /// What follows an answer and is learnt with it, by the template: the end token last.
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
mod tests {
    use super::*;
    use crate::tokenizer::{ASSISTANT, END_OF_TEXT, USER};
    use proptest::prelude::*;
    use std::sync::LazyLock;

    static TOKENIZER: LazyLock<Tokenizer> =
        LazyLock::new(|| Tokenizer::train(["Tell me a story about a dog."].into_iter(), 270).expect("trains"));

    /// What is learnt, stretch by stretch, special tokens by their names.
    fn learnt(tokenizer: &Tokenizer, messages: &[Message]) -> Vec<String> {
        let EncodedDemonstration { tokens, loss_mask } = tokenizer.encode_conversation(messages).expect("encodes");
        let text = |id: u32| tokenizer.specials.name(id).map_or_else(|| tokenizer.decode(&[id]), str::to_owned);
        let marked: String =
            tokens.iter().zip(&loss_mask).map(|(&id, &learnt)| if learnt { text(id) } else { "\0".to_owned() }).collect();
        marked.split('\0').filter(|stretch| !stretch.is_empty()).map(str::to_owned).collect()
    }

    fn with_template(source: &str) -> Tokenizer {
        TOKENIZER.clone().with_chat_template(source).expect("compiles")
    }

    fn talk() -> [Message; 4] {
        [Message::user("Hi"), Message::assistant("Ho"), Message::user("a dog"), Message::assistant(" Tell \n")]
    }

    #[test]
    fn every_turn_of_the_assistant_is_learnt_with_its_end() {
        assert_eq!(learnt(&TOKENIZER, &talk()), ["Ho<|endoftext|>", " Tell \n<|endoftext|>"]);
        assert_eq!(learnt(&TOKENIZER, &talk()[..3]), ["Ho<|endoftext|>"]);
        assert!(learnt(&TOKENIZER, &talk()[..1]).is_empty());
        assert!(learnt(&TOKENIZER, &[]).is_empty());
        let encoded = TOKENIZER.encode_conversation(&talk()[..2]).expect("encodes");
        assert_eq!(encoded, TOKENIZER.encode_demonstration(&"Hi".into(), "Ho").expect("encodes"));
        let base = TOKENIZER.clone().without_chat_template();
        assert_eq!(base.encode_conversation(&talk()), Err(DataError::NoChatTemplate));
    }

    #[test]
    fn the_templates_own_end_token_ends_a_turn() {
        // ChatML, with the user's token for <|im_start|> and the assistant's for <|im_end|>.
        let tokenizer = with_template(
            "{% for m in messages %}<|user|>{{ m.role + '\\n' + m.content | trim }}<|assistant|>{{ '\\n' }}{% endfor %}\
             {% if add_generation_prompt %}<|user|>assistant{{ '\\n' }}{% endif %}",
        );
        assert_eq!(learnt(&tokenizer, &talk()), ["Ho<|assistant|>", "Tell<|assistant|>"]);
        assert_eq!(tokenizer.end_ids(), [1, 3]);
        let shown = tokenizer.encode_demonstration(&"Hi".into(), "Ho").expect("encodes");
        assert_eq!(shown.tokens.last(), Some(&3));
        assert_eq!(tokenizer.without_chat_template().end_ids(), [1]);
    }

    #[test]
    fn a_template_without_end_token_gets_one() {
        let tokenizer = with_template(
            "{% for m in messages %}{{ m.role }}: {{ m.content | trim }}{{ '\\n' }}{% endfor %}\
             {% if add_generation_prompt %}assistant:{% endif %}",
        );
        // The blank behind the colon is for the model to write.
        assert_eq!(learnt(&tokenizer, &talk()), [" Ho<|endoftext|>", " Tell<|endoftext|>"]);
        let tokens = tokenizer.encode_conversation(&talk()[..2]).expect("encodes").tokens;
        assert_eq!(tokenizer.decode(&tokens), "user: Hi\nassistant: Ho\n");
        assert_eq!(tokens.iter().position(|&id| id == 1), Some(tokens.len() - 2));
        assert_eq!(tokenizer.end_ids(), [1]);
    }

    #[test]
    fn a_prompt_that_the_conversation_does_not_show_leaves_the_answer() {
        // The generation prompt begins a thinking that the rendering of an answer lacks.
        let tokenizer = with_template(
            "{% for m in messages %}<|{{ m.role }}|>{{ m.content }}{% if m.role == 'assistant' %}{{ eos_token }}\
             {% endif %}{% endfor %}{% if add_generation_prompt %}<|assistant|>Think{% endif %}",
        );
        assert_eq!(learnt(&tokenizer, &talk()), ["Ho<|endoftext|>", "Tell \n<|endoftext|>"]);
    }

    #[test]
    fn a_turn_that_later_ones_change_is_not_learnt() {
        let tokenizer = with_template(
            "{% for m in messages %}<|{{ m.role }}|>{{ m.content }}{% if loop.last %}!{% endif %}{{ eos_token }}\
             {% endfor %}{% if add_generation_prompt %}<|assistant|>{% endif %}",
        );
        assert!(learnt(&tokenizer, &talk()[..3]).is_empty());
        let template = "{% for m in messages %}<|{{ m.role }}|>{{ m.content }}\
             {% if loop.last and m.role == 'assistant' %}!{% endif %}{{ eos_token }}\
             {% endfor %}{% if add_generation_prompt %}<|assistant|>{% endif %}";
        assert_eq!(learnt(&with_template(template), &talk()), [" Tell \n!<|endoftext|>"]);
    }

    proptest! {
        #[test]
        fn what_people_say_is_no_token_and_what_the_assistant_says_is_learnt(
            turns in prop::collection::vec(prop::collection::vec(
                prop::sample::select(vec![USER, ASSISTANT, END_OF_TEXT, "{{", "\u{f0000}", "\u{f0001}", " ", "\n", "a"]),
                0..6,
            ), 1..6),
        ) {
            let messages: Vec<Message> = turns.iter().enumerate().map(|(index, parts)| match index % 2 {
                0 => Message::user(parts.concat()),
                _ => Message::assistant(parts.concat()),
            }).collect();
            let EncodedDemonstration { tokens, loss_mask } = TOKENIZER.encode_conversation(&messages).expect("encodes");
            prop_assert_eq!(tokens.len(), loss_mask.len());
            let specials: Vec<u32> = tokens.iter().copied().filter(|&id| id < 4).collect();
            let expected: Vec<u32> = (0..messages.len()).flat_map(|turn| [[2].as_slice(), &[3, 1]][turn % 2]).copied().collect();
            prop_assert_eq!(specials, expected);
            prop_assert_eq!(TOKENIZER.decode(&tokens), turns.concat().concat());
            let learnt: Vec<u32> = tokens.iter().zip(&loss_mask).filter(|(_, learnt)| **learnt).map(|(&id, _)| id).collect();
            let expected: Vec<u32> = messages.iter().skip(1).step_by(2)
                .flat_map(|message| [TOKENIZER.encode(&message.content), vec![1]].concat()).collect();
            prop_assert_eq!(learnt, expected);
        }
    }
}
