//! What a model has room for: which rows of a prompt with its completion fit its context.
//!
//! The stages that train refuse what does not fit, and a shell can ask beforehand; both by the same rule.

use crate::SessionError;
use crate::folder::Folder;
use nudge_data::{EncodedDemonstration, Prompt, Tokenizer};

/// Widths of rows that hold one record each and are trained on or scored are multiples of this. A GPU prepares kernels
/// for every new shape: few widths occur, and still few columns are padding.
pub(crate) const PADDED_STEP: usize = 32;

/// The longest row, in tokens, that a model with this context is trained on: rounded up it must still fit.
pub(crate) fn longest_row(context: usize) -> usize {
    context / PADDED_STEP * PADDED_STEP
}

/// How long the rows of a run may be, in tokens.
#[derive(Debug, Clone, Copy)]
pub struct Length {
    /// The model's context.
    pub context: usize,
    /// Longer rows are cut here; 0 cuts none.
    pub longest: usize,
}

impl Length {
    /// `row`, cut where it is too long.
    ///
    /// # Errors
    /// If it does not fit the context, or nothing of its completion would be left.
    pub fn fit(self, mut row: EncodedDemonstration) -> Result<EncodedDemonstration, String> {
        let (tokens, context) = (row.tokens.len(), longest_row(self.context));
        if self.longest > 0 && tokens > self.longest {
            row.tokens.truncate(self.longest);
            row.loss_mask.truncate(self.longest);
            if !row.loss_mask.contains(&true) {
                return Err(format!(
                    "has no room for a completion: its prompt alone fills the {} tokens of max_length. Shorten it, or allow more",
                    self.longest
                ));
            }
        }
        match row.tokens.len() > context {
            true => {
                Err(format!("has {tokens} tokens, more than the model's context of {context}. Shorten or remove it"))
            }
            false => Ok(row),
        }
    }
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
