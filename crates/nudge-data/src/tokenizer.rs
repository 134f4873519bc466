//! Byte-level BPE: text to token ids and back, for any text.
//!
//! A thin layer over the `tokenizers` crate that fixes what Nudge needs: the special tokens and
//! their order, a pad token that is never the end token, and plain text in which no special token
//! can hide. Reading and writing its files is in `tokenizer_files`.
//!
//! It lacks padding and truncation ([`crate::batch`] does the former) and other algorithms for
//! training; it opens whatever `tokenizer.json` holds.

use std::sync::Arc;

use serde_json::{Map, Value};
use tokenizers::models::TrainerWrapper;
use tokenizers::models::bpe::{BPE, BpeTrainer, BpeTrainerBuilder};
use tokenizers::pre_tokenizers::byte_level::ByteLevel;
use tokenizers::utils::parallelism::set_parallelism;

use crate::error::DataError;
use crate::roles::Roles;
use crate::special::SpecialTokens;
pub use crate::special::{ASSISTANT, END_OF_TEXT, PAD, SPECIAL_TOKENS, USER};
use crate::template::{ChatTemplate, Date, NUDGE_CHAT_TEMPLATE, Rendering};
use crate::tokenizer_files::guarded;

/// The smallest vocabulary: the special tokens and one token a byte.
pub const MIN_VOCAB_SIZE: usize = SPECIAL_TOKENS.len() + 256;

/// A tokenizer with its special tokens and, if it has one, its chat template.
#[derive(Debug, Clone)]
pub struct Tokenizer {
    /// Set to read no special token in text. Copies share it: a vocabulary may have a quarter of a million tokens.
    pub(crate) inner: Arc<tokenizers::Tokenizer>,
    pub(crate) specials: SpecialTokens,
    pub(crate) roles: Roles,
    chat: Option<ChatTemplate>,
    /// What follows a completion and is learnt with it, the end token last.
    pub(crate) end_of_turn: Vec<u32>,
    /// What else ends a completion, by the model's configuration.
    pub(crate) more_ends: Vec<u32>,
    /// Fields of `tokenizer_config.json` that are kept as they came.
    pub(crate) config: Map<String, Value>,
    vocab_size: usize,
}

