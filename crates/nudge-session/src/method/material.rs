//! What a method is given: models and data, opened when it asks for them.
//!
//! A session gives what its models and a command hold ([`Loaded`]); the oracle, the bench and the self-check give their
//! own.

use crate::SessionError;
use crate::batch::preferences::{Split, split_and_encode};
use crate::batch::scored::encode_completion;
use crate::finetuning::FinetuningOptions;
use crate::folder::Folder;
use crate::method::offline::OfflineOptions;
use crate::method::online::prompts::Prompts;
use crate::method::online::scores::Scorer;
use burn::tensor::Device;
use nudge_data::{EncodedDemonstration, PreferenceRecord, Prompt, Tokenizer};
use nudge_model::{Decoder, ScalarModel};

/// Rankings to train on and to measure on, every completion behind its prompt.
pub type EncodedRankings = Split<EncodedDemonstration>;

/// What a method is given.
pub trait Material {
    /// The policy to start from, as it is trained; `seed` is that of a fresh adapter.
    ///
    /// # Errors
    /// If its files hold no language model.
    fn policy(&self, finetuning: &FinetuningOptions, seed: u64, device: &Device) -> Result<Decoder, SessionError>;

    /// The tokenizer of policy, reference and reward models.
    fn tokenizer(&self) -> &Tokenizer;

    /// Who scores completions.
    ///
    /// # Errors
    /// If a reward model cannot be loaded or reads other tokens than the policy.
    fn scorer(&self, device: &Device) -> Result<Scorer, SessionError>;

    /// The first reward model, for a value model to start from, as it is trained.
    ///
    /// # Errors
    /// If it cannot be loaded, or there is none.
    fn reward_model(
        &self,
        finetuning: &FinetuningOptions,
        seed: u64,
        device: &Device,
    ) -> Result<ScalarModel, SessionError>;

    /// The prompts, each with room for `max_new_tokens` more.
    ///
    /// # Errors
    /// If there is none, or one is too long.
    fn prompts(&self, max_new_tokens: usize) -> Result<Prompts, SessionError>;

    /// The rankings, all those of some prompts set aside; `labels` says whether labelled completions are read as well.
    ///
    /// # Errors
    /// If there is none, or nothing can be learnt from one.
    fn rankings(&self, labels: bool, options: &OfflineOptions) -> Result<EncodedRankings, SessionError>;

    /// Plain text that the policy must not forget.
    fn pretraining_texts(&self) -> &[String];
}

/// What a command names and holds.
pub struct Loaded {
    /// The policy's folder.
    pub policy: Folder,
    /// The reward models' folders.
    pub rewards: Vec<Folder>,
    /// What is asked.
    pub prompts: Vec<Prompt>,
    /// Rankings, pairs, labelled completions.
    pub preferences: Vec<PreferenceRecord>,
    /// Plain text.
    pub pretraining_texts: Vec<String>,
}

impl Material for Loaded {
    fn policy(&self, finetuning: &FinetuningOptions, seed: u64, device: &Device) -> Result<Decoder, SessionError> {
        self.policy.trainable(finetuning, seed, device)
    }

    fn tokenizer(&self) -> &Tokenizer {
        &self.policy.tokenizer
    }

    fn scorer(&self, device: &Device) -> Result<Scorer, SessionError> {
        Scorer::open(&self.policy, &self.rewards, device)
    }

    fn reward_model(
        &self,
        finetuning: &FinetuningOptions,
        seed: u64,
        device: &Device,
    ) -> Result<ScalarModel, SessionError> {
        match self.rewards.first() {
            Some(reward) => reward.trainable_scalar(finetuning, seed, device),
            None => Err(SessionError::Nothing("there is no reward model to start the value model from".into())),
        }
    }

    fn prompts(&self, max_new_tokens: usize) -> Result<Prompts, SessionError> {
        Prompts::of_folder(&self.policy, self.prompts.clone(), max_new_tokens)
    }

    fn rankings(&self, labels: bool, options: &OfflineOptions) -> Result<EncodedRankings, SessionError> {
        let longest = options.passes.max_length;
        let encode = |prompt: &Prompt, completion: &str| encode_completion(&self.policy, prompt, completion, longest);
        split_and_encode(&self.preferences, labels, options.held_out, options.seed, encode)
    }

    fn pretraining_texts(&self) -> &[String] {
        &self.pretraining_texts
    }
}
