//! What a model has room for: which rows of a prompt with its completion fit its context.
//!
//! The stages that train refuse what does not fit, and a shell can ask beforehand; both by the same rule.

use crate::SessionError;
use crate::folder::Folder;
use nudge_data::{Prompt, Tokenizer};

/// Widths of rows that hold one record each and are trained on or scored are multiples of this. A GPU prepares kernels
/// for every new shape: few widths occur, and still few columns are padding.
pub(crate) const PADDED_STEP: usize = 32;

/// The longest row, in tokens, that a model with this context is trained on: rounded up it must still fit.
pub(crate) fn longest_row(context: usize) -> usize {
    context / PADDED_STEP * PADDED_STEP
}

/// The context of a model, measured with its tokenizer.
pub struct Room {
    tokenizer: Tokenizer,
    /// Longest row in tokens.
    pub context: usize,
}

impl Room {
    /// The room of a model. A base model gets the chat template that instruction tuning will give it.
    pub fn of(folder: Folder) -> Result<Self, SessionError> {
        let context = longest_row(folder.config.max_position_embeddings);
        Ok(Self { tokenizer: folder.chat_tokenizer()?, context })
    }

    /// Whether a prompt and its completion fit. What cannot be written as a conversation at all is for the stage to refuse.
    pub fn fits(&self, prompt: &Prompt, completion: &str) -> bool {
        let encoded = self.tokenizer.encode_demonstration(prompt, completion);
        encoded.is_ok_and(|row| row.tokens.len() <= self.context)
    }
}