impl Tokenizer {
    /// Trains a byte-level BPE on `texts`, with [`SPECIAL_TOKENS`] first and every byte in the
    /// alphabet.
    ///
    /// The vocabulary has at most `vocab_size` tokens: fewer if the texts hold fewer pairs to merge.
    /// Special tokens in the texts are not recognised; split the texts first
    /// ([`crate::split_records`]).
    ///
    /// # Errors
    ///
    /// [`DataError::VocabularyTooSmall`] below [`MIN_VOCAB_SIZE`], [`DataError::TokenizerTraining`]
    /// if the trainer fails.
    pub fn train<'a>(texts: impl Iterator<Item = &'a str> + Send, vocab_size: usize) -> Result<Self, DataError> {
        if vocab_size < MIN_VOCAB_SIZE {
            return Err(DataError::VocabularyTooSmall { requested: vocab_size, minimum: MIN_VOCAB_SIZE });
        }
        if cfg!(target_family = "wasm") {
            // There are no threads to be had.
            set_parallelism(false);
        }
        let mut inner = tokenizers::Tokenizer::new(BPE::default());
        inner.with_pre_tokenizer(Some(ByteLevel::new(false, true, true)));
        inner.with_decoder(Some(ByteLevel::new(false, true, true)));
        let mut trainer = TrainerWrapper::from(bpe_trainer(vocab_size));
        inner.train(&mut trainer, texts).map_err(|error| DataError::TokenizerTraining { reason: error.to_string() })?;
        let token = |id: usize| (SPECIAL_TOKENS[id].to_owned(), id as u32);
        let roles = Roles { pad: token(0), eos: token(1), bos: Some(token(1)) };
        let chat = ChatTemplate::new(NUDGE_CHAT_TEMPLATE, END_OF_TEXT, END_OF_TEXT)?;
        Ok(Self::assemble(inner, roles, Some(chat), Map::new()))
    }

    pub(crate) fn assemble(
        mut inner: tokenizers::Tokenizer,
        roles: Roles,
        chat: Option<ChatTemplate>,
        config: Map<String, Value>,
    ) -> Self {
        inner.set_encode_special_tokens(true);
        let added = inner.get_added_tokens_decoder();
        let specials = added.into_iter().filter(|(_, token)| token.special).map(|(id, token)| (token.content, id));
        let largest_id = inner.get_vocab(true).into_values().max();
        Self {
            specials: SpecialTokens::new(specials),
            vocab_size: largest_id.map_or(0, |id| id as usize + 1),
            end_of_turn: vec![roles.eos.1],
            more_ends: Vec::new(),
            inner: inner.into(),
            roles,
            chat: None,
            config,
        }
        .with_chat(chat)
    }

    pub(crate) fn with_ends(mut self, ends: &[u32]) -> Self {
        self.more_ends = ends.iter().copied().filter(|&id| (id as usize) < self.vocab_size).collect();
        self
    }

    fn with_chat(mut self, chat: Option<ChatTemplate>) -> Self {
        self.end_of_turn = match &chat {
            Some(chat) => self.end_of_turn_of(chat),
            None => vec![self.eos_id()],
        };
        self.chat = chat;
        self
    }

    /// The ids of plain text.
    ///
    /// Nothing is added, and text that looks like a special token is text: a user who types
    /// `<|endoftext|>` does not end anything.
    pub fn encode(&self, text: &str) -> Vec<u32> {
        // Encoding fails only for a vocabulary without some character and without an unknown token;
        // a byte-level vocabulary has them all, and `from_files` tries others out.
        let encoding = guarded(|| self.inner.encode_fast(text, false));
        encoding.ok().and_then(Result::ok).map_or_else(Vec::new, |encoding| encoding.get_ids().to_vec())
    }

    /// The ids of a rendered chat template, in which the names of special tokens count.
    ///
    /// For text that a user typed, see [`Tokenizer::encode_prompt`].
    pub fn encode_with_specials(&self, rendered: &str) -> Vec<u32> {
        self.encode_rendering(&Rendering::template_text(rendered), &[]).tokens
    }

    /// The text of `ids`, without special tokens.
    ///
    /// Bytes that form no character become U+FFFD; ids beyond the vocabulary are left out. For ids
    /// that are still arriving, see [`crate::StreamDecoder`].
    pub fn decode(&self, ids: &[u32]) -> String {
        // The decoders report no error that ids could cause.
        guarded(|| self.inner.decode(ids, true)).ok().and_then(Result::ok).unwrap_or_default()
    }

    /// One more than the largest id: the number of rows that an embedding needs.
    pub fn vocab_size(&self) -> usize {
        self.vocab_size
    }

    /// The id that fills unused places of a batch. It is never [`Tokenizer::eos_id`].
    pub fn pad_id(&self) -> u32 {
        self.roles.pad.1
    }

    /// The id that ends a record and a completion. In a trained tokenizer it also stands before the
    /// first record.
    pub fn eos_id(&self) -> u32 {
        self.roles.eos.1
    }

    /// The id that stands before plain text: the `bos_token` of the files, or [`Tokenizer::eos_id`]
    /// where they name none.
    pub fn bos_id(&self) -> u32 {
        self.roles.bos.as_ref().map_or(self.eos_id(), |(_, id)| *id)
    }

    /// The chat template, if there is one.
    pub fn chat(&self) -> Option<&ChatTemplate> {
        self.chat.as_ref()
    }

    /// The same tokenizer without a chat template, as a base model has it: prompts are plain text.
    pub fn without_chat_template(self) -> Self {
        self.with_chat(None)
    }

    /// The same tokenizer with another chat template, such as the content of a
    /// `chat_template.jinja` file.
    ///
    /// # Errors
    ///
    /// [`DataError::ChatTemplate`] if it does not compile.
    pub fn with_chat_template(self, source: &str) -> Result<Self, DataError> {
        let chat = self.roles.chat_template(source)?;
        Ok(self.with_chat(Some(chat)))
    }

    /// The same tokenizer with a date for templates that print one; see [`ChatTemplate::with_date`].
    pub fn with_date(mut self, date: Date) -> Self {
        let chat = self.chat.take().map(|chat| chat.with_date(date));
        self.with_chat(chat)
    }
}

