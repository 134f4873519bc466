//! Model folders as bytes, in Hugging Face's layout: what transformers opens, a session opens, and back.

use crate::error::{SessionError, named};
use crate::protocol::Files;
use crate::readback::read_all;
use burn::tensor::Device;
use nudge_data::{NUDGE_CHAT_TEMPLATE, PromptStyle, Tokenizer};
use nudge_model::{
    Decoder, DecoderConfig, ModelError, NamedData, Parameters, Precision, ScalarModel,
    checkpoint::{NamedTensors, encode},
};

/// File names of a model folder.
pub const CONFIG: &str = "config.json";
/// The weights.
pub const WEIGHTS: &str = "model.safetensors";
/// The vocabulary.
pub const TOKENIZER: &str = "tokenizer.json";
/// Special tokens and the chat template.
pub const TOKENIZER_CONFIG: &str = "tokenizer_config.json";
/// The chat template, where a folder keeps it in a file of its own.
pub const CHAT_TEMPLATE: &str = "chat_template.jinja";
/// Defaults of sampling.
pub const GENERATION_CONFIG: &str = "generation_config.json";

/// What a folder holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A language model.
    Decoder,
    /// A decoder under a scalar head.
    Reward,
}

impl Kind {
    /// In words.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Decoder => "language model",
            Kind::Reward => "reward model",
        }
    }

    /// How its class in transformers ends.
    fn head(self) -> &'static str {
        match self {
            Kind::Decoder => "ForCausalLM",
            Kind::Reward => "ForSequenceClassification",
        }
    }
}

/// A folder whose small files have been read and fit together.
#[derive(Debug, Clone)]
pub struct Folder {
    /// The model's name in the session.
    pub name: String,
    /// What it holds.
    pub kind: Kind,
    /// Its shape.
    pub config: DecoderConfig,
    /// Its tokenizer.
    pub tokenizer: Tokenizer,
    tensors: NamedTensors,
    /// Added to a reward model's numbers.
    reward_bias: f32,
}

/// Key of `config.json` for the bias of a reward model, which the head of transformers has not.
const REWARD_BIAS: &str = "reward_bias";

impl Folder {
    /// Reads and checks the files of one model.
    pub fn open(name: &str, files: &Files) -> Result<Self, SessionError> {
        let file = |file: &str| {
            files.get(file).ok_or_else(|| SessionError::MissingFile {
                folder: name.into(),
                file: file.into(),
                kind: "model folder",
            })
        };
        let config_bytes = file(CONFIG)?;
        let config = DecoderConfig::from_json(config_bytes).map_err(named(name))?;
        let optional = |file: &str| files.get(file).map(Vec::as_slice);
        let (tokenizer_config, template) = (optional(TOKENIZER_CONFIG), optional(CHAT_TEMPLATE));
        let ends = optional(GENERATION_CONFIG).map_or_else(Vec::new, listed_ends);
        let tokenizer = Tokenizer::from_files_with_ends(file(TOKENIZER)?, tokenizer_config, template, &ends)?;
        let (tokens, rows) = (tokenizer.vocab_size(), config.vocab_size);
        if tokens > rows {
            return Err(SessionError::TokenizerMismatch { name: name.into(), tokens, rows });
        }
        let tensors = NamedTensors::from_safetensors(file(WEIGHTS)?).map_err(named(name))?;
        let kind = if tensors.contains("score.weight") { Kind::Reward } else { Kind::Decoder };
        Ok(Self { name: name.into(), kind, config, tokenizer, tensors, reward_bias: reward_bias(name, config_bytes)? })
    }

    /// The language model in it.
    pub fn decoder(&self, device: &Device) -> Result<Decoder, SessionError> {
        self.needs(Kind::Decoder)?;
        Decoder::from_tensors(&self.config, &self.tensors, device).map_err(named(&self.name))
    }

    /// The reward model in it.
    pub fn scalar(&self, device: &Device) -> Result<ScalarModel, SessionError> {
        self.needs(Kind::Reward)?;
        let model = ScalarModel::from_tensors(&self.config, &self.tensors, device).map_err(named(&self.name))?;
        Ok(model.with_bias(self.reward_bias))
    }

    /// Its tokenizer with a chat template: its own, or Nudge's where it has none.
    pub fn chat_tokenizer(self) -> Result<Tokenizer, SessionError> {
        match self.tokenizer.chat() {
            Some(_) => Ok(self.tokenizer),
            None => Ok(self.tokenizer.with_chat_template(NUDGE_CHAT_TEMPLATE)?),
        }
    }

    /// How prompts are put to it: through its chat template, or as plain text where it has none.
    pub fn style(&self) -> PromptStyle {
        match self.tokenizer.chat() {
            Some(_) => PromptStyle::Chat,
            None => PromptStyle::Plain,
        }
    }

