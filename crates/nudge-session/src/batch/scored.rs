//! Completions as rows that a reward model scores, or another model reads to their end.
//!
//! A row is prompt, completion, end token; its reward is the head's number at the last real token. Deliberately
//! absent: training.

use crate::SessionError;
use crate::folder::Folder;
use crate::room::{Length, PADDED_STEP};
use burn::tensor::{Device, Int, Tensor};
use nudge_data::{EncodedDemonstration, PaddedBatch, Prompt, Tokenizer, bucket};
use nudge_model::{Decoder, ScalarModel, TokenBatch};

/// Completions as tensors, ready to be scored.
pub struct CompletionBatch {
    rows: TokenBatch,
    last: Tensor<1, Int>,
    /// Real tokens in it.
    pub tokens: usize,
}

impl CompletionBatch {
    /// Pads `rows` on the right.
    pub fn new(rows: &[Vec<u32>], tokenizer: &Tokenizer, model: &Decoder, device: &Device) -> Self {
        let longest = rows.iter().map(Vec::len).max().unwrap_or(1);
        let padded = PaddedBatch::right(rows, tokenizer.pad_id(), bucket(longest, PADDED_STEP));
        let last: Vec<i32> = rows.iter().map(|row| row.len() as i32 - 1).collect();
        Self {
            rows: TokenBatch::new(&padded.tokens, &padded.mask, padded.batch, padded.time, &model.config, device),
            last: Tensor::from_data(last.as_slice(), device),
            tokens: rows.iter().map(Vec::len).sum(),
        }
    }

    /// One reward a completion, `[batch]`.
    pub fn rewards(&self, model: &ScalarModel) -> Tensor<1> {
        model.score_at(&self.rows, self.last.clone())
    }

    /// What `model` makes of each completion at its end: its last hidden states there, `[batch, hidden]`.
    pub fn ends(&self, model: &Decoder) -> Tensor<2> {
        let [rows, time] = self.rows.tokens.dims();
        let starts: Vec<i32> = (0..rows).map(|row| (row * time) as i32).collect();
        let ends = self.last.clone() + Tensor::from_data(starts.as_slice(), &self.last.device());
        model.hidden(&self.rows).reshape([rows * time, model.config.hidden_size]).select(0, ends)
    }
}

/// Prompt, completion and end token as `folder`'s model reads them, at most `longest` tokens of them where that is not 0.
///
/// # Errors
/// If they cannot be written as a conversation, or are longer than the model's context.
pub fn encode_completion(
    folder: &Folder,
    prompt: &Prompt,
    completion: &str,
    longest: usize,
) -> Result<EncodedDemonstration, SessionError> {
    let encoded = folder.tokenizer.encode_demonstration(prompt, completion)?;
    let room = Length { context: folder.config.max_position_embeddings, longest };
    room.fit(encoded).map_err(|reason| {
        let prompt: String = prompt.to_string().chars().take(40).collect();
        SessionError::Nothing(format!("the completion of `{prompt}` with its prompt {reason}"))
    })
}
