//! How likely a model holds each token of a text, and what could have stood at one place of it.
//!
//! The alternatives are weighed by the function that draws tokens on the CPU, so that what is shown is what is drawn.

use crate::SessionError;
use crate::folder::Folder;
use crate::readback::{finite, read, read_all};
use burn::tensor::{Device, Tensor};
use nudge_data::{Prompt, PromptStyle, Tokenizer};
use nudge_kernels::host::{Distribution, probabilities};
use nudge_model::{Decoder, Frozen, TokenBatch};
use serde::{Deserialize, Serialize};

/// Alternatives told.
const CHOICES: usize = 12;

/// A text as the model sees it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct NextToken {
    /// The tokens of the text: with those of the prompt where the model only continues, without them where it answers.
    pub tokens: Vec<SeenToken>,
    /// Whose alternatives the choices are; the number of tokens where it is what comes next.
    pub place: usize,
    /// The likeliest alternatives, the likeliest first.
    pub choices: Vec<Choice>,
    /// Tokens that could be drawn.
    pub kept: usize,
    /// Tokens of the vocabulary.
    pub vocabulary: usize,
}

/// A token and how likely it was where it stands.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct SeenToken {
    /// As it is written.
    pub text: String,
    /// At a temperature of 1; nothing of the first token, before which there is nothing.
    pub probability: Option<f32>,
}

/// What could stand at a place.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct Choice {
    /// As it is written; nothing for a token that ends the text.
    pub text: String,
    /// At a temperature of 1.
    pub probability: f32,
    /// At the temperature asked for and within its nucleus: how often it would be drawn.
    pub drawn: f32,
}

/// Where to look, and how tokens would be drawn there.
pub(super) struct At {
    pub place: Option<usize>,
    pub temperature: f32,
    pub top_p: f32,
}

/// A text and a model that are ready.
pub(super) struct Looking {
    model: Frozen<Decoder>,
    tokenizer: Tokenizer,
    ids: Vec<u32>,
    /// The first token told, as a place in `ids`.
    first: usize,
    /// The place in `ids` whose alternatives are wanted.
    wanted: usize,
    distribution: Distribution,
    device: Device,
}

impl Looking {
    pub fn new(folder: &Folder, prompt: &Prompt, text: &str, at: At, device: &Device) -> Result<Self, SessionError> {
        let At { place, temperature, top_p } = at;
        if !(temperature > 0.0 && temperature.is_finite()) {
            return Err(SessionError::option("temperature", temperature, "above 0"));
        }
        if !(top_p > 0.0 && top_p <= 1.0) {
            return Err(SessionError::option("top_p", top_p, "above 0 and at most 1"));
        }
        let style = folder.style();
        let mut ids = folder.tokenizer.encode_prompt(prompt, style)?;
        // Where a text is continued, the prompt is its beginning; the token before it is the model's own.
        let first = if style == PromptStyle::Chat { ids.len() } else { 1 };
        ids.extend(folder.tokenizer.encode(text));
        let context = folder.config.max_position_embeddings;
        if ids.len() > context {
            let tokens = ids.len();
            return Err(SessionError::Nothing(format!("the text has {tokens} tokens, and the model reads {context}")));
        }
        let wanted = place.map_or(ids.len(), |place| (first + place).min(ids.len()));
        Ok(Self {
            model: folder.decoder(device)?.frozen(),
            tokenizer: folder.tokenizer.clone(),
            ids,
            first,
            wanted,
            distribution: Distribution { temperature, top_k: 0, top_p },
            device: device.clone(),
        })
    }

    pub async fn see(self) -> Result<NextToken, SessionError> {
        let Self { model, ids, first, wanted, .. } = &self;
        let mask = vec![true; ids.len()];
        let batch = TokenBatch::new(ids, &mask, 1, ids.len(), &model.config, &self.device);
        let hidden = model.hidden(&batch);
        let logits: Tensor<3> = model.logits(hidden.narrow(1, wanted - 1, 1));
        let logits = logits.flatten::<2>(0, 1);
        let (logits, logprobs) = match ids.len() {
            1 => (read(logits).await?, vec![]),
            _ => {
                let mut both = read_all(vec![logits, model.next_token_logprobs(&batch, 1.0)]).await?.into_iter();
                (both.next().unwrap_or_default(), both.next().unwrap_or_default())
            }
        };
        let tokens = (*first..ids.len()).map(|place| SeenToken {
            text: self.tokenizer.decode(&ids[place..=place]),
            probability: place.checked_sub(1).and_then(|before| logprobs.get(before)).map(|logprob| logprob.exp()),
        });
        let logits = finite("a logit", logits)?;
        let (choices, kept) = self.choices(&logits);
        let tokens = tokens.collect();
        Ok(NextToken { tokens, place: wanted - first, choices, kept, vocabulary: logits.len() })
    }

    /// The likeliest tokens, and how many could be drawn.
    fn choices(&self, logits: &[f32]) -> (Vec<Choice>, usize) {
        let (mut plain, mut drawn) = (logits.to_vec(), logits.to_vec());
        probabilities(&mut plain, Distribution { temperature: 1.0, top_k: 0, top_p: 1.0 });
        probabilities(&mut drawn, self.distribution);
        let mut order: Vec<usize> = (0..plain.len()).collect();
        order.sort_by(|a, b| plain[*b].total_cmp(&plain[*a]));
        let choice = |token: &usize| Choice {
            text: self.tokenizer.decode(&[*token as u32]),
            probability: plain[*token],
            drawn: drawn[*token],
        };
        let kept = drawn.iter().filter(|probability| **probability > 0.0).count();
        (order.iter().take(CHOICES).map(choice).collect(), kept)
    }
}