    /// Whether `other` reads the same token ids.
    pub fn same_tokenizer(&self, other: &Folder) -> Result<(), SessionError> {
        let vocabulary = |folder: &Folder| folder.tokenizer.to_files().map(|files| files.into_iter().next());
        if vocabulary(self)? == vocabulary(other)? {
            return Ok(());
        }
        Err(SessionError::DifferentTokenizers { a: self.name.clone(), b: other.name.clone() })
    }

    fn needs(&self, needed: Kind) -> Result<(), SessionError> {
        if self.kind == needed {
            return Ok(());
        }
        Err(SessionError::WrongKind { name: self.name.clone(), found: self.kind.name(), needed: needed.name() })
    }
}

/// `eos_token_id` of a `generation_config.json`, a number or a list of numbers. What cannot be read says nothing about ends.
fn listed_ends(generation_config: &[u8]) -> Vec<u32> {
    let value: serde_json::Value = serde_json::from_slice(generation_config).unwrap_or_default();
    let listed = &value["eos_token_id"];
    let ids = listed.as_array().map_or(std::slice::from_ref(listed), Vec::as_slice).iter();
    ids.filter_map(|id| id.as_u64().and_then(|id| u32::try_from(id).ok())).collect()
}

/// The bias that `config.json` gives a reward model; 0 where it says nothing.
fn reward_bias(name: &str, config: &[u8]) -> Result<f32, SessionError> {
    let value: serde_json::Value = serde_json::from_slice(config).unwrap_or_default();
    match &value[REWARD_BIAS] {
        serde_json::Value::Null => Ok(0.0),
        bias => bias.as_f64().map(|bias| bias as f32).filter(|bias| bias.is_finite()).ok_or_else(|| {
            let reason = format!("`{REWARD_BIAS}` is {bias}, but must be a number");
            named(name)(ModelError::Unsupported(reason))
        }),
    }
}

/// Writes a bias into the `config.json` of a reward model's files.
pub fn set_reward_bias(files: &mut Files, bias: f32) {
    let config = files.get(CONFIG).and_then(|bytes| serde_json::from_slice::<serde_json::Value>(bytes).ok());
    if let Some(mut config) = config {
        config[REWARD_BIAS] = bias.into();
        files.insert(CONFIG.into(), serde_json::to_vec_pretty(&config).unwrap_or_default());
    }
}

/// Reads parameters back from their device, in one wait.
pub async fn host_data(named: Vec<(String, burn::tensor::Tensor<2>)>) -> Result<Vec<NamedData>, SessionError> {
    let shapes: Vec<(String, Vec<usize>)> =
        named.iter().map(|(name, tensor)| (name.clone(), tensor.dims().to_vec())).collect();
    let values = read_all(named.into_iter().map(|(_, tensor)| tensor).collect()).await?;
    Ok(shapes.into_iter().zip(values).map(|((name, shape), values)| NamedData { name, shape, values }).collect())
}

/// The files of a model folder.
pub async fn save(
    model: &impl Parameters,
    config: &DecoderConfig,
    kind: Kind,
    tokenizer: &Tokenizer,
    precision: Precision,
) -> Result<Files, SessionError> {
    let parameters = model.parameters().into_iter().map(|(name, tensor)| (name, tensor.clone())).collect();
    let data = host_data(parameters).await?;
    let mut files: Files = tokenizer.to_files()?.into_iter().collect();
    files.insert(WEIGHTS.into(), encode(&data, precision).map_err(named("the model being saved"))?);
    files.insert(CONFIG.into(), config.to_json(kind.head(), tokenizer.eos_id(), tokenizer.pad_id()));
    files.insert(GENERATION_CONFIG.into(), generation_config(tokenizer));
    Ok(files)
}

fn generation_config(tokenizer: &Tokenizer) -> Vec<u8> {
    // One id where there is one, as most readers expect.
    let ends = match tokenizer.end_ids().as_slice() {
        [only] => serde_json::json!(only),
        several => serde_json::json!(several),
    };
    let value = serde_json::json!({
        "bos_token_id": tokenizer.eos_id(),
        "eos_token_id": ends,
        "pad_token_id": tokenizer.pad_id(),
        "do_sample": true,
        "temperature": 1.0,
        "max_new_tokens": 80,
    });
    let mut bytes = serde_json::to_vec_pretty(&value).unwrap_or_default();
    bytes.push(b'\n');
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn end_tokens_are_read_as_one_number_or_several() {
        assert_eq!(listed_ends(br#"{"eos_token_id": 2}"#), [2]);
        assert_eq!(listed_ends(br#"{"eos_token_id": [128001, 128008, -1, "x", 128009]}"#), [128_001, 128_008, 128_009]);
        for nothing in [&b"{"[..], b"[]", b"{}", br#"{"eos_token_id": null}"#] {
            assert!(listed_ends(nothing).is_empty());
        }
    }
}
