//! The tokenizer inside a GGUF, and back.
//!
//! A GGUF keeps the vocabulary as lists in its metadata and names the rules that cut text into words, which a
//! `tokenizer.json` spells out. Two kinds: `gpt2`, byte-level BPE, and `llama`, SentencePiece as BPE with bytes for what
//! the vocabulary lacks. The rules are those of llama.cpp's `llama-vocab.cpp` and of the models' own `tokenizer.json`.
//!
//! It lacks WordPiece, Unigram, and rules that no family of Nudge's uses.

mod back;
mod merges;
mod words;

use crate::error::DataError;
use crate::tokenizer::Tokenizer;
use crate::tokenizer_files::{guarded, probed};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};
use tokenizers::models::bpe::{BPE, BpeBuilder, Vocab};
use tokenizers::{AddedToken, DecoderWrapper, NormalizerWrapper, PreTokenizerWrapper};
use words::Words;

/// The rank of a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum TokenKind {
    Normal = 1,
    Unknown = 2,
    /// Special: ends a text, begins a turn.
    Control = 3,
    /// Found in text whatever stands around it.
    UserDefined = 4,
    /// A row of the embedding that no text gives.
    Unused = 5,
    /// One byte, `<0x0A>`.
    Byte = 6,
}

impl TokenKind {
    /// The kind of this number.
    pub fn of(number: f64) -> Option<Self> {
        use TokenKind::*;
        [Normal, Unknown, Control, UserDefined, Unused, Byte].into_iter().find(|kind| *kind as i32 as f64 == number)
    }
}

/// What a GGUF's metadata say of a tokenizer, without `tokenizer.ggml.` before the names.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct GgufTokenizer {
    /// `gpt2` or `llama`.
    pub model: String,
    /// The rules that cut text into words; for `gpt2` alone.
    pub pre: String,
    /// Every token; its place is its id.
    pub tokens: Vec<String>,
    /// The kind of each.
    pub kinds: Vec<TokenKind>,
    /// How good each is; for `llama` alone.
    pub scores: Vec<f32>,
    /// Pairs to merge, best first, as `left right`.
    pub merges: Vec<String>,
    /// What begins a text.
    pub bos: Option<u32>,
    /// What ends a text.
    pub eos: Option<u32>,
    /// What ends a completion, where that is another.
    pub end_of_turn: Option<u32>,
    /// What stands for what the vocabulary lacks.
    pub unknown: Option<u32>,
    /// What fills a batch.
    pub padding: Option<u32>,
    /// Whether a text begins with `bos`.
    pub add_bos: Option<bool>,
    /// Whether a space is put before a text; for `llama` alone, where it is so unless said otherwise.
    pub add_space_prefix: Option<bool>,
    /// The chat template.
    pub chat_template: Option<String>,
}

/// What stands before the keys.
const PREFIX: &str = "tokenizer.ggml";

impl GgufTokenizer {
    /// The tokenizer, for a model whose completions also end at the tokens `ends`.
    ///
    /// # Errors
    /// [`DataError::TokenizerFile`] if the kind or its rules are not known, or lists do not fit together; else as
    /// [`Tokenizer::from_files`].
    pub fn open(&self, ends: &[u32]) -> Result<Tokenizer, DataError> {
        if self.tokens.is_empty() || self.kinds.len() != self.tokens.len() {
            let (tokens, kinds) = (self.tokens.len(), self.kinds.len());
            return Err(refused("tokens", format!("are {tokens}, but kinds are {kinds}; the file was damaged")));
        }
        let (model, steps) = match self.model.as_str() {
            "gpt2" => self.byte_level()?,
            "llama" => self.sentence_piece()?,
            other => {
                return Err(refused("model", format!("is `{other}`; known are `gpt2` and `llama`")));
            }
        };
        let mut inner = tokenizers::Tokenizer::new(model);
        let normalizer = step::<NormalizerWrapper>(steps.normalizer)?;
        inner.with_normalizer(normalizer).map_err(|error| refused("pre", error.to_string()))?;
        inner.with_pre_tokenizer(step::<PreTokenizerWrapper>(steps.pre_tokenizer)?);
        inner.with_decoder(step::<DecoderWrapper>(steps.decoder)?);
        let added = guarded(|| inner.add_tokens(self.added_tokens()));
        added.map_err(crate_failed)?.map_err(|error| refused("tokens", error.to_string()))?;
        Tokenizer::with_roles(probed(inner)?, self.config()?, None, ends)
    }

