//! The options of a run, of which a trainer takes what it has words for.

use super::script::Words;
use anyhow::Result;
use serde_json::{Map, Value};
use std::collections::BTreeSet;

/// What trains.
const FINETUNING: &str = "finetuning";

/// Options, and which of them were taken.
pub struct Carried {
    options: Map<String, Value>,
    taken: BTreeSet<&'static str>,
    words: Vec<Words>,
}

impl Carried {
    pub fn new(options: Map<String, Value>) -> Self {
        Self { options, taken: BTreeSet::new(), words: Vec::new() }
    }

    /// What an option is, where it is anything. From now on it counts as carried over.
    pub fn value(&mut self, name: &'static str) -> Option<Value> {
        let value = self.options.get(name).filter(|value| !value.is_null()).cloned()?;
        self.taken.insert(name);
        Some(value)
    }

    pub fn number(&mut self, name: &'static str) -> Option<f64> {
        self.value(name)?.as_f64()
    }

    /// Puts an option into the trainer's words: `{}` is its value.
    pub fn take(&mut self, name: &'static str, words: &'static str) {
        if let Some(value) = self.value(name) {
            self.words.push(Words::with(words, [&plain(&value)]));
        }
    }

    /// The same of an option that is one of some names, which have others there. A name without another stays behind.
    pub fn take_named(&mut self, name: &'static str, words: &'static str, names: &[(&str, &'static str)]) {
        let ours = self.options.get(name).map(plain);
        if let Some((_, theirs)) = names.iter().find(|(known, _)| Some(*known) == ours.as_deref()) {
            self.taken.insert(name);
            self.words.push(Words::joined(words, theirs));
        }
    }

    /// Words that stand for no option alone.
    pub fn say(&mut self, words: Words) {
        self.words.push(words);
    }

    /// Makes `auto` what it is for this policy. Where nobody says what the policy is, adapters are trained: it is a
    /// hub's model, and those are large.
    ///
    /// # Errors
    /// If the policy cannot be read.
    pub fn settle_finetuning(&mut self, adapts: impl FnOnce() -> Result<bool>) -> Result<()> {
        if let Some(trains) = self.options.get_mut(FINETUNING).filter(|trains| **trains == "auto") {
            *trains = if adapts()? { "lora" } else { "full" }.into();
        }
        Ok(())
    }

    /// Rank, alpha and targets of the adapters, where adapters are trained.
    pub fn lora(&mut self) -> Option<Lora> {
        let trains = self.value(FINETUNING).map(|value| plain(&value));
        let [r, alpha] = ["lora_r", "lora_alpha"].map(|name| self.number(name));
        let targets = self.value("lora_target_modules").map(|value| targets_in(&plain(&value))).unwrap_or_default();
        let rslora = self.value("use_rslora") == Some(true.into());
        (trains.as_deref() != Some("full")).then_some(Lora { r: r? as usize, alpha: alpha?, targets, rslora })
    }

    /// All words so far.
    pub fn words(&mut self) -> Vec<Words> {
        std::mem::take(&mut self.words)
    }

    /// What was not carried over, but for what says nothing.
    pub fn left(&self) -> Vec<(&str, &Value)> {
        let says = |value: &Value| !value.is_null() && *value != Value::Bool(false) && *value != 0.0 && *value != 0;
        let left = self.options.iter().filter(|(name, value)| !self.taken.contains(name.as_str()) && says(value));
        left.map(|(name, value)| (name.as_str(), value)).collect()
    }
}

/// Adapters.
pub struct Lora {
    pub r: usize,
    pub alpha: f64,
    pub rslora: bool,
    /// Names of matrices; none where all are adapted.
    targets: Vec<String>,
}

impl Lora {
    /// `words`, and behind them what is adapted, in PEFT's words.
    pub fn targets_behind(&self, words: Words) -> Words {
        match self.targets.as_slice() {
            [] => words.and("all-linear"),
            targets => targets.iter().fold(words, |words, target| words.and(target)),
        }
    }
}

/// The names in `lora_target_modules`.
pub fn targets_in(names: &str) -> Vec<String> {
    names.split(',').map(str::trim).filter(|name| !name.is_empty()).map(String::from).collect()
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), String::from)
}
