//! What a person looks into: what a model says of one text, word by word. Asked and answered, without a run.
//!
//! - [`next_token`]: how likely each token of a text was, and what could have stood at one place;
//! - [`words`]: how much each word of a completion moves its score.
//!
//! Deliberately absent: training, checkpoints, anything that takes longer than a person waits for an answer.

mod next_token;
mod words;

pub use next_token::{Choice, NextToken, SeenToken};
pub use words::{WeighedWord, Words};

use crate::{Session, SessionError};
use nudge_data::Prompt;
use serde::{Deserialize, Serialize};

/// What is looked at. Models are named; the session must hold them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(tag = "look", rename_all = "snake_case")]
pub enum Look {
    /// How likely each token of a text was, and what could have stood at one place.
    NextToken {
        /// Name of a language model.
        model: String,
        /// What the text goes on from.
        #[cfg_attr(test, ts(type = "Prompt"))]
        prompt: Prompt,
        /// The text behind it; may be empty.
        text: String,
        /// Which token's alternatives are wanted, as [`NextToken::tokens`] counts them; behind the last one without it.
        place: Option<usize>,
        /// Divides the logits of the alternatives.
        temperature: f32,
        /// The nucleus from which the alternatives would be drawn; 1 is everything.
        top_p: f32,
    },
    /// How much each word of a completion moves its score.
    Words {
        /// Name of a reward model.
        reward: String,
        /// What was asked.
        #[cfg_attr(test, ts(type = "Prompt"))]
        prompt: Prompt,
        /// What is scored.
        completion: String,
    },
}

/// What was seen.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(tag = "seen", rename_all = "snake_case")]
#[allow(missing_docs)]
pub enum Seen {
    NextToken(NextToken),
    Words(Words),
}

/// A look whose models are open, so that the session is free while it is taken.
pub struct Looking(Kind);

enum Kind {
    NextToken(Box<next_token::Looking>),
    Words(Box<words::Looking>),
}

impl Session {
    /// Opens what `look` needs.
    ///
    /// # Errors
    /// If a model is not there or of the wrong kind, or a text is too long or out of range.
    pub fn look(&self, look: Look) -> Result<Looking, SessionError> {
        let device = self.device();
        Ok(Looking(match look {
            Look::NextToken { model, prompt, text, place, temperature, top_p } => {
                let at = next_token::At { place, temperature, top_p };
                Kind::NextToken(next_token::Looking::new(&self.open(&model)?, &prompt, &text, at, device)?.into())
            }
            Look::Words { reward, prompt, completion } => {
                Kind::Words(words::Looking::new(&self.open(&reward)?, &prompt, &completion, device)?.into())
            }
        }))
    }
}

impl Looking {
    /// Looks.
    ///
    /// # Errors
    /// If the device fails.
    pub async fn see(self) -> Result<Seen, SessionError> {
        match self.0 {
            Kind::NextToken(looking) => looking.see().await.map(Seen::NextToken),
            Kind::Words(looking) => looking.see().await.map(Seen::Words),
        }
    }
}
