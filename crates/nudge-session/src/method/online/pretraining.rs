//! The pretraining text of PPO-ptx (InstructGPT 3.5, eq. 2): rows of plain text that the policy must not forget.

use crate::SessionError;
use crate::batch::windows::Windows;
use crate::method::Material;
use crate::method::ppo::PpoOptions;
use crate::trainer::training_device;
use burn::tensor::Device;
use nudge_data::{TokenStream, deduplicate, split_records};
use nudge_model::{DecoderConfig, TokenBatch};

/// Rows of pretraining text, the next at each update.
pub struct PretrainingMix {
    /// Factor on the loss on it.
    pub factor: f32,
    windows: Windows,
    rows: usize,
    context: usize,
    device: Device,
    model: DecoderConfig,
}

impl PretrainingMix {
    /// Rows of `ptx_context + 1` tokens, `ptx_batch_size` of them in each update of a model of this shape; nothing
    /// where `ptx_coef` is 0.
    ///
    /// # Errors
    /// If there is no text, or too little for one row.
    pub fn wanted(
        options: &PpoOptions,
        material: &dyn Material,
        model: &DecoderConfig,
        device: &Device,
    ) -> Result<Option<Self>, SessionError> {
        let (factor, context, seed) = (options.ptx_coef, options.ptx_context, options.online.seed);
        if factor == 0.0 {
            return Ok(None);
        }
        let texts = material.pretraining_texts();
        if texts.is_empty() {
            let expected = "0 where there is no pretraining text; give the text (--pretraining-text), or set it to 0 \
                            for plain PPO";
            return Err(SessionError::option("ptx_coef", factor, expected));
        }
        let records = deduplicate(texts.iter().flat_map(|text| split_records(text)).collect());
        let stream = TokenStream::build(&records, material.tokenizer(), seed);
        if stream.windows_per_epoch(context) == 0 {
            return Err(SessionError::Nothing(format!(
                "the pretraining text holds {} tokens, fewer than one row of {context}; give more text, a smaller \
                 ptx_context, or set ptx_coef to 0",
                stream.len()
            )));
        }
        let windows = Windows::new(stream, context, seed);
        let (rows, device, model) = (options.ptx_batch_size, training_device(device), model.clone());
        Ok(Some(Self { factor, windows, rows, context, device, model }))
    }

    /// The rows of update number `update`, from 0.
    pub fn rows(&mut self, update: usize) -> TokenBatch {
        let tokens = self.windows.rows(update * self.rows, self.rows);
        let mask = vec![true; tokens.len()];
        TokenBatch::new(&tokens, &mask, self.rows, self.context + 1, &self.model, &self.device)
    }
}
