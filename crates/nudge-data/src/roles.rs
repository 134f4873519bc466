//! Which tokens end a text, begin one, and fill a batch.
//!
//! Other people's folders are often vague about this, so this file is about choosing well and
//! refusing clearly. One rule has no exception: the pad token is never an end token, neither the
//! text's nor the one behind an assistant's turn, or training could not see where a completion ends.

use serde_json::{Map, Value};

use crate::error::DataError;
use crate::template::ChatTemplate;
use crate::tokenizer_files::{CONFIG_FILE, file_error};

/// End tokens to look for where no configuration names one, most telling first.
const USUAL_EOS: [&str; 5] = ["<|endoftext|>", "<|end_of_text|>", "</s>", "<eos>", "<|im_end|>"];

/// The tokens that training asks for by their purpose.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Roles {
    pub(crate) pad: (String, u32),
    pub(crate) eos: (String, u32),
    /// What begins a text, if the files name it.
    pub(crate) bos: Option<(String, u32)>,
}

impl Roles {
    /// Compiles a template that prints these tokens. One that is not named is not printed, as in transformers.
    pub(crate) fn chat_template(&self, source: &str) -> Result<ChatTemplate, DataError> {
        let bos = self.bos.as_ref().map_or("", |(name, _)| name.as_str());
        ChatTemplate::new(source, bos, &self.eos.0)
    }
}

/// What the choice of the roles depends on.
pub(crate) struct Vocabulary<'a> {
    pub(crate) inner: &'a tokenizers::Tokenizer,
    pub(crate) config: &'a Map<String, Value>,
    /// The chat template; a token that it names is in use.
    pub(crate) template: &'a str,
    /// Tokens that end a completion besides the end token.
    pub(crate) ends: &'a [u32],
}

impl Vocabulary<'_> {
    pub(crate) fn roles(&self) -> Result<Roles, DataError> {
        let eos = match self.configured("eos_token")? {
            Some(eos) => eos,
            None => self.usual_eos()?,
        };
        let bos = self.configured("bos_token")?;
        let pad = self.pad(eos.1, bos.as_ref().map(|(_, id)| *id), &eos.0)?;
        Ok(Roles { pad, eos, bos })
    }

    /// The token that the configuration gives this role: a text, or an object with `content`.
    fn configured(&self, role: &'static str) -> Result<Option<(String, u32)>, DataError> {
        let name = match self.config.get(role) {
            None | Some(Value::Null) => return Ok(None),
            Some(Value::String(name)) => name.as_str(),
            Some(object) => object["content"].as_str().ok_or_else(|| {
                let reason = format!("`{role}` must be a text or an object with `content`");
                file_error(CONFIG_FILE, reason)
            })?,
        };
        match self.inner.token_to_id(name) {
            Some(id) => Ok(Some((name.to_owned(), id))),
            None => Err(DataError::MissingToken {
                role,
                reason: format!(
                    "tokenizer_config.json names {name:?}, which tokenizer.json lacks; take both \
                     files from the same model"
                ),
            }),
        }
    }

    fn usual_eos(&self) -> Result<(String, u32), DataError> {
        USUAL_EOS.iter().find_map(|&name| Some((name.to_owned(), self.inner.token_to_id(name)?))).ok_or_else(|| {
            DataError::MissingToken {
                role: "eos_token",
                reason: "set `eos_token` in tokenizer_config.json to the token that ends a text".to_owned(),
            }
        })
    }

    /// The configured pad token unless it is an end token, else `unk_token`, else the special token
    /// that most looks unused.
    fn pad(&self, eos: u32, bos: Option<u32>, eos_name: &str) -> Result<(String, u32), DataError> {
        for role in ["pad_token", "unk_token"] {
            if let Some(token) = self.configured(role)?
                && token.1 != eos
                && !self.ends.contains(&token.1)
            {
                return Ok(token);
            }
        }
        let unused = |name: &str, id: u32| {
            id != eos && Some(id) != bos && !self.ends.contains(&id) && !self.template.contains(name)
        };
        let named_so = |name: &str| ["pad", "unk", "reserved"].iter().position(|n| name.contains(n));
        self.inner
            .get_added_tokens_decoder()
            .into_iter()
            .filter(|(id, token)| token.special && unused(&token.content, *id))
            .min_by_key(|(id, token)| (named_so(&token.content).unwrap_or(usize::MAX), *id))
            .map(|(id, token)| (token.content, id))
            .ok_or_else(|| DataError::MissingToken {
                role: "pad_token",
                reason: format!(
                    "every special token is in use and padding with the end token {:?} would hide \
                     where completions end; add a token to tokenizer.json and set `pad_token` in \
                     tokenizer_config.json",
                    eos_name
                ),
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tokenizer::Tokenizer;
    use serde_json::json;

    fn roles(config: Value) -> Result<Roles, DataError> {
        let tokenizer = Tokenizer::train(std::iter::empty(), 260).expect("trains");
        let config = config.as_object().expect("is an object");
        let template = config.get("chat_template").and_then(Value::as_str);
        Vocabulary { inner: &tokenizer.inner, config, template: template.unwrap_or_default(), ends: &[] }.roles()
    }

    #[test]
    fn a_missing_pad_is_a_special_token_that_nothing_uses() {
        let pad = |config: Value| roles(config).expect("are told").pad.1;
        assert_eq!(pad(json!({ "eos_token": "<|endoftext|>" })), 0);
        assert_eq!(pad(json!({ "eos_token": "<|pad|>" })), 1);
        let used = json!({ "eos_token": "<|pad|>", "chat_template": "<|endoftext|><|user|>" });
        assert_eq!(pad(used), 3);
        let none_left = json!({
            "eos_token": "<|pad|>",
            "chat_template": "<|endoftext|><|user|><|assistant|>",
        });
        let refusal = roles(none_left).expect_err("is refused").to_string();
        assert!(refusal.contains("no pad_token token"), "{refusal}");
    }
}