fn bpe_trainer(vocab_size: usize) -> BpeTrainer {
    let special = |&name: &&str| tokenizers::AddedToken::from(name, true);
    BpeTrainerBuilder::new()
        .vocab_size(vocab_size)
        // A pair seen once teaches nothing about the language.
        .min_frequency(2)
        .show_progress(false)
        .special_tokens(SPECIAL_TOKENS.iter().map(special).collect())
        .initial_alphabet(ByteLevel::alphabet().into_iter().collect())
        .build()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::sync::LazyLock;

    const STORY: &str = "Once upon a time there was a little dog. The little dog was a happy dog. \
                         The dog had a ball, and the ball was red. Once the dog lost the ball.";

    static TRAINED: LazyLock<Tokenizer> =
        LazyLock::new(|| Tokenizer::train(STORY.split_inclusive(". "), 280).expect("trains"));

    #[test]
    fn special_tokens_come_first_and_pad_is_not_eos() {
        for (id, name) in SPECIAL_TOKENS.iter().enumerate() {
            assert_eq!(TRAINED.encode_with_specials(name), [id as u32]);
        }
        assert_eq!((TRAINED.pad_id(), TRAINED.eos_id()), (0, 1));
        assert_eq!(TRAINED.vocab_size(), 280);
    }

    #[test]
    fn merges_were_learnt() {
        let ids = TRAINED.encode("the little dog");
        assert!(ids.len() < 10, "{ids:?}");
        assert_eq!(TRAINED.decode(&ids), "the little dog");
    }

    #[test]
    fn training_is_deterministic() {
        let files = TRAINED.to_files().expect("writes");
        for _ in 0..5 {
            let again = Tokenizer::train(STORY.split_inclusive(". "), 280).expect("trains");
            assert_eq!(again.to_files().expect("writes"), files);
        }
    }

    #[test]
    fn special_tokens_in_plain_text_are_text() {
        for name in SPECIAL_TOKENS {
            let ids = TRAINED.encode(name);
            assert!(ids.iter().all(|&id| id >= 4), "{name} became {ids:?}");
            assert_eq!(TRAINED.decode(&ids), name);
        }
    }

    #[test]
    fn decode_skips_specials_and_foreign_ids() {
        let mut ids = TRAINED.encode_with_specials("<|user|>dog<|endoftext|>");
        ids.push(9_999);
        assert_eq!(TRAINED.decode(&ids), "dog");
    }

    #[test]
    fn a_vocabulary_below_the_bytes_is_refused() {
        let error = Tokenizer::train(std::iter::empty(), 259).expect_err("is refused");
        assert!(error.to_string().contains("260"), "{error}");
    }

    proptest! {
        #[test]
        fn any_text_comes_back(text: String) {
            let ids = TRAINED.encode(&text);
            prop_assert!(ids.iter().all(|&id| (4..280).contains(&id)));
            prop_assert_eq!(TRAINED.decode(&ids), text);
        }

        #[test]
        fn text_with_special_names_comes_back(parts in prop::collection::vec(
            prop::sample::select(vec!["<|user|>", "<|", "|>", "endoftext", "<|endoftext|>", " ", "é"]),
            0..9,
        )) {
            let text = parts.concat();
            let ids = TRAINED.encode(&text);
            prop_assert!(ids.iter().all(|&id| id >= 4));
            prop_assert_eq!(TRAINED.decode(&ids), text);
        }
    }
}
