//! The options of a run, of which a trainer takes what it has words for.

use serde_json::{Map, Value};
use std::collections::BTreeSet;

/// Options, and which of them were taken.
pub struct Carried {
    options: Map<String, Value>,
    taken: BTreeSet<&'static str>,
    words: Vec<String>,
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
    pub fn take(&mut self, name: &'static str, words: &str) {
        if let Some(value) = self.value(name) {
            self.words.push(words.replace("{}", &plain(&value)));
        }
    }

    /// The same of an option that is one of some names, which have others there. A name without another stays behind.
    pub fn take_named(&mut self, name: &'static str, words: &str, names: &[(&str, &str)]) {
        let ours = self.options.get(name).map(plain);
        if let Some((_, theirs)) = names.iter().find(|(known, _)| Some(*known) == ours.as_deref()) {
            self.taken.insert(name);
            self.words.push(words.replace("{}", theirs));
        }
    }

    /// Words that stand for no option alone.
    pub fn say(&mut self, words: String) {
        self.words.push(words);
    }

    /// Rank, alpha and targets of the adapters, where adapters are trained.
    pub fn lora(&mut self) -> Option<Lora> {
        let trains = self.value("finetuning").map(|value| plain(&value));
        let [r, alpha] = ["lora_r", "lora_alpha"].map(|name| self.number(name));
        let targets = self.value("lora_target_modules").map(|value| plain(&value));
        let rslora = self.value("use_rslora") == Some(true.into());
        (trains.as_deref() != Some("full")).then_some(Lora { r: r? as usize, alpha: alpha?, targets, rslora })
    }

    /// All words so far.
    pub fn words(&mut self) -> Vec<String> {
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
    /// Names, separated by commas.
    targets: Option<String>,
}

impl Lora {
    /// What is adapted, in PEFT's words.
    pub fn targets(&self) -> String {
        self.targets.as_ref().map_or("all-linear".into(), |names| names.replace(',', " "))
    }
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), String::from)
}
