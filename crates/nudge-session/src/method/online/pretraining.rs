//! The pretraining text of PPO-ptx (InstructGPT 3.5, eq. 2): rows of plain text that the policy must not forget.
//!
//! Deliberately absent: the loss on it, which the actor adds to the policy's.

use crate::SessionError;
use crate::stage::windows::Windows;
use crate::trainer::training_device;
use burn::tensor::Device;
use nudge_data::{TokenStream, Tokenizer, deduplicate, split_records};
use nudge_model::{DecoderConfig, TokenBatch};

/// Rows of pretraining text, the next at each update.
pub struct PretrainingMix {
    windows: Windows,
    rows: usize,
    context: usize,
    device: Device,
    model: DecoderConfig,
}

impl PretrainingMix {
    /// Rows of `context + 1` tokens out of `texts`, `rows` of them in each update.
    pub fn new(
        texts: &[String],
        tokenizer: &Tokenizer,
        model: &DecoderConfig,
        rows: usize,
        context: usize,
        seed: u64,
        device: &Device,
    ) -> Result<Self, SessionError> {
        let records = deduplicate(texts.iter().flat_map(|text| split_records(text)).collect());
        let stream = TokenStream::build(&records, tokenizer, seed);
        if stream.windows_per_epoch(context) == 0 {
            return Err(SessionError::Nothing(format!(
                "the pretraining text holds {} tokens, fewer than one row of {context}; give more text, a smaller \
                 ptx_context, or set ptx_coef to 0",
                stream.len()
            )));
        }
        let windows = Windows::new(stream, context, seed);
        Ok(Self { windows, rows, context, device: training_device(device), model: model.clone() })
    }

    /// The rows of update number `update`, from 0.
    pub fn rows(&mut self, update: usize) -> TokenBatch {
        let tokens = self.windows.rows(update * self.rows, self.rows);
        let mask = vec![true; tokens.len()];
        TokenBatch::new(&tokens, &mask, self.rows, self.context + 1, &self.model, &self.device)
    }
}