    /// Byte-level BPE.
    fn byte_level(&self) -> Result<(BPE, Steps), DataError> {
        let words = Words::named(&self.pre)
            .ok_or_else(|| refused("pre", format!("is `{}`; known are {}", self.pre, Words::known())))?;
        let merges = self.merges.iter().map(|merge| merge.split_once(' ')).collect::<Option<Vec<_>>>();
        let merges = merges.ok_or_else(|| refused("merges", "holds a line that is no pair".into()))?;
        let steps = Steps {
            normalizer: words.normalizer(),
            pre_tokenizer: words.pre_tokenizer(),
            decoder: json!({"type": "ByteLevel", "add_prefix_space": true, "trim_offsets": true, "use_regex": true}),
        };
        Ok((self.bpe(&merges, |builder| builder.ignore_merges(words.whole_words_first()))?, steps))
    }

    /// SentencePiece's BPE: `▁` for spaces, bytes for what is not in the vocabulary.
    fn sentence_piece(&self) -> Result<(BPE, Steps), DataError> {
        let merges = match self.merges.is_empty() {
            true if self.scores.len() == self.tokens.len() => merges::from_scores(self),
            true => return Err(refused("scores", "are fewer than the tokens, and there are no merges".into())),
            false => self.merges.iter().filter_map(|merge| merge.split_once(' ')).collect(),
        };
        let spaced = self.add_space_prefix.unwrap_or(true);
        let spaces = json!({"type": "Replace", "pattern": {"String": " "}, "content": "▁"});
        let mut decoders = vec![
            json!({"type": "Replace", "pattern": {"String": "▁"}, "content": " "}),
            json!({"type": "ByteFallback"}),
            json!({"type": "Fuse"}),
        ];
        let normalizer = match spaced {
            true => {
                decoders.push(json!({"type": "Strip", "content": " ", "start": 1, "stop": 0}));
                json!({"type": "Sequence", "normalizers": [{"type": "Prepend", "prepend": "▁"}, spaces]})
            }
            false => spaces,
        };
        let steps = Steps {
            normalizer,
            pre_tokenizer: Value::Null,
            decoder: json!({"type": "Sequence", "decoders": decoders}),
        };
        let unknown = self.unknown.and_then(|id| self.tokens.get(id as usize));
        let model = self.bpe(&merges, |builder| {
            let builder = builder.byte_fallback(self.kinds.contains(&TokenKind::Byte)).fuse_unk(true);
            unknown.into_iter().fold(builder, |builder, token| builder.unk_token(token.clone()))
        })?;
        Ok((model, steps))
    }

    /// The tokens that text can give, with their ids, and the pairs that are merged.
    fn bpe(
        &self,
        merges: &[(&str, &str)],
        with_options: impl FnOnce(BpeBuilder) -> BpeBuilder,
    ) -> Result<BPE, DataError> {
        let all = self.tokens.iter().zip(0..).zip(&self.kinds).filter(|(_, kind)| **kind != TokenKind::Unused);
        let vocabulary: Vocab = all.map(|((token, id), _)| (token.clone(), id)).collect();
        let longest = vocabulary.keys().map(String::len).max().unwrap_or(0);
        // The crate makes room for the longest token and trusts that nothing longer comes of a merge.
        if let Some((left, right)) = merges.iter().find(|(left, right)| left.len() + right.len() > longest) {
            return Err(refused("merges", format!("makes a token of `{left}` and `{right}` that is not there")));
        }
        let merges = merges.iter().map(|(left, right)| ((*left).into(), (*right).into())).collect();
        let build = || with_options(BpeBuilder::new().vocab_and_merges(vocabulary, merges)).build();
        guarded(build).map_err(crate_failed)?.map_err(|error| refused("merges", error.to_string()))
    }

    /// Tokens that are found in text before it is cut into words.
    fn added_tokens(&self) -> Vec<AddedToken> {
        let special = |kind: &TokenKind| match kind {
            TokenKind::Control | TokenKind::Unknown => Some(true),
            TokenKind::UserDefined => Some(false),
            TokenKind::Normal | TokenKind::Unused | TokenKind::Byte => None,
        };
        let all = self.tokens.iter().zip(&self.kinds);
        all.filter_map(|(token, kind)| Some(AddedToken::from(token.as_str(), special(kind)?).normalized(false)))
            .collect()
    }

    /// What stands in `tokenizer_config.json`: which tokens end a text and fill a batch, and the chat template.
    ///
    /// # Errors
    /// [`DataError::TokenizerFile`] if such a token is not there.
    pub fn config(&self) -> Result<Map<String, Value>, DataError> {
        let mut config = Map::new();
        config.insert("tokenizer_class".into(), "PreTrainedTokenizerFast".into());
        config.insert("clean_up_tokenization_spaces".into(), false.into());
        let roles = [
            ("bos_token", "bos_token_id", self.bos),
            ("eos_token", "eos_token_id", self.eos),
            ("unk_token", "unknown_token_id", self.unknown),
            ("pad_token", "padding_token_id", self.padding),
        ];
        for (role, key, id) in roles {
            let Some(id) = id else { continue };
            let token = self.tokens.get(id as usize);
            let token =
                token.ok_or_else(|| refused(key, format!("is {id}, but there are {} tokens", self.tokens.len())))?;
            config.insert(role.into(), token.as_str().into());
        }
        if let Some(add) = self.add_bos {
            config.insert("add_bos_token".into(), add.into());
        }
        if let Some(template) = &self.chat_template {
            config.insert("chat_template".into(), template.as_str().into());
        }
        Ok(config)
    }
}

