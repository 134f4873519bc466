//! What of a model trains: all of it, or low-rank adapters beside it (LoRA, Hu et al. 2021).
//!
//! A model of a few million parameters trains whole. Of a real one the base stays frozen as its file stores it, in
//! memory once for policy, value model, reward model and reference, and backward computes again what there is no room for.

use crate::options::declare::{AT_LEAST_ONE, POSITIVE};
use crate::platform::activations_held;
use crate::{SessionError, options};
use nudge_model::{BaseModel, Decoder, DecoderConfig, LoraConfig, Precision};
use serde::{Deserialize, Serialize};

/// What trains.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Finetuning {
    /// Adapters where the model has more than 20 M parameters or has an adapter already, everything otherwise.
    Auto,
    /// Every weight, in `f32`.
    Full,
    /// Adapters.
    Lora,
}

/// Parameters of a model that is kept as its file stores it, and trained through adapters where nobody says otherwise.
const LARGE: usize = 20_000_000;

options! {
    /// Options of every stage that trains.
    FinetuningOptions {
        /// What trains: every weight (full), low-rank adapters beside a frozen base (lora; Hu et al. 2021), or adapters
        /// from 20 M parameters on (auto)
        finetuning: Finetuning = Finetuning::Auto;
        /// Rank of the adapters
        // LoRA Without Regret (Schulman 2025): preferences are few bits, and a small rank holds them.
        lora_r: usize = 16, AT_LEAST_ONE;
        /// Adapters are scaled by lora_alpha / lora_r
        lora_alpha: f32 = 32.0, POSITIVE;
        /// Whether they are scaled by lora_alpha / sqrt(lora_r) instead (Kalajdzievski 2023)
        use_rslora: bool = false;
        /// Which matrices they adapt, separated by commas, such as q_proj,v_proj; all of the blocks where none is named
        lora_target_modules: Option<String> = None;
        /// How the numbers of what was trained are stored: bf16 has the range of f32, f16 more digits
        precision: Precision = Precision::F32;
    }
}

/// Whether a model of this shape stays as its file stores it.
pub fn is_large(config: &DecoderConfig) -> bool {
    config.parameter_count() > LARGE
}

/// Peak learning rates where none is given.
#[derive(Debug, Clone, Copy)]
pub struct Peak {
    /// Of every weight of a model of a few million parameters.
    pub small: f32,
    /// Of adapters. They need about ten times the rate of all weights (Schulman 2025, LoRA Without Regret).
    pub adapters: f32,
    /// Of every weight of a model above 20 M parameters.
    pub large: f32,
}

impl Peak {
    /// The rate given, or that of what trains in `model`.
    pub fn of(self, given: Option<f32>, model: &Decoder) -> f32 {
        given.unwrap_or(match model.adapter() {
            Some(_) => self.adapters,
            None if is_large(&model.config) => self.large,
            None => self.small,
        })
    }
}

impl FinetuningOptions {
    /// What a fresh adapter is like.
    pub fn lora(&self) -> LoraConfig {
        let targets = self.lora_target_modules.iter().flat_map(|names| names.split(','));
        LoraConfig {
            r: self.lora_r,
            alpha: self.lora_alpha,
            use_rslora: self.use_rslora,
            target_modules: targets.map(str::trim).filter(|name| !name.is_empty()).map(String::from).collect(),
        }
    }

    /// Whether adapters train of a model of this shape, rather than every weight.
    pub fn adapts(&self, config: &DecoderConfig, has_adapter: bool) -> bool {
        match self.finetuning {
            Finetuning::Auto => is_large(config) || has_adapter,
            Finetuning::Full => false,
            Finetuning::Lora => true,
        }
    }

    /// `model` as it is trained. An adapter that it has goes on; a fresh one belongs to `base`. `seed` is that of a
    /// fresh adapter.
    ///
    /// # Errors
    /// If `lora_target_modules` names a matrix that the model has not.
    pub fn start(&self, model: Decoder, seed: u64, base: impl FnOnce() -> BaseModel) -> Result<Decoder, SessionError> {
        let is_large = is_large(&model.config);
        let held = is_large.then(activations_held);
        let has_adapter = model.adapter().is_some();
        Ok(match (self.adapts(&model.config, has_adapter), has_adapter) {
            (false, false) if !is_large => model,
            (false, _) => model.merged().recomputing(held),
            (true, true) => model.recomputing(held),
            (true, false) => {
                self.check_targets(&model)?;
                model.with_fresh_adapter(self.lora(), seed, base()).recomputing(held)
            }
        })
    }

    fn check_targets(&self, model: &Decoder) -> Result<(), SessionError> {
        let all = LoraConfig { target_modules: vec![], ..self.lora() };
        let known = all.modules(model.base());
        let unknown = |target: &String| self.lora_with(target).modules(model.base()).is_empty();
        match self.lora().target_modules.into_iter().find(unknown) {
            None => Ok(()),
            Some(target) => {
                let known = known.into_iter().collect::<Vec<_>>().join(", ");
                Err(SessionError::option("lora_target_modules", target, format!("among {known}")))
            }
        }
    }

    fn lora_with(&self, target: &str) -> LoraConfig {
        LoraConfig { target_modules: vec![target.into()], ..self.lora() }
    }
}
