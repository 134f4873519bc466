//! `tokenizer.json` and `tokenizer_config.json`: Hugging Face's files, in and out as bytes.
//!
//! The first holds the algorithm and the vocabulary, the second says which tokens end a text and
//! fill a batch ([`crate::roles`] reads that part), and carries the chat template.

use std::panic::{AssertUnwindSafe, catch_unwind};

use serde_json::{Map, Value, json};

use crate::error::DataError;
use crate::rewriting;
use crate::roles::Vocabulary;
use crate::tokenizer::Tokenizer;

pub(crate) const TOKENIZER_FILE: &str = "tokenizer.json";
pub(crate) const CONFIG_FILE: &str = "tokenizer_config.json";
const TEMPLATE_FILE: &str = "chat_template.jinja";

/// Characters of many kinds, to find out whether a vocabulary covers text.
const PROBE: &str = "Hello, wörld! 1 + 1 = 2\n\t漢字 🙂 \u{1}";

impl Tokenizer {
    /// Opens the tokenizer of a model folder that has no `chat_template.jinja`; see
    /// [`Tokenizer::from_files_with_template`].
    ///
    /// # Errors
    ///
    /// As there.
    pub fn from_files(tokenizer_json: &[u8], tokenizer_config_json: Option<&[u8]>) -> Result<Self, DataError> {
        Self::from_files_with_template(tokenizer_json, tokenizer_config_json, None)
    }

    /// Opens the tokenizer of a model folder: `tokenizer.json`, `tokenizer_config.json`, `chat_template.jinja`.
    ///
    /// `eos_token`, `bos_token`, `pad_token`, `unk_token` and `chat_template` are read from
    /// `tokenizer_config.json`. A pad token that is missing, or the same as the end token, is
    /// replaced by another special token that text does not use. The template is a text, or the one named `default` of
    /// several; a `chat_template.jinja` file takes its place, as in transformers.
    ///
    /// # Errors
    ///
    /// [`DataError::TokenizerFile`] for a file that can not be read, [`DataError::MissingToken`] if
    /// no end token or no pad token can be told, [`DataError::ChatTemplate`] for a template that does
    /// not compile.
    pub fn from_files_with_template(
        tokenizer_json: &[u8],
        tokenizer_config_json: Option<&[u8]>,
        chat_template_jinja: Option<&[u8]>,
    ) -> Result<Self, DataError> {
        Self::from_files_with_ends(tokenizer_json, tokenizer_config_json, chat_template_jinja, &[])
    }

    /// The same for a model whose completions also end at the tokens `ends`, as `generation_config.json` may list them.
    /// Ids beyond the vocabulary are none.
    ///
    /// # Errors
    ///
    /// As [`Tokenizer::from_files_with_template`].
    pub fn from_files_with_ends(
        tokenizer_json: &[u8],
        tokenizer_config_json: Option<&[u8]>,
        chat_template_jinja: Option<&[u8]>,
        ends: &[u32],
    ) -> Result<Self, DataError> {
        let inner = open(tokenizer_json)?;
        let config = match tokenizer_config_json {
            Some(bytes) => parse_config(bytes)?,
            None => Map::new(),
        };
        let template = match chat_template_jinja {
            Some(bytes) => Some(
                std::str::from_utf8(bytes)
                    .map_err(|error| file_error(TEMPLATE_FILE, format!("it is not UTF-8 text: {error}")))?,
            ),
            None => None,
        };
        Self::with_roles(inner, config, template, ends)
    }

    /// Finds out which tokens end a text and fill a batch. A template of the configuration does where there is no other.
    pub(crate) fn with_roles(
        inner: tokenizers::Tokenizer,
        config: Map<String, Value>,
        template: Option<&str>,
        ends: &[u32],
    ) -> Result<Self, DataError> {
        let template = match template {
            Some(template) => Some(template),
            None => template_source(&config)?,
        };
        let template = template.map(str::to_owned);
        let roles = |inner: &tokenizers::Tokenizer, config: &Map<String, Value>, ends: &[u32]| {
            Vocabulary { inner, config, template: template.as_deref().unwrap_or_default(), ends }.roles()
        };
        let first = roles(&inner, &config, ends)?;
        let chat = template.as_deref().map(|source| first.chat_template(source)).transpose()?;
        let mut tokenizer = Self::assemble(inner, first, chat, config).with_ends(ends);
        let ends = tokenizer.end_ids();
        if ends.contains(&tokenizer.pad_id()) {
            tokenizer.roles = roles(&tokenizer.inner, &tokenizer.config, &ends)?;
        }
        Ok(tokenizer)
    }

