//! The methods that tune a policy, one file each.
//!
//! A method is a set of options that knows what it is called, what it needs and how it runs ([`TuningMethod`]).
//! Everything else that names methods (commands, flags, the page's cards, `lab`) reads it off [`Method::all`]. A new
//! method is its file, its line in [`methods!`] below, and its name and one sentence on the page.
//!
//! - [`ppo`] is the one to read first, with the papers beside it;
//! - [`online`]: what the methods that learn from their own completions share; those without a value model are
//!   [`grpo`], [`rloo`], [`reinforce`], [`online_dpo`], [`raft`];
//! - [`offline`]: what the methods that learn from given completions share: [`dpo`], [`kto`], [`orpo`], [`simpo`].
//!
//! Deliberately absent: best-of-n, which tunes nothing; it is a stage of its own.

pub mod dpo;
pub mod grpo;
pub mod kto;
mod material;
pub mod offline;
pub mod online;
pub mod online_dpo;
pub mod orpo;
pub mod ppo;
mod ppo_presets;
pub mod raft;
pub mod reinforce;
pub mod rloo;
pub mod simpo;

pub use material::{EncodedRankings, Loaded, Material};

use crate::options::{Declared, Options, SetError, declare};
use crate::{Run, SessionError};
use burn::tensor::Device;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// What a method learns from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(rename_all = "snake_case")]
pub enum LearnsFrom {
    /// Its own completions of prompts, scored by reward models.
    Rewards,
    /// Rankings and pairs.
    Rankings,
    /// Rankings and pairs, and completions that are good or bad each by itself.
    Labels,
}

/// What the policies that a method trains without end approach, where that is known exactly.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum Target {
    /// `pi_ref exp(r / beta) / Z`.
    #[serde(rename = "pi_ref*exp(r/beta)/Z")]
    Optimum,
    /// The stationary point of GRPO's expected gradient.
    #[serde(rename = "grpo fixed point")]
    GrpoFixedPoint,
}

/// Options under a published name.
pub struct Preset<O> {
    /// In files and on the command line.
    pub name: &'static str,
    /// Who published them.
    pub source: &'static str,
    /// The options.
    pub options: fn() -> O,
}

/// A method: its options, and how they run.
pub trait TuningMethod: Options {
    /// In commands, files and logs: `dpo`.
    const NAME: &'static str;
    /// In prose: `DPO`.
    const TITLE: &'static str;
    /// What it does, in one line.
    const ABOUT: &'static str;
    /// The paper.
    const SOURCE: &'static str;
    /// What it learns from.
    const LEARNS_FROM: LearnsFrom;
    /// Where it must arrive; nothing where no exact answer is known.
    const TARGET: Option<Target> = None;
    /// Published options; [`Options::default`] is Nudge's own choice.
    const PRESETS: &'static [Preset<Self>] = &[];

    /// What the ranges of single options cannot say.
    ///
    /// # Errors
    /// [`SessionError::Option`] for the first option that does not go with the others.
    fn check(&self) -> Result<(), SessionError> {
        Ok(())
    }

    /// A run on `material`. Options are checked.
    ///
    /// # Errors
    /// If a model cannot be loaded or the data hold nothing to learn from.
    fn start(self, material: &dyn Material, device: &Device) -> Result<Run, SessionError>;
}

/// A method as shells show it.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct MethodInfo {
    /// In commands, files and logs.
    pub name: &'static str,
    /// In prose.
    pub title: &'static str,
    /// What it does, in one line.
    pub about: &'static str,
    /// The paper.
    pub source: &'static str,
    /// What it learns from.
    pub learns_from: LearnsFrom,
    /// Its options.
    pub options: Vec<Declared>,
    /// Published options.
    pub presets: Vec<PresetInfo>,
}

/// A preset as shells show it.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct PresetInfo {
    /// In files and on the command line.
    pub name: &'static str,
    /// Who published it.
    pub source: &'static str,
    /// Its options that are not the method's defaults.
    #[cfg_attr(test, ts(type = "Record<string, unknown>"))]
    pub options: Map<String, Value>,
}

