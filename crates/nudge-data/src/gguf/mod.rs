//! The tokenizer inside a GGUF as Hugging Face's files, and back, so that one road serves both.
//!
//! A GGUF keeps the vocabulary as lists in its metadata and names the rules that cut text into words; `tokenizer.json`
//! spells them out. Two kinds: `gpt2`, byte-level BPE, and `llama`, SentencePiece as BPE with bytes for what the
//! vocabulary lacks. The rules are those of llama.cpp's `llama-vocab.cpp` and of the models' own `tokenizer.json`.
//!
//! It lacks WordPiece, Unigram, and rules that no family of Nudge's uses.

mod back;
mod merges;
mod words;

use crate::error::DataError;
use serde::{Serialize, Serializer};
use serde_json::{Value, json};
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
    /// The bytes of `tokenizer.json` and `tokenizer_config.json`.
    ///
    /// # Errors
    /// [`DataError::TokenizerFile`] if the kind or its rules are not known, or lists do not fit together.
    pub fn to_files(&self) -> Result<[Vec<u8>; 2], DataError> {
        if self.tokens.is_empty() || self.kinds.len() != self.tokens.len() {
            let (tokens, kinds) = (self.tokens.len(), self.kinds.len());
            return Err(refused("tokens", format!("are {tokens}, but kinds are {kinds}; the file was damaged")));
        }
        let tokenizer = match self.model.as_str() {
            "gpt2" => self.byte_level()?,
            "llama" => self.sentence_piece()?,
            other => {
                return Err(refused("model", format!("is `{other}`; known are `gpt2` and `llama`")));
            }
        };
        let config = self.config()?.to_string().into_bytes();
        let tokenizer = serde_json::to_vec(&tokenizer).map_err(|error| refused("tokens", error.to_string()))?;
        Ok([tokenizer, config])
    }

    /// Byte-level BPE.
    fn byte_level(&self) -> Result<TokenizerJson<'_>, DataError> {
        let words = Words::named(&self.pre)
            .ok_or_else(|| refused("pre", format!("is `{}`; known are {}", self.pre, Words::known())))?;
        let merges = self.merges.iter().map(|merge| merge.split_once(' ')).collect::<Option<Vec<_>>>();
        let merges = merges.ok_or_else(|| refused("merges", "holds a line that is no pair".into()))?;
        Ok(TokenizerJson {
            version: VERSION,
            added_tokens: self.added_tokens(),
            normalizer: words.normalizer(),
            pre_tokenizer: words.pre_tokenizer(),
            decoder: json!({"type": "ByteLevel", "add_prefix_space": true, "trim_offsets": true, "use_regex": true}),
            model: Bpe { ignore_merges: words.whole_words_first(), ..self.bpe(merges) },
        })
    }

    /// SentencePiece's BPE: `▁` for spaces, bytes for what is not in the vocabulary.
    fn sentence_piece(&self) -> Result<TokenizerJson<'_>, DataError> {
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
        Ok(TokenizerJson {
            version: VERSION,
            added_tokens: self.added_tokens(),
            normalizer,
            pre_tokenizer: Value::Null,
            decoder: json!({"type": "Sequence", "decoders": decoders}),
            model: Bpe {
                byte_fallback: self.kinds.contains(&TokenKind::Byte),
                fuse_unk: true,
                unk_token: self.unknown.and_then(|id| self.tokens.get(id as usize)).map(String::as_str),
                ..self.bpe(merges)
            },
        })
    }

    fn bpe<'a>(&'a self, merges: Vec<(&'a str, &'a str)>) -> Bpe<'a> {
        Bpe {
            kind: "BPE",
            unk_token: None,
            fuse_unk: false,
            byte_fallback: false,
            ignore_merges: false,
            vocab: Vocab(self),
            merges,
        }
    }

    fn added_tokens(&self) -> Value {
        let token = |(id, (content, kind)): (usize, (&String, &TokenKind))| {
            let special = match kind {
                TokenKind::Control | TokenKind::Unknown => true,
                TokenKind::UserDefined => false,
                TokenKind::Normal | TokenKind::Unused | TokenKind::Byte => return None,
            };
            Some(json!({
                "id": id, "content": content, "special": special,
                "single_word": false, "lstrip": false, "rstrip": false, "normalized": false,
            }))
        };
        self.tokens.iter().zip(&self.kinds).enumerate().filter_map(token).collect()
    }

    fn config(&self) -> Result<Value, DataError> {
        let mut config = json!({
            "tokenizer_class": "PreTrainedTokenizerFast",
            "clean_up_tokenization_spaces": false,
        });
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
            config[role] = json!(token);
        }
        if let Some(add) = self.add_bos {
            config["add_bos_token"] = add.into();
        }
        if let Some(template) = &self.chat_template {
            config["chat_template"] = json!(template);
        }
        Ok(config)
    }
}

/// A `tokenizer.json`. It is written from where the tokens lie: as values they would take ten times the room.
#[derive(Serialize)]
struct TokenizerJson<'a> {
    version: &'static str,
    added_tokens: Value,
    normalizer: Value,
    pre_tokenizer: Value,
    decoder: Value,
    model: Bpe<'a>,
}

const VERSION: &str = "1.0";

/// Its model; what a file may say beside this is left out.
#[derive(Serialize)]
struct Bpe<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    unk_token: Option<&'a str>,
    fuse_unk: bool,
    byte_fallback: bool,
    ignore_merges: bool,
    vocab: Vocab<'a>,
    merges: Vec<(&'a str, &'a str)>,
}

/// The tokens that text can give, with their ids.
struct Vocab<'a>(&'a GgufTokenizer);

impl Serialize for Vocab<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let all = self.0.tokens.iter().zip(&self.0.kinds).enumerate();
        serializer
            .collect_map(all.filter(|(_, (_, kind))| **kind != TokenKind::Unused).map(|(id, (token, _))| (token, id)))
    }
}

fn refused(key: &str, reason: String) -> DataError {
    crate::tokenizer_files::file_error("the tokenizer of the GGUF", format!("`{PREFIX}.{key}` {reason}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Tokenizer;

    fn open(tokenizer: &GgufTokenizer) -> Result<Tokenizer, DataError> {
        let [tokenizer, config] = tokenizer.to_files()?;
        Tokenizer::from_files(&tokenizer, Some(&config))
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
    }
}
