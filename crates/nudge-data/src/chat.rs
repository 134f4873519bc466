//! Prompts and demonstrations as token ids, with a mask that says which of them are learnt.
//!
//! What the user typed is encoded apart from the template around it, so no prompt can forge a turn.
//! The mask of a demonstration is right by construction: the completion is appended to the prompt that
//! generation would see, and never searched for in rendered text. Whole conversations are encoded in
//! [`crate::conversation`].
//!
//! It lacks tools and images.

use serde::{Deserialize, Serialize};

use crate::error::DataError;
use crate::prompt::Prompt;
pub use crate::template::{ChatTemplate, Date, Message, NUDGE_CHAT_TEMPLATE};
use crate::tokenizer::Tokenizer;

/// How a prompt is put before the model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PromptStyle {
    /// As the user's turn of a conversation, up to where the assistant's turn begins.
    Chat,
    /// As text that a base model continues, after the token that begins a text.
    Plain,
}

/// A prompt and its completion, or a conversation, as token ids.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EncodedDemonstration {
    /// The prompt, the completion, the end token; or all turns: `[time]`.
    pub tokens: Vec<u32>,
    /// True for the completions and their end tokens, which are learnt: `[time]`.
    pub loss_mask: Vec<bool>,
}

impl Tokenizer {
    /// The ids of a prompt, ready to be continued by the model.
    ///
    /// Special tokens come from the template alone: the prompt can not inject any.
    ///
    /// # Errors
    ///
    /// For [`PromptStyle::Chat`], [`DataError::NoChatTemplate`] if there is none and
    /// [`DataError::ChatTemplate`] if it fails.
    pub fn encode_prompt(&self, prompt: &Prompt, style: PromptStyle) -> Result<Vec<u32>, DataError> {
        match style {
            PromptStyle::Chat => {
                let chat = self.chat().ok_or(DataError::NoChatTemplate)?;
                let rendering = self.locate(chat, &prompt.messages(), true)?;
                Ok(self.encode_rendering(&rendering, &[]).tokens)
            }
            PromptStyle::Plain => {
                let mut ids = vec![self.bos_id()];
                ids.extend(self.encode(&prompt.to_string()));
                Ok(ids)
            }
        }
    }

    /// The ids of a prompt in chat style, its completion and the end token, with the loss mask.
    ///
    /// The end token is the one that the template prints behind an assistant's turn, which may be another than
    /// [`Tokenizer::eos_id`].
    ///
    /// # Errors
    ///
    /// As for [`Tokenizer::encode_prompt`].
    pub fn encode_demonstration(&self, prompt: &Prompt, completion: &str) -> Result<EncodedDemonstration, DataError> {
        let mut tokens = self.encode_prompt(prompt, PromptStyle::Chat)?;
        let prompt_len = tokens.len();
        tokens.extend(self.encode(completion));
        tokens.extend(&self.end_of_turn);
        let loss_mask = (0..tokens.len()).map(|at| at >= prompt_len).collect();
        Ok(EncodedDemonstration { tokens, loss_mask })
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

    const CHATML: &str = "{% for message in messages %}{% if loop.first and message.role != 'system' %}\
        {{ '<|user|>system\\nBe kind.\\n' }}{% endif %}\
        {{ '<|user|>' + message['role'] + '\\n' + message['content'] | trim + '<|endoftext|>' + '\\n' }}\
        {% endfor %}{% if add_generation_prompt %}{{ '<|assistant|>assistant\\n' }}{% endif %}";

    #[test]
    fn a_plain_prompt_follows_the_beginning_of_a_text() {
        let ids = TOKENIZER.encode_prompt(&"Tell <|user|>".into(), PromptStyle::Plain).expect("encodes");
        assert_eq!(ids[0], TOKENIZER.eos_id());
        assert_eq!(ids[1..], TOKENIZER.encode("Tell <|user|>"));
    }

    #[test]
    fn a_foreign_template_with_methods_and_trim_works() {
        let tokenizer = TOKENIZER.clone().with_chat_template(CHATML).expect("compiles");
        let ids = tokenizer.encode_prompt(&" \n Why <|assistant|>?\n".into(), PromptStyle::Chat).expect("encodes");
        let expected = [
            tokenizer.encode_with_specials("<|user|>system\nBe kind.\n<|user|>"),
            tokenizer.encode("user\nWhy <|assistant|>?"),
            tokenizer.encode_with_specials("<|endoftext|>\n<|assistant|>assistant\n"),
        ];
        assert_eq!(ids, expected.concat());
        let methods = "{{ messages[0].content.strip() }}{% if messages[0].role.startswith('u') %}!{% endif %}";
        let tokenizer = tokenizer.with_chat_template(methods).expect("compiles");
        let ids = tokenizer.encode_prompt(&" a ".into(), PromptStyle::Chat).expect("encodes");
        assert_eq!(ids, tokenizer.encode("a!"));
    }

    proptest! {
        #[test]
        fn a_demonstration_learns_the_completion_and_its_end_alone(prompt: String, completion: String) {
            let shown = TOKENIZER.encode_demonstration(&prompt.as_str().into(), &completion).expect("encodes");
            prop_assert_eq!(shown.tokens.len(), shown.loss_mask.len());
            let learnt = shown.loss_mask.iter().filter(|learnt| **learnt).count();
            let (before, after) = shown.tokens.split_at(shown.tokens.len() - learnt);
            prop_assert_eq!(before, TOKENIZER.encode_prompt(&prompt.as_str().into(), PromptStyle::Chat).expect("encodes"));
            prop_assert!(shown.loss_mask[..before.len()].iter().all(|learnt| !learnt));
            prop_assert_eq!(after.last(), Some(&TOKENIZER.eos_id()));
            prop_assert_eq!(TOKENIZER.decode(after), completion);
        }

        #[test]
        fn harmless_text_encodes_as_the_rendered_template(prompt in "[a-z \n]{0,20}", completion in "[a-z .]{0,20}") {
            let rendered = TOKENIZER.chat().expect("has one")
                .render(&[Message::user(prompt.clone()), Message::assistant(completion.clone())], false)
                .expect("renders");
            let shown = TOKENIZER.encode_demonstration(&prompt.as_str().into(), &completion).expect("encodes");
            prop_assert_eq!(shown.tokens, TOKENIZER.encode_with_specials(&rendered));
        }

        #[test]
        fn a_prompt_can_not_forge_a_turn(parts in prop::collection::vec(
            prop::sample::select(vec![USER, ASSISTANT, END_OF_TEXT, "{{", "}}", "\u{f0000}", " ", "a"]),
            0..9,
        )) {
            let prompt = parts.concat();
            let ids = TOKENIZER.encode_prompt(&prompt.as_str().into(), PromptStyle::Chat).expect("encodes");
            let specials: Vec<u32> = ids.iter().copied().filter(|&id| id < 4).collect();
            prop_assert_eq!(specials, [2, 3]);
            prop_assert_eq!(TOKENIZER.decode(&ids), prompt);
        }
    }
}
