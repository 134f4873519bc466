//! Models as bytes: a folder in Hugging Face's layout, in one file of weights or several, or a `.gguf`. What
//! transformers or llama.cpp opens, a session opens, and back.

pub(crate) mod adapter;
mod bases;
pub(crate) mod faithful;
mod gguf;
mod open;

use crate::error::{SessionError, named};
use crate::finetuning::{FinetuningOptions, is_large};
use crate::protocol::Files;
use crate::readback::read_all;
use crate::words::Words;
pub use adapter::{ADAPTER_CONFIG, ADAPTER_WEIGHTS, adapter_base, scaled_adapter};
pub(crate) use adapter::{AdapterFiles, LoraNumbers};
pub use bases::Bases;
use burn::tensor::Device;
use bytes::Bytes;
use faithful::Origin;
use nudge_data::{NUDGE_CHAT_TEMPLATE, PromptStyle, Tokenizer};
pub use nudge_model::container::shards_of;
use nudge_model::scalar::SCORE;
use nudge_model::{
    Decoder, DecoderConfig, ModelError, NamedData, Parameters, Precision, ScalarModel, Tensors, checkpoint::encode,
};
use open::refuse_larger;

/// File names of a model folder.
pub const CONFIG: &str = "config.json";
/// The weights.
pub const WEIGHTS: &str = "model.safetensors";
/// Where the weights are, if they are in several files.
pub const INDEX: &str = "model.safetensors.index.json";
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
    /// Where its weights lie.
    pub tensors: Tensors,
    /// Its small files, as they came.
    origin: Origin,
    /// The files that its weights lie in, by name.
    weights: Vec<Bytes>,
    /// What was trained beside them.
    adapter: Option<AdapterFiles>,
    /// Bases that are in memory.
    bases: Bases,
    /// Added to a reward model's numbers.
    reward_bias: f32,
}

/// Key of `config.json` for the bias of a reward model, which the head of transformers has not.
const REWARD_BIAS: &str = "reward_bias";

impl Folder {
    /// Reads and checks the files of one model.
    pub fn open(name: &str, files: &Files) -> Result<Self, SessionError> {
        let opened = open::open(name, files)?;
        let config_bytes = opened.config.clone();
        let config = DecoderConfig::from_json(&config_bytes).map_err(named(name))?;
        refuse_larger(&config, &opened.tensors).map_err(named(name))?;
        let tokenizer = opened.tokenizer()?;
        let tensors = opened.tensors.clone();
        let adapter = AdapterFiles::open(name, files)?;
        let (tokens, rows) = (tokenizer.vocab_size(), config.vocab_size);
        if tokens > rows {
            // An adapter brings the tokenizer of its own base.
            let sha256 = || adapter::sha256(adapter::weights_of(files).iter());
            adapter.as_ref().map_or(Ok(()), |adapter| adapter.check_base(sha256)).map_err(named(name))?;
            return Err(SessionError::TokenizerMismatch { name: name.into(), tokens, rows });
        }
        let has_head = adapter.as_ref().is_some_and(|adapter| adapter.tensors.contains(&AdapterFiles::score()));
        let kind = if has_head || tensors.contains(SCORE) { Kind::Reward } else { Kind::Decoder };
        let bias_bytes = if has_head { files.get(ADAPTER_CONFIG) } else { Some(&config_bytes) };
        let reward_bias = bias_bytes.map_or(Ok(0.0), |bytes| reward_bias(name, bytes))?;
        let weights = adapter::weights_of(files);
        let (name, bases) = (name.into(), Bases::default());
        let origin = opened.into();
        Ok(Self { name, kind, config, tokenizer, tensors, origin, weights, adapter, bases, reward_bias })
    }

    /// Whether its weights lie in these files.
    pub fn lies_in(&self, weights: &[Bytes]) -> bool {
        bases::are_same(&self.weights, weights)
    }

    /// The same folder, which takes its base from those in memory, and leaves it there.
    pub fn beside(self, bases: &Bases) -> Self {
        Self { bases: bases.clone(), ..self }
    }

    /// The language model in it.
    pub fn decoder(&self, device: &Device) -> Result<Decoder, SessionError> {
        self.needs(Kind::Decoder)?;
        self.trunk(device)
    }

    /// The language model in it as it is trained. `seed` is that of a fresh adapter.
    pub fn trainable(
        &self,
        finetuning: &FinetuningOptions,
        seed: u64,
        device: &Device,
    ) -> Result<Decoder, SessionError> {
        self.start(finetuning, self.decoder(device)?, seed)
    }

    fn start(&self, finetuning: &FinetuningOptions, model: Decoder, seed: u64) -> Result<Decoder, SessionError> {
        finetuning.start(model, seed, || adapter::base_model(&self.name, self.sha256()))
    }

    /// The base under its adapter, if it has one. A large base, and that of an adapter, stays as it is stored.
    fn trunk(&self, device: &Device) -> Result<Decoder, SessionError> {
        let as_stored = self.adapter.is_some() || is_large(&self.config);
        let read = || match as_stored {
            true => Decoder::as_stored(&self.config, &self.tensors, device),
            false => Decoder::from_tensors(&self.config, &self.tensors, device),
        };
        let base = self.bases.get_or_read(&self.weights, as_stored, read).map_err(named(&self.name))?;
        match &self.adapter {
            Some(adapter) => adapter.onto(base, || self.sha256()).map_err(named(&self.name)),
            None => Ok(base),
        }
    }

    /// SHA-256 of its weights, in hex, without those of an adapter.
    pub fn sha256(&self) -> String {
        adapter::sha256(self.weights.iter())
    }

