//! How much each word of a completion moves its score: what the score loses when the word is left out (occlusion).
//!
//! It is a reading aid, not an explanation: words act together, and a text with a hole is none that was ever trained on.

use crate::SessionError;
use crate::batch::scored::{CompletionBatch, encode_completion};
use crate::folder::Folder;
use crate::readback::{finite, read};
use burn::tensor::Device;
use nudge_data::Prompt;
use nudge_model::{Frozen, ScalarModel};
use serde::{Deserialize, Serialize};

/// Texts scored together.
const AT_ONCE: usize = 16;
/// Holes at most: of a longer completion several words are left out together.
const MOST: usize = 96;

/// A score, and what each word has to do with it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct Words {
    /// Of the whole completion.
    pub score: f32,
    /// Its words in order.
    pub words: Vec<WeighedWord>,
}

/// A word, or a few of a long completion.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct WeighedWord {
    /// As it is written.
    pub text: String,
    /// The score with it minus the score without it.
    pub effect: f32,
}

/// The texts to score, and a model that is ready.
pub(super) struct Looking {
    folder: Folder,
    model: Frozen<ScalarModel>,
    words: Vec<String>,
    /// The whole completion, then each word left out.
    rows: Vec<Vec<u32>>,
    device: Device,
}

impl Looking {
    pub fn new(folder: &Folder, prompt: &Prompt, completion: &str, device: &Device) -> Result<Self, SessionError> {
        let single: Vec<&str> = completion.split_whitespace().collect();
        let together = single.len().div_ceil(MOST).max(1);
        let words: Vec<String> = single.chunks(together).map(|words| words.join(" ")).collect();
        let without = |hole: usize| {
            let kept = words.iter().enumerate().filter(|(place, _)| *place != hole).map(|(_, word)| word.as_str());
            kept.collect::<Vec<_>>().join(" ")
        };
        let texts = std::iter::once(completion.to_string()).chain((0..words.len()).map(without));
        let encode = |text: String| Ok(encode_completion(folder, prompt, &text, 0)?.tokens);
        let rows = texts.map(encode).collect::<Result<_, SessionError>>()?;
        let model = folder.scalar(device)?.frozen();
        Ok(Self { folder: folder.clone(), model, words, rows, device: device.clone() })
    }

    pub async fn see(self) -> Result<Words, SessionError> {
        let mut scores = Vec::new();
        for rows in self.rows.chunks(AT_ONCE) {
            let batch = CompletionBatch::new(rows, &self.folder.tokenizer, &self.model.decoder, &self.device);
            scores.extend(finite("a reward", read(batch.rewards(&self.model)).await?)?);
        }
        let score = scores.first().copied().unwrap_or_default();
        let weighed = |(text, without): (String, &f32)| WeighedWord { text, effect: score - without };
        Ok(Words { score, words: self.words.into_iter().zip(&scores[1..]).map(weighed).collect() })
    }
}