/// What is done to text before and after BPE, as a `tokenizer.json` spells it out.
struct Steps {
    normalizer: Value,
    pre_tokenizer: Value,
    decoder: Value,
}

fn step<T: DeserializeOwned>(step: Value) -> Result<Option<T>, DataError> {
    serde_json::from_value(step).map_err(|error| refused("pre", error.to_string()))
}

fn crate_failed(reason: &str) -> DataError {
    refused("tokens", format!("are of no use: {reason}"))
}

fn refused(key: &str, reason: String) -> DataError {
    crate::tokenizer_files::file_error("the tokenizer of the GGUF", format!("`{PREFIX}.{key}` {reason}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open(tokenizer: &GgufTokenizer) -> Result<Tokenizer, DataError> {
        tokenizer.open(&[])
    }

    /// `<unk>`, `<s>`, `</s>`, the bytes, then pieces, best first.
    fn sentence_piece() -> GgufTokenizer {
        let mut all: Vec<(String, TokenKind, f32)> = vec![
            ("<unk>".into(), TokenKind::Unknown, 0.0),
            ("<s>".into(), TokenKind::Control, 0.0),
            ("</s>".into(), TokenKind::Control, 0.0),
        ];
        all.extend((0..=255u8).map(|byte| (format!("<0x{byte:02X}>"), TokenKind::Byte, 0.0)));
        let pieces = ["▁t", "he", "▁the", "in", "▁", "t", "h", "e", "i", "n"];
        all.extend(
            pieces.iter().enumerate().map(|(place, piece)| ((*piece).into(), TokenKind::Normal, -(place as f32))),
        );
        GgufTokenizer {
            model: "llama".into(),
            tokens: all.iter().map(|(token, ..)| token.clone()).collect(),
            kinds: all.iter().map(|(_, kind, _)| *kind).collect(),
            scores: all.iter().map(|(.., score)| *score).collect(),
            bos: Some(1),
            eos: Some(2),
            unknown: Some(0),
            ..GgufTokenizer::default()
        }
    }

    #[test]
    fn sentence_piece_merges_by_score_and_falls_back_to_bytes() {
        let tokenizer = open(&sentence_piece()).expect("opens");
        let ids = tokenizer.encode("the in é");
        let names: Vec<String> = ids.iter().map(|id| sentence_piece().tokens[*id as usize].clone()).collect();
        assert_eq!(names, ["▁the", "▁", "in", "▁", "<0xC3>", "<0xA9>"]);
        assert_eq!(tokenizer.decode(&ids), "the in é");
        assert_eq!((tokenizer.bos_id(), tokenizer.eos_id(), tokenizer.pad_id()), (1, 2, 0));
        let without = open(&GgufTokenizer { add_space_prefix: Some(false), ..sentence_piece() }).expect("opens");
        assert_eq!(without.decode(&without.encode("the in")), "the in");
        assert_ne!(without.encode("the in"), tokenizer.encode("the in"));
    }

    #[test]
    fn what_is_not_known_or_does_not_fit_is_named() {
        let refusal = |change: &dyn Fn(&mut GgufTokenizer)| {
            let mut tokenizer = sentence_piece();
            change(&mut tokenizer);
            open(&tokenizer).expect_err("is refused").to_string()
        };
        let message = refusal(&|tokenizer| tokenizer.model = "bert".into());
        assert!(message.contains("`tokenizer.ggml.model` is `bert`"), "{message}");
        let message = refusal(&|tokenizer| {
            tokenizer.model = "gpt2".into();
            tokenizer.pre = "tekken".into();
        });
        assert!(message.contains("`tekken`") && message.contains("`smollm`"), "{message}");
        let message = refusal(&|tokenizer| tokenizer.kinds.truncate(3));
        assert!(message.contains("kinds"), "{message}");
        let message = refusal(&|tokenizer| tokenizer.eos = Some(100_000));
        assert!(message.contains("eos_token_id") && message.contains("100000"), "{message}");
        let message = refusal(&|tokenizer| tokenizer.scores.clear());
        assert!(message.contains("scores"), "{message}");
        for merge in ["▁the in", "▁the ▁the▁the▁the"] {
            let message = refusal(&|tokenizer| tokenizer.merges = vec![merge.into()]);
            assert!(message.contains("merges"), "{message}");
        }
    }
}