    /// The two files of a model folder, as `(name, content)`.
    ///
    /// Fields of the configuration that came with a foreign folder are kept.
    ///
    /// # Errors
    ///
    /// [`DataError::TokenizerFile`] if the content can not be written as JSON.
    pub fn to_files(&self) -> Result<Vec<(String, Vec<u8>)>, DataError> {
        let tokenizer = self.inner.to_string(true).map_err(|error| file_error(TOKENIZER_FILE, error.to_string()))?;
        let mut config = self.config.clone();
        let mut default = |field: &str, value: Value| {
            config.entry(field).or_insert(value);
        };
        default("tokenizer_class", json!("PreTrainedTokenizerFast"));
        default("clean_up_tokenization_spaces", json!(false));
        // Hugging Face's way to say that the tokenizer sets no limit; the model does.
        default("model_max_length", json!(1e30));
        if let Some((bos, _)) = &self.roles.bos {
            config.insert("bos_token".to_owned(), json!(bos));
        }
        config.insert("eos_token".to_owned(), json!(self.roles.eos.0));
        config.insert("pad_token".to_owned(), json!(self.roles.pad.0));
        match self.chat() {
            Some(chat) => config.insert("chat_template".to_owned(), json!(chat.source())),
            None => config.shift_remove("chat_template"),
        };
        let config = serde_json::to_vec_pretty(&config).map_err(|error| file_error(CONFIG_FILE, error.to_string()))?;
        Ok(vec![(TOKENIZER_FILE.to_owned(), tokenizer.into_bytes()), (CONFIG_FILE.to_owned(), config)])
    }

    /// Writes the model's context, in tokens, into `tokenizer_config.json` as `model_max_length`.
    pub fn set_model_max_length(&mut self, tokens: usize) {
        self.config.insert("model_max_length".to_owned(), json!(tokens));
    }
}

/// The largest id that is supported, as many as `config.json` may have rows.
const LARGEST_ID: u32 = (1 << 21) - 1;

fn open(tokenizer_json: &[u8]) -> Result<tokenizers::Tokenizer, DataError> {
    let refused = |error: &dyn std::fmt::Display| {
        file_error(TOKENIZER_FILE, format!("{error}; take the file that stands beside the model's weights"))
    };
    rewriting::check(tokenizer_json).map_err(|error| refused(&error))?;
    let opened = guarded(|| tokenizers::Tokenizer::from_bytes(tokenizer_json)).map_err(|error| refused(&error))?;
    probed(opened.map_err(|error| refused(&error))?)
}

/// A tokenizer of sizes that are supported, tried out on ordinary text, without limits of its own.
pub(crate) fn probed(mut inner: tokenizers::Tokenizer) -> Result<tokenizers::Tokenizer, DataError> {
    // An embedding has a row for each id up to the largest.
    if let Some(largest) = inner.get_vocab(true).into_values().max().filter(|largest| *largest > LARGEST_ID) {
        let reason = format!("it has an id {largest}; at most {LARGEST_ID} is supported");
        return Err(file_error(TOKENIZER_FILE, reason));
    }
    // A file may ask for fixed lengths; here the caller decides about lengths.
    inner.with_padding(None);
    let tried = guarded(|| inner.with_truncation(None).and_then(|inner| inner.encode_fast(PROBE, false).map(drop)));
    let tried = tried.map_err(|error| file_error(TOKENIZER_FILE, error.to_string()))?;
    tried.map_err(|error| {
        let reason = format!("it can not encode ordinary text ({error}); its vocabulary is incomplete");
        file_error(TOKENIZER_FILE, reason)
    })?;
    Ok(inner)
}

/// What the `tokenizers` crate gives, or that it panicked: it trusts its files. In a browser a panic ends the program.
pub(crate) fn guarded<T>(work: impl FnOnce() -> T) -> Result<T, &'static str> {
    catch_unwind(AssertUnwindSafe(work)).map_err(|_| "the `tokenizers` crate fails on it")
}

fn parse_config(bytes: &[u8]) -> Result<Map<String, Value>, DataError> {
    serde_json::from_slice(bytes).map_err(|error| file_error(CONFIG_FILE, format!("it is not a JSON object: {error}")))
}

/// The template, which may be a text or a list of named texts.
fn template_source(config: &Map<String, Value>) -> Result<Option<&str>, DataError> {
    match config.get("chat_template") {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(source)) => Ok(Some(source)),
        Some(Value::Array(named)) => {
            let default =
                named.iter().find(|entry| entry["name"] == "default").and_then(|entry| entry["template"].as_str());
            default.map(Some).ok_or_else(|| {
                let reason = "`chat_template` is a list without an entry named \"default\"";
                file_error(CONFIG_FILE, reason.to_owned())
            })
        }
        Some(_) => Err(file_error(CONFIG_FILE, "`chat_template` must be a text".to_owned())),
    }
}