    /// The reward model in it.
    pub fn scalar(&self, device: &Device) -> Result<ScalarModel, SessionError> {
        self.needs(Kind::Reward)?;
        let shape = [1, self.config.hidden_size];
        let in_adapter = self.adapter.as_ref().map(|adapter| (&adapter.tensors, AdapterFiles::score()));
        let in_adapter = in_adapter.filter(|(tensors, name)| tensors.contains(name));
        let (tensors, name) = in_adapter.unwrap_or((&self.tensors, SCORE.into()));
        let score = tensors.matrix(&name, shape, device).map_err(named(&self.name))?;
        Ok(ScalarModel::with_score(self.trunk(device)?, score).with_bias(self.reward_bias))
    }

    /// The reward model in it as it is trained: what a value model starts from.
    pub fn trainable_scalar(
        &self,
        finetuning: &FinetuningOptions,
        seed: u64,
        device: &Device,
    ) -> Result<ScalarModel, SessionError> {
        self.scalar(device)?.try_map_decoder(|trunk| self.start(finetuning, trunk, seed))
    }

    /// Bytes of its weights as its files store them.
    pub fn stored_bytes(&self) -> usize {
        self.weights.iter().map(Bytes::len).sum()
    }

    /// Its small files, as they came.
    pub(crate) fn origin(&self) -> &Origin {
        &self.origin
    }

    /// The words that its corpus has, where its files say so.
    pub fn words(&self) -> Option<Words> {
        self.origin.words()
    }

    /// What was trained beside its weights.
    pub(crate) fn adapter(&self) -> Option<&AdapterFiles> {
        self.adapter.as_ref()
    }

    /// Whether something was trained beside its weights.
    pub fn has_adapter(&self) -> bool {
        self.adapter.is_some()
    }

    /// Its adapter's files as they came, with the tokenizer.
    pub(crate) fn adapter_files(&self) -> Result<Files, SessionError> {
        let mut files: Files =
            self.tokenizer.to_files()?.into_iter().map(|(name, bytes)| (name, bytes.into())).collect();
        files.extend(self.adapter.iter().flat_map(AdapterFiles::files));
        Ok(files)
    }

    /// The numbers of a weight, with what an adapter adds to them.
    pub(crate) fn merged_numbers(&self, weight: &str, shape: [usize; 2]) -> Result<Vec<f32>, ModelError> {
        let mut numbers = self.tensors.stored(weight)?.numbers();
        if let Some(adapter) = &self.adapter {
            adapter.merge(weight, shape, &mut numbers)?;
        }
        Ok(numbers)
    }

    /// What is done where its files say nothing, to be told to whoever opens it.
    pub fn note(&self) -> Option<&'static str> {
        let plain = "it has no chat template: prompts are plain text that it continues, and instruction tuning gives it Nudge's template";
        (self.kind == Kind::Decoder && self.tokenizer.chat().is_none()).then_some(plain)
    }

    /// The small files of the same model with all its weights in `precision`.
    pub(crate) fn small_files(&self, precision: Precision) -> Result<Files, SessionError> {
        let mut files = small_files(&self.config, self.kind, &self.tokenizer)?;
        self.origin.restore(&mut files);
        set_precision(&mut files, precision);
        Ok(files)
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
    let file = adapter::bias_file(files);
    let config = files.get(file).and_then(|bytes| serde_json::from_slice::<serde_json::Value>(bytes).ok());
    if let Some(mut config) = config {
        config[REWARD_BIAS] = bias.into();
        files.insert(file.into(), serde_json::to_vec_pretty(&config).unwrap_or_default().into());
    }
}

/// Reads parameters back from their device, in one wait, to be stored.
///
/// # Errors
/// If a device fails; [`SessionError::DivergedWeights`] if a number is not finite.
pub async fn host_data(named: Vec<(String, burn::tensor::Tensor<2>)>) -> Result<Vec<NamedData>, SessionError> {
    let shapes: Vec<(String, Vec<usize>)> =
        named.iter().map(|(name, tensor)| (name.clone(), tensor.dims().to_vec())).collect();
    let values = read_all(named.into_iter().map(|(_, tensor)| tensor).collect()).await?;
    let diverged = |values: &Vec<f32>| values.iter().any(|value| !value.is_finite());
    if let Some(place) = values.iter().position(diverged) {
        return Err(SessionError::DivergedWeights { weight: shapes[place].0.clone() });
    }
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
    if let Some(adapter) = model.decoder().and_then(Decoder::adapter) {
        return adapter::save(model, adapter, kind, tokenizer, precision).await;
    }
    let parameters = model.parameters().into_iter().map(|(name, tensor)| (name, tensor.clone())).collect();
    let data = host_data(parameters).await?;
    let mut files = small_files(config, kind, tokenizer)?;
    files.insert(WEIGHTS.into(), encode(&data, precision).map_err(named("the model being saved"))?.into());
    set_precision(&mut files, precision);
    Ok(files)
}

/// Says in `config.json` how the weights are stored.
fn set_precision(files: &mut Files, precision: Precision) {
    let name = match precision {
        Precision::F32 => "float32",
        Precision::F16 => "float16",
        Precision::BF16 => "bfloat16",
    };
    faithful::rewrite(files, CONFIG, |config| {
        config.shift_remove("dtype");
        config.insert("torch_dtype".into(), name.into());
    });
}

/// All but the weights.
fn small_files(config: &DecoderConfig, kind: Kind, tokenizer: &Tokenizer) -> Result<Files, SessionError> {
    let mut files: Files = tokenizer.to_files()?.into_iter().map(|(name, bytes)| (name, bytes.into())).collect();
    files.insert(CONFIG.into(), config.to_json(kind.head(), tokenizer.eos_id(), tokenizer.pad_id()).into());
    files.insert(GENERATION_CONFIG.into(), generation_config(tokenizer).into());
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
