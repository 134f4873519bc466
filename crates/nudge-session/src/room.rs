//! What a model has room for: which prompts with answers fit its context, as the stages that train will encode them.

use crate::SessionError;
use crate::folder::Folder;
use nudge_data::{NUDGE_CHAT_TEMPLATE, Prompt, Tokenizer};

/// Rows are as wide as a multiple of this.
const LENGTH_STEP: usize = 32;

/// The context of a model, measured with its tokenizer.
pub struct Room {
    tokenizer: Tokenizer,
    /// Longest row in tokens.
    pub context: usize,
}

impl Room {
    /// The room of a model. A base model gets the chat template that instruction tuning will give it.
    pub fn of(folder: Folder) -> Result<Self, SessionError> {
        let tokenizer = match folder.tokenizer.chat() {
            Some(_) => folder.tokenizer,
            None => folder.tokenizer.with_chat_template(NUDGE_CHAT_TEMPLATE)?,
        };
        Ok(Self { tokenizer, context: folder.config.max_position_embeddings / LENGTH_STEP * LENGTH_STEP })
    }

    /// Whether a prompt and its answer fit. What cannot be written as a conversation at all is for the stage to refuse.
    pub fn fits(&self, prompt: &Prompt, answer: &str) -> bool {
        let encoded = self.tokenizer.encode_demonstration(prompt, answer);
        encoded.is_ok_and(|row| row.tokens.len() <= self.context)
    }
}