macro_rules! methods {
    ($($name:ident($options:ty)),* $(,)?) => {
        /// A method with its options: `{"method": "dpo", "options": {"beta": 0.1}}`.
        #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
        #[serde(tag = "method", content = "options", rename_all = "snake_case")]
        #[allow(missing_docs)]
        pub enum Method { $($name($options)),* }

        impl Method {
            /// Every method with its own defaults, in the order in which they are shown.
            pub fn all() -> Vec<Self> {
                vec![$(Self::$name(<$options>::default())),*]
            }

            /// What shells show.
            pub fn info(&self) -> MethodInfo {
                match self { $(Self::$name(_) => info::<$options>()),* }
            }

            /// Gives the option called `name` a value.
            ///
            /// # Errors
            /// If the method has no such option, or the value is of another kind.
            pub fn set(&mut self, name: &str, value: Value) -> Result<(), SetError> {
                match self { $(Self::$name(options) => options.set(name, value)),* }
            }

            /// The method called so with the published options of `preset`; nothing where it has no such preset.
            pub fn preset(&self, preset: &str) -> Option<Self> {
                match self {
                    $(Self::$name(_) => {
                        let known = <$options as TuningMethod>::PRESETS.iter().find(|known| known.name == preset);
                        known.map(|known| Self::$name((known.options)()))
                    })*
                }
            }

            /// Where it must arrive, where that is known.
            pub fn target(&self) -> Option<Target> {
                match self { $(Self::$name(_) => <$options as TuningMethod>::TARGET),* }
            }

            /// A run on `material`.
            ///
            /// # Errors
            /// If an option is wrong, a model cannot be loaded or the data hold nothing to learn from.
            pub fn start(self, material: &dyn Material, device: &Device) -> Result<Run, SessionError> {
                match self {
                    $(Self::$name(options) => {
                        options.check_ranges()?;
                        TuningMethod::check(&options)?;
                        options.start(material, device)
                    })*
                }
            }
        }
    };
}

methods! {
    Ppo(ppo::PpoOptions),
    Grpo(grpo::GrpoOptions),
    Rloo(rloo::RlooOptions),
    Reinforce(reinforce::ReinforceOptions),
    Dpo(dpo::DpoOptions),
    Kto(kto::KtoOptions),
    Orpo(orpo::OrpoOptions),
    Simpo(simpo::SimpoOptions),
    OnlineDpo(online_dpo::OnlineDpoOptions),
    Raft(raft::RaftOptions),
}

impl Method {
    /// The method called so, with its defaults.
    pub fn named(name: &str) -> Option<Self> {
        Self::all().into_iter().find(|method| method.info().name == name)
    }

    /// Whether it has an option called so.
    pub fn has(&self, option: &str) -> bool {
        self.info().options.iter().any(|declared| declared.name == option)
    }
}

fn info<O: TuningMethod>() -> MethodInfo {
    MethodInfo {
        name: O::NAME,
        title: O::TITLE,
        about: O::ABOUT,
        source: O::SOURCE,
        learns_from: O::LEARNS_FROM,
        options: O::declared(),
        presets: O::PRESETS.iter().map(preset_info).collect(),
    }
}

fn preset_info<O: TuningMethod>(preset: &Preset<O>) -> PresetInfo {
    let defaults = declare::json(&O::default());
    let options = match declare::json(&(preset.options)()) {
        Value::Object(options) => options.into_iter().filter(|(name, value)| defaults[name] != *value).collect(),
        _ => Map::new(),
    };
    PresetInfo { name: preset.name, source: preset.source, options }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_option_that_several_methods_have_means_the_same_in_all() {
        let all: Vec<(&str, Declared)> = Method::all()
            .iter()
            .map(Method::info)
            .flat_map(|info| info.options.into_iter().map(move |option| (info.name, option)))
            .collect();
        for (method, option) in &all {
            for (other_method, other) in all.iter().filter(|(_, other)| other.name == option.name) {
                let pair = format!("{} of {method} and of {other_method}", option.name);
                assert_eq!((&option.kind, &option.range), (&other.kind, &other.range), "{pair}");
            }
        }
    }

    #[test]
    fn a_method_is_found_by_its_name_and_is_the_same_on_the_wire() {
        for method in Method::all() {
            let info = method.info();
            assert_eq!(serde_json::json!(method)["method"], info.name);
            assert_eq!(Method::named(info.name).as_ref(), Some(&method));
            assert!(info.about.len() < 120 && !info.about.ends_with('.'), "{}: {}", info.name, info.about);
            for option in &info.options {
                assert!(!option.doc.is_empty(), "{} of {} says nothing", option.name, info.name);
                let mut again = method.clone();
                again.set(option.name, option.default.clone()).unwrap();
                assert_eq!(again, method, "{} of {}", option.name, info.name);
            }
        }
        assert_eq!(Method::named("none"), None);
    }
}