pub(crate) fn file_error(file: &'static str, reason: String) -> DataError {
    DataError::TokenizerFile { file, reason }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chat::PromptStyle;
    use crate::tokenizer::{END_OF_TEXT, PAD};

    fn trained() -> Tokenizer {
        Tokenizer::train(["The dog ran. The dog sat."].into_iter(), 264).expect("trains")
    }

    fn tokenizer_json() -> Vec<u8> {
        trained().to_files().expect("writes").remove(0).1
    }

    fn with_config(config: &Value) -> Result<Tokenizer, DataError> {
        Tokenizer::from_files(&tokenizer_json(), Some(config.to_string().as_bytes()))
    }

    fn refusal(config: &Value) -> String {
        with_config(config).expect_err("is refused").to_string()
    }

    #[test]
    fn what_was_written_is_opened() {
        let mut tokenizer = trained();
        tokenizer.set_model_max_length(256);
        let files = tokenizer.to_files().expect("writes");
        assert_eq!(files[0].0, "tokenizer.json");
        assert_eq!(files[1].0, "tokenizer_config.json");
        let config: Value = serde_json::from_slice(&files[1].1).expect("is JSON");
        assert_eq!(config["eos_token"], END_OF_TEXT);
        assert_eq!(config["bos_token"], END_OF_TEXT);
        assert_eq!(config["pad_token"], PAD);
        assert_eq!(config["model_max_length"], 256);
        assert_eq!(config["tokenizer_class"], "PreTrainedTokenizerFast");
        assert_eq!(config["chat_template"], crate::template::NUDGE_CHAT_TEMPLATE);
        let opened = Tokenizer::from_files(&files[0].1, Some(&files[1].1)).expect("opens");
        assert_eq!(opened.to_files().expect("writes"), files);
        assert_eq!((opened.pad_id(), opened.eos_id()), (0, 1));
        assert_eq!(opened.encode("The dog <|user|>"), tokenizer.encode("The dog <|user|>"));
        assert_eq!(
            opened.encode_demonstration(&"The".into(), "dog").expect("encodes"),
            tokenizer.encode_demonstration(&"The".into(), "dog").expect("encodes")
        );
    }

    #[test]
    fn an_id_out_of_proportion_is_refused_before_anybody_makes_rows_for_it() {
        let mut file: Value = serde_json::from_slice(&tokenizer_json()).expect("is JSON");
        let vocabulary = file["model"]["vocab"].as_object_mut().expect("a vocabulary");
        let last = vocabulary.values_mut().next_back().expect("a token");
        *last = json!(4_000_000_000u32);
        let error = Tokenizer::from_files(file.to_string().as_bytes(), None).expect_err("is refused").to_string();
        assert!(error.contains("4000000000") && error.contains("at most 2097151"), "{error}");
    }

    #[test]
    fn foreign_fields_are_read_in_every_form_and_kept() {
        let template = "{{ bos_token }}{{ messages[0].content }}{{ eos_token }}";
        let tokenizer = with_config(&json!({
            "eos_token": { "content": "<|assistant|>", "special": true },
            "bos_token": "<|user|>",
            "pad_token": "<|assistant|>",
            "unk_token": "<|endoftext|>",
            "tokenizer_class": "GPT2Tokenizer",
            "chat_template": [
                { "name": "tool_use", "template": "" },
                { "name": "default", "template": template },
            ],
        }))
        .expect("opens");
        // Padding with the end token is refused, so the unknown token takes its place.
        assert_eq!((tokenizer.eos_id(), tokenizer.bos_id(), tokenizer.pad_id()), (3, 2, 1));
        let ids = tokenizer.encode_prompt(&"a".into(), PromptStyle::Chat).expect("encodes");
        assert_eq!(ids, [vec![2], tokenizer.encode("a"), vec![3]].concat());
        let files = tokenizer.to_files().expect("writes");
        let config: Value = serde_json::from_slice(&files[1].1).expect("is JSON");
        assert_eq!(config["tokenizer_class"], "GPT2Tokenizer");
        assert_eq!(config["pad_token"], "<|endoftext|>");
        let base = tokenizer.without_chat_template().to_files().expect("writes");
        let config: Value = serde_json::from_slice(&base[1].1).expect("is JSON");
        assert_eq!(config.get("chat_template"), None);
    }

    #[test]
    fn without_a_configuration_the_end_token_is_guessed_and_no_chat_is() {
        let tokenizer = Tokenizer::from_files(&tokenizer_json(), None).expect("opens");
        assert_eq!(tokenizer.eos_id(), 1);
        assert!(tokenizer.chat().is_none());
        assert_eq!(tokenizer.encode_prompt(&"a".into(), PromptStyle::Chat), Err(DataError::NoChatTemplate));
    }

    #[test]
    fn listed_ends_count_and_the_pad_is_none_of_them() {
        let config = json!({ "eos_token": END_OF_TEXT, "pad_token": "<|user|>" }).to_string();
        let open = |ends: &[u32]| {
            Tokenizer::from_files_with_ends(&tokenizer_json(), Some(config.as_bytes()), None, ends).expect("opens")
        };
        let ends_and_pad = |tokenizer: Tokenizer| (tokenizer.end_ids(), tokenizer.pad_id());
        assert_eq!(ends_and_pad(open(&[])), (vec![1], 2));
        assert_eq!(ends_and_pad(open(&[2, 1, 1_000_000])), (vec![1, 2], 0));
    }

    #[test]
    fn the_template_file_goes_before_the_configuration() {
        let config = json!({ "eos_token": END_OF_TEXT, "chat_template": "{{ messages[0].content }}" }).to_string();
        let open = |template: &[u8]| {
            Tokenizer::from_files_with_template(&tokenizer_json(), Some(config.as_bytes()), Some(template))
        };
        let tokenizer = open(b"<|user|>{{ bos_token }}{{ messages[0].content }}<|assistant|>").expect("opens");
        let ids = tokenizer.encode_prompt(&"a".into(), PromptStyle::Chat).expect("encodes");
        // No begin token is named, so none is printed, and none appears when the folder is written.
        assert_eq!(ids, [vec![2], tokenizer.encode("a"), vec![3]].concat());
        assert_eq!(tokenizer.bos_id(), tokenizer.eos_id());
        let files = tokenizer.to_files().expect("writes");
        let written: Value = serde_json::from_slice(&files[1].1).expect("is JSON");
        assert_eq!(written["chat_template"], tokenizer.chat().expect("has one").source());
        assert_eq!(written.get("bos_token"), None);
        let broken = open(b"\xff").expect_err("is refused").to_string();
        assert!(broken.starts_with("chat_template.jinja: it is not UTF-8"), "{broken}");
    }

    #[test]
    fn padding_with_the_end_of_a_turn_is_refused() {
        let config = |pad: &str| {
            json!({
                "eos_token": END_OF_TEXT,
                "pad_token": pad,
                "chat_template": "{% for m in messages %}<|user|>{{ m.content }}<|assistant|>{% endfor %}",
            })
        };
        for (pad, chosen) in [("<|pad|>", 0), ("<|user|>", 2), ("<|assistant|>", 0)] {
            let tokenizer = with_config(&config(pad)).expect("opens");
            assert_eq!((tokenizer.pad_id(), tokenizer.end_ids()), (chosen, vec![1, 3]));
        }
    }

    #[test]
    fn broken_files_are_named() {
        let cut = br#"{"decoder": {"type": "Byte"#;
        let broken = Tokenizer::from_files(cut, None).expect_err("is refused");
        assert!(broken.to_string().starts_with("tokenizer.json: EOF"), "{broken}");
        let broken = Tokenizer::from_files(b"{}", None).expect_err("is refused");
        assert!(broken.to_string().starts_with("tokenizer.json: "), "{broken}");
        let refused = [
            (json!([]), "tokenizer_config.json: it is not a JSON object"),
            (json!({ "eos_token": 3 }), "`eos_token` must be a text or an object"),
            (json!({ "eos_token": "<end>" }), "tokenizer.json lacks"),
            (json!({ "chat_template": 3 }), "`chat_template` must be a text"),
            (json!({ "chat_template": [] }), "without an entry named \"default\""),
        ];
        for (config, part) in refused {
            let message = refusal(&config);
            assert!(message.contains(part), "{message}");
        }
    }

    #[test]
    fn a_vocabulary_that_can_not_hold_text_is_refused() {
        let json = json!({
            "model": { "type": "WordLevel", "vocab": { "a": 0 }, "unk_token": "[UNK]" },
        });
        let error = Tokenizer::from_files(json.to_string().as_bytes(), None).expect_err("is refused");
        assert!(error.to_string().contains("can not encode ordinary text"), "{error}");
    }

    #[test]
    fn lengths_that_a_file_fixes_are_ignored() {
        let mut json: Value = serde_json::from_slice(&tokenizer_json()).expect("is JSON");
        json["truncation"] = json!({
            "direction": "Right", "max_length": 2, "strategy": "LongestFirst", "stride": 0,
        });
        let tokenizer = Tokenizer::from_files(json.to_string().as_bytes(), None).expect("opens");
        assert_eq!(tokenizer.decode(&tokenizer.encode("The dog ran.")), "The dog ran.");
    }
}
